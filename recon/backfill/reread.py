"""Many users read again, in batches on several lanes, within the read quota: for a look before, and to verify after.

Nothing is written here. One resource unit a user: GET /users/{id} with $select.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from recon.backfill.items import Item
from recon.backfill.lanes import Lanes
from recon.backfill.pacing import Pacer, Waiting
from recon.backfill.plan import Plan
from recon.backfill.precondition import Reply, Skip, judge_fresh
from recon.backfill.reasons import SINCE_PLANNED

BATCH = 20
_LONGEST_SLEEP = 1.0


@dataclass(eq=False)
class _Asked:
    number: int
    item: Item
    tries: int = 0
    not_before: float = 0.0


def reread(
    items: Iterable[tuple[int, Item]],
    lanes: Lanes,
    pacer: Pacer,
    *,
    waiting: Waiting | None = None,
    clock: Callable[[], float] = time.monotonic,
    tries: int = 6,
) -> Iterator[tuple[int, Item, Reply]]:
    """The present answer for each item, in the order in which they come; passing trouble is tried again.

    Ends early on a request to stop. Raises what concerns every item alike.
    """
    waiting = waiting or Waiting()
    fresh = (_Asked(number, item) for number, item in items)
    again: list[_Asked] = []
    flying = 0
    while not waiting.is_stopped or flying:
        pause = 0.0
        while flying < lanes.width and not waiting.is_stopped:
            now = clock()
            due = [asked for asked in again if asked.not_before <= now][:BATCH]
            if (pause := pacer.pause(BATCH)) > 0:
                break
            batch = due + list(islice(fresh, BATCH - len(due)))
            if not batch:
                pause = max(min((asked.not_before for asked in again), default=now) - now, 0.0)
                break
            again = [asked for asked in again if asked not in due]
            pacer.take(len(batch))
            lanes.read(batch, [asked.item.object_id for asked in batch])
            flying += 1
        if not flying:
            if not again and pause == 0.0:
                return
            waiting(min(pause, _LONGEST_SLEEP))
            continue
        carried = lanes.next(min(pause or _LONGEST_SLEEP, _LONGEST_SLEEP))
        if carried is None:
            continue
        flying -= 1
        if carried.error is not None:
            raise carried.error
        pacer.answered([reply.status for reply in carried.replies])
        for asked, reply in zip(carried.mark, carried.replies, strict=True):
            asked.tries += 1
            if reply.is_limit:
                pacer.refused(reply.retry_after)
            if reply.is_passing and asked.tries < tries:
                wait = reply.retry_after if reply.retry_after is not None else 2.0 ** (asked.tries - 1)
                asked.not_before = clock() + wait
                again.append(asked)
            else:
                yield asked.number, asked.item, reply


def preview(
    plan: Plan,
    lanes: Lanes,
    pacer: Pacer,
    *,
    waiting: Waiting | None = None,
    clock: Callable[[], float] = time.monotonic,
    objection: Callable[[Item], str | None] = lambda _: None,
) -> Iterator[tuple[Item, Skip | None]]:
    """Every item with why it would be skipped now, or None: it would be written. Reads only."""
    for _, item, reply in reread(enumerate(plan.items()), lanes, pacer, waiting=waiting, clock=clock):
        verdict = judge_fresh(item, reply)
        if isinstance(verdict, Skip):
            yield item, verdict
        else:
            code = objection(item)
            yield item, None if code is None else Skip(code, SINCE_PLANNED[code])
