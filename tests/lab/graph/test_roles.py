"""Directory roles, eligibilities, registration details, domains, sign-in activity."""

import pytest

from recon.errors import UsageError
from recon.lab.graph import App, GraphSimulator, Limits, Tenant
from tests.support.graph import (
    ADA,
    ADMIN,
    APPS,
    JUERGEN,
    KEEPER,
    PRINCIPAL,
    READER,
    ROLE,
    SECRET,
    TEMPLATE,
    TENANT,
    Graph,
    as_user,
    code,
    people,
    tenant,
    user_id,
)

DENIED = (403, "Authorization_RequestDenied")
ELIGIBLE = "/roleManagement/directory/roleEligibilityScheduleInstances"
REGISTRATIONS = "/reports/authenticationMethods/userRegistrationDetails"


@pytest.fixture
def keeper(as_app):
    return as_app(KEEPER)


def test_activated_roles(keeper):
    assert keeper.get("/directoryRoles").json()["value"] == [
        {
            "id": ROLE,
            "deletedDateTime": None,
            "description": None,
            "displayName": "Helpdesk Administrator",
            "roleTemplateId": TEMPLATE,
        }
    ]
    assert code(keeper.get("/directoryRoles?$top=5")) == (400, "Request_BadRequest")
    assert code(keeper.send("POST", "/directoryRoles", json={})) == (405, "Request_BadRequest")


@pytest.mark.parametrize("key", [ROLE, TEMPLATE, f"roleTemplateId={TEMPLATE}"])
def test_members_by_role_or_template(keeper, key):
    found = keeper.get(f"/directoryRoles/{key}/members?$select=id").json()["value"]
    assert [(item["@odata.type"], item["id"]) for item in found] == [
        ("#microsoft.graph.user", ADMIN),
        ("#microsoft.graph.servicePrincipal", PRINCIPAL),
    ]


def test_a_role_that_is_not_activated(keeper):
    assert code(keeper.get(f"/directoryRoles/{user_id(9)}/members")) == (404, "Request_ResourceNotFound")


def test_members_of_a_type_that_may_not_be_read_are_stubs():
    app = App(SECRET, ["RoleManagement.Read.Directory"])
    with GraphSimulator([tenant()], apps={READER: app}) as simulator:
        graph = Graph(simulator)
        found = graph.get(f"/directoryRoles/{ROLE}/members?$select=id,displayName").json()["value"]
        graph.session.close()
    assert found[0] == {"@odata.type": "#microsoft.graph.user", "id": ADMIN, "displayName": None}


def test_eligibilities(keeper):
    (found,) = keeper.get(ELIGIBLE).json()["value"]
    assert (found["principalId"], found["roleDefinitionId"], found["directoryScopeId"], found["memberType"]) == (
        JUERGEN,
        TEMPLATE,
        "/",
        "Direct",
    )
    (expanded,) = keeper.get(f"{ELIGIBLE}?$expand=principal").json()["value"]
    assert expanded["principal"] == {"@odata.type": "#microsoft.graph.user", "id": JUERGEN}
    assert code(keeper.get(f"{ELIGIBLE}?$expand=roleDefinition")) == (501, "NotImplemented")


def test_who_may_read_roles(as_app):
    for path in ("/directoryRoles", f"/directoryRoles/{ROLE}/members", ELIGIBLE, "/domains"):
        assert code(as_app(READER).get(path)) == DENIED


def test_directory_read_all_reads_roles_and_not_eligibilities():
    with GraphSimulator([tenant()], apps={READER: App(SECRET, ["Directory.Read.All"])}) as simulator:
        graph = Graph(simulator)
        assert graph.get("/directoryRoles").status_code == 200
        assert code(graph.get(ELIGIBLE)) == DENIED
        graph.session.close()


def test_a_purged_user_holds_no_role(start):
    graph = start(KEEPER)
    graph.simulator.remove_user(TENANT, ADMIN)
    graph.simulator.remove_user(TENANT, JUERGEN)
    found = graph.get(f"/directoryRoles/{ROLE}/members").json()["value"]
    assert [item["id"] for item in found] == [PRINCIPAL]
    assert graph.get(ELIGIBLE).json()["value"] == []


def test_roles_of_nobody():
    with pytest.raises(UsageError, match="unknown role"):
        GraphSimulator([Tenant(TENANT, people(), role_members=[(ROLE, as_user(ADA))])], apps=APPS)
    with pytest.raises(UsageError, match="unknown user"):
        GraphSimulator([Tenant(TENANT, [], eligible=[(TEMPLATE, as_user(ADA))])], apps=APPS)


def test_registration_details(start):
    users = [*people(), {"id": user_id(90), "userPrincipalName": "off@contoso.example", "accountEnabled": False}]
    entry = {"id": ADA, "isSsprRegistered": True, "methodsRegistered": ["email", "mobilePhone"]}
    graph = start(tenants=[Tenant(TENANT, users, registrations=[entry])])
    found = graph.get(REGISTRATIONS).json()["value"]
    assert len(found) == 25
    assert found[0]["methodsRegistered"] == ["email", "mobilePhone"]
    assert found[0]["isSsprRegistered"] is True
    assert found[1]["isSsprRegistered"] is False
    assert found[2]["userType"] == "guest"
    assert graph.get(f"{REGISTRATIONS}/{ADA}").json() == found[0]
    assert code(graph.get(f"{REGISTRATIONS}/{user_id(90)}")) == (404, "Request_ResourceNotFound")
    assert graph.listing(REGISTRATIONS, {"$top": "7"}) == [item["id"] for item in found]


def test_registration_details_need_the_audit_log(start):
    graph = start(tenants=[Tenant(TENANT, people())])
    other = Graph(graph.simulator, next(key for key, app in APPS.items() if not app.permissions))
    assert code(other.get(REGISTRATIONS)) == DENIED
    other.session.close()


def test_reports_have_a_bucket_of_their_own(start):
    graph = start(limits=Limits())
    answers = [graph.get(REGISTRATIONS) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].headers["Retry-After"] in ("1", "2", "3")
    assert graph.get("/users").status_code == 200


def test_domains(keeper):
    (found,) = keeper.get("/domains").json()["value"]
    assert (found["id"], found["isDefault"], found["isVerified"]) == ("contoso.example", True, True)


def test_sign_in_activity_pages_are_short_and_few(start):
    users = [{"id": user_id(n), "userPrincipalName": f"p{n}@contoso.example"} for n in range(1, 602)]
    graph = start(tenants=[Tenant(TENANT, users)], limits=Limits())
    answer = graph.get("/users?$select=id,signInActivity&$top=999").json()
    assert len(answer["value"]) == 500
    assert len(graph.get(answer["@odata.nextLink"]).json()["value"]) == 101
    statuses = [graph.get("/users?$select=id,signInActivity&$top=999").status_code for _ in range(9)]
    assert statuses == [200] * 8 + [429]
    assert graph.get("/users?$select=id&$top=999").status_code == 200
