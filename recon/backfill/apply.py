"""Carrying out a plan: re-read, journal the intent, write, journal the outcome; stop, go on, never twice.

The order inside a batch of at most 20 is the point of this module:
    1. wait for the pace          so that nothing waits between the re-read and the write
    2. re-read                    skip whose precondition no longer holds
    3. intents, synced to disk    from here on a crash leaves a trace
    4. write
    5. outcomes, synced to disk
A write whose answer was lost is never sent again blindly: the item is re-read first, and its value decides. Graph has
no conditional write, so what happens between 2 and 4 cannot be prevented; that window is measured and reported.
"""

import statistics
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from recon import __version__
from recon.backfill.items import Item, Value
from recon.backfill.journal import DONE, FAILED, SKIPPED, Journal
from recon.backfill.pacing import Pacer, Waiting
from recon.backfill.plan import Plan
from recon.backfill.precondition import Reply, Skip, judge_fresh
from recon.decode.times import utc_now_text

BATCH = 20
_LAST = 100  # items over which the failure share is taken
_FEWEST = 20  # items before the share says anything


@dataclass(frozen=True, slots=True)
class Change:
    """One write: the whole value of one attribute of one user."""

    object_id: str
    attribute: str
    value: Value
    client_request_id: str


class Writer(Protocol):
    """The directory as apply sees it. At most 20 a call; one reply each, in order; never tries again by itself.

    Raises what concerns every item alike (sign-in refused, host unreachable); a single item's trouble is its reply.
    """

    def read(self, object_ids: list[str]) -> list[Reply]:
        """The users' present properties."""
        ...

    def write(self, changes: list[Change]) -> list[Reply]:
        """Send the changes."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop and how long to try. Seconds; shares from 0 to 1."""

    canary: int = 25
    max_failure_share: float = 0.1
    tries: int = 8  # of one item in one run, before it is left for the next
    first_wait: float = 1.0  # before the second try, doubled for each further one
    longest_wait: float = 60.0
    settle: float = 5.0  # before the re-read that decides a write whose answer was lost


@dataclass
class Result:
    """What one run did. `left`: items without a final outcome, for the next run."""

    items: int
    counts: Counter[str] = field(default_factory=Counter)  # outcomes of this run
    reasons: Counter[str] = field(default_factory=Counter)  # of what was skipped or failed in this run
    troubles: int = 0  # items that failed, or whose answer was not what it should be
    left: int = 0
    stopped: str | None = None  # why the run stopped early
    is_interrupted: bool = False
    windows_ms: list[float] = field(default_factory=list)

    @property
    def window_text(self) -> str | None:
        """The time between re-read and write, in words; None when nothing was written."""
        if not self.windows_ms:
            return None
        return f"median {statistics.median(self.windows_ms):.0f} ms, longest {max(self.windows_ms):.0f} ms"


@dataclass(eq=False)
class _Work:
    number: int
    item: Item
    tries: int = 0
    not_before: float = 0.0
    is_in_doubt: bool = False  # a write was sent and nobody knows what became of it


def preview(
    plan: Plan, writer: Writer, *, waiting: Callable[[float], None] = time.sleep, tries: int = 6
) -> Iterator[tuple[Item, Skip | None]]:
    """Every item with why it would be skipped now, or None: it would be written. Reads only."""
    items = plan.items()
    while batch := list(islice(items, BATCH)):
        replies = writer.read([item.object_id for item in batch])
        for number in range(tries):
            again = [place for place, reply in enumerate(replies) if reply.is_passing]
            if not again:
                break
            asked = [replies[place].retry_after for place in again]
            waiting(max([2.0**number, *(seconds for seconds in asked if seconds is not None)]))
            fresh = writer.read([batch[place].object_id for place in again])
            for place, reply in zip(again, fresh, strict=True):
                replies[place] = reply
        for item, reply in zip(batch, replies, strict=True):
            verdict = judge_fresh(item, reply)
            yield item, verdict if isinstance(verdict, Skip) else None


# ---- the run ----------------------------------------------------------------------------------------------


class Apply:
    """One run over one plan. The journal is open and locked by the caller; `run` may be called once."""

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        writer: Writer,
        pacer: Pacer,
        *,
        limits: Limits | None = None,
        waiting: Waiting | None = None,
        clock: Callable[[], float] = time.monotonic,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.plan, self.journal, self.writer, self.pacer = plan, journal, writer, pacer
        self.limits = limits or Limits()
        self.waiting = waiting or Waiting()
        self.clock = clock
        self.advance = advance
        self.result = Result(plan.item_count)
        self._recent: deque[bool] = deque(maxlen=_LAST)
        self._refused: str | None = None  # a 403 among the canary
        self._tried = sum(1 for outcome in journal.state.outcomes.values() if outcome != SKIPPED)

    def run(self, user: str) -> Result:
        """Carry out what is left of the plan. `user`: of the operating system, for the journal.

        Raises PlanError when the journal cannot be written (nothing more is sent then), and what the writer raises.
        """
        state = self.journal.state
        self.journal.add(
            {
                "type": "run",
                "plan": self.plan.hash,
                "tenant": self.plan.tenant_id,
                "tool": __version__,
                "user": user,
                "torn_bytes": state.torn,
                "at": utc_now_text(),
            }
        )
        self.journal.sync()
        again = self._in_doubt()
        todo = self._todo()
        while not self.waiting.is_stopped and self.result.stopped is None:
            batch = self._next_batch(todo, again)
            if not batch:
                break
            self._run_batch(batch, again)
            self._judge_failures()
        self.result.left = self.plan.item_count - len(state.outcomes)
        if self.result.left == 0:
            self.result.stopped = None  # there was nothing left to stop
        self.result.is_interrupted = self.waiting.is_stopped and self.result.left > 0
        return self.result

    def _in_doubt(self) -> list[_Work]:
        """Items whose write may have landed before an earlier run ended; their re-read waits until it can tell."""
        doubtful = set(self.journal.state.intents)
        if not doubtful:
            return []
        settled = self.clock() + self.limits.settle
        return [
            _Work(number, item, not_before=settled, is_in_doubt=True)
            for number, item in enumerate(self.plan.items())
            if number in doubtful
        ]

    def _todo(self) -> Iterator[_Work]:
        done = set(self.journal.state.outcomes) | set(self.journal.state.intents)  # as they were when the run began
        for number, item in enumerate(self.plan.items()):
            if number not in done:
                yield _Work(number, item)

    def _next_batch(self, todo: Iterator[_Work], again: list[_Work]) -> list[_Work]:
        """Up to 20 items: those whose waiting time is over first; waits when nothing else is left."""
        size = min(BATCH, self.pacer.largest)
        if self._tried < self.limits.canary:
            size = min(size, self.limits.canary - self._tried)
        now = self.clock()
        due = [work for work in again if work.not_before <= now][:size]
        fresh = list(islice(todo, size - len(due)))
        if again and not due and not fresh:
            first = min(work.not_before for work in again)
            self.waiting(first - now)
            if self.waiting.is_stopped:
                return []
            due = [work for work in again if work.not_before <= max(first, self.clock())][:size]
        again[:] = [work for work in again if work not in due]
        return due + fresh

    def _run_batch(self, batch: list[_Work], again: list[_Work]) -> None:
        self.pacer.take(len(batch))
        if self.waiting.is_stopped:  # nothing of this batch has begun
            self.pacer.give_back(len(batch))
            return
        reading_at = self.clock()
        replies = self.writer.read([work.item.object_id for work in batch])
        ready = []
        self._pace(replies)
        for work, reply in zip(batch, replies, strict=True):
            if reply.is_passing:
                self._postpone(work, reply, again)
            elif (before := self._settle(work, reply)) is not None:
                ready.append((work, before))
        self.pacer.give_back(len(batch) - len(ready))
        if not ready:
            self.journal.sync()
            return
        changes = [self._intend(work, before) for work, before in ready]
        self.journal.sync()
        answers = self.writer.write(changes)
        # from sending the re-read to the answer to the write: the true window is no longer than that
        window = round((self.clock() - reading_at) * 1000, 1)
        self._pace(answers)
        for (work, _), change, reply in zip(ready, changes, answers, strict=True):
            self._conclude(work, change, reply, window, again)
        self.journal.sync()

    def _pace(self, replies: list[Reply]) -> None:
        """Tell the pacer, once a batch, what the service says about our speed."""
        self.pacer.saw(max((reply.throttle for reply in replies if reply.throttle is not None), default=None))
        refused = [reply.retry_after for reply in replies if reply.status == 429]
        if refused:
            self.pacer.refused(max((seconds for seconds in refused if seconds is not None), default=None))

    def _settle(self, work: _Work, reply: Reply) -> Value | None:
        """The value to write over, or None when the item has got its outcome from the re-read."""
        verdict = judge_fresh(work.item, reply, is_in_doubt=work.is_in_doubt)
        if isinstance(verdict, Skip):
            self._outcome(work, SKIPPED, verdict.reason, is_trouble=verdict.is_trouble, detail=verdict.detail)
            return None
        if verdict is None:
            self._outcome(work, DONE, "found", detail="the re-read shows that the write had landed")
            return None
        return verdict

    def _intend(self, work: _Work, before: Value) -> Change:
        item = work.item
        change = Change(item.object_id, item.attribute, item.after, str(uuid.uuid4()))
        self.journal.add(
            {
                "type": "intent",
                "item": work.number,
                "object_id": item.object_id,
                "attribute": item.attribute,
                "before": list(before),
                "after": list(item.after),
                "client_request_id": change.client_request_id,
                "at": utc_now_text(),
            }
        )
        return change

    def _conclude(self, work: _Work, change: Change, reply: Reply, window: float, again: list[_Work]) -> None:
        if reply.is_success:
            self.result.windows_ms.append(window)
            self._outcome(work, DONE, "written", reply, window_ms=window)
        elif reply.is_passing:
            work.is_in_doubt = work.is_in_doubt or not reply.was_not_done
            entry = {"type": "attempt", "item": work.number, "status": reply.status, "code": reply.code}
            self.journal.add({**entry, "client_request_id": change.client_request_id, "at": utc_now_text()})
            self._postpone(work, reply, again)
        elif reply.status == 404:
            self._outcome(work, SKIPPED, "deleted", reply, detail="no such user any more")
        else:
            self._outcome(work, FAILED, "privileged" if reply.status == 403 else "refused", reply, is_trouble=True)

    def _postpone(self, work: _Work, reply: Reply, again: list[_Work]) -> None:
        """Try the item again later in this run, or leave it for the next one."""
        work.tries += 1
        if work.tries >= self.limits.tries:
            self._recent.append(False)
            self.result.reasons[f"left: {reply.status if reply.status > 0 else 'no answer'}"] += 1
            if self._is_canary():
                self.result.stopped = "an item of the canary got no answer"
            return
        pause = min(self.limits.first_wait * 2.0 ** (work.tries - 1), self.limits.longest_wait)
        if reply.retry_after is not None:
            pause = max(reply.retry_after, 0.0)
        elif work.is_in_doubt:
            pause = max(pause, self.limits.settle)
        work.not_before = self.clock() + pause
        again.append(work)

    def _outcome(
        self,
        work: _Work,
        outcome: str,
        reason: str,
        reply: Reply | None = None,
        *,
        is_trouble: bool = False,
        **more: object,
    ) -> None:
        entry: dict[str, object] = {"type": "outcome", "item": work.number, "outcome": outcome, "reason": reason}
        if reply is not None:
            entry |= {"status": reply.status, "code": reply.code, "request_id": reply.request_id}
        self.journal.add({**entry, **more, "at": utc_now_text()})
        self.result.counts[outcome] += 1
        if outcome != DONE:
            self.result.reasons[reason] += 1
        if is_trouble:
            self.result.troubles += 1
            if self._is_canary():
                why = f"{reply.status} {reply.code or ''}".strip() if reply else more["detail"]
                told = f"an item of the canary was not written ({reason}: {why})"
                if reason == "privileged":
                    self._refused = told
                else:
                    self.result.stopped = told
        if outcome != SKIPPED:
            self._tried += 1
        if outcome != SKIPPED or is_trouble:
            self._recent.append(not is_trouble)
        self.advance(1)

    def _is_canary(self) -> bool:
        return self._tried < self.limits.canary

    def _judge_failures(self) -> None:
        # one person whom Graph protects is that person's own reason; nobody written at all is a right that we lack
        if self._refused is not None and not self.result.counts[DONE]:
            self.result.stopped = self.result.stopped or self._refused
        failed = self._recent.count(False)
        if len(self._recent) >= _FEWEST and failed > self.limits.max_failure_share * len(self._recent):
            self.result.stopped = self.result.stopped or f"{failed} of the last {len(self._recent)} items failed"


def count_outcomes(items: int, outcomes: Iterable[str]) -> dict[str, int]:
    """Items by outcome, those without one as `open`."""
    counts = Counter(outcomes)
    return {**{name: counts[name] for name in (DONE, SKIPPED, FAILED)}, "open": items - counts.total()}
