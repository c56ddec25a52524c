"""A plan played to its end on a tenant that is not one: how long it takes, what it meets, what comes of each item.

The engine is the one that writes in earnest; the tenant is handed in, and so is its time. The journal of a rehearsal
is thrown away, what it showed lies beside the plan.
"""

import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recon import __version__
from recon.backfill.apply import Apply
from recon.backfill.items import Item
from recon.backfill.journal import Journal
from recon.backfill.lanes import Writer
from recon.backfill.pacing import QUOTA_SECONDS, QUOTA_WRITES, Pacer
from recon.backfill.plan import JOURNAL_FILE, Plan
from recon.backfill.stops import Limits
from recon.backfill.virtual import VirtualLanes, VirtualTime
from recon.decode.times import utc_now_text
from recon.errors import PlanError

REHEARSAL_FILE = "rehearsal.json"
_MOST_RUNS = 5  # applied again while items are left, as an operator would


def rehearse(
    plan: Plan,
    writer: Writer,
    time: VirtualTime,
    *,
    limits: Limits,
    share: float,
    lanes: int,
    latency: tuple[float, float],
    profile: str,
    objection: Callable[[Item], str | None] = lambda _: None,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Play the plan and keep what it showed beside it. `latency`: seconds of one call, from and to.

    Raises PlanError when the result cannot be written.
    """
    draw = random.Random(seed)  # noqa: S311 - not a secret: the same rehearsal twice is the same
    began = time.now
    outcomes: dict[str, int] = {}
    calls: dict[str, int] = {}
    windows: list[float] = []
    runs, slowed = 0, 0
    with (
        tempfile.TemporaryDirectory(prefix="recon-rehearsal-") as folder,
        Journal(Path(folder) / JOURNAL_FILE) as journal,
    ):
        while runs < _MOST_RUNS:
            runs += 1
            engine = Apply(
                plan,
                journal,
                VirtualLanes(writer, time, lambda: draw.uniform(*latency), width=lanes),
                Pacer(share, clock=time.clock),
                limits=limits,
                waiting=time,
                clock=time.clock,
                now=lambda: str(plan.header["created_at"]),  # nothing is written: an old plan may be played, too
                objection=objection,
                advance=advance,
            )
            result = engine.run("rehearsal")
            windows += result.windows_ms
            slowed += result.slowed
            for name, count in result.calls.items():
                calls[name] = calls.get(name, 0) + count
            if not result.left or result.stopped is not None:
                break
        for (outcome, reason), count in journal.state.reasons.items():
            outcomes[f"{outcome}: {reason}"] = count
    seconds = time.now - began
    done = sum(count for name, count in outcomes.items() if name.startswith("done"))
    report = {
        "plan": plan.hash,
        "tool": __version__,
        "at": utc_now_text(),
        "profile": profile,
        "write_share": share,
        "lanes": lanes,
        "items": plan.item_count,
        "left": result.left,
        "runs": runs,
        "stopped": result.stopped,
        "predicted_seconds": round(seconds, 1),
        "quota_used": round(done / seconds / (QUOTA_WRITES / QUOTA_SECONDS), 4) if seconds else 0.0,
        "outcomes": dict(sorted(outcomes.items())),
        "calls": dict(sorted(calls.items())),
        "times_slowed": slowed,
        "window_median_ms": sorted(windows)[len(windows) // 2] if windows else None,
        "window_longest_ms": max(windows, default=None),
    }
    _keep(plan, report)
    return report


def _keep(plan: Plan, report: dict[str, Any]) -> None:
    """Beside the plan, whole or not at all."""
    making = plan.folder / f".{REHEARSAL_FILE}.new"
    try:
        with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2, sort_keys=True)
            file.write("\n")
        making.replace(plan.folder / REHEARSAL_FILE)
    except OSError as error:
        raise PlanError(f"the rehearsal's result cannot be written: {error.strerror}") from error


def read_rehearsal(plan: Plan) -> dict[str, Any] | None:
    """What the last rehearsal of the plan showed; None when there was none."""
    try:
        found = json.loads((plan.folder / REHEARSAL_FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PlanError(f"plan {plan.short}: {REHEARSAL_FILE} cannot be read", hint="rehearse again") from error
    return found if isinstance(found, dict) else None
