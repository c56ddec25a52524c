"""Delta rounds that a server does not bring to an end."""

from collections.abc import Mapping
from typing import Any

import pytest

from recon.errors import AccessError, SourceError, WatermarkError
from recon.sources.graph.delta import EMPTY_PAGES, DeltaRound, latest_link


class Pages:
    """A server of one round: `sizes` of its pages, then empty ones without end unless `has_end`."""

    def __init__(self, sizes: list[int], *, has_end: bool) -> None:
        self._sizes, self._has_end = sizes, has_end
        self.asked = 0

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> dict[str, Any]:
        size = self._sizes[self.asked] if self.asked < len(self._sizes) else 0
        self.asked += 1
        assert self.asked < 10 * EMPTY_PAGES
        is_last = self._has_end and self.asked == len(self._sizes)
        link = "deltaLink" if is_last else "nextLink"
        return {"value": [{"id": "1"}] * size, f"@odata.{link}": f"https://graph.example/{self.asked}"}


def test_a_round_of_empty_pages_without_end_is_given_up():
    pages = Pages([1], has_end=False)
    with pytest.raises(SourceError, match=f"GET /users/delta: no end after {EMPTY_PAGES + 1} empty pages"):
        list(DeltaRound(pages, "/users", "https://graph.example/0", permission="p").pages())
    assert pages.asked == EMPTY_PAGES + 2
    with pytest.raises(SourceError, match="no end after"):
        latest_link(Pages([], has_end=False), "/users", ("id",), permission="p")


def test_empty_pages_between_others_are_no_end():
    pages = Pages([*([0] * EMPTY_PAGES + [1]) * 2, 0], has_end=True)
    current = DeltaRound(pages, "/users", "https://graph.example/0", permission="p")
    assert sum(len(page.items) for page in current.pages()) == 2
    assert current.link == f"https://graph.example/{2 * EMPTY_PAGES + 3}"


def test_a_link_that_may_not_be_followed_asks_for_a_full_read():
    class Refusing(Pages):
        def get(self, *_args: object, **_options: object) -> dict[str, Any]:
            raise AccessError("GET /users/delta: HTTP 403", hint="grant User.Read.All")

    current = DeltaRound(Refusing([], has_end=True), "/users", "https://graph.example/0", permission="p")
    with pytest.raises(WatermarkError, match="HTTP 403") as refused:
        list(current.pages())
    assert refused.value.hint == "grant User.Read.All"
