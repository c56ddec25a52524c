"""Does a database hold what this version would install? Missing tables, columns, indexes and views, views that differ.

Reads only: on PostgreSQL, which keeps no view's text, each view is made once more as a temporary one in a transaction
that is rolled back, so that the server writes both alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from recon import dictionary
from recon.catalog import Catalog
from recon.deploy import as_driver_takes_it, view_texts, views
from recon.dictionary_views import view_entries
from recon.store import Store
from recon.store.tables import metadata

_TEXTS = {
    "sqlite": "select name, sql from sqlite_master where type = 'view'",
    "mssql": "select v.name, m.definition as sql from sys.views as v inner join sys.sql_modules as m "
    "on v.object_id = m.object_id where v.schema_id = schema_id(schema_name())",
    "postgresql": "select viewname as name, definition as sql from pg_views where schemaname = current_schema()",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `kind`: table, column, index, view or dictionary; `state`: missing or differs."""

    kind: str
    name: str
    state: str


def find_drift(store: Store, catalog: Catalog) -> list[Drift]:
    """What `recon sql install` would make or replace."""
    with store.read() as connection:
        return [*_tables(connection, catalog), *_views(connection, catalog)]


def _tables(connection: Connection, catalog: Catalog) -> Iterator[Drift]:
    looked = inspect(connection)
    present = set(looked.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in present:
            yield Drift("table", table.name, "missing")
            continue
        columns = {column["name"] for column in looked.get_columns(table.name)}
        yield from (
            Drift("column", f"{table.name}.{column.name}", "missing")
            for column in table.columns
            if column.name not in columns
        )
        indexes = {index["name"] for index in looked.get_indexes(table.name)}
        yield from (
            Drift("index", f"{table.name}.{index.name}", "missing")
            for index in sorted(table.indexes, key=lambda each: str(each.name))
            if index.name not in indexes
        )
    if dictionary.dictionary_column.name in present:
        names = "select table_name, column_name, meaning from dictionary_column"
        said = {(row.table_name, row.column_name): row.meaning for row in connection.execute(text(names))}
        entries = [*dictionary.column_entries(), *view_entries(views(catalog))]
        if any(said.get((each.table_name, each.column_name)) != each.meaning for each in entries):
            yield Drift("dictionary", dictionary.dictionary_column.name, "differs")


def _views(connection: Connection, catalog: Catalog) -> Iterator[Drift]:
    engine = connection.dialect.name
    wanted = view_texts(engine, catalog)
    found = {row.name: _plain(row.sql) for row in connection.execute(text(_TEXTS[engine]))}
    for name, statement in wanted.items():
        if name not in found:
            yield Drift("view", name, "missing")
        elif found[name] != (_as_written(connection, name, statement) if engine == "postgresql" else _plain(statement)):
            yield Drift("view", name, "differs")


def _plain(statement: str) -> str:
    return statement.strip().rstrip(";").replace("\r\n", "\n").casefold()


def _as_written(connection: Connection, name: str, statement: str) -> str:
    """The view's SELECT in PostgreSQL's own words."""
    with connection.begin_nested() as nested:
        made = statement.replace(f"create view {name} ", f"create temporary view drift_{name} ", 1)
        connection.exec_driver_sql(as_driver_takes_it(made, "postgresql"))
        shown = connection.scalar(text("select pg_get_viewdef(cast(:name as regclass))"), {"name": f"drift_{name}"})
        nested.rollback()
    return _plain(str(shown))
