"""/directory/deletedItems: listed with a cast, read, restored, deleted for good."""

import uuid

import pytest

from tests.support.graph import (
    ADA,
    ADMIN,
    BASIC,
    CLOUD,
    GROUP,
    HIDDEN,
    JUERGEN,
    KEEPER,
    NESTED,
    READER,
    ROLE,
    TENANT,
    WRITER,
    Graph,
    as_user,
    code,
)

USERS, GROUPS = "/directory/deletedItems/microsoft.graph.user", "/directory/deletedItems/microsoft.graph.group"
DENIED = (403, "Authorization_RequestDenied")
SECURITY, LIST, SYNCED = (str(uuid.UUID(int=0xC0 + n)) for n in range(3))


def test_deleted_users_are_listed_with_their_cast(start):
    graph = start()
    for key in (ADA, JUERGEN):
        graph.simulator.delete_user(TENANT, key)
    query = {"$select": "id,displayName,deletedDateTime,onPremisesSyncEnabled", "$count": "true"}
    answer = graph.get(USERS, query, advanced=True).json()
    assert answer["@odata.count"] == 2
    assert [(item["id"], item["displayName"], item["onPremisesSyncEnabled"]) for item in answer["value"]] == [
        (ADA, "Ada Stone", True),
        (JUERGEN, "Jürgen Müller", True),
    ]
    assert all(item["deletedDateTime"].endswith("Z") for item in answer["value"])
    assert graph.listing("/directory/deletedItems/graph.user", {"$top": "1"}) == [ADA, JUERGEN]
    assert graph.get(f"{USERS}/$count", advanced=True).text == "2"
    assert ADA not in graph.listing("/users")
    assert code(graph.get(f"/users/{ADA}")) == (404, "Request_ResourceNotFound")


def test_the_cast_is_required(graph):
    assert code(graph.get("/directory/deletedItems")) == (400, "Request_UnsupportedQuery")
    assert code(graph.get("/directory/deletedItems/microsoft.graph.application")) == (501, "NotImplemented")
    assert code(graph.get(f"{USERS}/nosuch")) == (400, "BadRequest")


def test_one_deleted_object(start):
    graph = start()
    graph.simulator.delete_user(TENANT, ADA)
    found = graph.get(f"/directory/deletedItems/{ADA}?$select=id,deletedDateTime").json()
    assert found["@odata.type"] == "#microsoft.graph.user"
    assert found["id"] == ADA
    assert found["deletedDateTime"] is not None
    assert code(graph.get(f"/directory/deletedItems/{CLOUD}")) == (404, "Request_ResourceNotFound")


def test_restored_as_it_was(start):
    graph = start(KEEPER)
    before = graph.simulator.user(TENANT, JUERGEN)
    graph.simulator.delete_user(TENANT, JUERGEN)
    answer = graph.send("POST", f"/directory/deletedItems/{JUERGEN}/restore")
    assert answer.status_code == 200
    assert answer.json()["@odata.type"] == "#microsoft.graph.user"
    assert answer.json()["id"] == JUERGEN
    assert graph.simulator.user(TENANT, JUERGEN) == before
    assert graph.listing(USERS) == []
    assert code(graph.send("POST", f"/directory/deletedItems/{JUERGEN}/restore")) == (404, "Request_ResourceNotFound")


def test_deleted_for_good(start):
    graph = start(KEEPER)
    graph.simulator.delete_user(TENANT, JUERGEN)
    assert graph.send("DELETE", f"/directory/deletedItems/{JUERGEN}").status_code == 204
    assert graph.listing(USERS) == []
    assert code(graph.get(f"/directory/deletedItems/{JUERGEN}")) == (404, "Request_ResourceNotFound")
    assert JUERGEN not in graph.listing(f"/groups/{GROUP}/members")


def test_thirty_days(start):
    graph = start()
    graph.simulator.delete_user(TENANT, ADA)
    graph.simulator.advance(days=30, seconds=-60)
    assert graph.listing(USERS) == [ADA]
    graph.simulator.advance(seconds=120)
    assert graph.listing(USERS) == []
    assert graph.get("/users/$count", advanced=True).text == "24"


def test_which_groups_are_kept(start):
    graph = start(KEEPER)
    for key, properties in (
        (SECURITY, {"securityEnabled": True, "mailEnabled": False}),
        (LIST, {"securityEnabled": True, "mailEnabled": True}),
        (SYNCED, {"securityEnabled": True, "mailEnabled": False, "onPremisesSyncEnabled": True}),
    ):
        graph.simulator.create_group(TENANT, {"id": key, "displayName": "Group", **properties})
    for key in (GROUP, SECURITY, LIST, SYNCED, HIDDEN, NESTED):
        graph.simulator.delete_group(TENANT, key)
    assert graph.listing(GROUPS) == [GROUP, SECURITY]
    assert graph.listing("/groups") == []


def test_a_deleted_security_group_reports_security_disabled(start):
    graph = start(KEEPER)
    graph.simulator.create_group(TENANT, {"id": SECURITY, "displayName": "S", "securityEnabled": True})
    graph.simulator.delete_group(TENANT, SECURITY)
    found = graph.get(GROUPS, {"$select": "securityEnabled,groupTypes"}).json()["value"]
    assert found == [{"securityEnabled": False, "groupTypes": []}]
    graph.send("POST", f"/directory/deletedItems/{SECURITY}/restore")
    assert graph.get(f"/groups/{SECURITY}").json()["securityEnabled"] is True


def test_a_restored_group_has_its_members_again(start):
    graph = start(KEEPER)
    before = graph.listing(f"/groups/{GROUP}/members")
    graph.simulator.delete_group(TENANT, GROUP)
    assert code(graph.get(f"/groups/{GROUP}/members")) == (404, "Request_ResourceNotFound")
    graph.send("POST", f"/directory/deletedItems/{GROUP}/restore")
    assert graph.listing(f"/groups/{GROUP}/members") == before


def test_permissions(start):
    graph = start(KEEPER)
    graph.simulator.delete_user(TENANT, ADA)
    graph.simulator.delete_user(TENANT, ADMIN)
    graph.simulator.delete_group(TENANT, GROUP)
    others = {client: Graph(graph.simulator, client) for client in (READER, WRITER, BASIC)}
    assert others[READER].get(USERS).status_code == 200
    assert code(others[READER].get(GROUPS)) == DENIED
    assert code(others[BASIC].get(USERS)) == DENIED
    assert code(others[BASIC].get(f"/directory/deletedItems/{ADA}")) == DENIED
    assert code(others[READER].send("POST", f"/directory/deletedItems/{ADA}/restore")) == DENIED
    assert code(others[READER].send("DELETE", f"/directory/deletedItems/{ADA}")) == DENIED
    assert code(others[WRITER].send("POST", f"/directory/deletedItems/{GROUP}/restore")) == DENIED
    assert others[WRITER].send("POST", f"/directory/deletedItems/{ADA}/restore").status_code == 200
    # a privileged user needs the highest roles besides
    assert code(graph.send("POST", f"/directory/deletedItems/{ADMIN}/restore")) == DENIED
    assert code(graph.send("PATCH", f"/directory/deletedItems/{ADMIN}", json={})) == (405, "Request_BadRequest")
    for client in others.values():
        client.session.close()


@pytest.mark.parametrize("how", ["role", "group"])
def test_holders_of_roles_are_privileged(start, how):
    graph = start(WRITER)
    if how == "role":
        graph.simulator.add_role_member(TENANT, ROLE, as_user(JUERGEN))
    else:
        graph.simulator.create_group(TENANT, {"id": SECURITY, "displayName": "Tier 0", "isAssignableToRole": True})
        graph.simulator.add_member(TENANT, SECURITY, as_user(JUERGEN))
    assert code(graph.patch(JUERGEN, otherMails=[])) == DENIED
    assert graph.patch(ADA, otherMails=[]).status_code == 204
