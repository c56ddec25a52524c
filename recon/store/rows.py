"""Rows of the tables and of a stage as a source yields them, and what an answer left out filled from them.

An increment names few objects; theirs are fetched by key, some hundred at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, select

from recon import objects
from recon.objects import TABLES, Row
from recon.store.stage import Stage
from recon.store.tables import LOADED

T = TypeVar("T")

CHUNK = 500  # keys a statement: SQL Server takes 2,100 parameters

Children = dict[object, list[tuple[str, tuple[object, ...]]]]


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values, so many at a time as one statement names."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def current_rows(
    connection: Connection,
    stage: Stage,
    source_id: int,
    keys: Iterable[object],
    children: Mapping[Stage, Iterable[object]],
) -> dict[object, Row]:
    """The published rows of these keys. `children`: the child tables to read, each with the keys to read it for."""
    values: Children = {}
    for child, owners in children.items():
        own_key = child.spec.columns[0].name
        for some in chunks(sorted(set(owners), key=str)):
            for own, *rest in _current(connection, child.spec, own_key, source_id, some):
                values.setdefault(own, []).append((child.spec.name, tuple(rest)))
    spec = stage.spec
    place = spec.position[spec.key[0]]
    found: dict[object, Row] = {}
    for some in chunks(sorted(set(keys), key=str)):
        for row in _current(connection, spec, spec.key[0], source_id, some):
            found[row[place]] = Row(spec.name, tuple(row), tuple(values.get(row[place], ())))
    return found


def _current(
    connection: Connection, spec: objects.Table, key: str, source_id: int, keys: Sequence[object]
) -> Sequence[Any]:
    table = LOADED[spec.name]
    # bound as one: SQLAlchemy would look at each of the keys
    named = table.c[key].in_(bindparam("its_keys", expanding=True))
    wanted = select(*(table.c[column.name] for column in spec.columns)).where(table.c.source_id == source_id, named)
    return connection.execute(wanted, {"its_keys": keys}).all()


def staged_rows(
    connection: Connection, stage: Stage, children: Sequence[Stage], keys: Iterable[object]
) -> dict[object, list[tuple[int, Row]]]:
    """The staged rows of these keys with their children, each with its number, in the order they were read."""
    found: dict[object, list[tuple[int, Row]]] = {}
    place = stage.spec.position[stage.spec.key[0]]
    for some in chunks(sorted(set(keys), key=str)):
        mine = stage.key.in_(some)
        columns = [stage.table.c[column.name] for column in stage.spec.columns]
        rows = connection.execute(select(stage.table.c.seq, *columns).where(mine).order_by(stage.table.c.seq)).all()
        values: Children = {}
        for child in children if rows else ():
            owned = select(child.table).where(child.table.c.seq.in_(select(stage.table.c.seq).where(mine)))
            for seq, *rest in connection.execute(owned):
                values.setdefault(seq, []).append((child.spec.name, tuple(rest)))
        for seq, *own in rows:
            row = Row(stage.spec.name, tuple(own), tuple(values.get(seq, ())))
            found.setdefault(own[place], []).append((seq, row))
    return found


def filled(row: Row, base: Row | None) -> Row:
    """The row with what its answer did not contain taken from `base`: columns and whole child tables."""
    if base is None:
        return row._replace(absent=frozenset())
    values = list(row.values)
    for place in _places(row.table, row.absent):
        values[place] = base.values[place]
    children = tuple(child for child in base.children if child[0] in row.absent)
    return Row(row.table, tuple(values), row.children + children)


@lru_cache(maxsize=256)
def _places(table: str, names: frozenset[str]) -> tuple[int, ...]:
    return tuple(place for name, place in TABLES[table].position.items() if name in names)


def fill_absent(
    connection: Connection, source_id: int, stage: Stage, children: Sequence[Stage], rows: Sequence[tuple[int, Row]]
) -> list[tuple[int, Row]]:
    """Numbered rows of one table with what was absent: as read before under that key, else as published."""
    place = stage.spec.position[stage.spec.key[0]]
    keys = {row.values[place] for _, row in rows}
    lacking = {child: {row.values[place] for _, row in rows if child.spec.name in row.absent} for child in children}
    stage.index(connection)
    staged = staged_rows(connection, stage, children, keys)
    current = current_rows(connection, stage, source_id, keys, lacking)
    done = []
    for seq, row in rows:
        key = row.values[place]
        before = [each for each in staged.get(key, ()) if each[0] < seq]
        base = max(before, key=lambda each: each[0])[1] if before else current.get(key)
        whole = filled(row, base)
        staged.setdefault(key, []).append((seq, whole))
        done.append((seq, whole))
    return done
