"""PATCH of users: what is accepted and kept, every refusal, nothing done by halves."""

import threading
from itertools import pairwise

import pytest

from recon.lab.graph import App, GraphSimulator
from tests.support.graph import ADA, ADMIN, APPS, CLOUD, GUEST, JUERGEN, TENANT, WRITER, Graph, code, tenant, user_id

BAD = (400, "Request_BadRequest")


@pytest.fixture
def graph(start):
    return start(WRITER)


def test_other_mails_are_replaced_as_a_whole(graph):
    answer = graph.patch(JUERGEN, otherMails=["new@example.net", "second@example.net"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-ms-resource-unit"] == "1"
    found = graph.get(f"/users/{JUERGEN}?$select=otherMails").json()
    assert found["otherMails"] == ["new@example.net", "second@example.net"]
    assert graph.patch(JUERGEN, otherMails=[]).status_code == 204
    assert graph.simulator.user(TENANT, JUERGEN)["otherMails"] == []


def test_every_write_is_kept_in_order(graph):
    first = graph.session.patch(
        f"{graph.simulator.url}/v1.0/users/{ADA}",
        json={"otherMails": ["ada@example.net"]},
        headers={"client-request-id": "c-1"},
    )
    graph.patch("juergen.mueller@contoso.example", usageLocation="AT", otherMails=[])
    graph.patch(ADA, otherMails=["nö@example.net"])
    kept = graph.simulator.writes
    assert [(w.tenant_id, w.user_id, w.property, w.before, w.after) for w in kept] == [
        (TENANT, ADA, "otherMails", [], ["ada@example.net"]),
        (TENANT, JUERGEN, "usageLocation", "DE", "AT"),
        (TENANT, JUERGEN, "otherMails", ["jm@example.net"], []),
    ]
    assert (kept[0].request_id, kept[0].client_request_id) == (first.headers["request-id"], "c-1")
    assert kept[0].time <= kept[1].time
    shown = graph.session.get(f"{graph.simulator.url}/_lab/writes").json()["value"]
    assert [w["user_id"] for w in shown] == [ADA, JUERGEN, JUERGEN]


@pytest.mark.parametrize(
    "name", ["department", "mobilePhone", "onPremisesExtensionAttributes", "onPremisesImmutableId"]
)
def test_mastered_properties_of_synced_users(graph, name):
    answer = graph.patch(ADA, **{name: "x"})
    assert code(answer) == BAD
    assert answer.json()["error"]["message"] == (
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration."
    )


def test_a_refused_property_refuses_the_whole_call(graph):
    assert code(graph.patch(ADA, otherMails=["a@example.net"], department="IT")) == BAD
    assert code(graph.patch(ADA, otherMails=["a@example.net"], usageLocation="Germany")) == BAD
    assert graph.simulator.user(TENANT, ADA)["otherMails"] == []
    assert graph.simulator.writes == []


@pytest.mark.parametrize(
    "mails",
    [
        [f"m{n}@example.net" for n in range(251)],
        ["x" * 239 + "@example.net"],
        ["jörg@example.net"],
        ["a@exämple.net"],
        ["no address"],
        ["@example.net"],
        ["a@b@example.net"],
        ["a b@example.net"],
        ["a@example.net", "A@example.net"],
        [""],
        [None],
        [1],
        "a@example.net",
        None,
        {"a": 1},
    ],
)
def test_other_mails_that_are_refused(graph, mails):
    assert code(graph.patch(ADA, otherMails=mails)) == BAD
    assert graph.simulator.writes == []


def test_other_mails_at_the_bounds(graph):
    mails = [f"m{n}@example.net" for n in range(249)] + ["x" * 238 + "@example.net"]
    assert len(mails[-1]) == 250
    assert graph.patch(ADA, otherMails=mails).status_code == 204


@pytest.mark.parametrize("value", ["Germany", "D", "", "D1", "ÄÖ", None, 5])
def test_locations_that_are_refused(graph, value):
    assert code(graph.patch(ADA, usageLocation=value)) == BAD


def test_guests_may_be_written(graph):
    assert graph.patch(GUEST, otherMails=["g@example.net"], usageLocation="NL").status_code == 204


def test_privileged_users_are_closed_for_sensitive_properties_only(graph):
    assert code(graph.patch(ADMIN, otherMails=["a@example.net"])) == (403, "Authorization_RequestDenied")
    assert graph.patch(ADMIN, usageLocation="DE").status_code == 204
    graph.simulator.make_privileged(TENANT, CLOUD)
    assert code(graph.patch(CLOUD, otherMails=["a@example.net"])) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("role", "strict", "plain", "admin"),
    [
        (None, False, 204, 403),
        (None, True, 403, 403),
        ("User Administrator", True, 204, 403),
        ("Privileged Authentication Administrator", True, 204, 204),
    ],
)
def test_directory_roles_of_the_application(role, strict, plain, admin):
    apps = APPS | {WRITER: App(APPS[WRITER].secret, ["User.ReadWrite.All"], role)}
    with GraphSimulator([tenant()], apps=apps, strict_roles=strict) as simulator:
        graph = Graph(simulator, WRITER)
        assert graph.patch(ADA, otherMails=[]).status_code == plain
        assert graph.patch(ADMIN, otherMails=[]).status_code == admin
        graph.session.close()


def test_unknown_user_and_unknown_property(graph):
    assert code(graph.patch(user_id(99), otherMails=[])) == (404, "Request_ResourceNotFound")
    assert code(graph.patch(ADA, otherMail=[])) == BAD
    assert code(graph.patch(CLOUD, createdDateTime="2020-01-01T00:00:00Z")) == BAD
    assert code(graph.patch(CLOUD, department="IT")) == (501, "NotImplemented")
    graph.simulator.remove_user(TENANT, CLOUD)
    assert code(graph.patch(CLOUD, otherMails=[])) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"otherMails":', {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "application/json"}, 400),
        (b"", {"Content-Type": "application/json"}, 400),
        (b'{"otherMails":[]}', {}, 400),
        (b'{"otherMails":[]}', {"Content-Type": "text/plain"}, 415),
    ],
)
def test_bodies_that_are_refused(graph, body, headers, status):
    answer = graph.session.patch(f"{graph.simulator.url}/v1.0/users/{ADA}", data=body, headers=headers)
    assert code(answer) == (status, "Request_BadRequest")


def test_concurrent_writes_are_each_whole(graph):
    def write(number):
        client = Graph(graph.simulator, WRITER)
        for step in range(10):
            assert client.patch(ADA, otherMails=[f"t{number}.{step}@example.net"]).status_code == 204
        client.session.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = graph.simulator.writes
    assert len(kept) == 40
    assert all(later.before == earlier.after for earlier, later in pairwise(kept))


def test_changes_of_another_administrator_are_not_our_writes(graph):
    graph.simulator.change_user(TENANT, ADA, otherMails=["elsewhere@example.net"], employeeId="77")
    assert graph.get(f"/users/{ADA}?$select=otherMails").json()["otherMails"] == ["elsewhere@example.net"]
    assert graph.listing("/users", {"$filter": "employeeId eq '77'"}) == [ADA]
    assert graph.listing("/users", {"$filter": "employeeId eq '1001'"}) == []
    assert graph.simulator.writes == []
