"""A named campaign from plan to verification, and the watch list: who waits, for how long."""

import json
import re

import pytest
from sqlalchemy import select, update

from recon.backfill.approval import approve
from recon.backfill.campaign import Choices
from recon.backfill.journal import read_journal
from recon.backfill.plan import load_plan, plan_folders
from recon.backfill.scheduled import run_campaign
from recon.catalog import read_catalog
from recon.config import load_config
from recon.decode.times import utc_now_text
from recon.lab.sample import SampleCompany
from recon.queries import query
from recon.store.tables import LOADED, load_run_table
from tests.support.estate import Estate

CAMPAIGN = """
[campaign.nightly]
scope = "hybrid"
max_share = 1.0
"""


@pytest.fixture
def nightly(recon):
    """The command line with [campaign.nightly]; `configure` adds to recon.toml."""
    file = recon.rehearsal.folder / "recon.toml"
    file.write_text(file.read_text(encoding="utf-8") + CAMPAIGN, encoding="utf-8")

    def configure(text):
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

    recon.configure = configure
    recon.plans = lambda: [load_plan(recon.rehearsal.folder / "plans", folder.name) for folder in
                           plan_folders(recon.rehearsal.folder / "plans")]  # fmt: skip
    return recon


def steps(out):
    return {(row["step"], row["outcome"]): row["people"] for row in json.loads(out)}


def test_from_plan_to_verification(nightly):
    code, out, err = nightly("run", "nightly", "--format", "json")
    assert code == 0
    assert steps(out)["plan", "item"] == 5
    assert nightly.rehearsal.graph.writes == []
    assert "nothing was written; recon backfill run nightly --commit writes" in err

    code, out, err = nightly("run", "nightly", "--commit", "--format", "json")
    assert code == 0, err
    found = steps(out)
    assert (found["apply", "done"], found["apply", "left"], found["verify", "consistent"]) == (5, 0, 5)
    assert len(nightly.rehearsal.graph.writes) == 5
    assert {plan.header["campaign"] for plan in nightly.plans()} == {"nightly"}

    # the next run plans anew; by stale loads it finds the values there when it reads them
    code, out, err = nightly("run", "nightly", "--commit", "--format", "json")
    assert (code, steps(out)["apply", "not written: already_present"]) == (0, 5)
    nightly.rehearsal.load_entra()
    code, out, err = nightly("run", "nightly", "--commit", "--format", "json")
    assert (code, steps(out)["plan", "item"]) == (0, 0)
    assert "nothing to write" in err
    assert len(nightly.rehearsal.graph.writes) == 5


def test_a_plan_on_a_load_found_broken_is_left_for_a_new_one(nightly):
    nightly.configure("")
    file = nightly.rehearsal.folder / "recon.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("canary", "approvals = 1\ncanary"), encoding="utf-8")
    assert nightly("run", "nightly", "--commit")[0] == 4
    (plan,) = nightly.plans()
    with nightly.rehearsal.store() as store, store.write() as connection:
        broken = update(load_run_table).where(load_run_table.c.table_name == "entra_user")
        connection.execute(broken.values(is_intact=0, verified_at=utc_now_text()))
    code, _, err = nightly("run", "nightly", "--commit")  # no other plan is made of it
    assert (code, [each.hash for each in nightly.plans()]) == (1, [plan.hash])
    nightly.rehearsal.load_entra()
    code, _, err = nightly("run", "nightly", "--commit")
    assert (code, len(nightly.plans())) == (4, 2)
    assert f"plan {plan.short} stands on " in err
    assert "it is left unfinished" in err


@pytest.fixture
def begun(nightly):
    """The campaign's plan after its canary: 2 of 5 written."""
    config = load_config(nightly.rehearsal.folder / "recon.toml")
    with nightly.rehearsal.store() as store:
        run_campaign(config, store, "nightly", commit=True, choices=Choices(after_canary="stop"))
    (plan,) = nightly.plans()
    assert len(nightly.rehearsal.graph.writes) == 2
    return plan


def test_a_plan_that_was_taken_back_does_not_go_on(nightly, begun):
    assert nightly("undo", begun.short)[0] == 0
    (undo,) = (plan for plan in nightly.plans() if plan.header["kind"] == "undo")
    assert nightly("apply", begun.short)[0] == 0  # the undo has not begun
    assert nightly("apply", undo.short, "--commit")[0] == 0
    for arguments in (["apply", begun.short], ["apply", begun.short, "--commit"]):
        code, _, err = nightly(*arguments)
        assert code == 1
        assert f"plan {begun.short} was taken back by plan {undo.short}" in err
    assert len(nightly.rehearsal.graph.writes) == 4
    code, _, err = nightly("run", "nightly", "--commit")
    assert code == 0
    assert f"plan {begun.short} was taken back by plan {undo.short}; it is left unfinished" in err
    assert len(nightly.plans()) == 3


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ('"Contoso Corp"', '"Nobody"', "its scope"),
        ('["Backfill deny list"]', "[]", "the denied groups"),
        ('[campaign.nightly]\n', '[campaign.nightly]\nmapping = {attribute = "otherMails", mode = "merge"}\n',
         "the mappings"),
    ],
)  # fmt: skip
def test_a_plan_for_other_settings_does_not_go_on(nightly, begun, before, after, what):
    file = nightly.rehearsal.folder / "recon.toml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    err = nightly("run", "nightly", "--commit")[2]
    assert f"plan {begun.short} was made before {what} changed in recon.toml; it is left unfinished" in err
    assert len(nightly.plans()) == 2
    assert len(read_journal(begun.journal_file).outcomes) == 2


def test_a_plan_for_the_same_settings_goes_on(nightly, begun):
    code, _, err = nightly("run", "nightly", "--commit")
    assert code == 0
    assert f"going on with plan {begun.short}" in err
    assert [plan.hash for plan in nightly.plans()] == [begun.hash]


def test_a_plan_waits_for_approval_and_is_carried_out_then(nightly):
    nightly.configure("")
    file = nightly.rehearsal.folder / "recon.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("canary", "approvals = 1\ncanary"), encoding="utf-8")
    code, _, err = nightly("run", "nightly", "--commit")
    assert code == 4
    assert "nothing was written: plan " in err
    assert "has 0 of 1 approvals" in err
    (plan,) = nightly.plans()
    code, _, err = nightly("run", "nightly", "--commit")  # the same plan still waits
    assert (code, [each.hash for each in nightly.plans()]) == (4, [plan.hash])
    approve(plan, change="CHG1", user="somebody-else")
    code, out, err = nightly("run", "nightly", "--commit", "--format", "json")
    assert (code, steps(out)["apply", "done"]) == (0, 5)
    assert f"going on with plan {plan.short}" in err


def test_thresholds_refusals_and_drift_are_told_apart(nightly):
    nightly.configure("max_items = 4\n")
    code, out, err = nightly("run", "nightly", "--commit")
    assert (code, out) == (1, "")
    assert "has 5 items, over max_items 4" in err.splitlines()[-1]
    assert nightly.rehearsal.graph.writes == []
    code, _, err = nightly("run", "weekly")
    assert (code, err) == (2, "recon: there is no [campaign.weekly] in recon.toml. Defined: nightly.\n")


def test_a_refused_item_ends_with_4(nightly):
    nightly("run", "nightly")
    (plan,) = nightly.plans()
    nightly.rehearsal.graph.make_privileged(nightly.rehearsal.tenant, list(plan.items())[4].object_id)
    code, out, err = nightly("run", "nightly", "--commit", "--format", "json")
    assert code == 4
    assert steps(out)["apply", "not written: privileged"] == 1
    assert "1 items were refused or failed" in err


def test_several_attributes_and_new_accounts(nightly):
    user = LOADED["entra_user"]
    joerg = SampleCompany().person("Jörg Müller").workers[0].worker_id
    with nightly.rehearsal.store() as store, store.write() as connection:
        connection.execute(
            update(user).where(user.c.employeeid_key == joerg).values(createddatetime="2090-01-01 00:00:00.000000")
        )
    nightly.configure(
        '[[campaign.nightly.mapping]]\nattribute = "otherMails"\nmode = "merge"\n'
        '[[campaign.nightly.mapping]]\nattribute = "usageLocation"\n'
    )
    code, out, err = nightly("run", "nightly", "--format", "json")
    found = steps(out)
    assert code == 0
    # merge takes those in whom another value stands, too
    assert found["plan", "otherMails: item"] == 5
    assert found["plan", "otherMails: too_new"] == 1
    assert found["plan", "usageLocation: item"] == 1
    sums = re.findall(r"(\d+) to write \+ (\d+) with a reason = (\d+) in scope", err)
    assert [int(a) + int(b) == int(c) for a, b, c in sums] == [True, True]
    assert sums[0][2] == sums[1][2]
    (plan,) = nightly.plans()
    assert [item.attribute for item in plan.items()] == ["otherMails"] * 5 + ["usageLocation"]


def test_watch(nightly):
    code, out, _ = nightly("watch", "nightly", "--format", "json")
    found = {row["stage"]: row for row in json.loads(out)}
    assert list(found) == ["hr", "ad", "entra"]
    assert code == 3  # accounts made long ago still lack otherMails
    assert found["entra"]["people"] >= 5
    code, out, _ = nightly("watch", "nightly", "--who", "--format", "json")
    people = json.loads(out)
    assert code == 0
    assert len(people) == sum(row["people"] for row in found.values())
    named = {row["worker_id"]: row["stage"] for row in people}
    assert named[SampleCompany().person("Jörg Müller").workers[0].worker_id] == "entra"
    assert named[SampleCompany().person("Emre Şahin").workers[0].worker_id] == "ad"
    assert named[SampleCompany().person("Begoña Ibáñez").workers[0].worker_id] == "hr"
    assert SampleCompany().person("Alice Ashworth").workers[0].worker_id not in named
    nightly.configure("alarm_hr_hours = 1e9\nalarm_ad_hours = 1e9\nalarm_entra_hours = 1e9\n")
    assert nightly("watch", "nightly")[0] == 0


def test_the_watch_list_row_by_row(store):
    estate = Estate(store)
    for worker_id in ("1", "2", "3", "4", "5", "6", "7", "8"):
        estate.worker(worker_id)
    estate.worker("9", hire_date="2026-12-01")  # starts later
    estate.worker("10", termination_date="2026-01-01")
    estate.worker("11", is_active=0)
    estate.ad(employeeid="2", whencreated="2026-02-01 08:00:00.000000")
    estate.ad(employeeid="3")
    estate.entra(employeeid="3", mails=(), createddatetime="2026-03-01 08:00:00.000000")
    estate.entra(employeeid="4", mails=("a@x.example",))
    estate.ad(employeeid="5")
    estate.ad(employeeid="5")  # two accounts: whose?
    estate.entra(employeeid="6", mails=None)  # the answer did not contain otherMails
    estate.entra(employeeid="7", mails=(), createddatetime=None)
    estate.entra(employeeid="8", mails=(), usertype="Guest", is_guest=1)
    estate.refresh()
    answer = query(store, read_catalog().statement("watch_list", "queries"), {})
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    found = {row["worker_id"]: (row["stage"], row["since_at"] and str(row["since_at"])[:16]) for row in rows}
    assert found == {
        "1": ("hr", None),
        "2": ("ad", "2026-02-01 08:00"),
        "3": ("entra", "2026-03-01 08:00"),
        "7": ("entra", None),
        "8": ("hr", None),
    }
    assert {str(row["as_of"])[:10] for row in rows} == {"2026-03-02"}
    with store.read() as connection:
        assert connection.scalar(select(LOADED["worker"].c.row_id).limit(1))
