"""The sample company behind real sockets, loaded into a store, with a recon.toml: what a backfill stands on."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from recon.config import Config, load_config
from recon.lab.adserver import Account, AdServer, Directory
from recon.lab.company import Company
from recon.lab.graph.server import GraphSimulator
from recon.lab.graph.store import Tenant
from recon.lab.graph.tokens import App
from recon.lab.rendering import WORKER_COLUMNS
from recon.pipeline.loads import load_source, sources
from recon.pipeline.steps import refresh_findings
from recon.store import Store

SECRET = "lab-secret"

_EMPLOYEE = '{ column = "worker_type", op = "EQUALS", value = "Employee" }'
_TOML = """
[database]
url = "sqlite:///recon.db"

[[ad]]
name = "contoso"
url = "{ad}"
user = "reader@contoso.example"
tls = "none"
allow_plain_bind = true

[[entra]]
name = "entra"
tenant_id = "{tenant}"
client_id = "reader"
writer_client_id = "writer"
credential = "secret"
graph_url = "{graph}"
retries = 2

[[workers]]
name = "hr"
file = "workers.csv"

[scope.hybrid]
groups = [
    [{{ column = "company", op = "EQUALS", value = "Contoso Corp" }}, {employee}],
    [{{ column = "company", op = "EQUALS", value = "Contoso GmbH" }}, {employee}],
    [{{ column = "company", op = "EQUALS", value = "Contoso LLC" }}, {employee}],
]

[backfill]
scope = "hybrid"
denied_groups = ["Backfill deny list"]
canary = {canary}
write_share = 1.0
"""


@dataclass
class Rehearsal:
    """What is running. `tenant`: its id."""

    folder: Path
    config: Config
    graph: GraphSimulator
    tenant: str

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The loaded database."""
        with Store.open(self.config.database_url) as store:
            yield store

    def load(self) -> None:
        """Load every source and match."""
        with self.store() as store:
            for kind in ("ad", "entra", "workers"):
                for source in sources(self.config, kind):
                    load_source(self.config, store, source)
            refresh_findings(self.config, store)

    def load_entra(self) -> None:
        """Load the tenant again and match."""
        with self.store() as store:
            load_source(self.config, store, sources(self.config, "entra")[0])
            refresh_findings(self.config, store)

    def load_workers(self) -> None:
        """Load the HR extract again and match."""
        with self.store() as store:
            load_source(self.config, store, sources(self.config, "workers")[0])
            refresh_findings(self.config, store)

    def values(self, object_ids: list[str]) -> list[list[str]]:
        """The true otherMails of these users."""
        return [self.graph.user(self.tenant, object_id)["otherMails"] for object_id in object_ids]


@contextmanager
def rehearse(
    company: Company,
    folder: Path,
    *,
    canary: int = 2,
    reads: tuple[str, ...] = (),
    writes: tuple[str, ...] = ("User-Mail.ReadWrite.All",),
    **graph_options: object,
) -> Iterator[Rehearsal]:
    """Start both servers and write recon.toml and workers.csv; the caller sets the secrets in the environment.

    `reads`: further permissions of the reading application; `writes`: those of the writing one.
    """
    domain, tenant = company.domains[0], company.tenants[0].tenant_id
    with ExitStack() as stack:
        account = Account(SECRET, dn=f"CN=Reader,{domain.base_dn}", upn="reader@contoso.example")
        directory = Directory(domain.base_dn, company.ad_entries(domain.name), accounts={"reader": account})
        ad = stack.enter_context(AdServer(directory))
        graph = stack.enter_context(
            GraphSimulator(
                [
                    Tenant(
                        tenant,
                        company.graph_users(tenant),
                        company.graph_groups(tenant),
                        company.graph_members(tenant),
                        company.privileged(tenant),
                    )
                ],
                apps={
                    "reader": App(SECRET, ("User.Read.All", "Group.Read.All", "GroupMember.Read.All", *reads)),
                    "writer": App(SECRET, writes),
                },
                **graph_options,
            )
        )
        with (folder / "workers.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, WORKER_COLUMNS)
            writer.writeheader()
            writer.writerows(company.workers())
        text = _TOML.format(ad=ad.url, graph=graph.url, tenant=tenant, canary=canary, employee=_EMPLOYEE)
        (folder / "recon.toml").write_text(text, encoding="utf-8")
        yield Rehearsal(folder, load_config(folder / "recon.toml"), graph, tenant)
