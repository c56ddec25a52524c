"""When a run ends before its plan: a run of equal errors, the look after the canary, the end of the window."""

from datetime import UTC, datetime, timedelta

import pytest

from recon.backfill.journal import read_written
from recon.backfill.precondition import Reply, Skip, Write, judge_fresh
from recon.backfill.stops import Limits
from recon.backfill.window import window_end
from recon.decode.times import from_datetime
from recon.errors import UsageError
from tests.backfill.make import item, plan_of
from tests.backfill.tenant import Clock, Tenant, user_of
from tests.backfill.test_apply import run


def test_a_run_of_equal_errors_stops(tmp_path):
    plan = plan_of(tmp_path, 200)
    number = {entry.object_id: place for place, entry in enumerate(plan.items())}
    bad = Reply(400, code="Request_BadRequest")
    tenant = Tenant.of(
        list(plan.items()), fault=lambda kind, o: bad if kind == "write" and 60 <= number[o] < 90 else None
    )
    result = run(plan, tenant, limits=Limits(canary=25, max_failure_share=1.0, max_equal_errors=10))
    assert result.stopped == "10 items in a row failed alike (refused: 400 Request_BadRequest)"
    assert result.left == 115  # the batch in which the tenth failed has ended
    assert len(tenant.writes) == 60


def test_equal_errors_among_good_ones_do_not_stop(tmp_path):
    plan = plan_of(tmp_path, 100)
    number = {entry.object_id: place for place, entry in enumerate(plan.items())}
    tenant = Tenant.of(
        list(plan.items()), fault=lambda kind, o: Reply(400) if kind == "write" and number[o] % 2 else None
    )
    result = run(plan, tenant, limits=Limits(canary=0, max_failure_share=1.0, max_equal_errors=2))
    assert (result.stopped, result.counts) == (None, {"done": 50, "failed": 50})


def test_the_look_after_the_canary(tmp_path):
    plan = plan_of(tmp_path, 60)
    tenant = Tenant.of(list(plan.items()))
    limits = Limits(canary=25, stop_after_canary=True)
    result = run(plan, tenant, limits=limits)
    assert (result.is_look, result.stopped, result.counts, result.left) == (True, None, {"done": 25}, 35)
    assert len(tenant.writes) == 25
    again = run(plan, tenant, limits=limits)  # the canary was looked at: now the rest
    assert (again.is_look, again.counts, again.left) == (False, {"done": 35}, 0)


def test_a_plan_no_larger_than_its_canary_is_done_without_a_stop(tmp_path):
    plan = plan_of(tmp_path, 25)
    result = run(plan, Tenant.of(list(plan.items())), limits=Limits(canary=25, stop_after_canary=True))
    assert (result.is_look, result.left) == (False, 0)


def test_nothing_begins_after_the_window(tmp_path):
    plan = plan_of(tmp_path, 400)
    clock = Clock()
    tenant = Tenant.of(list(plan.items()))
    result = run(plan, tenant, clock=clock, is_over=lambda: clock.now >= 1010)
    assert (result.is_window_over, result.stopped, result.is_interrupted) == (True, None, False)
    assert 0 < len(tenant.writes) < 160
    assert result.left == 400 - len(tenant.writes)
    assert clock.now < 1012
    assert run(plan, tenant).left == 0


def wall(clock, begin):
    """The time text of a clock that stood at 1000 when it was `begin`."""
    return lambda: from_datetime(begin + timedelta(seconds=clock.now - 1000))


@pytest.mark.parametrize("kind", ["read", "write"])
def test_nothing_is_written_after_the_plan_has_expired(tmp_path, kind):
    plan, clock = plan_of(tmp_path, 30), Clock()
    seen = set()

    def fault(asked, object_id):
        if asked != kind or object_id in seen:
            return None
        seen.add(object_id)
        return Reply(429, retry_after=600.0)

    tenant = Tenant.of(list(plan.items()), fault=fault)
    now = wall(clock, datetime(2026, 1, 6, 9, 55, tzinfo=UTC))
    result = run(plan, tenant, clock=clock, now=now)
    assert (tenant.writes, result.left) == ([], 30)
    assert result.stopped == f"plan {plan.short} expired at 2026-01-06 10:00:00 UTC"


def test_a_plan_that_expires_between_reread_and_write_is_held(tmp_path):
    plan, times = plan_of(tmp_path, 3), ["2026-01-06 10:00:00.000000"]
    tenant = Tenant.of(list(plan.items()), fault=lambda *_: times.append("2026-01-06 10:00:01.000000"))
    result = run(plan, tenant, now=lambda: times[-1])
    assert (tenant.reads, tenant.writes, result.left) == (1, [], 3)
    assert read_written(plan.journal_file) == ({}, set())


@pytest.mark.parametrize("is_limit", [False, True])
def test_who_asks_for_too_long_a_wait_is_left(tmp_path, is_limit):
    plan, clock, first = plan_of(tmp_path, 3), Clock(), item(0).object_id
    tenant = Tenant.of(
        list(plan.items()),
        fault=lambda kind, who: (
            Reply(429, retry_after=901.0, is_limit=is_limit) if (kind, who) == ("write", first) else None
        ),
    )
    result = run(plan, tenant, clock=clock)
    assert (len(tenant.writes), result.left, clock.now < 1060) == (2, 1, True)
    assert result.reasons == {"left: asked to wait too long": 1}
    assert result.stopped == ("the service asked to wait 901 s" if is_limit else None)


def test_an_outage_does_not_send_every_item_out(tmp_path):
    plan = plan_of(tmp_path, 2000)
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, _: Reply(503) if kind == "write" else None)
    result = run(plan, tenant, limits=Limits(canary=0, max_failure_share=0.1, tries=4, backlog=100))
    assert result.stopped is not None
    assert len(tenant.users) - result.left == 0
    asked = sum(count for call, count in result.calls.items() if call.startswith("write"))
    assert asked < 1000


NIGHT = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "end"),
    [
        ("06:00 Europe/Zurich", NIGHT, datetime(2026, 11, 25, 5, 0, tzinfo=UTC)),
        ("23:30 Europe/Zurich", NIGHT, datetime(2026, 11, 24, 22, 30, tzinfo=UTC)),
        ("23:00 Europe/Zurich", NIGHT, datetime(2026, 11, 25, 22, 0, tzinfo=UTC)),  # now is not after now
        ("6:05 America/New_York", NIGHT, datetime(2026, 11, 25, 11, 5, tzinfo=UTC)),
        # clocks go forward: 02:30 does not exist, the jump ends the window; 06:00 comes an hour earlier
        ("02:30 Europe/Zurich", datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("06:00 Europe/Zurich", datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 4, 0, tzinfo=UTC)),
        # clocks go back: 02:30 comes twice, the first is the earlier end
        ("02:30 Europe/Zurich", datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("06:00 Europe/Zurich", datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 5, 0, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_window(text, now, end):
    assert window_end(text, now) == end


@pytest.mark.parametrize(
    "text", ["", "06:00", "6 Europe/Zurich", "25:00 Europe/Zurich", "06:00 Mars/Base", "06:00 ../x"]
)
def test_what_is_no_end_of_a_window(text):
    with pytest.raises(UsageError):
        window_end(text, NIGHT)


# ---- modes at the moment of writing


def fresh(each, **values):
    """A re-read of the user an item is about."""
    return Reply(200, body=user_of(each) | values)


def test_merge_is_computed_from_what_stands_there_now():
    last = item(0, mode="merge", before=("a@x.example",), after=("a@x.example", "new@mail.example"))
    assert judge_fresh(last, fresh(last)) == Write(("a@x.example",), ("a@x.example", "new@mail.example"))
    now = fresh(last, otherMails=["b@x.example", "A@x.example"])
    assert judge_fresh(last, now) == Write(
        ("b@x.example", "A@x.example"), ("b@x.example", "A@x.example", "new@mail.example")
    )
    first = item(0, mode="merge", before=("a@x.example",), after=("new@mail.example", "a@x.example"))
    assert judge_fresh(first, fresh(first, otherMails=["b@x.example"])) == Write(
        ("b@x.example",), ("new@mail.example", "b@x.example")
    )
    there = judge_fresh(last, fresh(last, otherMails=["NEW@mail.example"]))
    assert isinstance(there, Skip)
    assert there.reason == "already_present"


@pytest.mark.parametrize("mode", ["fill", "owned", "replace", "undo"])
def test_other_modes_write_over_nothing_but_what_was_planned(mode):
    each = item(0, mode=mode, before=("a@x.example",), after=("b@x.example",))
    assert isinstance(judge_fresh(each, fresh(each)), Write)
    changed = judge_fresh(each, fresh(each, otherMails=["c@x.example"]))
    assert isinstance(changed, Skip)
    assert changed.reason == "value_changed"


def test_taking_back_needs_no_proof_of_identity_and_giving_again_does():
    back = item(0, mode="undo", before=("a@x.example",), after=())
    again = item(0, mode="undo", before=(), after=("a@x.example",))
    changed = {"employeeId": "other", "userType": "Guest"}
    assert judge_fresh(back, fresh(back, **changed)) == Write(("a@x.example",), ())
    refused = judge_fresh(again, fresh(again, **changed))
    assert isinstance(refused, Skip)
    assert refused.reason == "guest"


@pytest.mark.parametrize("now", [["strasse@x.example", "b@x.example"], ["B@x.example", "Straße@x.example"]])
def test_what_stands_there_is_never_written_back_in_another_spelling(now):
    before = ("straße@x.example", "b@x.example")
    for after in ((*before, "new@x.example"), ("new@x.example", *before)):
        added = item(0, before=before, after=after, mode="merge")
        expected = (*now, "new@x.example") if after[0] == before[0] else ("new@x.example", *now)
        assert judge_fresh(added, fresh(added, otherMails=now)) == Write(tuple(now), expected)
    owned = item(0, before=before, after=("new@x.example", "b@x.example"), mode="owned")
    assert judge_fresh(owned, fresh(owned, otherMails=now)).reason == "value_changed"
    assert judge_fresh(owned, fresh(owned, otherMails=list(reversed(before)))) == Write(before[::-1], owned.after)
