"""Delta queries: the state, then what changed; the state of a round lives in its token."""

import uuid

import pytest

from recon.errors import UsageError
from recon.lab.graph import DeltaRules, Tenant, parse_fault
from tests.support.graph import (
    ADA,
    BASIC,
    CLOUD,
    DEVICE,
    GROUP,
    GUEST,
    HIDDEN,
    JUERGEN,
    KEEPER,
    MAILER,
    NESTED,
    NOBODY,
    OTHER_TENANT,
    TENANT,
    Graph,
    as_user,
    code,
    tenant,
    user_id,
)

NEW = str(uuid.UUID(int=0xF0))
ALL = [user_id(n) for n in range(1, 26)]
GONE = {"@removed": {"reason": "deleted"}}
BINNED = {"@removed": {"reason": "changed"}}


def ids(items):
    return [item["id"] for item in items]


def by_id(items):
    assert len(set(ids(items))) == len(items)
    return {item["id"]: item for item in items}


# ---- the first round


@pytest.mark.parametrize("name", ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"])
def test_a_first_round_is_the_state(graph, name):
    items, link = graph.round(f"/users/{name}")
    assert ids(items) == ALL
    assert "/v1.0/users/delta?$deltatoken=" in link
    assert graph.round(link)[0] == []


def test_what_was_never_set_is_left_out(graph):
    items, _ = graph.round("/users/delta?$select=displayName,mail,otherMails,accountEnabled")
    found = by_id(items)
    assert found[ADA] == {
        "id": ADA,
        "displayName": "Ada Stone",
        "mail": "ada.stone@contoso.example",
        "accountEnabled": True,
    }
    assert found[JUERGEN] == {
        "id": JUERGEN,
        "displayName": "Jürgen Müller",
        "otherMails": ["jm@example.net"],
        "accountEnabled": True,
    }


def test_without_select_the_default_properties(graph):
    items, _ = graph.round("/users/delta")
    assert by_id(items)[ADA].keys() == {"id", "displayName", "givenName", "mail", "surname", "userPrincipalName"}


def test_pages_carry_either_link(start):
    graph = start(delta=DeltaRules(page=10))
    first = graph.get("/users/delta?$select=id").json()
    assert len(first["value"]) == 10
    assert first["@odata.nextLink"].startswith(f"{graph.simulator.url}/v1.0/users/delta?$skiptoken=")
    assert first["@odata.context"].endswith("#users(id)")
    items, _ = graph.round("/users/delta?$select=id")
    assert items == [{"id": key} for key in ALL]


def test_latest_gives_a_link_and_no_data(start):
    graph = start()
    items, link = graph.round("/users/delta?$deltatoken=latest&$select=displayName")
    assert items == []
    graph.simulator.change_user(TENANT, ADA, displayName="Ada", jobTitle="Lead")
    assert graph.round(link)[0] == [{"id": ADA, "displayName": "Ada"}]


def test_an_empty_token_is_a_full_round(graph):
    assert ids(graph.round("/users/delta?$deltatoken=")[0]) == ALL


# ---- changes


def test_the_whole_selection_comes_with_a_change(start):
    graph = start()
    _, link = graph.round("/users/delta?$select=displayName,mail,jobTitle")
    graph.simulator.change_user(TENANT, ADA, jobTitle="Lead")
    items, _ = graph.round(link)
    assert items == [{"id": ADA, "displayName": "Ada Stone", "mail": "ada.stone@contoso.example", "jobTitle": "Lead"}]


def test_minimal_brings_only_what_changed(start):
    graph = start()
    _, link = graph.round("/users/delta?$select=displayName,mail,jobTitle")
    graph.simulator.change_user(TENANT, ADA, jobTitle="Lead")
    graph.simulator.create_user(TENANT, {"id": NEW, "displayName": "New", "userPrincipalName": "new@contoso.example"})
    items, _ = graph.round(link, Prefer="return=minimal")
    assert items == [{"id": ADA, "jobTitle": "Lead"}, {"id": NEW, "displayName": "New"}]


def test_minimal_holds_for_every_page_of_its_round(start):
    graph = start(delta=DeltaRules(page=1))
    _, link = graph.round("/users/delta?$select=displayName,jobTitle")
    for key in (ADA, JUERGEN):
        graph.simulator.change_user(TENANT, key, jobTitle="Lead")
    first = graph.get(link, Prefer="return=minimal").json()
    rest, following = graph.round(first["@odata.nextLink"])
    assert first["value"] + rest == [{"id": ADA, "jobTitle": "Lead"}, {"id": JUERGEN, "jobTitle": "Lead"}]
    graph.simulator.change_user(TENANT, ADA, jobTitle="Boss")
    assert graph.round(following)[0] == [{"id": ADA, "displayName": "Ada Stone", "jobTitle": "Boss"}]


def test_a_cleared_property_is_null_and_a_cleared_collection_empty(start):
    graph = start()
    _, link = graph.round("/users/delta?$select=employeeId,jobTitle,otherMails")
    graph.simulator.change_user(TENANT, JUERGEN, employeeId=None, otherMails=[])
    items, link = graph.round(link)
    assert items == [{"id": JUERGEN, "employeeId": None, "otherMails": []}]
    graph.simulator.change_user(TENANT, JUERGEN, employeeId="1002")
    assert graph.round(link)[0] == [{"id": JUERGEN, "employeeId": "1002", "otherMails": []}]


def test_an_unselected_change_is_not_told(start):
    graph = start()
    _, link = graph.round("/users/delta?$select=displayName")
    graph.simulator.change_user(TENANT, ADA, jobTitle="Lead")
    assert graph.round(link)[0] == []


def test_writes_are_told_too(start):
    graph = start(KEEPER)
    _, link = graph.round("/users/delta?$select=otherMails")
    assert graph.patch(ADA, otherMails=["ada@example.net"]).status_code == 204
    assert graph.round(link)[0] == [{"id": ADA, "otherMails": ["ada@example.net"]}]


def test_a_write_on_its_way_is_told_later(start):
    graph = start(KEEPER, eventual=0.4)
    _, link = graph.round("/users/delta?$select=otherMails")
    graph.patch(ADA, otherMails=["ada@example.net"])
    seen = []
    for _ in range(400):
        items, link = graph.round(link)
        seen += items
        if seen:
            break
    assert seen == [{"id": ADA, "otherMails": ["ada@example.net"]}]
    assert graph.round(link)[0] == []


def test_extensions_of_one_type_come_together(start):
    graph = start()
    site = {"id": NEW, "extension_0123_site": "Bonn", "extension_0123_costCenter": "K8", "extension_0123_floor": 3}
    graph.simulator.create_user(TENANT, site)
    _, link = graph.round(
        "/users/delta?$select=displayName,extension_0123_costCenter,extension_0123_site,extension_0123_floor"
    )
    graph.simulator.change_user(TENANT, NEW, extension_0123_site="Ulm")
    items, _ = graph.round(link, Prefer="return=minimal")
    assert items == [{"id": NEW, "extension_0123_costCenter": "K8", "extension_0123_site": "Ulm"}]


# ---- removed and back again


def test_soft_deleted_restored_and_purged(start):
    graph = start()
    graph_of = graph.simulator
    _, link = graph.round("/users/delta?$select=displayName")
    graph_of.delete_user(TENANT, ADA)
    items, link = graph.round(link)
    assert items == [{"id": ADA} | BINNED]
    graph_of.restore(TENANT, ADA)
    items, link = graph.round(link, Prefer="return=minimal")
    assert items == [{"id": ADA, "displayName": "Ada Stone"}]
    graph_of.delete_user(TENANT, ADA)
    graph_of.purge(TENANT, ADA)
    items, link = graph.round(link)
    assert items == [{"id": ADA} | GONE]
    assert graph.round(link)[0] == []


def test_both_reasons_stand_in_a_first_round_too(start):
    graph = start()
    graph.simulator.delete_user(TENANT, ADA)
    graph.simulator.remove_user(TENANT, JUERGEN)
    found = by_id(graph.round("/users/delta?$select=id")[0])
    assert found[ADA] == {"id": ADA} | BINNED
    assert found[JUERGEN] == {"id": JUERGEN} | GONE
    assert len(found) == 25


def test_what_is_purged_after_thirty_days_is_deleted(start):
    graph = start()
    graph.simulator.delete_user(TENANT, ADA)
    graph.simulator.advance(days=29)
    _, link = graph.round("/users/delta?$deltatoken=latest")
    graph.simulator.advance(days=1, seconds=5)
    assert graph.round(link)[0] == [{"id": ADA} | GONE]


def test_created_and_deleted_between_two_rounds(start):
    graph = start()
    _, link = graph.round("/users/delta?$deltatoken=latest")
    graph.simulator.create_user(TENANT, {"id": NEW, "displayName": "New", "userPrincipalName": "new@contoso.example"})
    graph.simulator.delete_user(TENANT, NEW)
    assert graph.round(link)[0] == [{"id": NEW} | BINNED]


# ---- replays


def test_a_change_during_a_round_comes_again(start):
    graph = start(delta=DeltaRules(page=10))
    first = graph.get("/users/delta?$select=jobTitle").json()
    graph.simulator.change_user(TENANT, CLOUD, jobTitle="Lead")
    graph.simulator.change_user(TENANT, user_id(20), jobTitle="Lead")
    rest, link = graph.round(first["@odata.nextLink"])
    assert by_id(rest)[user_id(20)]["jobTitle"] == "Lead"
    assert ids(graph.round(link)[0]) == [CLOUD, user_id(20)]


def test_replays_of_seen_changes(start):
    graph = start(delta=DeltaRules(replay=1))
    _, link = graph.round("/users/delta?$select=jobTitle")
    graph.simulator.change_user(TENANT, ADA, jobTitle="Lead")
    items, link = graph.round(link)
    assert ids(items) == [ADA]
    assert ids(graph.round(link)[0]) == [ADA]


def test_a_page_told_twice(start):
    graph = start(
        delta=DeltaRules(page=10), faults=[parse_fault("duplicated-page@/delta/"), parse_fault("empty-page@3")]
    )
    items, _ = graph.round("/users/delta?$select=id")
    assert ids(items) == ALL[:10] + ALL


# ---- groups and members


def test_members_come_by_default_and_by_select(start):
    graph = start(KEEPER)
    found = by_id(graph.round("/groups/delta")[0])
    assert [(item["@odata.type"], item["id"]) for item in found[GROUP]["members@delta"]] == [
        ("#microsoft.graph.user", ADA),
        ("#microsoft.graph.user", JUERGEN),
        ("#microsoft.graph.user", GUEST),
        ("#microsoft.graph.group", NESTED),
        ("#microsoft.graph.device", DEVICE),
    ]
    assert found[GROUP]["displayName"] == "Everyone"
    assert "members@delta" not in found[NESTED]
    assert ids(found[HIDDEN]["members@delta"]) == [ADA]
    chosen = by_id(graph.round("/groups/delta?$select=members")[0])
    assert chosen[NESTED] == {"id": NESTED}
    assert len(chosen[GROUP]["members@delta"]) == 5
    assert "members@delta" not in by_id(graph.round("/groups/delta?$select=displayName")[0])[GROUP]


def test_hidden_members_need_their_permission(graph):
    assert "members@delta" not in by_id(graph.round("/groups/delta")[0])[HIDDEN]


def test_members_added_and_removed(start):
    graph = start()
    _, link = graph.round("/groups/delta?$select=displayName,members")
    graph.simulator.remove_member(TENANT, GROUP, ADA)
    graph.simulator.add_member(TENANT, GROUP, as_user(CLOUD))
    graph.simulator.add_member(TENANT, NESTED, as_user(CLOUD))
    graph.simulator.remove_member(TENANT, NESTED, CLOUD)
    items, link = graph.round(link)
    user = "#microsoft.graph.user"
    assert by_id(items) == {
        GROUP: {
            "id": GROUP,
            "displayName": "Everyone",
            "members@delta": [{"@odata.type": user, "id": ADA} | GONE, {"@odata.type": user, "id": CLOUD}],
        },
        NESTED: {"id": NESTED, "displayName": "Nested", "members@delta": [{"@odata.type": user, "id": CLOUD} | GONE]},
    }
    assert graph.round(link)[0] == []


def test_minimal_of_a_member_change(start):
    graph = start()
    _, link = graph.round("/groups/delta?$select=displayName,members")
    graph.simulator.add_member(TENANT, NESTED, as_user(ADA))
    items, _ = graph.round(link, Prefer="return=minimal")
    assert items == [{"id": NESTED, "members@delta": [as_user(ADA)]}]


def test_deleting_a_user_ends_its_memberships_and_restoring_brings_them_back(start):
    graph = start()
    _, link = graph.round("/groups/delta?$select=members")
    graph.simulator.delete_user(TENANT, JUERGEN)
    items, link = graph.round(link)
    assert items == [{"id": GROUP, "members@delta": [as_user(JUERGEN) | GONE]}]
    assert JUERGEN not in graph.listing(f"/groups/{GROUP}/members")
    graph.simulator.restore(TENANT, JUERGEN)
    assert graph.round(link)[0] == [{"id": GROUP, "members@delta": [as_user(JUERGEN)]}]
    assert JUERGEN in graph.listing(f"/groups/{GROUP}/members")


def test_large_groups_are_sliced_over_pages(start):
    graph = start(delta=DeltaRules(page=2, members=7))
    for number in range(4, 26):
        graph.simulator.add_member(TENANT, GROUP, as_user(user_id(number)))
        graph.simulator.add_member(TENANT, NESTED, as_user(user_id(number)))
    link, pages = "/groups/delta?$select=displayName,members", []
    while link:
        answer = graph.get(link).json()
        pages.append(answer["value"])
        link = answer.get("@odata.nextLink")
    assert max(sum(len(item.get("members@delta", ())) for item in page) for page in pages) == 7
    slices = [item["members@delta"] for page in pages for item in page if item["id"] == GROUP]
    assert len(slices) == 4
    assert sorted(reference["id"] for one in slices for reference in one) == sorted([*ALL, NESTED, DEVICE])
    assert {item["displayName"] for page in pages for item in page if item["id"] == GROUP} == {"Everyone"}
    nested = [
        reference["id"]
        for page in pages
        for item in page
        if item["id"] == NESTED
        for reference in item["members@delta"]
    ]
    assert sorted(nested) == ALL[3:]


def test_a_member_that_leaves_between_slices_loses_nobody(start):
    graph = start(delta=DeltaRules(members=2))
    first = graph.get("/groups/delta?$select=members").json()
    assert ids(first["value"][0]["members@delta"]) == [ADA, JUERGEN]
    graph.simulator.remove_member(TENANT, GROUP, ADA)
    rest, link = graph.round(first["@odata.nextLink"])
    told = {reference["id"] for item in rest if item["id"] == GROUP for reference in item["members@delta"]}
    assert told == {GUEST, NESTED, DEVICE}
    assert graph.round(link)[0] == [{"id": GROUP, "members@delta": [as_user(ADA) | GONE]}]


def test_a_deleted_and_restored_group_brings_all_members(start):
    graph = start()
    _, link = graph.round("/groups/delta?$select=members")
    graph.simulator.delete_group(TENANT, GROUP)
    items, link = graph.round(link)
    assert items == [{"id": GROUP} | BINNED]
    graph.simulator.restore(TENANT, GROUP)
    items, _ = graph.round(link)
    assert len(by_id(items)[GROUP]["members@delta"]) == 5


def test_properties_that_groups_never_track(start):
    graph = start()
    _, link = graph.round("/groups/delta?$select=displayName,hideFromAddressLists")
    graph.simulator.change_group(TENANT, GROUP, hideFromAddressLists=True)
    assert graph.round(link)[0] == []
    graph.simulator.change_group(TENANT, GROUP, displayName="All")
    assert graph.round(link)[0] == [{"id": GROUP, "displayName": "All", "hideFromAddressLists": True}]


# ---- options and tokens


def test_a_filter_on_ids(start):
    graph = start()
    items, link = graph.round(f"/users/delta?$select=jobTitle&$filter=id eq '{ADA}' or id eq '{CLOUD}'")
    assert ids(items) == [ADA, CLOUD]
    for key in (ADA, JUERGEN):
        graph.simulator.change_user(TENANT, key, jobTitle="Lead")
    assert ids(graph.round(link)[0]) == [ADA]


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("$expand=manager", 400, "Request_UnsupportedQuery"),
        ("$top=5", 400, "Request_UnsupportedQuery"),
        ("$orderby=displayName", 400, "Request_UnsupportedQuery"),
        ("$filter=displayName eq 'x'", 400, "Request_UnsupportedQuery"),
        ("$filter=" + " or ".join(["id eq 'a'"] * 51), 400, "Request_UnsupportedQuery"),
        ("$select=nosuch", 400, "Request_BadRequest"),
        ("$select=members", 400, "Request_BadRequest"),
        ("$select=signInActivity", 501, "NotImplemented"),
        ("$select=aboutMe", 501, "NotImplemented"),
        ("$select=manager", 501, "NotImplemented"),
        ("$deltatoken=abc", 400, "Request_BadRequest"),
        ("$deltatoken=%C3%A4", 400, "Request_BadRequest"),
        ("$skiptoken=abc", 400, "Request_BadRequest"),
        ("$skiptoken=", 400, "Request_BadRequest"),
    ],
)
def test_what_is_refused(graph, query, status, error):
    assert code(graph.get(f"/users/delta?{query}")) == (status, error)


def test_fifty_ids_are_taken(graph):
    assert graph.get("/users/delta?$filter=" + " or ".join(["id eq 'a'"] * 50)).json()["value"] == []


def test_options_do_not_go_with_a_token(start):
    graph = start(delta=DeltaRules(page=10))
    answer = graph.get("/users/delta?$select=id").json()
    for link in (answer["@odata.nextLink"], graph.round("/users/delta")[1]):
        assert code(graph.get(f"{link}&$select=id")) == (400, "Request_UnsupportedQuery")


def test_a_token_belongs_to_its_tenant_type_and_kind(start):
    graph = start(delta=DeltaRules(page=10), tenants=[tenant(), Tenant(OTHER_TENANT, [])])
    link = graph.get("/users/delta").json()["@odata.nextLink"]
    other = Graph(graph.simulator, tenant_id=OTHER_TENANT)
    assert code(other.get(link)) == (400, "Request_BadRequest")
    other.session.close()
    assert code(graph.get(link.replace("/users/", "/groups/"))) == (400, "Request_BadRequest")
    assert code(graph.get(link.replace("$skiptoken", "$deltatoken"))) == (400, "Request_BadRequest")


@pytest.mark.parametrize("status", [400, 404])
def test_tokens_expire_after_seven_days(start, status):
    graph = start(delta=DeltaRules(expired_status=status))
    _, link = graph.round("/users/delta")
    graph.simulator.advance(days=7, seconds=-60)
    assert graph.get(link).status_code == 200
    graph.simulator.advance(seconds=120)
    assert code(graph.get(link)) == (status, "syncStateNotFound")
    _, link = graph.round("/users/delta")
    assert graph.get(link).status_code == 200


def test_a_reset_names_where_to_begin(start):
    graph = start()
    _, link = graph.round("/users/delta?$select=id")
    graph.simulator.reset_deltas(TENANT)
    answer = graph.get(link)
    assert answer.status_code == 410
    assert answer.headers["Location"] == f"{graph.simulator.url}/v1.0/users/delta?$deltatoken="
    items, link = graph.round(answer.headers["Location"])
    assert ids(items) == ALL
    assert graph.get(link).status_code == 200


def test_expiry_and_reset_as_faults(start):
    graph = start(faults=[parse_fault("expired-delta-token:404"), parse_fault("delta-reset")])
    _, link = graph.round("/users/delta")
    assert code(graph.get(link)) == (404, "syncStateNotFound")
    answer = graph.get(link)
    assert (answer.status_code, "Location" in answer.headers) == (410, True)
    assert graph.get(link).status_code == 200


# ---- permissions and cost


def test_permissions_are_those_of_listing(as_app):
    for client in (NOBODY, MAILER):
        assert code(as_app(client).get("/groups/delta")) == (403, "Authorization_RequestDenied")
    assert code(as_app(NOBODY).get("/users/delta")) == (403, "Authorization_RequestDenied")
    items, _ = as_app(BASIC).round("/users/delta?$select=displayName,employeeId")
    assert by_id(items)[ADA] == {"id": ADA, "displayName": "Ada Stone"}


def test_delta_costs_one_unit(start):
    graph = start()
    graph.get("/users/delta")
    graph.get("/groups/delta")
    assert [request.units for request in graph.simulator.requests] == [1, 1]


# ---- the controls


def test_controls_refuse_what_does_not_exist(start):
    simulator = start().simulator
    for broken in (
        lambda: simulator.delete_user(TENANT, NEW),
        lambda: simulator.restore(TENANT, ADA),
        lambda: simulator.purge(TENANT, ADA),
        lambda: simulator.change_group(TENANT, GROUP, nosuch=1),
        lambda: simulator.add_member(TENANT, GROUP, as_user(ADA)),
        lambda: simulator.remove_member(TENANT, GROUP, CLOUD),
        lambda: simulator.create_user(TENANT, {"id": ADA}),
        lambda: simulator.create_user("nowhere", {"id": NEW}),
    ):
        with pytest.raises(UsageError):
            broken()


def test_created_objects_are_found(start):
    graph = start()
    graph.simulator.create_user(TENANT, {"id": NEW, "userPrincipalName": "new@contoso.example", "employeeId": "77"})
    assert graph.get("/users/new@contoso.example").json()["id"] == NEW
    assert graph.listing("/users", {"$filter": "employeeId eq '77'"}) == [NEW]
    assert graph.get("/users/$count", advanced=True).text == "26"
    group = str(uuid.UUID(int=0xF1))
    graph.simulator.create_group(TENANT, {"id": group, "displayName": "Made"})
    assert graph.simulator.group(TENANT, group)["displayName"] == "Made"
