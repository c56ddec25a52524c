"""Proof that the tables still hold what was loaded: every row's hash is made again and held against the load's record.

Someone who edits a loaded table by hand, or a disk that lost a page, shows here. In constant memory; only hash_again
writes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from recon.objects import TABLES
from recon.store.engine import Store
from recon.store.publish import digits, link_hashes
from recon.store.runs import last_loads
from recon.store.stage import row_hash
from recon.store.tables import LOADED, source
from recon.store.verified import broken_tables

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Checked:
    """One table of one source. `is_intact`: rows and fingerprint are those that the last load recorded."""

    source: str
    table: str
    run_id: int
    rows: int
    loaded_rows: int
    fingerprint: str | None
    loaded_fingerprint: str | None

    @property
    def is_intact(self) -> bool:
        """Without a fingerprint on record the rows are counted."""
        same = self.loaded_fingerprint is None or self.fingerprint == self.loaded_fingerprint
        return same and self.rows == self.loaded_rows


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
        yield Checked(load.source, load.table, load.run_id, rows, load.rows, made, load.fingerprint)


def fingerprint(connection: Connection, name: str, source_id: int) -> str:
    """32 hexadecimal digits over the rows of a table and their children, made from the values themselves."""
    spec, table = TABLES[name], LOADED[name]
    if spec.kind == "link":
        return digits(link_hashes(connection, spec, table, table.c.source_id == source_id))
    return digits(sum(int.from_bytes(made, "big") for _, _, made in _hashes(connection, name, source_id)))


def hash_again(connection: Connection, source_id: int) -> None:
    """Of the tables of a source that a verification found broken: make the hashes beside the rows fit the values.

    A full load replaces by hash: where a value was edited and the hash was not, it would leave the row as it is.
    """
    for each in broken_tables(connection):
        if each.source_id != source_id or TABLES[each.table].kind != "object":
            continue
        table = LOADED[each.table]
        for row_id, kept, made in _hashes(connection, each.table, source_id):
            if kept != made:
                connection.execute(update(table).where(table.c.row_id == row_id).values(row_hash=made))


def _hashes(connection: Connection, name: str, source_id: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(row_id, the hash that stands there, the hash of the values) of every row of an object table."""
    spec, table = TABLES[name], LOADED[name]
    key = table.c[spec.key[0]]
    children = [each.name for each in TABLES.values() if each.parent == name]
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
