"""Staying under the published limits, and going slower when the service asks for it.

The tenant allows an application 3,000 writes per 150 s, and reads in resource units per 10 s by the tenant's size
(learn.microsoft.com/graph/throttling-limits); we take a share of that, because other applications live there too.
Two rules at once: a token bucket of two batches gives an even flow, and no window of 150 s ever sees more than the
share. The window makes it possible to run at the very rate: what came late is caught up, and never too much.
Nothing here waits: it says for how long, and the clock is handed in.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# write quota of one application in one tenant
QUOTA_WRITES = 3_000
QUOTA_SECONDS = 150.0
# resource units per 10 s of one application in a tenant of fewer than so many users
_READ_QUOTAS = ((50, 3_500.0), (501, 5_000.0))
_READ_QUOTA_LARGE = 8_000.0
READ_SECONDS = 10.0

LONGEST_PAUSE = 900.0  # seconds of a Retry-After that a run waits; who asks for more is left for a later run

_SLOWEST = 1 / 16  # share of the chosen rate that is always kept
_RECOVERY_SECONDS = 60.0  # from nothing back to the chosen rate
_BATCH = 20
_SLACK = 1.002  # of the window: arrivals are not as even as departures
_LAST = 100  # answers over which refusals that name no limit are counted
_MANY = 0.25  # share of them from which on the service as a whole is taken to be busy


@dataclass(frozen=True, slots=True)
class Quota:
    """`writes` per `seconds`; a rehearsal in scaled time has shorter seconds."""

    writes: float = QUOTA_WRITES
    seconds: float = QUOTA_SECONDS


def read_quota(users: int) -> Quota:
    """Resource units of one application in a tenant of at least so many users."""
    for below, units in _READ_QUOTAS:
        if users < below:
            return Quota(units, READ_SECONDS)
    return Quota(_READ_QUOTA_LARGE, READ_SECONDS)


class Waiting:
    """Sleeping that a stop request ends at once. `stop` may be called from a signal handler."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def stop(self) -> None:
        """End every wait, now and later."""
        self._event.set()

    @property
    def is_stopped(self) -> bool:
        """True after stop()."""
        return self._event.is_set()

    def __call__(self, seconds: float) -> None:
        """Wait so many seconds, or until stop()."""
        self._event.wait(max(seconds, 0))


class Pacer:
    """Grants writes (or resource units) at the chosen rate. `share`: of the quota, over 0 up to 1.

    A token stands for a write that was done: what the service says it did not do is given back, what turns out to
    have been done after all is charged. `burst`: what may go at once after a pause.
    """

    def __init__(
        self,
        share: float,
        *,
        burst: int = 2 * _BATCH,
        quota: Quota | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        quota = quota or Quota()
        self._allowed = quota.writes * share
        self._span = quota.seconds * _SLACK
        self._capacity = float(min(burst, max(1.0, self._allowed / 2)))
        self._rate = self._allowed / quota.seconds
        self._factor = 1.0
        self._tokens = min(self._capacity, float(_BATCH))
        self._clock = clock
        self._at = clock()
        self._not_before = self._at
        self._granted: deque[list[float]] = deque()  # [when, how many], of the last window
        self._in_window = 0.0
        self._answers: deque[bool] = deque(maxlen=_LAST)
        self.refusals = 0  # answers 429
        self.slowed = 0  # how often the rate was halved

    @property
    def rate(self) -> float:
        """Writes a second at this moment."""
        return self._rate * self._factor

    @property
    def largest(self) -> int:
        """The most writes that one call of `take` may ask for."""
        return int(min(self._capacity, _BATCH))

    def _refill(self) -> float:
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self.rate)
        self._factor = min(1.0, self._factor + (now - self._at) / _RECOVERY_SECONDS)
        self._at = now
        while self._granted and self._granted[0][0] <= now - self._span:
            self._in_window -= self._granted.popleft()[1]
        return now

    def pause(self, writes: int) -> float:
        """Seconds until so many writes may be sent; 0: now."""
        now = self._refill()
        wait = max(self._not_before - now, (writes - self._tokens) / self.rate)
        over = self._in_window + writes - self._allowed
        for when, count in self._granted:
            if over <= 1e-6:
                break
            over -= count
            wait = max(wait, when + self._span - now)
        return wait if wait > 1e-6 else 0.0

    def take(self, writes: int) -> None:
        """Count so many writes as sent now; ask `pause` first."""
        now = self._refill()
        self._tokens -= writes
        self._granted.append([now, float(writes)])
        self._in_window += writes

    def give_back(self, writes: int) -> None:
        """Return what was taken and not done."""
        self._tokens = min(self._capacity, self._tokens + writes)
        left = float(writes)
        while left > 0 and self._granted:
            newest = self._granted[-1]
            part = min(left, newest[1])
            newest[1] -= part
            self._in_window -= part
            left -= part
            if newest[1] <= 0:
                self._granted.pop()

    def saw(self, percentage: float | None) -> None:
        """Take note of x-ms-throttle-limit-percentage (sent from 0.8 of the limit on; 1.0: throttling begins)."""
        if percentage is not None and percentage >= 0.8:
            self._refill()
            self._factor = max(_SLOWEST, min(self._factor, 0.8 / percentage))

    def answered(self, statuses: list[int]) -> None:
        """Take note of answers. Single 429s are their items' own affair; many of them mean that the service is busy."""
        refused = statuses.count(429)
        self.refusals += refused
        self._answers.extend(status == 429 for status in statuses)
        if refused and len(self._answers) >= _BATCH and self._answers.count(True) > _MANY * len(self._answers):
            self._slow()

    def refused(self, retry_after: float | None) -> None:
        """The limit itself was hit: half the rate, and nothing before the time asked for (seconds; None: a second).

        What was on its way at that time and is refused too says nothing new.
        """
        if self._refill() >= self._not_before:
            self._slow()
        self._not_before = max(self._not_before, self._clock() + (1.0 if retry_after is None else retry_after))

    def _slow(self) -> None:
        self._refill()
        self._answers.clear()
        self.slowed += 1
        self._factor = max(_SLOWEST, self._factor / 2)
