"""GET of group members: types, stubs, casts, the header rule, pages."""

import pytest

from recon.errors import UsageError
from recon.lab.graph import GraphSimulator, Tenant
from tests.support.graph import ADA, APPS, BASIC, DEVICE, GROUP, GUEST, JUERGEN, NESTED, TENANT, Graph, code


def test_direct_members_with_their_types_and_no_service_principal(graph):
    found = graph.get(f"/groups/{GROUP}/members?$select=id,displayName", advanced=True).json()["value"]
    assert found == [
        {"@odata.type": "#microsoft.graph.user", "id": ADA, "displayName": "Ada Stone"},
        {"@odata.type": "#microsoft.graph.user", "id": JUERGEN, "displayName": "Jürgen Müller"},
        {"@odata.type": "#microsoft.graph.user", "id": GUEST, "displayName": "Guest"},
        {"@odata.type": "#microsoft.graph.group", "id": NESTED, "displayName": "Nested"},
        {"@odata.type": "#microsoft.graph.device", "id": DEVICE, "displayName": "Laptop"},
    ]


def test_types_that_may_not_be_read_are_stubs_with_nulls(as_app):
    found = as_app(BASIC).get(f"/groups/{GROUP}/members?$select=id,displayName", advanced=True).json()["value"]
    assert found[0]["displayName"] == "Ada Stone"
    assert found[3:] == [
        {"@odata.type": "#microsoft.graph.group", "id": NESTED, "displayName": None},
        {"@odata.type": "#microsoft.graph.device", "id": DEVICE, "displayName": None},
    ]


@pytest.mark.parametrize("query", ["$select=id", "$top=2"])
def test_options_need_the_header(graph, query):
    assert code(graph.get(f"/groups/{GROUP}/members?{query}")) == (400, "Request_UnsupportedQuery")
    assert graph.get(f"/groups/{GROUP}/members?{query}", advanced=True).status_code == 200
    assert graph.get(f"/groups/{GROUP}/members").status_code == 200


def test_count_of_members(graph):
    path = f"/groups/{GROUP}/members"
    assert "@odata.count" not in graph.get(f"{path}?$count=true").json()
    assert graph.get(f"{path}?$count=true", advanced=True).json()["@odata.count"] == 5
    assert code(graph.get(f"{path}/$count"))[0] == 400
    assert graph.get(f"{path}/$count", advanced=True).text == "5"
    assert graph.get(f"{path}/microsoft.graph.user/$count", advanced=True).text == "3"


def test_the_cast_needs_the_header_and_drops_the_type(graph):
    path = f"/groups/{GROUP}/members/microsoft.graph.user"
    assert code(graph.get(path)) == (400, "Request_UnsupportedQuery")
    found = graph.get(f"{path}?$select=id,employeeId", advanced=True).json()["value"]
    assert found == [
        {"id": ADA, "employeeId": "1001"},
        {"id": JUERGEN, "employeeId": "1002"},
        {"id": GUEST, "employeeId": None},
    ]
    impossible = f"/groups/{GROUP}/members/microsoft.graph.application"
    assert code(graph.get(impossible, advanced=True)) == (400, "Request_UnsupportedQuery")


def test_pages_of_members(graph):
    path = f"/groups/{GROUP}/members"
    assert graph.listing(path, {"$select": "id", "$top": "2"}, advanced=True) == [ADA, JUERGEN, GUEST, NESTED, DEVICE]


def test_empty_and_unknown_groups(graph):
    assert graph.get(f"/groups/{NESTED}/members").json()["value"] == []
    assert code(graph.get(f"/groups/{ADA}/members")) == (404, "Request_ResourceNotFound")
    assert code(graph.get(f"/groups/{GROUP}/members?$select=nosuch", advanced=True)) == (400, "Request_BadRequest")


def test_a_member_that_vanished_is_not_listed(start):
    graph = start()
    graph.simulator.remove_user(TENANT, JUERGEN)
    path = f"/groups/{GROUP}/members"
    assert graph.listing(path, {"$select": "id", "$top": "1"}, advanced=True) == [ADA, GUEST, NESTED, DEVICE]
    assert graph.get(f"{path}/$count", advanced=True).text == "4"
    assert len(graph.listing("/users")) == 24
    assert graph.get("/users/$count", advanced=True).text == "24"


def test_ids_are_found_without_regard_to_case():
    user, group = "ABCDEF00-0000-0000-0000-000000000001", "ABCDEF00-0000-0000-0000-00000000000A"
    members = [(group.lower(), {"@odata.type": "#microsoft.graph.user", "id": user.lower()})]
    with GraphSimulator([Tenant(TENANT, [{"id": user}], [{"id": group}], members)], apps=APPS) as simulator:
        client = Graph(simulator)
        for key in (group, group.lower()):
            found = client.get(f"/groups/{key}/members?$select=id", advanced=True).json()["value"]
            assert found == [{"@odata.type": "#microsoft.graph.user", "id": user}]
        client.session.close()


@pytest.mark.parametrize(
    ("group", "member", "said"),
    [
        ("nosuch", {"@odata.type": "#microsoft.graph.user", "id": ADA}, "unknown group"),
        (GROUP, {"@odata.type": "#microsoft.graph.printer", "id": ADA}, "not a group member"),
        (GROUP, {"id": ADA}, "not a group member"),
        (GROUP, {"@odata.type": "#microsoft.graph.user", "id": "nosuch"}, "unknown user"),
    ],
)
def test_members_that_are_none_are_refused_at_the_start(group, member, said):
    with pytest.raises(UsageError, match=said):
        GraphSimulator([Tenant(TENANT, [], [{"id": GROUP}], [(group, member)])], apps=APPS)


@pytest.mark.parametrize("users", [[{"displayName": "x"}], [{"id": "1"}, {"id": "1"}], [{"id": "1", "nosuch": 1}]])
def test_users_that_are_none_are_refused_at_the_start(users):
    with pytest.raises(UsageError):
        GraphSimulator([Tenant(TENANT, users)], apps=APPS)
