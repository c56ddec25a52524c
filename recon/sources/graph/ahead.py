"""Requests that are carried out while the caller works on what came before.

One daemon thread a request: whoever stops waiting (an error, Ctrl-C) is not held up by an answer that is on its way.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK = 1.0  # seconds: not every system wakes a waiting thread for Ctrl-C


class Ahead(Generic[T]):
    """One call, begun at once. Whatever it raises is raised by result()."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._future: Future[T] = Future()
        self._call = call
        threading.Thread(target=self._run, name="graph-ahead", daemon=True).start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._call())
        except BaseException as error:  # noqa: BLE001  handed over to the thread that asks, whatever it is
            self._future.set_exception(error)

    def result(self) -> T:
        """What the call returned, as soon as it has."""
        while not self._future.done():
            try:
                self._future.exception(_LOOK)
            except TimeoutError:
                continue
        return self._future.result()
