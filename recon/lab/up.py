"""A running lab: the company's domain controllers and tenants on loopback, and a recon.toml that fits them.

The passwords are the lab's own, the same in every lab and worth nothing: what they guard is invented and listens on
loopback alone. They stand in a file beside recon.toml as a site's would, so that every command runs as it stands.
"""

import csv
import os
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from recon.errors import ReconError, UsageError
from recon.lab.adserver import Account, AdServer, Directory
from recon.lab.certificates import TlsFiles, make_tls_files
from recon.lab.company import COMPANIES, DENY_LIST, Company, Domain
from recon.lab.graph import App, Fault, GraphSimulator, Limits
from recon.lab.graph import Tenant as GraphTenant
from recon.lab.group_defects import UNDECLARED
from recon.lab.mim import SOURCE as MIM
from recon.lab.mim import write_service
from recon.lab.rendering import WORKER_COLUMNS

MARK = "# Written by recon lab"
ENV_FILE = ".secrets.env"
AD_USER, AD_PASSWORD = "svc-recon", "lab-reader-1"
READER_ID, READER_SECRET = "11111111-1111-4111-8111-111111111111", "lab-reader-2"
WRITER_ID, WRITER_SECRET = "22222222-2222-4222-8222-222222222222", "lab-writer-3"
MIM_FILE, CRITICAL_FILE = "mim.db", "critical_group.sql"
SECRETS = {
    "RECON_LAB_AD_PASSWORD": AD_PASSWORD,
    "RECON_LAB_READER_SECRET": READER_SECRET,
    "RECON_LAB_WRITER_SECRET": WRITER_SECRET,
}
READER_PERMISSIONS = ("User.Read.All", "Group.Read.All")
SIGN_IN_PERMISSION = "AuditLog.Read.All"
WRITER_PERMISSIONS = ("User-Mail.ReadWrite.All", "User.ReadWrite.All")  # otherMails, usageLocation

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds of '50ms', '1.5s', '2m' or '1h'; a bare 0 is fine. Raises UsageError."""
    if text == "0":
        return 0.0
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(f"not a duration: {text!r}", hint="for example 50ms, 1.5s or 2m")
    return float(found[1]) * _SECONDS[found[2]]


class Lab:
    """`with Lab(folder, company) as lab:` starts everything and writes lab.config_path, ready for every command.

    latency: seconds that each Graph request takes at least. limits: None switches Graph's throttling off. time_scale:
    simulated seconds per second of these limits. eventual: the longest time in seconds for which a write to Entra
    stays unseen.
    sign_ins: serve sign-in activity and let loads read it, which takes 6 s for each 500 users, as at Microsoft.
    Ports: 0 takes a free one; a second domain takes the ports after the first. Raises UsageError for a folder that
    cannot be written or holds another recon.toml, ReconError for a port that is taken.
    """

    def __init__(
        self,
        folder: Path,
        company: Company,
        *,
        latency: float = 0.0,
        limits: Limits | None = None,
        time_scale: float = 1.0,
        faults: Iterable[Fault] = (),
        eventual: float | None = None,
        sign_ins: bool = False,
        ad_port: int = 0,
        graph_port: int = 0,
        reader_permissions: Iterable[str] = READER_PERMISSIONS,
        writer_permissions: Iterable[str] = WRITER_PERMISSIONS,
    ) -> None:
        self.folder = folder.absolute()
        self.company = company
        self.config_path = self.folder / "recon.toml"
        self.workers_path = self.folder / "workers.csv"
        self.ad: list[AdServer] = []
        self._ad_port = ad_port
        self._sign_ins = sign_ins
        self._apps = {
            READER_ID: App(READER_SECRET, (*reader_permissions, *([SIGN_IN_PERMISSION] if sign_ins else []))),
            WRITER_ID: App(WRITER_SECRET, tuple(writer_permissions)),
        }
        self._stack = ExitStack()
        self._graph_settings = (latency, limits, time_scale, tuple(faults), eventual, graph_port)
        self._graph: GraphSimulator | None = None

    @property
    def graph(self) -> GraphSimulator:
        """The simulator; raises UsageError before the start."""
        if self._graph is None:
            raise UsageError("the lab has not been started")
        return self._graph

    def start(self) -> Self:
        """Start the servers, then write the files; what was started is stopped when a later step fails."""
        self.ad.clear()
        with ExitStack() as stack:
            tls = self._prepare()
            for place, domain in enumerate(self.company.domains):
                server = self._domain_controller(place, domain, tls)
                try:
                    self.ad.append(stack.enter_context(server))
                except OSError as error:
                    raise ReconError(f"cannot listen for LDAP: {error.strerror}") from error
            self._graph = stack.enter_context(self._simulator())
            self._write_files()
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop the servers; the files stay. Calling it twice does no harm."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def addresses(self) -> list[tuple[str, str]]:
        """(what, where) for each server and file, for people."""
        servers = [
            (f"ad {domain.name}", f"{server.ldaps_url} {server.url}")
            for domain, server in zip(self.company.domains, self.ad, strict=True)
        ]
        tenants = [(f"entra {tenant.tenant_id}", self.graph.url) for tenant in self.company.tenants]
        return [*servers, *tenants, ("workers", str(self.workers_path)), ("config", str(self.config_path))]

    # ---- the parts

    def _prepare(self) -> TlsFiles:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.config_path.exists() and not self.config_path.read_text("utf-8", "replace").startswith(MARK):
                raise UsageError(f"{self.config_path} is not a lab's", hint="give the lab a folder of its own")
            return make_tls_files(self.folder, names=("localhost",), addresses=("127.0.0.1",))
        except OSError as error:
            raise UsageError(f"cannot write to {self.folder}: {error.strerror}") from error

    def _domain_controller(self, place: int, domain: Domain, tls: TlsFiles) -> AdServer:
        account = Account(
            AD_PASSWORD,
            dn=f"CN={AD_USER},CN=Users,{domain.base_dn}",
            upn=f"{AD_USER}@{domain.name}",
            reads_deleted=True,
        )
        directory = Directory(
            domain.base_dn,
            self.company.ad_entries(domain.name),
            accounts={AD_USER: account},
            netbios_name=domain.netbios,
        )
        port = self._ad_port + 2 * place if self._ad_port else 0
        return AdServer(directory, port=port, ldaps_port=port + 1 if port else 0, tls=tls)

    def _simulator(self) -> GraphSimulator:
        latency, limits, time_scale, faults, eventual, port = self._graph_settings
        tenants = [
            GraphTenant(
                tenant.tenant_id,
                users=self.company.graph_users(tenant.tenant_id, sign_ins=self._sign_ins),
                groups=self.company.graph_groups(tenant.tenant_id),
                members=self.company.graph_members(tenant.tenant_id),
                privileged=self.company.privileged(tenant.tenant_id),
                deleted=self.company.graph_deleted(tenant.tenant_id),
                owners=self.company.graph_owners(tenant.tenant_id),
                domains=(tenant.domain,),
            )
            for tenant in self.company.tenants
        ]
        return GraphSimulator(
            tenants,
            apps=self._apps,
            latency=latency,
            limits=limits,
            time_scale=time_scale,
            faults=faults,
            eventual=eventual,
            port=port,
        )

    # ---- the files

    def _write_files(self) -> None:
        try:
            with self.workers_path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, WORKER_COLUMNS)
                writer.writeheader()
                writer.writerows(self.company.workers())
            secrets = self.folder / ENV_FILE
            secrets.unlink(missing_ok=True)
            handle = os.open(secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(f"{name}={value}\n" for name, value in SECRETS.items())
            write_service(self.folder / MIM_FILE, self.company)
            (self.folder / CRITICAL_FILE).write_text(self._critical_groups(), encoding="utf-8")
            self.config_path.write_text(self._config(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write to {self.folder}: {error.strerror}") from error

    def _critical_groups(self) -> str:
        rows = ",\n".join(
            f"    ('{row['id']}', '{row['owner']}', '{row['note']}')" for row in self.company.critical_groups()
        )
        head = "-- The site's own table: run it once the database is there.\n"
        return f"{head}insert into critical_group (id, owner, note)\nvalues\n{rows};\n"

    def _config(self) -> str:
        company = self.company
        parts = [f"{MARK}: an invented company. The passwords in {ENV_FILE} are the lab's own."]
        parts.append(f'env_file = "{ENV_FILE}"\n\n[database]\nurl = "sqlite:///recon.db"\n')
        parts += [
            f'[[ad]]\nname = "{_ad_name(domain)}"\nurl = "{server.ldaps_url}"\nuser = "{AD_USER}@{domain.name}"\n'
            f'password_env = "RECON_LAB_AD_PASSWORD"\nca_file = "ca.pem"\n'
            'attributes = ["userCertificate"]\n'
            for domain, server in zip(company.domains, self.ad, strict=True)
        ]
        objects = '"groups", "members", "deleted"' + (', "signin"' if self._sign_ins else "")
        parts += [
            f'[[entra]]\nname = "{_entra_name(place)}"\ntenant_id = "{tenant.tenant_id}"\n'
            f'client_id = "{READER_ID}"\ncredential = "secret"\nsecret_env = "RECON_LAB_READER_SECRET"\n'
            f'writer_client_id = "{WRITER_ID}"\nwriter_secret_env = "RECON_LAB_WRITER_SECRET"\n'
            f'graph_url = "{self.graph.url}"\nobjects = ["users", "group_owners", {objects}]\n'
            for place, tenant in enumerate(company.tenants)
        ]
        parts.append('[[workers]]\nname = "hr"\nfile = "workers.csv"\n')
        parts.append(f'[[mim]]\nname = "{MIM}"\nurl = "sqlite:///{MIM_FILE}"\n')
        parts += [
            f'[[link]]\nad = "{_ad_name(domain)}"\nentra = "{_entra_name(domain.tenant)}"\nworkers = "hr"\n'
            for domain in company.domains
        ]
        groups = "".join(
            '  [ { column = "worker_type", op = "EQUALS", value = "Employee" }, '
            f'{{ column = "company", op = "EQUALS", value = "{name}" }} ],\n'
            for name in COMPANIES
        )
        parts.append(
            f"[sspr]  # {UNDECLARED} is left open\nemail_method = true\npassword_writeback = true\n"
            'group = "everybody"\n'
        )
        parts.append('[findings]\nfamilies = ["all"]\n')
        parts.append(
            '[sync]\nhire_attribute = "msDS-cloudExtensionAttribute1"\n'
            'leave_attribute = "msDS-cloudExtensionAttribute2"\n'
        )
        parts.append(f"[scope.hybrid]\ngroups = [\n{groups}]\n")
        domains = ", ".join(f'"{domain.name}"' for domain in company.domains)
        parts.append(
            f'[backfill]\nscope = "hybrid"\nsource = "worker.personal_mail"\ncompany_domains = [{domains}]\n'
            f'denied_groups = ["{DENY_LIST}"]\n'
        )
        return "\n".join(parts)


def _ad_name(domain: Domain) -> str:
    return domain.netbios.lower()


def _entra_name(place: int) -> str:
    return "entra" if place == 0 else f"entra{place + 1}"
