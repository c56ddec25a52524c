"""The fastest honest way into a stage table on each engine.

SQLite: executemany on the driver's own connection. PostgreSQL: COPY through psycopg. SQL Server: one JSON document a
chunk through openjson, which no driver can mistype. The tables are ours; names come from recon.objects alone.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, Text

Rows = Sequence[Sequence[object]]


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows whose values stand in the order of the table's columns."""
    if not rows:
        return
    _WAYS[connection.dialect.name](connection, table, rows)


def _sqlite(connection: Connection, table: Table, rows: Rows) -> None:
    marks = ", ".join("?" * len(table.columns))
    driver: Any = connection.connection.driver_connection
    driver.executemany(f"insert into {table.name} values ({marks})", rows)


def _postgresql(connection: Connection, table: Table, rows: Rows) -> None:
    driver: Any = connection.connection.driver_connection
    names = ", ".join(column.name for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"copy {table.name} ({names}) from stdin") as copy:
        for row in rows:
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
