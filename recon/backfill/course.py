"""What every way of writing does alike: who is left, what a re-read means, how an outcome is noted, how a run ends.

The ways differ in how a value travels and when its outcome is known: recon.backfill.apply, recon.backfill.upload.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recon import __version__
from recon.backfill.items import Item, Value
from recon.backfill.journal import DONE, PATCH, SKIPPED, Journal
from recon.backfill.pacing import LONGEST_PAUSE, Waiting
from recon.backfill.plan import Plan
from recon.backfill.precondition import Landed, Reply, Skip, Write, judge_fresh
from recon.backfill.reasons import SINCE_PLANNED
from recon.backfill.result import Result
from recon.backfill.stops import Limits, Stops
from recon.decode.times import utc_now_text


@dataclass(eq=False)
class Work:
    """One item on its way through a run."""

    number: int
    item: Item
    tries: int = 0
    not_before: float = 0.0
    sent: Value | None = None  # a write of this was sent and nobody knows what became of it
    is_charged: bool = False  # and the pace has counted it


class Course:
    """One run over one plan. The journal is open and locked by the caller. `now`: wall clock, as stored text.

    `objection`: a code of reasons.SINCE_PLANNED, where what is loaded now speaks against the item. `is_over`: the
    window's end.
    """

    way = PATCH

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        *,
        limits: Limits | None = None,
        waiting: Waiting | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], str] = utc_now_text,
        is_over: Callable[[], bool] = lambda: False,
        objection: Callable[[Item], str | None] = lambda _: None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.plan, self.journal = plan, journal
        self.limits = limits or Limits()
        self.waiting = waiting or Waiting()
        self.clock, self.now, self.objection, self.advance = clock, now, objection, advance
        self.result = Result(plan.item_count)
        tried = sum(1 for outcome in journal.state.outcomes.values() if outcome != SKIPPED)
        self.stops = Stops(self.limits, tried, is_over, lambda: plan.expiry(self.now()))
        self.again: list[Work] = []  # to be tried later in this run

    def begin(self, user: str, facts: dict[str, object]) -> None:
        """The journal's entry of this run, synced. `user`: of the operating system."""
        entry = {"type": "run", "plan": self.plan.hash, "tenant": self.plan.tenant_id, "tool": __version__}
        if self.way != PATCH:
            entry["way"] = self.way
        self.journal.add({**entry, "user": user, "torn_bytes": self.journal.state.torn, "at": self.now(), **facts})
        self.journal.sync()

    def todo(self) -> Iterator[Work]:
        """The items that were never touched, as it was when the run began."""
        done = set(self.journal.state.outcomes) | set(self.journal.state.intents)
        for number, item in enumerate(self.plan.items()):
            if number not in done:
                yield Work(number, item)

    def judge(self, work: Work, reply: Reply) -> Skip | Write | Landed:
        """What a re-read says, and then what was loaded since."""
        verdict = judge_fresh(work.item, reply, sent=work.sent)
        if isinstance(verdict, Write) and (code := self.objection(work.item)) is not None:
            return Skip(code, SINCE_PLANNED[code])
        return verdict

    def settle(self, work: Work, verdict: Skip | Write | Landed) -> Write | None:
        """What to write, or None when the item has got its outcome from the re-read, or is held."""
        if isinstance(verdict, Write) and self.stops.is_held:
            self.again.append(work)  # there may be long waits between the run's begin, the re-read and the write
            return None
        if isinstance(verdict, Write):
            return verdict
        if isinstance(verdict, Skip) and verdict.is_trouble and work.sent is not None:
            # a write may have landed, and this answer does not tell: the item stays in doubt, so that undo knows of it
            self.leave(verdict.reason)
            self.result.troubles += 1
            return None
        if isinstance(verdict, Skip):
            self.outcome(work, SKIPPED, verdict.reason, detail=verdict.detail)
            if verdict.is_trouble:
                self.result.troubles += 1
                self.stops.doubtful(verdict.reason, verdict.detail)
            return None
        self.outcome(work, DONE, "found", detail="the re-read shows that the write had landed")
        self.stops.done()
        return None

    def intend(self, work: Work, write: Write, client_request_id: str) -> None:
        """Note what is about to be sent; it counts once the journal is synced."""
        item = work.item
        self.journal.add(
            {
                "type": "intent",
                "item": work.number,
                "object_id": item.object_id,
                "attribute": item.attribute,
                "before": list(write.before),
                "after": list(write.after),
                "client_request_id": client_request_id,
                "at": self.now(),
            }
        )

    def attempt(self, work: Work, reply: Reply, client_request_id: str) -> None:
        """Note an answer that decides nothing."""
        entry = {"type": "attempt", "item": work.number, "status": reply.status, "code": reply.code}
        entry |= {"client_request_id": client_request_id, "request_id": reply.request_id}
        self.journal.add({**entry, "at": self.now()})

    def outcome(self, work: Work, outcome: str, reason: str, reply: Reply | None = None, **more: object) -> None:
        """The final word on an item."""
        entry: dict[str, object] = {"type": "outcome", "item": work.number, "outcome": outcome, "reason": reason}
        if reply is not None:
            entry |= {"status": reply.status, "code": reply.code, "request_id": reply.request_id}
        self.journal.add({**entry, **more, "at": self.now()})
        self.result.counts[outcome] += 1
        if outcome != DONE:
            self.result.reasons[reason] += 1
        self.advance(1)

    def leave(self, why: str) -> None:
        """Leave an item for the next run."""
        self.result.reasons[f"left: {why}"] += 1
        self.stops.left(why)

    def postpone(self, work: Work, reply: Reply) -> None:
        """Try the item again later in this run, or leave it for the next one.

        A limit of the whole tenant that asks for too long a wait ends the run.
        """
        work.tries += 1
        if reply.retry_after is not None and reply.retry_after > LONGEST_PAUSE:
            if self.result.is_allowance_over:  # which ends the run by itself
                return
            if reply.is_limit:
                self.stops.stop(f"the service asked to wait {reply.retry_after:.0f} s")
            self.leave("asked to wait too long")
            return
        if work.tries >= self.limits.tries:
            self.leave(f"{reply.status if reply.status > 0 else 'no answer'}")
            return
        pause = min(self.limits.first_wait * 2.0 ** (work.tries - 1), self.limits.longest_wait)
        if reply.retry_after is not None:
            pause = max(reply.retry_after, 0.0)
        elif work.sent is not None:
            pause = max(pause, self.limits.settle)
        work.not_before = self.clock() + pause
        self.again.append(work)

    def conclusion(self) -> Result:
        """What the run came to."""
        result = self.result
        result.left = self.plan.item_count - len(self.journal.state.outcomes)
        if result.left:  # else there was nothing left to stop
            result.stopped = self.stops.reason
            result.is_interrupted = self.waiting.is_stopped
            result.is_look = self.stops.is_look and result.stopped is None
            result.is_window_over = self.stops.is_over() and result.stopped is None
        return result
