"""What HR and AD say by now decides at the write: nobody gets an address that was taken back or belongs to another."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from recon.backfill.build import build_plan
from recon.backfill.campaign import Choices, apply_plan, objections, preview_plan, undo_plan
from recon.backfill.plan import freeze
from recon.lab.sample import SampleCompany
from recon.store.tables import LOADED
from tests.backfill.conftest import SECRETS
from tests.backfill.make import header
from tests.backfill.rehearsal import SECRET, rehearse
from tests.backfill.test_traps import change_workers


@pytest.fixture
def campaign(everywhere):
    """The rehearsal with a plan of five people, whom Graph lets write."""
    everywhere.graph.service.directories[everywhere.tenant].privileged.clear()
    with everywhere.store() as store:
        return everywhere, build_plan(everywhere.config, store)


@pytest.fixture(scope="module")
def rehearsal_once(tmp_path_factory):
    """The loaded company, its servers gone, and one planned item: for what is decided by the tables alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SECRETS:
            patch.setenv(name, SECRET)
        with rehearse(SampleCompany(), tmp_path_factory.mktemp("loaded")) as running:
            running.load()
            with running.store() as store:
                return running, next(build_plan(running.config, store).items())


def test_what_hr_corrected_since_the_plan_is_not_written(campaign):
    rehearsal, plan = campaign
    first, second, withdrawn, renumbered, same = plan.items()
    mails = {first.worker_id: second.after[0], second.worker_id: first.after[0], withdrawn.worker_id: ""}
    mails[same.worker_id] = f" {same.after[0].upper()} "

    def correct(row):
        row["PersonalEmail"] = mails.get(row["WorkerID"], row["PersonalEmail"])
        if row["WorkerID"] == renumbered.worker_id:
            row["EmployeeID"] = "987654"

    change_workers(rehearsal, correct)
    codes = {item.worker_id: skip and skip.reason for item, skip in preview_plan(rehearsal.config, plan)}
    assert codes == {
        first.worker_id: "source_changed", second.worker_id: "source_changed", withdrawn.worker_id: "source_changed",
        renumbered.worker_id: "employee_id_changed", same.worker_id: None,
    }  # fmt: skip
    result = apply_plan(rehearsal.config, plan, Choices(after_canary="go"))
    assert result.reasons == {"source_changed": 3, "employee_id_changed": 1}
    assert [write.user_id for write in rehearsal.graph.writes] == [same.object_id]


def test_the_normaliser_of_employee_ids_is_the_configured_one(campaign):
    rehearsal, plan = campaign
    (one, *_) = plan.items()
    padded = freeze(rehearsal.folder / "plans", header(), [replace(one, employee_id=f"WD-00{one.employee_id}")])
    (item,) = padded.items()
    assert objections(rehearsal.config, padded)(item) == "employee_id_changed"
    ids = rehearsal.config.employee_id.model_copy(update={"strip_prefix": ("WD-",), "strip_leading_zeros": True})
    assert objections(rehearsal.config.model_copy(update={"employee_id": ids}), padded)(item) is None


NOW, OLD, OWN = "now@mail.example", "old@mail.example", "own@mail.example"


@pytest.mark.parametrize("source", ["worker.personal_mail", "ad_user.extensionattribute1"])
@pytest.mark.parametrize(
    ("mode", "before", "after", "value", "code"),
    [
        ("fill", (), (NOW,), NOW, None),
        ("fill", (), (OLD,), NOW, "source_changed"),
        ("merge", (OWN,), (NOW, OWN), NOW, None),
        ("merge", (OWN,), (OWN, OLD), NOW, "source_changed"),
        ("merge", (OWN,), (OWN, OLD), OWN, "source_changed"),  # what stood there already is no ground to add another
        ("owned", (OLD,), (), None, None),
        ("owned", (OLD,), (), NOW, "source_changed"),  # HR has one again
        ("owned", (OLD, NOW), (NOW,), NOW, None),
        ("owned", (OLD, NOW), (NOW,), OLD, "source_changed"),
        ("replace", (OWN,), (OLD,), None, "source_changed"),
        ("undo", (), (OLD,), NOW, None),
        ("undo", (OLD,), (), NOW, None),
    ],
)
def test_each_mode_by_each_source(tmp_path, rehearsal_once, source, mode, before, after, value, code):
    rehearsal, one = rehearsal_once
    name, column = source.split(".")
    table = LOADED[name]
    key = table.c.worker_id == one.worker_id if name == "worker" else table.c.guid == one.evidence["ad_guid"]
    with rehearsal.store() as store, store.write() as connection:
        connection.execute(update(table).where(key).values({column: value}))
    mappings = [{"attribute": "otherMails", "source": source, "mode": mode, "position": "last"}]
    changed = replace(one, mode=mode, before=before, after=after)
    plan = freeze(tmp_path / "plans", header(mappings=mappings), [changed])
    assert objections(rehearsal.config, plan)(changed) == code


def test_a_country_is_compared_as_it_would_be_written(tmp_path, rehearsal_once):
    rehearsal, one = rehearsal_once
    table = LOADED["worker"]
    mappings = [{"attribute": "usageLocation", "source": "worker.country_code"}]
    changed = replace(one, attribute="usageLocation", after=("GB",))
    plan = freeze(tmp_path / "plans", header(mappings=mappings), [changed])
    for value, code in (("UK", None), ("FR", "source_changed")):
        with rehearsal.store() as store, store.write() as connection:
            connection.execute(update(table).where(table.c.worker_id == one.worker_id).values(country_code=value))
        assert objections(rehearsal.config, plan)(changed) == code


def test_the_second_of_two_undos_leaves_what_was_set_since(campaign):
    rehearsal, plan = campaign
    first, *others = plan.items()
    apply_plan(rehearsal.config, plan, Choices(after_canary="go"))
    undos = []
    for _ in range(2):
        undos.append(undo_plan(rehearsal.config, plan))
    apply_plan(rehearsal.config, undos[0], Choices(after_canary="go"))
    rehearsal.graph.change_user(rehearsal.tenant, first.object_id, otherMails=list(first.after))
    result = apply_plan(rehearsal.config, undos[1], Choices(after_canary="go"))
    assert result.reasons == {"taken_back": 1, "already_present": len(others)}
    assert rehearsal.values([first.object_id]) == [list(first.after)]
