"""The main job on the sample company: load, match, find, report, plan, write, find again."""

import json
import sqlite3


def rows_by_code(site) -> dict[str, int]:
    return {row["finding"]: row["rows"] for row in json.loads(site.ok("findings", "--format", "json").out)}


def test_from_nothing_to_written_and_back(site):
    site.ok("load", "ad")
    site.ok("load", "entra")
    site.ok("load", "workers")
    before = rows_by_code(site)
    assert before["othermails_missing"] > 0
    site.ok("report", "--as", "html", "--as", "xlsx", "--as", "csv")
    assert sorted(path.suffix for path in (site.lab.folder / "reports").iterdir()) == [".csv", ".html", ".xlsx"]

    planned = {row["outcome"]: row["people"] for row in json.loads(site.ok("backfill", "plan", "--format", "json").out)}
    in_scope, out_of_scope = planned.pop("in scope"), planned.pop("out of scope")
    assert sum(planned.values()) == in_scope
    assert in_scope + out_of_scope == len(site.query("select 1 from worker"))
    assert planned["item"] > 0

    site.ok("backfill", "apply", "latest")
    assert site.lab.graph.writes == []  # showing is the default

    outcome = site.recon("backfill", "apply", "latest", "--commit")
    assert outcome.code in (0, 4), outcome.err  # 4: some were refused, and it says so
    done = len(site.lab.graph.writes)
    assert 0 < done <= planned["item"]
    again = site.recon("backfill", "apply", "latest", "--commit")
    assert again.code in (0, 4)
    assert len(site.lab.graph.writes) == done

    site.ok("load", "entra")
    assert rows_by_code(site)["othermails_missing"] == before["othermails_missing"] - done

    site.ok("backfill", "undo", "latest")
    site.ok("backfill", "apply", "latest", "--commit")
    site.ok("load", "entra")
    assert rows_by_code(site)["othermails_missing"] == before["othermails_missing"]


def test_run_does_it_all_and_its_exit_code_tells(site):
    outcome = site.recon("run", "--fail-on", "critical")
    assert outcome.code == 3
    assert (site.lab.folder / "reports" / "report.html").exists()
    assert site.recon("run").code == 0


def test_sql_runs_as_a_directory_person_types_it(site):
    site.ok("load", "ad", "--no-refresh")
    rows = site.query("select cn, userAccountControl from ad_user where userAccountControl & 2 = 2")
    values = {value for _, value in rows}
    assert {514, 546} <= values
    assert all(value & 2 for value in values)
    everyone = site.query("select count(*) from ad_user where useraccountcontrol & 2 = 0")[0][0] + len(rows)
    assert everyone == site.query("select count(*) from ad_user where useraccountcontrol is not null")[0][0]


def test_a_second_load_changes_nothing(site):
    site.ok("run", "--no-report")
    for kind in ("ad", "entra", "workers"):
        rows = json.loads(site.ok("load", kind, "--format", "json").out)
        assert [(row["new"], row["changed"], row["gone"]) for row in rows] == [(0, 0, 0)] * len(rows)


def test_doctor_finds_nothing_wrong(site):
    outcome = site.ok("doctor", "--format", "json")
    checks = json.loads(outcome.out)
    assert {check["state"] for check in checks} == {"ok"}
    assert {check["area"] for check in checks} >= {"ad contoso", "entra entra", "workers hr", "database", "backfill"}


def test_ndjson_written_while_loading_gives_the_same_rows(site, tmp_path):
    from tests.support.site import snapshot

    site.ok("load", "entra", "--save", tmp_path / "export")
    direct = snapshot(site.database, "entra_")
    site.edit('graph_url = "http[^"]*"', f'ndjson = "{tmp_path / "export"}"', pattern=True)
    site.edit("sqlite:///recon.db", "sqlite:///other.db")
    site.ok("load", "entra")
    assert snapshot(site.lab.folder / "other.db", "entra_") == direct


def test_lab_files_are_private(site):
    site.ok("load", "workers")
    assert (site.lab.folder / ".secrets.env").stat().st_mode & 0o077 == 0
    assert site.database.stat().st_mode & 0o077 == 0
    with sqlite3.connect(site.database) as connection:
        connection.execute("select 1 from worker")
    connection.close()
