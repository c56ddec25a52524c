"""A campaign that dies at any step, on a tenant that changes behind its back, and an oracle that judges it.

The tenant is the Graph simulator in virtual time. `Steps` counts every step of the engine and ends the process, in the
shape of a Crash, at the one it was told; `World` changes users just before they are read again and remembers who met
the preconditions at that moment.
"""

import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recon.backfill.apply import Apply
from recon.backfill.journal import Journal, read_entries, read_journal
from recon.backfill.lanes import Carried, Change
from recon.backfill.pacing import Pacer
from recon.backfill.plan import Plan
from recon.backfill.result import Result
from recon.backfill.stops import Limits
from recon.backfill.virtual import VirtualLanes, VirtualTime
from recon.backfill.writer import GraphWriter
from recon.lab.graph import App, Fault, GraphSimulator, Tenant
from recon.lab.graph import Limits as Published
from recon.lab.graph.inprocess import InProcessGraph
from tests.backfill.make import TENANT, plan_of
from tests.backfill.tenant import Crash, user_of

CHANGES: tuple[dict[str, Any], ...] = (
    {"otherMails": ["own@choice.example"]},
    {"employeeId": "99999"},
    {"onPremisesImmutableId": "AAAAAAAAAAAAAAAAAAAAAA=="},
    {"userType": "Guest"},
    {"accountEnabled": False},
    {"onPremisesSyncEnabled": None},
)


@dataclass
class Steps:
    """Counts steps; Crash at step `death` (0: never)."""

    death: int = 0
    taken: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # at which kind of step it died

    def step(self, kind: str) -> None:
        """One step, maybe the last."""
        self.taken += 1
        if self.taken == self.death:
            self.kinds[kind] += 1
            raise Crash


class DyingJournal(Journal):
    """A journal whose process dies before a sync, in the middle of it, or just after."""

    steps: Steps

    def sync(self) -> None:
        """Sync, if the process lives."""
        if not self._waiting:
            return
        self.steps.step("before a sync")
        data = b"".join(self._waiting)
        try:
            self.steps.step("in the middle of a sync")
        except Crash:
            self._waiting[:] = [data[: len(data) * 2 // 3]]
            super().sync()
            raise
        super().sync()
        self.steps.step("after a sync")


class DyingLanes(VirtualLanes):
    """Lanes that die before or after a call was carried out, and before or after its answer is taken."""

    world: "World"

    def read(self, mark: Any, object_ids: list[str]) -> None:
        """Let the tenant change, note who may be written, read."""
        self.world.steps.step("before a re-read")
        self.world.before_reread(object_ids)
        super().read(mark, object_ids)
        self.world.steps.step("after a re-read")

    def write(self, mark: Any, changes: list[Change]) -> None:
        """Between intent and write, between write and answer."""
        self.world.steps.step("between intent and write")
        super().write(mark, changes)
        self.world.steps.step("between write and answer")

    def next(self, seconds: float) -> Carried | None:
        """Between answer and outcome."""
        carried = super().next(seconds)
        if carried is not None:
            self.world.steps.step("between answer and outcome")
        return carried


class World:
    """One plan, one tenant, one seed."""

    def __init__(self, folder: Path, count: int, seed: int, *, rate: float, faults: bool) -> None:
        self.random = random.Random(seed)
        self.rate = rate  # of changes, per user read
        self.plan: Plan = plan_of(folder, count)
        self.items = {item.object_id: item for item in self.plan.items()}
        self.time = VirtualTime(1000.0)
        self.steps = Steps()
        self.may = dict.fromkeys(self.items, False)  # whether the last re-read found every precondition
        self.judged: list[tuple[str, bool]] = []  # of each accepted write: user, whether it might be written
        script = [
            Fault("429-none", match=r"/users/", probability=0.02, times=None),
            Fault("503", match=r"/users/", probability=0.02, times=None),
            Fault("504-after", match=r"/users/", probability=0.02, times=None),
            Fault("reset", probability=0.05, times=None),
            Fault("reset-after", probability=0.05, times=None),
        ]
        self.simulator = GraphSimulator(
            [Tenant(TENANT, [user_of(item) for item in self.items.values()])],
            apps={"app": App("secret", ("User.ReadWrite.All",))},
            limits=Published(),
            faults=script if faults else (),
            seed=seed,
            monotonic=self.time.clock,
        )
        self.graph = InProcessGraph(self.simulator, TENANT, "app")

    def before_reread(self, object_ids: list[str]) -> None:
        """Others change users; then who may be written is written down."""
        self._judge()
        for object_id in object_ids:
            if self.random.random() < self.rate:
                change = self.random.choice((*CHANGES, None))
                if change is None:
                    if self._user(object_id) is not None:
                        self.simulator.remove_user(TENANT, object_id)
                elif self._user(object_id) is not None:
                    self.simulator.change_user(TENANT, object_id, **change)
            self.may[object_id] = self._user(object_id) == user_of(self.items[object_id])

    def _user(self, object_id: str) -> dict[str, Any] | None:
        users = self.simulator.service.directories[TENANT].users
        place = users.place(object_id)
        if place is None:
            return None
        whole = users.json(place)
        return {name: whole[name] for name in user_of(self.items[object_id])}

    def _judge(self) -> None:
        """Hold each write accepted since against what the re-read before it found."""
        for write in self.simulator.writes[len(self.judged) :]:
            self.judged.append((write.user_id, self.may[write.user_id] or write.before == write.after))

    def attempt(self, death: int) -> Result | None:
        """One run that dies at step `death`; None when it did."""
        self.steps.death, self.steps.taken = death, 0
        lanes = DyingLanes(
            GraphWriter(self.graph, self.graph, now=time.time),
            self.time,
            lambda: self.random.uniform(0.05, 0.4),
            width=3,
        )
        lanes.world = self
        try:
            journal = DyingJournal(self.plan.journal_file)
            journal.steps = self.steps
            with journal:
                limits = Limits(canary=3, max_failure_share=1.0, max_equal_errors=1000, settle=2.0)
                pacer = Pacer(1.0, clock=self.time.clock)
                engine = Apply(
                    self.plan,
                    journal,
                    lanes,
                    pacer,
                    limits=limits,
                    waiting=self.time,
                    clock=self.time.clock,
                    now=lambda: str(self.plan.header["created_at"]),
                )
                return engine.run("tester")
        except Crash:
            self.time.now += 30.0
            return None
        finally:
            self._judge()

    def check(self) -> None:
        """No item written twice with effect, none lost, none wrongly; the journal is what the simulator accepted."""
        state = read_journal(self.plan.journal_file)
        assert (set(state.outcomes), state.intents) == (set(range(len(self.items))), {})
        writes = self.simulator.writes
        effective = [write for write in writes if write.before != write.after]
        assert max(Counter(write.user_id for write in effective).values(), default=0) <= 1
        assert [user for user, was_right in self.judged if not was_right] == []
        assert len(self.judged) == len(writes)
        intents = {
            entry["client_request_id"]: (entry["object_id"], entry["before"], entry["after"])
            for entry in read_entries(self.plan.journal_file)
            if entry["type"] == "intent"
        }
        for write in writes:
            object_id, before, after = intents[write.client_request_id]
            assert (write.user_id, write.after) == (object_id, after)
            assert write.before == before or write.before == write.after  # the second try of one that had landed
        by_number = dict(enumerate(self.items))
        done = {by_number[number] for number, outcome in state.outcomes.items() if outcome == "done"}
        accepted = {write.user_id for write in effective}
        assert done <= accepted
        for object_id in accepted - done:  # ours landed, and somebody changed the user before we could tell
            assert self._user(object_id) != user_of(self.items[object_id]) | {
                "otherMails": list(self.items[object_id].after)
            }


def crash_campaigns(points: int, *, items: int = 45, seed: int = 1) -> Counter[str]:
    """Campaigns that die again and again until so many crashes have been survived; by kind of step."""
    kinds: Counter[str] = Counter()
    place, number = 1, seed
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        while kinds.total() < points:
            number += 1
            world = World(
                Path(folder) / str(number), items, number, rate=(0.0, 0.02, 0.1)[number % 3], faults=number % 2 == 0
            )
            # every step of a campaign is once the first to be fatal; what follows dies somewhere
            result = world.attempt(place)
            if result is not None:
                place = 0
            place += 1
            for _ in range(number % 5):
                result = result or world.attempt(world.random.randrange(1, 50))
            for _ in range(8):
                if result is not None and not result.left:
                    break
                result = world.attempt(0)
            assert result is not None
            assert (result.left, result.stopped) == (0, None)
            world.check()
            kinds += world.steps.kinds
    return kinds
