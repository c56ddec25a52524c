"""The page for approval in a real browser, and the CSV beside it: complete, masked, hostile values stay text."""

import csv
import os
import stat

import pytest

from recon.backfill.approval import approve
from recon.backfill.items import Reason
from recon.backfill.page import duration, write_page
from recon.backfill.plan import freeze
from recon.errors import PlanError
from tests.backfill.make import header, item, plan_of

HOSTILE = "<script>document.title='x'</script><img src=x onerror=alert(1)>"


def hostile_plan(folder):
    scope = {"name": "hybrid", "groups": [[{"column": "company", "op": "EQUALS", "value": HOSTILE}]]}
    items = [
        item(0, upn=HOSTILE, worker_id="=cmd()", after=("jo.doe@example.net",)),
        item(1, before=("a.b@old.example",)),
    ]
    reasons = [Reason("no_match", HOSTILE, "hr", f"W{number}", "9", attribute="otherMails") for number in range(12)] + [
        Reason("shared_mail", "jo.doe@example.net belongs to two\x1b[31m", "hr", "W99", "99", attribute="otherMails")
    ]
    sources = [
        {"name": HOSTILE, "kind": "workers", "load_run": 3, "read": "full", "fingerprints": {"worker": "ab" * 16}}
    ]
    return freeze(folder / "plans", header(scope=scope, sources=sources, campaign=HOSTILE), [*items, *reasons])


@pytest.mark.browser
def test_the_page_shows_the_sum_and_hostile_values_as_text(page, tmp_path):
    plan = hostile_plan(tmp_path)
    approve(plan, change=HOSTILE, user="ada", now="2026-01-05 12:00:00.000000")
    path = write_page(plan)
    assert path == plan.folder / "plan.html"
    page.goto(path.as_uri())
    assert page.title() == f"Backfill plan {plan.short}"
    assert page.inner_text("#sum-1 caption") == "otherMails: 2 to write + 13 with a reason = 15 in scope"
    assert page.locator("img").count() == 0
    assert page.locator("#items tbody tr").count() == 2
    assert HOSTILE in page.inner_text("#items")
    assert HOSTILE in page.inner_text("#approvals")
    page.click("#sum-1 summary:has-text('no_match')")
    rows = page.locator("#sum-1 details[open] tbody tr")
    assert rows.count() == 10
    assert HOSTILE in rows.first.inner_text()


def test_addresses_are_masked_unless_asked_for_and_then_elsewhere(tmp_path):
    plan = hostile_plan(tmp_path)
    write_page(plan)
    for name in ("plan.html", "items.csv", "reasons.csv"):
        text = (plan.folder / name).read_text(encoding="utf-8")
        assert "jo.doe@example.net" not in text
        assert "a.b@old.example" not in text
        assert "\x1b" not in text
    with pytest.raises(PlanError, match="plain addresses are not kept beside the plan"):
        write_page(plan, unmask=True)
    other = tmp_path / "out"
    text = write_page(plan, other, unmask=True).read_text(encoding="utf-8")
    assert "jo.doe@example.net" in text
    assert "personal addresses are shown in full" in text
    assert sorted(entry.name for entry in other.iterdir()) == ["items.csv", "plan.html", "reasons.csv"]


def test_every_row_is_in_the_csv_and_none_is_a_formula(tmp_path):
    plan = hostile_plan(tmp_path)
    write_page(plan)
    with (plan.folder / "items.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["worker_id"] for row in rows] == ["'=cmd()", "W1"]
    assert [row["after"] for row in rows] == ["j***@e***.net", "u***@m***.example"]
    with (plan.folder / "reasons.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 13


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_only_the_owner_reads_it(tmp_path):
    plan = plan_of(tmp_path, 3)
    write_page(plan)
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in plan.folder.iterdir()} == {0o600}


def test_a_long_plan_shows_its_beginning(tmp_path):
    plan = plan_of(tmp_path, 501)
    text = write_page(plan).read_text(encoding="utf-8")
    assert "The first 500 of 501; all of them are in items.csv." in text
    assert "predicted at 50% of the published quota" in text


def test_duration():
    assert [duration(seconds) for seconds in (0, 59, 60, 2000, 4000, 7500)] == [
        "0 s", "59 s", "1 min", "33 min", "1 h 07 min", "2 h 05 min",
    ]  # fmt: skip
