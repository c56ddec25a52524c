"""What is known about sources and their loads: registration, links, run records, age."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from recon import __version__
from recon.config import Config
from recon.decode.times import earlier, utc_now_text
from recon.errors import StoreError
from recon.objects import ReadReport, TableRead
from recon.store.closure import cut_closures
from recon.store.engine import Store, one_at_a_time
from recon.store.overrides import accepted_overrides, to_text
from recon.store.publish import TableResult
from recon.store.settings import read_setting
from recon.store.tables import SCHEMA_VERSION, load_reject, load_run, load_run_table, source, source_link
from recon.store.verified import broken_tables

CLOCK_MINUTES = 10  # by which the clocks of two machines may differ


@dataclass(frozen=True, slots=True)
class Begin:
    """What a load begins with. `run_id`, `watermark`: the load an increment goes on from; `basis`: see load_run.

    `reason`: why it is a full read, for people.
    """

    run_id: int | None = None
    watermark: str | None = None
    basis: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LastLoad:
    """The last published load of one table of one source. `reasons`: of what was rejected, with numbers, for people.

    `accepted`: what that load was told to let pass, for people.
    """

    source: str
    kind: str
    table: str
    run_id: int
    finished_at: str
    rows: int
    server_count: int | None
    rejected: int
    duplicates: int
    inserted: int
    changed: int
    deleted: int
    filter: str | None
    fingerprint: str | None
    accepted: str | None
    reasons: str = ""


def register_source(store: Store, kind: str, name: str, domain: str | None = None) -> int:
    """The source_id of a named source, made at the first call. `domain`: DNS name or tenant id.

    Raises StoreError when the name already stands for another kind, domain or tenant.
    """
    try:
        return _register(store, kind, name, domain)
    except IntegrityError:  # another load made it meanwhile
        return _register(store, kind, name, domain)


def _register(store: Store, kind: str, name: str, domain: str | None) -> int:
    with store.write() as connection:
        found = connection.execute(
            select(source.c.source_id, source.c.kind, source.c.domain).where(source.c.name == name)
        ).one_or_none()
        if found is None:
            values = {"kind": kind, "name": name, "domain": domain}
            key = connection.execute(insert(source).values(values)).inserted_primary_key
            assert key is not None
            return int(key[0])
        if found.kind != kind or (domain and found.domain and found.domain != domain):
            raise StoreError(
                f"source {name} holds {found.domain or found.kind}; it cannot take {domain or kind}",
                hint="give the new one a name of its own in recon.toml, or use another database",
            )
        if domain and found.domain is None:
            connection.execute(update(source).where(source.c.source_id == found.source_id).values(domain=domain))
        return int(found.source_id)


def write_links(store: Store, config: Config) -> None:
    """Bring table source_link in line with the configuration: [[link]]s, else all sources belong together."""
    with store.write() as connection:
        one_at_a_time(connection, "links")
        known = {row.name: (row.source_id, row.kind) for row in connection.execute(select(source))}
        of_kind = {
            kind: [key for key, its in known.values() if its == kind] or [None] for kind in ("ad", "entra", "workers")
        }

        def ids(name: str | None, kind: str) -> list[int | None]:
            if name is None:
                return [None]
            return [known[name][0]] if name in known else []

        wanted: set[tuple[int | None, int | None, int | None]] = set()
        if config.link:
            for link in config.link:
                wanted |= {
                    (a, e, w)
                    for a in ids(link.ad, "ad")
                    for e in ids(link.entra, "entra")
                    for w in ids(link.workers, "workers")
                }
        else:
            wanted = {(a, e, w) for a in of_kind["ad"] for e in of_kind["entra"] for w in of_kind["workers"]}
        wanted.discard((None, None, None))
        connection.execute(delete(source_link))
        if wanted:
            rows = [
                {"ad_source_id": a, "entra_source_id": e, "worker_source_id": w} for a, e, w in sorted(wanted, key=repr)
            ]
            connection.execute(insert(source_link), rows)


def begin_run(store: Store, source_id: int) -> int:
    """Record that a load began; an earlier one that never ended is marked failed."""
    with store.write() as connection:
        connection.execute(
            update(load_run)
            .where(load_run.c.source_id == source_id, load_run.c.status == "running")
            .values(status="failed", error="interrupted")
        )
        values = {
            "source_id": source_id,
            "status": "running",
            "started_at": utc_now_text(),
            "tool_version": __version__,
            "schema_version": SCHEMA_VERSION,
        }
        key = connection.execute(insert(load_run).values(values)).inserted_primary_key
        assert key is not None
        return int(key[0])


def end_run(store: Store, run_id: int, status: str, error: str) -> None:
    """Record that a load ended without being published."""
    with store.write() as connection:
        connection.execute(
            update(load_run)
            .where(load_run.c.run_id == run_id)
            .values(status=status, finished_at=utc_now_text(), error=error[:1000])
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """The last published load of a source: where an increment may begin. `full_at`: when the last full read began.

    `is_broken`: a verification found that a table is not what was loaded.
    """

    run_id: int
    is_increment: bool
    watermark: str | None
    basis: str | None
    full_at: str | None
    is_broken: bool = False


def standing(store: Store, source_id: int) -> Standing | None:
    """What the last published load of a source left for the next one; None before the first."""
    mine = (load_run.c.source_id == source_id, load_run.c.status == "published")
    with store.read() as connection:
        full_at = connection.scalar(
            select(func.max(load_run.c.started_at)).where(*mine, func.coalesce(load_run.c.is_increment, 0) == 0)
        )
        row = connection.execute(
            select(load_run.c.run_id, load_run.c.is_increment, load_run.c.watermark, load_run.c.basis)
            .where(*mine)
            .order_by(load_run.c.run_id.desc())
            .limit(1)
        ).one_or_none()
        is_broken = any(each.source_id == source_id for each in broken_tables(connection))
    if row is None:
        return None
    return Standing(row.run_id, row.is_increment == 1, row.watermark, row.basis, full_at, is_broken)


def lock_source(connection: Connection, source_id: int) -> int | None:
    """Let no other load of the source publish until this transaction ends; returns what last_published does."""
    connection.execute(update(source).where(source.c.source_id == source_id).values(name=source.c.name))
    return last_published(connection, source_id)


def last_published(connection: Connection, source_id: int) -> int | None:
    """The run of the last published load of a source."""
    mine = (load_run.c.source_id == source_id, load_run.c.status == "published")
    run: int | None = connection.scalar(select(func.max(load_run.c.run_id)).where(*mine))
    return run


def record_table(connection: Connection, run_id: int, entry: TableResult, read: TableRead) -> None:
    """Write what was read, counted and changed in one table."""
    connection.execute(
        insert(load_run_table).values(
            run_id=run_id,
            table_name=entry.table,
            filter=read.filter,
            pages=read.pages,
            watermark=read.watermark,
            rows_read=entry.rows_read,
            rows_published=entry.rows_published,
            inserted=entry.inserted,
            changed=entry.changed,
            deleted=entry.deleted,
            server_count=entry.server_count,
            duplicates=entry.duplicates,
            rejected=entry.rejected,
            fingerprint=entry.fingerprint or None,
        )
    )


def record_published(
    connection: Connection, run_id: int, source_id: int, report: ReadReport, begin: Begin, accepted: Iterable[str]
) -> None:
    """Mark a load published, in the transaction that publishes its rows: watermark and rows stand or fall together.

    `accepted`: the refusals that were let pass, see load_run.
    """
    started = connection.scalar(select(load_run.c.started_at).where(load_run.c.run_id == run_id))
    finished = utc_now_text()
    seconds = (datetime.fromisoformat(finished) - datetime.fromisoformat(str(started))).total_seconds()
    connection.execute(
        update(load_run)
        .where(load_run.c.run_id == run_id)
        .values(
            status="published",
            finished_at=finished,
            error=None,
            seconds=seconds,
            requests=report.requests,
            bytes_read=report.bytes_read,
            is_increment=int(report.is_increment),
            reason=None if report.is_increment else begin.reason,
            watermark_from=begin.watermark if report.is_increment else None,
            watermark=report.watermark,
            basis=begin.basis,
            accepted=to_text(accepted),
        )
    )
    connection.execute(
        update(source).where(source.c.source_id == source_id).values(load_started_at=started, load_finished_at=finished)
    )


def last_loads(store: Store) -> list[LastLoad]:
    """The last published load of every table, one entry each."""
    newest = (
        select(load_run.c.source_id, load_run_table.c.table_name, func.max(load_run.c.run_id).label("run_id"))
        .join_from(load_run, load_run_table, load_run.c.run_id == load_run_table.c.run_id)
        .where(load_run.c.status == "published")
        .group_by(load_run.c.source_id, load_run_table.c.table_name)
        .subquery()
    )
    statement = (
        select(
            source.c.name,
            source.c.kind,
            newest.c.table_name,
            load_run.c.run_id,
            load_run.c.finished_at,
            load_run_table.c.rows_published,
            load_run_table.c.server_count,
            load_run_table.c.rejected,
            load_run_table.c.duplicates,
            load_run_table.c.inserted,
            load_run_table.c.changed,
            load_run_table.c.deleted,
            load_run_table.c.filter,
            load_run_table.c.fingerprint,
            load_run.c.accepted,
        )
        .join_from(newest, load_run, load_run.c.run_id == newest.c.run_id)
        .join(source, source.c.source_id == newest.c.source_id)
        .join(
            load_run_table,
            (load_run_table.c.run_id == newest.c.run_id) & (load_run_table.c.table_name == newest.c.table_name),
        )
        .order_by(source.c.kind, source.c.name, newest.c.table_name)
    )
    with store.read() as connection:
        found = [LastLoad(*tuple(row)) for row in connection.execute(statement)]
        rejected = reject_reasons(connection, {load.run_id for load in found})
    return [replace(load, reasons=reasons_text(rejected.get((load.run_id, load.table), {}))) for load in found]


def reject_reasons(connection: Connection, runs: Iterable[int]) -> dict[tuple[int, str], dict[str, int]]:
    """By load and table: how many records each reason held back."""
    its = load_reject.c
    wanted = select(its.run_id, its.object, its.reason, func.count()).where(its.run_id.in_(sorted(runs)))
    found: dict[tuple[int, str], dict[str, int]] = {}
    for run, table, reason, rows in connection.execute(wanted.group_by(its.run_id, its.object, its.reason)):
        found.setdefault((run, table), {})[reason] = int(rows)
    return found


def reasons_text(reasons: Mapping[str, int]) -> str:
    """3 duplicate, 1 no_id: the most frequent first."""
    return ", ".join(
        f"{rows} {reason}" for reason, rows in sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    )


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why what a source shows may not be what it holds now. `why`: for people."""

    source: str
    why: str


def doubts(store: Store, now: str, max_age_hours: int) -> list[Doubt]:
    """Sources whose last load is too old, was accepted although incomplete, is not what stands there, or failed since.

    A load of a time that is yet to come was timed by a wrong clock, and its age is unknown.

    `max_age_hours`: of the configuration; a row load_max_age_hours in table setting wins. `now`: the time text.
    """
    hours = max_age(store, max_age_hours)
    oldest, newest = earlier(now, hours=hours), earlier(now, minutes=-CLOCK_MINUTES)
    found: dict[Doubt, None] = {}
    for load in last_loads(store):
        if load.finished_at < oldest:
            found[Doubt(load.source, f"was last read at {load.finished_at[:16]} UTC, more than {hours} hours ago")] = (
                None
            )
        if load.finished_at > newest:
            why = f"was last read at {load.finished_at[:16]} UTC, which is yet to come: a clock was wrong"
            found[Doubt(load.source, why)] = None
        if load.server_count is not None and load.rows + load.rejected != load.server_count:
            why = f"{load.table} holds {load.rows} rows where the server counted {load.server_count}, accepted by hand"
            found[Doubt(load.source, why)] = None
    with store.read() as connection:
        for broken in broken_tables(connection):
            found[Doubt(broken.source, broken.why)] = None
        for name, why in accepted_overrides(connection):
            found[Doubt(name, why)] = None
        for name, depth in cut_closures(connection):
            why = f"is complete to {depth} steps only: deeper nested memberships are not in the findings"
            found[Doubt(name, why)] = None
    for failed in failed_since(store):
        if failed.status == "running":  # now, or until it was killed
            why = f"has a load that began at {failed.started_at[:16]} UTC and has not ended; older rows are shown"
        else:
            reason = failed.error or "no reason recorded"
            why = f"could not be read at {failed.started_at[:16]} UTC ({failed.status}: {reason}); older rows are shown"
        found[Doubt(failed.source, why)] = None
    return sorted(found, key=lambda doubt: doubt.source)


def max_age(store: Store, configured: int) -> int:
    """Hours after which a load is old: of table setting, else as configured."""
    with store.read() as connection:
        return read_setting(connection, "load_max_age_hours", configured)


@dataclass(frozen=True, slots=True)
class FailedLoad:
    """A load that was not published, newer than the last one that was; `status`: failed, refused or running."""

    source: str
    status: str
    started_at: str
    error: str | None


def failed_since(store: Store) -> list[FailedLoad]:
    """The newest load of each source, where it was not published: what the tables show is older."""
    newest = select(func.max(load_run.c.run_id)).group_by(load_run.c.source_id)
    statement = (
        select(source.c.name, load_run.c.status, load_run.c.started_at, load_run.c.error)
        .join_from(load_run, source, source.c.source_id == load_run.c.source_id)
        .where(load_run.c.run_id.in_(newest), load_run.c.status.in_(("failed", "refused", "running")))
        .order_by(source.c.name)
    )
    with store.read() as connection:
        return [FailedLoad(*tuple(row)) for row in connection.execute(statement)]
