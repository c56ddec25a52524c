"""The install scripts: current, runnable twice on an empty database, and what the tables promise to a DBA."""

import os
import re
import shutil
import sqlite3
import subprocess

import psycopg
import pytest
import sqlglot
from sqlalchemy import inspect, text

from recon import deploy
from recon.catalog import data_folder, read_catalog
from recon.errors import StoreError
from recon.store import Store
from recon.store.reference_tables import REFERENCE
from recon.store.tables import SCHEMA_VERSION, metadata
from tests.servers.stores import fresh_database
from tests.support.estate import Estate

DEPLOY = data_folder("sql") / "deploy"
VIEWS = [name for name, _ in deploy.views(read_catalog())]


@pytest.mark.parametrize("name", ["sqlite.sql", "postgresql.sql", "mssql.sql", "dictionary.md"])
def test_the_committed_files_are_current(name):
    assert (DEPLOY / name).read_text(encoding="utf-8") == deploy.generated()[name], "run: make sql"


def test_written_files_are_what_is_generated(tmp_path):
    deploy.write(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == deploy.generated()


def sqlite3_shell(path, script):
    program = shutil.which("sqlite3")
    if program is None:
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()
        return ""
    done = subprocess.run([program, "-bail", path], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_sqlite_runs_it_twice_and_the_store_takes_it(tmp_path):
    path = tmp_path / "dba.db"
    script = (DEPLOY / "sqlite.sql").read_text(encoding="utf-8")
    for _ in range(2):
        assert sqlite3_shell(path, script) == ""
    connection = sqlite3.connect(path)
    assert {name for (name,) in connection.execute("select name from sqlite_master where type = 'view'")} == set(VIEWS)
    for table, rows_of in REFERENCE.items():
        names = [column.name for column in table.columns]
        held = connection.execute(f"select {', '.join(names)} from {table.name}").fetchall()
        assert sorted(held, key=repr) == sorted((tuple(row[name] for name in names) for row in rows_of()), key=repr)
    versions = connection.execute("select version, tool_version from schema_version").fetchall()
    assert versions == [(SCHEMA_VERSION, "script")]
    connection.close()
    with Store.open(f"sqlite:///{path}", create=False) as store:
        assert Estate(store).refresh().broken == ()


def psql(url, *arguments, warns=False):
    program = shutil.which("psql")
    assert program is not None
    plain = url.replace("postgresql+psycopg:", "postgresql:")
    done = subprocess.run(
        [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", plain, *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, "PGOPTIONS": ""},
    )  # fmt: skip
    assert (done.returncode, "" if warns else done.stderr) == (0, "")
    return done.stderr if warns else done.stdout


@pytest.mark.postgresql
def test_psql_runs_it_twice_grants_to_the_roles_and_the_store_takes_it(postgresql_url):
    roles = ("recon_reader", "recon_pii", "recon_loader")
    with fresh_database(postgresql_url) as url:
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        psql(url, "-f", DEPLOY / "postgresql.sql")
        with psycopg.connect(plain, autocommit=True) as connection:
            for role in roles:
                connection.execute(f"create role {role}")
        try:
            psql(url, "-f", DEPLOY / "postgresql.sql")
            with psycopg.connect(plain, autocommit=True) as connection:
                found = connection.execute("select viewname from pg_views where schemaname = 'public'").fetchall()
                assert {name for (name,) in found} == set(VIEWS)
                rights = {
                    (role, table): connection.execute(
                        "select has_table_privilege(%s, %s, 'select'), has_table_privilege(%s, %s, 'insert')",
                        (role, table, role, table),
                    ).fetchone()
                    for role in roles
                    for table in ("worker", "worker_decoded", "finding", "finding_row")
                }
                for role in roles:
                    connection.execute(f"drop owned by {role}")
        finally:
            with psycopg.connect(plain, autocommit=True) as connection:
                for role in roles:
                    connection.execute(f"drop role {role}")
        assert rights == {
            ("recon_reader", "worker"): (False, False), ("recon_reader", "worker_decoded"): (True, False),
            ("recon_reader", "finding"): (True, False), ("recon_reader", "finding_row"): (False, False),
            ("recon_pii", "worker"): (True, False), ("recon_pii", "worker_decoded"): (True, False),
            ("recon_pii", "finding"): (True, False), ("recon_pii", "finding_row"): (True, False),
            ("recon_loader", "worker"): (True, True), ("recon_loader", "worker_decoded"): (False, False),
            ("recon_loader", "finding"): (False, False), ("recon_loader", "finding_row"): (True, True),
        }  # fmt: skip
        with Store.open(url, create=False) as store:
            assert Estate(store).refresh().broken == ()


@pytest.mark.postgresql
@pytest.mark.parametrize("schema", ["recon", "order"])
def test_psql_runs_it_twice_in_a_schema_of_its_own(postgresql_url, tmp_path, schema):
    script = tmp_path / "script.sql"
    script.write_text(deploy.script("postgresql", schema=schema), encoding="utf-8")
    with fresh_database(postgresql_url) as url:
        for _ in range(2):
            psql(url, "-f", script)
        with Store.open(url, create=False, schema=schema) as store, store.read() as connection:
            where = "select distinct schemaname from pg_views where schemaname !~ '^pg_|^information'"
            assert connection.execute(text(where)).scalars().all() == [schema]


# ---- a site's own findings: one with a mistake costs itself alone -------------------------------------------

OWN = """-- title: The site's users
-- meaning: One row per user.
-- severity: low
-- fix: none
-- source: here
select 'entra_user' as object_type, e.id as object_key, e.displayname as object_name, 'id' as attribute,
    null as hr_value, null as ad_value, {value} as entra_value
from entra_user as e
"""


def own_catalog(folder, **values):
    for name, value in values.items():
        (folder / f"{name}.sql").write_text(OWN.format(value=value), encoding="utf-8")
    catalog = read_catalog([folder])
    assert catalog.broken == ()
    return catalog


@pytest.mark.postgresql
def test_psql_leaves_out_an_own_finding_with_a_mistake_and_says_which(postgresql_url, tmp_path):
    odd = "'$own$ %s it''s\n\\! false'"
    catalog = own_catalog(tmp_path, own_good="e.id", own_odd=odd, own_bad="e.no_such", own_worse="e.id e.id")
    assert deploy.unfit("postgresql", catalog) == {}
    script = tmp_path / "script.sql"
    script.write_text(deploy.script("postgresql", catalog), encoding="utf-8")
    with fresh_database(postgresql_url) as url:
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        for _ in range(2):
            said = psql(url, "-f", script, warns=True)
            for name, reason in (("bad", "column e.no_such does not exist"), ("worse", "syntax error at or near")):
                assert f"left out: {tmp_path}/own_{name}.sql, line 6: the database refuses it: {reason}" in said
            assert said.count("left out: ") == 2
        with psycopg.connect(plain) as connection:
            found = connection.execute("select viewname from pg_views where schemaname = 'public'").fetchall()
            assert {name for (name,) in found} == {*VIEWS, "finding_own_good", "finding_own_odd"}
            listed = connection.execute("select table_name from dictionary_table where table_name like 'finding_own%'")
            assert {name for (name,) in listed} == {"finding_own_good", "finding_own_odd"}


@pytest.mark.postgresql
def test_readers_of_personal_data_may_read_an_own_finding(postgresql_url, tmp_path):
    script = tmp_path / "script.sql"
    catalog = own_catalog(tmp_path, own_good="e.id", own_bad="e.no_such")
    script.write_text(deploy.script("postgresql", catalog, create_roles=True), encoding="utf-8")
    with fresh_database(postgresql_url) as url:
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        psql(url, "-f", script, warns=True)
        with psycopg.connect(plain, autocommit=True) as connection:
            try:
                may = "select has_table_privilege(%s, 'finding_own_good', 'select')"
                rights = {role: connection.execute(may, (role,)).fetchone()[0] for role in deploy.ROLES[1:]}
            finally:
                for role in deploy.ROLES:
                    connection.execute(f"drop owned by {role}")
                    connection.execute(f"drop role {role}")
    assert rights == {"recon_loader": False, "recon_reader": False, "recon_pii": True}


@pytest.mark.postgresql
def test_an_own_finding_that_is_gone_is_in_nobodys_way(postgresql_url, tmp_path):
    (tmp_path / "own_old.sql").write_text(
        OWN.format(value="e.id").replace("from entra_user", "from entra_user_decoded"), encoding="utf-8"
    )
    catalog = read_catalog([tmp_path])
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        assert deploy.install(store, catalog) == len(VIEWS) + 1
        assert deploy.install(store) == len(VIEWS)
        with store.write() as connection:
            assert connection.execute(text("select to_regclass('finding_own_old')")).scalar() is None
            connection.execute(text("create view finding_mine as select e.id from entra_user_decoded as e"))
        with pytest.raises(StoreError, match="cannot drop view entra_user_decoded because other objects") as refused:
            deploy.install(store)
        assert refused.value.hint == (
            "your own objects read our views: drop them, and make them again afterwards (view finding_mine)"
        )


def test_the_view_of_an_own_finding_that_is_gone_goes_from_sqlite_and_nobody_elses(tmp_path):
    (tmp_path / "own_old.sql").write_text(OWN.format(value="e.id"), encoding="utf-8")
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        deploy.ensure_views(store, read_catalog([tmp_path]))
        with store.write() as connection:
            connection.execute(text("create view finding_mine as select 1 as one"))
        assert {"finding_own_old", "finding_mine"} <= set(inspect(store.engine).get_view_names())
        deploy.ensure_views(store)
        left = set(inspect(store.engine).get_view_names())
    assert left == {*VIEWS, "finding_mine"}


def test_what_sqlite_cannot_parse_is_left_out_of_its_script(tmp_path):
    catalog = own_catalog(
        tmp_path, own_good="e.id", own_elsewhere="e.no_such", own_worse="e.id e.id", own_odd="e. id id"
    )
    left_out = deploy.unfit("sqlite", catalog)
    assert sorted(left_out) == ["own_odd", "own_worse"]
    said = str(left_out["own_worse"])
    assert said.startswith(f"{tmp_path}/own_worse.sql, line "), said
    assert ": the database refuses it: near " in said, said
    path = tmp_path / "dba.db"
    for _ in range(2):
        assert sqlite3_shell(path, deploy.script("sqlite", catalog.without(left_out))) == ""
    with Store.open(f"sqlite:///{path}", create=False) as store, store.read() as connection:
        assert connection.execute(text("select count(*) from finding_own_good")).scalar() == 0


def test_own_findings_stand_behind_the_transaction_on_sql_server(tmp_path):
    catalog = own_catalog(tmp_path, own_good="'it''s'")
    batches = [batch.strip() for batch in re.split(r"(?m)^go$", deploy.script("mssql", catalog))]
    place = batches.index("commit transaction")
    own, end, rest = batches[place + 1 :]
    assert (end, rest) == ("set noexec off", "")
    assert own.startswith("begin try\n    exec(N'create view finding_own_good as\nselect ''entra_user'' as object_type")
    assert "''it''''s'' as entra_value" in own
    assert "drop view if exists finding_own_good" in batches[:place]
    assert not any("to recon_pii" in batch and "finding_own_good" in batch for batch in batches[:place])


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("'$(x)'", r"\$\(x\)'"), ("'\ngo\n'", "go"), ("'\n:r x\n'", ":r x"), ("'\n!! x'", "!! x"),
        ("'\n quit \n'", "quit"),
    ],
)  # fmt: skip
def test_what_sqlcmd_would_act_on_is_left_out_of_its_script(tmp_path, value, taken):
    catalog = own_catalog(tmp_path, own_good="'a go : !! quit'", own_odd=value)
    left_out = deploy.unfit("mssql", catalog)
    assert list(left_out) == ["own_odd"]
    assert re.search(rf"own_odd.sql, line 6: sqlcmd takes {taken}", str(left_out["own_odd"]))


FLAGGED = "select cn, userAccountControl from ad_user where userAccountControl & 2 = 2"


def flagged(store):
    estate = Estate(store)
    for value in (512, 514, 544, 546, None):
        estate.ad(cn=f"user {value}", useraccountcontrol=value)


def test_disabled_users_as_typed_in_sqlite3(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        flagged(store)
    found = sqlite3_shell(tmp_path / "recon.db", f".mode list\n{FLAGGED};\n")
    assert sorted(found.splitlines()) == ["user 514|514", "user 546|546"]


@pytest.mark.postgresql
def test_disabled_users_as_typed_in_psql(postgresql_url):
    with fresh_database(postgresql_url) as url:
        with Store.open(url) as store:
            flagged(store)
        found = psql(url, "-A", "-t", "-c", FLAGGED)
    assert sorted(found.splitlines()) == ["user 514|514", "user 546|546"]


def test_install_over_a_connection_again_and_again(store):
    for _ in range(2):
        assert deploy.install(store) == len(VIEWS)
    with store.read() as connection:
        for name in VIEWS:
            assert connection.execute(text(f"select count(*) from {name}")).scalar() == 0


def test_views_of_an_embedded_database_are_brought_up_to_date(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        deploy.ensure_views(store)
        with store.write() as connection:
            connection.execute(text("drop view ad_user_decoded"))
            connection.execute(text("drop view finding"))
            connection.execute(text("create view finding as select 1 as x"))
        deploy.ensure_views(store)
        with store.read() as connection:
            assert connection.execute(text("select count(*) from ad_user_decoded")).scalar() == 0
            assert connection.execute(text("select count(code) from finding")).scalar() == 0


# ---- SQL Server, as far as no server is needed ------------------------------------------------------------

MSSQL = (DEPLOY / "mssql.sql").read_text(encoding="utf-8")
BATCHES = [batch.strip() for batch in re.split(r"(?m)^go$", MSSQL)]


def test_a_view_stands_alone_in_its_batch():
    for batch in BATCHES:
        if re.search(r"(?m)^create view", batch):
            assert batch.startswith("create view "), batch[:80]
    assert sum(batch.startswith("create view ") for batch in BATCHES) == len(VIEWS)


def test_every_batch_after_the_first_error_is_kept_from_running():
    begin = BATCHES.index("begin transaction")
    last = BATCHES.index("commit transaction")
    guards = [place for place, batch in enumerate(BATCHES) if batch == "if @@trancount = 0 set noexec on"]
    assert guards == list(range(begin + 1, last, 2))


def test_sql_servers_grammar_reads_every_view_and_table():
    for batch in BATCHES:
        if batch.startswith("create view "):
            sqlglot.parse_one(batch, dialect="tsql")
    made = re.findall(r"CREATE TABLE (\w+) \(", MSSQL)
    assert sorted(made) == sorted(table.name for table in metadata.sorted_tables)
    assert not re.search(r"\bmerge\b|if not exists \(.*create table|limit \d", MSSQL, re.IGNORECASE)


def test_text_is_unicode_and_keys_are_binary_on_sql_server():
    table = MSSQL[MSSQL.index("CREATE TABLE ad_user (") :].split("\ngo", 1)[0]
    columns = {line.split()[0]: line.strip().rstrip(",") for line in table.splitlines() if line.startswith("    ")}
    assert columns["displayname"] == "displayname NVARCHAR(4000) NULL"
    assert columns["upn_key"] == "upn_key NVARCHAR(450) COLLATE Latin1_General_100_BIN2 NULL"
    assert columns["immutable_id"] == "immutable_id NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NULL"
    assert columns["sid"] == "sid NVARCHAR(184) COLLATE Latin1_General_100_BIN2 NULL"
    assert columns["whenchanged"] == "whenchanged DATETIME2(6) NULL"
    assert columns["objectsid"] == "objectsid VARBINARY(68) NULL"
    assert not re.search(r"\bVARCHAR\(max\)|\bTEXT\b", MSSQL)


def test_index_keys_fit_sql_server():
    for table in metadata.sorted_tables:
        for index in table.indexes:
            made = sum(column_bytes(column) for column in index.columns)
            assert made <= 1700, f"{index.name}: {made}"


def column_bytes(column):
    from sqlalchemy.dialects import mssql

    found = re.search(r"NVARCHAR\((\d+|max)\)", column.type.compile(dialect=mssql.dialect()))
    if found is None:
        return 16
    return 10_000 if found.group(1) == "max" else 2 * int(found.group(1))


def test_the_dictionary_names_every_table_view_and_finding():
    text_ = (DEPLOY / "dictionary.md").read_text(encoding="utf-8")
    for table in metadata.sorted_tables:
        assert f"\n### {table.name}\n" in text_
        for column in () if table.name.endswith("_history") else table.columns:
            assert f"\n| {column.name} |" in text_
    catalog = read_catalog()
    for each in catalog.statements:
        name = f"fill_{each.name}" if each.layer == "match" else each.name
        assert f"\n| {name} |" in text_
    assert "| useraccountcontrol | int | userAccountControl |" in text_
    functions = re.findall(
        r"create or replace function (\w+)\(", (data_folder("sql") / "functions" / "postgresql.sql").read_text()
    )
    assert {f"| {name}(" in text_ for name in functions} == {True}


def test_dates_are_dates_on_sql_server():
    script = (data_folder("sql") / "deploy" / "mssql.sql").read_text(encoding="utf-8")
    assert "hire_date DATE NULL" in script
    assert not re.search(r"\bDATETIME\b", script)
