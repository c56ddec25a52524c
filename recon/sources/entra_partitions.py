"""All users in several listings at once, each of the names that begin alike: for tenants of several hundred thousand.

`startsWith(userPrincipalName, …)` is the one condition on every user that Graph documents for all forms of queries;
"not" is not among them, so the complement of some letters cannot be asked for. The beginnings are therefore all the
characters that a user principal name may hold. That they cover everybody is proven before anything is read: their
counts must add up to the count of all users. A beginning with too many users is divided by the next character, where
the counts of its parts add up to its own.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Full, Queue
from typing import Any

from recon.decode.text import printable
from recon.errors import ReconError, SourceError
from recon.objects import TableRead
from recon.sources.entra_listing import CountedListing
from recon.sources.graph.ahead import Ahead
from recon.sources.graph.client import ADVANCED, GraphClient
from recon.sources.graph.paging import Page, read_pages

# what a user principal name may hold [user resource: A-Z a-z 0-9 ' . - _ ! # ^ ~]; case does not count
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789'.-_!#^~"
_COUNTS = 32  # counts on their way at once: they are short
_DEPTH = 5  # times that a beginning is divided
_LOOK = 0.2  # seconds: how often a reader that has to wait looks whether it is still wanted


def condition_of(beginning: str) -> str:
    """The $filter for one beginning."""
    quoted = beginning.replace("'", "''")
    return f"startsWith(userPrincipalName,'{quoted}')"


class Gate:
    """The client, one request at a time while Graph says that a limit is near."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._one = threading.Lock()

    def _turn(self) -> Any:
        return self._one if self._client.is_near_limit else nullcontext()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> dict[str, Any]:
        """The JSON object at `path`. Raises as the client's get does."""
        with self._turn():
            return self._client.get(path, params, headers, permission=permission)

    def get_text(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> str:
        """The plain text at `path`."""
        with self._turn():
            return self._client.get_text(path, params, headers, permission=permission)

    def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> Iterator[Page]:
        """Every page of a listing, none of them ahead: the other listings are what is read meanwhile."""
        return read_pages(self, path, params, headers, permission=permission, is_ahead=False)


@dataclass
class _Work:
    """What the readers share: beginnings still to be read, pages that are ready, and whether they are wanted."""

    beginnings: list[str]
    ready: "Queue[Page | ReconError | None]" = field(default_factory=lambda: Queue(1))
    is_over: threading.Event = field(default_factory=threading.Event)


class PartitionedListing:
    """All users, in `number` listings at once. After pages() has ended, `count` is the server's own."""

    def __init__(
        self, client: GraphClient, properties: tuple[str, ...], page_size: int, permission: str, number: int
    ) -> None:
        self.count: int | None = None
        self._client = Gate(client)
        self._properties = properties
        self._page_size = page_size
        self._permission = permission
        self._number = number
        self._total = 0  # users before the first page

    def pages(self, proof: TableRead) -> Iterator[Page]:
        """Every page, in no order. Raises SourceError when the beginnings do not cover all users."""
        work = _Work(self._beginnings())
        for number in range(self._number):
            threading.Thread(target=self._read, args=(work,), name=f"graph-part-{number}", daemon=True).start()
        running = self._number
        read = 0
        try:
            while running:
                try:
                    found = work.ready.get(timeout=_LOOK)
                except Empty:
                    continue
                if found is None:
                    running -= 1
                elif isinstance(found, ReconError):
                    raise found
                else:
                    proof.pages += 1
                    read += len(found.items)
                    yield found
        finally:
            work.is_over.set()
        after = self._count(None)
        # users who came or went meanwhile are no loss
        is_between = min(self._total, after) <= read <= max(self._total, after)
        self.count = read if is_between else after

    # ---- the readers

    def _read(self, work: _Work) -> None:
        try:
            while not work.is_over.is_set():
                try:
                    beginning = work.beginnings.pop()
                except IndexError:
                    break
                for page in self._listing(beginning).pages(TableRead()):
                    if not _hand_over(work, page):
                        return
        except ReconError as error:
            _hand_over(work, error)
        except Exception as error:  # noqa: BLE001  a reader that dies in silence would leave the others waiting
            _hand_over(work, SourceError(f"GET /users: {type(error).__name__} in one of the listings"))
        else:
            _hand_over(work, None)

    def _listing(self, beginning: str) -> CountedListing:
        condition = condition_of(beginning)
        return CountedListing(self._client, "/users", self._properties, self._page_size, self._permission, condition)

    # ---- the beginnings

    def _beginnings(self) -> list[str]:
        """The beginnings to be read, the largest last: it is begun first. SourceError: they do not cover all users."""
        self._total = total = self._count(None)
        counts = self._counts(CHARACTERS)
        covered = sum(counts.values())
        if covered != total and covered != self._count(None):
            raise SourceError(
                f"{covered} of {total} users have a name that begins with one of {CHARACTERS}: reading them in parts "
                "cannot be complete",
                hint="set partitions = 1 in [entra]",
            )
        share = max(total // self._number, self._page_size)  # what a reader would have of equal parts
        found: dict[str, int] = {}
        for _ in range(_DEPTH):
            # one step for all that are too large, so that their parts are counted side by side
            large = [beginning for beginning, count in counts.items() if count > share]
            found |= {beginning: count for beginning, count in counts.items() if count <= share}
            parts = self._counts([beginning + character for beginning in large for character in f"{CHARACTERS}@"])
            below: dict[str, int] = dict.fromkeys(large, 0)
            for part, count in parts.items():
                below[part[:-1]] += count
            found |= {beginning: counts[beginning] for beginning in large if below[beginning] != counts[beginning]}
            counts = {part: count for part, count in parts.items() if part[:-1] not in found}
        found |= counts
        return sorted(found, key=lambda beginning: found[beginning])

    def _counts(self, beginnings: Sequence[str]) -> dict[str, int]:
        """How many users there are with each beginning, without those of nobody."""
        found: dict[str, int] = {}
        for place in range(0, len(beginnings), _COUNTS):
            some = beginnings[place : place + _COUNTS]
            asked = [Ahead(partial(self._count, condition_of(beginning))) for beginning in some]
            found |= {beginning: ahead.result() for beginning, ahead in zip(some, asked, strict=True)}
        return {beginning: count for beginning, count in found.items() if count}

    def _count(self, condition: str | None) -> int:
        params = None if condition is None else {"$filter": condition}
        text = self._client.get_text("/users/$count", params, ADVANCED, permission=self._permission)
        if not (text.isascii() and text.isdigit()):
            raise SourceError(f"GET /users/$count: not a number: {printable(text[:40])}")
        return int(text)


def _hand_over(work: _Work, found: "Page | ReconError | None") -> bool:
    """Give it to the one who reads the pages; False when that one has gone."""
    while not work.is_over.is_set():
        try:
            work.ready.put(found, timeout=_LOOK)
        except Full:
            continue
        return True
    return False
