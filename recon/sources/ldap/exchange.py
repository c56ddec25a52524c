"""What a search asks and what comes back: the seam between a session and whatever reads its answers.

Two implementations: recon.sources.ldap.wire reads by itself, recon.sources.ldap.answers through ldap3. Both give
the same names and raw values; neither judges result codes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from recon.errors import DecodeError

Attributes = dict[str, list[bytes]]
RawEntry = tuple[str, Attributes]  # distinguished name, lower-case attribute description: raw values

_INTEGER = re.compile(r"-?[0-9]{1,20}")


class NotLdapError(DecodeError):
    """Bytes that are no LDAP message, or one that answers nothing we asked."""


class LostError(OSError):
    """The connection ended while an answer was awaited: closed, reset, silent for too long."""


class Control(NamedTuple):
    """A control of a request beside paging, always critical (RFC 4511 4.1.11)."""

    oid: str
    value: bytes | None = None


SHOW_DELETED = Control("1.2.840.113556.1.4.417")  # [MS-ADTS] 3.1.1.3.4.1.14


class DirSyncAnswer(NamedTuple):
    """What the DirSync control of an answer says ([MS-ADTS] 3.1.1.3.4.1.3)."""

    has_more: bool
    cookie: bytes


def integer(text: str) -> int | None:
    """A number as a server writes it, of 64 bits or a little more; None for what is none."""
    return int(text) if _INTEGER.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Search:
    """One search request (RFC 4511 4.5.1). `page_size`: entries a page (RFC 2696), None without paging."""

    base: str
    scope: str  # BASE, LEVEL or SUBTREE, as ldap3 spells them
    filter_text: str
    attributes: tuple[str, ...]
    page_size: int | None = None
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """One whole answer. `entries` are decoded while they are read, once; NotLdapError may come from there too."""

    code: int
    message: str
    cookie: bytes | None  # of the paging control; None: the answer has none
    count: int  # entries
    size: int  # bytes
    entries: Iterator[RawEntry]
    dirsync: DirSyncAnswer | None = None


class Exchange(Protocol):
    """Sends searches and receives their answers over one signed-in connection."""

    def send(self, search: Search, cookie: bytes | None = None) -> int:
        """Ask, with the cookie of the page before; returns the number to receive by. Raises LostError."""
        ...

    def receive(self, number: int) -> Received:
        """The whole answer to one request. Raises LostError, NotLdapError."""
        ...
