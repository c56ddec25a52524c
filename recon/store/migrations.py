"""Bringing the tables of an older version up to this one: only adds, never drops what holds data.

Version 2: child and link rows carry the run that brought them, and replaced versions go to a history. What version 1
replaced is not known, so the history of each of its sources begins at its last published load.
"""

from sqlalchemy import Connection, func, inspect, select, update
from sqlalchemy.schema import CreateColumn

from recon.objects import TABLES
from recon.store.tables import LOADED, load_run, metadata, source


def migrate(connection: Connection) -> None:
    """Make what is missing in a database of an older version; runs inside the caller's transaction."""
    metadata.create_all(connection)
    looked = inspect(connection)
    is_first = "history_run" not in {column["name"] for column in looked.get_columns(source.name)}
    for table in metadata.sorted_tables:
        present = {column["name"] for column in looked.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                made = str(CreateColumn(column).compile(dialect=connection.dialect))
                default = "" if column.nullable else " default 0"
                connection.exec_driver_sql(f"alter table {table.name} add {made}{default}")
        indexes = {index["name"] for index in looked.get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            if index.name not in indexes:
                index.create(connection)
    if is_first:
        _begin_history(connection)


def _begin_history(connection: Connection) -> None:
    last = (
        select(func.max(load_run.c.run_id))
        .where(load_run.c.source_id == source.c.source_id, load_run.c.status == "published")
        .scalar_subquery()
    )
    connection.execute(update(source).where(source.c.history_run.is_(None)).values(history_run=last))
    for name, table in LOADED.items():
        parent = TABLES[name].parent
        if parent is None:
            continue
        its, key = LOADED[parent], TABLES[name].key[0]
        run = (
            select(its.c.run_id)
            .where(its.c.source_id == table.c.source_id, its.c[key] == table.c[key])
            .scalar_subquery()
        )
        connection.execute(update(table).where(table.c.run_id == 0).values(run_id=func.coalesce(run, 0)))
