"""The stage of one table: a temporary table of its own, filled in batches, never seen by another connection."""

import marshal
from collections.abc import Callable, Iterable
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table

from recon import objects
from recon.objects import Gone, Row
from recon.store.tables import sql_column

HASH_BYTES = 16
HASH_RANGE = 1 << (8 * HASH_BYTES)
_INDEXED = 850  # characters of two bytes


def row_hash(values: tuple[object, ...], children: Iterable[tuple[str, tuple[object, ...]]]) -> bytes:
    """16 bytes that change when a value or a child value changes; the same on every engine and run.

    Format 2 of marshal knows no references: equal values give equal bytes, and it takes a third of repr's time.
    """
    dump: Callable[[Any, int], bytes] = marshal.dumps
    return blake2b(dump((values, sorted([dump(child, 2) for child in children])), 2), digest_size=HASH_BYTES).digest()


def temporary_table(name: str, dialect: str, *columns: Column[Any]) -> Table:
    """A temporary table of ours, not yet made; one for each name, so that its statements are compiled once."""
    prefixes, mark = ([], "#") if dialect == "mssql" else (["TEMPORARY"], "")
    found = _TEMPORARY.get(mark + name)
    if found is None:
        found = _TEMPORARY[mark + name] = Table(mark + name, MetaData(), *columns, prefixes=prefixes)
    return found


_TEMPORARY: dict[str, Table] = {}


def make_index(connection: Connection, table: Table, *names: str) -> None:
    """Make the one index of a temporary table, after it was filled.

    SQL Server takes 1,700 bytes an index key: where a longer one could come, the longest column stands alone.
    """
    if connection.dialect.name == "mssql":
        kinds = [table.c[name].type.dialect_impl(connection.dialect) for name in names]
        sizes = [getattr(kind, "length", None) or 0 for kind in kinds]
        if sum(sizes) > _INDEXED:
            names = (names[sizes.index(max(sizes))],)
    index = f"{table.name.removeprefix('#')}_key"
    connection.exec_driver_sql(f"create index {index} on {table.name} ({', '.join(names)})")


def _stage_table(name: str, dialect: str) -> Table:
    spec = objects.TABLES[name]
    columns: list[Column[Any]] = [Column("seq", Integer, nullable=False)]
    for column in spec.columns[1:] if spec.kind == "child" else spec.columns:
        kind = "key" if column.name in spec.key and column.type == "text" else column.type
        columns.append(sql_column(column.name, kind, column.size))
    if spec.kind == "object":
        columns.append(sql_column("row_hash", "bytes", HASH_BYTES))
    return temporary_table(f"stage_{name}", dialect, *columns)


def _picked(places: list[int]) -> Callable[[tuple[object, ...]], tuple[object, ...]]:
    """The values at these places as a tuple, also where it is one place alone."""
    pick: Callable[[tuple[object, ...]], Any] = itemgetter(*places)
    return pick if len(places) > 1 else lambda values: (pick(values),)


class Stage:
    """Rows of one table on their way in. `seq` numbers the rows of a load; a child carries its parent's."""

    def __init__(self, name: str, dialect: str) -> None:
        self.spec = objects.TABLES[name]
        self.table = _stage_table(name, dialect)
        self.buffer: list[tuple[object, ...]] = []
        self.rows = 0
        self.hash_sum = 0
        self._is_indexed = False
        self._hashed = _picked([place for place, column in enumerate(self.spec.columns) if not column.volatile])

    def add(self, seq: int, row: Row) -> None:
        """Buffer one object or link row."""
        self.rows += 1
        values = row.values
        if self.spec.kind != "object":
            self.hash_sum += int.from_bytes(row_hash(values, ()), "big")
            self.buffer.append((seq, *values))
            return
        hashed = row_hash(self._hashed(values), row.children)
        self.hash_sum += int.from_bytes(hashed, "big")
        self.buffer.append((seq, *values, hashed))

    def index(self, connection: Connection) -> None:
        """Make the stage searchable by key and order, at the first call."""
        if not self._is_indexed:
            make_index(connection, self.table, self.key.name, "seq")
            self._is_indexed = True

    @property
    def key(self) -> Column[Any]:
        """The column that, with the source, names an object."""
        return self.table.columns[self.spec.key[0]]


def add_children(stages: dict[str, Stage], seq: int, children: tuple[tuple[str, tuple[object, ...]], ...]) -> None:
    """Buffer the child rows of one object."""
    for name, values in children:
        stage = stages[name]
        stage.buffer.append((seq, *values))
        stage.rows += 1


class GoneStage:
    """What an increment says is gone from one table, by `seq`; of links the owner's key may stand alone."""

    def __init__(self, name: str, dialect: str) -> None:
        self.spec = objects.TABLES[name]
        columns: list[Column[Any]] = [Column("seq", Integer, nullable=False)]
        for each in self.spec.key:
            column = self.spec.columns[self.spec.position[each]]
            columns.append(sql_column(each, "key" if column.type == "text" else column.type, column.size))
        columns.append(sql_column("last_name", "key", 850))
        self.table = temporary_table(f"gone_{name}", dialect, *columns)
        self.buffer: list[tuple[object, ...]] = []
        self.rows = 0
        self.held = 0  # of which the last load must have had a row
        self._is_made = False

    def make(self, connection: Connection) -> None:
        """Create the table, at the first call: full reads need none."""
        if not self._is_made:
            self.table.create(connection)
            make_index(connection, self.table, *self.spec.key)
            self._is_made = True

    def add(self, seq: int, gone: Gone) -> None:
        """Buffer one key."""
        self.rows += 1
        self.held += gone.last_name is not None
        self.buffer.append((seq, *gone.key, *[None] * (len(self.spec.key) - len(gone.key)), gone.last_name))

    @property
    def key(self) -> Column[Any]:
        """The column of the object's, or the owner's, key."""
        return self.table.columns[self.spec.key[0]]
