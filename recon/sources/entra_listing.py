"""One counted listing of Graph objects: its pages as they come, and the count that they are held against."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from recon.decode.text import printable
from recon.errors import RestartError, SourceError
from recon.objects import Gone, Row, TableRead, Withdrawn, Yielded
from recon.sources.graph.client import ADVANCED
from recon.sources.graph.paging import Page

RESTARTS = 3  # times that one listing may begin again


def restarting(
    path: str, read: Callable[[], Iterator[Row | Gone]], begin_again: Callable[[], None]
) -> Iterator[Yielded]:
    """What `read()` yields; from its beginning again when the page token of `path` expires, a bounded number of times.

    `begin_again` is called before each new beginning; what was yielded until then is withdrawn.
    """
    restarts = 0
    while True:
        yielded = 0
        try:
            for row in read():
                yielded += 1
                yield row
            return
        except RestartError as error:
            restarts += 1
            if restarts > RESTARTS:
                raise SourceError(f"GET {path}: the page token expired {restarts} times") from error
        begin_again()
        if yielded:
            yield Withdrawn(yielded)


class Client(Protocol):
    """What a counted listing needs: pages, and the count as text."""

    def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> Iterator[Page]:
        """Every page of the listing at `path`."""
        ...

    def get_text(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> str:
        """The plain text at `path`."""
        ...


class CountedListing:
    """One listing below /v1.0, which may be read several times. `permission` is named when it is refused.

    `condition`: a $filter; the count is that of what it lets through.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        properties: tuple[str, ...],
        page_size: int,
        permission: str,
        condition: str | None = None,
    ) -> None:
        self.count: int | None = None  # objects by the server's count, once read; None: it does not say
        self._client = client
        self._path = path
        # the advanced form also where no filter needs it: paging without it is known to lose its token
        self._params = {"$select": ",".join(properties), "$top": str(page_size), "$count": "true"}
        self._condition = {} if condition is None else {"$filter": condition}
        self._params |= self._condition
        self._permission = permission

    def pages(self, proof: TableRead) -> Iterator[Page]:
        """Every page; they are added to `proof`. Raises what the client raises, RestartError among it."""
        self.count = None
        read = 0
        expected: int | None = None
        first = True
        for page in self._client.pages(self._path, self._params, ADVANCED, permission=self._permission):
            proof.pages += 1
            if first:
                expected = page.count
                first = False
            read += len(page.items)
            yield page
        if expected != read:
            expected = self._counted_again(read, expected)
        self.count = expected

    def _counted_again(self, read: int, before: int | None) -> int | None:
        """A tenant changes while it is read: the count after the listing is as good as the one before it."""
        path = f"{self._path}/$count"
        text = self._client.get_text(path, self._condition or None, ADVANCED, permission=self._permission)
        if not (text.isascii() and text.isdigit()):
            raise SourceError(f"GET {path}: not a number: {printable(text[:40])}")
        after = int(text)
        if before is None or min(before, after) <= read <= max(before, after):
            return read if before is not None else after
        return before
