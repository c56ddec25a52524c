"""$batch: the envelope's rules, one status per item, headers per item, dependencies."""

import pytest

from recon.lab.graph import Limits, parse_fault
from tests.support.graph import ADA, GROUP, JUERGEN, TENANT, WRITER, user_id

JSON = {"Content-Type": "application/json"}


def by_id(answer):
    assert answer.status_code == 200, answer.text
    return {item["id"]: item for item in answer.json()["responses"]}


def patch(key, **properties):
    return {"method": "PATCH", "url": f"/users/{key}", "headers": JSON, "body": properties}


def test_each_item_has_its_own_answer(graph):
    found = by_id(
        graph.batch(
            {"url": f"/users/{ADA}?$select=id"},
            {"url": f"users/{user_id(99)}"},
            {"url": "/users?$select=nosuch"},
            {"url": "/users/$count", "headers": {"ConsistencyLevel": "eventual"}},
            {"url": "/users/$count"},
            {"url": f"/groups/{GROUP}/members?$select=id&$top=2", "headers": {"consistencylevel": "eventual"}},
        )
    )
    assert [found[str(n)]["status"] for n in range(1, 7)] == [200, 404, 400, 200, 400, 200]
    assert found["1"]["body"]["id"] == ADA
    assert found["1"]["headers"]["x-ms-resource-unit"] == "1"
    assert found["2"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert found["4"]["body"] == "25"
    assert found["6"]["body"]["@odata.nextLink"].startswith(f"{graph.simulator.url}/v1.0/groups/{GROUP}/members?")


def test_the_outer_header_does_not_reach_the_items(graph):
    requests_ = {"requests": [{"id": "1", "method": "GET", "url": "/users/$count"}]}
    answer = graph.session.post(
        f"{graph.simulator.url}/v1.0/$batch", json=requests_, headers={"ConsistencyLevel": "eventual"}
    )
    assert by_id(answer)["1"]["status"] == 400


def test_a_next_link_made_relative_goes_on(graph):
    headers = {"ConsistencyLevel": "eventual"}
    first = by_id(graph.batch({"url": f"/groups/{GROUP}/members?$select=id&$top=3", "headers": headers}))["1"]["body"]
    link = first["@odata.nextLink"]
    relative = link.removeprefix(f"{graph.simulator.url}/v1.0")
    second = by_id(graph.batch({"url": relative, "headers": headers}, {"url": link, "headers": headers}))
    assert len(second["1"]["body"]["value"]) == 2
    assert second["2"]["status"] == 400


def test_answers_come_in_any_order(graph):
    orders = set()
    for _ in range(5):
        answer = graph.batch(*({"url": f"/users/{user_id(n)}?$select=id"} for n in range(1, 21))).json()
        assert len(answer["responses"]) == 20
        orders.add(tuple(item["id"] for item in answer["responses"]))
    assert len(orders) == 5


def test_writes_in_a_batch(start):
    graph = start(WRITER)
    found = by_id(
        graph.batch(
            patch(ADA, otherMails=["a@example.net"]),
            patch(JUERGEN, otherMails=["bäd@example.net"]),
            patch(user_id(99), otherMails=[]),
        )
    )
    assert [found[str(n)]["status"] for n in (1, 2, 3)] == [204, 400, 404]
    assert "body" not in found["1"]
    assert [write.user_id for write in graph.simulator.writes] == [ADA]
    assert graph.simulator.requests[-1].items == (
        ("PATCH", f"/users/{ADA}", 204),
        ("PATCH", f"/users/{JUERGEN}", 400),
        ("PATCH", f"/users/{user_id(99)}", 404),
    )


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"url": "/users"}] * 21,
        [{"id": "a", "url": "/users"}, {"id": "A", "url": "/groups"}],
        [{"id": 1, "url": "/users"}],
        [{"url": ""}],
        [{"url": "/users", "method": "TRACE"}],
        [{"url": f"/users/{ADA}", "method": "PATCH", "body": {"otherMails": []}}],
        [{"url": f"/users/{ADA}", "method": "PATCH", "headers": JSON}],
        [{"url": "/users", "dependsOn": ["9"]}],
        [{"url": "/users", "dependsOn": ["2"]}],
        [{"url": "/users"}, {"url": "/users"}, {"url": "/users", "dependsOn": ["2", "3"]}],
        [{"url": "/users"}, {"url": "/users"}, {"url": "/users", "dependsOn": ["2"]}],
    ],
)
def test_a_batch_that_breaks_the_rules_runs_nothing(start, items):
    graph = start(WRITER)
    answer = graph.batch(patch(ADA, otherMails=["a@example.net"]) | {"id": "w"}, *items) if items else graph.batch()
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadRequest"
    assert graph.simulator.writes == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"requests":{}}', b'{"requests":[1]}'])
def test_bodies_that_are_no_batch(graph, body):
    answer = graph.session.post(f"{graph.simulator.url}/v1.0/$batch", data=body, headers=JSON)
    assert answer.status_code == 400


def test_a_chain_fails_behind_its_first_failure(graph):
    found = by_id(
        graph.batch(
            {"id": "a", "url": f"/users/{ADA}"},
            {"id": "b", "url": f"/users/{user_id(99)}", "dependsOn": ["A"]},
            {"id": "c", "url": f"/users/{ADA}", "dependsOn": ["b"]},
        )
    )
    assert [found[key]["status"] for key in "abc"] == [200, 404, 424]


def test_all_may_depend_on_one(graph):
    found = by_id(
        graph.batch(
            {"id": "b", "url": f"/users/{ADA}", "dependsOn": ["a"]},
            {"id": "a", "url": f"/users/{ADA}"},
            {"id": "c", "url": f"/users/{ADA}", "dependsOn": ["a"]},
        )
    )
    assert {item["status"] for item in found.values()} == {200}


def test_items_are_throttled_one_by_one(start):
    graph = start(WRITER, limits=Limits(app_tenant_write=(5, 150)), time_scale=1000)
    found = by_id(graph.batch(*(patch(user_id(n), otherMails=[]) for n in range(5, 15))))
    statuses = [found[str(n)]["status"] for n in range(1, 11)]
    assert statuses == [204] * 5 + [429] * 5
    refused = found["10"]
    assert float(refused["headers"]["Retry-After"]) > 0
    assert refused["headers"]["x-ms-throttle-scope"] == f"Tenant_Application/Write/{WRITER}/{TENANT}"
    assert refused["body"]["error"]["code"] == "TooManyRequests"
    assert len(graph.simulator.writes) == 5


def test_a_scripted_fault_strikes_one_item(start):
    graph = start(WRITER, faults=[parse_fault(f"429:3@/users/{JUERGEN}/")])
    found = by_id(graph.batch(patch(ADA, otherMails=[]), patch(JUERGEN, otherMails=[])))
    assert (found["1"]["status"], found["2"]["status"]) == (204, 429)
    assert found["2"]["headers"]["Retry-After"] == "3"
    assert by_id(graph.batch(patch(JUERGEN, otherMails=[])))["1"]["status"] == 204


def test_a_long_url_is_allowed_in_a_batch(graph):
    url = f"/users/{ADA}?$select=" + ",".join(["id"] * 800)
    assert by_id(graph.batch({"url": url, "headers": {"ConsistencyLevel": "eventual"}}))["1"]["status"] == 200
