"""Indexes made after the rows came, where many rows come to few."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Index, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

_MANY = 5_000  # rows, for which it pays to make indexes anew


@contextmanager
def indexes_at_the_end(connection: Connection, tables: list[Table], arrivals: int) -> Iterator[None]:
    """Where many rows come to few, make the indexes of these tables after they came.

    A million keys in no order, put into a dozen indexes one by one, are a read and a write of a page each; sorted first
    they are written once. Part of the transaction: on SQLite whoever reads meanwhile has the old rows with their
    indexes. On PostgreSQL he would wait, so only the first rows of all come that way. SQL Server keeps its indexes.
    """
    is_worth_it = False
    if arrivals >= _MANY and connection.dialect.name == "sqlite":
        is_worth_it = arrivals > (connection.scalar(select(func.count()).select_from(tables[0])) or 0)
    elif arrivals >= _MANY and connection.dialect.name == "postgresql":
        is_worth_it = _lock_empty(connection, tables)
    indexes = [index for table in tables if is_worth_it for index in _standing(connection, table)]
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def _lock_empty(connection: Connection, tables: list[Table]) -> bool:
    """PostgreSQL: lock tables that are empty and ours (only the owner may drop an index); False where that fails."""
    if any(connection.execute(select(table).limit(1)).first() is not None for table in tables):
        return False
    is_ours = text("select pg_has_role(relowner, 'USAGE') from pg_class where oid = to_regclass(:its_name)")
    if not all(connection.scalar(is_ours, {"its_name": table.name}) for table in tables):
        return False
    names = ", ".join(table.name for table in tables)
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"lock table {names} in access exclusive mode nowait")
    except DBAPIError:
        return False
    return True


def _standing(connection: Connection, table: Table) -> list[Index]:
    """Its indexes as the database has them: of a database made by an earlier version the key is a constraint."""
    found = inspect(connection).get_indexes(table.name)
    standing = {index["name"] for index in found if "duplicates_constraint" not in index}
    return [index for index in table.indexes if index.name in standing]
