"""Whether what was written stands: users read again until the directory agrees with itself, and what has drifted.

A good write may stay unseen for a while (no read-your-writes for applications), so what does not show yet is read
again, with growing pauses, for a bounded time. What is found goes into the journal.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from recon import __version__
from recon.backfill.items import Item, same_value
from recon.backfill.journal import Journal, Written, read_written
from recon.backfill.lanes import Lanes
from recon.backfill.pacing import Pacer, Waiting
from recon.backfill.plan import Plan
from recon.backfill.precondition import Reply, current_value
from recon.backfill.reread import reread
from recon.decode.times import utc_now_text

CONSISTENT, DRIFTED, DELETED, UNREADABLE = "consistent", "drifted", "deleted", "unreadable"
_FIRST_PAUSE = 5.0
_SYNC = 500  # entries between two syncs: a look can be repeated, a write cannot


@dataclass(frozen=True, slots=True)
class Drift:
    """An item that is not as we left it."""

    item: Item
    verdict: str
    expected: tuple[str, ...]
    found: tuple[str, ...] | None  # None when it could not be read


@dataclass
class Verified:
    """What was found, by verdict. `waited`: seconds until all agreed, or patience ended."""

    counts: Counter[str] = field(default_factory=Counter)
    drifts: list[Drift] = field(default_factory=list)
    rounds: int = 0
    waited: float = 0.0
    is_interrupted: bool = False


def verify(
    plan: Plan,
    journal: Journal,
    lanes: Lanes,
    pacer: Pacer,
    *,
    patience: float,
    user: str,
    waiting: Waiting | None = None,
    clock: Callable[[], float] = time.monotonic,
    advance: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Read every item that was done until it shows what was written, for at most `patience` seconds of waiting.

    Raises PlanError when the journal cannot be written, and what the lanes raise.
    """
    waiting = waiting or Waiting()
    written, _ = read_written(plan.journal_file)
    entry = {"type": "run", "kind": "verify", "plan": plan.hash, "tenant": plan.tenant_id, "tool": __version__}
    journal.add({**entry, "user": user, "at": utc_now_text()})
    result = Verified()
    began, pause = clock(), _FIRST_PAUSE
    pending = set(written)
    while pending and not waiting.is_stopped:
        result.rounds += 1
        is_last = clock() - began + pause > patience
        asked = pending
        pending = set()
        for number, item, reply in reread(_chosen(plan, asked), lanes, pacer, waiting=waiting, clock=clock):
            drift = judge_written(item, written[number], reply)
            if drift.verdict != CONSISTENT and not is_last:
                pending.add(number)
                continue
            _note(journal, number, drift)
            result.counts[drift.verdict] += 1
            if drift.verdict != CONSISTENT:
                result.drifts.append(drift)
            if result.counts.total() % _SYNC == 0:
                journal.sync()
            advance(1)
        journal.sync()
        if pending:
            waiting(pause)
            pause *= 2
    result.waited = clock() - began
    result.is_interrupted = waiting.is_stopped and result.counts.total() < len(written)
    return result


def _chosen(plan: Plan, numbers: set[int]) -> Iterator[tuple[int, Item]]:
    return ((number, item) for number, item in enumerate(plan.items()) if number in numbers)


def _note(journal: Journal, number: int, drift: Drift) -> None:
    entry = {"type": "verify", "item": number, "verdict": drift.verdict, "at": utc_now_text()}
    if drift.found is not None and drift.verdict != CONSISTENT:
        entry["found"] = list(drift.found)
    journal.add(entry)


def judge_written(item: Item, written: Written, reply: Reply) -> Drift:
    """What a fresh answer says of an item that was written."""
    if reply.status == 404:
        return Drift(item, DELETED, written.after, None)
    found = current_value(item.attribute, reply.body) if reply.is_success and reply.body is not None else None
    if found is None:
        return Drift(item, UNREADABLE, written.after, None)
    verdict = CONSISTENT if same_value(found, written.after) else DRIFTED
    return Drift(item, verdict, written.after, found)
