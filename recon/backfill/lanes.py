"""Several calls on their way at once: what is sent, and what came back, in the order in which it came.

The engine stays in one thread, with the journal; a lane only carries a call and brings its replies. `Threads` is the
real thing, one client to each; `Inline` carries a call out at once, for tests and for what is done one by one.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from recon.backfill.precondition import Reply


@dataclass(frozen=True, slots=True)
class Change:
    """One write: the whole value of one attribute of one user."""

    object_id: str
    attribute: str
    value: tuple[str, ...]
    client_request_id: str


class Writer(Protocol):
    """The directory as apply sees it. At most 20 a call; one reply each, in order; never tries again by itself.

    Raises what concerns every item alike (sign-in refused, host unreachable); a single item's trouble is its reply.
    """

    def read(self, object_ids: list[str]) -> list[Reply]:
        """The users' present properties."""
        ...

    def write(self, changes: list[Change]) -> list[Reply]:
        """Send the changes."""
        ...


@dataclass(frozen=True, slots=True)
class Carried:
    """What came back: the sender's own mark, and the replies or the error that concerns all of them."""

    mark: Any
    replies: list[Reply]
    error: Exception | None = None


class Lanes(Protocol):
    """Calls on their way. `width`: how many at once; `busy`: how many are on their way or not yet collected."""

    @property
    def width(self) -> int:
        """How many calls may be on their way."""
        ...

    @property
    def busy(self) -> int:
        """How many calls were sent and not collected."""
        ...

    def read(self, mark: Any, object_ids: list[str]) -> None:
        """Send a re-read."""
        ...

    def write(self, mark: Any, changes: list[Change]) -> None:
        """Send changes."""
        ...

    def next(self, seconds: float) -> Carried | None:
        """What came back first; None when nothing did within so many seconds."""
        ...


class Inline:
    """One lane: each call is carried out when it is sent."""

    width = 1

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._carried: deque[Carried] = deque()

    @property
    def busy(self) -> int:
        """Calls not collected yet."""
        return len(self._carried)

    def read(self, mark: Any, object_ids: list[str]) -> None:
        """Re-read now."""
        self._carried.append(carry(mark, lambda: self._writer.read(object_ids)))

    def write(self, mark: Any, changes: list[Change]) -> None:
        """Write now."""
        self._carried.append(carry(mark, lambda: self._writer.write(changes)))

    def next(self, seconds: float) -> Carried | None:
        """The oldest answer."""
        return self._carried.popleft() if self._carried else None


class Threads:
    """As many lanes as there are writers, each with a thread and a client of its own. Close it, or use it in a with."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self.width = len(writers)
        self.busy = 0
        self._sent: queue.SimpleQueue[tuple[Any, Callable[[Writer], list[Reply]]] | None] = queue.SimpleQueue()
        self._carried: queue.SimpleQueue[Carried] = queue.SimpleQueue()
        # daemons: a second Ctrl-C must not wait for an answer that may never come
        self._threads = [
            threading.Thread(target=self._work, args=(writer,), name=f"lane-{number}", daemon=True)
            for number, writer in enumerate(writers)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, writer: Writer) -> None:
        while (job := self._sent.get()) is not None:
            mark, call = job
            self._carried.put(carry(mark, lambda call=call: call(writer)))  # type: ignore[misc]

    def read(self, mark: Any, object_ids: list[str]) -> None:
        """Send a re-read on the next free lane."""
        self.busy += 1
        self._sent.put((mark, lambda writer: writer.read(object_ids)))

    def write(self, mark: Any, changes: list[Change]) -> None:
        """Send changes on the next free lane."""
        self.busy += 1
        self._sent.put((mark, lambda writer: writer.write(changes)))

    def next(self, seconds: float) -> Carried | None:
        """What came back first."""
        try:
            carried = self._carried.get(timeout=seconds) if seconds > 0 else self._carried.get_nowait()
        except queue.Empty:
            return None
        self.busy -= 1
        return carried

    def close(self) -> None:
        """Let each thread end after its call."""
        for _ in self._threads:
            self._sent.put(None)

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def carry(mark: Any, call: Callable[[], list[Reply]]) -> Carried:
    """Do the call; an error becomes part of what came back."""
    try:
        return Carried(mark, call())
    except Exception as error:  # noqa: BLE001 - carried to the engine, which raises it when nothing is on its way
        return Carried(mark, [], error)
