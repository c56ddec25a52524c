"""When a run ends before its plan does: the canary, too many failures, a run of equal ones, the end of the window.

Pure counting; what is on its way ends in any case.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_LAST = 100  # items over which the failure share is taken
_FEWEST = 20  # items before the share says anything


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop and how long to try. Seconds; shares from 0 to 1."""

    canary: int = 25
    stop_after_canary: bool = False
    max_failure_share: float = 0.1
    max_equal_errors: int = 10
    tries: int = 8  # of one item in one run, before it is left for the next
    first_wait: float = 1.0  # before the second try, doubled for each further one
    longest_wait: float = 60.0
    settle: float = 5.0  # before the re-read that decides a write whose answer was lost
    backlog: int = 200  # items waiting for another try, from which on no fresh one is taken


class Stops:
    """Follows the outcomes of one run. `tried`: items that earlier runs of the plan wrote or failed to write.

    `outdated`: why the plan may not be written any more, in words, or None.
    """

    def __init__(
        self, limits: Limits, tried: int, is_over: Callable[[], bool], outdated: Callable[[], str | None] = lambda: None
    ) -> None:
        self.limits = limits
        self.tried = tried
        self.reason: str | None = None  # why the run must stop
        self.is_look = False  # the canary is written and somebody wants to look
        self.is_over = is_over  # the maintenance window's end
        self._outdated = outdated
        self._had_canary = tried >= limits.canary
        self._recent: deque[bool] = deque(maxlen=_LAST)
        self._equal: tuple[str, int] = ("", 0)
        self._denied: str | None = None  # a 403 among the canary
        self._done = 0

    @property
    def canary_left(self) -> int:
        """Items that still belong to the canary."""
        return max(0, self.limits.canary - self.tried)

    @property
    def is_stopping(self) -> bool:
        """True when nothing new may begin."""
        return self.is_held or self.is_look or self.is_over()

    @property
    def is_held(self) -> bool:
        """True when what is not written yet must not be: the run must stop, or the plan went out of date meanwhile."""
        if self.reason is None and (why := self._outdated()) is not None:
            self.stop(why)
        return self.reason is not None

    def done(self) -> None:
        """An item was written."""
        self._done += 1
        self._equal = ("", 0)
        self._recent.append(True)
        self._count()

    def failed(self, reason: str, why: str) -> None:
        """An item was tried and refused. `why`: status and code."""
        self._trouble(reason, why)
        self._recent.append(False)
        self._count()

    def doubtful(self, reason: str, why: str) -> None:
        """An item was skipped because the answer was not what it should be: no write was tried."""
        self._trouble(reason, why)
        self._recent.append(False)

    def left(self, why: str) -> None:
        """An item got no answer that decides, however often it was tried."""
        if self.canary_left:
            self.stop("an item of the canary got no answer")
        self._recent.append(False)
        self._same(why)

    def judge(self) -> None:
        """After each turn: one protected person is that person's own reason; nobody written is a right we lack."""
        if self._denied is not None and not self._done:
            self.stop(self._denied)
        failed = self._recent.count(False)
        if len(self._recent) >= _FEWEST and failed > self.limits.max_failure_share * len(self._recent):
            self.stop(f"{failed} of the last {len(self._recent)} items failed")
        if not self._had_canary and not self.canary_left:
            self._had_canary = True
            self.is_look = self.limits.stop_after_canary

    def _trouble(self, reason: str, why: str) -> None:
        if self.canary_left:
            told = f"an item of the canary was not written ({reason}: {why})"
            if reason == "privileged":
                self._denied = self._denied or told
            else:
                self.stop(told)
            return
        self._same(f"{reason}: {why}")

    def _same(self, what: str) -> None:
        kind, count = self._equal
        self._equal = (what, count + 1 if kind == what else 1)
        if self._equal[1] >= self.limits.max_equal_errors:
            self.stop(f"{self._equal[1]} items in a row failed alike ({what})")

    def _count(self) -> None:
        self.tried += 1

    def stop(self, reason: str) -> None:
        """Let nothing new begin."""
        self.reason = self.reason or reason
