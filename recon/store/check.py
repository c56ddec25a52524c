"""Proof that the tables still hold what was loaded: every row's hash is made again and held against the load's record.

Someone who edits a loaded table by hand, or a disk that lost a page, shows here. In constant memory; only put_right
writes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, insert, select, update

from recon.objects import TABLES
from recon.store.engine import Store
from recon.store.publish import Publication, digits, link_hashes, retire
from recon.store.runs import last_loads
from recon.store.stage import row_hash
from recon.store.tables import LOADED, source
from recon.store.verified import broken_tables

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Checked:
    """One table of one source. `is_intact`: rows and fingerprint are those that the last load recorded.

    `orphans`: rows of its child tables whose object is not there; no fingerprint has them.
    """

    source: str
    table: str
    run_id: int
    rows: int
    loaded_rows: int
    fingerprint: str | None
    loaded_fingerprint: str | None
    orphans: int = 0

    @property
    def is_intact(self) -> bool:
        """Without a fingerprint on record the rows are counted."""
        same = self.loaded_fingerprint is None or self.fingerprint == self.loaded_fingerprint
        return same and self.rows == self.loaded_rows and not self.orphans


def check(store: Store) -> Iterator[Checked]:
    """Hold each table of each source against the record of its last published load."""
    with store.read() as connection:
        ids = {row.name: row.source_id for row in connection.execute(select(source.c.name, source.c.source_id))}
    for load in last_loads(store):
        source_id = ids[load.source]
        table = LOADED[load.table]
        with store.read() as connection:
            counted = select(func.count()).select_from(table).where(table.c.source_id == source_id)
            rows = int(connection.scalar(counted) or 0)
            made = fingerprint(connection, load.table, source_id) if load.fingerprint is not None else None
            orphans = sum(
                connection.scalar(select(func.count()).select_from(LOADED[child]).where(_is_orphan(child, source_id)))
                or 0
                for child in _children_of(load.table)
            )
        yield Checked(load.source, load.table, load.run_id, rows, load.rows, made, load.fingerprint, orphans)


def _is_orphan(name: str, source_id: int) -> ColumnElement[bool]:
    """The rows of a child table and a source whose object is not there."""
    spec, child = TABLES[name], LOADED[name]
    parent = LOADED[str(spec.parent)]
    key = parent.c[TABLES[parent.name].key[0]]
    return and_(
        child.c.source_id == source_id,
        ~exists().where(parent.c.source_id == source_id, key == child.c[spec.key[0]]),
    )


def fingerprint(connection: Connection, name: str, source_id: int) -> str:
    """32 hexadecimal digits over the rows of a table and their children, made from the values themselves."""
    spec, table = TABLES[name], LOADED[name]
    if spec.kind == "link":
        return digits(link_hashes(connection, spec, table, table.c.source_id == source_id))
    return digits(sum(int.from_bytes(made, "big") for _, _, made in _hashes(connection, name, source_id)))


def put_right(work: Publication) -> None:
    """Make the tables of a source that a verification found broken such that a full load can replace what is wrong.

    It replaces by hash and by whole rows: where a value was edited and the hash was not, one row stands twice, or a
    value has no object, it would leave that as it is. Nothing else is looked at.
    """
    for each in broken_tables(work.connection):
        if each.source_id != work.source_id:
            continue
        children = _children_of(each.table)
        for name in children:
            retire(work, LOADED[name], _is_orphan(name, work.source_id))
        for name in (each.table, *children):
            if TABLES[name].kind != "object":
                _leave_one_of_each(work, LOADED[name], TABLES[name].key)
        if TABLES[each.table].kind == "object":
            _hash_again(work, each.table)


def _leave_one_of_each(work: Publication, table: Table, key: Sequence[str]) -> None:
    """Of equal rows leave the oldest; the history need not know: what they say still stands."""
    owner, mine = table.c[key[0]], table.c.source_id == work.source_id
    twice = select(owner).where(mine).group_by(*(table.c[name] for name in key)).having(func.count() > 1).distinct()
    names = [column.name for column in table.columns if column.name != "run_id"]
    for its in work.connection.execute(twice).scalars().all():
        once: dict[tuple[object, ...], dict[str, object]] = {}
        rows = select(table.c.run_id, *(table.c[name] for name in names)).where(mine, owner == its)
        for run_id, *values in work.connection.execute(rows.order_by(table.c.run_id)):
            once.setdefault(tuple(values), {"run_id": run_id, **dict(zip(names, values, strict=True))})
        work.connection.execute(delete(table).where(mine, owner == its))
        work.connection.execute(insert(table), list(once.values()))


def _hash_again(work: Publication, name: str) -> None:
    table = LOADED[name]
    for row_id, kept, made in _hashes(work.connection, name, work.source_id):
        if kept != made:
            work.connection.execute(update(table).where(table.c.row_id == row_id).values(row_hash=made))


def _children_of(name: str) -> list[str]:
    return [each.name for each in TABLES.values() if each.parent == name]


def _hashes(connection: Connection, name: str, source_id: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(row_id, the hash that stands there, the hash of the values) of every row of an object table."""
    spec, table = TABLES[name], LOADED[name]
    key = table.c[spec.key[0]]
    children = _children_of(name)
    hashed = [
        table.c.row_id,
        table.c.row_hash,
        key,
        *(table.c[column.name] for column in spec.columns if not column.volatile),
    ]
    last = None
    while True:
        batch = select(*hashed).where(table.c.source_id == source_id).order_by(key).limit(_BATCH)
        rows = connection.execute(batch if last is None else batch.where(key > last)).all()
        if not rows:
            return
        values = _children(connection, children, source_id, rows[0][2], rows[-1][2])
        for row_id, kept, own, *row in rows:
            yield row_id, bytes(kept), row_hash(tuple(row), values.get(own, ()))
        last = rows[-1][2]


def _children(
    connection: Connection, names: Sequence[str], source_id: int, first: str, last: str
) -> dict[str, list[tuple[str, tuple[object, ...]]]]:
    """The child values of the objects from `first` to `last`, by key, as a source yields them."""
    found: dict[str, list[tuple[str, tuple[object, ...]]]] = {}
    for name in names:
        table = LOADED[name]
        columns = [table.c[column.name] for column in TABLES[name].columns]
        statement = select(*columns).where(table.c.source_id == source_id, columns[0] >= first, columns[0] <= last)
        for own, *rest in connection.execute(statement):
            found.setdefault(own, []).append((name, tuple(rest)))
    return found
