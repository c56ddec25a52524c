"""From the stage to the tables, set by set: what publishing is made of, duplicates within a read, and tables of links.

Everything here runs inside the one transaction of Load.publish. What leaves goes to the history first, with the run
that brought it and this one. Objects are brought up to date in recon.store.replace.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    and_,
    delete,
    distinct,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)

from recon.config import LoadGuards
from recon.decode.text import printable
from recon.objects import Table as TableSpec
from recon.store.exact import exact
from recon.store.history import versions
from recon.store.indexes import indexes_at_the_end
from recon.store.stage import HASH_BYTES, HASH_RANGE, Stage, make_index, row_hash, temporary_table
from recon.store.tables import LOADED, load_reject, sql_column

_ROWS = 2_000  # links fetched at once


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one run is told to accept, by its number: rows of whatever table, (table, rows), (table.column, filled)."""

    rows: frozenset[int] = frozenset()
    fills: frozenset[tuple[str, int]] = frozenset()
    tables: frozenset[tuple[str, int]] = frozenset()

    def takes(self, table: str, rows: int) -> bool:
        """True when this number of rows of this table was named."""
        return rows in self.rows or (table, rows) in self.tables


@dataclass(slots=True)
class TableResult:
    """What a load did to one table; counts of rows."""

    table: str
    rows_read: int = 0
    rows_published: int = 0
    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    server_count: int | None = None
    duplicates: int = 0
    rejected: int = 0
    fingerprint: str = ""
    hash_change: int = 0  # of an increment: what came less what went, for the fingerprint


@dataclass(frozen=True, slots=True)
class Publication:
    """One publishing transaction: where, whose rows, and the run they belong to.

    `accepted`: what was let pass because it was told to, as table=rows and table.column=filled.
    """

    connection: Connection
    source_id: int
    run_id: int
    loaded_at: str
    guards: LoadGuards
    accept: Overrides
    accepted: list[str] = field(default_factory=list)

    def takes_rows(self, table: str, rows: int) -> bool:
        """True when this number of rows is to be accepted; asked only where it would be refused."""
        return self._noted(f"{table}={rows}", self.accept.takes(table, rows))

    def takes_fill(self, column: str, filled: int) -> bool:
        """True when a column (table.column) filled so often is to be accepted; asked only where it would be refused."""
        # a header of HR may have characters that a message shows as escapes
        named = {(column, filled), (printable(column), filled)}
        return self._noted(f"{column}={filled}", not named.isdisjoint(self.accept.fills))

    def _noted(self, what: str, is_accepted: bool) -> bool:
        if is_accepted and what not in self.accepted:
            self.accepted.append(what)
        return is_accepted

    @property
    def dialect(self) -> str:
        """Name of the engine."""
        return self.connection.dialect.name


def run(work: Publication, statement: Any) -> int:
    """Execute, and say how many rows it touched."""
    return work.connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def count(work: Publication, statement: Any) -> int:
    return int(work.connection.scalar(statement) or 0)


def settle_duplicates(work: Publication, stage: Stage, children: list[Stage]) -> tuple[int, int]:
    """Leave one row per key: the last one read, or none at all where a table rejects differing ones.

    Returns (duplicates, rejected), in rows.
    """
    table, key = stage.table, stage.key
    stage.index(work.connection)
    if work.dialect == "postgresql":
        # nobody else ever will; of a wide table the other columns would cost more than all the rest
        names = ", ".join(dict.fromkeys((key.name, "seq", "row_hash")))
        work.connection.exec_driver_sql(f"analyze {table.name} ({names})")
    distinct_keys = count(work, select(func.count(distinct(key))))
    duplicates = stage.rows - distinct_keys
    if not duplicates:
        return 0, 0
    repeated = temporary(
        work, f"repeated_{stage.spec.name}", sql_column("object_key", "key", 128, primary_key=True, nullable=False)
    )
    work.connection.execute(
        insert(repeated).from_select(["object_key"], select(key).group_by(key).having(func.count() > 1))
    )
    twice = key.in_(select(repeated.c.object_key))
    rejected = 0
    if stage.spec.duplicates == "reject":
        contents = func.count(distinct(table.c.row_hash))
        differing = key.in_(select(key).where(twice).group_by(key).having(contents > 1))
        rejected = _reject_duplicates(work, stage, differing)
        _leave_out(work, stage, children, differing)
    last = select(func.max(table.c.seq)).where(twice).group_by(key)
    _leave_out(work, stage, children, and_(twice, table.c.seq.not_in(last)))
    repeated.drop(work.connection)
    return duplicates, rejected


def _reject_duplicates(work: Publication, stage: Stage, which: ColumnElement[bool]) -> int:
    table = stage.table
    rows = select(
        literal(work.run_id),
        literal(work.source_id),
        literal(stage.spec.name),
        stage.key,
        table.c.source_row if "source_row" in table.c else literal(None, Integer()),
        literal("duplicate"),
        literal("several rows with this id that differ; none is published"),
    ).where(which)
    names = ["run_id", "source_id", "object", "object_key", "source_row", "reason", "detail"]
    return run(work, insert(load_reject).from_select(names, rows))


def _leave_out(work: Publication, stage: Stage, children: list[Stage], which: ColumnElement[bool]) -> None:
    """Take rows and their children out of the stage, and the rows' hashes out of its sum."""
    noted = temporary(work, f"leaving_{stage.spec.name}", Column("seq", Integer, primary_key=True, autoincrement=False))
    work.connection.execute(insert(noted).from_select(["seq"], select(stage.table.c.seq).where(which)))
    stage.hash_sum -= hashes(
        work.connection, select(stage.table.c.row_hash).where(stage.table.c.seq.in_(select(noted.c.seq)))
    )
    for each in (stage, *children):
        work.connection.execute(delete(each.table).where(each.table.c.seq.in_(select(noted.c.seq))))
    noted.drop(work.connection)


def hashes(connection: Connection, statement: Select[Any]) -> int:
    """The sum of row hashes."""
    return sum(int.from_bytes(bytes(value), "big") for value in connection.execute(statement).scalars())


def link_hashes(connection: Connection, spec: TableSpec, table: Table, *conditions: ColumnElement[bool]) -> int:
    """The sum of the hashes of link rows, which are not kept beside them; in constant memory."""
    wanted = select(*(table.c[column.name] for column in spec.columns)).where(*conditions)
    rows = connection.execute(wanted, execution_options={"yield_per": _ROWS})
    return sum(int.from_bytes(row_hash(tuple(row), ()), "big") for row in rows)


def digits(total: int) -> str:
    """A fingerprint as it is kept: 32 hexadecimal digits of a sum of row hashes."""
    return f"{total % HASH_RANGE:0{HASH_BYTES * 2}x}"


def keep_statistics(work: Publication, tables: list[str]) -> None:
    """Tell the planner what has come: without that it joins fresh tables row by row, here and in a refresh."""
    if work.dialect != "mssql":  # keeps its statistics by itself
        for name in tables:
            work.connection.exec_driver_sql(f"analyze {LOADED[name].name}")


def retire(work: Publication, table: Table, *conditions: ColumnElement[bool]) -> int:
    """Move rows to the history; returns how many."""
    kept = run(work, versions(work.run_id, table.name, *conditions))
    return run(work, delete(table).where(*conditions)) if kept else 0


def temporary(work: Publication, name: str, *columns: Column[Any]) -> Table:
    """Make a temporary table; it goes with the connection of the load."""
    table = temporary_table(name, work.dialect, *columns)
    table.create(work.connection)
    return table


def same_values(one: Table, other: Table, names: Iterable[str]) -> ColumnElement[bool]:
    """Two rows agree in these columns, to the byte; NULL agrees with NULL."""
    return and_(
        *(
            or_(exact(one.c[name]) == exact(other.c[name]), and_(one.c[name].is_(None), other.c[name].is_(None)))
            for name in names
        )
    )


def other_values(one: Table, other: Table, names: Iterable[str]) -> ColumnElement[bool]:
    """Two rows differ in one of these columns, to the byte; NULL and a value differ. NULL for two NULLs."""
    return or_(
        *(
            or_(
                exact(one.c[name]) != exact(other.c[name]),
                and_(one.c[name].is_(None), other.c[name].is_not(None)),
                and_(one.c[name].is_not(None), other.c[name].is_(None)),
            )
            for name in names
        )
    )


def publish_links(work: Publication, stage: Stage, result: TableResult) -> None:
    """Replace what differs in a table of links (group members)."""
    target, staged = LOADED[stage.spec.name], stage.table
    names = [column.name for column in stage.spec.columns]
    make_index(work.connection, staged, *stage.spec.key)
    keys = [staged.c[name] for name in stage.spec.key]
    if stage.rows > count(work, select(func.count()).select_from(select(*keys).distinct().subquery())):
        single = select(func.max(staged.c.seq)).group_by(*keys)
        result.duplicates = run(work, delete(staged).where(staged.c.seq.not_in(single)))
    mine = target.c.source_id == work.source_id
    key = and_(*(target.c[name] == staged.c[name] for name in stage.spec.key))
    same = and_(key, same_values(target, staged, [name for name in names if name not in stage.spec.key]))
    result.deleted = retire(work, target, mine, ~exists().where(same))
    extra = [literal(work.source_id), literal(work.run_id)]
    coming = select(*extra, *(staged.c[name] for name in names))
    is_first = work.connection.execute(select(target.c.run_id).where(mine).limit(1)).first() is None
    if not is_first:
        coming = coming.where(~exists().where(mine, key))
    with indexes_at_the_end(work.connection, [target], stage.rows - result.duplicates if is_first else 0):
        result.inserted = run(work, insert(target).from_select(["source_id", "run_id", *names], coming))
    result.rows_published = count(work, select(func.count()).select_from(target).where(mine))
    # the sum kept while staging holds where nothing came twice
    total = link_hashes(work.connection, stage.spec, target, mine) if result.duplicates else stage.hash_sum
    result.fingerprint = digits(total)
