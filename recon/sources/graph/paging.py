"""Following a listing to its end: the nextLink unchanged, the headers again on each page, loops noticed.

The next page is asked for while the last one is used; never more than that one is held.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from recon.errors import SourceError
from recon.sources.graph.ahead import Ahead

SAME_LINK = 3  # times that a link already followed is followed again: a page may come twice, and go on
MORE_PAGES = 1_000  # pages beyond one per counted object that are still believed: pages may be empty


class Getter(Protocol):
    """What a listing needs of the client."""

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> dict[str, Any]:
        """The JSON object at `path`."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `count`: @odata.count, on the first page only. `next_link`: None on the last."""

    items: list[Any]
    count: int | None
    next_link: str | None


def page_of(body: Any, what: str) -> Page:
    """The page in an answer's JSON object. Raises SourceError when it has no list of values."""
    items = body.get("value") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise SourceError(f"{what}: the answer holds no list of values")
    link = body.get("@odata.nextLink")
    if link is not None and not isinstance(link, str):
        raise SourceError(f"{what}: the nextLink is not text")
    count = body.get("@odata.count")
    is_number = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    return Page(items, count if is_number else None, link or None)


class Trail:
    """The nextLinks of one listing; raises SourceError when the listing goes in a circle."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._pages = 0
        self._bound: int | None = None
        self._links: set[int] = set()  # hashes: a link is long, and a listing may have thousands of pages
        self._again = 0

    def step(self, page: Page) -> str | None:
        """The link to follow after `page`, None after the last one."""
        self._pages += 1
        if page.count is not None and self._bound is None:
            self._bound = page.count + MORE_PAGES
        link = page.next_link
        if link is None:
            return None
        known = hash(link)
        self._again = self._again + 1 if known in self._links else 0
        if self._again > SAME_LINK:
            raise SourceError(f"{self._what}: the server sends the same nextLink again after {self._pages} pages")
        if self._bound is not None and self._pages > self._bound:
            raise SourceError(f"{self._what}: no end after {self._pages} pages")
        self._links.add(known)
        return link


def read_pages(
    client: Getter,
    path: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    permission: str | None = None,
    is_ahead: bool = True,
) -> Iterator[Page]:
    """Every page of the listing at `path`; an empty page with a nextLink is no end. One page `is_ahead`.

    Raises as the client's get does, and SourceError when the listing goes in a circle.
    """
    what = f"GET {path}"
    trail = Trail(what)

    def read(link: str, options: Mapping[str, str] | None = None) -> Page:
        return page_of(client.get(link, options, headers, permission=permission), what)

    page = read(path, params)
    while True:
        # the link carries the first request's options: sending them twice is refused
        link = trail.step(page)
        following = Ahead(partial(read, link)) if link is not None and is_ahead else None
        yield page
        if link is None:
            return
        page = following.result() if following is not None else read(link)
