"""Loading: the one place that joins a source with the store.

Each function reads the configured sources of one kind to their end and publishes them; a read that does not hold
the rows its server counts is read again, from the beginning, at most twice more.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from recon.config import AdSource, Config, EntraSource, WorkerSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import ConfigError, IncompleteError, StoreError, UsageError
from recon.lock import locked
from recon.objects import TABLES, Reading, Row
from recon.store import Store
from recon.store.load import Load, LoadResult
from recon.store.publish import Overrides
from recon.store.runs import register_source, write_links

READS = 3

Progress = Callable[[int], None]
Source = AdSource | EntraSource | WorkerSource

_KINDS: dict[type, str] = {AdSource: "ad", EntraSource: "entra", WorkerSource: "workers"}
_AD_TABLES = {
    "users": ("ad_user",),
    "groups": ("ad_group", "ad_member"),
    "computers": ("ad_computer",),
    "contacts": ("ad_contact",),
}
_ENTRA_TABLES = {"users": ("entra_user",), "groups": ("entra_group",), "members": ("entra_member",)}


def sources(config: Config, kind: str, names: tuple[str, ...] = ()) -> list[Source]:
    """The configured sources of one kind (ad, entra, workers), or those named.

    Raises UsageError for an unknown name, ConfigError when none is configured.
    """
    found: list[Source] = list(getattr(config, kind))
    if not found:
        raise ConfigError(f"no [{kind}] source is configured", hint="recon init writes a commented recon.toml")
    unknown = set(names) - {source.name for source in found}
    if unknown:
        known = ", ".join(source.name for source in found)
        raise UsageError(f"unknown {kind} source {', '.join(sorted(unknown))}; configured: {known}")
    return [source for source in found if not names or source.name in names]


def id_rules(config: Config) -> EmployeeIdRules:
    """The configured employee id normaliser."""
    return EmployeeIdRules(config.employee_id.strip_prefix, config.employee_id.strip_leading_zeros)


def tables_of(source: Source) -> tuple[str, ...]:
    """The tables that a read of this source covers, children included."""
    if isinstance(source, AdSource):
        wanted = [table for kind in source.objects for table in _AD_TABLES[kind]]
    elif isinstance(source, EntraSource):
        kinds = set(source.objects) | ({"groups"} if "members" in source.objects else set())
        wanted = [table for kind in _ENTRA_TABLES if kind in kinds for table in _ENTRA_TABLES[kind]]
    else:
        wanted = ["worker"]
    children = [name for name, table in TABLES.items() if table.kind == "child" and table.parent in wanted]
    return (*wanted, *children)


def open_reading(config: Config, source: Source, *, save: Path | None = None) -> Reading:
    """A fresh read of one source. Heavy libraries of the other kinds stay unloaded."""
    ids = id_rules(config)
    if isinstance(source, AdSource):
        if source.ldif is not None:
            from recon.sources.ldif import LdifReading

            return LdifReading(source, config.path(source.ldif), ids)
        from recon.sources.ldap.reading import AdReading
        from recon.sources.secrets import read_secret

        ca_file = config.path(source.ca_file) if source.ca_file else None
        password = read_secret(source.password_env, source.keyring, source.user) if source.user else None
        return AdReading(source.model_copy(update={"ca_file": ca_file}), password, ids)
    if isinstance(source, EntraSource):
        from recon.sources import entra

        return entra.open_reading(source, config.path, ids, save=save)
    from recon.sources.workers import open_reading as open_workers

    return open_workers(source, config.path, ids)


def _counted(rows: Iterator[Row], progress: Progress | None) -> Iterator[Row]:
    for row in rows:
        if progress is not None:
            progress(1)
        yield row


def load_source(
    config: Config,
    store: Store,
    source: Source,
    *,
    accept: Overrides | None = None,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    save: Path | None = None,
) -> LoadResult:
    """Read one source to its end and publish it; raises SourceError or StoreError and leaves the old rows.

    `warn` receives one line for each read that had to begin again.
    """
    kind = _KINDS[type(source)]
    busy = StoreError(f"another load of {source.name} is running", hint="wait for it to end")
    with ExitStack() as stack:
        stack.enter_context(locked(config.folder / f".recon-{source.name}.lock", busy))
        source_id = register_source(store, kind, source.name)
        for attempt in range(1, READS + 1):
            try:
                return _load_once(config, store, source, source_id, accept, progress, save)
            except IncompleteError as error:
                if attempt == READS:
                    raise
                if warn is not None:
                    warn(f"{error}; reading again ({attempt + 1} of {READS})")
    raise AssertionError("unreachable")


def _load_once(
    config: Config,
    store: Store,
    source: Source,
    source_id: int,
    accept: Overrides | None,
    progress: Progress | None,
    save: Path | None,
) -> LoadResult:
    reading = open_reading(config, source, save=save)
    with Load(store, source_id, source.name, tables_of(source), config.load) as load:
        for row in _counted(reading.rows(), progress):
            load.add(row)
        register_source(store, _KINDS[type(source)], source.name, getattr(reading, "domain", None))
        result = load.publish(reading.report, accept)
    write_links(store, config)
    return result
