"""What SQL Server would refuse although SQLite and PostgreSQL take it: collations that meet, texts turned to numbers.

Of the files of sql/, and of the statements that Python makes for loads, increments, refreshes and what is kept. Where
RECON_TSQL_CHECK names the checker of tests/tsql, Microsoft's model of SQL Server 2016 also binds every name of them.
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from recon import dictionary, findings
from recon.catalog import data_folder, read_catalog, substitute_parameters
from recon.config import Settings
from recon.deploy import _sql_server, script, views
from recon.objects import Gone, ReadReport, Row
from recon.store import Store
from recon.store.bulk import openjson_statement
from recon.store.drift import DriftCheck
from recon.store.engine import WRITES
from recon.store.forget import forget
from recon.store.history import prune
from recon.store.load import Load
from recon.store.publish import same_values
from recon.store.runs import last_loads, register_source
from recon.store.stage import GoneStage, Stage, make_index
from recon.store.tables import LOADED, metadata
from tests.support.rows import make_row
from tests.support.tsqlstatements import Taken, procedure, statements_of
from tests.support.tsqltypes import TEMPDB, Reader, schema_of

assert dictionary.dictionary_table.metadata is metadata
CATALOG = read_catalog()
AD = ("ad_user", "ad_user_proxyaddress", "ad_group", "ad_member", "ad_computer", "ad_contact")
ENTRA = ("entra_user", "entra_user_othermail", "entra_group", "entra_member", "entra_group_owner", "entra_role",
         "entra_role_member")  # fmt: skip


def _dn(name: str) -> str:
    return f"CN={name},DC=example"


def _user(number: int, name: str, manager: str | None = None) -> Row:
    return make_row(
        "ad_user", ("ad_user_proxyaddress", (0, f"smtp:{name}@x", f"smtp:{name}@x", "smtp", f"{name}@x")),
        guid=f"u{number}", distinguishedname=_dn(name), dn_key=_dn(name), cn=name, employeeid_key="e1",
        manager=manager and _dn(manager), manager_key=manager and _dn(manager),
    )  # fmt: skip


def _links(role: str) -> list[Row]:
    return [Row(name, ("g1", "x1", "user", *([0] if name == "entra_role_member" else []))) for name in _LINKS] + [
        make_row("entra_role", id="g1", displayname=role),
        make_row("entra_group", id="g1", displayname="staff", isassignabletorole=1),
        make_row("entra_user", ("entra_user_othermail", (0, "a@x", "a@x", "a…@x")), id="x1", employeeid_key="e1"),
    ]


_LINKS = ("entra_member", "entra_group_owner", "entra_role_member")


def _load(store: Store, kind: str, tables: tuple[str, ...], rows: list[Row | Gone], *, increment: bool = False) -> int:
    with Load(store, register_source(store, kind, kind), kind, tables) as running:
        for row in rows:
            running.add(row)
        return running.publish(ReadReport(is_increment=increment)).run_id


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """What was sent while two sources were loaded, brought up to date, compared, asked, forgotten and pruned."""
    with (
        Store.open(f"sqlite:///{tmp_path_factory.mktemp('taken')}/recon.db") as store,
        statements_of(store.engine) as kept,
    ):
        group = make_row("ad_group", guid="g1", distinguishedname=_dn("g"), dn_key=_dn("g"))
        members = [Row("ad_member", ("g1", _dn(name), _dn(name))) for name in ("a", "b")]
        _load(store, "ad", AD, [_user(1, "a"), _user(2, "b", "a"), group, *members])
        _load(store, "entra", ENTRA, _links("Reader"))
        _load(store, "ad", AD, [_user(1, "A"), _user(2, "b"), _user(2, "b"), group, members[0]])
        _load(store, "entra", ENTRA, [Gone("entra_user", ("x2",)), *_links("Writer")], increment=True)
        run = _load(
            store, "ad", AD, [_user(1, "c"), Gone("ad_user", ("u2",)), Gone("ad_member", ("g1",))], increment=True
        )
        with DriftCheck(store, 1, run, AD) as drift:
            drift.add(_user(1, "c", "a"))
            drift.finish()
        findings.refresh(store, Settings(), CATALOG)
        list(findings.stated_rows(store, "group_empty"))
        findings.gone(store, "group_empty")
        last_loads(store)
        forget(store, "u1")
        with store.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            prune(connection, "2999-01-01 00:00:00.000000")
        return kept


@pytest.fixture(scope="module")
def installed() -> Reader:
    """A reader of all tables and views; what views are refused for stands in it."""
    reader = Reader(schema_of(metadata.tables))
    for name, statement in views(CATALOG):
        reader.view(name, statement.sql("mssql"))
    return reader


@pytest.fixture
def reader(installed: Reader) -> Reader:
    """A reader of its own for each test."""
    return Reader(installed.schema)


def test_no_file_of_sql_mixes_what_sql_server_keeps_apart(installed, reader):
    assert installed.refused == []
    for each in (*CATALOG.layer("match"), *CATALOG.layer("queries"), *CATALOG.layer("plan")):
        variables = {parameter.name: f"@{parameter.name}" for parameter in each.parameters}
        reader.read(substitute_parameters(each.sql("mssql"), variables), each.name)
    assert reader.refused == []


def test_no_statement_of_python_does(taken, reader):
    reader.schema |= schema_of(taken.temporary, TEMPDB)
    for sql in taken.statements:
        if "select" in sql.lower() or not sql.startswith("INSERT"):
            reader.read(sql, " ".join(sql.split())[:120])
    assert len(taken.statements) > 300
    assert reader.refused == []


def test_a_change_of_case_or_of_a_blank_at_the_end_is_a_change():
    member, staged = LOADED["ad_member"], Stage("ad_member", "mssql").table
    condition = same_values(member, staged, ["member_dn"])
    assert (
        "(ad_member.member_dn COLLATE Latin1_General_100_BIN2 + N'|') = "
        "([#stage_ad_member].member_dn COLLATE Latin1_General_100_BIN2 + N'|')"
    ) in str(condition.compile(dialect=_sql_server()))
    assert "ad_member.member_dn = stage_ad_member.member_dn" in str(
        same_values(member, Stage("ad_member", "sqlite").table, ["member_dn"]).compile(dialect=sqlite.dialect())
    )


def test_no_statement_leaves_a_bracket_of_a_name_to_like(taken):
    # SQL Server takes [ext] for one character; what SQLAlchemy escapes does not hold brackets
    assert [sql for sql in taken.statements if " LIKE " in sql] == []


def test_members_are_summed_as_long_numbers(taken):
    (summed,) = {sql for sql in taken.statements if "sum(" in sql and "sizes" in sql and "entra_reach" in sql}
    assert "sum(CAST(sizes.members AS BIGINT))" in summed


class _Sent:
    """Stands for a connection to SQL Server, and keeps what it is sent."""

    def __init__(self) -> None:
        self.dialect, self.sent = _sql_server(), []

    def exec_driver_sql(self, sql: str) -> None:
        self.sent.append(sql)


def test_an_index_key_of_a_temporary_table_has_at_most_1700_bytes():
    connection = _Sent()
    for name in ("ad_member", "entra_member"):
        gone = GoneStage(name, "mssql")
        make_index(connection, gone.table, *gone.spec.key)
    assert connection.sent == [
        "create index gone_ad_member_key on #gone_ad_member (member_key)",
        "create index gone_entra_member_key on #gone_entra_member (id, member_id)",
    ]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select a.cn from ad_user as a where a.guid = a.cn", "binary and text database"),
        ("select coalesce(a.cn, a.guid) as x from ad_user as a", "select COALESCE"),
        ("select a.cn from ad_user as a union all select b.guid from ad_user as b", "union of cn"),
        ("select max(case when a.row_id = 1 then a.cn else a.guid end) as x from ad_user as a", "MAX"),
        ("select a.cn from ad_user as a where a.guid in (select b.cn from ad_user as b)", "IN"),
        ("select a.cn from ad_user as a where a.row_id = a.cn", "number and text"),
        ("with q as (select null as x from ad_user as a) select coalesce(q.x, '') as y from q", "number and text"),
        ("select a.guid, a.cn, count(*) as n from ad_user as a group by a.guid", "a.cn is selected and not grouped"),
        ("select max(case when exists (select 1 from worker as w) then 1 end) as x from ad_user as a", "of a SELECT"),
        ("select distinct a.cn from ad_user as a order by a.guid", "ordered by what is not returned"),
        ("with q as (select a.cn, a.cn from ad_user as a) select 1 as x from q", "a name of another"),
        ("with q as (select a.row_id + 1 from ad_user as a) select 1 as x from q", "no name"),
    ],
)
def test_what_it_would_refuse_is_seen(sql, why, reader):
    reader.read(sql, "test")
    assert [each for each in reader.refused if why in each]


@pytest.mark.parametrize(
    "sql",
    [
        "select a.cn from ad_user as a where a.guid = 'x' and a.cn = :x",
        "select a.cn from ad_user as a where a.guid = a.cn collate Latin1_General_100_BIN2",
        "select a.cn, count(*) as n from ad_user as a group by a.cn having max(a.guid) > 'x' order by n",
        "select a.cn, null as x from ad_user as a union all select null, b.cn from ad_user as b",
    ],
)
def test_what_it_takes_is_taken(sql, reader):
    reader.read(sql.replace(":x", "@x"), "test")
    assert reader.refused == []


# ---- Microsoft's model --------------------------------------------------------------------------------

CHECK = os.environ.get("RECON_TSQL_CHECK")
needs_model = pytest.mark.skipif(not CHECK, reason="RECON_TSQL_CHECK names no checker (tests/tsql/README.md)")
TYPES = {"text": "nvarchar(4000)", "key": "nvarchar(450)", "int": "int", "date": "date", "time": "datetime2(6)"}


def check(folder: Path, **scripts: str) -> list[str]:
    """The messages of the checker about these scripts, in this order."""
    files = []
    for name, text in scripts.items():
        files.append(folder / f"{name}.sql")
        files[-1].write_text(text, encoding="utf-8")
    run = subprocess.run([*shlex.split(CHECK or ""), *map(str, files)], capture_output=True, text=True, timeout=300)
    *messages, last = run.stdout.splitlines()
    assert last.endswith(f" {len(messages)} messages"), run.stdout + run.stderr
    return messages


def queries() -> str:
    """A procedure of each named query and of what a plan asks."""
    made = []
    for each in (*CATALOG.layer("queries"), *CATALOG.layer("plan")):
        variables = {parameter.name: f"@{parameter.name}" for parameter in each.parameters}
        types = {parameter.name: TYPES[parameter.type] for parameter in each.parameters}
        made.append(procedure(f"query {each.name}", substitute_parameters(each.sql("mssql"), variables), types))
    return "".join(made)


def sent(taken: Taken) -> str:
    """The temporary tables as tables, and a procedure of each statement."""
    tables = "".join(
        str(CreateTable(table).compile(dialect=_sql_server())).replace("CREATE TEMPORARY", "CREATE") + "\ngo\n"
        for table in taken.temporary.values()
    )
    return tables + "".join(
        procedure(f"statement {place}", sql, types) for place, (sql, types) in enumerate(taken.statements.items())
    )


def bulk() -> str:
    """A procedure that makes each stage, fills it from JSON and indexes it."""
    made = []
    for name in LOADED:
        table, connection = Stage(name, "mssql").table, _Sent()
        make_index(connection, table, "seq")
        insert = openjson_statement(table, _sql_server()).replace("?", "@document")
        create = str(CreateTable(table).compile(dialect=_sql_server()))
        made.append(
            procedure(f"stage {name}", f"{create}\n{insert}\n{connection.sent[0]}", {"document": "nvarchar(max)"})
        )
    return "".join(made)


@needs_model
@pytest.mark.parametrize("how", [{}, {"with_dictionary": False}, {"schema": "recon", "create_roles": True}])
def test_the_model_takes_the_install_script(how, tmp_path):
    assert check(tmp_path, install=script("mssql", **how)) == []


@needs_model
def test_the_model_takes_the_functions(tmp_path):
    text = (data_folder("sql") / "functions" / "mssql.sql").read_text(encoding="utf-8")
    assert check(tmp_path, functions=text) == []


@needs_model
def test_the_model_binds_every_name_that_is_sent(taken, tmp_path):
    scripts = {"queries": queries(), "sent": sent(taken), "bulk": bulk()}
    assert check(tmp_path, install=script("mssql", with_dictionary=False), **scripts) == []


@needs_model
@pytest.mark.parametrize("name", ["queries", "sent", "bulk", "install"])
def test_the_model_sees_a_column_that_is_not_there(name, taken, tmp_path):
    scripts = {
        "install": script("mssql", with_dictionary=False),
        "queries": queries(),
        "sent": sent(taken),
        "bulk": bulk(),
    }
    known = {
        "queries": "u.displayname",
        "sent": "ad_user.row_hash",
        "bulk": "(seq, guid, objectguid",
        "install": "a.upn_key",
    }
    assert known[name] in scripts[name]
    scripts[name] = scripts[name].replace(known[name], known[name] + "_not")
    assert check(tmp_path, **scripts)
