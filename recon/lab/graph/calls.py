"""One call and its answer, the same whether it came as an HTTP request or as an item of a batch."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from recon.lab.graph.directory import Directory
from recon.lab.graph.faults import Fault

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
TEXT = "text/plain"


@dataclass(frozen=True)
class Call:
    """`path` and `query` below /v1.0, still percent-encoded; header names in lower case; root: http://host:port."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    root: str
    is_item: bool = False
    twist: Fault | None = None  # a fault that changes the page

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def target(self) -> str:
        """Path and query as one text."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def is_advanced(self) -> bool:
        """ConsistencyLevel: eventual was sent with this very call."""
        return self.headers.get("consistencylevel", "").lower() == "eventual"


@dataclass(frozen=True)
class Caller:
    """Who calls: a tenant, an application, what its token grants."""

    directory: Directory
    client_id: str
    permissions: frozenset[str]
    role: str | None


@dataclass
class Answer:
    """Status, headers and body. `fault`: what the wire shall do to it; `units`: resource units."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    units: int = 0
    fault: Fault | None = None
    request_id: str = ""

    @classmethod
    def json(cls, content: Any, status: int = 200) -> "Answer":
        """An answer with a JSON body."""
        return cls(status, orjson.dumps(content), {"Content-Type": JSON})

    @classmethod
    def text(cls, content: str) -> "Answer":
        """A bare number."""
        return cls(200, content.encode("ascii"), {"Content-Type": TEXT})


@dataclass(frozen=True)
class RequestRecord:
    """One Graph request as it was answered; status 0: the connection was reset. items: (method, url, status)."""

    number: int
    method: str
    target: str
    status: int
    request_id: str
    client_request_id: str
    client_id: str
    units: int
    fault: str | None
    items: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class WriteRecord:
    """One accepted change of one property, in the order of acceptance; time is UTC text with microseconds."""

    time: str
    tenant_id: str
    user_id: str
    property: str
    before: Any
    after: Any
    request_id: str
    client_request_id: str
