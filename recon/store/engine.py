"""Opening the database: SQLite as the embedded default, PostgreSQL and SQL Server by URL.

A SQLite file is made with mode 0600 and write-ahead logging. A database of a newer version is refused.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from recon import __version__
from recon.config import Config
from recon.decode.times import utc_now_text
from recon.errors import ConfigError, StoreError, UsageError
from recon.store import acceptance, backfill_tables, closure, lifecycle, match_tables, reference_tables, site_tables
from recon.store.migrations import migrate
from recon.store.tables import SCHEMA_VERSION, metadata, schema_version

_DIALECTS = ("sqlite", "postgresql", "mssql")
_BUSY_SECONDS = 30
WRITES = "recon_writes"


def first_line(error: BaseException) -> str:
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0][:200]


def is_denied(error: BaseException) -> bool:
    """True when the database refuses because a right is missing: PostgreSQL's 42501, SQL Server's error 229."""
    origin = error.orig if isinstance(error, DBAPIError) else None
    return getattr(origin, "sqlstate", None) == "42501" or "(229)" in str(origin)


def _url(url: str, password_env: str | None) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise ConfigError("database url is not an SQLAlchemy URL", hint="for example sqlite:///recon.db") from error
    if parsed.get_backend_name() not in _DIALECTS:
        raise ConfigError(
            f"database {parsed.get_backend_name()} is not supported",
            hint="use sqlite, postgresql+psycopg or mssql+pyodbc",
        )
    if parsed.get_backend_name() != "sqlite" and "@" in f"{parsed.host}{parsed.database}":
        # what stands behind the first @ of a password would be shown as the host
        raise ConfigError("database url holds an @ too many", hint="write %40 in a password, or use password_env")
    if parsed.password is None and parsed.username is not None and password_env and os.environ.get(password_env):
        parsed = parsed.set(password=os.environ[password_env])
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _sqlite_file(url: URL, *, create: bool) -> Path | None:
    if url.database in (None, "", ":memory:"):
        return None
    path = Path(str(url.database))
    if "\0" in str(path):
        raise ConfigError("database url: a NUL character in the path")
    if path.exists():
        return path
    if not create:
        raise UsageError(f"no database at {path}", hint="recon load makes it; recon demo shows one")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot make the database {path}: {error.strerror}", hint="choose a folder you may write to"
        ) from error
    return path


def _set_up_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is transactional too
        cursor = connection.cursor()
        cursor.execute("pragma page_size = 16384")  # of a new file: rows of a directory are wide, and looked up by key
        cursor.execute("pragma temp.page_size = 16384")  # the stage's rows are as wide
        cursor.execute("pragma journal_mode = wal")
        cursor.execute("pragma synchronous = normal")
        cursor.execute(f"pragma busy_timeout = {_BUSY_SECONDS * 1000}")
        cursor.execute("pragma secure_delete = on")  # the bytes of who was forgotten; off in some builds of SQLite
        cursor.execute("pragma cache_size = -16000")
        cursor.execute("pragma analysis_limit = 1000")  # entries an index that ANALYZE looks at: enough to plan with
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a reader that turns writer later may find the file locked: a writer takes the lock at once
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("begin immediate" if writes else "begin")


def one_at_a_time(connection: Connection, what: str) -> None:
    """Wait for other transactions that do the same; what follows sees what they did. SQLite's writers wait anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sqlalchemy.text("select pg_advisory_xact_lock(hashtext(:what))"), {"what": f"recon {what}"})


class Store:
    """One open database. `engine` is SQLAlchemy's; `dialect` is sqlite, postgresql or mssql."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name

    @classmethod
    def open(
        cls, url: str, *, create: bool = True, password_env: str | None = None, schema: str | None = None
    ) -> "Store":
        """Open the database of an SQLAlchemy URL; `create` makes file, schema and tables where they are missing.

        `schema`: where our tables stand on a server; None is its default. Raises UsageError when there is no database
        and create is false, StoreError when it cannot be opened or is of a newer version, ConfigError for a URL that
        names no supported database.
        """
        parsed = _url(url, password_env)
        # the query may hold a password, too: odbc_connect, password, sslpassword
        name = parsed.set(query={}).render_as_string(hide_password=True)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {}
        if schema and parsed.get_backend_name() == "postgresql":
            options["connect_args"] = {"options": f"-csearch_path={schema}"}
        try:
            engine = sqlalchemy.create_engine(parsed, **options)
        except (ModuleNotFoundError, NoSuchModuleError, ImportError) as error:
            raise StoreError(
                f"the driver for {parsed.drivername} cannot be loaded: {first_line(error)}",
                hint="pip install 'directory-recon[postgresql]', or see docs/databases.md for SQL Server",
            ) from error
        except (ArgumentError, TypeError, ValueError) as error:
            raise ConfigError("database url cannot be used", hint="check what stands behind the ? in it") from error
        if is_sqlite:
            _sqlite_file(parsed, create=create)
            _set_up_sqlite(engine)
        store = cls(engine)
        try:
            if schema:
                store._check_schema(schema, create=create)
            store._check_version(name, create=create)
        except SQLAlchemyError as error:
            engine.dispose()
            raise StoreError(
                f"cannot open the database {name}: {first_line(error)}", hint="recon doctor checks it"
            ) from error
        except BaseException:
            engine.dispose()
            raise
        return store

    @classmethod
    def configured(cls, config: Config, *, create: bool = False) -> "Store":
        """The database that recon.toml names; `create` makes what is missing. Raises as open() does."""
        its = config.database
        return cls.open(config.database_url, create=create, password_env=its.password_env, schema=its.db_schema)

    def _check_schema(self, schema: str, *, create: bool) -> None:
        """On PostgreSQL the search path leads to the schema, on SQL Server the user's default schema must be it."""
        if self.dialect == "sqlite":
            raise ConfigError("[database] schema is for PostgreSQL and SQL Server", hint="take it out for SQLite")
        if create:
            with self.write() as connection:
                if schema not in inspect(connection).get_schema_names():
                    connection.execute(CreateSchema(schema))
        if self.dialect == "mssql":
            with self.engine.connect() as connection:
                its = connection.scalar(sqlalchemy.text("select schema_name()"))
            if str(its).casefold() != schema.casefold():
                raise StoreError(
                    f"the default schema of this database user is {its}, not {schema}",
                    hint=f"alter user … with default_schema = {schema}, or take [database] schema out",
                )

    def _check_version(self, name: str, *, create: bool) -> None:
        with self.engine.connect() as connection:
            found = None
            if inspect(connection).has_table(schema_version.name):
                found = connection.scalar(select(sqlalchemy.func.max(schema_version.c.version)))
        if found is not None and found > SCHEMA_VERSION:
            raise StoreError(
                f"the database {name} is of a newer version ({found}; this recon knows {SCHEMA_VERSION})",
                hint="install the recon that made it, or use another database",
            )
        if found is None:
            if not create:
                raise UsageError(f"the database {name} has no recon tables", hint="recon load makes them")
            self._install()
        elif found < SCHEMA_VERSION:
            self._migrate()

    def _migrate(self) -> None:
        with self.write() as connection:
            one_at_a_time(connection, "install")
            if connection.scalar(select(sqlalchemy.func.max(schema_version.c.version))) == SCHEMA_VERSION:
                return  # another process was faster
            migrate(connection)
            connection.execute(
                insert(schema_version),
                {"version": SCHEMA_VERSION, "tool_version": __version__, "installed_at": utc_now_text()},
            )

    def _install(self) -> None:
        for table in (
            match_tables.finding_row,
            reference_tables.country,
            closure.closure_state,
            acceptance.finding_seen,
            site_tables.critical_group,
            lifecycle.lifecycle_date,
            backfill_tables.backfill_item,
        ):
            assert table.metadata is metadata  # their tables belong to the same set
        with self.write() as connection:
            one_at_a_time(connection, "install")
            metadata.create_all(connection)
            if connection.scalar(select(sqlalchemy.func.count()).select_from(schema_version)) == 0:
                connection.execute(
                    insert(schema_version),
                    {"version": SCHEMA_VERSION, "tool_version": __version__, "installed_at": utc_now_text()},
                )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading: one consistent view of the data while it is open."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back when it raises."""
        try:
            with self.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                yield connection
        except sqlalchemy.exc.OperationalError as error:
            raise StoreError(
                f"the database refused the write: {first_line(error)}",
                hint="another load or refresh may be running; try again",
            ) from error

    def close(self) -> None:
        """Give the connections back; the store cannot be used afterwards."""
        self.engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
