"""What a database server must offer before tables are made in it: version, rights, settings. Reads only.

SQL Server: sys.databases and has_perms_by_name, which every user may ask. PostgreSQL: has_schema_privilege.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from recon.errors import StoreError
from recon.store import Store

_MSSQL = """
select
    d.compatibility_level,
    d.is_read_committed_snapshot_on as is_snapshot,
    cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128)) as collation,
    cast(serverproperty('ProductMajorVersion') as int) as major,
    schema_name() as schema_name,
    has_perms_by_name(db_name(), 'DATABASE', 'CREATE TABLE') as may_table,
    has_perms_by_name(db_name(), 'DATABASE', 'CREATE VIEW') as may_view,
    has_perms_by_name(schema_name(), 'SCHEMA', 'ALTER') as may_alter
from sys.databases as d
where d.name = db_name()
"""
_POSTGRESQL = """
select
    cast(current_setting('server_version_num') as integer) as version,
    current_setting('server_encoding') as encoding,
    current_schema() as schema_name,
    case when has_schema_privilege(current_schema(), 'create') then 1 else 0 end as may_create
"""


@dataclass(frozen=True, slots=True)
class Defect:
    """Something a server lacks. `is_fatal`: tables cannot be made, or would not work.

    `is_right`: a right of this user, which needs it to install alone.
    """

    what: str
    fix: str
    is_fatal: bool = True
    is_right: bool = False


def judge_mssql(found: Mapping[str, Any]) -> Iterator[Defect]:
    """What the row of SQL Server's own tables says."""
    if (found["major"] or 0) < 13:
        yield Defect("SQL Server is older than 2016", "use SQL Server 2016 or later, or another database")
    if found["compatibility_level"] < 130:
        yield Defect(
            f"the database has compatibility level {found['compatibility_level']}; loading needs openjson, level 130",
            "alter database current set compatibility_level = 130",
        )
    for name, right in (("may_table", "create table"), ("may_view", "create view")):
        if not found[name]:
            yield Defect(f"this database user may not {right}", f"grant {right} to the installing user", is_right=True)
    if not found["may_alter"]:
        yield Defect(
            f"this database user may not alter schema {found['schema_name']}",
            f"grant alter on schema::{found['schema_name']} to the installing user",
            is_right=True,
        )
    if not found["is_snapshot"]:
        yield Defect(
            "read-committed snapshot is off: readers wait while a load is published",
            "alter database current set read_committed_snapshot on",
            is_fatal=False,
        )
    if "_CS" in str(found["collation"]) or "_BIN" in str(found["collation"]):
        yield Defect(
            f"collation {found['collation']} is case-sensitive: useraccountcontrol and userAccountControl differ",
            "write table and column names in lower case",
            is_fatal=False,
        )


def judge_postgresql(found: Mapping[str, Any]) -> Iterator[Defect]:
    """What PostgreSQL says about itself and this user."""
    if found["version"] < 140_000:
        yield Defect("PostgreSQL is older than 14", "use PostgreSQL 14 or later")
    if found["encoding"] != "UTF8":
        yield Defect(f"the database has encoding {found['encoding']}", "create database … encoding 'UTF8'")
    if found["schema_name"] is None:
        yield Defect("the search path leads to no schema", "set [database] schema, or the user's search_path")
    elif not found["may_create"]:
        yield Defect(
            f"this user may not create in schema {found['schema_name']}",
            f"grant usage, create on schema {found['schema_name']} to the installing user",
            is_right=True,
        )


def _judged(connection: Connection) -> Iterator[Defect]:
    if connection.dialect.name == "sqlite":
        if sqlite3.sqlite_version_info < (3, 40):
            yield Defect(f"SQLite {sqlite3.sqlite_version} is older than 3.40", "use a Python with a newer SQLite")
        return
    is_mssql = connection.dialect.name == "mssql"
    found = dict(connection.execute(text(_MSSQL if is_mssql else _POSTGRESQL)).mappings().one())
    yield from judge_mssql(found) if is_mssql else judge_postgresql(found)


def find_defects(store: Store) -> list[Defect]:
    """What this database lacks for our tables and views; an empty list is fine."""
    with store.read() as connection:
        return list(_judged(connection))


def check_server(store: Store) -> list[Defect]:
    """The defects that may stay. Raises StoreError for the first that may not."""
    defects = find_defects(store)
    for defect in defects:
        if defect.is_fatal:
            raise StoreError(defect.what, hint=defect.fix)
    return defects
