"""GET of users and groups: default properties, $select, pages, $count, headers, single objects."""

import pytest
import requests

from tests.support.graph import ADA, CLOUD, GROUP, GUEST, JUERGEN, MAILER, TENANT, code, user_id

DEFAULTS = {
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
}


def test_without_select_the_eleven_defaults(graph):
    answer = graph.get("/users").json()
    assert len(answer["value"]) == 25
    assert all(item.keys() == DEFAULTS for item in answer["value"])
    assert answer["value"][0]["businessPhones"] == []
    assert answer["value"][0]["jobTitle"] is None
    assert "@odata.nextLink" not in answer


def test_select_gives_what_was_asked_for(graph):
    answer = graph.get("/users", {"$select": "id,otherMails,onPremisesSyncEnabled,employeeLeaveDateTime", "$top": "2"})
    assert answer.json()["value"] == [
        {"id": ADA, "otherMails": [], "onPremisesSyncEnabled": True, "employeeLeaveDateTime": "2030-06-30T00:00:00Z"},
        {"id": JUERGEN, "otherMails": ["jm@example.net"], "onPremisesSyncEnabled": True, "employeeLeaveDateTime": None},
    ]


def test_a_directory_extension_can_be_selected(graph):
    found = graph.get("/users", {"$select": "extension_0123_costCenter", "$top": "3"}).json()["value"]
    assert [item["extension_0123_costCenter"] for item in found] == [None, "K7", None]


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("$select=id,nosuch", 400, "Request_BadRequest"),
        ("$select=onPremisesExtensionAttributes/extensionAttribute1", 400, "Request_BadRequest"),
        ("$select=", 400, "Request_BadRequest"),
        ("$select=id,aboutMe", 501, "NotImplemented"),
        ("$select=mailboxSettings", 501, "NotImplemented"),
        ("$top=0", 400, "Request_UnsupportedQuery"),
        ("$top=1000", 400, "Request_UnsupportedQuery"),
        ("$top=ten", 400, "Request_UnsupportedQuery"),
        ("$skip=5", 400, "Request_BadRequest"),
        ("$top=5&$top=6", 400, "Request_BadRequest"),
        ("$count=yes", 400, "Request_BadRequest"),
        ("$nosuch=1", 400, "Request_BadRequest"),
        ("$skiptoken=abc", 400, "Request_BadRequest"),
        ("$expand=manager", 501, "NotImplemented"),
    ],
)
def test_queries_that_are_refused(graph, query, status, error):
    assert code(graph.get(f"/users?{query}")) == (status, error)


def test_an_unknown_property_is_named(graph):
    message = graph.get("/users?$select=nosuch").json()["error"]["message"]
    assert message == "Could not find a property named 'nosuch' on type 'microsoft.graph.user'."


def test_pages_follow_the_whole_next_link(graph):
    first = graph.get("/users", {"$select": "id", "$top": "10", "$count": "true"}, advanced=True).json()
    assert first["@odata.count"] == 25
    second = graph.get(first["@odata.nextLink"], advanced=True).json()
    assert "@odata.count" not in second
    third = graph.get(second["@odata.nextLink"], advanced=True).json()
    assert "@odata.nextLink" not in third
    ids = [item["id"] for page in (first, second, third) for item in page["value"]]
    assert ids == [user_id(n) for n in range(1, 26)]
    assert [len(page["value"]) for page in (first, second, third)] == [10, 10, 5]


def test_a_full_last_page_has_no_next_link(graph):
    assert "@odata.nextLink" not in graph.get("/users?$top=25").json()
    assert "@odata.nextLink" in graph.get("/users?$top=24").json()


def test_count_is_silently_missing_without_the_header(graph):
    assert "@odata.count" not in graph.get("/users?$count=true").json()
    assert graph.get("/users?$count=true", advanced=True).json()["@odata.count"] == 25
    assert "@odata.count" not in graph.get("/users?$count=false", advanced=True).json()


def test_a_page_token_is_bound_to_its_query(graph):
    link = graph.get("/users?$select=id&$top=10").json()["@odata.nextLink"]
    assert graph.get(link).status_code == 200
    for changed in (
        link.replace("$top=10", "$top=11"),
        link.replace("$select=id", "$select=id,mail"),
        link.replace("/users", "/groups"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link + "00",
    ):
        assert code(graph.get(changed)) == (400, "Request_BadRequest"), changed


def test_an_advanced_listing_followed_without_the_header_expires(graph):
    link = graph.get("/users?$select=id&$top=10&$count=true", advanced=True).json()["@odata.nextLink"]
    assert code(graph.get(link)) == (400, "Directory_ExpiredPageToken")


def test_a_page_token_is_bound_to_its_tenant(shared, graph):
    from tests.support.graph import OTHER_TENANT, Graph

    link = graph.get("/users?$select=id&$top=10").json()["@odata.nextLink"]
    other = Graph(shared, tenant_id=OTHER_TENANT)
    assert other.get("/users").json()["value"] == []
    assert code(other.get(link)) == (400, "Request_BadRequest")
    other.session.close()


@pytest.mark.parametrize("key", [ADA, ADA.upper(), "ada.stone@contoso.example", "ADA.STONE@contoso.example"])
def test_one_user_by_id_or_name(graph, key):
    answer = graph.get(f"/users/{key}?$select=id,employeeId,aboutMe")
    assert answer.json() == {
        "@odata.context": f"{graph.simulator.url}/v1.0/$metadata#users(id,employeeId,aboutMe)/$entity",
        "id": ADA,
        "employeeId": "1001",
        "aboutMe": "Likes stones.",
    }


def test_one_user_without_select(graph):
    answer = graph.get(f"/users/{CLOUD}").json()
    assert {name for name in answer if "@" not in name} == DEFAULTS
    assert "@microsoft.graph.tips" in answer


def test_a_guest_by_name_has_its_hash_encoded(graph):
    assert graph.get("/users/g_example.net%23EXT%23@contoso.example").json()["id"] == GUEST


def test_what_does_not_exist(graph):
    answer = graph.get(f"/users/{user_id(99)}")
    assert code(answer) == (404, "Request_ResourceNotFound")
    assert answer.json()["error"]["message"] == (
        f"Resource '{user_id(99)}' does not exist or one of its queried reference-property objects are not present."
    )
    assert code(graph.get("/users/nobody@contoso.example"))[0] == 404
    assert code(graph.get(f"/groups/{user_id(99)}"))[0] == 404


def test_count_as_a_segment(graph):
    assert code(graph.get("/users/$count")) == (400, "Request_BadRequest")
    answer = graph.get("/users/$count", advanced=True)
    assert (answer.text, answer.headers["Content-Type"]) == ("25", "text/plain")
    assert graph.get("/groups/$count", advanced=True).text == "3"
    filtered = graph.get("/users/$count", {"$filter": "otherMails/$count eq 0"}, advanced=True)
    assert filtered.text == "24"


def test_groups(graph):
    groups = graph.get("/groups").json()["value"]
    assert [group["displayName"] for group in groups] == ["Everyone", "Hidden", "Nested"]
    assert groups[0]["groupTypes"] == ["Unified"]
    assert "assignedLabels" not in groups[0]
    assert graph.get(f"/groups/{GROUP}?$select=mailEnabled,assignedLabels").json()["assignedLabels"] == []
    assert graph.listing("/groups", {"$select": "id", "$top": "1"})[0] == GROUP


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/nosuch", 400, "BadRequest"),
        ("/users/deltas/nosuch", 501, "NotImplemented"),
        ("/auditLogs/directoryAudits", 501, "NotImplemented"),
        ("/directory/administrativeUnits", 501, "NotImplemented"),
        ("/directoryRoles/x", 501, "NotImplemented"),
        (f"/groups/{GROUP}/transitiveMembers", 501, "NotImplemented"),
        (f"/groups/{GROUP}/nosuch", 400, "BadRequest"),
    ],
)
def test_paths_that_are_not_served(graph, path, status, error):
    assert code(graph.get(path)) == (status, error)


def test_methods_that_are_not_allowed(graph):
    url = f"{graph.simulator.url}/v1.0"
    assert code(graph.session.put(f"{url}/users/{ADA}", json={})) == (405, "Request_BadRequest")
    assert code(graph.session.delete(f"{url}/users")) == (405, "Request_BadRequest")
    assert code(graph.session.get(f"{url}/$batch")) == (405, "Request_BadRequest")
    assert code(graph.session.delete(f"{url}/users/{ADA}")) == (501, "NotImplemented")


def test_headers_of_every_answer(graph):
    good = graph.get("/users", **{"client-request-id": "my-own-id"})
    bad = requests.get(f"{graph.simulator.url}/v1.0/users", headers={"client-request-id": "my-own-id"})
    for answer in (good, bad):
        assert answer.headers["client-request-id"] == "my-own-id"
        assert len(answer.headers["request-id"]) == 36
        assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
        assert answer.headers["Date"].endswith("GMT")
    assert bad.json()["error"]["innerError"]["client-request-id"] == "my-own-id"
    assert len(bad.json()["error"]["innerError"]["date"]) == len("2025-02-13T10:17:06")


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/users", "2"),
        ("/users?$select=id", "1"),
        ("/users?$select=id&$top=5", "1"),
        (f"/users/{ADA}", "2"),
        ("/groups", "1"),
        (f"/groups/{GROUP}/members", "3"),
        (f"/groups/{GROUP}/members?$select=id", "2"),
        (f"/groups/{GROUP}/members?$select=id&$top=19", "1"),
    ],
)
def test_resource_units(graph, path, units):
    assert graph.get(path, advanced=True).headers["x-ms-resource-unit"] == units


def test_sign_in_activity_clips_the_page(start):
    from recon.lab.graph import Tenant

    users = [{"id": user_id(n), "displayName": f"P{n}"} for n in range(1, 600)]
    graph = start(tenants=[Tenant(TENANT, users)])
    assert len(graph.get("/users?$top=999&$select=id").json()["value"]) == 599
    page = graph.get("/users?$top=999&$select=id,signInActivity").json()
    assert len(page["value"]) == 500
    assert page["value"][0] == {"id": user_id(1), "signInActivity": None}


def test_a_long_url_is_refused_in_an_advanced_query_only(graph):
    names = ",".join(["id"] * 800)
    assert graph.get(f"/users?$select={names}").status_code == 200
    assert code(graph.get(f"/users?$select={names}", advanced=True)) == (400, "Request_BadRequest")


def test_basic_identifiers_and_other_mails_for_the_mail_writer(as_app):
    found = as_app(MAILER).get(f"/users/{JUERGEN}?$select=id,mail,otherMails,employeeId,usageLocation").json()
    assert {name for name in found if "@" not in name} == {"id", "mail", "otherMails"}
