"""Checks before the first load: configuration, database, LDAP, Graph, HR; each with its fix. Reads, never writes.

One bind per domain controller and no more: a refused password is never tried again, it would lock the account.
"""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recon.config import AdSource, Config, EntraSource, WorkerSource
from recon.errors import ReconError, UsageError
from recon.pipeline.loads import ad_password, at_home, id_rules
from recon.store import Store

OK, WARN, FAIL = "ok", "warning", "failed"

READ_PERMISSIONS = {
    "users": ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    "groups": ("Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    "members": (
        "GroupMember.Read.All",
        "GroupMember.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ),
}
READ_PERMISSIONS["deleted"] = READ_PERMISSIONS["groups"]
READ_PERMISSIONS["group_owners"] = READ_PERMISSIONS["members"]
READ_PERMISSIONS["roles"] = ("RoleManagement.Read.Directory", "Directory.Read.All", "Directory.ReadWrite.All")
READ_PERMISSIONS["registration"] = READ_PERMISSIONS["signin"] = ("AuditLog.Read.All",)
READ_PERMISSIONS["domains"] = (
    "Domain.Read.All",
    "Domain.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
WRITE_PERMISSIONS = {
    "otherMails": ("User-Mail.ReadWrite.All", "User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
    "usageLocation": ("User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and what to do when it is not fine."""

    area: str
    check: str
    state: str
    detail: str
    fix: str = ""


def examine(config: Config) -> Iterator[Check]:
    """All checks, one by one as they are done."""
    total = len(config.ad) + len(config.entra) + len(config.workers)
    if total == 0:
        yield Check("configuration", "sources", FAIL, "none is configured", "recon init writes a commented recon.toml")
    else:
        detail = f"{len(config.ad)} AD, {len(config.entra)} Entra, {len(config.workers)} HR"
        yield Check("configuration", "sources", OK, detail)
    yield _database(config)
    for ad in config.ad:
        yield from _guarded(f"ad {ad.name}", "read", _ad(config, ad))
    for entra in config.entra:
        yield from _guarded(f"entra {entra.name}", "read", _entra(config, entra))
    for workers in config.workers:
        yield from _guarded(f"workers {workers.name}", "columns", _workers(config, workers))
    yield _scope(config)


def _guarded(area: str, what: str, checks: Iterable[Check]) -> Iterator[Check]:
    try:
        yield from checks
    except ReconError as error:
        yield Check(area, what, FAIL, str(error), error.hint or "")


def _database(config: Config) -> Check:
    url = config.database_url
    try:
        with Store.configured(config) as store:
            return Check("database", "open", OK, f"{store.dialect}, tables are there")
    except UsageError as error:  # no database yet
        if url.startswith("sqlite:///"):
            folder = Path(url.removeprefix("sqlite:///")).parent
            if not os.access(folder, os.W_OK | os.X_OK):
                return Check("database", "folder", FAIL, f"{folder} cannot be written", "choose another [database] url")
        return Check("database", "open", OK, f"{error}; the first load makes it")
    except ReconError as error:
        return Check("database", "open", FAIL, str(error), error.hint or "")


def _ad(config: Config, source: AdSource) -> Iterator[Check]:
    area = f"ad {source.name}"
    placed = at_home(config, source)
    if placed.ldif is not None:
        from recon.sources.ldif import LdifReading

        domain = LdifReading(placed, id_rules(config)).domain
        yield Check(area, "ldif file", OK if domain else WARN, f"{placed.ldif}, domain {domain or 'not found'}")
        return
    if source.user:
        password = ad_password(source)
        if not password:
            where = f"keyring {source.keyring}" if source.keyring else f"environment {source.password_env}"
            yield Check(area, "password", FAIL, f"none in {where}", f"export {source.password_env}=…, or use a keyring")
            return
        yield Check(area, "password", OK, "found")
    from recon.sources.ldap.session import NoConnectionError

    for url in source.url:
        try:
            yield from _domain_controller(area, placed, url)
        except NoConnectionError as error:  # a refused sign-in ends the checks: the next one would count, too
            yield Check(area, "connection", FAIL, str(error), error.hint or "")


def _domain_controller(area: str, source: AdSource, url: str) -> Iterator[Check]:
    from recon.sources.ldap.session import Session

    with Session(source, ad_password(source), url) as session:
        root = session.root_dse()
        is_plain = source.tls == "none" and not url.startswith("ldaps:")
        tls = "no TLS: passwords travel in clear" if is_plain else "certificate verified"
        fix = 'ldaps://, or tls = "verify" for StartTLS' if is_plain else ""
        yield Check(area, "connection", WARN if is_plain else OK, f"{url}, {tls}", fix)
        yield Check(area, "sign-in", OK, f"as {source.user or 'nobody (anonymous)'}")
        base = source.bases[0] if source.bases else root.naming_context
        if base is None:
            yield Check(area, "base", FAIL, "the server names no naming context", "set bases")
            return
        answer = session.search(
            base, "SUBTREE", "(sAMAccountType=805306368)", ["sAMAccountName", "userAccountControl"], page_size=1
        )
        found = bool(answer.entries)
        fix = "" if found else "check bases, and whether the account may read there"
        yield Check(area, "read", OK if found else FAIL, f"{'a user' if found else 'no user'} under {base}", fix)


def token_permissions(token: str) -> frozenset[str] | None:
    """The application permissions (roles) or delegated scopes inside an access token; None when it does not tell."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    if not isinstance(claims, dict) or not ({"roles", "scp"} & claims.keys()):
        return None
    return frozenset(claims.get("roles", [])) | frozenset(str(claims.get("scp", "")).split())


def _permission(area: str, what: str, granted: frozenset[str] | None, enough: tuple[str, ...]) -> Check:
    if granted is None:
        return Check(area, what, WARN, f"the token does not name its permissions; needed: {enough[0]}")
    found = sorted(granted & set(enough))
    if found:
        return Check(area, what, OK, found[0])
    return Check(area, what, FAIL, f"missing {enough[0]}", f"grant the application {enough[0]} with admin consent")


def _entra(config: Config, source: EntraSource) -> Iterator[Check]:
    area = f"entra {source.name}"
    if source.ndjson is not None:
        folder = config.path(source.ndjson)
        found = (folder / "users.ndjson").exists() or (folder / "users.ndjson.gz").exists()
        fix = "" if found else "recon load entra --save FOLDER writes the files where Graph can be reached"
        yield Check(area, "ndjson files", OK if found else FAIL, str(folder), fix)
        return
    from recon.sources.graph.client import open_client
    from recon.sources.graph.credentials import graph_root

    with open_client(source, folder=config.folder) as client:
        granted = token_permissions(client.access_token())
        yield Check(area, "sign-in", OK, f"{graph_root(source)}, tenant {source.tenant_id}")
        answer = client.get("/users", {"$top": "1", "$select": "id"}, permission=READ_PERMISSIONS["users"][0])
        some = bool(answer.get("value"))
        yield Check(area, "read", OK if some else WARN, "a user" if some else "the tenant shows no user")
    for kind in source.objects:
        yield _permission(area, f"permission for {kind}", granted, READ_PERMISSIONS[kind])
    if config.backfill.scope is not None:
        if source.writer_client_id is not None:
            with open_client(source, folder=config.folder, writer=True) as writer:
                granted = token_permissions(writer.access_token())
        attribute = config.backfill.attribute
        yield _permission(area, f"permission to write {attribute}", granted, WRITE_PERMISSIONS[attribute])


def _workers(config: Config, source: WorkerSource) -> Iterator[Check]:
    from recon.sources.workers import WorkerReading

    area = f"workers {source.name}"
    file = config.path(source.file) if source.file else None
    columns = WorkerReading(source, file, id_rules(config), folder=config.folder).columns()
    known = ", ".join(f"{name} = {header}" for name, header in sorted(columns.items()))
    yield Check(area, "columns", OK, known)
    wanted = {"personal_mail", "country", "hire_date", "termination_date", "last_name"}
    missing = sorted(wanted - columns.keys())
    if missing:
        fix = f'name them in [workers] columns, for example columns = {{ {missing[0]} = "Your header" }}'
        yield Check(area, "columns not found", WARN, ", ".join(missing), fix)


def _scope(config: Config) -> Check:
    if config.backfill.scope is None:
        return Check(
            "backfill", "scope", WARN, "none: backfill plan will refuse", "declare [scope.NAME] and [backfill] scope"
        )
    return Check("backfill", "scope", OK, config.backfill.scope)
