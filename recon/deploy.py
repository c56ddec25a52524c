"""One install script per engine out of the catalogue and the tables, and the data dictionary.

`python -m recon.deploy` writes sql/deploy/ and the queries over history again; those files are committed, and a test
holds them against this module. Tables, columns and indexes are made where they are missing, our views are dropped in
reverse order and made again, grants go to the roles that exist. Nothing is dropped that holds data.

Long, because the scripts of three engines share their parts.
"""

import re
import sqlite3
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, select
from sqlalchemy.dialects import mssql, postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from recon import dictionary, history_queries, objects
from recon.catalog import ENGINES, FINDING_COLUMNS, Catalog, Statement, data_folder, escape_colons, read_catalog
from recon.dictionary_page import markdown
from recon.dictionary_views import view_entries
from recon.errors import CatalogError, StoreError, UsageError
from recon.store import Store
from recon.store.backfill_tables import BACKFILL
from recon.store.engine import first_line, is_denied
from recon.store.match_tables import FILLED
from recon.store.reference_tables import REFERENCE
from recon.store.tables import LOADED, SCHEMA_VERSION, metadata, on_postgresql, schema_version


def _sql_server() -> Any:
    """SQL Server 2016; without a version SQLAlchemy writes for 2005, which has no date."""
    dialect = mssql.dialect()  # type: ignore[no-untyped-call]
    dialect.server_version_info = (13, 0)  # type: ignore[assignment]
    return dialect


_DIALECTS: dict[str, Any] = {
    "sqlite": sqlite.dialect,
    "postgresql": postgresql.dialect,
    "mssql": _sql_server,
}
_HOW = {
    "sqlite": "sqlite3 recon.db < sqlite.sql",
    "postgresql": "psql -v ON_ERROR_STOP=1 -f postgresql.sql",
    "mssql": "sqlcmd -b -I -i mssql.sql",
}
# (table, column) that a database of version 1 lacks
_ADDED = (
    ("source", "history_run"),
    *(("clock", name) for name in ("stale_before_at", "as_of_date", "as_of_filetime")),
    *(("load_run", "accepted"), ("load_run_table", "verified_at"), ("load_run_table", "is_intact")),
    *(("finding_count", name) for name in ("family", "accepted_count", "new_count", "gone_count")),
    ("finding_row", "detail"),
    ("ad_group", "rid"),
    ("entra_deleted", "name_key"),
    *((name, "mailnickname_key") for name in ("ad_user", "ad_group", "ad_contact")),
    *((name, "targetaddress_key") for name in ("ad_user", "ad_contact")),
    *(
        (f"ad_{owner}_altsecurityidentity", name)
        for owner in ("user", "computer")
        for name in ("kind", "strength", "issuer", "subject", "serial", "strong_value")
    ),
    *((name, "run_id") for name, table in objects.TABLES.items() if table.kind in ("child", "link")),
)
# who installs, who loads (rows only), who reads masked views, who reads personal data
ROLES = ("recon_installer", "recon_loader", "recon_reader", "recon_pii")
_ROWS_AN_INSERT = 200
# what sqlcmd acts on wherever it stands: a variable; at the beginning of a line, its commands
_SQLCMD = re.compile(r"\$\(\S*|^[ \t]*(?:go\b|:|!!|(?:exit|quit|reset|ed)[ \t]*$).*", re.IGNORECASE | re.MULTILINE)
# readers see no table that holds unmasked personal values
READER_TABLES = (
    "clock", "dictionary_column", "dictionary_table", "finding_count", "load_run", "load_run_table",
    "schema_version", "setting", "source", "source_link",
    *(table.name for table in REFERENCE), *(table.name for table in BACKFILL),
)  # fmt: skip


def views(catalog: Catalog) -> list[tuple[str, Statement]]:
    """(name of the view, its statement): decoded views, what fills the match tables, and every finding."""
    named = [(each.name, each) for each in catalog.layer("decoded")]
    fills = {each.name: each for each in catalog.layer("match")}
    named += [(f"fill_{table.name}", fills[table.name]) for table in FILLED if table.name in fills]
    return named + [(f"finding_{each.name}", each) for each in catalog.layer("findings")]


def _tables(engine: str) -> Iterator[str]:
    dialect = _DIALECTS[engine]()
    for table in metadata.sorted_tables:
        made = str(CreateTable(table, if_not_exists=engine != "mssql").compile(dialect=dialect)).strip()
        made = "\n".join(line.rstrip().replace("\t", "    ") for line in made.splitlines())
        yield f"if object_id(N'{table.name}', N'U') is null\n{made}" if engine == "mssql" else made
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            made = str(CreateIndex(index, if_not_exists=engine != "mssql").compile(dialect=dialect)).strip()
            if engine == "mssql":
                made = (
                    f"if not exists (select 1 from sys.indexes where name = N'{index.name}' "
                    f"and object_id = object_id(N'{table.name}'))\n{made}"
                )
            yield made
        if engine == "postgresql" and table.name in LOADED:
            yield from on_postgresql(table)


def _additions(engine: str) -> Iterator[str]:
    """Columns that tables of an older version lack; SQLite has no such statement: there recon itself adds them."""
    dialect = _DIALECTS[engine]()
    for table, name in _ADDED:
        column = metadata.tables[table].c[name]
        made = str(CreateColumn(column).compile(dialect=dialect)) + ("" if column.nullable else " default 0")
        if engine == "postgresql":
            yield f"alter table {table} add column if not exists {made}"
        elif engine == "mssql":
            yield f"if col_length(N'{table}', N'{name}') is null\nalter table {table} add {made}"
    if engine != "sqlite":  # what version 1 replaced is not known: history begins at the last load
        yield (
            "update source set history_run = (\n    select max(r.run_id) from load_run as r\n"
            "    where r.source_id = source.source_id and r.status = 'published'\n)\n"
            f"where not exists (select 1 from {schema_version.name} as v where v.version > 1)"
        )


def _version(engine: str) -> str:
    """The version row, added where it is missing; on SQLite only where the version's columns are there."""
    is_whole = "\n    and exists (select 1 from pragma_table_info('ad_member') as c where c.name = 'run_id')"
    return (
        f"insert into {schema_version.name} (version, tool_version)\nselect {SCHEMA_VERSION}, 'script'\n"
        f"where not exists (select 1 from {schema_version.name} as v where v.version = {SCHEMA_VERSION})"
        + (is_whole if engine == "sqlite" else "")
    )


def _literal(value: object, engine: str) -> str:
    if value is None:
        return "cast(null as integer)"  # the only columns of reference tables that may be empty are numbers
    if isinstance(value, int):
        return str(value)
    quoted = str(value).replace("'", "''")
    return f"{'N' if engine == 'mssql' else ''}'{quoted}'"


def _rows(engine: str) -> Iterator[str]:
    """The rows of the reference tables and the version row, each added where it is missing."""
    for table, rows_of in REFERENCE.items():
        names = [column.name for column in table.columns]
        key = names[0]
        lines = [
            ", ".join(_literal(row[name], engine) + ("" if place else f" as {name}") for name in names)
            for place, row in enumerate(rows_of())
        ]
        chosen = "\n    union all select ".join(lines)
        yield (
            f"insert into {table.name} ({', '.join(names)})\nselect {', '.join(f'n.{name}' for name in names)}\n"
            f"from (\n    select {chosen}\n) as n\n"
            f"where not exists (select 1 from {table.name} as c where c.{key} = n.{key})"
        )
    yield _version(engine)


def _values(table: sqlalchemy.Table, rows: Sequence[tuple[object, ...]], engine: str) -> Iterator[str]:
    """INSERTs of many rows; SQL Server takes 1,000 of them in one."""
    names = ", ".join(column.name for column in table.columns)
    for start in range(0, len(rows), _ROWS_AN_INSERT):
        lines = [
            "    (" + ", ".join("null" if value is None else _literal(value, engine) for value in row) + ")"
            for row in rows[start : start + _ROWS_AN_INSERT]
        ]
        yield f"insert into {table.name} ({names})\nvalues\n" + ",\n".join(lines)


def _dictionary_rows(engine: str, catalog: Catalog) -> Iterator[str]:
    """The data dictionary, written anew; a history table's columns are those of its table."""
    tables, columns = dictionary.dictionary_table, dictionary.dictionary_column
    yield f"delete from {columns.name}"
    yield f"delete from {tables.name}"
    yield from _values(tables, list(dictionary.table_entries(views(catalog))), engine)
    entries = [*dictionary.column_entries(), *view_entries(views(catalog))]
    yield from _values(columns, entries, engine)
    names = [column.name for column in columns.columns if column.name != "table_name"]
    yield (
        f"insert into {columns.name} (table_name, {', '.join(names)})\n"
        f"select t.table_name, {', '.join(f'c.{name}' for name in names)}\n"
        f"from {tables.name} as t\n    inner join {columns.name} as c on t.history_of = c.table_name\n"
        "where c.column_name <> 'run_id'"
    )
    returned = ", ".join(f"'{name}'" for name in FINDING_COLUMNS)
    yield (
        f"insert into {columns.name} (table_name, {', '.join(names)})\n"
        f"select t.table_name, {', '.join(f'c.{name}' for name in names)}\n"
        f"from {tables.name} as t\n    cross join {columns.name} as c\n"
        "where t.kind = 'view' and t.table_name like 'finding!_%' escape '!'\n"
        f"    and c.table_name = 'finding_row'\n    and c.column_name in ({returned})"
    )
    yield from (
        f"insert into {columns.name} (table_name, {', '.join(names)})\n"
        f"select t.table_name, {_literal(name, engine)}, {1000 + place}, {_literal('int', engine)}, null, "
        f"{_literal(meaning, engine)}, null, {_literal('never NULL', engine)}, 0, t.since\n"
        f"from {tables.name} as t\nwhere t.history_of is not null"
        for place, (name, meaning) in enumerate(dictionary.HISTORY_COLUMNS)
    )


def _view(name: str, statement: Statement, engine: str) -> str:
    return f"create view {name} as\n{statement.sql(engine)}"


def view_texts(engine: str, catalog: Catalog) -> dict[str, str]:
    """Each view's name and the statement that makes it."""
    return {name: _view(name, statement, engine) for name, statement in views(catalog)}


def _grants(engine: str, catalog: Catalog) -> Iterator[str]:
    if engine == "postgresql":  # of a schema of our own, readers need its door
        for role in ROLES:
            rights = "usage, create" if role == "recon_installer" else "usage"
            yield (
                f"do $$\nbegin\n    if exists (select 1 from pg_roles where rolname = '{role}') then\n"
                f"        execute format('grant {rights} on schema %I to {role}', current_schema());\n"
                "    end if;\nend\n$$"
            )
    elif engine == "mssql":
        yield (
            "if database_principal_id('recon_installer') is not null\nbegin\n"
            "    grant create table to recon_installer;\n    grant create view to recon_installer;\n"
            "    declare @grant nvarchar(400) = N'grant alter, control on schema::' + quotename(schema_name())\n"
            "        + N' to recon_installer';\n    exec(@grant);\nend"
        )
    readable = [each.name for each in catalog.layer("decoded")] + list(READER_TABLES)
    everything = [table.name for table in metadata.sorted_tables] + [name for name, _ in views(catalog)]
    loaded = [table.name for table in metadata.sorted_tables]
    for role, rights, names in (
        ("recon_reader", "select", readable),
        ("recon_pii", "select", everything),
        ("recon_loader", "select, insert, update, delete", loaded),
    ):
        if engine == "postgresql":
            listed = ",\n        ".join(names)
            yield (
                f"do $$\nbegin\n    if exists (select 1 from pg_roles where rolname = '{role}') then\n"
                f"        grant {rights} on\n        {listed}\n        to {role};\n    end if;\nend\n$$"
            )
        elif engine == "mssql":
            granted = "\n".join(f"    grant {rights} on {name} to {role};" for name in names)
            yield f"if database_principal_id('{role}') is not null\nbegin\n{granted}\nend"


def _owner(engine: str, catalog: Catalog) -> Iterator[str]:
    """PostgreSQL: what is ours belongs to recon_installer, so that each of its members may install over it.

    Only where the installing user owns all of it and is a member: a view reads with the rights of its owner.
    """
    if engine != "postgresql":
        return
    names = [table.name for table in metadata.sorted_tables] + [name for name, _ in views(catalog)]
    listed = textwrap.indent(textwrap.fill(", ".join(f"'{name}'" for name in names), 110), " " * 8)
    yield f"""do $$
declare
    ours constant name[] := array[
{listed}
    ];
    its record;
begin
    if not exists (select 1 from pg_roles where rolname = 'recon_installer') then
        return;
    end if;
    if not pg_has_role(current_user, 'recon_installer', 'member') or exists (
        select 1 from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = current_schema() and c.relname = any (ours)
            and pg_get_userbyid(c.relowner) not in (current_user, 'recon_installer')
    ) then
        return;
    end if;
    for its in
        select c.relname from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = current_schema() and c.relname = any (ours) and pg_get_userbyid(c.relowner) = current_user
    loop
        execute format('alter table %I.%I owner to recon_installer', current_schema(), its.relname);
    end loop;
exception when insufficient_privilege then
    null;
end
$$"""


def _roles(engine: str) -> Iterator[str]:
    """The four roles, made where they are missing; SQLite has none."""
    for role in ROLES:
        if engine == "postgresql":
            yield (
                f"do $$\nbegin\n    if not exists (select 1 from pg_roles where rolname = '{role}') then\n"
                f"        create role {role} nologin;\n    end if;\nend\n$$"
            )
        elif engine == "mssql":
            yield f"if database_principal_id('{role}') is null\n    create role {role}"


def _schema(engine: str, schema: str | None) -> Iterator[str]:
    """Make a schema and go on in it; SQL Server has no search path: the user's default schema must be it."""
    if schema is None:
        return
    if engine == "sqlite":
        raise UsageError("SQLite has no schemas", hint="leave --schema away")
    if engine == "postgresql":
        # `if not exists` wants the right to make one even where it is there; a reserved word is a name too
        yield (
            f"do $$\nbegin\n    if not exists (select 1 from pg_namespace where nspname = '{schema}') then\n"
            f'        create schema "{schema}";\n    end if;\nend\n$$'
        )
        yield f'set local search_path to "{schema}"'
        return
    yield f"if schema_id(N'{schema}') is null\n    exec(N'create schema [{schema}]')"
    yield (
        f"if schema_name() <> N'{schema}'\n"
        f"    throw 50000, N'your default schema is another: alter user … with default_schema = {schema}', 1"
    )


def _own_view(name: str, statement: Statement, engine: str) -> str:
    """The view of a site's own finding, which a mistake in it may cost, and not the rest of the script."""
    made = _view(name, statement, engine)
    if engine == "sqlite":  # unfit() has made it once already
        return made
    said = _literal(f"left out: {statement.path}, line {statement.line}: the database refuses it: ", engine)
    tables = (dictionary.dictionary_column.name, dictionary.dictionary_table.name)
    forget = " ".join(f"delete from {table} where table_name = '{name}';" for table in tables)
    if engine == "mssql":
        return (
            f"begin try\n    exec({_literal(made, engine)});\n"
            f"    if database_principal_id('recon_pii') is not null\n"
            f"        exec(N'grant select on {name} to recon_pii');\n"
            f"end try\nbegin catch\n    {forget}\n    declare @said nvarchar(max) = {said} + error_message();\n"
            "    print @said;\nend catch"
        )
    quote = "own"
    while f"${quote}" in made:
        quote += "_"
    return (
        f"do ${quote}_block$\nbegin\n    execute ${quote}${made}${quote}$;\n"
        "    if exists (select 1 from pg_roles where rolname = 'recon_pii') then\n"
        f"        grant select on {name} to recon_pii;\n    end if;\n"
        f"exception when others then\n    {forget}\n    raise warning '%', {said} || sqlerrm;\n"
        f"end\n${quote}_block$"
    )


def unfit(engine: str, catalog: Catalog) -> dict[str, CatalogError]:
    """Findings of the site's own that the script of one engine cannot carry, by name.

    SQLite keeps a view that it can parse, whatever it reads from; sqlcmd takes lines and marks for its own commands.
    """
    found: dict[str, CatalogError] = {}
    with closing(sqlite3.connect(":memory:")) as connection:
        for each in (one for one in catalog.findings if one.is_own):
            if engine == "sqlite":
                try:
                    connection.execute(_view(each.name, each, engine))
                except sqlite3.Error as error:
                    found[each.name] = each.refused(str(error))
            elif engine == "mssql" and (
                taken := _SQLCMD.search("\n".join((each.title, each.meaning, each.sql(engine))))
            ):
                found[each.name] = CatalogError(
                    f"{each.path}, line {each.line}: sqlcmd takes {taken.group().strip()} for a command of its own"
                )
    return found


def statements(
    engine: str, catalog: Catalog | None = None, *, with_dictionary: bool = True, with_own: bool = True
) -> list[str]:
    """What the script of one engine runs, in order, without what holds it together.

    `with_own`: make the views of the site's own findings, too.
    """
    catalog = catalog or read_catalog()
    named = views(catalog)
    made = catalog if with_own else Catalog(tuple(each for each in catalog.statements if not each.is_own))
    return [
        *([_STALE_VIEWS] if engine == "postgresql" else []),
        *(f"drop view if exists {name}" for name, _ in reversed(named)),
        *_tables(engine),
        *_additions(engine),
        *_rows(engine),
        *view_texts(engine, made).values(),
        *(_dictionary_rows(engine, catalog) if with_dictionary else ()),
        *_grants(engine, made),
        *(_owner(engine, made) if with_own else ()),
    ]


# the view of an own finding that is gone would keep PostgreSQL from dropping what it reads
_STALE_VIEWS = """do $$
declare
    its record;
begin
    if to_regclass('dictionary_table') is null then
        return;
    end if;
    for its in
        select v.viewname
        from dictionary_table as t
            inner join pg_views as v on v.viewname = t.table_name and v.schemaname = current_schema()
        where t.kind = 'view' and t.table_name like 'finding!_%' escape '!'
    loop
        execute format('drop view if exists %I.%I', current_schema(), its.viewname);
    end loop;
end
$$"""
_HEAD = """-- Generated by recon ({regenerate}); do not edit. Runs again and again:
--     {how}
-- Makes what is missing, replaces our views, drops nothing that holds data. One transaction.
"""
_MSSQL_BEGIN = """set nocount on
set xact_abort on
set quoted_identifier on
set ansi_nulls on
go
if cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128)) like N'%[_]CS[_]%'
    or cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128)) like N'%[_]BIN%'
    print 'note: this database is case-sensitive; write table and column names in lower case'
go
begin transaction
go"""
# after an error xact_abort has rolled back, but the next batches would run on their own: noexec keeps them from it
_MSSQL_GUARD = "if @@trancount = 0 set noexec on\ngo"


def script(
    engine: str,
    catalog: Catalog | None = None,
    *,
    with_dictionary: bool = True,
    schema: str | None = None,
    create_roles: bool = False,
) -> str:
    """The install script of one engine as text. `schema`, `create_roles`: PostgreSQL and SQL Server alone."""
    head = _HEAD.format(how=_HOW[engine], regenerate="make sql")
    catalog = catalog or read_catalog()
    parts = [
        *_schema(engine, schema),
        *(_roles(engine) if create_roles else ()),
        *statements(engine, catalog, with_dictionary=with_dictionary, with_own=False),
    ]
    own = [_own_view(name, each, engine) for name, each in views(catalog) if each.is_own]
    if engine == "mssql":  # an error dooms the transaction even where it is caught: what may fail comes behind it
        body = "\n".join(f"{_MSSQL_GUARD}\n{part}\ngo" for part in parts)
        behind = "".join(f"{part}\ngo\n" for part in own)
        return f"{head}\n{_MSSQL_BEGIN}\n{body}\n{_MSSQL_GUARD}\ncommit transaction\ngo\n{behind}set noexec off\ngo\n"
    # pages of a new file as recon makes them; of one that is there they stay
    opening = (
        "pragma page_size = 16384;\nbegin immediate;"
        if engine == "sqlite"
        else "begin;\nset local client_min_messages = warning;"
    )
    body = "\n\n".join(f"{part}\n;" for part in (*parts, *own, *_owner(engine, catalog)))
    return f"{head}\n{opening}\n\n{body}\n\ncommit;\n"


def as_driver_takes_it(statement: str, engine: str) -> str:
    """psycopg reads % as the beginning of a parameter, whether there are any or not."""
    return statement.replace("%", "%%") if engine == "postgresql" else statement


def _dependents(error: SQLAlchemyError) -> list[str]:
    """The site's own objects that PostgreSQL names in its refusal to drop a view of ours."""
    return re.findall(r"^(?:DETAIL:\s+)?(\w+ \S+) depends on view \S+$", str(error), re.MULTILINE)


def install(store: Store, catalog: Catalog | None = None, *, create_roles: bool = False) -> int:
    """Run what the script runs over a connection, in one transaction; returns the number of views.

    The schema is the connection's own ([database] schema). `create_roles` needs the right to make roles.

    Raises StoreError when the database refuses (a missing right, usually).
    """
    catalog = catalog or read_catalog()
    try:
        with store.write() as connection:
            for name in _stale_views(connection, catalog):
                connection.exec_driver_sql(f"drop view {connection.dialect.identifier_preparer.quote(name)}")
            for statement in (*(_roles(store.dialect) if create_roles else ()), *statements(store.dialect, catalog)):
                connection.exec_driver_sql(as_driver_takes_it(statement, store.dialect))
    except SQLAlchemyError as error:
        hint = f"recon sql script --engine {store.dialect} prints what a DBA may run"
        if own := _dependents(error):
            hint = f"your own objects read our views: drop them, and make them again afterwards ({', '.join(own)})"
        raise StoreError(f"the views cannot be installed: {first_line(error)}", hint=hint) from error
    return len(views(catalog))


def _stale_views(connection: Connection, catalog: Catalog) -> list[str]:
    """Views of own findings that are gone: the dictionary, which we wrote, has them, the catalogue has not."""
    table, looked = dictionary.dictionary_table, sqlalchemy.inspect(connection)
    if not looked.has_table(table.name):
        return []
    known = connection.scalars(select(table.c.table_name).where(table.c.kind == "view"))
    ours = {name for name in known if name.startswith("finding_")}
    return sorted(ours & {*looked.get_view_names()} - {name for name, _ in views(catalog)})


def refused(store: Store, statements: Iterable[Statement]) -> dict[str, CatalogError]:
    """Let the database read these SELECTs without running them: what it says of those that it refuses, by name.

    Raises StoreError where a right is missing: that says nothing about the statement.
    """
    found = {}
    for statement in statements:
        head, last = statement.split(store.dialect)
        sql = f"{escape_colons(head)}filled as (\n{escape_colons(last)}\n)\n\nselect count(*) from filled where 1 = 0"
        if statement.layer in ("queries", "plan"):  # an ORDER BY may not stand inside brackets on SQL Server
            sql = escape_colons(statement.sql(store.dialect), statement.parameters)
        try:
            with store.read() as connection:
                connection.execute(sqlalchemy.text(sql), {each.name: None for each in statement.parameters}).close()
        except SQLAlchemyError as error:
            if is_denied(error):
                raise StoreError(
                    f"this database user may not read all that {statement.name} reads: {first_line(error)}",
                    hint="use one of role recon_pii, recon_loader or recon_installer (docs/databases.md)",
                ) from error
            found[statement.name] = statement.refused(first_line(error))
    return found


def ensure_views(store: Store, catalog: Catalog | None = None) -> None:
    """Bring an embedded SQLite database's views up to date; servers are a DBA's (recon sql install).

    A finding of the site's own that the database refuses gets no view.
    """
    if store.dialect != "sqlite":
        return
    catalog = catalog or read_catalog()
    catalog = catalog.without(refused(store, (each for each in catalog.findings if each.is_own)))
    wanted = view_texts("sqlite", catalog)
    with store.read() as connection:
        found = connection.execute(sqlalchemy.text("select name, sql from sqlite_master where type = 'view'")).all()
        is_stale = bool(_stale_views(connection, catalog))
    present = {row.name: str(row.sql).casefold() for row in found if row.name in wanted}
    if is_stale or present != {name: text.casefold() for name, text in wanted.items()}:
        install(store, catalog)


def generated() -> dict[str, str]:
    """File name in sql/deploy and its text, for all that is generated."""
    catalog = read_catalog()
    if catalog.broken:
        raise catalog.broken[0]
    return {f"{engine}.sql": script(engine, catalog) for engine in ENGINES} | {
        "dictionary.md": markdown(catalog, views(catalog))
    }


def write(folder: Path | None = None) -> None:
    """Write sql/deploy again (or another folder)."""
    target = folder or data_folder("sql") / "deploy"
    target.mkdir(parents=True, exist_ok=True)
    for name, text in generated().items():
        (target / name).write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    """Write the queries over history and sql/deploy; with --check only say what is out of date."""
    if "--check" not in arguments:
        history_queries.write()
        write()
        return 0
    wanted = {f"deploy/{name}": text for name, text in generated().items()}
    wanted |= {f"queries/{name}": text for name, text in history_queries.generated().items()}
    stale = []
    for name, text in sorted(wanted.items()):
        path = data_folder("sql") / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run: make sql\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
