"""Time that only waiting moves, and lanes in it: a campaign of half an hour rehearsed in seconds.

Events happen in the order of their time; nothing sleeps. The engine is the same as in earnest.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from recon.backfill.lanes import Carried, Change, Writer, carry
from recon.backfill.pacing import Waiting


class VirtualTime(Waiting):
    """A clock in seconds, and waiting that moves it."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.now = start

    def clock(self) -> float:
        """Seconds since the beginning."""
        return self.now

    def __call__(self, seconds: float) -> None:
        """Let so many seconds pass, unless a stop was asked for."""
        if not self.is_stopped:
            self.now += max(seconds, 0.0)


class VirtualLanes:
    """Calls are carried out when they are sent, and their answers come `latency()` seconds later."""

    def __init__(self, writer: Writer, time: VirtualTime, latency: Callable[[], float], *, width: int = 4) -> None:
        self.width = width
        self._writer, self._time, self._latency = writer, time, latency
        self._coming: list[tuple[float, int, Carried]] = []
        self._number = itertools.count()

    @property
    def busy(self) -> int:
        """Answers not collected yet."""
        return len(self._coming)

    def read(self, mark: Any, object_ids: list[str]) -> None:
        """Re-read; the answer comes later."""
        self._send(carry(mark, lambda: self._writer.read(object_ids)))

    def write(self, mark: Any, changes: list[Change]) -> None:
        """Write; the answer comes later."""
        self._send(carry(mark, lambda: self._writer.write(changes)))

    def _send(self, carried: Carried) -> None:
        heapq.heappush(self._coming, (self._time.now + self._latency(), next(self._number), carried))

    def next(self, seconds: float) -> Carried | None:
        """What comes first within so many seconds, which pass."""
        until = self._time.now + seconds
        if not self._coming or self._coming[0][0] > until:
            self._time.now = until
            return None
        at, _, carried = heapq.heappop(self._coming)
        self._time.now = max(self._time.now, at)
        return carried
