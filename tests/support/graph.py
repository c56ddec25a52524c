"""A small invented tenant behind the simulator, and a client that speaks bare HTTP to it."""

import uuid
from typing import Any

import requests

from recon.lab.graph import App, GraphSimulator, Tenant

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER_TENANT = "22222222-2222-2222-2222-222222222222"
READER, WRITER, BASIC, MAILER, NOBODY, KEEPER = (str(uuid.UUID(int=0xA0 + n)) for n in range(6))
SECRET = "lab-secret"
APPS = {
    READER: App(
        SECRET,
        [
            "User.Read.All",
            "GroupMember.Read.All",
            "Device.Read.All",
            "User-LifeCycleInfo.Read.All",
            "AuditLog.Read.All",
        ],
    ),
    WRITER: App(SECRET, ["User.ReadWrite.All"]),
    BASIC: App(SECRET, ["User.ReadBasic.All", "GroupMember.ReadBasic.All"]),
    MAILER: App(SECRET, ["User-Mail.ReadWrite.All"]),
    NOBODY: App(SECRET, []),
    KEEPER: App(
        SECRET,
        [
            "User.ReadWrite.All",
            "Group.ReadWrite.All",
            "Member.Read.Hidden",
            "RoleManagement.Read.Directory",
            "AuditLog.Read.All",
            "Domain.Read.All",
        ],
    ),
}


def user_id(number: int) -> str:
    return str(uuid.UUID(int=number))


ADA, JUERGEN, GUEST, ADMIN, CLOUD = (user_id(n) for n in range(1, 6))
GROUP, HIDDEN, NESTED = (str(uuid.UUID(int=0xB0 + n)) for n in range(3))
DEVICE, PRINCIPAL = (str(uuid.UUID(int=0xD0 + n)) for n in range(2))


ROLE, TEMPLATE = (str(uuid.UUID(int=0xE0 + n)) for n in range(2))


def as_user(key: str) -> dict[str, Any]:
    """A user as a member of something."""
    return {"@odata.type": "#microsoft.graph.user", "id": key}


def people() -> list[dict[str, Any]]:
    named: list[dict[str, Any]] = [
        {
            "id": ADA,
            "displayName": "Ada Stone",
            "givenName": "Ada",
            "surname": "Stone",
            "userPrincipalName": "ada.stone@contoso.example",
            "mail": "ada.stone@contoso.example",
            "employeeId": "1001",
            "employeeHireDate": "2020-01-15T00:00:00Z",
            "employeeLeaveDateTime": "2030-06-30T00:00:00Z",
            "onPremisesSyncEnabled": True,
            "onPremisesImmutableId": "AbCd+w==",
            "onPremisesLastSyncDateTime": "2026-01-02T03:04:05Z",
            "onPremisesExtensionAttributes": {"extensionAttribute1": "ada@example.net", "extensionAttribute2": None},
            "proxyAddresses": ["SMTP:ada.stone@contoso.example"],
            "aboutMe": "Likes stones.",
            "signInActivity": {"lastSignInDateTime": "2026-01-01T00:00:00Z"},
        },
        {
            "id": JUERGEN,
            "displayName": "Jürgen Müller",
            "userPrincipalName": "juergen.mueller@contoso.example",
            "employeeId": "1002",
            "onPremisesSyncEnabled": True,
            "otherMails": ["jm@example.net"],
            "usageLocation": "DE",
            "extension_0123_costCenter": "K7",
        },
        {
            "id": GUEST,
            "displayName": "Guest",
            "userPrincipalName": "g_example.net#EXT#@contoso.example",
            "userType": "Guest",
        },
        {"id": ADMIN, "displayName": "Admin O'Hara", "userPrincipalName": "admin@contoso.example", "employeeId": None},
        {
            "id": CLOUD,
            "displayName": "Cloud Only",
            "userPrincipalName": "cloud@contoso.example",
            "mailNickname": "cloud",
        },
    ]
    rest = [
        {"id": user_id(n), "displayName": f"Person {n}", "userPrincipalName": f"person.{n}@contoso.example"}
        for n in range(6, 26)
    ]
    return [{"userType": "Member", "accountEnabled": True} | item for item in named + rest]


def tenant(count: int | None = None) -> Tenant:
    groups = [
        {
            "id": GROUP,
            "displayName": "Everyone",
            "groupTypes": ["Unified"],
            "mailEnabled": True,
            "securityEnabled": False,
        },
        {"id": HIDDEN, "displayName": "Hidden", "visibility": "HiddenMembership"},
        {"id": NESTED, "displayName": "Nested"},
    ]
    members: list[tuple[str, dict[str, Any]]] = [
        (GROUP, {"@odata.type": "#microsoft.graph.user", "id": user_id(n)}) for n in range(1, 4)
    ]
    members += [
        (GROUP, {"@odata.type": "#microsoft.graph.group", "id": NESTED}),
        (GROUP, {"@odata.type": "#microsoft.graph.device", "id": DEVICE, "displayName": "Laptop"}),
        (GROUP, {"@odata.type": "#microsoft.graph.servicePrincipal", "id": PRINCIPAL, "displayName": "App"}),
        (HIDDEN, {"@odata.type": "#microsoft.graph.user", "id": ADA}),
    ]
    return Tenant(
        TENANT,
        people()[:count],
        groups if count is None else [],
        members if count is None else [],
        {ADMIN},
        ("contoso.example",),
        roles=[{"id": ROLE, "displayName": "Helpdesk Administrator", "roleTemplateId": TEMPLATE}],
        role_members=[
            (ROLE, as_user(ADMIN)),
            (ROLE, {"@odata.type": "#microsoft.graph.servicePrincipal", "id": PRINCIPAL}),
        ]
        if count is None
        else [],
        eligible=[(TEMPLATE, as_user(JUERGEN))] if count is None else [],
    )


class Graph:
    """One application's view of the simulator."""

    def __init__(self, simulator: GraphSimulator, client_id: str = READER, tenant_id: str = TENANT) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False
        answer = sign_in(simulator, client_id=client_id, tenant_id=tenant_id)
        self.token = answer.json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def get(
        self, path: str, params: dict[str, str] | None = None, *, advanced: bool = False, **headers: str
    ) -> requests.Response:
        if advanced:
            headers["ConsistencyLevel"] = "eventual"
        url = path if path.startswith("http") else f"{self.simulator.url}/v1.0{path}"
        return self.session.get(url, params=params, headers=headers)

    def patch(self, key: str, **properties: Any) -> requests.Response:
        return self.session.patch(f"{self.simulator.url}/v1.0/users/{key}", json=properties)

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.simulator.url}/v1.0{path}", **options)

    def round(self, link: str, **headers: str) -> tuple[list[dict[str, Any]], str]:
        """Every item of a delta round, and the deltaLink it ends with."""
        items: list[dict[str, Any]] = []
        while True:
            answer = self.get(link, **headers).json()
            assert ("@odata.nextLink" in answer) != ("@odata.deltaLink" in answer), answer
            items += answer["value"]
            if "@odata.deltaLink" in answer:
                return items, str(answer["@odata.deltaLink"])
            link = answer["@odata.nextLink"]

    def batch(self, *items: dict[str, Any]) -> requests.Response:
        requests_ = [{"id": str(n), "method": "GET"} | item for n, item in enumerate(items, 1)]
        return self.session.post(f"{self.simulator.url}/v1.0/$batch", json={"requests": requests_})

    def listing(self, path: str, params: dict[str, str] | None = None, *, advanced: bool = False) -> list[str]:
        """Ids of every page of a listing."""
        answer = self.get(path, params, advanced=advanced).json()
        ids = [item["id"] for item in answer["value"]]
        while link := answer.get("@odata.nextLink"):
            answer = self.get(link, advanced=advanced).json()
            ids += [item["id"] for item in answer["value"]]
        return ids


def sign_in(
    simulator: GraphSimulator, *, client_id: str = READER, tenant_id: str = TENANT, **changes: str
) -> requests.Response:
    form = {
        "client_id": client_id,
        "client_secret": SECRET,
        "scope": "https://graph.microsoft.com/.default",
        "grant_type": "client_credentials",
    } | changes
    return requests.post(f"{simulator.url}/{tenant_id}/oauth2/v2.0/token", data=form)


def code(answer: requests.Response) -> tuple[int, str]:
    """HTTP status and error code of a refusal, whose body must have the documented shape."""
    error = answer.json()["error"]
    assert {"code", "message", "innerError"} <= error.keys()
    assert {"date", "request-id", "client-request-id"} <= error["innerError"].keys()
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    return answer.status_code, error["code"]
