"""The socket: start, stop, ports, latency, the laboratory's own paths."""

import asyncio
import contextlib
import json
import socket
import threading

import pytest
import requests

from recon.errors import ReconError, UsageError
from recon.lab.graph import GraphSimulator, Tenant
from tests.support.graph import ADA, APPS, READER, TENANT, Graph, tenant


def simulator(**options):
    return GraphSimulator([tenant()], apps=APPS, **options)


def test_it_ends_cleanly_with_open_connections():
    server = simulator().start()
    port = int(server.url.rpartition(":")[2])
    graph = Graph(server)
    assert graph.get("/users").status_code == 200
    server.stop()
    server.stop()
    graph.session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "graph-simulator"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_ends_while_an_answer_is_under_way():
    is_asked = threading.Event()

    async def hold(_seconds):
        is_asked.set()
        await asyncio.sleep(3600)

    server = simulator(latency=5.0, sleep=hold).start()
    ended: list[str] = []

    def ask():
        try:
            ended.append(str(requests.get(f"{server.url}/v1.0/users").status_code))
        except requests.ConnectionError:
            ended.append("closed")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert is_asked.wait(60)
    server.stop()
    thread.join(60)
    assert ended in (["500"], ["closed"])


def test_a_port_can_be_chosen_and_may_be_taken():
    with simulator() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ReconError, match=f"cannot listen on 127.0.0.1:{port}"):
            simulator(port=port).start()
    with simulator(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


def test_latency_is_waited_side_by_side():
    waiting, waits, has_all = [], [], asyncio.Event()

    async def hold(seconds):
        waits.append(seconds)
        waiting.append(seconds)
        if len(waiting) == 6:
            has_all.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(has_all.wait(), 60)
        waiting.pop()

    with simulator(latency=0.3, sleep=hold) as server:
        graphs = [Graph(server) for _ in range(6)]
        threads = [threading.Thread(target=graph.get, args=("/users",)) for graph in graphs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert has_all.is_set()
        assert len(waits) == 6
        assert all(0.0 <= wait < 0.3 for wait in waits)  # the server's own work is a part of the latency
        assert len(server.requests) == 6
        for graph in graphs:
            graph.session.close()


def test_requests_are_logged():
    with simulator() as server:
        graph = Graph(server)
        answer = graph.get(f"/users/{ADA}?$select=id", **{"client-request-id": "c-7"})
        record = server.requests[0]
        assert (record.number, record.method, record.target) == (1, "GET", f"/users/{ADA}?$select=id")
        assert (record.status, record.units, record.client_id, record.fault) == (200, 1, READER, None)
        assert (record.request_id, record.client_request_id) == (answer.headers["request-id"], "c-7")
        shown = graph.session.get(f"{server.url}/_lab/requests").json()["value"]
        assert shown[0]["target"] == record.target
        assert "Bearer" not in json.dumps(shown)
        assert graph.session.get(f"{server.url}/_lab/nosuch").status_code == 404
        graph.session.close()


def test_two_tenants_may_not_share_a_name():
    with pytest.raises(UsageError, match=r"Contoso\.example"):
        GraphSimulator(
            [Tenant(TENANT, [], domains=("contoso.example",)), Tenant("t2", [], domains=("Contoso.example",))],
            apps=APPS,
        )


def test_an_unknown_user_is_a_usage_error():
    server = simulator()
    for call in (server.user, server.remove_user, server.make_privileged, server.change_user):
        with pytest.raises(UsageError, match="no user nobody"):
            call(TENANT, "nobody")
    with pytest.raises(UsageError, match="no property 'nosuch'"):
        server.change_user(TENANT, ADA, nosuch=1)
