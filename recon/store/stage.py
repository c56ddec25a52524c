"""The stage of one table: a temporary table of its own, filled in batches, never seen by another connection."""

import marshal
from collections.abc import Callable, Iterable
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table

from recon import objects
from recon.objects import Row
from recon.store.tables import sql_column

HASH_BYTES = 16
HASH_RANGE = 1 << (8 * HASH_BYTES)


def row_hash(values: tuple[object, ...], children: Iterable[tuple[str, tuple[object, ...]]]) -> bytes:
    """16 bytes that change when a value or a child value changes; the same on every engine and run.

    Format 2 of marshal knows no references: equal values give equal bytes, and it takes a third of repr's time.
    """
    dump: Callable[[Any, int], bytes] = marshal.dumps
    return blake2b(dump((values, sorted([dump(child, 2) for child in children])), 2), digest_size=HASH_BYTES).digest()


class Stage:
    """Rows of one table on their way in. `seq` numbers the rows of a load; a child carries its parent's."""

    def __init__(self, name: str, dialect: str) -> None:
        self.spec = objects.TABLES[name]
        columns: list[Column[Any]] = [Column("seq", Integer, nullable=False)]
        for column in self.spec.columns[1:] if self.spec.kind == "child" else self.spec.columns:
            kind = "key" if column.name in self.spec.key and column.type == "text" else column.type
            columns.append(sql_column(column.name, kind, column.size))
        if self.spec.kind == "object":
            columns.append(sql_column("row_hash", "bytes", HASH_BYTES))
        prefixes, mark = ([], "#") if dialect == "mssql" else (["TEMPORARY"], "")
        self.table = Table(f"{mark}stage_{name}", MetaData(), *columns, prefixes=prefixes)
        self.buffer: list[tuple[object, ...]] = []
        self.rows = 0
        self.hash_sum = 0
        self._hashed = itemgetter(*(place for place, column in enumerate(self.spec.columns) if not column.volatile))

    def add(self, seq: int, row: Row) -> None:
        """Buffer one object or link row."""
        self.rows += 1
        if self.spec.kind != "object":
            self.buffer.append((seq, *row.values))
            return
        values = row.values
        hashed = row_hash(self._hashed(values), row.children)
        self.hash_sum += int.from_bytes(hashed, "big")
        self.buffer.append((seq, *values, hashed))

    @property
    def key(self) -> Column[Any]:
        """The column that, with the source, names an object."""
        return self.table.columns[self.spec.key[0]]
