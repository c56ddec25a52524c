"""Delta rounds: what changed since a deltaLink, page by page, and the deltaLink that the next round begins with.

A page may come again and an object several times in one round; a round that is begun again only repeats itself.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from recon.errors import RestartError, SignInError, SourceError, TransientError, WatermarkError
from recon.sources.graph.ahead import Ahead
from recon.sources.graph.paging import Getter, Page, Trail, page_of

RESTARTS = 3  # times that one round may begin again
DAYS = 7  # a deltaLink of users or groups serves so long
EMPTY_PAGES = 1_000  # one after another that are still believed: a round has no count to tell its end by


class _RoundTrail(Trail):
    """A trail that takes a row of very many empty pages for one without an end."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self._name = what
        self._empty = 0

    def step(self, page: Page) -> str | None:
        self._empty = 0 if page.items else self._empty + 1
        if self._empty > EMPTY_PAGES:
            raise SourceError(f"{self._name}: no end after {self._empty} empty pages")
        return super().step(page)


def latest_link(client: Getter, path: str, properties: tuple[str, ...], *, permission: str) -> str:
    """The deltaLink of /users or /groups from which on changes are told: of the state as it is now nothing is kept.

    A page with a nextLink may come first, as in any round. Raises as the client's get does, and SourceError when the
    answers hold no such link.
    """
    what = f"GET {path}/delta"
    trail = _RoundTrail(what)
    params = {"$select": ",".join(properties), "$deltatoken": "latest"}
    body = client.get(f"{path}/delta", params, permission=permission)
    while (link := _delta_link(body)) is None:
        following = trail.step(page_of(body, what))
        if following is None:
            raise SourceError(f"{what}: the answer holds no deltaLink")
        body = client.get(following, permission=permission)
    return link


class DeltaRound:
    """One round from `link` on. After pages() has ended, `link` is where the next one begins."""

    def __init__(self, client: Getter, path: str, link: str, *, permission: str) -> None:
        self.link = link
        self._client = client
        self._what = f"GET {path}/delta"
        self._permission = permission

    def pages(self) -> Iterator[Page]:
        """Every page, empty ones too.

        Raises WatermarkError when the link no longer serves, SourceError when no end comes, else as get does.
        """
        restarts = 0
        while True:
            try:
                yield from self._once()
                return
            except RestartError as error:
                restarts += 1
                if restarts > RESTARTS:
                    raise WatermarkError(f"{self._what}: the page token expired {restarts} times") from error

    def _once(self) -> Iterator[Page]:
        trail = _RoundTrail(self._what)
        page, found = self._begin()
        while True:
            following: Ahead[tuple[Page, str | None]] | None = None
            link = trail.step(page)
            if link is not None:
                following = Ahead(partial(self._read, link))
            elif found is None:
                raise SourceError(f"{self._what}: the last page holds neither nextLink nor deltaLink")
            yield page
            if following is None:
                break
            page, found = following.result()
        self.link = found or self.link

    def _begin(self) -> tuple[Page, str | None]:
        try:
            return self._read(self.link)
        except (SignInError, TransientError, RestartError, WatermarkError):
            raise
        except SourceError as error:
            # whatever it is that Graph has against this link: a full read does without it, or says what is missing
            raise WatermarkError(str(error), hint=error.hint) from error

    def _read(self, link: str) -> tuple[Page, str | None]:
        body = self._client.get(link, permission=self._permission)
        return page_of(body, self._what), _delta_link(body)


def _delta_link(body: Mapping[str, Any]) -> str | None:
    link = body.get("@odata.deltaLink")
    return link if isinstance(link, str) and link else None
