"""A small invented tenant for the Graph simulator, and a client for it."""

import uuid
from collections.abc import Sequence
from typing import Any

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.lab.graph import App, Fault, GraphSimulator, Tenant
from recon.objects import Gone, Row
from recon.sources.entra import EntraReading
from recon.sources.graph.client import GraphClient
from recon.sources.graph.credentials import LoopbackCredential
from recon.sources.graph.retry import Patience
from tests.servers.scripted import ScriptedServer
from tests.support.rows import kept

TENANT = "6b7d2c2e-0000-4000-8000-000000000001"
READERS = ("User.Read.All", "Group.Read.All", "User-LifeCycleInfo.Read.All")


def object_id(number: int) -> str:
    """The id of invented object `number`."""
    return str(uuid.UUID(int=number, version=4))


def make_users(number: int) -> list[dict[str, Any]]:
    """Users 0 … number - 1, every third synced."""
    return [
        {
            "id": object_id(place),
            "userPrincipalName": f"user{place}@contoso.example",
            "displayName": f"Person {place}",
            "accountEnabled": place % 5 != 0,
            "otherMails": [f"person{place}@example.net"] if place % 2 else [],
            "onPremisesSyncEnabled": True if place % 3 == 0 else None,
            "createdDateTime": "2026-01-02T03:04:05Z",
        }
        for place in range(number)
    ]


def make_tenant(users: int = 30, groups: int = 5, sizes: Sequence[int] = (3,)) -> Tenant:
    """Groups have ids from 10^6 on; group n has the first sizes[n mod …] users as its members."""
    made = [{"id": object_id(10**6 + n), "displayName": f"Group {n}", "securityEnabled": True} for n in range(groups)]
    members = [
        (str(group["id"]), {"@odata.type": "#microsoft.graph.user", "id": object_id(place)})
        for n, group in enumerate(made)
        for place in range(sizes[n % len(sizes)])
    ]
    return Tenant(TENANT, make_users(users), made, members)


def simulate(tenant: Tenant, *faults: Fault, permissions: Sequence[str] = READERS, **options: Any) -> GraphSimulator:
    """A simulator with one application, app / geheim."""
    return GraphSimulator([tenant], apps={"app": App("geheim", permissions)}, faults=faults, **options)


class Reader:
    """Reads a simulator to its end; keeps rows, report, waits."""

    def __init__(self, simulator: GraphSimulator | ScriptedServer, *, tries: int = 3, **options: Any) -> None:
        self.slept: list[float] = []
        self.source = EntraSource(tenant_id=TENANT, client_id="app", graph_url=simulator.url, **options)
        patience = Patience(tries=tries, sleep=self.slept.append, jitter=lambda: 1.0)
        credential = LoopbackCredential(simulator.url, TENANT, "app", "geheim")
        self.client = GraphClient(simulator.url, credential, patience=patience)
        self.rows: list[Row | Gone] = []

    def read(self, **options: Any) -> list[Row | Gone]:
        """Every row; what was yielded before an error stands in `rows`."""
        self.reading = EntraReading(self.source, self.client, EmployeeIdRules(), **options)
        with self.client:
            return kept(self.reading.rows(), self.rows)

    def keys(self, table: str) -> list[tuple[object, ...]]:
        """The keys of the rows of one table, sorted, each as often as it came."""
        width = 2 if table == "entra_member" else 1
        return sorted(row.values[:width] for row in self.rows if isinstance(row, Row) and row.table == table)
