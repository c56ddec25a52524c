"""Staying under the published write limit, and going slower when the service asks for it.

A token bucket: the tenant allows an application 3,000 writes per 150 s; we take a share of that, because other
applications live there too. The bucket holds one batch only, so no window of 150 s ever sees more than the share.
No clock and no sleep of its own: both are handed in.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# write quota of one application in one tenant (learn.microsoft.com/graph/throttling-limits)
QUOTA_WRITES = 3_000
QUOTA_SECONDS = 150.0

_SLOWEST = 1 / 16  # share of the chosen rate that is always kept
_RECOVERY_SECONDS = 60.0  # from nothing back to the chosen rate


@dataclass(frozen=True, slots=True)
class Quota:
    """`writes` per `seconds`; a rehearsal in scaled time has shorter seconds."""

    writes: float = QUOTA_WRITES
    seconds: float = QUOTA_SECONDS


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
    """Grants writes at the chosen rate. `share`: of the quota, over 0 up to 1. `burst`: the most at once."""

    def __init__(
        self,
        share: float,
        *,
        burst: int = 20,
        quota: Quota | None = None,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        quota = quota or Quota()
        allowed = quota.writes * share
        self._capacity = float(min(burst, max(1.0, allowed / 2)))
        # in any window: what lies in the bucket plus what flows in is the allowance, never more
        self._rate = (allowed - self._capacity) / quota.seconds
        self._factor = 1.0
        self._tokens = self._capacity
        self._wait, self._clock = wait, clock
        self._at = clock()
        self._not_before = self._at
        self.waited = 0.0
        self.refusals = 0

    @property
    def rate(self) -> float:
        """Writes a second at this moment."""
        return self._rate * self._factor

    @property
    def largest(self) -> int:
        """The most writes that one call of `take` may ask for."""
        return int(self._capacity)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self.rate)
        self._factor = min(1.0, self._factor + (now - self._at) / _RECOVERY_SECONDS)
        self._at = now

    def take(self, writes: int) -> None:
        """Wait until so many writes may be sent."""
        while True:
            self._refill()
            pause = max(self._not_before - self._clock(), (writes - self._tokens) / self.rate)
            if pause <= 1e-6:
                break
            before = self._clock()
            self._wait(pause)
            self.waited += self._clock() - before
            if self._clock() - before < pause * 0.5:  # a stop request ended the wait
                return
        self._tokens -= writes

    def give_back(self, writes: int) -> None:
        """Return what was taken and not sent."""
        self._tokens = min(self._capacity, self._tokens + writes)

    def saw(self, percentage: float | None) -> None:
        """Take note of x-ms-throttle-limit-percentage (sent from 0.8 of the limit on; 1.0: throttling begins)."""
        if percentage is not None and percentage >= 0.8:
            self._refill()
            self._factor = max(_SLOWEST, min(self._factor, 0.8 / percentage))

    def refused(self, retry_after: float | None) -> None:
        """A batch with 429s: half the rate, and nothing before the time asked for (seconds; None: a second)."""
        self._refill()
        self.refusals += 1
        self._factor = max(_SLOWEST, self._factor / 2)
        self._not_before = max(self._not_before, self._clock() + (1.0 if retry_after is None else retry_after))
