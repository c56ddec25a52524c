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

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from recon import __version__
from recon.backfill.items import Item, Value
from recon.backfill.journal import DONE, FAILED, SKIPPED, Journal
from recon.backfill.lanes import Carried, Change, Lanes
from recon.backfill.pacing import Pacer, Waiting
from recon.backfill.plan import Plan
from recon.backfill.precondition import Landed, Reply, Skip, Write, judge_fresh
from recon.backfill.result import Result
from recon.backfill.stops import Limits, Stops
from recon.decode.times import utc_now_text

BATCH = 20
_LONGEST_SLEEP = 1.0  # between two looks at the clock and at a request to stop


@dataclass(eq=False)
class _Work:
    number: int
    item: Item
    tries: int = 0
    not_before: float = 0.0
    sent: Value | None = None  # a write of this was sent and nobody knows what became of it
    is_charged: bool = False  # and the pace has counted it


@dataclass(eq=False)
class _Flight:
    """One batch on its way."""

    works: list[_Work]
    reading_at: float
    changes: list[Change] = field(default_factory=list)  # empty while it is re-read


class Apply:
    """One run over one plan. The journal is open and locked by the caller; `run` may be called once.

    `left`: the item's person has left since the plan was made, by what is loaded now. `is_over`: the window's end.
    """

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        lanes: Lanes,
        pacer: Pacer,
        *,
        limits: Limits | None = None,
        waiting: Waiting | None = None,
        clock: Callable[[], float] = time.monotonic,
        is_over: Callable[[], bool] = lambda: False,
        has_left: Callable[[Item], bool] = lambda _: False,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.plan, self.journal, self.lanes, self.pacer = plan, journal, lanes, pacer
        self.limits = limits or Limits()
        self.waiting = waiting or Waiting()
        self.clock, self.has_left, self.advance = clock, has_left, advance
        self.result = Result(plan.item_count)
        tried = sum(1 for outcome in journal.state.outcomes.values() if outcome != SKIPPED)
        self.stops = Stops(self.limits, tried, is_over)
        self._again: list[_Work] = []
        self._flying: set[_Flight] = set()
        self._error: Exception | None = None  # of a call that concerns every item alike

    def run(self, user: str, **facts: object) -> Result:
        """Carry out what is left of the plan. `user`: of the operating system; `facts`: more for the journal.

        Raises PlanError when the journal cannot be written (nothing more is sent then), and what the writer raises.
        """
        state = self.journal.state
        entry = {"type": "run", "plan": self.plan.hash, "tenant": self.plan.tenant_id, "tool": __version__}
        self.journal.add({**entry, "user": user, "torn_bytes": state.torn, "at": utc_now_text(), **facts})
        self.journal.sync()
        self._again = self._in_doubt()
        todo = self._todo()
        try:
            while self._turn(todo):
                pass
        except Exception:
            while self.lanes.busy:  # what is on its way ends, and stays in doubt
                self.lanes.next(_LONGEST_SLEEP)
            raise
        if self._error is not None:
            raise self._error
        return self._conclusion(len(state.outcomes))

    def _conclusion(self, decided: int) -> Result:
        result = self.result
        result.left = self.plan.item_count - decided
        result.slowed = self.pacer.slowed
        if result.left:  # else there was nothing left to stop
            result.stopped = self.stops.reason
            result.is_interrupted = self.waiting.is_stopped
            result.is_look = self.stops.is_look and result.stopped is None
            result.is_window_over = self.stops.is_over() and result.stopped is None
        return result

    # ---- what is to be done

    def _in_doubt(self) -> list[_Work]:
        """Items whose write may have landed before an earlier run ended; their re-read waits until it can tell."""
        doubtful = self.journal.state.intents
        if not doubtful:
            return []
        settled = self.clock() + self.limits.settle
        return [
            _Work(number, item, not_before=settled, sent=tuple(doubtful[number]["after"]))
            for number, item in enumerate(self.plan.items())
            if number in doubtful
        ]

    def _todo(self) -> Iterator[_Work]:
        done = set(self.journal.state.outcomes) | set(self.journal.state.intents)  # as they were when the run began
        for number, item in enumerate(self.plan.items()):
            if number not in done:
                yield _Work(number, item)

    @property
    def _may_begin(self) -> bool:
        return self._error is None and not self.waiting.is_stopped and not self.stops.is_stopping

    def _turn(self, todo: Iterator[_Work]) -> bool:
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

    def _begin(self, todo: Iterator[_Work]) -> float:
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
            soonest = min((work.not_before for work in self._again), default=None)
            # what is due and cannot go yet waits for another item of the same user, which is on its way
            return float("inf") if soonest is None else max(soonest - now, 1e-3)
        self.pacer.take(len(batch))
        flight = _Flight(batch, self.clock())
        self._flying.add(flight)
        self.lanes.read(flight, [work.item.object_id for work in batch])
        return 0.0

    def _next_batch(self, todo: Iterator[_Work], size: int, now: float) -> list[_Work]:
        """Up to `size` items, those whose waiting time is over first; no user twice, here or on its way."""
        users = {work.item.object_id for flight in self._flying for work in flight.works}
        batch: list[_Work] = []
        waiting: list[_Work] = []
        for work in self._again:
            if work.not_before > now or len(batch) == size or work.item.object_id in users:
                waiting.append(work)
            else:
                batch.append(work)
                users.add(work.item.object_id)
        while len(batch) < size and len(waiting) < self.limits.backlog and (fresh := next(todo, None)) is not None:
            # two attributes of one user never travel at once: their order would be open
            (waiting if fresh.item.object_id in users else batch).append(fresh)
            users.add(fresh.item.object_id)
        self._again = waiting
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
                self._again.append(work)
            elif reply.is_passing:
                self._postpone(work, reply)
            elif (write := self._settle(work, reply)) is not None:
                flight.works.append(work)
                flight.changes.append(self._intend(work, write))
        if taken > len(flight.works):
            self.pacer.give_back(taken - len(flight.works))
        return bool(flight.changes)

    def _settle(self, work: _Work, reply: Reply) -> Write | None:
        """What to write, or None when the item has got its outcome from the re-read."""
        verdict = judge_fresh(work.item, reply, sent=work.sent)
        if work.is_charged and not isinstance(verdict, Landed):
            self.pacer.give_back(1)
        work.is_charged = False
        if isinstance(verdict, Write) and self.has_left(work.item):
            verdict = Skip("terminated", "has left since the plan was made")
        if isinstance(verdict, Skip):
            self._outcome(work, SKIPPED, verdict.reason, detail=verdict.detail)
            if verdict.is_trouble:
                self.result.troubles += 1
                self.stops.doubtful(verdict.reason, verdict.detail)
            return None
        if isinstance(verdict, Write):
            return verdict
        self._outcome(work, DONE, "found", detail="the re-read shows that the write had landed")
        self.stops.done()
        return None

    def _intend(self, work: _Work, write: Write) -> Change:
        item = work.item
        change = Change(item.object_id, item.attribute, write.after, str(uuid.uuid4()))
        self.journal.add(
            {
                "type": "intent",
                "item": work.number,
                "object_id": item.object_id,
                "attribute": item.attribute,
                "before": list(write.before),
                "after": list(write.after),
                "client_request_id": change.client_request_id,
                "at": utc_now_text(),
            }
        )
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

    def _conclude(self, work: _Work, change: Change, reply: Reply, window: float) -> None:
        why = f"{reply.status} {reply.code or ''}".strip()
        if reply.is_success:
            self.result.windows_ms.append(window)
            self._outcome(work, DONE, "written", reply, window_ms=window)
            self.stops.done()
        elif reply.is_passing:
            if not reply.was_not_done:
                work.sent, work.is_charged = change.value, True
            entry = {"type": "attempt", "item": work.number, "status": reply.status, "code": reply.code}
            entry |= {"client_request_id": change.client_request_id, "request_id": reply.request_id}
            self.journal.add({**entry, "at": utc_now_text()})
            self._postpone(work, reply)
        elif reply.status == 404:
            self._outcome(work, SKIPPED, "deleted", reply, detail="no such user any more")
        else:
            reason = "privileged" if reply.status == 403 else "refused"
            self._outcome(work, FAILED, reason, reply)
            self.result.troubles += 1
            self.stops.failed(reason, why)

    def _postpone(self, work: _Work, reply: Reply) -> None:
        """Try the item again later in this run, or leave it for the next one."""
        work.tries += 1
        if work.tries >= self.limits.tries:
            why = f"{reply.status if reply.status > 0 else 'no answer'}"
            self.result.reasons[f"left: {why}"] += 1
            self.stops.left(why)
            return
        pause = min(self.limits.first_wait * 2.0 ** (work.tries - 1), self.limits.longest_wait)
        if reply.retry_after is not None:
            pause = max(reply.retry_after, 0.0)
        elif work.sent is not None:
            pause = max(pause, self.limits.settle)
        work.not_before = self.clock() + pause
        self._again.append(work)

    def _outcome(self, work: _Work, outcome: str, reason: str, reply: Reply | None = None, **more: object) -> None:
        entry: dict[str, object] = {"type": "outcome", "item": work.number, "outcome": outcome, "reason": reason}
        if reply is not None:
            entry |= {"status": reply.status, "code": reply.code, "request_id": reply.request_id}
        self.journal.add({**entry, **more, "at": utc_now_text()})
        self.result.counts[outcome] += 1
        if outcome != DONE:
            self.result.reasons[reason] += 1
        self.advance(1)
