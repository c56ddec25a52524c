"""The fastest honest way into a stage table on each engine.

SQLite: executemany on the driver's own connection. PostgreSQL: COPY through psycopg. SQL Server: one JSON document a
chunk through openjson, which no driver can mistype. The tables are ours; names come from recon.objects alone.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, Text

Rows = Sequence[Sequence[object]]
_WIDE, _MANY = 16, 50  # columns, rows: below them it does not pay to look for empty columns


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows whose values stand in the order of the table's columns."""
    if not rows:
        return
    _WAYS[connection.dialect.name](connection, table, rows)


def _filled(table: Table, rows: Rows) -> tuple[list[str], Iterable[Sequence[object]]]:
    """The columns that hold a value in one of the rows, and the rows with these values alone.

    A directory leaves half of its columns empty, and a value that is bound costs the same whether it is NULL.
    """
    names = [column.name for column in table.columns]
    if len(names) < _WIDE or len(rows) < _MANY:
        return names, rows
    places = [place for place, values in enumerate(zip(*rows, strict=True)) if values.count(None) != len(rows)]
    if len(places) < 2 or len(places) == len(names):
        return names, rows
    pick: Callable[[Sequence[object]], Sequence[object]] = itemgetter(*places)
    return [names[place] for place in places], map(pick, rows)


def _sqlite(connection: Connection, table: Table, rows: Rows) -> None:
    names, filled = _filled(table, rows)
    driver: Any = connection.connection.driver_connection
    marks = ", ".join("?" * len(names))
    driver.executemany(f"insert into {table.name} ({', '.join(names)}) values ({marks})", filled)


def _postgresql(connection: Connection, table: Table, rows: Rows) -> None:
    names, filled = _filled(table, rows)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"copy {table.name} ({', '.join(names)}) from stdin") as copy:
        for row in filled:
            copy.write_row(row)


def _json_value(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def openjson_statement(table: Table, dialect: Any) -> str:
    """`insert … select … from openjson(?) with (…)` for SQL Server 2016; bytes travel as hexadecimal text."""
    declared, selected = [], []
    for place, column in enumerate(table.columns):
        rendered = column.type.compile(dialect=dialect)
        if isinstance(column.type, LargeBinary):
            declared.append(f"c{place} nvarchar(max) '$[{place}]'")
            selected.append(f"convert({rendered}, c{place}, 2)")
        elif isinstance(
            column.type, Text
        ):  # openjson cuts text to the declared width without a word; an insert does not
            declared.append(f"c{place} nvarchar(max) '$[{place}]'")
            selected.append(f"c{place}")
        else:
            declared.append(f"c{place} {rendered} '$[{place}]'")
            selected.append(f"c{place}")
    names = ", ".join(column.name for column in table.columns)
    return (
        f"insert into {table.name} ({names}) select {', '.join(selected)} from openjson(?) with ({', '.join(declared)})"
    )


def _mssql(connection: Connection, table: Table, rows: Rows) -> None:
    document = json.dumps([[_json_value(value) for value in row] for row in rows], ensure_ascii=False)
    connection.exec_driver_sql(openjson_statement(table, connection.dialect), (document,))


_WAYS = {"sqlite": _sqlite, "postgresql": _postgresql, "mssql": _mssql}
