"""What HR or AD wants to stand in an attribute, and which of these values belong to several people."""

from collections.abc import Mapping as PyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, func, select

from recon.backfill.items import Value
from recon.backfill.sources import Source, Sources
from recon.backfill_config import Mapping
from recon.decode.country import country_code
from recon.decode.keys import fold
from recon.errors import ConfigError
from recon.store.tables import LOADED


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where the value comes from: a column of table worker or ad_user."""

    table: str
    column: str

    @classmethod
    def parse(cls, name: str) -> "ValueSource":
        """Read `worker.COLUMN` or `ad_user.COLUMN`; raises ConfigError for anything that is no text column of them."""
        table, _, column = name.partition(".")
        if table not in ("worker", "ad_user") or not column:
            raise ConfigError(f"[backfill] source {name!r} is neither worker.COLUMN nor ad_user.COLUMN")
        columns = LOADED[table].c
        known = sorted(each.name for each in columns if isinstance(each.type, Text))
        if column.lower() not in known:
            raise ConfigError(
                f"[backfill] source: {table} has no text column {column}", hint=f"it has {', '.join(known)}"
            )
        return cls(table, column.lower())

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One mapping with its source read, and what must be known of all its values together.

    `shared`: folded addresses that several people have.
    """

    mapping: Mapping
    source: ValueSource
    shared: frozenset[str] = frozenset()
    changed: PyMapping[int, str] = field(default_factory=dict)  # row_id of the source's table: changed on that day
    owned: PyMapping[str, Value] = field(default_factory=dict)  # mode owned: object id to what is ours

    @property
    def attribute(self) -> str:
        """What is written."""
        return self.mapping.attribute

    def value(self, raw: Any) -> str | None:
        """A source's raw value as it would be written: trimmed, a country as its ISO code where there is one."""
        value = raw.strip() if isinstance(raw, str) else None
        if self.attribute == "usageLocation" and value:
            value = country_code(value) or value
        return value or None


def find_wanted(connection: Connection, sources: Sources, mappings: Sequence[Mapping]) -> tuple[Wanted, ...]:
    """The mappings made ready. Raises ConfigError when one names a column that is not there."""
    parsed = [(mapping, ValueSource.parse(mapping.source_name)) for mapping in mappings]
    return tuple(
        Wanted(
            mapping, source, _shared(connection, sources, source) if mapping.attribute == "otherMails" else frozenset()
        )
        for mapping, source in parsed
    )


def _shared(connection: Connection, sources: Sources, source: ValueSource) -> frozenset[str]:
    """Folded addresses that several people have, in scope or not."""
    table = LOADED[source.table]
    key_name = f"{source.column}_key"
    column = table.c[source.column]
    # beyond ASCII the engines fold differently; such addresses are refused anyway
    folded: ColumnElement[Any] = func.lower(func.ltrim(func.rtrim(column)))
    if key_name in table.c:
        folded = table.c[key_name]
    of = sources.workers if source.table == "worker" else sources.ad
    statement = (
        select(folded)
        .where(table.c.source_id.in_([each.source_id for each in of]), column.is_not(None))
        .group_by(folded)
        .having(func.count() > 1)
    )
    return frozenset(key for value in connection.scalars(statement) if (key := fold(value)) is not None)


def read_ad_values(
    connection: Connection, sources: Sources, wanted: Sequence[Wanted], source: Source, bounds: tuple[int, int]
) -> dict[int, dict[str, Any]]:
    """row_id of ad_user to the mapped columns' values, for the workers between two row ids."""
    columns = sorted({each.source.column for each in wanted if each.source.table == "ad_user"})
    if not columns:
        return {}
    worker, user = LOADED["worker"], LOADED["ad_user"]
    statement = (
        select(user.c.row_id, *(user.c[column] for column in columns))
        .join_from(worker, user, user.c.employeeid_key == worker.c.employeeid_key)
        .where(
            worker.c.source_id == source.source_id,
            worker.c.row_id.between(*bounds),
            user.c.source_id.in_([each.source_id for each in sources.ad_of(source)]),
        )
    )
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in connection.execute(statement)}
