"""recon refresh, recon findings, recon sql: what they print, what they refuse, how they exit."""

import csv
import io
import json
import re

import openpyxl
import pytest

from recon.catalog import read_catalog
from recon.cli.main import run
from recon.deploy import views
from recon.store import Store
from tests.support.estate import Estate


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a configuration and a loaded database, made the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECON_CONFIG", raising=False)
    monkeypatch.delenv("RECON_DATABASE_URL", raising=False)
    (tmp_path / "recon.toml").write_text(
        '[database]\nurl = "sqlite:///recon.db"\n[catalogue]\nfindings = ["own"]\n[findings]\nfamilies = ["all"]\n'
    )
    (tmp_path / "own").mkdir()
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        estate = Estate(store)
        estate.worker("E1", personal_mail="jane.doe@home.example")
        estate.entra(id="user-1", employeeid="E1", userprincipalname="jane@example.com")
        estate.entra(id="user-2", usagelocation="UK", userprincipalname="ken@example.com", is_synced=0)
    return tmp_path


def recon(capsys, *arguments):
    """(exit code, stdout, stderr) of one command."""
    with pytest.raises(SystemExit) as ended:
        run(list(arguments))
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


def test_refresh_then_count(folder, capsys):
    code, out, err = recon(capsys, "refresh")
    assert (code, out) == (0, "")
    assert "refresh 1 as of 2026-03-02 05:20:00 UTC: 0 matches, 3 rows of findings" in err
    code, out, _ = recon(capsys, "findings", "--format", "json")
    counted = {row["finding"]: row["rows"] for row in json.loads(out) if row["rows"]}
    assert (code, counted) == (0, {"entra_synced_not_in_ad": 1, "othermails_missing": 1, "usagelocation_not_iso": 1})


def test_the_rows_of_one_finding_are_masked(folder, capsys):
    recon(capsys, "refresh")
    code, out, err = recon(capsys, "findings", "othermails_missing", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (code, row["object_key"], row["hr_value"]) == (0, "user-1", "j***@h***.example")
    assert "jane.doe@home.example" not in out + err
    _, out, _ = recon(capsys, "findings", "othermails_missing", "--unmask", "--format", "csv")
    assert "jane.doe@home.example" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--fail-on", "critical"), 0),
        (("--fail-on", "high"), 3),
        (("usagelocation_not_iso", "--fail-on", "medium"), 0),
        (("usagelocation_not_iso", "--fail-on", "low"), 3),
        (("upn_differs", "--fail-on", "info"), 0),
    ],
)
def test_fail_on(folder, capsys, arguments, expected):
    recon(capsys, "refresh")
    assert recon(capsys, "findings", *arguments)[0] == expected


def test_what_is_refused(folder, capsys):
    recon(capsys, "refresh")
    for arguments, message in (
        (
            ("findings", "upn_difers"),
            "recon: no finding is called upn_difers. Did you mean upn_differs or sid_differs or anchor_differs?\n",
        ),
        (("findings", "--fail-on", "urgent"), "recon: --fail-on urgent: no such severity. One of critical"),
        (("sql", "show", "xyzzy"), "recon: no statement is called xyzzy. recon sql list lists them"),
        (("sql", "run", "pair"), "recon: pair fills a table"),
        (("sql", "run", "one_person"), "recon: one_person needs the parameter who: worker id"),
        (("sql", "run", "one_person", "-p", "who"), "recon: --param who: not name=value"),
        (("sql", "run", "one_person", "-p", "who=x", "-p", "why=y"), "recon: one_person has no parameter why"),
        (("sql", "script", "--engine", "oracle"), "recon: unknown engine oracle. One of sqlite, postgresql, mssql"),
    ):
        code, out, err = recon(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith(message), err
        assert err.count("\n") == 1


def test_findings_before_any_refresh(folder, capsys):
    code, out, err = recon(capsys, "findings", "--format", "csv")
    assert (code, out) == (0, "severity,finding,family,rows,open,accepted,new,gone,before,title\n")
    assert "no refresh yet" in err


def test_nothing_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recon.toml").write_text("")
    code, _, err = recon(capsys, "refresh")
    assert (code, err.startswith("recon: no database at ")) == (2, True)
    Store.open(f"sqlite:///{tmp_path}/recon.db").close()
    code, _, err = recon(capsys, "refresh")
    assert (code, err.startswith("recon: nothing has been loaded yet")) == (1, True)


OWN = """-- title: Users called x
-- meaning: One row per Entra user.
-- severity: low
-- fix: none
-- source: here
select 'entra_user' as object_type, e.id as object_key, e.displayname as object_name, 'id' as attribute,
    null as hr_value, null as ad_value, e.id as entra_value
from entra_user as e
"""


def test_own_findings_appear_everywhere_and_a_broken_one_is_named(folder, capsys):
    (folder / "own" / "own_users.sql").write_text(OWN)
    (folder / "own" / "own_broken.sql").write_text(OWN.replace("from entra_user", "from nowhere"))
    (folder / "own" / "own_worse.sql").write_text("drop table worker\n")
    code, _, err = recon(capsys, "refresh")
    assert code == 2
    assert f"left out: {folder}/own/own_worse.sql, line 1: " in err
    assert f"left out: {folder}/own/own_broken.sql, line 8: the database refuses it: no such table: nowhere" in err
    _, out, _ = recon(capsys, "findings", "own_users", "--format", "csv")
    assert [row["object_key"] for row in csv.DictReader(io.StringIO(out))] == ["user-1", "user-2"]
    _, out, _ = recon(capsys, "sql", "list", "--format", "csv")
    assert "findings,own_users,low,own,Users called x" in out.splitlines()
    code, _, err = recon(capsys, "sql", "check")
    assert code == 2
    assert "2 refused" in err
    code, _, err = recon(capsys, "sql", "install")
    assert (code, err.splitlines()[0]) == (0, f"{len(views(read_catalog())) + 1} views installed")
    code, out, _ = recon(capsys, "sql", "script", "--engine", "postgresql")
    assert (code, "create view finding_own_users as" in out) == (0, True)


def test_sql_list_needs_no_configuration(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECON_CONFIG", raising=False)
    code, out, _ = recon(capsys, "sql", "list", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {row["layer"] for row in rows} == {"decoded", "match", "findings", "queries", "plan"}


def test_sql_show_prints_a_statement_that_runs(folder, capsys):
    code, out, err = recon(capsys, "sql", "show", "upn_differs")
    assert (code, out.startswith("select\n")) == (0, True)
    assert err.startswith("UPN differs: ")
    with Store.open(f"sqlite:///{folder}/recon.db") as store, store.read() as connection:
        assert connection.exec_driver_sql(out).all() == []


def test_sql_run(folder, capsys):
    recon(capsys, "refresh")
    code, out, _ = recon(capsys, "sql", "run", "one_person", "--param", "who=JANE@example.com", "--format", "json")
    assert code == 0
    assert [row["record_key"] for row in json.loads(out)] == ["E1", "user-1"]
    code, out, _ = recon(capsys, "sql", "run", "entra_user_decoded", "--limit", "1", "--format", "json")
    assert (code, len(json.loads(out))) == (0, 1)


def test_sql_script_prints_the_committed_file(capsys):
    from recon.catalog import data_folder

    code, out, _ = recon(capsys, "sql", "script", "--engine", "mssql")
    assert (code, out) == (0, (data_folder("sql") / "deploy" / "mssql.sql").read_text(encoding="utf-8"))


def test_sql_install_and_check(folder, capsys):
    code, _, err = recon(capsys, "sql", "install")
    assert (code, err) == (0, f"{len(views(read_catalog()))} views installed\n")
    code, _, err = recon(capsys, "sql", "check")
    assert (code, err) == (0, f"{len(read_catalog().statements)} statements hold, 0 refused; 0 differences\n")


def test_sql_check_names_what_differs_and_install_mends_it(folder, capsys):
    recon(capsys, "sql", "install")
    with Store.open(f"sqlite:///{folder}/recon.db") as store, store.write() as connection:
        connection.exec_driver_sql("drop view worker_decoded")
        connection.exec_driver_sql("drop view finding")
        connection.exec_driver_sql("create view finding as select 1 as x")
        connection.exec_driver_sql("update dictionary_column set meaning = 'x' where column_name = 'cn'")
    code, out, err = recon(capsys, "sql", "check", "--format", "csv")
    assert code == 1
    assert out.splitlines() == [
        "kind,name,state",
        "dictionary,dictionary_column,differs",
        "view,finding,differs",
        "view,worker_decoded,missing",
    ]
    assert err.splitlines()[-1] == "next: recon sql install"


def test_sql_check_of_a_table_that_lost_a_column_is_a_difference(folder, capsys):
    recon(capsys, "sql", "install")
    with Store.open(f"sqlite:///{folder}/recon.db") as store, store.write() as connection:
        for name, _ in views(read_catalog()):
            connection.exec_driver_sql(f"drop view {name}")
        connection.exec_driver_sql("alter table user_match rename column rule_number to x")
    code, out, err = recon(capsys, "sql", "check", "--format", "csv")
    assert code == 1
    assert "column,user_match.rule_number,missing" in out.splitlines()
    assert err.splitlines()[-1] == "next: recon sql install"


def test_sql_run_writes_a_workbook_without_formulas(folder, capsys, tmp_path):
    with Store.open(f"sqlite:///{folder}/recon.db") as store, store.write() as connection:
        connection.exec_driver_sql("update worker set display_name = '=1+1'")
    file = tmp_path / "people.xlsx"
    code, out, err = recon(capsys, "sql", "run", "worker_decoded", "--output", str(file))
    assert (code, out, err) == (0, "", f"1 rows written to {file}\n")
    sheet = openpyxl.load_workbook(file).active
    names = [cell.value for cell in sheet[1]]
    column = names.index("display_name")
    assert [(row[column].value, row[column].data_type) for row in sheet.iter_rows(min_row=2)] == [("=1+1", "s")]
    assert file.stat().st_mode & 0o077 == 0
    assert recon(capsys, "sql", "run", "worker_decoded", "--output", "x.ods")[0] == 2


def test_the_linked_server_script_holds_no_password(capsys):
    code, out, _ = recon(capsys, "sql", "script", "linked-server")
    assert code == 0
    assert re.findall(r"@rmtpassword = (.*)", out) == ["N'$(RECON_AD_PASSWORD)'"]
    assert out.index("sp_droplinkedsrvlogin") < out.index("sp_addlinkedsrvlogin")  # the self-mapping goes first
    assert "exec master.dbo.sp_dropserver" not in re.sub(r"(?m)^--.*", "", out)  # one that others use stays
    batches = re.split(r"(?m)^go$", out)
    for batch in batches:
        for query in re.findall(r"openquery\(ADSI, '((?:[^']|'')*)'\)", batch):
            assert "'" not in query.replace("''", "")


def test_a_script_for_a_schema_with_roles(capsys):
    code, out, _ = recon(capsys, "sql", "script", "--engine", "postgresql", "--schema", "recon", "--create-roles")
    assert code == 0
    begins = [out.index(each) for each in ('create schema "recon"', "create role recon_reader", "CREATE TABLE")]
    assert begins == sorted(begins)
    assert "insert into dictionary_column" in out
    _, out, _ = recon(capsys, "sql", "script", "--engine", "mssql", "--without-data-dictionary")
    assert "insert into dictionary_column" not in out
    for arguments, message in (
        (("--engine", "sqlite", "--schema", "x"), "recon: SQLite has no schemas"),
        (("--engine", "sqlite", "--create-roles"), "recon: SQLite has no roles. Leave --create-roles away."),
        (("--engine", "postgresql", "--schema", "x; drop"), "recon: --schema x; drop: lower-case letters"),
        ((), "recon: --engine is missing"),
    ):
        code, out, err = recon(capsys, "sql", "script", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith(message)
