"""The simulator's wall clock, which a test can set forward: days pass for tokens and deleted objects alone."""

from datetime import UTC, datetime, timedelta


class Clock:
    """UTC now, plus what was added. Limits, lags and access tokens do not follow it."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def advance(self, *, days: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass."""
        self._offset += timedelta(days=days, seconds=seconds)

    def now(self) -> datetime:
        """The simulated instant."""
        return datetime.now(UTC) + self._offset


def graph_time(instant: datetime) -> str:
    """An instant as directory objects carry it: whole seconds, Z."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
