"""Refresh: the clock, who is who, and every finding, set by set inside the database; then reading what was found.

A refresh is one transaction: readers see the old findings until the new ones stand. Each SELECT of sql/match and
sql/findings is inserted by itself. No directory is read here and nothing is judged in Python.
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Table, bindparam, case, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from recon.catalog import FINDING_COLUMNS, SEVERITIES, Catalog, Statement, read_catalog
from recon.config import Settings, Sspr, Sync
from recon.decode.mask import mask_value
from recon.decode.times import day, earlier, filetime, utc_now_text
from recon.deploy import ensure_views
from recon.errors import CatalogError, StoreError
from recon.filling import add, refill
from recon.store import Store
from recon.store.acceptance import acceptances, accepted_counts, follow, gone_names, new_rows
from recon.store.closure import Closure, fill_closures
from recon.store.engine import first_line, one_at_a_time
from recon.store.lifecycle import fill_lifecycle_dates, lifecycle_date
from recon.store.match_tables import FILLED, clock, finding_count, finding_row, user_match
from recon.store.reference_tables import fill_reference
from recon.store.settings import fill_settings
from recon.store.site_tables import fill_company_domains, fill_policy
from recon.store.tables import setting, source, source_link


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many rows a finding had at the last refresh, and at the one before (None: it was not run then)."""

    code: str
    title: str
    severity: str
    rows: int
    previous_rows: int | None
    family: str = ""
    accepted: int = 0
    new: int | None = None
    gone: int | None = None

    @property
    def open(self) -> int:
        """Rows that no acceptance covers."""
        return self.rows - self.accepted


@dataclass(frozen=True, slots=True)
class Refresh:
    """What one refresh did. `broken`: findings that could not be run, each with its file and reason."""

    refresh_id: int
    as_of: str
    matches: int
    counts: tuple[FindingCount, ...]
    broken: tuple[CatalogError, ...]
    warnings: tuple[str, ...] = ()


class FindingRow(NamedTuple):
    """One row of a finding; values as text, None where the side has none."""

    object_type: str
    object_key: str | None
    object_name: str | None
    attribute: str | None
    hr_value: str | None
    ad_value: str | None
    entra_value: str | None


class StatedRow(NamedTuple):
    """One row with its state: new since the refresh before, still, or accepted (`why`: until when, by whom)."""

    row: FindingRow
    state: str
    why: str | None


# ---- the clock ----------------------------------------------------------------------------------------


def _set_clock(connection: Connection, values: Settings, refresh_id: int) -> str:
    """Write the one row of `clock` and the change cut-off of every loaded source; returns as_of."""
    loaded = connection.execute(
        select(source.c.source_id, source.c.load_started_at, source.c.load_finished_at).where(
            source.c.load_finished_at.is_not(None)
        )
    ).all()
    if not loaded:
        raise StoreError(
            "nothing has been loaded yet, so there is nothing to compare", hint="recon load ad, entra, workers"
        )
    for row in loaded:
        cutoff = earlier(row.load_started_at, minutes=values.sync_grace_minutes)
        connection.execute(update(source).where(source.c.source_id == row.source_id).values(change_cutoff_at=cutoff))
    as_of: str = max(row.load_finished_at for row in loaded)
    today = day(as_of)
    connection.execute(delete(clock))
    connection.execute(
        insert(clock).values(
            clock_id=1,
            refresh_id=refresh_id,
            refreshed_at=utc_now_text(),
            as_of=as_of,
            as_of_date=as_of[:10],
            as_of_day=today,
            as_of_filetime=filetime(as_of),
            stale_before_day=today - values.stale_days,
            stale_before_at=earlier(f"{as_of[:10]} 00:00:00.000000", days=values.stale_days),
            leaver_before_day=today - values.leaver_grace_days,
            joiner_until_day=today + values.joiner_days,
            held_mail_since_day=today - values.held_mail_days,
        )
    )
    return as_of


# ---- match and findings -------------------------------------------------------------------------------


_CACHE_KB = 16_000


def _refresh_cache_kb() -> int:
    """The pairs of a million people and their indexes; at most a quarter of the machine's memory."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    except (AttributeError, OSError, ValueError):  # Windows does not tell
        memory = 2_000_000
    return min(1_500_000, memory // 4)


def _prepare(connection: Connection, what: str) -> None:
    """SQLite: a refresh joins what it wrote again and again, which is slow to read once it left the cache.

    PostgreSQL: compiling each of a hundred statements takes longer than it saves, and tables of one row, which its
    autovacuum never looks at, are taken for a thousand.
    """
    if connection.dialect.name == "postgresql" and what == "refresh":
        connection.exec_driver_sql("set local jit = off")
        for table in (clock, setting, source, source_link):
            _analyze(connection, table)
    if connection.dialect.name == "sqlite":
        kb = _refresh_cache_kb() if what == "refresh" else _CACHE_KB
        connection.exec_driver_sql(f"pragma cache_size = -{kb}")


def _analyze(connection: Connection, table: Table) -> None:
    if connection.dialect.name != "mssql":  # keeps its statistics by itself
        connection.exec_driver_sql(f"analyze {table.name}")


def _match(connection: Connection, catalog: Catalog) -> int:
    for table in FILLED:
        statement = catalog.statement(table.name, "match")
        try:
            refill(connection, statement, table)
        except SQLAlchemyError as error:
            raise StoreError(f"{statement.path}: the database refuses it: {first_line(error)}") from error
        _analyze(connection, table)
    return int(connection.scalar(select(func.count()).select_from(user_match)) or 0)


_ROWS_OF = select(func.count()).select_from(finding_row).where(finding_row.c.code == bindparam("its_code"))


def _find(connection: Connection, statement: Statement, refresh_id: int) -> int:
    values = {
        "refresh_id": refresh_id,
        "code": statement.name,
        "severity": statement.severity,
        "is_personal": int(statement.is_personal),
    }
    detail = f"coalesce({', '.join(statement.identity)}, '')" if statement.identity else "null"
    columns = {**{name: f":{name}" for name in values}, "detail": detail, **{name: name for name in FINDING_COLUMNS}}
    add(connection, statement, finding_row, columns, values)
    # asked, because a driver may not count what a statement beginning with WITH inserts
    return int(connection.scalar(_ROWS_OF, {"its_code": statement.name}) or 0)


def _find_all(
    connection: Connection, catalog: Catalog, refresh_id: int, today: int, chosen: Collection[str] | None
) -> list[CatalogError]:
    connection.execute(delete(finding_row))
    known = set(connection.scalars(select(finding_count.c.code).distinct()))
    broken = []
    refreshed_at = utc_now_text()
    for statement in catalog.findings:
        if chosen is not None and statement.name not in chosen:
            continue
        try:
            with connection.begin_nested():
                rows = _find(connection, statement, refresh_id)
                change = follow(connection, statement.name, refresh_id, today, is_first=statement.name not in known)
        except SQLAlchemyError as error:
            refused = statement.refused(first_line(error))
            refused.__cause__ = error
            if not _stands(connection, refresh_id):
                raise StoreError(
                    f"the refresh failed: {refused}; the transaction ended with it, and the old findings stand",
                    hint="convert with try_convert (SQL Server), or name the finding in [findings] off",
                ) from error
            broken.append(refused)
            continue
        connection.execute(
            insert(finding_count).values(
                refresh_id=refresh_id,
                code=statement.name,
                severity=statement.severity,
                family=statement.family,
                title=statement.title[:256],
                row_count=rows,
                accepted_count=change.accepted,
                new_count=change.new,
                gone_count=change.gone,
                refreshed_at=refreshed_at,
            )
        )
    return broken


def _stands(connection: Connection, refresh_id: int) -> bool:
    """Is what this refresh has written still there? A database may undo more than one statement for its error."""
    try:
        return connection.scalar(select(clock.c.refresh_id)) == refresh_id
    except SQLAlchemyError:
        return False


def refresh(
    store: Store,
    settings: Settings,
    catalog: Catalog | None = None,
    progress: Callable[[str], None] | None = None,
    *,
    chosen: Collection[str] | None = None,
    sync: Sync | None = None,
    sspr: Sspr | None = None,
) -> Refresh:
    """Make clock, matches and findings again from what is loaded, in one transaction.

    `catalog`: what there is, the shipped one when not given; the views of an embedded SQLite database are brought
    up to date with it. `chosen`: the codes of the findings to run, all of them when not given. `sync`: which
    attributes hold hire and leave dates. `sspr`: the policy of password reset. `progress` is told each step's name.
    Raises StoreError when nothing is loaded or the database refuses; a finding that the database refuses is left
    out and reported in `broken`, together with the files that the catalogue refused.
    """
    catalog = catalog or read_catalog()
    tell = progress or (lambda _step: None)
    try:
        with store.write() as connection:
            one_at_a_time(connection, "refresh")
            refresh_id = 1 + int(connection.scalar(select(func.max(finding_count.c.refresh_id))) or 0)
            values, warnings = fill_settings(connection, settings)
            as_of = _set_clock(connection, values, refresh_id)
            fill_reference(connection)
            fill_company_domains(connection)
            warnings += fill_policy(connection, sspr or Sspr())
            tell("nested groups")
            closures = fill_closures(connection, values.closure_max_rows, values.closure_max_depth)
            _prepare(connection, "refresh")
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("analyze")  # a glance at every index; its planner guesses badly without
            tell("match")
            matches = _match(connection, catalog)
            dates = sync or Sync()
            fill_lifecycle_dates(connection, dates.hire_attribute, dates.leave_attribute)
            _analyze(connection, lifecycle_date)
            tell("findings")
            broken = _find_all(connection, catalog, refresh_id, day(as_of), chosen)
            _analyze(connection, finding_row)
            _prepare(connection, "usual")
    except SQLAlchemyError as error:
        raise StoreError(f"the refresh failed: {first_line(error)}; the old findings stand") from error
    ensure_views(store, catalog)
    return Refresh(
        refresh_id, as_of, matches, counts(store), (*catalog.broken, *broken), (*warnings, *_closure_warnings(closures))
    )


def _closure_warnings(closures: Sequence[Closure]) -> tuple[str, ...]:
    return tuple(
        f"{each.table}: nested memberships are complete to {each.depth} steps and cut there by setting "
        f"closure_max_rows or closure_max_depth ({each.rows} rows); deeper ones are not in the findings"
        for each in closures
        if not each.is_complete
    )


# ---- reading ------------------------------------------------------------------------------------------


def counts(store: Store) -> tuple[FindingCount, ...]:
    """The findings of the last refresh, worst first, each with its count and that of the refresh before."""
    with store.read() as connection:
        last = connection.scalar(select(func.max(finding_count.c.refresh_id)))
        rows = connection.execute(
            select(finding_count).where(finding_count.c.refresh_id.in_((last, (last or 0) - 1)))
        ).all()
        accepted = accepted_counts(connection) if rows else {}
    before = {row.code: row.row_count for row in rows if row.refresh_id != last}
    found = [
        FindingCount(
            row.code,
            row.title,
            row.severity,
            row.row_count,
            before.get(row.code),
            row.family or "",
            accepted.get(row.code, 0),
            row.new_count,
            row.gone_count,
        )
        for row in rows
        if row.refresh_id == last
    ]
    return tuple(sorted(found, key=lambda each: (SEVERITIES.index(each.severity), each.code)))


def masked(value: str | None) -> str | None:
    """A personal value as it may be shown: first letters and the top-level domain of an address, one of other text."""
    return None if value is None else mask_value(value)


def rows(store: Store, code: str, *, unmask: bool = False) -> Iterator[FindingRow]:
    """The rows of one finding of the last refresh; personal values are masked unless told otherwise."""
    return (each.row for each in stated_rows(store, code, unmask=unmask))


def stated_rows(store: Store, code: str, *, unmask: bool = False) -> Iterator[StatedRow]:
    """The same with the state of each row."""
    is_new = case((new_rows(code), 1), else_=0)
    statement = (
        select(
            is_new, finding_row.c.is_personal, finding_row.c.detail, *(finding_row.c[name] for name in FINDING_COLUMNS)
        )
        .where(finding_row.c.code == code)
        .order_by(finding_row.c.object_key, finding_row.c.finding_row_id)
    )
    with store.read() as connection:
        active = [each for each in acceptances(connection, code) if not each.is_expired]
        accepted = {(each.object_key, each.attribute, each.detail): each for each in active}
        for new, is_personal, detail, *values in connection.execution_options(yield_per=2000).execute(statement):
            if is_personal and not unmask:
                values[4:] = [masked(value) for value in values[4:]]
            row = FindingRow(*values)
            key = row.object_key or ""
            ways = ((key, attribute, each) for attribute in (row.attribute, None) for each in (detail, None))
            acceptance = next((accepted[way] for way in ways if way in accepted), None)
            if acceptance is None:
                yield StatedRow(row, "new" if new else "still", None)
            else:
                why = f"until {acceptance.until} by {acceptance.by}: {acceptance.why}"
                yield StatedRow(row, "accepted", why)


def gone(store: Store, code: str, limit: int = 50) -> list[str]:
    """Names of objects that the last refresh of a finding found no more, at most so many."""
    with store.read() as connection:
        return gone_names(connection, code, limit)


def worst(found: tuple[FindingCount, ...], threshold: str) -> bool:
    """True when a finding of that severity or a worse one has rows that are not accepted."""
    level = SEVERITIES.index(threshold)
    return any(each.open and SEVERITIES.index(each.severity) <= level for each in found)
