"""`recon store`: what it prints, what a dry run leaves, how it exits."""

import csv
import io

import pytest
from sqlalchemy import update

import recon
from recon.objects import ReadReport
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source
from recon.store.tables import LOADED, load_run
from tests.support.rows import make_row
from tests.support.site import Outcome, invoke


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with three loads of one worker, the first two of them in January."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECON_CONFIG", raising=False)
    monkeypatch.delenv("RECON_DATABASE_URL", raising=False)
    (tmp_path / "recon.toml").write_text("[load]\nhistory_days = 30\n")
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        source_id = register_source(store, "workers", "hr")
        for status in ("A", "B", "C"):
            with Load(store, source_id, "hr", ("worker",)) as running:
                running.add(make_row("worker", worker_id="W1", worker_key="w1", worker_status=status))
                running.publish(ReadReport())
        with store.write() as connection:
            connection.execute(
                update(load_run).where(load_run.c.run_id <= 2).values(finished_at="2026-01-01 00:00:00.000000")
            )
    return tmp_path


def printed(outcome: Outcome) -> list[list[str]]:
    assert outcome.code == 0, outcome.err
    return list(csv.reader(io.StringIO(outcome.out)))


def test_prune_first_says_then_does(folder):
    for _ in range(2):
        dry = invoke("store", "prune", "--dry-run", "--format", "csv")
        assert printed(dry) == [["table", "would_remove"], ["worker_history", "1"]]
        assert dry.err == "1 rows would be removed\n"
    done = invoke("store", "prune", "--format", "csv")
    assert printed(done) == [["table", "removed"], ["worker_history", "1"]]
    assert printed(invoke("store", "prune", "--format", "csv")) == [["table", "removed"]]


def test_forget_says_what_stays(folder):
    dry = invoke("store", "forget", "w1", "--dry-run", "--format", "csv")
    assert printed(dry) == [["table", "would_remove"], ["worker_history", "2"]]
    done = invoke("store", "forget", "w1", "--format", "csv")
    assert printed(done) == [["table", "removed"], ["worker_history", "2"]]
    assert "stays: worker W1: the source hr still has it" in done.err
    assert "not looked at: plans and journals" in done.err
    nobody = invoke("store", "forget", "w2")
    assert (nobody.code, nobody.out) == (2, "")
    assert nobody.err.startswith("recon: nobody is known as w2. ")


def test_check_names_the_table_that_was_edited(folder):
    assert printed(invoke("store", "check", "--format", "csv"))[1:] == [["hr", "worker", "3", "1", "1", "yes"]]
    with Store.open(f"sqlite:///{folder}/recon.db") as store, store.write() as connection:
        connection.execute(update(LOADED["worker"]).values(worker_status="Z"))
    broken = invoke("store", "check", "--format", "csv")
    assert broken.code == 1
    assert broken.out.splitlines()[1:] == ["hr,worker,3,1,1,NO"]
    assert broken.err.startswith("recon: not what was loaded: worker of hr. Restore the database")
    (shown,) = csv.DictReader(io.StringIO(invoke("sql", "run", "loads", "--format", "csv").out))
    assert (shown["verified_at"] > "2026", shown["is_intact"]) == (True, "0")


@pytest.mark.parametrize(
    ("query", "given", "reaches"),
    [
        ("as_of_worker", ("run=1",), False),
        ("as_of_worker", ("run=2",), True),
        ("as_of_worker", ("at=2026-01-01 00:00",), True),
        ("changes_worker", ("before=1", "after=3"), False),
        ("changes_worker", ("before=2", "after=3"), True),
        ("vanished", ("before=1", "after=3"), False),
        ("vanished", ("before=2", "after=3"), True),
        ("as_of_worker", ("run=0",), True),  # before the first load there was nothing
    ],
)
def test_a_moment_that_history_no_longer_reaches_is_said(folder, query, given, reaches):
    invoke("store", "prune")
    asked = invoke("sql", "run", query, *(f"--param={each}" for each in given), "--format", "csv")
    note = "note: the history of hr reaches back to load 2 only (2026-01-01 00:00 UTC); what was before is not shown\n"
    assert (asked.code, asked.err) == (0, "" if reaches else note)


def test_a_frame_warns_of_it(folder):
    invoke("store", "prune")
    with recon.open(folder / "recon.toml") as site:
        with pytest.warns(UserWarning, match="the history of hr reaches back to load 2 only"):
            assert site.frame("as_of_worker", run=1).empty
        assert list(site.frame("as_of_worker", run=2)["worker_status"]) == ["B"]


def test_as_of_from_the_command_line(folder):
    asked = invoke("sql", "run", "as_of_worker", "--param", "run=2", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(asked.out))
    assert (row["worker_status"], row["from_run"], row["to_run"]) == ("B", "2", "3")
    asked = invoke("sql", "run", "kept_loads", "--format", "csv")
    assert [row["run_id"] for row in csv.DictReader(io.StringIO(asked.out))] == ["3", "2", "1"]


def test_a_parameter_is_given_once(folder):
    asked = invoke("sql", "run", "as_of_worker", "--param", "run=1", "--param", "run=2")
    assert (asked.code, asked.out, asked.err) == (2, "", "recon: --param run is given twice\n")
