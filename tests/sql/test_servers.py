"""What a server must offer, a schema of its own, roles, and drift on PostgreSQL."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from recon import deploy
from recon.catalog import read_catalog
from recon.drift import Drift, find_drift
from recon.errors import ConfigError, StoreError
from recon.server_checks import check_server, find_defects, judge_mssql, judge_postgresql
from recon.store import Store
from tests.servers.stores import fresh_database
from tests.support.site import invoke

FINE = {
    "compatibility_level": 150, "is_snapshot": True, "collation": "Latin1_General_CI_AS", "major": 15,
    "schema_name": "dbo", "may_table": 1, "may_view": 1, "may_alter": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "what", "is_fatal"),
    [
        ({}, None, False),
        ({"major": 12}, "SQL Server is older than 2016", True),
        ({"compatibility_level": 120}, "the database has compatibility level 120; loading needs openjson", True),
        ({"may_table": 0}, "this database user may not create table", True),
        ({"may_view": 0}, "this database user may not create view", True),
        ({"may_alter": 0}, "this database user may not alter schema dbo", True),
        ({"is_snapshot": False}, "read-committed snapshot is off: readers wait while a load is published", False),
        ({"collation": "Latin1_General_CS_AS"}, "collation Latin1_General_CS_AS is case-sensitive", False),
        ({"collation": "Latin1_General_100_BIN2"}, "collation Latin1_General_100_BIN2 is case-sensitive", False),
    ],
)  # fmt: skip
def test_sql_server_is_judged(change, what, is_fatal):
    found = list(judge_mssql(FINE | change))
    if what is None:
        assert found == []
    else:
        (defect,) = found
        assert (defect.what.startswith(what), defect.is_fatal) == (True, is_fatal)


def test_postgresql_is_judged():
    fine = {"version": 150018, "encoding": "UTF8", "schema_name": "public", "may_create": 1}
    assert list(judge_postgresql(fine)) == []
    for change, what in (
        ({"version": 130000}, "PostgreSQL is older than 14"),
        ({"encoding": "LATIN1"}, "the database has encoding LATIN1"),
        ({"schema_name": None}, "the search path leads to no schema"),
        ({"may_create": 0}, "this user may not create in schema public"),
    ):
        (defect,) = judge_postgresql(fine | change)
        assert defect.what == what


def test_a_real_server_is_fine(store):
    assert find_defects(store) == check_server(store) == []


def test_no_drift_after_install_and_what_is_missing_is_named(store):
    catalog = read_catalog()
    deploy.install(store)
    assert find_drift(store, catalog) == []
    with store.write() as connection:
        connection.execute(text("drop view finding"))
        connection.execute(text("create view finding as select 1 as x"))
        connection.execute(text("drop view ad_user_decoded"))
        connection.execute(text("drop table load_reject"))
        connection.execute(text("alter table setting drop column note"))
        connection.execute(text("drop index ad_user_upn_key"))
    assert sorted(find_drift(store, catalog), key=str) == sorted(
        [Drift("table", "load_reject", "missing"), Drift("column", "setting.note", "missing"),
         Drift("index", "ad_user.ad_user_upn_key", "missing"),
         Drift("view", "finding", "differs"),
         Drift("view", "ad_user_decoded", "missing")], key=str,
    )  # fmt: skip


@pytest.mark.postgresql
def test_a_schema_of_its_own_with_the_roles(postgresql_url):
    with fresh_database(postgresql_url) as url:
        with Store.open(url, schema="recon_own") as store:
            deploy.install(store, create_roles=True)
            assert find_drift(store, read_catalog()) == []
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        with psycopg.connect(plain, autocommit=True) as connection:
            try:
                schemas = connection.execute(
                    "select distinct schemaname from pg_tables where tablename in ('worker', 'ad_user')"
                ).fetchall()
                assert schemas == [("recon_own",)]
                rights = connection.execute(
                    "select has_schema_privilege('recon_reader', 'recon_own', 'usage'),"
                    " has_schema_privilege('recon_reader', 'recon_own', 'create'),"
                    " has_schema_privilege('recon_installer', 'recon_own', 'create'),"
                    " has_table_privilege('recon_reader', 'recon_own.worker_decoded', 'select'),"
                    " has_table_privilege('recon_reader', 'recon_own.worker', 'select')"
                ).fetchone()
                assert rights == (True, False, True, True, False)
            finally:
                for role in deploy.ROLES:
                    connection.execute(f"drop owned by {role}")
                    connection.execute(f"drop role {role}")


@pytest.mark.postgresql
def test_an_installer_without_the_right_is_told(postgresql_url):
    with fresh_database(postgresql_url) as url:
        with Store.open(url) as store, store.write() as connection:
            connection.execute(text("revoke create on schema public from public"))
            connection.execute(text("create role poor_installer login password 'x'"))
            connection.execute(text("grant select on all tables in schema public to poor_installer"))
        try:
            whose = url.replace("//", "//poor_installer:x@", 1) if "@" not in url else None
            if whose is None:
                whose = url.split("://")[0] + "://poor_installer:x@" + url.split("@", 1)[1]
            with (
                Store.open(whose) as store,
                pytest.raises(StoreError, match="may not create in schema public") as refused,
            ):
                check_server(store)
            assert refused.value.hint == "grant usage, create on schema public to the installing user"
        finally:
            with Store.open(url) as store, store.write() as connection:
                connection.execute(text("drop owned by poor_installer"))
                connection.execute(text("drop role poor_installer"))


@pytest.mark.postgresql
def test_each_member_of_the_installers_may_install_over_another(postgresql_url):
    catalog = read_catalog()
    with fresh_database(postgresql_url) as url:
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        members = ("first_installer", "second_installer", "a_reader")
        whose = {name: url.split("://")[0] + f"://{name}:x@" + url.split("@", 1)[1] for name in members}
        with psycopg.connect(plain, autocommit=True) as connection:
            try:
                for role in (*deploy.ROLES, *(f"{name} login password 'x'" for name in members)):
                    connection.execute(f"create role {role}")
                connection.execute("grant recon_installer to first_installer, second_installer")
                connection.execute("grant recon_reader to a_reader")
                connection.execute("create schema recon_own")
                connection.execute("grant usage, create on schema recon_own to recon_installer")
                for name in members[:2]:
                    with Store.open(whose[name], schema="recon_own") as store:
                        deploy.install(store, catalog)
                        assert find_drift(store, catalog) == []
                script = deploy.script("postgresql", catalog, schema="recon_own")
                connection.execute(script)  # the superuser too, and a member after it
                with psycopg.connect(whose["second_installer"].replace("+psycopg:", ":")) as second:
                    second.execute(script)
                with Store.open(whose["first_installer"], schema="recon_own") as store:
                    deploy.install(store, catalog)
                with Store.open(whose["a_reader"], create=False, schema="recon_own") as store, store.read() as reading:
                    for name in (*deploy.READER_TABLES, *(each.name for each in catalog.layer("decoded"))):
                        reading.execute(text(f"select count(*) from {name}"))
                    with pytest.raises(ProgrammingError, match="permission denied for table worker"):
                        reading.execute(text("select count(*) from worker"))
                with Store.open(whose["a_reader"], create=False, schema="recon_own") as store:
                    for statement in ("delete from setting", "drop view finding", "create table x (x integer)"):
                        with (
                            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
                            store.write() as own,
                        ):
                            own.execute(text(statement))
            finally:
                connection.execute("drop schema recon_own cascade")
                for role in (*deploy.ROLES, *members):
                    connection.execute(f"drop owned by {role}")
                    connection.execute(f"drop role {role}")


@pytest.mark.postgresql
def test_tables_of_another_user_keep_their_owner(postgresql_url):
    with fresh_database(postgresql_url) as url:
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        with psycopg.connect(plain, autocommit=True) as connection:
            try:
                connection.execute("create role the_loads login password 'x'")
                connection.execute("grant create on schema public to the_loads")
                Store.open(url.split("://")[0] + "://the_loads:x@" + url.split("@", 1)[1]).close()
                with Store.open(url) as store:
                    deploy.install(store, create_roles=True)
                owners = connection.execute(
                    "select distinct tableowner from pg_tables where schemaname = 'public'"
                ).fetchall()
                assert owners == [("the_loads",)]
                connection.execute("set role recon_reader")
                assert connection.execute("select count(*) from finding").fetchone() == (0,)
                connection.execute("reset role")
            finally:
                for role in (*deploy.ROLES, "the_loads"):
                    connection.execute(f"drop owned by {role} cascade")
                    connection.execute(f"drop role {role}")


@pytest.mark.postgresql
def test_readers_are_answered_from_the_views_and_refused_in_one_line(postgresql_url, tmp_path, monkeypatch):
    with fresh_database(postgresql_url) as url:
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        with psycopg.connect(plain, autocommit=True) as connection:
            try:
                with Store.open(url) as store:
                    deploy.install(store, create_roles=True)
                connection.execute("create role a_reader login password 'x'")
                connection.execute("grant recon_reader to a_reader")
                whose = url.split("://")[0] + "://a_reader@" + url.split("@", 1)[1]
                (tmp_path / "recon.toml").write_text(f'[database]\nurl = "{whose}"\n', encoding="utf-8")
                monkeypatch.chdir(tmp_path)
                monkeypatch.setenv("RECON_DATABASE_PASSWORD", "x")
                for name in ("worker_decoded", "finding", "loads", "kept_loads"):
                    asked = invoke("sql", "run", name, "--format", "csv")
                    assert (asked.code, asked.err, len(asked.out.splitlines())) == (0, "", 1), name
                denied = "permission denied for table "
                for words, said in (
                    (
                        ("sql", "run", "one_person", "-p", "who=a"),
                        f"recon: one_person: the database refuses it: {denied}",
                    ),
                    (
                        ("sql", "check"),
                        "recon: this database user may not read all that ad_certificate_mapping_decoded",
                    ),
                    (("refresh",), f"recon: the database refuses: {denied}source_link. recon doctor checks it"),
                ):
                    asked = invoke(*words)
                    assert (asked.code, asked.err.count("\n")) == (1, 1)
                    assert asked.err.startswith(said)
            finally:
                connection.execute("drop owned by recon_installer cascade")
                for role in (*deploy.ROLES, "a_reader"):
                    connection.execute(f"drop owned by {role} cascade")
                    connection.execute(f"drop role {role}")


def test_sqlite_has_no_schema(tmp_path):
    with pytest.raises(ConfigError, match="schema is for PostgreSQL and SQL Server"):
        Store.open(f"sqlite:///{tmp_path}/x.db", schema="recon")
