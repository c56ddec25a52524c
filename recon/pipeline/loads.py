"""Loading: the one place that joins a source with the store.

Each function reads the configured sources of one kind to their end and publishes them; a read that does not hold
the rows its server counts is read again, from the beginning, at most twice more.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from recon.config import AdSource, Config, EntraSource, MimSource, WorkerSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import ConfigError, IncompleteError, SourceError, StoreError, UsageError, WatermarkError
from recon.lock import locked
from recon.objects import TABLES, TABLES_OF_KIND, Reading, Withdrawn, Yielded
from recon.pipeline.increments import where_to_begin
from recon.store import Store
from recon.store.drift import DriftCheck
from recon.store.load import Load, LoadResult
from recon.store.publish import Overrides
from recon.store.runs import Begin, Standing, register_source, standing, write_links

READS = 3

Progress = Callable[[int], None]
Source = AdSource | EntraSource | WorkerSource | MimSource

_KINDS: dict[type, str] = {AdSource: "ad", EntraSource: "entra", WorkerSource: "workers", MimSource: "mim"}
_AD_TABLES = {
    "users": ("ad_user",),
    "groups": ("ad_group", "ad_member"),
    "computers": ("ad_computer",),
    "contacts": ("ad_contact",),
    "deleted": ("ad_deleted",),
    "domain": ("ad_domain",),
    "policies": ("ad_password_policy",),
}


def sources(config: Config, kind: str, names: tuple[str, ...] = ()) -> list[Source]:
    """The configured sources of one kind (ad, entra, workers, mim), or those named.

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
    if isinstance(source, EntraSource):
        from recon.sources import entra

        return entra.tables_of(source)
    if isinstance(source, MimSource):
        return TABLES_OF_KIND["mim"]
    wanted = ["worker"]
    if isinstance(source, AdSource):
        wanted = [table for kind in source.objects for table in _AD_TABLES[kind]]
    return (*wanted, *(name for name, table in TABLES.items() if table.parent in wanted))


def ad_password(source: AdSource) -> str | None:
    """The bind password of a source, from its keyring or the environment; None for an anonymous one."""
    from recon.sources.secrets import read_secret

    return read_secret(source.password_env, source.keyring, source.user) if source.user else None


def at_home(config: Config, source: AdSource) -> AdSource:
    """The source with its files named from the folder of recon.toml."""
    files = {name: getattr(source, name) for name in ("ca_file", "ldif")}
    return source.model_copy(update={name: config.path(path) for name, path in files.items() if path is not None})


@contextmanager
def reading_of(
    config: Config, source: Source, *, save: Path | None = None, since: str | None = None
) -> Iterator[Reading]:
    """A fresh read of one source, or of what changed `since` a watermark. Heavy libraries of others stay unloaded."""
    ids = id_rules(config)
    if isinstance(source, AdSource):
        placed = at_home(config, source)
        if placed.ldif is not None:
            from recon.sources.ldif import LdifReading

            yield LdifReading(placed, ids)
            return
        from recon.sources.ldap.reading import AdReading

        with closing(AdReading(placed, ad_password(source), ids, since=since)) as reading:
            yield reading
    elif isinstance(source, EntraSource):
        from recon.sources.entra import EntraReading
        from recon.sources.entra_ndjson import NdjsonReading
        from recon.sources.graph.client import open_client

        if source.ndjson is not None:
            yield NdjsonReading(source, config.path(source.ndjson), ids)
            return
        with open_client(source, folder=config.folder) as client:
            yield EntraReading(source, client, ids, save=save, since=since)
    elif isinstance(source, MimSource):
        from recon.sources.mim import MimReading

        yield MimReading(source, folder=config.folder)
    else:
        from recon.sources.workers import WorkerReading

        yield WorkerReading(source, config.path(source.file) if source.file else None, ids, folder=config.folder)


def _counted(rows: Iterator[Yielded], progress: Progress | None) -> Iterator[Yielded]:
    for row in rows:
        if progress is not None:
            progress(-row.rows if isinstance(row, Withdrawn) else 1)
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
    full: bool = False,
) -> LoadResult:
    """Read one source to its end and publish it; raises SourceError or StoreError and leaves the old rows.

    Only the changes are read where the last load left a watermark and nothing asks for more (`full`, `save`, the
    configured interval). A full read that follows increments is held against them. `warn` receives one line for each
    read that had to begin again.
    """
    kind = _KINDS[type(source)]
    busy = StoreError(f"another load of {source.name} is running", hint="wait for it to end")
    with locked(config.folder / f".recon-{source.name}.lock", busy):
        source_id = register_source(store, kind, source.name)
        work = _Work(config, store, source, source_id, accept, progress, warn or (lambda _line: None), save)
        stood = standing(store, source_id)
        begin = where_to_begin(config, source, stood, full=full, save=save)
        can_prove = stood is not None and stood.is_increment and stood.basis == begin.basis
        if begin.watermark is not None:
            try:
                return work.once(begin)
            except (WatermarkError, IncompleteError) as error:
                can_prove &= not isinstance(error, WatermarkError)
                work.warn(f"{source.name}: {error}; a full read follows")
                begin = replace(begin, watermark=None, run_id=None, reason=f"no increment: {error}"[:256])
        result = work.whole(begin)
        if can_prove and stood is not None and stood.watermark is not None:
            work.prove(stood, result)
    return result


@dataclass(frozen=True, slots=True)
class _Work:
    """One load of one source, which may take several reads."""

    config: Config
    store: Store
    source: Source
    source_id: int
    accept: Overrides | None
    progress: Progress | None
    warn: Callable[[str], None]
    save: Path | None

    def whole(self, begin: Begin) -> LoadResult:
        """Read in full, again where rows are missing."""
        for attempt in range(1, READS):
            try:
                return self.once(begin)
            except IncompleteError as error:
                self.warn(f"{error}; reading again ({attempt + 1} of {READS})")
        return self.once(begin)

    def once(self, begin: Begin) -> LoadResult:
        """One read, published."""
        config, store, source = self.config, self.store, self.source
        with (
            reading_of(config, source, save=self.save, since=begin.watermark) as reading,
            Load(store, self.source_id, source.name, tables_of(source), config.load, begin) as load,
        ):
            for row in _counted(reading.rows(), self.progress):
                load.add(row)
            register_source(store, _KINDS[type(source)], source.name, _domain(source, reading))
            result = load.publish(reading.report, self.accept)
        for name in ("ad_user", "entra_user"):
            if name in result.tables and not result.tables[name].rows_published:
                result.warnings.append(f"{name} is empty: check what may be read, and from where")
        write_links(store, config)
        return result

    def prove(self, stood: Standing, result: LoadResult) -> None:
        """Hold the full read against the increments before it: read the changes since their last watermark again.

        What the full read changed and these changes do not name, increments had left wrong. Nothing is published.
        """
        try:
            with (
                reading_of(self.config, self.source, since=stood.watermark) as reading,
                DriftCheck(self.store, self.source_id, result.run_id, tables_of(self.source)) as check,
            ):
                for row in _counted(reading.rows(), self.progress):
                    check.add(row)
                if not reading.report.is_increment:
                    raise WatermarkError("the source was read in full")
                whole = [name for name, read in reading.report.tables.items() if read.is_whole]
                result.drifted = check.finish(whole)
        except SourceError as error:
            result.warnings.append(f"the increments before could not be proven: {error}")
            return
        if result.drifted:
            result.warnings.append(
                f"{result.drifted} rows were not as increments had left them; they are right now, and listed by "
                "recon sql run drift"
            )


def summary(result: LoadResult) -> str:
    """One line for people: how a source was read and why, and how many rows changed."""
    changed = sum(entry.inserted + entry.changed + entry.deleted for entry in result.tables.values())
    how = "increment" if result.is_increment else f"full read ({result.reason})" if result.reason else "full read"
    return f"{result.source}: {how}, {changed:,} rows changed"


def _domain(source: Source, reading: Reading) -> str | None:
    """What the source holds: an AD domain, a tenant; HR systems have no such name."""
    if isinstance(source, EntraSource):
        from recon.sources.entra_ndjson import NdjsonReading

        exported = reading.tenant_id() if isinstance(reading, NdjsonReading) else None
        return (source.tenant_id or exported or "").lower() or None
    domain: str | None = getattr(reading, "domain", None)
    return domain
