"""Carrying out a plan: re-read, journal the intent, write, journal the outcome; stop, go on, never twice.

Several batches of at most 20 are on their way at once; the way of each is the point of this module:
    1. the pace grants it         so that nothing waits between the re-read and the write
    2. re-read                    skip whose precondition no longer holds
    3. intents, synced to disk    from here on a crash leaves a trace
    4. write
    5. outcomes, synced to disk
A write whose answer was lost is never sent again blindly: the item is re-read first, and its value decides. Graph has
no conditional write, so what happens between 2 and 4 cannot be prevented; that window is measured and reported.
One thread judges and journals; only the calls run beside it (recon.backfill.lanes).
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recon.backfill.course import Course, Work
from recon.backfill.journal import DONE, FAILED, SKIPPED, Journal, may_have_landed
from recon.backfill.lanes import Carried, Change, Lanes
from recon.backfill.pacing import Pacer
from recon.backfill.plan import Plan
from recon.backfill.precondition import NOT_DONE, Landed, Reply, Write
from recon.backfill.result import Result
from recon.errors import AccessError, SignInError

BATCH = 20
_LONGEST_SLEEP = 1.0  # between two looks at the clock and at a request to stop


@dataclass(eq=False)
class _Flight:
    """One batch on its way."""

    works: list[Work]
    reading_at: float
    changes: list[Change] = field(default_factory=list)  # empty while it is re-read


class Apply(Course):
    """One run over one plan by PATCH; see Course. `run` may be called once."""

    def __init__(self, plan: Plan, journal: Journal, lanes: Lanes, pacer: Pacer, **options: Any) -> None:
        super().__init__(plan, journal, **options)
        self.lanes, self.pacer = lanes, pacer
        self._flying: set[_Flight] = set()
        self._error: Exception | None = None  # of a call that concerns every item alike

    def run(self, user: str, **facts: object) -> Result:
        """Carry out what is left of the plan. `user`: of the operating system; `facts`: more for the journal.

        Raises PlanError when the journal cannot be written (nothing more is sent then), and what the writer raises.
        """
        self.begin(user, facts)
        self.again = self._in_doubt()
        todo = self.todo()
        try:
            while self._turn(todo):
                pass
        except Exception:
            while self.lanes.busy:  # what is on its way ends, and stays in doubt
                self.lanes.next(_LONGEST_SLEEP)
            raise
        if self._error is not None:
            raise self._error
        self.result.slowed = self.pacer.slowed
        return self.conclusion()

    # ---- what is to be done

    def _in_doubt(self) -> list[Work]:
        """Items that an earlier run began and did not end; their re-read waits until it can tell what landed."""
        doubtful = self.journal.state.intents
        if not doubtful:
            return []
        settled = self.clock() + self.limits.settle
        return [
            Work(number, item, not_before=settled, sent=tuple(intent["after"]) if may_have_landed(intent) else None)
            for number, item in enumerate(self.plan.items())
            if (intent := doubtful.get(number)) is not None
        ]

    @property
    def _may_begin(self) -> bool:
        return self._error is None and not self.waiting.is_stopped and not self.stops.is_stopping

    def _turn(self, todo: Iterator[Work]) -> bool:
        """Send what may be sent, then wait for what comes first; False when the run is over."""
        pause = 0.0
        while self._may_begin and len(self._flying) < self.lanes.width and pause == 0.0:
            pause = self._begin(todo)
        if self._flying:
            self._collect(min(pause or _LONGEST_SLEEP, _LONGEST_SLEEP))
            return True
        if not self._may_begin or pause == float("inf"):
            return False
        self.waiting(min(pause, _LONGEST_SLEEP))
        return True

    def _begin(self, todo: Iterator[Work]) -> float:
        """Re-read the next batch and return 0; or the seconds to wait first, infinity when nothing is left."""
        size = min(BATCH, self.pacer.largest)
        if self.stops.canary_left:
            size = min(size, self.stops.canary_left - sum(len(flight.works) for flight in self._flying))
            if size <= 0:  # the canary is whole on its way
                return _LONGEST_SLEEP
        if pause := self.pacer.pause(size):
            return pause
        now = self.clock()
        batch = self._next_batch(todo, size, now)
        if not batch:
            soonest = min((work.not_before for work in self.again), default=None)
            # what is due and cannot go yet waits for another item of the same user, which is on its way
            return float("inf") if soonest is None else max(soonest - now, 1e-3)
        self.pacer.take(len(batch))
        flight = _Flight(batch, self.clock())
        self._flying.add(flight)
        self.lanes.read(flight, [work.item.object_id for work in batch])
        return 0.0

    def _next_batch(self, todo: Iterator[Work], size: int, now: float) -> list[Work]:
        """Up to `size` items, those whose waiting time is over first; no user twice, here or on its way."""
        users = {work.item.object_id for flight in self._flying for work in flight.works}
        batch: list[Work] = []
        waiting: list[Work] = []
        for work in self.again:
            if work.not_before > now or len(batch) == size or work.item.object_id in users:
                waiting.append(work)
            else:
                batch.append(work)
                users.add(work.item.object_id)
        while len(batch) < size and len(waiting) < self.limits.backlog and (fresh := next(todo, None)) is not None:
            # two attributes of one user never travel at once: their order would be open
            (waiting if fresh.item.object_id in users else batch).append(fresh)
            users.add(fresh.item.object_id)
        self.again = waiting
        return batch

    # ---- what came back

    def _collect(self, seconds: float) -> None:
        """Journal what came back, sync once, send the writes that follow from it."""
        ready: list[_Flight] = []
        carried = self.lanes.next(seconds)
        while carried is not None:
            self._take(carried, ready)
            carried = self.lanes.next(0.0)
        self.journal.sync()
        self.stops.judge()
        for flight in ready:
            self.lanes.write(flight, flight.changes)

    def _take(self, carried: Carried, ready: list[_Flight]) -> None:
        flight: _Flight = carried.mark
        if carried.error is not None:
            self._error = self._error or carried.error
            self._flying.discard(flight)
            if isinstance(carried.error, SignInError | AccessError):  # refused as a whole: nothing was written
                for work, change in zip(flight.works, flight.changes, strict=False):  # no changes in a re-read
                    self.attempt(work, Reply(NOT_DONE), change.client_request_id)
        elif flight.changes:
            self._flying.discard(flight)
            self._take_answers(flight, carried.replies)
        elif self._take_reread(flight, carried.replies):
            ready.append(flight)
        else:
            self._flying.discard(flight)

    def _take_reread(self, flight: _Flight, replies: list[Reply]) -> bool:
        """Intents for what may be written; False when nothing of the batch may."""
        self._note("read", replies)
        taken = len(flight.works)
        # a stop for failures holds back what is not written yet; a request to stop lets it end
        is_held = self._error is not None or self.stops.reason is not None
        works, flight.works = flight.works, []
        for work, reply in zip(works, replies, strict=True):
            if is_held:
                self.again.append(work)
            elif reply.is_passing:
                self.postpone(work, reply)
            elif (write := self._settle(work, reply)) is not None:
                flight.works.append(work)
                flight.changes.append(self._intend(work, write))
        if taken > len(flight.works):
            self.pacer.give_back(taken - len(flight.works))
        return bool(flight.changes)

    def _settle(self, work: Work, reply: Reply) -> Write | None:
        """What to write, or None when the item has got its outcome from the re-read."""
        verdict = self.judge(work, reply)
        if work.is_charged and not isinstance(verdict, Landed):
            self.pacer.give_back(1)
        work.is_charged = False
        return self.settle(work, verdict)

    def _intend(self, work: Work, write: Write) -> Change:
        change = Change(work.item.object_id, work.item.attribute, write.after, str(uuid.uuid4()))
        self.intend(work, write, change.client_request_id)
        return change

    def _take_answers(self, flight: _Flight, replies: list[Reply]) -> None:
        self._note("write", replies)
        # from sending the re-read to the answer to the write: the true window is no longer than that
        window = round((self.clock() - flight.reading_at) * 1000, 1)
        refused = sum(reply.was_not_done for reply in replies)
        if refused:
            self.pacer.give_back(refused)
        for work, change, reply in zip(flight.works, flight.changes, replies, strict=True):
            self._conclude(work, change, reply, window)

    def _note(self, kind: str, replies: list[Reply]) -> None:
        """Count the answers, and tell the pacer what the service says about our speed."""
        self.result.calls.update(f"{kind} {reply.status}" for reply in replies)
        self.pacer.answered([reply.status for reply in replies])
        self.pacer.saw(max((reply.throttle for reply in replies if reply.throttle is not None), default=None))
        hits = [reply.retry_after for reply in replies if reply.is_limit]
        if hits:
            self.pacer.refused(max((seconds for seconds in hits if seconds is not None), default=None))

    def _conclude(self, work: Work, change: Change, reply: Reply, window: float) -> None:
        why = f"{reply.status} {reply.code or ''}".strip()
        if reply.is_success:
            self.result.windows_ms.append(window)
            self.outcome(work, DONE, "written", reply, window_ms=window)
            self.stops.done()
        elif reply.is_passing:
            if not reply.was_not_done:
                work.sent, work.is_charged = change.value, True
            self.attempt(work, reply, change.client_request_id)
            self.postpone(work, reply)
        elif reply.status == 404:
            self.outcome(work, SKIPPED, "deleted", reply, detail="no such user any more")
        else:
            reason = "privileged" if reply.status == 403 else "refused"
            self.outcome(work, FAILED, reason, reply)
            self.result.troubles += 1
            self.stops.failed(reason, why)
