"""The engine against a tenant in memory: preconditions, retries, stops, crashes."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.backfill.apply import Apply
from recon.backfill.journal import Journal, read_entries, read_journal, read_written
from recon.backfill.lanes import Inline
from recon.backfill.owned import read_owned
from recon.backfill.pacing import Pacer, Quota, Waiting
from recon.backfill.plan import freeze
from recon.backfill.precondition import NOT_DONE, Reply, Skip, Write, judge_fresh
from recon.backfill.reread import preview
from recon.backfill.stops import Limits
from recon.backfill.undo import make_undo
from recon.errors import AccessError, PlanError, SignInError, SourceError
from tests.backfill.make import header, item, plan_of
from tests.backfill.tenant import LOST_REPLY, Clock, Crash, Tenant, user_of

NOW = "2026-01-05 12:00:00.000000"  # the plans are of that day


def clock_waiting(clock, stop=None):
    """Waiting that moves the clock and sleeps no moment."""
    stop = stop or Waiting()

    class Both:
        is_stopped = property(lambda self: stop.is_stopped)

        def __call__(self, seconds):
            clock.wait(seconds)

    return Both()


def run(plan, tenant, *, clock=None, limits=None, waiting=None, **options):
    """One apply of the plan; returns its result."""
    clock = clock or Clock()
    both = clock_waiting(clock, waiting)
    with Journal(plan.journal_file) as journal:
        engine = Apply(
            plan,
            journal,
            Inline(tenant),
            Pacer(0.5, clock=clock),
            limits=limits or Limits(canary=0, max_failure_share=1.0),
            waiting=both,
            clock=clock,
            **({"now": lambda: NOW} | options),
        )
        return engine.run("tester")


def once(fault):
    """A fault that happens at the first request of its kind for each user."""
    seen = set()

    def answer(kind, object_id):
        reply = fault(kind, object_id)
        if reply is None or (kind, object_id) in seen:
            return None
        seen.add((kind, object_id))
        return reply

    return answer


def test_writes_what_is_missing(tmp_path):
    plan = plan_of(tmp_path, 45)
    tenant = Tenant.of(list(plan.items()))
    result = run(plan, tenant)
    assert result.counts == {"done": 45}
    assert (result.left, result.stopped, result.is_interrupted, result.troubles) == (0, None, False, 0)
    assert tenant.effective == [entry.object_id for entry in plan.items()]
    assert tenant.users[item(3).object_id]["otherMails"] == ["u3@mail.example"]
    assert tenant.reads == 3
    assert len(result.windows_ms) == 45
    assert result.window_text == "median 0 ms, longest 0 ms"


def test_two_attributes_of_a_user_never_share_a_batch(tmp_path):
    mails = [item(number) for number in range(3)]
    places = [replace(each, attribute="usageLocation", after=("DE",)) for each in mails]
    mappings = [{"attribute": name} for name in ("otherMails", "usageLocation")]
    plan = freeze(tmp_path / "plans", header(mappings=mappings), mails + places)
    tenant = Tenant.of(mails)  # asserts that no user stands twice in a batch
    result = run(plan, tenant)
    assert (result.counts, result.left) == ({"done": 6}, 0)
    assert [user["usageLocation"] for user in tenant.users.values()] == ["DE"] * 3
    assert [user["otherMails"] for user in tenant.users.values()] == [list(each.after) for each in mails]


def test_the_journal_has_an_intent_before_each_outcome(tmp_path):
    plan = plan_of(tmp_path, 3)
    run(plan, Tenant.of(list(plan.items())))
    entries = list(read_entries(plan.journal_file))
    assert [entry["type"] for entry in entries] == ["run"] + ["intent"] * 3 + ["outcome"] * 3
    assert entries[0] | {"at": "", "tool": ""} == {
        "type": "run",
        "plan": plan.hash,
        "tenant": plan.tenant_id,
        "user": "tester",
        "torn_bytes": 0,
        "tool": "",
        "at": "",
    }
    first = entries[1]
    assert (first["object_id"], first["before"], first["after"]) == (item(0).object_id, [], ["u0@mail.example"])
    assert len(first["client_request_id"]) == 36
    assert (entries[4]["outcome"], entries[4]["reason"], entries[4]["status"]) == ("done", "written", 204)
    assert entries[4]["request_id"] == "r-1"


def test_applied_again_nothing_is_sent(tmp_path):
    plan = plan_of(tmp_path, 25)
    tenant = Tenant.of(list(plan.items()))
    run(plan, tenant)
    reads = tenant.reads
    result = run(plan, tenant)
    assert (result.counts, result.left, tenant.reads) == ({}, 0, reads)
    assert len(tenant.writes) == 25


CHANGES = {
    "already_present": {"otherMails": ["U0@mail.example"]},
    "value_changed": {"otherMails": ["else@mail.example"]},
    "employee_id_changed": {"employeeId": "77"},
    "anchor_changed": {"onPremisesImmutableId": "ANCHOR0"},
    "guest": {"userType": "guest"},
    "cloud_only": {"onPremisesSyncEnabled": None},
    "disabled": {"accountEnabled": False},
}


@pytest.mark.parametrize(("reason", "change"), CHANGES.items(), ids=CHANGES.keys())
def test_a_gone_precondition_is_skipped(tmp_path, reason, change):
    plan = plan_of(tmp_path, 2)
    tenant = Tenant.of(list(plan.items()))
    tenant.users[item(0).object_id].update(change)
    result = run(plan, tenant)
    assert result.counts == {"done": 1, "skipped": 1}
    assert result.reasons == {reason: 1}
    assert result.troubles == 0
    assert tenant.effective == [item(1).object_id]


@pytest.mark.parametrize(
    "name",
    ["id", "otherMails", "employeeId", "onPremisesImmutableId", "accountEnabled", "userType", "onPremisesSyncEnabled"],
)
def test_an_absent_property_is_not_an_empty_one(tmp_path, name):
    plan = plan_of(tmp_path, 1)
    tenant = Tenant.of(list(plan.items()))
    tenant.users[item(0).object_id][name] = ...  # the answer does not contain it
    result = run(plan, tenant)
    assert (result.counts, result.reasons, result.troubles) == ({"skipped": 1}, {"unknown_value": 1}, 1)
    assert tenant.writes == []


def test_a_deleted_user(tmp_path):
    plan = plan_of(tmp_path, 2)
    tenant = Tenant.of(list(plan.items()))
    del tenant.users[item(0).object_id]
    assert run(plan, tenant).reasons == {"deleted": 1}


def test_a_user_deleted_between_read_and_write(tmp_path):
    plan = plan_of(tmp_path, 1)
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, _: Reply(404) if kind == "write" else None)
    result = run(plan, tenant)
    assert (result.counts, result.reasons) == ({"skipped": 1}, {"deleted": 1})


def test_prehires_may_be_disabled():
    prehire = item(0, may_be_disabled=True)
    off = Reply(200, body=user_of(prehire) | {"accountEnabled": False})
    assert judge_fresh(prehire, off) == Write((), prehire.after)
    assert judge_fresh(item(0), off) == Skip("disabled", "was disabled")


def test_malformed_values_are_not_written_over():
    for value in ("text", None, [1], {"a": 1}):
        verdict = judge_fresh(item(0), Reply(200, body=user_of(item(0)) | {"otherMails": value}))
        assert isinstance(verdict, Skip)
        assert verdict.reason == "unknown_value"
    other = judge_fresh(item(0), Reply(200, body=user_of(item(0)) | {"id": "somebody-else"}))
    assert isinstance(other, Skip)
    assert other.is_trouble


def test_usage_location(tmp_path):
    place = item(0, attribute="usageLocation", after=("DE",))
    assert judge_fresh(place, Reply(200, body=user_of(place))) == Write((), ("DE",))
    there = judge_fresh(place, Reply(200, body=user_of(place) | {"usageLocation": "DE"}))
    assert isinstance(there, Skip)
    assert there.reason == "already_present"


@pytest.mark.parametrize("status", [429, 503, 500, 502, 504, 424, 0, -1])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_passing_trouble_is_tried_again(tmp_path, status, kind):
    plan = plan_of(tmp_path, 30)
    hit = {item(number).object_id for number in (0, 7, 29)}
    tenant = Tenant.of(list(plan.items()), fault=once(lambda k, o: Reply(status) if k == kind and o in hit else None))
    result = run(plan, tenant)
    assert (result.counts, result.left) == ({"done": 30}, 0)
    assert Counter(tenant.effective) == Counter(entry.object_id for entry in plan.items())


def test_retry_after_is_obeyed(tmp_path):
    plan = plan_of(tmp_path, 1)
    clock = Clock()
    tenant = Tenant.of(
        list(plan.items()), fault=once(lambda kind, _: Reply(429, retry_after=12.5) if kind == "write" else None)
    )
    assert run(plan, tenant, clock=clock).counts == {"done": 1}
    assert clock.now >= 1012.5


def test_a_lost_answer_of_a_write_that_landed_is_found(tmp_path):
    plan = plan_of(tmp_path, 5)
    tenant = Tenant.of(list(plan.items()), fault=once(lambda kind, _: LOST_REPLY if kind == "answer" else None))
    clock = Clock()
    result = run(plan, tenant, clock=clock)
    assert result.counts == {"done": 5}
    assert len(tenant.writes) == 5
    assert read_journal(plan.journal_file).reasons == {("done", "found"): 5}
    assert clock.now >= 1005  # the re-read that decides is not at once


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize(
    ("mode", "before", "others", "is_ours"),
    [
        ("fill", (), ["u0@mail.example", "late@x.example"], True),
        ("merge", ("p@x.example",), ["late@x.example", "U0@mail.example"], True),
        ("merge", ("p@x.example",), ["late@x.example", "p@x.example"], False),
        ("fill", (), ["late@x.example"], False),
    ],
)
def test_a_lost_write_to_which_somebody_added_is_known_as_ours(tmp_path, mode, before, others, is_ours, dies):
    """Whether the process died before the answer or the answer was lost: what we added stands, so that we wrote it."""
    entry = item(0, mode=mode, before=before, after=(*before, "u0@mail.example"))
    plan = freeze(tmp_path / "plans", header(), [entry])
    tenant = Tenant.of([entry])

    def fault(kind, object_id):
        if kind != "answer":
            return None
        tenant.users[object_id]["otherMails"] = others
        tenant.fault = lambda *_: None
        if dies:
            raise Crash
        return LOST_REPLY

    tenant.fault = fault
    with pytest.raises(Crash) if dies else nullcontext():
        run(plan, tenant)
    assert run(plan, tenant).left == 0
    assert (read_journal(plan.journal_file).reasons == {("done", "found"): 1}) == is_ours
    assert read_owned(plan.folder.parent, plan.tenant_id, "otherMails") == (
        {entry.object_id: ("u0@mail.example",)} if is_ours or mode == "merge" else {}
    )
    if is_ours:
        undo = make_undo(tmp_path / "plans", plan, **TIMES)
        assert run(undo, tenant).reasons == {"value_changed": 1}
        assert tenant.users[entry.object_id]["otherMails"] == others


@pytest.mark.parametrize("status", [400, 403])
def test_a_lost_answer_stays_in_doubt_while_the_reread_is_refused(tmp_path, status):
    plan, asked = plan_of(tmp_path, 3), Counter()
    bad = item(1).object_id

    def fault(kind, object_id):
        asked[kind, object_id] += 1
        if object_id != bad:
            return None
        if kind == "answer":
            return LOST_REPLY
        return Reply(status) if kind == "read" and asked[kind, bad] > 1 else None

    tenant = Tenant.of(list(plan.items()), fault=fault)
    result = run(plan, tenant)
    assert (result.counts["done"], result.left, result.troubles) == (2, 1, 1)
    done, doubtful = read_written(plan.journal_file)
    assert (sorted(done), doubtful) == ([0, 2], {1})
    tenant.fault = lambda *_: None
    assert run(plan, tenant).counts["done"] == 1  # found by the next run, and so known to undo
    assert sorted(read_written(plan.journal_file)[0]) == [0, 1, 2]


@pytest.mark.parametrize("status", [302, 501, 520])
def test_an_answer_that_does_not_say_what_was_done_is_not_the_last_word(tmp_path, status):
    plan, bad = plan_of(tmp_path, 3), item(1).object_id
    fault = once(lambda kind, object_id: Reply(status) if kind == "answer" and object_id == bad else None)
    tenant = Tenant.of(list(plan.items()), fault=fault)
    assert run(plan, tenant).counts["done"] == 3
    assert len(tenant.writes) == 3
    assert sorted(read_written(plan.journal_file)[0]) == [0, 1, 2]


def test_a_lost_write_that_somebody_overtook_is_not_repeated(tmp_path):
    plan = plan_of(tmp_path, 1)
    tenant = Tenant.of(list(plan.items()))

    def fault(kind, object_id):
        if kind == "write":
            tenant.users[object_id]["otherMails"] = ["own@choice.example"]
            return LOST_REPLY
        return None

    tenant.fault = fault
    result = run(plan, tenant)
    assert (result.counts, result.reasons) == ({"skipped": 1}, {"value_changed": 1})
    assert tenant.writes == []


def test_trouble_without_end_is_left_for_the_next_run(tmp_path):
    plan = plan_of(tmp_path, 3)
    bad = item(1).object_id
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, o: Reply(503) if kind == "write" and o == bad else None)
    result = run(plan, tenant)
    assert (result.counts, result.left) == ({"done": 2}, 1)
    assert set(read_journal(plan.journal_file).intents) == {1}
    tenant.fault = lambda _kind, _object_id: None
    again = run(plan, tenant)
    assert (again.counts, again.left) == ({"done": 1}, 0)
    assert len(tenant.writes) == 3


REFUSALS = {
    "429": Reply(429, retry_after=1.0),
    "409": Reply(409, code="Directory_ConcurrencyViolation"),
    "never sent": Reply(NOT_DONE),
    "signed out": SignInError("the secret has expired"),
    "without the right": AccessError("no right to write"),
}


def write_with(tenant, answers):
    """Let the tenant's writes be answered so, one after the other and the last one for ever; none is done."""
    answers = list(answers)

    def write(changes):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [answer] * len(changes)

    tenant.write = write


@pytest.mark.parametrize("is_later_run", [False, True])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("was_lost", [False, True])
def test_the_same_value_by_somebody_else_is_not_ours(tmp_path, refusal, is_later_run, was_lost):
    """A refused write changed nothing; one whose answer was lost before that may have."""
    plan = plan_of(tmp_path, 2)
    tenant = Tenant.of(list(plan.items()))
    write_with(tenant, [*[LOST_REPLY] * was_lost, refusal])
    for _ in range(1 + is_later_run):
        with pytest.raises(type(refusal)) if isinstance(refusal, SourceError) else nullcontext():
            run(plan, tenant, limits=Limits(canary=0, tries=2 + was_lost))
    for user, each in zip(tenant.users.values(), plan.items(), strict=True):
        user["otherMails"] = list(each.after)
    assert run(plan, tenant).left == 0
    expected = ("done", "found") if was_lost else ("skipped", "already_present")
    assert read_journal(plan.journal_file).reasons == {expected: 2}
    assert sorted(read_written(plan.journal_file)[0]) == [0, 1] * was_lost


def test_refusals_are_final(tmp_path):
    plan = plan_of(tmp_path, 4)
    answers = {0: Reply(403, code="Authorization_RequestDenied"), 2: Reply(400, code="Request_BadRequest")}
    by_id = {item(number).object_id: reply for number, reply in answers.items()}
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, o: by_id.get(o) if kind == "write" else None)
    result = run(plan, tenant)
    assert result.counts == {"done": 2, "failed": 2}
    assert result.reasons == {"privileged": 1, "refused": 1}
    assert (result.troubles, result.left) == (2, 0)
    entry = next(entry for entry in read_entries(plan.journal_file) if entry.get("reason") == "privileged")
    assert (entry["status"], entry["code"]) == (403, "Authorization_RequestDenied")
    assert run(plan, tenant).counts == {}


def test_the_canary_stops_at_the_first_failure(tmp_path):
    plan = plan_of(tmp_path, 60)
    bad = item(7).object_id
    invalid = Reply(400, code="Request_BadRequest")
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, o: invalid if kind == "write" and o == bad else None)
    result = run(plan, tenant, limits=Limits(canary=25))
    assert result.stopped == "an item of the canary was not written (refused: 400 Request_BadRequest)"
    assert (result.counts, result.left) == ({"done": 19, "failed": 1}, 40)
    assert len(tenant.writes) == 19
    again = run(plan, tenant, limits=Limits(canary=25))
    assert (again.counts, again.left) == ({"done": 40}, 0)


def test_one_protected_person_in_the_canary_is_that_persons_own_reason(tmp_path):
    plan = plan_of(tmp_path, 60)
    bad = item(0).object_id
    denied = Reply(403, code="Authorization_RequestDenied")
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, o: denied if kind == "write" and o == bad else None)
    result = run(plan, tenant, limits=Limits(canary=25))
    assert result.stopped is None
    assert (result.counts, result.left) == ({"done": 59, "failed": 1}, 0)


def test_a_missing_right_to_write_stops_in_the_canary(tmp_path):
    plan = plan_of(tmp_path, 60)
    denied = Reply(403, code="Authorization_RequestDenied")
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, _: denied if kind == "write" else None)
    result = run(plan, tenant, limits=Limits(canary=25))
    assert result.stopped == "an item of the canary was not written (privileged: 403 Authorization_RequestDenied)"
    assert (result.counts, result.left) == ({"failed": 20}, 40)


def test_a_lost_read_right_stops_in_the_canary(tmp_path):
    plan = plan_of(tmp_path, 60)
    tenant = Tenant.of(list(plan.items()))
    for user in tenant.users.values():
        user["employeeId"] = ...
    result = run(plan, tenant, limits=Limits(canary=5))
    assert result.stopped == (
        "an item of the canary was not written (unknown_value: the answer does not contain employeeId)"
    )
    assert (result.counts, result.left) == ({"skipped": 5}, 55)


def test_the_failure_share_stops(tmp_path):
    plan = plan_of(tmp_path, 300)
    number = {entry.object_id: place for place, entry in enumerate(plan.items())}
    tenant = Tenant.of(
        list(plan.items()),
        fault=lambda kind, o: Reply(400) if kind == "write" and number[o] >= 100 and number[o] % 2 else None,
    )
    result = run(plan, tenant, limits=Limits(canary=25, max_failure_share=0.1))
    assert result.stopped == "12 of the last 100 items failed"
    assert result.counts == {"done": 113, "failed": 12}
    assert result.left == 175


def test_a_stop_request_ends_after_what_is_in_flight(tmp_path):
    plan = plan_of(tmp_path, 100)
    waiting = Waiting()

    def fault(kind, object_id):
        if kind == "write" and object_id == item(25).object_id:
            waiting.stop()
        return

    tenant = Tenant.of(list(plan.items()), fault=fault)
    result = run(plan, tenant, waiting=waiting)
    assert (result.is_interrupted, result.counts, result.left) == (True, {"done": 40}, 60)
    assert read_journal(plan.journal_file).intents == {}
    assert run(plan, tenant).counts == {"done": 60}


def test_preview_reads_only(tmp_path):
    plan = plan_of(tmp_path, 23)
    tenant = Tenant.of(list(plan.items()), fault=once(lambda _kind, _o: Reply(429, retry_after=0.1)))
    tenant.users[item(4).object_id]["employeeId"] = "77"
    clock = Clock()
    pacer = Pacer(1.0, quota=Quota(3_500, 10), burst=350, clock=clock)
    verdicts = list(preview(plan, Inline(tenant), pacer, waiting=clock_waiting(clock), clock=clock))
    assert len(verdicts) == 23
    skipped = [(entry.object_id, skip.reason) for entry, skip in verdicts if skip]
    assert skipped == [(item(4).object_id, "employee_id_changed")]
    assert tenant.writes == []
    assert tenant.reads == 4
    assert clock.now >= 1000.1
    assert not plan.journal_file.exists()


# ---- undo -------------------------------------------------------------------------------------------------

TIMES = {"created_at": "2026-01-05 11:00:00.000000", "expires_at": "2026-01-06 11:00:00.000000"}


def test_undo_and_undo_of_undo(tmp_path):
    plan = plan_of(tmp_path, 5)
    tenant = Tenant.of(list(plan.items()))
    tenant.users[item(1).object_id]["employeeId"] = "77"
    run(plan, tenant)
    tenant.users[item(2).object_id]["otherMails"] = ["own@choice.example"]  # changed since
    tenant.users[item(3).object_id]["accountEnabled"] = False  # left since: our value goes all the same
    undo = make_undo(tmp_path / "plans", plan, **TIMES)
    assert (undo.item_count, undo.header["reasons"], undo.header["undoes"]) == (4, {"not_written": 1}, plan.hash)
    result = run(undo, tenant)
    assert (result.counts, result.reasons) == ({"done": 3, "skipped": 1}, {"value_changed": 1})
    values = [user["otherMails"] for user in tenant.users.values()]
    assert values == [[], [], ["own@choice.example"], [], []]
    redo = make_undo(tmp_path / "plans", undo, **TIMES)
    assert run(redo, tenant).counts == {"done": 3}
    assert tenant.users[item(0).object_id]["otherMails"] == ["u0@mail.example"]


def test_what_an_undo_took_back_is_not_taken_back_again(tmp_path):
    plan, plans = plan_of(tmp_path, 2), tmp_path / "plans"
    tenant = Tenant.of(list(plan.items()))
    run(plan, tenant)
    undo = make_undo(plans, plan, **TIMES)
    tenant.users[item(1).object_id]["otherMails"] = ["own@choice.example"]
    assert run(undo, tenant).counts == {"done": 1, "skipped": 1}
    tenant.users[item(0).object_id]["otherMails"] = ["u0@mail.example"]  # set by the person, or by a newer plan
    later = {**TIMES, "created_at": "2026-01-05 13:00:00.000000"}
    assert make_undo(plans, plan, **later).header["reasons"] == {"taken_back": 1}
    tenant.users[item(0).object_id]["otherMails"] = []
    redo = make_undo(plans, undo, **TIMES)
    assert run(redo, tenant).counts == {"done": 1}
    latest = {**TIMES, "created_at": "2026-01-05 14:00:00.000000"}
    assert make_undo(plans, plan, **latest).item_count == 2  # written again, it stands again


def test_undo_leaves_out_a_usage_location_that_graph_would_not_clear(tmp_path):
    one, other = (
        item(n, attribute="usageLocation", before=before, after=("DE",)) for n, before in enumerate(((), ("FR",)))
    )
    mappings = [{"attribute": "usageLocation"}]
    plan = freeze(tmp_path / "plans", header(mappings=mappings), [one, replace(other, mode="replace")])
    tenant = Tenant.of([one, other])
    tenant.users[other.object_id]["usageLocation"] = "FR"
    assert run(plan, tenant).counts == {"done": 2}
    undo = make_undo(tmp_path / "plans", plan, **TIMES)
    assert undo.header["reasons"] == {"cannot_be_cleared": 1}
    assert run(undo, tenant).counts == {"done": 1}
    assert [user["usageLocation"] for user in tenant.users.values()] == ["DE", "FR"]


def test_undo_of_nothing(tmp_path):
    plan = plan_of(tmp_path, 2)
    with pytest.raises(PlanError, match="has written nothing"):
        make_undo(tmp_path / "plans", plan, **TIMES)


def test_undo_leaves_out_what_is_in_doubt(tmp_path):
    plan = plan_of(tmp_path, 3)
    bad = item(1).object_id
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, o: LOST_REPLY if kind == "answer" and o == bad else None)
    crash_after(plan, tenant, bad)
    undo = make_undo(tmp_path / "plans", plan, **TIMES)
    assert undo.item_count == 2
    assert undo.header["reasons"] == {"in_doubt": 1}


def crash_after(plan, tenant, object_id):
    """Run until the item's re-read after a lost answer, and die there."""
    seen = Counter()
    inner = tenant.fault

    def fault(kind, asked):
        seen[kind, asked] += 1
        if kind == "read" and asked == object_id and seen[kind, asked] > 1:
            raise Crash
        return inner(kind, asked)

    tenant.fault = fault
    with pytest.raises(Crash):
        run(plan, tenant)


# ---- crashes ----------------------------------------------------------------------------------------------


class DyingJournal(Journal):
    """A journal whose process dies at the nth sync: before it, in its middle, or just after it."""

    countdown = 0
    where = "before"

    def sync(self):
        if not self._waiting:
            return
        type(self).countdown -= 1
        if type(self).countdown != 0:
            super().sync()
            return
        if self.where == "after":
            super().sync()
        elif self.where == "middle":
            data = b"".join(self._waiting)
            self._waiting[:] = [data[: len(data) * 2 // 3]]
            super().sync()
        raise Crash


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_crash_anywhere_and_go_on(tmp_path_factory, data):
    """Whatever dies wherever: no second effective write, none lost, and the journal is what the tenant accepted."""
    folder = tmp_path_factory.mktemp("crash")
    count = data.draw(st.integers(1, 45), label="items")
    plan = plan_of(folder, count)
    tenant = Tenant.of(list(plan.items()))
    changed = {}
    if data.draw(st.booleans(), label="somebody interferes"):
        number = data.draw(st.integers(0, count - 1), label="whose value")
        changed[number] = ["own@choice.example"]
        tenant.users[item(number).object_id]["otherMails"] = changed[number]
    kinds = ("read", "write", "answer")
    for _ in range(data.draw(st.integers(0, 6), label="crashes")):
        rates = {kind: data.draw(st.sampled_from([0, 0, 1, 3, 7])) for kind in kinds}
        asked = Counter()
        death = data.draw(st.tuples(st.sampled_from((*kinds, "journal")), st.integers(1, 60)), label="death")

        def fault(kind, _object_id, rates=rates, asked=asked, death=death):
            asked[kind] += 1
            if (kind, asked[kind]) == death:
                raise Crash
            if rates[kind] and asked[kind] % 11 < rates[kind]:
                return (LOST_REPLY, Reply(503), Reply(429, retry_after=0.5))[
                    asked[kind] % (2 if kind == "answer" else 3)
                ]
            return None

        tenant.fault = fault
        DyingJournal.countdown = death[1] % 8 + 1 if death[0] == "journal" else 0
        DyingJournal.where = data.draw(st.sampled_from(("before", "middle", "after")))
        try:
            attempt(plan, tenant, DyingJournal)
        except Crash:
            continue
    tenant.fault = lambda _kind, _object_id: None
    for _ in range(3):
        result = attempt(plan, tenant, Journal)
    assert (result.left, result.stopped) == (0, None)
    state = read_journal(plan.journal_file)
    assert set(state.outcomes) == set(range(count))
    assert state.intents == {}
    expected = {item(number).object_id for number in range(count) if number not in changed}
    assert Counter(tenant.effective) == Counter(expected)
    done = {item(number).object_id for number, outcome in state.outcomes.items() if outcome == "done"}
    assert done == expected
    for number, value in changed.items():
        assert state.outcomes[number] == "skipped"
        assert tenant.users[item(number).object_id]["otherMails"] == value


def attempt(plan, tenant, journal_class):
    clock = Clock()

    class Wait:
        is_stopped = False

        def __call__(self, seconds):
            clock.wait(seconds)

    wait = Wait()
    with journal_class(plan.journal_file) as journal:
        pacer = Pacer(0.5, clock=clock)
        limits = Limits(canary=0, max_failure_share=1.0)
        return Apply(
            plan, journal, Inline(tenant), pacer, limits=limits, waiting=wait, clock=clock, now=lambda: NOW
        ).run("tester")
