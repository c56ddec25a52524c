"""The whole way against the Graph simulator: plan, dry run, commit, the second run, undo; faults; missing rights."""

from collections import Counter

import pytest

from recon.backfill.build import build_plan
from recon.backfill.campaign import Choices, apply_plan, check, preview_plan, undo_plan
from recon.backfill.journal import read_entries, read_journal
from recon.backfill.pacing import Quota
from recon.backfill.plan import load_plan
from recon.backfill.stops import Limits
from recon.config import load_config
from recon.errors import PlanError, SignInError
from recon.lab.generator import GeneratedCompany
from recon.lab.graph.faults import Fault, parse_fault
from recon.lab.graph.throttle import Limits as GraphLimits
from recon.lock import locked
from tests.backfill.rehearsal import rehearse


def planned(rehearsal, **options):
    """A plan of the default scope; nobody holds a directory role, so that the canary passes."""
    rehearsal.graph.service.directories[rehearsal.tenant].privileged.clear()
    with rehearsal.store() as store:
        return build_plan(rehearsal.config, store, **options)


def ids(plan):
    return [item.object_id for item in plan.items()]


def written(rehearsal):
    """Object ids of the writes that the tenant accepted."""
    return [write.user_id for write in rehearsal.graph.writes]


def test_plan_commit_second_run_and_undo(rehearsal):
    plan = planned(rehearsal)
    assert [skip for _, skip in preview_plan(rehearsal.config, plan)] == [None] * 5
    assert rehearsal.graph.writes == []
    result = apply_plan(rehearsal.config, plan)
    assert (result.counts, result.left, result.stopped) == ({"done": 5}, 0, None)
    assert rehearsal.values(ids(plan)) == [list(item.after) for item in plan.items()]
    assert Counter(written(rehearsal)) == Counter(ids(plan))
    assert result.window_text is not None
    rehearsal.load_entra()
    second = planned(rehearsal)
    assert second.item_count == 0
    assert second.header["reasons"]["already_present"] == plan.header["reasons"]["already_present"] + 5
    assert apply_plan(rehearsal.config, plan).counts == {}
    undo = undo_plan(rehearsal.config, plan)
    assert apply_plan(rehearsal.config, undo).counts == {"done": 5}
    assert rehearsal.values(ids(plan)) == [[]] * 5
    redo = undo_plan(rehearsal.config, undo)
    assert apply_plan(rehearsal.config, redo).counts == {"done": 5}
    assert rehearsal.values(ids(plan)) == [list(item.after) for item in plan.items()]


def test_the_journal_is_what_the_tenant_accepted(rehearsal):
    plan = planned(rehearsal)
    apply_plan(rehearsal.config, plan)
    intents = [entry for entry in read_entries(plan.journal_file) if entry["type"] == "intent"]
    assert [(each["object_id"], each["before"], each["after"], each["client_request_id"]) for each in intents] == [
        (write.user_id, write.before, write.after, write.client_request_id) for write in rehearsal.graph.writes
    ]
    outcomes = [entry for entry in read_entries(plan.journal_file) if entry["type"] == "outcome"]
    assert [each["request_id"] for each in outcomes] == [write.request_id for write in rehearsal.graph.writes]


def test_what_changed_since_the_plan_is_left_alone(rehearsal):
    plan = planned(rehearsal)
    first, second, third, fourth, fifth = ids(plan)
    change = rehearsal.graph.change_user
    change(rehearsal.tenant, first, otherMails=["own@choice.example"])
    change(rehearsal.tenant, second, employeeId="99999")
    change(rehearsal.tenant, third, onPremisesImmutableId="AAAAAAAAAAAAAAAAAAAAAA==")
    rehearsal.graph.remove_user(rehearsal.tenant, fourth)
    result = apply_plan(rehearsal.config, plan)
    assert result.reasons == {"value_changed": 1, "employee_id_changed": 1, "anchor_changed": 1, "deleted": 1}
    assert written(rehearsal) == [fifth]


FAULTS = [
    "503@/users/x5", "503:0.01@/users/x2", "504-after@/users/x4", "409@/users/x3", "429-decimal:0.01@/users/x6",
    "429-none@/users/x2", "reset@{next}", "reset-after@{write}", "truncated@{next}", "truncated@{write}",
    "503-mid@{write}", "504-after@{write}", "424@{write}", "429:0.01@{write}", "reset@{write}",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_neither_lose_nor_double_a_write(rehearsal, fault):
    plan = planned(rehearsal)
    asked = len(rehearsal.graph.requests)
    rehearsal.graph.add_fault(parse_fault(fault.format(next=asked + 1, write=asked + 2)))
    for _ in range(4):
        result = quick(rehearsal, plan)
        if not result.left:
            break
    assert (result.left, read_journal(plan.journal_file).intents) == (0, {})
    assert set(read_journal(plan.journal_file).outcomes.values()) == {"done"}
    assert Counter(written(rehearsal)) == Counter(ids(plan))  # the simulator records only what changes something


def quick(rehearsal, plan, **quota):
    """apply_plan with waits that a test can afford."""
    limits = Limits(canary=0, max_failure_share=1.0, tries=8, first_wait=0.02, longest_wait=0.1, settle=0.05)
    return apply_plan(rehearsal.config, plan, limits=limits, quota=Quota(**quota))


def test_a_privileged_person_is_that_persons_own_reason(rehearsal):
    plan = planned(rehearsal)
    rehearsal.graph.make_privileged(rehearsal.tenant, ids(plan)[0])
    result = apply_plan(rehearsal.config, plan)
    assert (result.counts, result.stopped, result.left) == ({"done": 4, "failed": 1}, None, 0)
    assert read_journal(plan.journal_file).reasons == {("done", "written"): 4, ("failed", "privileged"): 1}
    assert apply_plan(rehearsal.config, plan).counts == {}
    assert written(rehearsal) == ids(plan)[1:]


def test_each_application_has_only_its_own_rights(rehearsal):
    plan = planned(rehearsal)
    source = check(rehearsal.config, plan)
    swapped = source.model_copy(update={"client_id": "writer", "writer_client_id": "reader"})
    config = rehearsal.config.model_copy(update={"entra": (swapped,)})
    result = apply_plan(config, plan)
    # the writer reads no employeeId, no anchor: absent is not empty
    assert result.stopped is not None
    assert "the answer does not contain" in result.stopped
    assert (result.counts, result.left) == ({"skipped": 2}, 3)
    reader_only = source.model_copy(update={"writer_client_id": None})
    result = apply_plan(rehearsal.config.model_copy(update={"entra": (reader_only,)}), plan)
    assert result.stopped == "an item of the canary was not written (privileged: 403 Authorization_RequestDenied)"
    assert rehearsal.graph.writes == []


def test_a_wrong_secret_writes_nothing(rehearsal, monkeypatch):
    plan = planned(rehearsal)
    monkeypatch.setenv("RECON_ENTRA_WRITER_SECRET", "wrong")
    with pytest.raises(SignInError):
        apply_plan(rehearsal.config, plan)
    assert rehearsal.graph.writes == []
    monkeypatch.setenv("RECON_ENTRA_WRITER_SECRET", "lab-secret")
    result = quick(rehearsal, plan)  # what was meant and not sent is found out by reading
    assert result.counts == {"done": 5}
    assert Counter(written(rehearsal)) == Counter(ids(plan))


def test_two_applies_at_once(rehearsal):
    plan = planned(rehearsal)
    with (
        locked(rehearsal.folder / "plans" / f".apply-{rehearsal.tenant.lower()}.lock", PlanError("held")),
        pytest.raises(PlanError, match="another apply is under way in this folder"),
    ):
        apply_plan(rehearsal.config, plan)
    assert rehearsal.graph.writes == []


def test_what_may_not_be_applied(rehearsal):
    plan = planned(rehearsal)
    text = (rehearsal.folder / "recon.toml").read_text(encoding="utf-8")
    other = rehearsal.folder / "other.toml"
    for old, new, said in (
        (rehearsal.tenant, "5f1c0ffe-0000-4000-8000-000000000bad", "is for tenant 5f1c0ffe"),
        ('name = "entra"', 'name = "north"', "recon.toml has no such"),
        ("canary = 2", "max_items = 4", "has 5 items, over max_items 4"),
        ("canary = 2", "max_share = 0.01", "over max_share 0.01"),
    ):
        other.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(PlanError, match=said):
            apply_plan(load_config(other), plan)
    with pytest.raises(PlanError, match="--allow-items 6 does not name"):
        apply_plan(rehearsal.config, plan, Choices(allow_items=6))
    items = plan.folder / "items.jsonl"
    items.write_bytes(items.read_bytes().replace(b"example", b"exbmple", 1))
    with pytest.raises(PlanError, match="was changed after it was made"):
        load_plan(rehearsal.folder / "plans", "latest")
    assert rehearsal.graph.writes == []


def test_a_full_disk_in_mid_journal_sends_nothing_more(rehearsal):
    import resource

    plan = planned(rehearsal)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(_count):  # the canary of two is written: no room for its outcomes
        resource.setrlimit(resource.RLIMIT_FSIZE, (plan.journal_file.stat().st_size + 40, limits[1]))

    try:
        with pytest.raises(PlanError, match=r"journal\.jsonl cannot be written: (File too large|short write)"):
            apply_plan(rehearsal.config, plan, advance=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert written(rehearsal) == ids(plan)[:2]
    assert set(read_journal(plan.journal_file).intents) == {0, 1}
    assert quick(rehearsal, plan).counts == {"done": 5}
    assert Counter(written(rehearsal)) == Counter(ids(plan))


def test_eventual_consistency_throttling_and_random_faults(tmp_path, secrets):
    """Published limits in time ten times as fast, faults scattered over the items, writes seen late."""
    company = GeneratedCompany(3000, seed=5)
    lab = {"limits": GraphLimits(), "time_scale": 10.0, "eventual": 0.2, "seed": 3}
    with rehearse(company, tmp_path, canary=0, **lab) as rehearsal:
        rehearsal.load()
        plan = planned(rehearsal)
        assert plan.item_count > 40
        for kind in ("503", "429-decimal", "504-after"):
            rehearsal.graph.add_fault(Fault(kind, match=r"/users/", times=6))
        for _ in range(5):
            result = quick(rehearsal, plan, seconds=15.0)
            if not result.left:
                break
        state = read_journal(plan.journal_file)
        assert (result.left, state.intents) == (0, {})
        assert set(state.outcomes.values()) == {"done"}
        effective = Counter(write.user_id for write in rehearsal.graph.writes if write.before != write.after)
        assert effective == Counter(ids(plan))
