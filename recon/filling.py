"""A SELECT of the catalogue put into the table that keeps its rows, on each engine.

PostgreSQL plans an INSERT for one process, a SELECT that makes a temporary table for several; and a row that is deleted
and inserted again leaves a dead one behind, and an entry in each index. So there the SELECT makes a temporary table,
and of a table that has rows only those that differ from it are touched.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, Table, delete, select, text

from recon.catalog import Statement, escape_colons
from recon.store.indexes import indexes_at_the_end


def add(
    connection: Connection,
    statement: Statement,
    table: Table,
    values: Mapping[str, str],
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Insert what a statement selects. `values`: for each column of the table an expression over the statement's."""
    into = f"insert into {table.name} ({', '.join(values)})\nselect {', '.join(values.values())}\nfrom filled"
    if connection.dialect.name == "postgresql":
        with _made(connection, statement, "*"):
            connection.execute(text(into), parameters)
    else:
        connection.execute(text(_named(connection, statement) + into), parameters)


def refill(connection: Connection, statement: Statement, table: Table) -> None:
    """Make the table hold what a statement selects, and nothing else."""
    if connection.dialect.name == "postgresql":
        # the types of the table: rows are compared as they are stored
        types = {column.name: column.type.compile(connection.dialect) for column in table.columns}
        with _made(connection, statement, ", ".join(f"{name}::{kind} as {name}" for name, kind in types.items())):
            _exchange(connection, table)
    else:
        connection.execute(delete(table))
        add(connection, statement, table, {column.name: column.name for column in table.columns})


def _exchange(connection: Connection, table: Table) -> None:
    """PostgreSQL: make the table hold what `filled` holds; where it has a key and rows, touch those that differ."""
    # by name: a table to which columns were added has them in another order
    listed, new, old = (", ".join(f"{of}{column.name}" for column in table.columns) for of in ("", "f.", "t."))
    same_key = " and ".join(f"f.{column.name} = t.{column.name}" for column in table.primary_key)
    arrives = f"insert into {table.name} ({listed}) select {new} from filled as f"
    if connection.execute(select(table).limit(1)).first() is None:
        rows = connection.exec_driver_sql("select count(*) from filled").scalar_one()
        with indexes_at_the_end(connection, [table], rows):
            connection.exec_driver_sql(arrives)
    elif same_key:
        connection.exec_driver_sql("analyze filled")
        same = f"select 1 from filled as f where {same_key} and row({new}) is not distinct from row({old})"
        connection.exec_driver_sql(f"delete from {table.name} as t where not exists ({same})")
        connection.exec_driver_sql(f"{arrives} where not exists (select 1 from {table.name} as t where {same_key})")
    else:
        connection.execute(delete(table))
        connection.exec_driver_sql(arrives)


def _named(connection: Connection, statement: Statement) -> str:
    """`with …, filled as (the file's SELECT)`: any engine goes on from there."""
    head, last = statement.split(connection.dialect.name)
    return f"{escape_colons(head)}filled as (\n{escape_colons(last)}\n)\n\n"


@contextmanager
def _made(connection: Connection, statement: Statement, columns: str) -> Iterator[None]:
    """PostgreSQL: what the statement selects as the temporary table `filled`, for the block."""
    selected = f"{_named(connection, statement)}select {columns} from filled"
    connection.execute(text(f"create temporary table filled on commit drop as\n{selected}"))
    yield
    connection.exec_driver_sql("drop table filled")
