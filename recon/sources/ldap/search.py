"""Paged searches and ranged attributes: everything a search matches, page by page, or an error.

A lost connection invalidates the page cookie: the search begins again from its first page, on a new connection, a
bounded number of times.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import ldap3

from recon.errors import RestartError, SourceError, TransientError
from recon.objects import ReadReport
from recon.sources.ldap.controllers import Controllers
from recon.sources.ldap.exchange import Attributes, Control, integer
from recon.sources.ldap.session import ConnectionLostError, Session

MAX_RESTARTS = 2
MAX_BUSY = 4  # tries after a busy answer, with growing pauses: 1, 2, 4, 8 s
MAX_COMPLETED = 64 * 1024 * 1024  # bytes of memory for the ranged values of one entry, some 400,000 names
_OVERHEAD = 64  # bytes that a value costs beside its own

T = TypeVar("T")


class MovedError(RestartError):
    """The values of one attribute changed while they were read in ranges."""


class Entry(NamedTuple):
    """One entry of an answer; `ranged`: attributes of which the server sent only the first values."""

    dn: str
    attributes: Attributes
    ranged: dict[str, int]  # attribute: place of the next value


class Searcher:
    """Runs searches on one server and reconnects when it must. `pause` waits so many seconds.

    `max_completed`: bytes of memory that complete() may take.
    """

    def __init__(
        self,
        controllers: Controllers,
        report: ReadReport,
        pause: Callable[[float], None],
        max_completed: int = MAX_COMPLETED,
    ) -> None:
        self._controllers = controllers
        self._report = report
        self._pause = pause
        self._max_completed = max_completed
        self._session: Session | None = None
        self.reconnects = 0

    @property
    def session(self) -> Session:
        """The open session; opened at the first use."""
        if self._session is None:
            self._session = self._controllers.connect()
        return self._session

    def close(self) -> None:
        """Close the connection, if there is one."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def persist(self, read: Callable[[], Iterator[T]], withdrawn: Callable[[int], T] | None = None) -> Iterator[T]:
        """What `read()` yields; from its beginning again, on a new connection, when that was lost in between.

        `withdrawn` makes what is yielded before a new beginning, of the number of values that do not count.
        Raises SourceError when the bounded tries are used up.
        """
        restarts, busy = 0, 0
        while True:
            yielded = 0
            try:
                for value in read():
                    yielded += 1
                    yield value
                return
            except RestartError as error:
                if restarts == MAX_RESTARTS:
                    raise SourceError(
                        f"{error} ({restarts + 1} times)", hint="see whether the domain controller is up"
                    ) from error
                if isinstance(error, ConnectionLostError):
                    self._controllers.lost()
                restarts += 1
            except TransientError as error:
                if busy == MAX_BUSY:
                    raise SourceError(f"{error} ({busy + 1} times)", hint="try again later") from error
                self._pause(2**busy)
                busy += 1
            if yielded and withdrawn is not None:
                yield withdrawn(yielded)
            self.close()
            self.reconnects += 1

    def attempt(self, read: Callable[[], T]) -> T:
        """What `read()` returns, tried again as in persist()."""
        (found,) = self.persist(lambda: iter((read(),)))
        return found

    def one(self, dn: str, attributes: list[str]) -> Entry | None:
        """One entry by its name; None when the server shows none."""
        answer = self.session.search(dn, ldap3.BASE, "(objectClass=*)", attributes)
        self.count(answer.size)
        return next((_entry(name, values) for name, values in answer.entries), None)

    def pages(
        self,
        base: str,
        filter_text: str,
        attributes: list[str],
        page_size: int,
        controls: tuple[Control, ...] = (),
    ) -> Iterator[Iterator[Entry]]:
        """Every page of a search below `base`, its entries decoded as they are read; to be read inside persist()."""
        for page in self.session.pages(base, filter_text, attributes, page_size, controls):
            self.count(page.size)
            yield (_entry(dn, values) for dn, values in page.entries)

    def rest(self, entry: Entry, attribute: str) -> Iterator[list[bytes]]:
        """The values of a ranged attribute behind those in `entry`, range by range ([MS-ADTS] 3.1.1.3.1.3.3).

        Each range is asked for from the last value that is known: were one taken away before it, all behind it have
        moved up, and one would be missed. Raises MovedError when the values changed in between, RestartError when the
        entry did, SourceError when the server does not go on.
        """
        following: int | None = entry.ranged[attribute]
        last = entry.attributes[attribute][-1:]
        while following is not None:
            start = following - len(last)
            answer = self.session.search(entry.dn, ldap3.BASE, "(objectClass=*)", [f"{attribute};range={start}-*"])
            self.count(answer.size)
            if not answer.entries:
                raise RestartError(f"{self.session.host}: {entry.dn} went away while it was read")
            values, following, begin = _range(answer.entries[0][1], attribute)
            if values is None or (begin == start and values[: len(last)] != last):
                raise MovedError(f"{self.session.host}: {attribute} of {entry.dn} changed while it was read")
            is_end = following is None
            if begin != start or not (is_end or (len(values) > len(last) and following == start + len(values))):
                raise SourceError(
                    f"{self.session.host}: {attribute};range={start}-* of {entry.dn} was not answered as asked"
                )
            yield values[len(last) :]
            last = values[-1:]

    def complete(self, entry: Entry, *, except_for: str | None = None) -> None:
        """Add the missing values of every ranged attribute of `entry`. Raises SourceError when they do not end."""
        size = 0
        for attribute in list(entry.ranged):
            if attribute != except_for:
                for values in self.rest(entry, attribute):
                    size += sum(map(len, values)) + _OVERHEAD * len(values)
                    if size > self._max_completed:
                        raise SourceError(
                            f"{self.session.host}: {attribute} of {entry.dn} has too many values:"
                            f" more than {self._max_completed} bytes"
                        )
                    entry.attributes[attribute] += values
                del entry.ranged[attribute]

    def count(self, size: int) -> None:
        """One more request was answered, with so many bytes."""
        self._report.requests += 1
        self._report.bytes_read += size


def _entry(dn: str, attributes: Attributes) -> Entry:
    """The entry with `member;range=0-1499` as member and the place where the server goes on."""
    if ";range=" not in " ".join(attributes):
        return Entry(dn, attributes, {})
    ranged: dict[str, int] = {}
    for name in [name for name in attributes if ";range=" in name]:
        base = name.partition(";")[0]
        values, following, begin = _range({name: attributes.pop(name)}, base)
        if values is None or begin != 0 or (following is not None and following != len(values)):
            raise SourceError(f"{dn}: the server sent {name} without being asked for that range")
        attributes[base] = values  # AD sends an empty `member` beside the ranged one
        if following is not None:
            ranged[base] = following
    return Entry(dn, attributes, ranged)


def _range(attributes: Attributes, attribute: str) -> tuple[list[bytes] | None, int | None, int]:
    """(values, place of the next one or None at the end, place of the first); values None: not in the answer."""
    for name, values in attributes.items():
        base, mark, bounds = name.partition(";range=")
        if not mark or base != attribute:
            continue
        first, _, last = bounds.partition("-")
        begin, end = integer(first), integer(last)
        if begin is None or (end is None and last != "*"):
            raise SourceError(f"the server sent a range that cannot be read: {name[:80]}")
        return list(values), None if end is None else end + 1, begin
    return None, None, 0
