"""Approvals: who, when, under which change; bound to the plan, and never the planner's own."""

import os
import shutil
import stat

import pytest

from recon.backfill.approval import approve, check_approved, operating_system_user, read_approvals
from recon.config import Backfill
from recon.errors import PlanError, UsageError
from recon.lock import locked
from tests.backfill.make import plan_of

NOW = "2026-01-05 12:00:00.000000"
ONE, TWO = Backfill(approvals=1), Backfill(approvals=2)


def test_nobody_need_approve_by_default(tmp_path):
    check_approved(plan_of(tmp_path, 1), Backfill())


def test_two_other_people(tmp_path):
    plan = plan_of(tmp_path, 1)
    with pytest.raises(PlanError, match=f"plan {plan.short} has 0 of 1 approvals") as caught:
        check_approved(plan, ONE)
    assert caught.value.hint == f"somebody else: recon backfill approve {plan.short} --change NUMBER"
    given = approve(plan, change=" CHG0042 ", user="ada", now=NOW)
    assert (given.plan, given.user, given.change, given.at) == (plan.hash, "ada", "CHG0042", NOW)
    check_approved(plan, ONE)
    with pytest.raises(PlanError, match="has 1 of 2 approvals"):
        check_approved(plan, TWO)
    approve(plan, change="CHG0042", user="bo", now=NOW)
    check_approved(plan, TWO)
    assert [each.user for each in read_approvals(plan)] == ["ada", "bo"]


def test_the_planners_own_approval_does_not_count(tmp_path):
    plan = plan_of(tmp_path, 1)
    approve(plan, change="1", user="planner", now=NOW)
    with pytest.raises(PlanError, match=r"has 0 of 1 approvals \(planner made the plan: that approval does not count"):
        check_approved(plan, ONE)
    check_approved(plan, Backfill(approvals=1, approved_by_others=False))


@pytest.mark.parametrize("user", ["planner", "Planner", "PLANNER"])
def test_a_name_in_other_case_is_the_same_person(tmp_path, user):
    plan = plan_of(tmp_path, 1)
    approve(plan, change="1", user=user, now=NOW)
    with pytest.raises(PlanError, match=r"has 0 of 1 approvals \(planner made the plan"):
        check_approved(plan, ONE)
    with pytest.raises(UsageError, match="has approved plan"):
        approve(plan, change="1", user="pLANNER", now=NOW)


def test_two_approvals_at_once(tmp_path):
    plan = plan_of(tmp_path, 1)
    with (
        locked(plan.folder / ".approvals.lock", PlanError("held")),
        pytest.raises(PlanError, match="another approval is being written"),
    ):
        approve(plan, change="1", user="ada", now=NOW)
    approve(plan, change="1", user="ada", now=NOW)
    assert [each.user for each in read_approvals(plan)] == ["ada"]


def test_what_the_plan_froze_cannot_be_loosened(tmp_path):
    plan = plan_of(tmp_path, 1, approval={"approvals": 1, "approved_by_others": True})
    with pytest.raises(PlanError, match="has 0 of 1 approvals"):
        check_approved(plan, Backfill())
    approve(plan, change="1", user="planner", now=NOW)
    with pytest.raises(PlanError, match="does not count"):
        check_approved(plan, Backfill(approved_by_others=False))


def test_one_person_approves_once(tmp_path):
    plan = plan_of(tmp_path, 1)
    approve(plan, change="1", user="ada", now=NOW)
    with pytest.raises(UsageError, match=r"ada has approved plan .* already, at 2026-01-05 12:00:00 UTC"):
        approve(plan, change="2", user="ada", now=NOW)
    for bad in ("", "  ", "x" * 101, "a\nb"):
        with pytest.raises(UsageError, match="--change is the number of the change"):
            approve(plan, change=bad, user="bo", now=NOW)
    with pytest.raises(PlanError, match="expired at 2026-01-06 10:00:00 UTC"):
        approve(plan, change="1", user="bo", now="2026-01-07 00:00:00.000000")


def test_changed_approvals_are_refused(tmp_path):
    plan = plan_of(tmp_path, 1)
    approve(plan, change="CHG1", user="ada", now=NOW)
    approve(plan, change="CHG1", user="bo", now=NOW)
    file = plan.folder / "approvals.jsonl"
    whole = file.read_bytes()
    first, second = whole.splitlines(keepends=True)
    changes = [whole.replace(b'"ada"', b'"eve"'), second, second + first, first + first, b"{}\n", b"no\n", b"[]\n"]
    for changed in changes:
        file.write_bytes(changed)
        with pytest.raises(PlanError, match=r"approvals.jsonl was changed"):
            check_approved(plan, ONE)
    file.write_bytes(whole)
    check_approved(plan, TWO)
    other = plan_of(tmp_path, 2)
    shutil.copy(file, other.folder)  # another plan's approvals do not serve
    with pytest.raises(PlanError, match=r"approvals.jsonl was changed"):
        check_approved(other, ONE)


@pytest.mark.skipif(os.name != "posix", reason="file modes and user ids are POSIX")
def test_the_account_is_the_operating_systems(tmp_path, monkeypatch):
    plan = plan_of(tmp_path, 1)
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert approve(plan, change="1", now=NOW).user == operating_system_user() != "somebody-else"
    assert stat.S_IMODE((plan.folder / "approvals.jsonl").stat().st_mode) == 0o600
