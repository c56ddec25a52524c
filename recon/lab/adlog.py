"""What the lab's AD server has seen, for tests: no passwords, no entries, the last 10,000 of each kind."""

from collections import deque
from dataclasses import dataclass, field

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class BindSeen:
    """`identity`: the name as sent, '' for anonymous; `text`: the diagnostic answered."""

    identity: str
    code: int
    text: str
    is_tls: bool


@dataclass(frozen=True, slots=True)
class SearchSeen:
    """One request, so one page. `page`: 1 for a first page; `page_size`: as asked, None without paging."""

    account: str | None
    base: str
    scope: str
    filter: str
    attributes: tuple[str, ...]
    page_size: int | None
    page: int
    entries: int
    code: int
    is_tls: bool


@dataclass
class AdLog:
    """Appended to by the connections' threads; deque.append is atomic."""

    binds: deque[BindSeen] = field(default_factory=lambda: deque(maxlen=_KEPT))
    searches: deque[SearchSeen] = field(default_factory=lambda: deque(maxlen=_KEPT))
    refused_messages: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))  # malformed, and why
    connections: int = 0
    start_tls: int = 0
