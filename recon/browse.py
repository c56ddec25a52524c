"""The SQLite database in a browser, through Datasette: tables described, findings faceted, named queries ready to run.

Without `unmask` only masked views and tables without personal data can be opened, and no SQL of one's own can be run.
Reads only: Datasette opens the file read-only, and this module writes nothing.
"""

import importlib
from pathlib import Path
from typing import Any

from recon import dictionary
from recon.catalog import Catalog, Statement, substitute_parameters
from recon.decode.text import quoted
from recon.deploy import READER_TABLES, views
from recon.dictionary_views import view_entries
from recon.errors import StoreError, UsageError
from recon.store import Store

_FACETS = {
    "finding": ["code", "severity", "object_type"],
    "finding_row": ["code", "severity", "object_type"],
    "finding_count": ["severity"],
    "ad_user": ["is_enabled", "upn_suffix"],
    "ad_user_decoded": ["is_enabled", "upn_suffix"],
    "entra_user": ["is_enabled", "is_synced", "usertype"],
    "entra_user_decoded": ["is_enabled", "is_synced", "usertype"],
    "worker": ["worker_type", "worker_status", "country_code"],
    "worker_decoded": ["worker_type", "worker_status", "country_code"],
    "load_run": ["status"],
}


def _canned(statement: Statement) -> dict[str, Any]:
    """A named query as Datasette takes it: what is left empty in its form is NULL."""
    empty_is_null = {
        each.name: f"cast(nullif(:{each.name}, '') as integer)" if each.type == "int" else f"nullif(:{each.name}, '')"
        for each in statement.parameters
    }
    notes = "; ".join(
        f"{each.name}: {each.note}{' (lower case)' if each.type == 'key' else ''}" for each in statement.parameters
    )
    return {
        "title": statement.title,
        "description": f"{statement.meaning}{' Parameters: ' + notes if notes else ''}",
        "sql": substitute_parameters(statement.sql("sqlite"), empty_is_null),
        "params": [each.name for each in statement.parameters],
    }


def _is_open(query: Statement) -> bool:
    """False for what is personal, and for as_of queries: each shows a whole table that is closed."""
    return not query.is_personal and not query.name.startswith("as_of_")


def metadata(catalog: Catalog, database: str, *, unmask: bool = False) -> dict[str, Any]:
    """What Datasette is told about the database of that name: descriptions, facets and queries."""
    named = views(catalog)
    columns: dict[str, dict[str, str]] = {}
    for column in (*dictionary.column_entries(), *view_entries(named)):
        columns.setdefault(column.table_name, {})[column.column_name] = column.meaning
    tables: dict[str, dict[str, Any]] = {}
    for entry in dictionary.table_entries(named):
        its: dict[str, Any] = {"description": entry.meaning, "columns": columns.get(entry.table_name, {})}
        if entry.table_name in _FACETS:
            its["facets"] = _FACETS[entry.table_name]
        its["hidden"] = entry.kind == "history"
        tables[entry.table_name] = its
    queries = [*catalog.layer("queries"), *(catalog.layer("findings") if unmask else ())]
    return {
        "title": "recon",
        "description": "Active Directory, Entra ID and HR, and where they disagree. Findings stand in view finding.",
        "databases": {
            database: {
                "allow_sql": unmask,
                "tables": tables,
                "queries": {each.name: _canned(each) for each in queries if unmask or _is_open(each)},
            }
        },
    }


def file_of(store: Store) -> Path:
    """The store's SQLite file; raises UsageError for another engine."""
    if store.dialect != "sqlite" or not store.engine.url.database:
        raise UsageError(
            f"browse shows SQLite databases; this one is {store.dialect}", hint="open it with your SQL client"
        )
    return Path(store.engine.url.database)


class _ReadableAlone:
    """A plugin that closes every table but these, those made while Datasette runs among them (the stage of a load)."""

    def __init__(self, catalog: Catalog) -> None:
        self.__name__ = __name__  # Datasette takes plugins for modules
        self._readable = {*READER_TABLES, *(each.name for each in catalog.layer("decoded"))}

    def permission_allowed(self, action: str, resource: Any) -> bool | None:
        """False for a table that is closed; None leaves the answer to the others."""
        return False if action == "view-table" and resource[1] not in self._readable else None


def _check_names(store: Store) -> None:
    """Raise StoreError for a name that Datasette cannot quote: it would answer every page with an error."""
    with store.read() as connection:
        for name in connection.exec_driver_sql("select name from sqlite_master where type = 'table'").scalars():
            if "]" in name:
                raise StoreError(
                    f"Datasette cannot read a database with a table named {quoted(name)}", hint="rename it"
                )


def serve(store: Store, catalog: Catalog, *, host: str, port: int, unmask: bool) -> None:
    """Serve the store's SQLite file until interrupted. Raises UsageError, StoreError without Datasette."""
    file = file_of(store)
    try:
        import uvicorn
        from datasette import hookimpl
        from datasette.app import Datasette
        from datasette.plugins import pm
    except ImportError as error:
        raise StoreError("Datasette is not installed", hint="pip install 'directory-recon[browse]'") from error
    _check_names(store)
    # imported before datasette.app it would not be registered, and every error page be a 500
    handler: Any = importlib.import_module("datasette.handle_exception")
    handler.rich = None  # its tracebacks show local variables: people's data on the terminal
    if not unmask:
        hookimpl(_ReadableAlone.permission_allowed, trylast=True)  # the last answer is taken
        pm.register(_ReadableAlone(catalog), name="recon")
    told = metadata(catalog, file.stem, unmask=unmask)
    app = Datasette([str(file)], metadata=told, settings={"default_allow_sql": unmask, "num_sql_threads": 2}).app()
    uvicorn.run(app, host=host, port=port, log_level="warning")
