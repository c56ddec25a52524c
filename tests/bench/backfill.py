"""How fast a campaign writes: the quota used at the published limits, and four ways of sending side by side.

In virtual time: the Graph simulator keeps the limits, each call takes its latency, and nothing sleeps. The figures say
how a way of sending fares against the limits; they say nothing of Microsoft's own speed.
"""

import random
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recon.backfill.apply import BATCH, Apply
from recon.backfill.journal import Journal
from recon.backfill.lanes import Change
from recon.backfill.pacing import QUOTA_SECONDS, QUOTA_WRITES, Pacer
from recon.backfill.plan import Plan, freeze
from recon.backfill.precondition import Reply
from recon.backfill.result import Result
from recon.backfill.stops import Limits
from recon.backfill.virtual import VirtualLanes, VirtualTime
from recon.backfill.writer import GraphWriter
from recon.lab.graph import App, Fault, GraphSimulator, Tenant
from recon.lab.graph import Limits as Published
from recon.lab.graph.inprocess import InProcessGraph
from tests.backfill.make import TENANT, header, item
from tests.backfill.tenant import user_of

_RATE = QUOTA_WRITES / QUOTA_SECONDS
LATENCY = 0.03  # seconds of one call in the side by side, as of the peers' measurement


@dataclass(frozen=True)
class Campaign:
    """One run and what the simulator saw of it."""

    plan: Plan
    result: Result
    seconds: float  # virtual
    effective_writes: int
    refused_by_limit: int  # what the limits refused; refusals that the fault profile injects are not among them
    calls: int  # items of batches
    most_in_window: int

    @property
    def quota_used(self) -> float:
        """Writes done, as a share of what the quota allows in that time."""
        return self.effective_writes / self.seconds / _RATE

    @property
    def refused_share(self) -> float:
        """Calls that the limits refused."""
        return self.refused_by_limit / self.calls


def _simulator(count: int, clock: Callable[[], float], *, is_faulty: bool, seed: int) -> GraphSimulator:
    """A tenant of so many users at the published limits. Faulty: 5 % of items or calls, writes seen up to 3 s late."""
    faults = [
        Fault("429-none", match=r"/users/", probability=1 / 60, times=None),
        Fault("503", match=r"/users/", probability=1 / 60, times=None),
        Fault("reset", probability=1 / 120, times=None),
        Fault("reset-after", probability=1 / 120, times=None),
    ]
    return GraphSimulator(
        [Tenant(TENANT, [user_of(item(number)) for number in range(count)])],
        apps={"app": App("secret", ("User.ReadWrite.All",))},
        limits=Published(),
        faults=faults if is_faulty else (),
        eventual=3.0 if is_faulty else None,
        seed=seed,
        monotonic=clock,
    )


def campaign_at_the_limit(
    folder: Path, count: int, *, is_faulty: bool = False, latency: tuple[float, float] = (0.1, 0.5), seed: int = 1
) -> Campaign:
    """One campaign with the share set to 100 %, canary and all."""
    thresholds = {"max_items": count, "max_share": 1.0}
    plan = freeze(folder / "plans", header(thresholds=thresholds), (item(number) for number in range(count)))
    virtual = VirtualTime(1000.0)
    simulator = _simulator(count, virtual.clock, is_faulty=is_faulty, seed=seed)
    graph = InProcessGraph(simulator, TENANT, "app")
    draw = random.Random(seed)
    writer = _Counted(GraphWriter(graph, graph, now=time.time), virtual.clock)
    lanes = VirtualLanes(writer, virtual, lambda: draw.uniform(*latency))
    with Journal(plan.journal_file) as journal:
        limits = Limits(max_failure_share=1.0)
        engine = Apply(
            plan,
            journal,
            lanes,
            Pacer(1.0, clock=virtual.clock),
            limits=limits,
            waiting=virtual,
            clock=virtual.clock,
            now=lambda: str(plan.header["created_at"]),
        )
        began = virtual.now
        result = engine.run("bench")
    return Campaign(
        plan,
        result,
        virtual.now - began,
        sum(write.before != write.after for write in simulator.writes),
        simulator.service.throttled,
        sum(result.calls.values()),
        writer.most(),
    )


# ---- side by side


@dataclass(frozen=True)
class Way:
    """One way of sending: how it fared. `most`: writes done in any 150 s; `refused`: calls answered 429."""

    name: str
    seconds: float
    done: int
    most: int
    refused: int

    @property
    def respects_the_limit(self) -> bool:
        """Never more than 3,000 writes in 150 s, which is how the limit is published."""
        return self.most <= QUOTA_WRITES


class _Counted:
    """A writer that notes when writes were done."""

    def __init__(self, inner: GraphWriter, clock: Callable[[], float]) -> None:
        self._inner, self._clock = inner, clock
        self.done: list[tuple[float, int]] = []

    def read(self, object_ids: list[str]) -> list[Reply]:
        return self._inner.read(object_ids)

    def write(self, changes: list[Change]) -> list[Reply]:
        replies = self._inner.write(changes)
        self.done.append((self._clock(), sum(reply.is_success for reply in replies)))
        return replies

    def most(self) -> int:
        """The most writes done in any 150 s."""
        window: deque[tuple[float, int]] = deque()
        inside = most = 0
        for at, count in self.done:
            window.append((at, count))
            inside += count
            while window[0][0] <= at - QUOTA_SECONDS:
                inside -= window.popleft()[1]
            most = max(most, inside)
        return most


def _plain(name: str, count: int, *, width: int, size: int, is_paced: bool = False) -> Way:
    """Writes without a re-read or a journal; after a 429 nothing is sent before its Retry-After is over."""
    virtual = VirtualTime(1000.0)
    simulator = _simulator(count, virtual.clock, is_faulty=False, seed=1)
    graph = InProcessGraph(simulator, TENANT, "app")
    writer = _Counted(GraphWriter(graph, graph, now=time.time), virtual.clock)
    lanes = VirtualLanes(writer, virtual, lambda: LATENCY, width=width)
    pacer = Pacer(1.0, clock=virtual.clock) if is_paced else None
    waiting = deque(range(count))
    not_before, refused = 0.0, 0
    while waiting or lanes.busy:
        pause = max(0.0, not_before - virtual.now)
        if pacer is not None and not pause:
            pause = pacer.pause(size)
        if waiting and lanes.busy < width and not pause:
            batch = [waiting.popleft() for _ in range(min(size, len(waiting)))]
            if pacer is not None:
                pacer.take(len(batch))
            lanes.write(batch, [Change(item(n).object_id, "otherMails", item(n).after, str(n)) for n in batch])
            continue
        carried = lanes.next(min(pause or 1.0, 1.0))
        if carried is None:
            continue
        for number, reply in zip(carried.mark, carried.replies, strict=True):
            if not reply.is_success:
                refused += 1
                not_before = max(not_before, virtual.now + (reply.retry_after or 1.0))
                waiting.append(number)
    return Way(name, virtual.now - 1000.0, sum(each for _, each in writer.done), writer.most(), refused)


def side_by_side(count: int = 12_000) -> list[Way]:
    """One by one, 8 parallel PATCHes, $batch on 4 lanes, the same under our pace, and recon; each on a fresh tenant."""
    ways = [
        _plain("one by one", count, width=1, size=1),
        _plain("8 parallel PATCHes", count, width=8, size=1),
        _plain("$batch, 4 at once", count, width=4, size=BATCH),
        _plain("$batch, 4 at once, paced", count, width=4, size=BATCH, is_paced=True),
    ]
    with tempfile.TemporaryDirectory() as folder:
        ours = campaign_at_the_limit(Path(folder), count, latency=(LATENCY, LATENCY))
    refused = sum(number for call, number in ours.result.calls.items() if call.endswith(" 429"))
    ways.append(
        Way("recon: re-read, journal, write", ours.seconds, ours.effective_writes, ours.most_in_window, refused)
    )
    return ways


def lines(count: int = 12_000) -> list[str]:
    """The two tables of docs/benchmarks.md, in Markdown."""
    found = [
        "| way of sending | writes | seconds (virtual) | writes a second | most in 150 s | answered 429 |",
        "|---|---|---|---|---|---|",
    ]
    found += [
        f"| {way.name} | {way.done} | {way.seconds:.0f} | {way.done / way.seconds:.2f} | {way.most} | {way.refused} |"
        for way in side_by_side(count)
    ]
    found += ["", "| 40,000 items, share 100 % | quota used | refused by a limit | window |", "|---|---|---|---|"]
    for name, is_faulty in (("no faults", False), ("5 % of items or calls 429, 503 or reset; writes seen late", True)):
        with tempfile.TemporaryDirectory() as folder:
            run = campaign_at_the_limit(Path(folder), 40_000, is_faulty=is_faulty)
        used, refused = f"{run.quota_used:.1%}", f"{run.refused_share:.2%}"
        found.append(f"| {name} | {used} | {refused} | {run.result.window_text} |")
    return found


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201 - python -m tests.bench.backfill
