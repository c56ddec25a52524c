"""Opening a database: made private, refused when newer, one clear line when it cannot be opened."""

import sqlite3
import stat

import pytest
from sqlalchemy import Engine, event

from recon.errors import ConfigError, StoreError, UsageError
from recon.store import Store
from recon.store.tables import SCHEMA_VERSION
from tests.servers.stores import fresh_database


def test_a_new_sqlite_file_belongs_to_its_owner_alone(tmp_path):
    path = tmp_path / "recon.db"
    Store.open(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_write_ahead_logging_is_on_and_pages_are_large(tmp_path):
    path = tmp_path / "recon.db"
    Store.open(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connection.execute("pragma page_size").fetchone() == (16384,)
    connection.close()


def test_what_is_deleted_leaves_no_bytes_whatever_sqlite_was_built_with(tmp_path):
    def as_most_builds(connection, _record):
        connection.execute("pragma secure_delete = off")

    path = tmp_path / "recon.db"
    event.listen(Engine, "connect", as_most_builds)
    try:
        with Store.open(f"sqlite:///{path}") as store:
            for change in ("insert into setting (name, value_int, note) values ('x', 1, 'forgotten@home.example')",
                           "delete from setting where name = 'x'"):  # fmt: skip
                with store.write() as connection:
                    connection.exec_driver_sql(change)
    finally:
        event.remove(Engine, "connect", as_most_builds)
    assert b"forgotten@home.example" not in path.read_bytes()


def test_postgresql_is_told_how_common_a_prefix_and_a_source_are(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as store, store.read() as connection:
        found = set(connection.exec_driver_sql("select stxname from pg_statistic_ext").scalars())
    owners = ("ad_user", "ad_group", "ad_contact", "entra_user", "entra_group")
    expected = {f"{owner}_proxyaddress_prefix" for owner in owners}
    assert found == expected | {"ad_user_source", "entra_user_source", "worker_source"}


def test_a_file_that_is_there_keeps_its_pages(tmp_path):
    path = tmp_path / "recon.db"
    connection = sqlite3.connect(path)
    connection.executescript("pragma page_size = 4096; create table mine (x)")
    connection.close()
    Store.open(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    assert connection.execute("pragma page_size").fetchone() == (4096,)
    assert connection.execute("select count(*) from schema_version").fetchone() == (1,)
    connection.close()


def test_no_database_and_not_told_to_make_one(tmp_path):
    with pytest.raises(UsageError, match="no database at"):
        Store.open(f"sqlite:///{tmp_path}/missing.db", create=False)
    assert not (tmp_path / "missing.db").exists()


def test_a_newer_database_is_refused(tmp_path):
    path = tmp_path / "recon.db"
    Store.open(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("insert into schema_version values (99, '9.9', '2030-01-01 00:00:00.000000')")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=f"of a newer version \\(99; this recon knows {SCHEMA_VERSION}\\)"):
        Store.open(f"sqlite:///{path}")


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "recon.db"
    path.write_text("this is not a database, it is only text " * 50)
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(f"sqlite:///{path}")


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(StoreError, match="cannot make the database"):
        Store.open(f"sqlite:///{tmp_path}/no/such/folder/x.db")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x/y",
        "nonsense",
        "postgresql://u:p@h:xx/db",
        "sqlite://host/x",
        "sqlite:////nowhere/a%00b.db",
        "sqlite:///:memory:?timeout=abc",
        "mssql+pyodbc:///?odbc_connect=a&odbc_connect=b",
    ],
)
def test_an_unsupported_url(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        Store.open(url)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql+psycopg://user:hunter2@127.0.0.1:1/none?connect_timeout=1", StoreError),
        ("postgresql+psycopg://user@127.0.0.1:1/none?connect_timeout=1&password=hunter2", StoreError),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dnone%3BPWD%3Dhunter2", StoreError),
        ("postgresql+psycopg://user:p@hunter2@127.0.0.1:1/none?connect_timeout=1", ConfigError),
        ("postgresql+psycopg://user:p@hunter2/x@127.0.0.1:1/none?connect_timeout=1", ConfigError),
    ],
)
def test_no_password_in_the_message(url, kind):
    with pytest.raises(kind) as caught:
        Store.open(url)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
