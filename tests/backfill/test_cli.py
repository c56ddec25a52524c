"""The verb as a person types it: streams, exit codes, next steps; and kill -9 in the middle."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from recon.backfill.build import build_plan
from recon.backfill.journal import read_journal
from recon.backfill.plan import load_plan
from recon.cli.main import run
from recon.errors import PlanError
from recon.lab.generator import GeneratedCompany
from recon.lab.graph.faults import parse_fault
from recon.lab.sample import SampleCompany
from recon.lock import locked
from tests.backfill.rehearsal import rehearse


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def test_the_whole_way(recon):
    code, out, err = recon("plan", "--format", "csv")
    assert code == 0
    table = dict(rows(out)[1:])
    assert table["item"] == "5"
    reasons = sum(int(count) for name, count in table.items() if name not in ("item", "in scope", "out of scope"))
    assert int(table["item"]) + reasons == int(table["in scope"])
    plan = load_plan(recon.rehearsal.folder / "plans", "latest")
    assert f"plan {plan.hash}" in err
    assert err.rstrip().endswith(f"next: recon backfill show {plan.short}, then recon backfill apply {plan.short}")
    assert f"to be approved: {plan.folder / 'plan.html'}" in err
    assert {"plan.html", "items.csv", "reasons.csv"} <= {entry.name for entry in plan.folder.iterdir()}
    assert recon("show", plan.short, "--page", "--unmask")[0] == 1  # plain addresses are not kept beside the plan
    assert recon("show", plan.short, "--page", "--unmask", "--out", str(plan.folder.parent.parent / "out"))[0] == 0

    code, out, err = recon("show", plan.short, "--format", "json")
    shown = json.loads(out)
    assert code == 0
    assert len(shown) == 5
    assert "***@" in shown[0]["after"]
    assert [each["prehire"] for each in shown].count("yes") == 1
    unmasked = json.loads(recon("show", "--unmask", "--format", "json")[1])
    assert unmasked[0]["after"] == next(plan.items()).after[0]
    assert unmasked[0]["after"] not in out

    code, out, _ = recon("show", "latest", "--reasons", "--format", "json")
    assert Counter(each["reason"] for each in json.loads(out)) == plan.header["reasons"]

    code, out, err = recon("apply", "latest", "--format", "csv")
    assert (code, rows(out)) == (0, [["decision", "items"], ["would be written", "5"]])
    assert "nothing was written" in err
    assert err.rstrip().endswith(f"next: recon backfill apply {plan.short} --commit")
    assert recon("apply", "latest", "--offline", "--format", "csv")[1] == "decision,items\nin the plan,5\n"
    assert recon.rehearsal.graph.writes == []

    code, out, err = recon("apply", plan.short, "--commit", "--format", "csv")
    assert (code, rows(out)) == (0, [["outcome", "reason", "items"], ["done", "", "5"], ["left", "", "0"]])
    assert "between sending a re-read and the answer to its write: median " in err
    assert len(recon.rehearsal.graph.writes) == 5

    code, out, err = recon("status", plan.short, "--format", "csv")
    assert (code, rows(out)[1:]) == (0, [["done", "written", "5"], ["open", "", "0"]])
    assert f"complete; recon backfill undo {plan.short} takes it back" in err

    code, out, err = recon("undo", plan.short, "--format", "csv")
    assert (code, dict(rows(out)[1:])) == (0, {"item": "5", "in scope": "5", "out of scope": "0"})
    listed = json.loads(recon("status", "--format", "json")[1])
    undo = next(each for each in listed if each["kind"] == "undo")
    assert (undo["items"], undo["open"]) == (5, 5)
    assert recon("apply", undo["plan"], "--commit")[0] == 0
    assert recon.rehearsal.values([item.object_id for item in plan.items()]) == [[]] * 5


def test_exit_codes_and_lines(recon):
    text = (recon.rehearsal.folder / "recon.toml").read_text(encoding="utf-8")
    (recon.rehearsal.folder / "none.toml").write_text(text.replace('scope = "hybrid"\n', ""), encoding="utf-8")
    code, out, err = recon("plan", config="none.toml")
    assert (code, out) == (2, "")
    assert err.startswith("recon: no scope: without a filter every worker would be written")
    assert len(err.splitlines()) == 1
    for arguments, expected, said in (
        (("show",), 2, "there is no plan in"),
        (("plan", "--scope", "cloud"), 2, "there is no [scope.cloud]"),
        (("plan", "--attribute", "mail"), 2, "mail may not be written"),
    ):
        code, out, err = recon(*arguments)
        assert (code, out, len(err.splitlines())) == (expected, "", 1)
        assert said in err
    recon("plan")
    for verb in ("apply", "undo"):  # what writes, or prepares it, is told which plan
        assert recon(verb)[0] == 2
    code, out, err = recon("show", "../x")
    assert (code, out) == (2, "")
    code, _, err = recon("apply", "latest", "--commit", "--allow-items", "7")
    assert (code, len(err.splitlines())) == (1, 3)
    assert "--allow-items 7 does not name the plan's number of items, 5" in err


def test_a_plan_that_nobody_else_approved_is_not_written(recon):
    text = (recon.rehearsal.folder / "recon.toml").read_text(encoding="utf-8")
    (recon.rehearsal.folder / "two.toml").write_text(text.replace("canary", "approvals = 1\ncanary"), encoding="utf-8")
    recon("plan", config="two.toml")
    code, out, err = recon("approve", "latest", "--change", "CHG0042", "--format", "json", config="two.toml")
    assert (code, json.loads(out)[0]["change"]) == (0, "CHG0042")
    assert "made the plan: that approval does not count" in err
    code, out, err = recon("apply", "latest", "--commit", config="two.toml")
    assert (code, out) == (1, "")
    assert "has 0 of 1 approvals" in err.splitlines()[-1]
    assert recon.rehearsal.graph.writes == []
    assert recon("apply", "latest", config="two.toml")[0] == 0  # showing needs no approval
    assert recon("approve", "latest")[0] == 2


def one_line(recon, *arguments, said, code=1, config="recon.toml"):
    """The command ends so, with one clear line of error, and nothing was written."""
    writes = len(recon.rehearsal.graph.writes)
    ended, _, err = recon(*arguments, config=config)
    lines = [line for line in err.splitlines() if line.startswith("recon: ")]
    assert (ended, len(lines)) == (code, 1), err
    assert said in lines[0]
    assert len(recon.rehearsal.graph.writes) == writes


def test_what_must_not_be_applied_says_so_in_one_line(recon, monkeypatch):
    recon("plan")
    folder = recon.rehearsal.folder
    plan = load_plan(folder / "plans", "latest")
    commit = ("apply", plan.short, "--commit")
    text = (folder / "recon.toml").read_text(encoding="utf-8")
    other = text.replace(recon.rehearsal.tenant, "5f1c0ffe-0000-4000-8000-000000000bad")
    (folder / "other.toml").write_text(other, encoding="utf-8")
    one_line(recon, *commit, said="is for tenant", config="other.toml")
    with recon.rehearsal.store() as store, monkeypatch.context() as context:
        context.setattr("recon.backfill.sources.CLOCK_MINUTES", 10_000_000)  # the loads are younger than this plan
        expired = build_plan(recon.rehearsal.config, store, now="2026-01-05 10:00:00.000000")
    one_line(recon, "apply", expired.short, "--commit", said="expired at 2026-01-06 10:00:00 UTC")
    (folder / "approved.toml").write_text(text + "\napprovals = 1\n", encoding="utf-8")
    one_line(recon, *commit, said="approv", config="approved.toml")
    recon("approve", plan.short, "--change", "CHG1", config="approved.toml")  # the planner alone
    one_line(recon, *commit, said="approv", config="approved.toml")
    with locked(folder / "plans" / f".apply-{recon.rehearsal.tenant.lower()}.lock", PlanError("held")):
        one_line(recon, *commit, said="another apply is under way in this folder")
    plan.journal_file.mkdir()  # stands for a journal that cannot be opened for writing, which root always may
    one_line(recon, *commit, said="cannot be")
    plan.journal_file.rmdir()
    assert recon(*commit)[0] == 0
    code, out, err = recon(*commit, "--format", "csv")  # a second time
    assert (code, rows(out)[1:]) == (0, [["done", "", "0"], ["left", "", "0"]])
    assert "the plan was carried out before: nothing was left to write" in err
    assert len(recon.rehearsal.graph.writes) == 5
    items = plan.folder / "items.jsonl"
    items.write_bytes(items.read_bytes().replace(b"example", b"exbmple", 1))
    one_line(recon, *commit, said="was changed after it was made: its hash does not fit")


def test_a_refused_item_ends_with_4(recon):
    recon("plan")
    plan = load_plan(recon.rehearsal.folder / "plans", "latest")
    recon.rehearsal.graph.make_privileged(recon.rehearsal.tenant, list(plan.items())[4].object_id)
    code, out, err = recon("apply", "latest", "--commit", "--format", "csv")
    assert code == 4
    assert ["not written", "privileged", "1"] in rows(out)
    assert err.splitlines()[-1].startswith("recon: 1 items were refused or failed")


def test_a_failed_canary_ends_with_1(recon):
    recon("plan")
    plan = load_plan(recon.rehearsal.folder / "plans", "latest")
    for item in plan.items():
        recon.rehearsal.graph.make_privileged(recon.rehearsal.tenant, item.object_id)
    code, _, err = recon("apply", "latest", "--commit")
    assert code == 1
    assert "stopped: an item of the canary was not written (privileged: 403 " in err
    assert f"recon backfill apply {plan.short} --commit goes on" in err


COMMAND = [sys.executable, "-m", "recon"]


def started(folder, *arguments):
    return subprocess.Popen(
        [*COMMAND, "--config", str(folder / "recon.toml"), "backfill", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def campaign(tmp_path, secrets):
    """A company with 40 items or more, planned; its tenant answers slowly enough to be killed in the middle."""
    with rehearse(GeneratedCompany(2000, seed=11), tmp_path, canary=0, latency=0.04) as running:
        running.load()
        running.graph.service.directories[running.tenant].privileged.clear()
        made = started(tmp_path, "plan")
        _, err = made.communicate(timeout=60)
        assert made.returncode == 0, err
        yield running, load_plan(tmp_path / "plans", "latest")


@pytest.mark.slow
def test_kill_9_and_go_on(campaign):
    running, plan = campaign
    assert plan.item_count >= 40
    for number, after in enumerate((0.0, 0.02, 0.05, 0.09)):
        process = started(running.folder, "apply", plan.short, "--commit")
        asked = len(running.graph.requests)
        while len(running.graph.requests) < asked + 1 + number % 2 and process.poll() is None:
            time.sleep(0.002)
        time.sleep(after)
        process.kill()
        process.communicate()
    last = started(running.folder, "apply", plan.short, "--commit")
    _, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    state = read_journal(plan.journal_file)
    assert (Counter(state.outcomes.values()), state.intents) == ({"done": plan.item_count}, {})
    expected = Counter(item.object_id for item in plan.items())
    assert Counter(write.user_id for write in running.graph.writes if write.before != write.after) == expected
    assert running.values(list(expected)) == [list(item.after) for item in plan.items()]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_finishes_what_is_in_flight(campaign):
    running, plan = campaign
    process = started(running.folder, "apply", plan.short, "--commit")
    while not running.graph.writes and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    state = read_journal(plan.journal_file)
    assert state.intents == {}
    assert len(state.outcomes) == len(running.graph.writes) < plan.item_count
    assert f"recon backfill apply {plan.short} --commit goes on from there" in err
    assert "stopping: what is in flight ends first" in err


def test_a_lost_answer_ends_well(recon):
    recon("plan")
    asked = len(recon.rehearsal.graph.requests)
    recon.rehearsal.graph.add_fault(parse_fault(f"reset-after@{asked + 2}"))
    code, out, err = recon("apply", "latest", "--commit", "--format", "csv")
    assert code == 0, err
    assert rows(out)[1] == ["done", "", "5"]
    assert len(recon.rehearsal.graph.writes) == 5


def test_the_sample_company_has_people_to_fill():
    assert sum(person.defect == "othermails_missing" for person in SampleCompany().people()) == 3


def test_scope_check(recon, capsys):
    folder = recon.rehearsal.folder
    text = (folder / "recon.toml").read_text(encoding="utf-8")
    more = '\n[scope.gmbh]\ngroups = [\'company MEMBER_OF ("Contoso GmbH", "contoso llc")\']\n'
    (folder / "two.toml").write_text(text + more, encoding="utf-8")

    def scope(*arguments, config="recon.toml"):
        with pytest.raises(SystemExit) as ended:
            run(["--config", str(folder / config), "scope", *arguments])
        streams = capsys.readouterr()
        return ended.value.code, streams.out, streams.err

    code, out, err = scope("check", "--format", "json")
    assert code == 0
    assert {each["result"] for each in json.loads(out)} == {"selects", "in_two", "in_none"}
    code, out, err = scope("check", "--format", "json", config="two.toml")
    found = {each["result"]: each for each in json.loads(out)}
    assert code == 3
    assert found["overlap"]["detail"] == "such as company 'Contoso GmbH', worker_type 'Employee'"
    assert found["overlap"]["people"] == found["in_two"]["people"] > 0
    assert "company: 'contoso llc' is not 'Contoso LLC', which the data has" in {
        each["detail"] for each in json.loads(out) if each["result"] == "near_literal"
    }
    assert "[scope.gmbh] MEMBER_OF became one group per value, as the service has no such operator: 2 groups" in err
    code, out, _ = scope("check", "--who", "--format", "json", config="two.toml")
    assert code == 0
    assert {each["scopes"] for each in json.loads(out)} == {"", "hybrid, gmbh"}
    # nobody of two scopes is planned
    recon("plan", config="two.toml")
    plan = load_plan(folder / "plans", "latest")
    assert plan.header["reasons"]["in_two_scopes"] == found["in_two"]["people"]
    assert {each.detail for each in plan.reasons() if each.code == "in_two_scopes"} == {"also in scope gmbh"}

    code, out, _ = scope("show", "gmbh", config="two.toml")
    assert [group["name"] for group in json.loads(out)["groups"]] == ["gmbh-1", "gmbh-2"]
    code, out, _ = scope("show", "gmbh", "--as", "sql", config="two.toml")
    assert (code, out.startswith("SELECT worker.worker_id")) == (0, True)
    code, out, err = scope("check", "hibrid")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
