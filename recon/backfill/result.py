"""What one run of a plan did, in numbers."""

import statistics
from collections import Counter
from dataclasses import dataclass, field


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
    is_look: bool = False  # stopped after the canary, as asked for
    is_window_over: bool = False
    is_allowance_over: bool = False  # the tenant's bulk uploads of 24 hours are used up
    windows_ms: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)  # answers by kind and status: "write 429"
    slowed: int = 0  # how often the pace was halved

    @property
    def window_text(self) -> str | None:
        """The time between re-read and write, in words; None when nothing was written."""
        return window_text(self.windows_ms)


def window_text(windows_ms: list[float]) -> str | None:
    """Median and longest of the times between re-read and write, in words; None without one."""
    if not windows_ms:
        return None
    return f"median {statistics.median(windows_ms):.0f} ms, longest {max(windows_ms):.0f} ms"
