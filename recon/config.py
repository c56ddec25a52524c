"""recon.toml and the environment, as frozen settings. Secrets are never values here: only where to find them.

Reads one file, never writes. Every key stands in docs/configuration.md, which the suite holds against this module.
Paths are relative to the file they stand in. Environment variables RECON_DATABASE_URL and RECON_CONFIG override.
Long, because it is one table of keys.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from recon.backfill_config import BulkUpload, Campaign, Mapping, Scope, check_attribute, check_doubled, one_or_many
from recon.errors import ConfigError, UsageError
from recon.objects import TABLES

DEFAULT_FILE = "recon.toml"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def is_loopback(host: str | None) -> bool:
    """True for localhost and literal loopback addresses; no name is looked up."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _address(key: str, url: str, form: str, instead: str) -> SplitResult:
    """The parts of an address with a host. Raises ValueError without the value: it may hold a password anywhere."""
    try:
        parts = urlsplit(url)
    except ValueError:  # its text may show the password
        raise ValueError(f"{key} must be {form}") from None
    if "@" in parts.netloc:
        raise ValueError(f"no user or password in the {key}: use {instead}")
    if not parts.hostname:
        raise ValueError(f"{key} must be {form}")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"{key} names no valid port") from None
    try:
        parts.hostname.encode("idna")  # as the network will
    except UnicodeError:
        raise ValueError(f"{key} names no valid host") from None
    return parts


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, given: Any) -> Any:
        """`history_days = true` would be one day."""
        for name, field in cls.model_fields.items():
            is_number = not {int, float}.isdisjoint((field.annotation, *get_args(field.annotation)))
            if is_number and isinstance(given, dict) and isinstance(given.get(name), bool):
                raise ValueError(f"{name} is a number, not true or false")
        return given

    @model_validator(mode="after")
    def _homes_are_known(self) -> Self:
        """`~nobody/x` has to fail here: every reader of a path expands it in its own place."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            for path in value if isinstance(value, tuple) else (value,):
                if isinstance(path, Path):
                    try:
                        path.expanduser()
                    except RuntimeError as error:
                        raise ValueError(f"{name}: no home folder is known for {path.parts[0]}") from error
        return self


def _one_text_or_many(value: Any) -> Any:
    """`url = "…"` and `url = ["…", "…"]` are both fine; None is none."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


class Database(_Section):
    url: str = Field(
        "sqlite:///recon.db",
        description="SQLAlchemy URL; a SQLite path is relative to recon.toml. A password comes from password_env.",
    )
    password_env: str = Field(
        "RECON_DATABASE_PASSWORD",
        description="Environment variable with the database password, where the URL names a user without one.",
    )
    db_schema: str | None = Field(
        None,
        alias="schema",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="Schema of our tables on PostgreSQL and SQL Server; default: public, or the user's default schema.",
    )


class EmployeeIds(_Section):
    """How an employee id is made comparable. Explicit: nothing is stripped by guess."""

    strip_prefix: tuple[str, ...] = Field(
        (), description="Prefixes removed from the id, the first that fits; case-insensitive."
    )
    strip_leading_zeros: bool = Field(False, description="000123 and 123 are the same person.")


class AdSource(_Section):
    name: str = Field("ad", pattern=_NAME, description="Name of the source; unique. Letters, digits, . _ -")
    url: Annotated[tuple[str, ...], BeforeValidator(_one_text_or_many)] = Field(
        (),
        description="ldap://HOST[:PORT] (StartTLS) or ldaps://HOST[:PORT]; a list: the next where one cannot be reached.",
    )
    ldif: Path | None = Field(None, description="Read this LDIF export instead of a server.")
    bases: tuple[str, ...] = Field(
        (), description="Search bases; default: the domain's naming context. One inside another is read once."
    )
    user: str | None = Field(None, description="DN, UPN or DOMAIN\\user for a simple bind.")
    sign_in: Literal["simple", "kerberos"] = Field(
        "simple", description="kerberos: with the ticket or keytab of whoever runs recon; no user, no password."
    )
    kerberos_host: str | None = Field(
        None, description="Host name in the service ticket (ldap/HOST), where `url` names an address or an alias."
    )
    password_env: str = Field("RECON_AD_PASSWORD", description="Environment variable with the bind password.")
    keyring: str | None = Field(
        None, description="Keyring service that holds the password of `user`, instead of the environment."
    )
    ca_file: Path | None = Field(
        None, description="PEM file with the CA of the domain controllers; default: the system's."
    )
    tls: Literal["verify", "none"] = Field(
        "verify", description="none: plain LDAP, refused unless allow_plain_bind is set."
    )
    allow_plain_bind: bool = Field(False, description="Send the password without TLS. For laboratories.")
    page_size: int = Field(1000, ge=1, le=5000, description="Entries a page; AD's MaxPageSize is 1000.")
    timeout: int = Field(60, ge=1, description="Seconds to wait for one answer.")
    reader: Literal["own", "ldap3"] = Field(
        "own", description="Who decodes answers; ldap3 is slower, the rows are the same."
    )
    attributes: tuple[str, ...] = Field((), description="Further attributes of users, to table ad_attribute.")
    objects: tuple[Literal["users", "groups", "computers", "contacts", "deleted", "domain", "policies"], ...] = Field(
        ("users", "groups", "computers", "contacts"),
        description="What to read; also possible: deleted objects, domain and fine-grained password policies.",
    )
    count: bool = Field(
        False,
        description="Count the objects by searches of their own, before and after a full read; refused if rows differ.",
    )
    increment: Literal["auto", "usn", "dirsync", "off"] = Field(
        "auto",
        description="How changes since the last load are found; auto: DirSync where the account may, else uSNChanged.",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> "AdSource":
        if bool(self.url) == (self.ldif is not None):
            raise ValueError("give either url or ldif")
        if self.ldif is not None and set(self.objects) & {"deleted", "domain", "policies"}:
            raise ValueError("objects deleted, domain and policies are read from a server, not from an LDIF export")
        for url in self.url:
            form = "ldap://HOST or ldaps://HOST"
            parts = _address("url", url, form, "user and password_env")
            if parts.scheme not in ("ldap", "ldaps"):
                raise ValueError(f"url must be {form}")
            if self.sign_in == "kerberos" and self.user:
                raise ValueError('sign_in = "kerberos" takes no user: whoever runs recon is signed in')
            if (
                self.sign_in == "kerberos"
                and self.tls == "none"
                and parts.scheme == "ldap"
                and not self.allow_plain_bind
            ):
                raise ValueError("without TLS nothing is signed or encrypted; set allow_plain_bind = true if you must")
            if self.user and self.tls == "none" and parts.scheme == "ldap" and not self.allow_plain_bind:
                raise ValueError(
                    "a simple bind without TLS sends the password in clear; set allow_plain_bind = true if you must"
                )
        return self


class EntraSource(_Section):
    name: str = Field("entra", pattern=_NAME, description="Name of the source; unique. Letters, digits, . _ -")
    tenant_id: str = Field("", description="Directory (tenant) id.")
    client_id: str | None = Field(None, description="Application (client) id.")
    credential: Literal["certificate", "secret", "managed_identity", "workload_identity", "device_code", "default"] = (
        Field("default", description="How to sign in, through azure-identity.")
    )
    secret_env: str = Field("RECON_ENTRA_SECRET", description="Environment variable with the client secret.")
    certificate_file: Path | None = Field(None, description="PEM or PFX with the private key.")
    certificate_password_env: str = Field(
        "RECON_ENTRA_CERTIFICATE_PASSWORD", description="Environment variable with its password."
    )
    writer_client_id: str | None = Field(None, description="Another application for writing; default: the same.")
    writer_secret_env: str = Field(
        "RECON_ENTRA_WRITER_SECRET", description="Environment variable with the writer's secret."
    )
    cloud: Literal["global", "usgov", "dod", "china"] = Field("global", description="National cloud.")
    graph_url: str | None = Field(None, description="Another Graph address (a rehearsal); plain http only on loopback.")
    ndjson: Path | None = Field(
        None, description="Read the NDJSON files of this folder (recon load entra --save) instead of Graph."
    )
    page_size: int = Field(999, ge=1, le=999, description="Users or groups a page.")
    partitions: int = Field(
        1, ge=1, le=32, description="Users are read in so many listings at once, by the beginning of their UPN."
    )
    timeout: int = Field(60, ge=1, description="Seconds to wait for one answer.")
    retries: int = Field(6, ge=0, description="Tries after the first, for answers that are worth another.")
    ca_file: Path | None = Field(None, description="CA bundle for HTTPS through an inspecting proxy.")
    objects: tuple[
        Literal["users", "groups", "members", "deleted", "roles", "group_owners", "registration", "signin", "domains"],
        ...,
    ] = Field(
        ("users", "groups", "members"),
        description="What to read; also possible: deleted (users and groups), roles (with members), domains, "
        "group_owners (20 groups a request), "
        "registration (SSPR and MFA; slow: 999 users in 2 s), signin (slower: 500 users in 6 s).",
    )

    @model_validator(mode="after")
    def _origin(self) -> "EntraSource":
        if self.ndjson is None and not self.tenant_id:
            raise ValueError("give tenant_id (or ndjson)")
        if self.graph_url is not None:
            form = "an http(s) address"
            parts = _address("graph_url", self.graph_url, form, "client_id and secret_env")
            if parts.scheme not in ("http", "https"):
                raise ValueError(f"graph_url must be {form}")
            if parts.scheme == "http" and not is_loopback(parts.hostname):
                raise ValueError("graph_url may be plain http only on loopback: a token would travel in clear")
        return self


class WorkerSource(_Section):
    name: str = Field("hr", pattern=_NAME, description="Name of the source; unique. Letters, digits, . _ -")
    file: Path | None = Field(None, description="CSV extract.")
    url: str | None = Field(None, description="Workday RaaS address (format=json), https.")
    user: str | None = Field(None, description="Integration system user for HTTP basic.")
    password_env: str = Field(
        "RECON_HR_PASSWORD", description="Environment variable with its password, or the OAuth client secret."
    )
    token_url: str | None = Field(None, description="OAuth token address; with it `user` is the client id.")
    ca_file: Path | None = Field(None, description="CA bundle for HTTPS.")
    encoding: str | None = Field(
        None, description="Encoding of the CSV; default: BOM, else UTF-8, else an error that names the byte."
    )
    delimiter: str | None = Field(None, description="Column separator; default: found in the header.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our column = header in the file, where the usual names do not fit."
    )
    date_format: str | None = Field(None, description="strptime format of dates; default ISO 8601.")
    active_statuses: tuple[str, ...] = Field(
        ("active", "a", "1", "true", "yes", "on leave", "onleave"),
        description="Values of the status column that mean active.",
    )

    @field_validator("date_format")
    @classmethod
    def _reads_a_whole_date(cls, given: str | None) -> str | None:
        if given is None:
            return None
        written = datetime(2021, 12, 31, tzinfo=UTC)
        try:
            read = datetime.strptime(written.strftime(given).strip(), given).date()
        except (ValueError, re.error):  # re.error: a directive stands there twice
            read = None
        if read != written.date():
            raise ValueError(f"{given!r} reads no whole date; for example %d.%m.%Y")
        return given

    @model_validator(mode="after")
    def _one_origin(self) -> "WorkerSource":
        if (self.file is None) == (self.url is None):
            raise ValueError("give either file or url")
        if self.url is not None:
            parts = _address("url", self.url, "https://HOST", "user and password_env")
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
                raise ValueError("url must be https: a password would travel in clear")
        if self.token_url is not None:
            _address("token_url", self.token_url, "https://HOST", "user and password_env")
        return self


class MimSource(_Section):
    name: str = Field("mim", pattern=_NAME, description="Name of the source; unique. Letters, digits, . _ -")
    url: str = Field(
        description="SQLAlchemy URL of the database FIMSynchronizationService or ADSync; better, of a restored copy."
    )
    password_env: str = Field(
        "RECON_MIM_PASSWORD", description="Environment variable with the password, where the URL names a user."
    )
    runs: int = Field(5_000, ge=0, description="Newest runs of the history to read; 0: none.")

    @model_validator(mode="after")
    def _no_password(self) -> "MimSource":
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError:  # its text may show the password
            raise ValueError("url is not an SQLAlchemy URL") from None
        if parts.password:
            raise ValueError("no password in the url: use password_env")
        return self


class Link(_Section):
    """Which sources hold the same people. Without any [[link]], all of them belong together."""

    ad: str | None = Field(None, description="Name of an [[ad]] source.")
    entra: str | None = Field(None, description="Name of an [[entra]] source.")
    workers: str | None = Field(None, description="Name of a [[workers]] source.")


class LoadGuards(_Section):
    max_shrink_share: float = Field(0.2, ge=0, le=1, description="A table may lose this share of its rows in one load.")
    max_shrink_rows: int = Field(
        10_000, ge=0, description="… and at most this many rows; small tables: 10 rows are always allowed."
    )
    max_fill_loss: float = Field(
        0.5, ge=0, le=1, description="A column's fill rate may fall by this share in one load."
    )
    full_every_days: int = Field(
        7,
        ge=0,
        le=100_000,
        description="Increments in between, a full read as often as this, which also proves them; 0: always in full.",
    )
    batch_rows: int = Field(2_000, ge=1, description="Rows an insert into the stage.")
    history_days: int = Field(
        90,
        ge=0,
        le=100_000,
        description="Replaced and deleted versions are kept so long; personal addresses are among them.",
    )


class Settings(_Section):
    """Written to table `setting` when it has no such row yet; from then on the table rules."""

    stale_days: int = Field(90, ge=1, le=100_000, description="No sign-in for so long is stale.")
    leaver_grace_days: int = Field(
        1, ge=0, le=100_000, description="Days after the termination date before a leaver is reported."
    )
    joiner_days: int = Field(
        14, ge=0, le=100_000, description="Hires starting within so many days must have an account."
    )
    sync_grace_minutes: int = Field(
        120, ge=0, le=1_000_000, description="Changes in AD this close before the Entra load are not held against it."
    )
    held_mail_days: int = Field(
        7, ge=0, le=100_000, description="A personal address that changed in HR within so many days is held."
    )
    load_max_age_hours: int = Field(
        24, ge=1, le=1_000_000, description="Older loads are stamped in reports and refused by plans."
    )
    closure_max_rows: int = Field(
        20_000_000,
        ge=1,
        le=2_000_000_000,
        description="Nested memberships are followed as deep as so many rows a side allow.",
    )
    closure_max_depth: int = Field(50, ge=1, le=1_000_000, description="… and at most so many steps deep.")


class Backfill(_Section):
    scope: str | None = Field(None, description="Name of the [scope.NAME] whose workers may be written.")
    attribute: str = Field("otherMails", description="What to fill: the short form of a single mapping.")
    source: str = Field("worker.personal_mail", description="worker.COLUMN or ad_user.COLUMN that holds the value.")
    mapping: Annotated[tuple[Mapping, ...], BeforeValidator(one_or_many)] = Field(
        (), description="One [[backfill.mapping]] for each attribute, instead of `attribute` and `source`."
    )
    company_domains: tuple[str, ...] = Field(
        (),
        description="Own mail domains: never a personal address. UPN suffixes and verified domains are added as loaded.",
    )
    denied_groups: tuple[str, ...] = Field(
        (), description="Object ids or names of groups whose members are never written."
    )
    max_items: int = Field(500, ge=1, description="More items than this need --allow-items N.")
    max_share: float = Field(0.5, gt=0, le=1, description="A larger share of the scope needs --allow-items N.")
    max_replaced: int = Field(
        0, ge=0, description="More replaced values than this (mode replace) need --allow-replace N."
    )
    approvals: int = Field(
        0, ge=0, le=2, description="People who must approve a plan (recon backfill approve) before it is applied."
    )
    approved_by_others: bool = Field(True, description="The planner's own approval does not count.")
    canary: int = Field(25, ge=0, description="Items written first; a failure among them stops the run.")
    plan_max_age_hours: int = Field(24, ge=1, description="An older plan is refused.")
    write_share: float = Field(0.5, gt=0, le=1, description="Share of the published write quota we use.")
    after_canary: Literal["stop", "go"] = Field("go", description="After the canary: stop for a look, or go on.")
    lanes: int = Field(4, ge=1, le=16, description="Batches that may be on their way at once.")
    max_failure_share: float = Field(
        0.1, gt=0, le=1, description="Stop when more than this share of the last 100 items failed."
    )
    max_equal_errors: int = Field(10, ge=1, description="Stop when so many items in a row failed alike.")

    @model_validator(mode="after")
    def _one_form(self) -> "Backfill":
        if self.mapping and self.model_fields_set & {"attribute", "source"}:
            raise ValueError("give either [[backfill.mapping]] or attribute and source")
        check_doubled(self.mapping)
        check_attribute(self.attribute, self._short_source)
        return self

    @property
    def _short_source(self) -> str:
        return self.source if "source" in self.model_fields_set else ""

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """What is written, from either form."""
        return self.mapping or (Mapping(attribute=self.attribute, source=self._short_source),)


class Catalogue(_Section):
    findings: tuple[Path, ...] = Field((), description="Folders with the site's own findings (one SELECT a file).")


class Findings(_Section):
    """Which findings a refresh runs. A site's own always run, unless `off` names them."""

    default: bool = Field(True, description="Run the findings that docs/findings.md marks as on by default.")
    families: tuple[str, ...] = Field((), description='Run these families as well; "all" runs every finding.')
    codes: tuple[str, ...] = Field((), description="Run these findings as well.")
    off: tuple[str, ...] = Field((), description="Never run these findings or families.")


class Sync(_Section):
    """What a site's synchronization does with attributes of its own."""

    hire_attribute: str | None = Field(
        None, description="AD attribute that feeds employeeHireDate, such as msDS-cloudExtensionAttribute1."
    )
    leave_attribute: str | None = Field(None, description="AD attribute that feeds employeeLeaveDateTime.")

    def unread(self, read: Iterable[str]) -> list[str]:
        """The attributes that no load reads: neither columns of ad_user nor among `read`."""
        known = {column.name for column in TABLES["ad_user"].columns if column.type == "text"}
        known |= {name.lower().replace("-", "") for name in read}
        given = (self.hire_attribute, self.leave_attribute)
        return [name for name in given if name is not None and name.lower().replace("-", "") not in known]


class Sspr(_Section):
    """The tenant's policy of self-service password reset, as the site knows it. What is not declared is unknown."""

    email_method: bool | None = Field(None, description="The e-mail method is on.")
    methods_required: int | None = Field(None, ge=1, le=2, description="How many methods a reset asks for.")
    password_writeback: bool | None = Field(None, description="Passwords are written back to AD.")
    group: str | None = Field(
        None, description="Object id or name of the Entra group that reset is enabled for; everybody for all users."
    )


class Report(_Section):
    folder: Path = Field(Path("reports"), description="Where reports are written.")
    title: str = Field("Directory reconciliation", description="Heading of the report.")


class Config(_Section):
    """The whole recon.toml. `folder`: where it lies; plans and relative paths start there."""

    database: Database = Field(default_factory=lambda: Database())
    employee_id: EmployeeIds = Field(default_factory=EmployeeIds)
    ad: Annotated[tuple[AdSource, ...], BeforeValidator(one_or_many)] = ()
    entra: Annotated[tuple[EntraSource, ...], BeforeValidator(one_or_many)] = ()
    workers: Annotated[tuple[WorkerSource, ...], BeforeValidator(one_or_many)] = ()
    mim: Annotated[tuple[MimSource, ...], BeforeValidator(one_or_many)] = ()
    link: Annotated[tuple[Link, ...], BeforeValidator(one_or_many)] = ()
    load: LoadGuards = Field(default_factory=LoadGuards)
    settings: Settings = Field(default_factory=Settings)
    scope: dict[str, Scope] = Field(default_factory=dict)
    backfill: Backfill = Field(default_factory=Backfill)
    campaign: dict[str, Campaign] = Field(default_factory=dict)
    bulk_upload: BulkUpload | None = None
    catalogue: Catalogue = Field(default_factory=Catalogue)
    sspr: Sspr = Field(default_factory=lambda: Sspr())
    findings: Findings = Field(default_factory=lambda: Findings())
    sync: Sync = Field(default_factory=lambda: Sync())
    env_file: Path | None = Field(
        None,
        description="File of NAME=value lines, readable by its owner alone, for secrets that are not set in the environment.",
    )
    report: Report = Field(default_factory=Report)
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _names(self) -> "Config":
        sources: list[AdSource | EntraSource | WorkerSource | MimSource]
        sources = [*self.ad, *self.entra, *self.workers, *self.mim]
        names = [source.name for source in sources]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"source name used twice: {', '.join(doubled)}")
        for link in self.link:
            for name, known in ((link.ad, self.ad), (link.entra, self.entra), (link.workers, self.workers)):
                if name is not None and name not in {source.name for source in known}:
                    raise ValueError(f"[[link]] names an unknown source: {name}")
        if self.backfill.scope is not None and self.backfill.scope not in self.scope:
            raise ValueError(f"[backfill] scope names an unknown [scope.{self.backfill.scope}]")
        for name, campaign in self.campaign.items():
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"[campaign.{name}]: a name has letters, digits, . _ -")
            if campaign.scope not in self.scope:
                raise ValueError(f"[campaign.{name}] scope names an unknown [scope.{campaign.scope}]")
        if self.bulk_upload is not None and self.bulk_upload.entra not in (None, *(each.name for each in self.entra)):
            raise ValueError(f"[bulk_upload] entra names an unknown source: {self.bulk_upload.entra}")
        unread = self.sync.unread(name for source in self.ad for name in source.attributes)
        if unread:
            raise ValueError(f"[sync] {unread[0]} is not read: name it in attributes of [ad]")
        return self

    @property
    def folder(self) -> Path:
        """The folder of recon.toml; the current one without a file."""
        return self._folder

    def path(self, relative: Path) -> Path:
        """A path of the configuration, taken from the folder of recon.toml. Raises ConfigError for an unknown ~user."""
        try:
            return (self._folder / relative.expanduser()).absolute()
        except RuntimeError as error:
            raise ConfigError(f"{relative}: no home folder is known for {relative.parts[0]}") from error

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL with a SQLite path made absolute; RECON_DATABASE_URL wins."""
        url = os.environ.get("RECON_DATABASE_URL") or self.database.url
        if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
            return f"sqlite:///{self.path(Path(url.removeprefix('sqlite:///')))}"
        return url

    def read_env_file(self) -> None:
        """Set the names of env_file that the environment does not have; refuses a file that others can read."""
        if self.env_file is None:
            return
        file = self.path(self.env_file)
        try:
            if os.name == "posix" and file.stat().st_mode & 0o077:
                raise ConfigError(f"env_file {file} can be read by others", hint=f"chmod 600 {file}")
            lines = file.read_text(encoding="utf-8-sig").splitlines()  # Windows editors write the mark
        except OSError as error:
            raise ConfigError(f"env_file {file}: {error.strerror}") from error
        except UnicodeDecodeError:  # its text would show a part of a secret
            raise ConfigError(f"env_file {file}: not UTF-8", hint="save it as UTF-8") from None
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            name, equals, value = line.partition("=")
            if not equals or not name.strip():
                raise ConfigError(f"env_file {file}, line {number}: not NAME=value")
            if "\0" in line:
                raise ConfigError(f"env_file {file}, line {number}: a NUL character")
            os.environ.setdefault(name.strip(), value.strip())


def _where(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "file"
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = "unknown key"
    more = len(error.errors()) - 1
    return f"{place}: {reason}" + (f" (and {more} more)" if more else "")


def _nul_in(value: Any, place: str = "") -> str | None:
    """Where a NUL stands; neither a path, an address nor a database takes one."""
    if isinstance(value, str):
        return place if "\0" in value else None
    if isinstance(value, dict):
        for name, inner in value.items():
            found = _nul_in(name, place or "file") or _nul_in(inner, f"{place}.{name}" if place else name)
            if found:
                return found
    if isinstance(value, list):
        return next(filter(None, (_nul_in(inner, f"{place}.{number}") for number, inner in enumerate(value))), None)
    return None


def load_config(path: Path | None = None) -> Config:
    """Read recon.toml: the given file, else RECON_CONFIG, else ./recon.toml.

    Raises UsageError when there is none, ConfigError (file, key, reason) when it does not hold.
    """
    file = path or Path(os.environ.get("RECON_CONFIG", DEFAULT_FILE))
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"no configuration file {file}", hint="recon init writes one; --config FILE names another"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}", hint="recon init --print shows a valid one") from error
    nul = _nul_in(data)
    if nul is not None:
        raise ConfigError(f"{file}: {nul}: a NUL character")
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{file}: {_where(error)}", hint="docs/configuration.md lists every key") from error
    config._folder = file.absolute().parent
    config.read_env_file()
    return config
