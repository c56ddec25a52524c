"""Bulk upload against the simulator over HTTP: outcomes from the log, refusals, lost answers, silence, crashes."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest

from recon.backfill.apply import Apply
from recon.backfill.journal import Journal, read_entries, read_journal
from recon.backfill.lanes import Inline
from recon.backfill.pacing import Pacer
from recon.backfill.plan import freeze
from recon.backfill.precondition import Reply
from recon.backfill.stops import Limits
from recon.backfill.undo import make_undo
from recon.backfill.uploader import GraphUploader
from recon.backfill.ways import check_way
from recon.backfill.writer import GraphWriter
from recon.errors import AccessError, PlanError
from recon.lab.graph.faults import parse_fault
from tests.backfill import make
from tests.backfill.make import TENANT, item
from tests.backfill.stateful import DyingJournal, Steps
from tests.backfill.tenant import Crash
from tests.backfill.uploading import SETTINGS, Elapsing, Scripted, office

# the simulator's clock begins at the present
_LASTING = "2099-01-01 00:00:00.000000"
header, plan_of = partial(make.header, expires_at=_LASTING), partial(make.plan_of, expires_at=_LASTING)


def kinds(plan):
    return [entry["type"] for entry in read_entries(plan.journal_file)]


def test_more_than_one_round_and_the_log_gives_the_outcomes(tmp_path):
    plan = plan_of(tmp_path, 120)
    with office(list(plan.items()), delay=300, log_delay=60) as lab:
        result = lab.upload(plan)
        assert (result.counts, result.left, result.stopped) == ({"done": 120}, 0, None)
        assert lab.uploads == [202, 202, 202]
        assert lab.written(plan) == [[f"u{number}@mail.example"] for number in range(120)]
        intents = [each for each in read_entries(plan.journal_file) if each["type"] == "intent"]
        assert Counter(write.client_request_id for write in lab.graph.writes) == Counter(
            each["client_request_id"] for each in intents
        )
        # 202 is not done: nothing has an outcome before the job's delay and the log's
        assert min(result.windows_ms) >= 350_000
        state = read_journal(plan.journal_file)
        assert (state.way, state.reasons) == ("bulk-upload", {("done", "written"): 120})
        assert {each["status"] for each in read_entries(plan.journal_file) if each["type"] == "attempt"} == {202}
        assert lab.upload(plan).counts == {}
        assert len(lab.uploads) == 3


def test_the_operation_carries_what_the_scoping_filter_asks_for(tmp_path):
    plan = plan_of(tmp_path, 2)
    with office(list(plan.items()), is_running=False) as lab:
        lab.upload(plan)
        operations = [operation for _, operation, _ in lab.job.staged]
        first = operations[0]
        assert {name: first[name] for name in ("method", "path")} == {"method": "POST", "path": "/Users"}
        assert first["data"]["externalId"] == "0"
        assert first["data"][SETTINGS.urn] == {"WorkerType": "Employee", "PersonalEmail": "u0@mail.example"}
        assert len({operation["bulkId"] for operation in operations}) == 2


def test_two_attributes_of_a_user_go_one_after_the_other(tmp_path):
    mails = [item(number) for number in range(3)]
    places = [replace(each, attribute="usageLocation", after=("DE",)) for each in mails]
    mappings = [{"attribute": name} for name in ("otherMails", "usageLocation")]
    plan = freeze(tmp_path / "plans", header(mappings=mappings), mails + places)
    with office(mails, delay=10) as lab:
        assert lab.upload(plan).counts == {"done": 6}
        assert lab.uploads == [202, 202]
        assert read_journal(plan.journal_file).reasons == {("done", "written"): 6}
        assert lab.written(plan) == [[f"u{n}@mail.example"] for n in range(3)] + ["DE"] * 3


def test_preconditions_are_those_of_a_patch(tmp_path):
    plan = plan_of(tmp_path, 6)
    ids = [each.object_id for each in plan.items()]
    with office(list(plan.items())) as lab:
        lab.graph.change_user(TENANT, ids[0], otherMails=["own@choice.example"])
        lab.graph.change_user(TENANT, ids[1], employeeId="99999")
        lab.graph.change_user(TENANT, ids[2], userType="Guest")
        lab.graph.remove_user(TENANT, ids[3])
        result = lab.upload(plan, objection=lambda each: "terminated" if each.worker_id == "W4" else None)
        assert result.reasons == {
            "value_changed": 1, "employee_id_changed": 1, "guest": 1, "deleted": 1, "terminated": 1,
        }  # fmt: skip
        assert [write.user_id for write in lab.graph.writes] == [ids[5]]


def test_who_is_outside_the_jobs_scope_is_not_sent(tmp_path):
    plan = plan_of(tmp_path, 2)
    with office(list(plan.items())) as lab:
        lab.columns = {"WorkerType": "employee"}  # the filter is case-sensitive
        assert lab.upload(plan).reasons == {"out_of_job_scope": 2}
        lab.columns = {}
        assert lab.uploads == []


def test_the_canary_waits_for_its_outcomes(tmp_path):
    plan = plan_of(tmp_path, 30)
    with office(list(plan.items()), delay=300) as lab:
        result = lab.upload(plan, limits=Limits(canary=5, stop_after_canary=True))
        assert (result.counts, result.is_look, result.left) == ({"done": 5}, True, 25)
        assert lab.upload(plan).counts == {"done": 25}
        assert lab.uploads == [202, 202]


def test_a_job_that_does_not_run_stops_with_the_canary(tmp_path):
    plan = plan_of(tmp_path, 30)
    with office(list(plan.items()), is_running=False) as lab:
        result = lab.upload(plan, limits=Limits(canary=5))
        assert (result.counts, result.left) == ({"failed": 5}, 25)
        assert result.stopped == "an item of the canary was not written (no_outcome: 202)"
        assert lab.graph.writes == []


def test_the_allowance_ends_the_run_and_the_next_one_goes_on(tmp_path):
    plan = plan_of(tmp_path, 120)
    with office(list(plan.items())) as lab:
        left = [True, False]
        lab.allowed = lambda: left.pop(0)
        result = lab.upload(plan)
        assert (result.counts, result.left, result.is_allowance_over) == ({"done": 50}, 70, True)
        lab.allowed = lambda: True
        result = lab.upload(plan)
        assert (result.counts, result.left, result.is_allowance_over) == ({"done": 70}, 0, False)
        assert len(lab.graph.writes) == 120


def test_a_429_is_not_done_and_goes_again_after_its_time(tmp_path):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items())) as lab:
        lab.graph.add_fault(parse_fault("429:7@/bulkUpload/x2"))
        began = lab.clock()
        assert lab.upload(plan).counts == {"done": 3}
        assert lab.uploads == [429, 429, 202]
        assert lab.clock() - began >= 14
        assert len(lab.graph.writes) == 3


def test_a_429_for_hours_is_the_end_of_the_days_allowance(tmp_path):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items())) as lab:
        lab.graph.add_fault(parse_fault("429:40000@/bulkUpload/"))
        result = lab.upload(plan)
        assert (result.counts, result.left, result.is_allowance_over) == ({}, 3, True)
        # what was refused is known not to be staged: the next run sends it at once
        assert lab.upload(plan).counts == {"done": 3}
        assert lab.uploads == [429, 202]


@pytest.mark.parametrize(("fault", "is_left"), [("429:7@/bulkUpload/", False), ("429:40000@/bulkUpload/", True)])
def test_the_same_value_by_somebody_else_is_not_ours(tmp_path, fault, is_left):
    plan = plan_of(tmp_path, 1)
    with office(list(plan.items())) as lab:
        lab.graph.add_fault(parse_fault(fault))

        class Overtaken(Scripted):
            def post(self, operations):
                reply = super().post(operations)
                for each in plan.items():
                    lab.graph.change_user(TENANT, each.object_id, otherMails=list(each.after))
                return reply

        with Journal(plan.journal_file) as journal:
            assert lab.engine(plan, journal, Overtaken(lab.uploader)).run("tester").left == is_left
        lab.upload(plan)
        assert read_journal(plan.journal_file).reasons == {("skipped", "already_present"): 1}
        assert lab.uploads == [429]


@pytest.mark.parametrize("fault", ["reset-after@/bulkUpload/", "504-after@/bulkUpload/"])
def test_a_lost_answer_waits_for_the_log_and_is_not_sent_again(tmp_path, fault):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items()), delay=120) as lab:
        lab.graph.add_fault(parse_fault(fault))
        assert lab.upload(plan).counts == {"done": 3}
        assert len(lab.uploads) == 1
        assert len(lab.graph.writes) == 3


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("dies", [False, True])
def test_an_answer_that_is_not_202_waits_for_the_log_and_is_not_sent_again(tmp_path, status, dies):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items()), delay=120) as lab:

        class Odd(Scripted):
            def post(self, operations):
                self.inner.post(operations)
                return Reply(status)

            def log(self, since):
                if dies:
                    raise Crash
                return super().log(since)

        with pytest.raises(Crash) if dies else nullcontext(), Journal(plan.journal_file) as journal:
            lab.engine(plan, journal, Odd(lab.uploader)).run("tester")
        lab.upload(plan)
        assert read_journal(plan.journal_file).reasons == {("done", "written"): 3}
        assert lab.uploads == [202]


def test_a_silent_log_finds_ours_among_what_others_added(tmp_path):
    plan = plan_of(tmp_path, 1)
    with office(list(plan.items()), delay=10, log_delay=10_000) as lab:
        both = ["u0@mail.example", "late@x.example"]

        class Adding(Elapsing):
            def __call__(self, seconds):
                super().__call__(seconds)
                if lab.graph.writes:
                    lab.graph.change_user(TENANT, item(0).object_id, otherMails=both)

        lab.upload(plan, waiting=Adding(lab.clock))
        assert read_journal(plan.journal_file).reasons == {("done", "found"): 1}
        assert lab.written(plan) == [both]


@pytest.mark.parametrize("fault", ["reset@/bulkUpload/", "503@/bulkUpload/"])
def test_a_lost_request_goes_again_when_the_log_stays_silent(tmp_path, fault):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items())) as lab:
        lab.graph.add_fault(parse_fault(fault))
        began = lab.clock()
        assert lab.upload(plan).counts == {"done": 3}
        assert len(lab.uploads) == 2
        assert lab.clock() - began >= 600
        assert len(lab.graph.writes) == 3


def test_a_silent_log_leaves_it_to_the_value(tmp_path):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items()), delay=10, log_delay=10_000) as lab:
        assert lab.upload(plan).counts == {"done": 3}
        assert read_journal(plan.journal_file).reasons == {("done", "found"): 3}


def test_a_silent_log_and_no_value_is_failed(tmp_path):
    plan = plan_of(tmp_path, 3)
    with office(list(plan.items()), is_running=False) as lab:
        result = lab.upload(plan)
        assert (result.counts, result.reasons, result.left) == ({"failed": 3}, {"no_outcome": 3}, 0)
        assert lab.uploads == [202]


def test_an_entry_about_the_other_attribute_is_not_believed(tmp_path):
    """A late success of a user's other attribute says nothing of this one: its value is read, and it is waited for."""
    mail = item(0)
    place = replace(mail, attribute="usageLocation", after=("DE",))
    mappings = [{"attribute": name} for name in ("otherMails", "usageLocation")]
    plan = freeze(tmp_path / "plans", header(mappings=mappings), [mail, place])
    with office([mail], delay=60) as lab:
        late = []

        class Doubled(Scripted):
            def log(self, since):
                found = list(self.inner.log(since))
                late.extend(each for each in found if not late)
                # the first entry once more, younger than the second intent
                yield from [replace(late[0], id="again", at="2099-01-01 00:00:00.000000")] if late else []
                yield from found

        with Journal(plan.journal_file) as journal:
            result = lab.engine(plan, journal, Doubled(lab.uploader)).run("tester")
        assert (result.counts, result.left) == ({"done": 2}, 0)
        outcomes = [each for each in read_entries(plan.journal_file) if each["type"] == "outcome"]
        assert [each["window_ms"] >= 59_000 for each in outcomes] == [True, True]
        assert lab.written(plan) == [["u0@mail.example"], "DE"]


def test_a_refused_request_fails_its_items(tmp_path):
    plan = plan_of(tmp_path, 1)
    bad = list(plan.items())
    with office(bad) as lab:
        engine_make = lambda each, bulk_id: {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {}}  # noqa: E731
        with Journal(plan.journal_file) as journal:
            engine = lab.engine(plan, journal)
            engine.make = engine_make
            result = engine.run("tester")
        assert (result.counts, result.reasons) == ({"failed": 1}, {"refused": 1})
        assert kinds(plan) == ["run", "intent", "outcome"]


def test_what_the_log_refuses_is_failed_with_its_code(tmp_path):
    plan = plan_of(tmp_path, 3)
    twin = dict(user_of_twin(list(plan.items())[1]))
    with office(list(plan.items())) as lab:
        lab.graph.create_user(TENANT, twin)
        result = lab.upload(plan)
        assert (result.counts, result.troubles) == ({"done": 2, "failed": 1}, 1)
        failed = [each for each in read_entries(plan.journal_file) if each.get("outcome") == "failed"]
        assert [(each["item"], each["reason"], each["code"]) for each in failed] == [
            (1, "refused", "DuplicateTargetEntries")
        ]


def user_of_twin(entry):
    return {"id": "bbbbbbbb-0000-0000-0000-000000000001", "userPrincipalName": "twin@contoso.example",
            "displayName": "Twin", "employeeId": entry.employee_id, "accountEnabled": True}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        ({"action": "create"}, "wrong_action", "became 'create'"),
        ({"action": "delete"}, "wrong_action", "became 'delete'"),
        ({"action": "stageddelete"}, "wrong_action", "became 'stageddelete'"),
        ({"action": "disable", "status": "failure"}, "wrong_action", "became 'disable'"),
        ({"target_id": "cccccccc-0000-0000-0000-000000000001"}, "wrong_user", "was applied to another user"),
    ],
)
def test_a_log_that_shows_anything_but_an_update_stops_the_run(tmp_path, change, reason, said):
    plan = plan_of(tmp_path, 120)
    with office(list(plan.items())) as lab:
        scripted = Scripted(lab.uploader)
        scripted.twist = lambda entry: replace(entry, **change) if entry.source_id == "3" else entry
        with Journal(plan.journal_file) as journal:
            result = lab.engine(plan, journal, scripted).run("tester")
        assert result.reasons == {reason: 1}
        assert said in result.stopped
        assert "worker W3" in result.stopped
        assert "STOP THE PROVISIONING JOB NOW" in result.stopped
        assert lab.uploads == [202]
        assert result.left == 120 - sum(result.counts.values())


def test_the_log_of_another_time_or_user_is_not_ours(tmp_path):
    plan = plan_of(tmp_path, 2)
    with office(list(plan.items()), delay=60) as lab:
        scripted = Scripted(lab.uploader)
        scripted.twist = lambda entry: replace(entry, at="2020-01-01 00:00:00.000000")
        with Journal(plan.journal_file) as journal:
            result = lab.engine(plan, journal, scripted).run("tester")
        # nothing of the log counts, so that the value decides
        assert (result.counts, read_journal(plan.journal_file).reasons) == ({"done": 2}, {("done", "found"): 2})


def test_an_entry_is_found_by_the_object_id_alone(tmp_path):
    plan = plan_of(tmp_path, 2)
    with office(list(plan.items())) as lab:
        scripted = Scripted(lab.uploader)
        scripted.twist = lambda entry: replace(entry, source_id=None)
        with Journal(plan.journal_file) as journal:
            lab.engine(plan, journal, scripted).run("tester")
        assert read_journal(plan.journal_file).reasons == {("done", "written"): 2}


def test_a_missing_permission_is_named_and_nothing_is_staged(tmp_path):
    plan = plan_of(tmp_path, 2)
    with office(list(plan.items())) as lab:
        other = GraphUploader(lab.reader, lab.client("patcher"), SETTINGS)
        with pytest.raises(AccessError) as refused, Journal(plan.journal_file) as journal:
            lab.engine(plan, journal, other).run("tester")
        assert "SynchronizationData-User.Upload" in str(refused.value.hint)
        began = lab.clock()
        assert lab.upload(plan).counts == {"done": 2}  # known not to be staged: no waiting for the log
        assert lab.clock() - began < 60


def test_a_request_to_stop_leaves_what_is_staged_in_doubt(tmp_path):
    plan = plan_of(tmp_path, 60)
    with office(list(plan.items()), delay=300) as lab:
        waiting = Elapsing(lab.clock)

        class StopsAfterOne(Scripted):
            def post(self, operations):
                reply = super().post(operations)
                waiting.stop()
                return reply

        with Journal(plan.journal_file) as journal:
            result = lab.engine(plan, journal, StopsAfterOne(lab.uploader), waiting=waiting).run("tester")
        assert (result.is_interrupted, result.left, lab.uploads) == (True, 60, [202])
        assert len(read_journal(plan.journal_file).intents) == 50
        assert lab.upload(plan).counts == {"done": 60}
        assert len(lab.graph.writes) == 60


def test_the_ways_refuse_each_other_and_undo_goes_by_patch(tmp_path):
    plan = plan_of(tmp_path, 3)
    plans = tmp_path / "plans"
    with office(list(plan.items()), delay=300) as lab:
        scripted = Scripted(lab.uploader, step=die_at("between POST and answer"))
        with pytest.raises(Crash), Journal(plan.journal_file) as journal:
            lab.engine(plan, journal, scripted).run("tester")
        state = read_journal(plan.journal_file)
        with pytest.raises(PlanError, match="was begun by bulk-upload and 3 of its items are open") as refused:
            check_way(plans, plan, state, "patch")
        assert refused.value.hint.endswith("--commit --via bulk-upload goes on with them")
        other = plan_of(tmp_path, 2, created_at="2026-01-05 11:00:00.000000")
        for way in ("patch", "bulk-upload"):
            with pytest.raises(PlanError, match=f"2 people of plan {other.short} have an upload of plan {plan.short}"):
                check_way(plans, other, read_journal(other.journal_file), way)
        check_way(plans, plan, state, "bulk-upload")
        assert lab.upload(plan).counts == {"done": 3}
        check_way(plans, other, read_journal(other.journal_file), "patch")
        check_way(plans, plan, read_journal(plan.journal_file), "patch")  # complete: there is nothing left to refuse

        undo = make_undo(plans, plan, created_at=plan.header["created_at"], expires_at=plan.header["expires_at"])
        lanes = Inline(GraphWriter(lab.reader, lab.client("patcher"), now=lab.clock))
        with Journal(undo.journal_file) as journal:
            check_way(plans, undo, journal.state, "patch")
            options = {"clock": lab.clock, "waiting": Elapsing(lab.clock)}
            assert Apply(undo, journal, lanes, Pacer(1.0, clock=lab.clock), **options).run("t").counts == {"done": 3}
        assert lab.written(plan) == [[]] * 3


def test_a_plan_begun_by_patch_does_not_go_on_by_upload(tmp_path):
    plan = plan_of(tmp_path, 3)
    with Journal(plan.journal_file) as journal:
        journal.add({"type": "run", "plan": plan.hash, "tenant": plan.tenant_id})
        journal.sync()
        with pytest.raises(PlanError, match="was begun by patch and 3 of its items are open") as refused:
            check_way(tmp_path / "plans", plan, journal.state, "bulk-upload")
    assert refused.value.hint == f"recon backfill apply {plan.short} --commit goes on with them"


def die_at(kind):
    def step(taken):
        if taken == kind:
            raise Crash

    return step


def test_crashes_at_every_step_lose_and_double_nothing(tmp_path):
    """Dies at each step in its turn, for other people each time, and goes on from the journal alone."""
    died = Counter()
    everybody = [item(number) for number in range(400)]
    with office(everybody, delay=4, log_delay=2) as lab:
        for death in range(1, 80):
            folder = tmp_path / str(death)
            folder.mkdir()
            plan = freeze(folder / "plans", header(), everybody[death * 5 - 5 : death * 5])
            DyingJournal.steps = steps = Steps(death)
            crashed = False
            try:
                with DyingJournal(plan.journal_file) as journal:
                    uploader = Scripted(lab.uploader, steps.step)
                    lab.engine(plan, journal, uploader, limits=Limits(canary=2)).run("tester")
            except Crash:
                crashed = True
            died += steps.kinds
            if crashed:
                lab.clock.pass_by(death % 3 * 3)
                result = lab.upload(plan)
                assert (result.left, result.stopped) == (0, None), death
            state = read_journal(plan.journal_file)
            assert (len(state.outcomes), set(state.outcomes.values()), state.intents) == (5, {"done"}, {}), death
            ids = {each.object_id for each in plan.items()}
            written = [write.user_id for write in lab.graph.writes if write.user_id in ids]
            assert Counter(written) == Counter(ids), death
            if not crashed:
                break
    assert not crashed
    assert set(died) == {
        "before a sync", "in the middle of a sync", "after a sync", "between intent and POST",
        "between POST and answer", "between answer and outcome",
    }  # fmt: skip
