"""The tables as SQLAlchemy Core sees them: those of recon.objects, and those of the store's own bookkeeping.

Types are chosen so that one SELECT reads alike on SQLite, PostgreSQL and SQL Server: text in one form for times
on SQLite, binary collation for keys and anchors, nvarchar on SQL Server. Nothing here runs a statement.
"""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    DDL,
    NVARCHAR,
    VARBINARY,
    BigInteger,
    Column,
    Dialect,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from recon import objects

SCHEMA_VERSION = 5

BIN2 = "Latin1_General_100_BIN2"

metadata = MetaData()


class TimeText(TypeDecorator[str]):
    """A UTC time that is text in Python and on SQLite, a timestamp of microseconds elsewhere."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """timestamp on PostgreSQL, datetime2(6) on SQL Server, text on SQLite."""
        # a dialect is imported by whoever has such a server: it takes longer than many a command
        if dialect.name == "postgresql":
            from sqlalchemy.dialects import postgresql

            return dialect.type_descriptor(postgresql.TIMESTAMP(precision=6))
        if dialect.name == "mssql":
            from sqlalchemy.dialects import mssql

            return dialect.type_descriptor(mssql.DATETIME2(6))  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Drivers with real timestamps are given one."""
        if value is not None and dialect.name != "sqlite":
            return datetime.fromisoformat(value)
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Back to the one text form."""
        # strftime would leave out the zeros of the year 1
        return value.isoformat(sep=" ", timespec="microseconds") if isinstance(value, datetime) else value


class DateText(TypeDecorator[str]):
    """A calendar date that is text in Python and on SQLite, a date elsewhere."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """date on PostgreSQL and SQL Server, text on SQLite."""
        if dialect.name == "postgresql":
            from sqlalchemy.dialects import postgresql

            return dialect.type_descriptor(postgresql.DATE())
        if dialect.name == "mssql":
            from sqlalchemy.dialects import mssql

            return dialect.type_descriptor(mssql.DATE())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Drivers with real dates are given one."""
        return date.fromisoformat(value) if value is not None and dialect.name != "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Back to the one text form."""
        return value.isoformat() if isinstance(value, date) else value


@lru_cache
def sql_type(kind: str, size: int | None = None) -> TypeEngine[Any]:
    """The engine types of one of our column types (recon.objects)."""
    match kind:
        case "text":
            # a value longer than the schema says must not stop a load: the widths of a directory are not enforced here
            return Text().with_variant(NVARCHAR(4000 if size and size <= 4000 else None), "mssql")
        case "key" | "anchor":
            return (
                Text()
                .with_variant(Text(collation="C"), "postgresql")
                .with_variant(NVARCHAR(size or 450, collation=BIN2), "mssql")
            )
        case "int" | "day":
            return Integer()
        case "bigint":
            return BigInteger()
        case "flag":
            return SmallInteger()
        case "bytes":
            return LargeBinary().with_variant(VARBINARY(size or 8000), "mssql")
        case "time":
            return TimeText()
        case "date":
            return DateText()
    raise ValueError(f"unknown column type {kind}")


def sql_column(name: str, kind: str, size: int | None = None, **options: Any) -> Column[Any]:
    """One column; options go to SQLAlchemy (primary_key, nullable, index …)."""
    return Column(name, sql_type(kind, size), **options)


def row_id() -> Column[Any]:
    """The narrow key that match tables join on; never used twice."""
    return Column("row_id", Integer, Identity(), primary_key=True)


_IDENTIFIERS = frozenset({"sid", "member_id", "owner_id"})  # text that joins, beside each table's own key
_TEXT_KEY_SIZES = {"guid": 36, "id": 36, "member_id": 36, "owner_id": 36}


def _loaded_columns(table: objects.Table) -> list[Column[Any]]:
    columns = []
    for column in table.columns:
        # identifiers are compared and indexed: they get the size and the binary collation of keys
        is_identifier = column.name in table.key or column.name in _IDENTIFIERS
        kind = "key" if is_identifier and column.type == "text" else column.type
        size = column.size or (_TEXT_KEY_SIZES.get(column.name, 128) if kind == "key" else None)
        columns.append(sql_column(column.name, kind, size, nullable=column.name not in table.key or kind == "int"))
    return columns


def _indexed(table: objects.Table) -> list[str]:
    return [column.name for column in table.columns if column.type in ("key", "anchor") or column.name in _IDENTIFIERS]


def _index(table: objects.Table, name: str) -> Index:
    """By the key and its source: the match stays inside linked sources and then never touches the wide rows.

    SQL Server takes 1,700 bytes an index key, so the longest keys stand alone.
    """
    size = table.columns[table.position[name]].size or 0
    return Index(f"{table.name}_{name}", name, *(["source_id"] if size <= 450 else []))


def _loaded_table(table: objects.Table) -> Table:
    own: list[Any] = [row_id()] if table.kind == "object" else []
    own.append(Column("source_id", Integer, nullable=False))
    columns = own + _loaded_columns(table)
    if table.kind == "object":
        columns += [
            sql_column("row_hash", "bytes", 16, nullable=False),
            Column("run_id", Integer, nullable=False),
            sql_column("loaded_at", "time", nullable=False),
            # the key first: by the source first, planners would read a whole table in the order of its GUIDs;
            # an index and no constraint: SQLite drops and makes it anew where a whole table comes
            Index(f"{table.name}_key", *table.key, "source_id", unique=True),
        ]
    else:
        columns += [
            Column("run_id", Integer, nullable=False),
            Index(f"{table.name}_owner", table.key[0], "source_id"),
        ]
    columns += [_index(table, name) for name in _indexed(table) if name not in table.key or table.kind == "link"]
    # not postgresql_with for what PostgreSQL wants beside: SQLAlchemy would load that dialect for every command
    return Table(table.name, metadata, *columns, comment=table.grain, sqlite_autoincrement=table.kind == "object")


LOADED: dict[str, Table] = {
    name: _loaded_table(table) for name, table in objects.TABLES.items() if table.kind != "reject"
}


def on_postgresql(table: Table) -> tuple[str, ...]:
    """What PostgreSQL is told of a loaded table after it was made.

    Objects: room for a new version of a row beside the old one, so that no index has to be told of it.
    Statistics: findings ask for upper(prefix) = 'SMTP' and the match for source_id + 0 = that of a link. That is nearly
    every row; without this an expression is taken for one row in two hundred.
    """
    is_object = objects.TABLES[table.name].kind == "object"
    room = (f"alter table {table.name} set (fillfactor = 90)",) if is_object else ()
    known = {"prefix": "upper(prefix)"} if "prefix" in table.c else {}
    if table.name in ("ad_user", "entra_user", "worker"):
        known["source"] = "source_id + 0"
    return room + tuple(
        f"create statistics if not exists {table.name}_{name} on ({expression}) from {table.name}"
        for name, expression in known.items()
    )


for _table in LOADED.values():
    for _statement in on_postgresql(_table):
        event.listen(_table, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]


def _history_table(table: objects.Table) -> Table:
    """The versions of one table's rows that no longer hold; found by object (one person) and by age (retention)."""
    columns: list[Any] = [Column("row_id", Integer, nullable=False)] if table.kind == "object" else []
    columns += [Column("source_id", Integer, nullable=False), *_loaded_columns(table)]
    if table.kind == "object":
        columns += [
            sql_column("row_hash", "bytes", 16, nullable=False),
            sql_column("loaded_at", "time", nullable=False),
        ]
    name = f"{table.name}_history"
    columns += [
        Column("from_run", Integer, nullable=False),
        Column("to_run", Integer, nullable=False),
        Index(f"{name}_key", table.key[0], "source_id"),
        Index(f"{name}_to_run", "to_run", "source_id"),
    ]
    return Table(
        name,
        metadata,
        *columns,
        comment=f"{table.grain} As it was from load run from_run up to, not including, to_run.",
    )


# of the loaded table's columns, run_id is from_run here: the run that brought the version
HISTORY: dict[str, Table] = {name: _history_table(objects.TABLES[name]) for name in LOADED}

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    sql_column("tool_version", "text", 32, nullable=False),
    sql_column("installed_at", "time"),
    comment="One row per version of the tables that was installed.",
)

source = Table(
    "source",
    metadata,
    Column("source_id", Integer, Identity(), primary_key=True),
    sql_column("kind", "key", 16, nullable=False),
    sql_column("name", "key", 128, nullable=False),
    sql_column("domain", "key", 256),
    sql_column("load_started_at", "time"),
    sql_column("load_finished_at", "time"),
    sql_column("change_cutoff_at", "time"),
    Column("history_run", Integer),  # the oldest run that history still reaches back to; NULL: the first
    UniqueConstraint("name", name="source_name"),
    comment="One row per source: a domain, a tenant or an HR system.",
)

source_link = Table(
    "source_link",
    metadata,
    Column("link_id", Integer, Identity(), primary_key=True),
    Column("ad_source_id", Integer),
    Column("entra_source_id", Integer),
    Column("worker_source_id", Integer),
    comment="One row per combination of sources that hold the same people.",
)

load_run = Table(
    "load_run",
    metadata,
    Column("run_id", Integer, Identity(), primary_key=True),
    Column("source_id", Integer, nullable=False, index=True),
    sql_column("status", "key", 16, nullable=False),
    sql_column("started_at", "time", nullable=False),
    sql_column("finished_at", "time"),
    sql_column("tool_version", "text", 32, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("requests", Integer),
    Column("bytes_read", BigInteger),
    Column("seconds", Float),
    Column("is_increment", SmallInteger),
    sql_column("reason", "text", 256),  # why it is a full read; NULL for an increment
    sql_column("watermark_from", "text"),  # where an increment began
    sql_column("watermark", "text"),  # where the next increment of the source begins
    sql_column("basis", "key", 64),  # digest of what the rows depend on; another one needs a full read
    sql_column("accepted", "text"),  # refusals that somebody let pass: TABLE=N, TABLE.COLUMN=N
    sql_column("error", "text", 1000),
    sqlite_autoincrement=True,
    comment="One row per load of a source: running, published, failed or refused.",
)

load_run_table = Table(
    "load_run_table",
    metadata,
    Column("run_id", Integer, primary_key=True, autoincrement=False),
    sql_column("table_name", "key", 64, primary_key=True),
    sql_column("filter", "text"),
    Column("pages", Integer),
    Column("rows_read", BigInteger),
    Column("rows_published", BigInteger),
    Column("inserted", BigInteger),
    Column("changed", BigInteger),
    Column("deleted", BigInteger),
    Column("server_count", BigInteger),
    Column("duplicates", BigInteger),
    Column("rejected", BigInteger),
    sql_column("watermark", "text"),
    sql_column("fingerprint", "text", 32),
    sql_column("verified_at", "time"),
    Column("is_intact", SmallInteger),
    comment="One row per table of a published load: what was read, what the server counted, what changed.",
)

load_drift = Table(
    "load_drift",
    metadata,
    Column("run_id", Integer, nullable=False, index=True),
    Column("source_id", Integer, nullable=False),
    sql_column("table_name", "key", 64, nullable=False),
    sql_column("object_key", "text", 1000, nullable=False),
    sql_column("what", "key", 16, nullable=False),
    comment="One row per row that increments had left other than a full read found it: missing, left over, other.",
)

load_reject = Table(
    "load_reject",
    metadata,
    Column("run_id", Integer, nullable=False, index=True),
    Column("source_id", Integer, nullable=False),
    *(sql_column(column.name, column.type, column.size) for column in objects.TABLES["load_reject"].columns),
    comment=objects.TABLES["load_reject"].grain,
)

setting = Table(
    "setting",
    metadata,
    sql_column("name", "key", 64, primary_key=True),
    Column("value_int", Integer, nullable=False),
    sql_column("note", "text", 256),
    comment="One row per setting of the findings; change a row here, then recon refresh.",
)
