"""When another try is worth it and how long to wait for it: decided by the error's class, never by its text.

Nothing here sleeps by itself or reads a clock of its own: both are handed in, so that tests need not wait.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from recon.errors import TransientError

T = TypeVar("T")

FIRST_WAIT = 1.0  # seconds before the second try, doubled for each further one
LONGEST_WAIT = 60.0  # seconds between two tries, where the server asks for nothing else
LONGEST_CALL = 900.0  # seconds that one call may wait in all, whatever the server asks for


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the server asks to wait: Retry-After as an integer, a decimal number or an HTTP date.

    None when the header is missing or says nothing sensible. Names are compared case-blind, because the items
    of a $batch spell them as they like. `now`: seconds since 1970, for the date form (RFC 9110 10.2.3).
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if text is None:
        return None
    text = str(text).strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
        return max(seconds, 0.0)
    # nan and inf parse as numbers too; a negative wait is none
    return seconds if 0 <= seconds < float("inf") else None


def _jitter() -> float:
    # spreads clients that failed together; nothing secret depends on it
    return random.uniform(0.5, 1.0)  # noqa: S311


@dataclass
class Patience:
    """How often and how long is waited. `tries`: tries after the first. Counts what was waited in `waited`.

    Several threads may wait with one of these.
    """

    tries: int = 6
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = field(default=lambda: datetime.now(UTC).timestamp())
    jitter: Callable[[], float] = _jitter
    longest_call: float = LONGEST_CALL
    waited: float = 0.0
    waits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def delay(self, tried: int, asked: float | None) -> float:
        """Seconds to wait after try number `tried` (from 1): what the server asked for, else back-off.

        A date that has gone by, by our clock, asks for nothing: six tries at once would all be refused.
        """
        if asked:
            return asked
        return min(FIRST_WAIT * 2.0 ** min(tried - 1, 16), LONGEST_WAIT) * self.jitter()

    def wait(self, seconds: float) -> None:
        """Sleep, and remember for how long."""
        with self._lock:
            self.waits += 1
            self.waited += seconds
        self.sleep(seconds)

    def call(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, tried again while it raises TransientError.

        Gives up after `tries` further tries, or when the next wait would bring the call over `longest_call`
        seconds; then raises TransientError saying how often and how long. Every other error goes through.
        """
        spent = 0.0
        tried = 0
        while True:
            tried += 1
            try:
                return attempt()
            except TransientError as error:
                pause = self.delay(tried, error.retry_after)
                if tried > self.tries or spent + pause > self.longest_call:
                    raise _given_up(error, tried, spent, pause if tried <= self.tries else None) from error
                spent += pause
                self.wait(pause)


def _given_up(error: TransientError, tried: int, spent: float, asked: float | None) -> TransientError:
    tries = "1 try" if tried == 1 else f"{tried} tries"
    story = f"gave up after {tries} and {spent:.0f} s of waiting"
    if asked is not None:
        story += f" (another {asked:.0f} s asked for)"
    return TransientError(f"{error}; {story}", hint=error.hint, retry_after=error.retry_after)
