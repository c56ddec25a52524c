"""Searches over a signed-in socket: requests sent and answers read without ldap3, which costs ten times the CPU.

ldap3 has connected, begun TLS and signed in, and encodes each request once. From then on the socket is ours alone.
Several requests may be open: the next page is asked for before this one is decoded. What a server can make us hold
is bounded by MAX_MESSAGE and MAX_ANSWERS, what it can make us wait by the time-out of each message.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import ldap3
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc4511 import ProtocolOp
from ldap3.utils.asn1 import encode

from recon.decode.text import printable
from recon.sources.ldap import response
from recon.sources.ldap.exchange import Control, LostError, NotLdapError, RawEntry, Received, Search

MAX_ANSWERS = 256 * 1024 * 1024  # bytes of answers that wait to be decoded
_OVERHEAD = 200  # bytes that a message costs beside its own
_RECEIVE_BYTES = 256 * 1024
_PAGED = "1.2.840.113556.1.4.319"
DIRSYNC = "1.2.840.113556.1.4.841"


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _integer(number: int) -> bytes:
    return _element(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


@lru_cache(maxsize=16)  # one for all pages of a search
def encode_search(search: Search) -> bytes:
    """The searchRequest without its message; ldap3 reads the filter. Raises LDAPException for one that is none."""
    request = search_operation(
        search.base,
        search.filter_text,
        search.scope,
        ldap3.DEREF_NEVER,
        list(search.attributes),
        0,  # sizeLimit and timeLimit: the server's own
        0,
        False,
        True,
        True,
    )
    return bytes(encode(ProtocolOp().setComponentByName("searchRequest", request)))


def encode_request(
    number: int,
    operation: bytes,
    page_size: int | None,
    cookie: bytes | None,
    controls: tuple[Control, ...] = (),
) -> bytes:
    """One whole request, with the critical control for paged results where a page size is given (RFC 2696)."""
    wanted = list(controls)
    if page_size is not None:
        value = _element(0x30, _integer(page_size) + _element(0x04, cookie or b""))
        wanted.append(Control(_PAGED, value))
    encoded = b"".join(map(_control, wanted))
    return _element(0x30, _integer(number) + operation + (_element(0xA0, encoded) if encoded else b""))


def _control(control: Control) -> bytes:
    value = b"" if control.value is None else _element(0x04, control.value)
    return _element(0x30, _element(0x04, control.oid.encode("ascii")) + b"\x01\x01\xff" + value)


def dirsync_request(flags: int, max_bytes: int, cookie: bytes) -> Control:
    """The DirSync control of a request; `flags` are 32 bits, sent as a signed number ([MS-ADTS] 3.1.1.3.4.1.3)."""
    flag = flags.to_bytes(4, "big") if flags & 0x80000000 else b""
    number = _element(0x02, flag) if flag else _integer(flags)
    return Control(DIRSYNC, _element(0x30, number + _integer(max_bytes) + _element(0x04, cookie)))


class _Incoming:
    """What has arrived for one request."""

    __slots__ = ("done", "entries", "held", "size")

    def __init__(self) -> None:
        self.entries: list[tuple[bytes, int, int]] = []  # message, start and end of its operation
        self.size = 0  # bytes received
        self.held = 0  # bytes of memory, roughly
        self.done: response.Done | None = None


class WireExchange:
    """The exchange that reads by itself; `connection` is ldap3's, signed in."""

    def __init__(self, connection: Any, timeout: float, max_held: int = MAX_ANSWERS) -> None:
        self._socket = connection.socket
        self._next_number = connection.server.next_message_id
        self._timeout = timeout
        self._open: dict[int, _Incoming] = {}
        self._names = response.Names()
        self._parts: list[bytes] = []  # the beginning of a message whose end has not arrived
        self._have = 0
        self._need = 0
        self._held = 0
        self._max_held = max_held

    def send(self, search: Search, cookie: bytes | None = None) -> int:
        """Ask and do not wait."""
        number: int = self._next_number()
        request = encode_request(number, encode_search(search), search.page_size, cookie, search.controls)
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(request)
        except OSError as error:
            raise LostError(*error.args) from error
        self._open[number] = _Incoming()
        return number

    def receive(self, number: int) -> Received:
        """The whole answer; entries are decoded as they are taken."""
        incoming = self._open[number]
        deadline = time.monotonic() + self._timeout
        while incoming.done is None:
            if self._read(deadline):
                deadline = time.monotonic() + self._timeout
        del self._open[number]
        self._held -= incoming.held
        code, message, cookie, dirsync = incoming.done
        entries = incoming.entries
        return Received(code, message, cookie, len(entries), incoming.size, self._decoded(entries), dirsync)

    def _decoded(self, entries: list[tuple[bytes, int, int]]) -> Iterator[RawEntry]:
        names, decode = self._names, response.entry
        entries.reverse()
        while entries:  # each message is let go once it is decoded
            data, start, end = entries.pop()
            yield decode(data, start, end, names)

    def _read(self, deadline: float) -> bool:
        """Wait for bytes and sort the messages they complete; True when there was one."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise LostError("timed out")
        try:
            self._socket.settimeout(left)
            chunk = self._socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise LostError(*error.args) from error
        if not chunk:
            raise LostError("closed by the server")
        self._parts.append(chunk)
        self._have += len(chunk)
        if self._have < self._need:
            return False
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        at = self._sort(data)
        self._parts = [data[at:]] if at < len(data) else []
        self._have = len(data) - at
        return at > 0

    def _sort(self, data: bytes) -> int:
        """Give each whole message to the request it answers; returns where the first incomplete one begins."""
        at, size = 0, len(data)
        while True:
            end = response.message_end(data, at)
            if end is None or end > size:
                self._need = 0 if end is None else end - at
                return at
            self._take(data[at:end])
            at = end

    def _take(self, data: bytes) -> None:
        number, tag, start, end = response.message(data)
        incoming = self._open.get(number)
        if incoming is None or incoming.done is not None:
            if number == 0 and tag == response.EXTENDED:
                code, text, *_ = response.disconnection(data, start, end)
                raise LostError(f"closed by the server, result {code}: {printable(text)[:200]}")
            raise NotLdapError(f"a message with the number {number}, which was not asked for")
        if end != len(data) and tag != response.DONE:
            response.check_controls(data, end)
        if tag == response.ENTRY:
            incoming.entries.append((data, start, end))
        elif tag == response.REFERENCE:
            response.check_reference(data, start, end)
        elif tag == response.DONE:
            incoming.done = response.done(data, start, end)
        else:
            raise NotLdapError(f"a message of the kind 0x{tag:02x} does not answer a search")
        incoming.size += len(data)
        incoming.held += len(data) + _OVERHEAD
        self._held += len(data) + _OVERHEAD
        if self._held > self._max_held:
            raise NotLdapError(f"an answer of more than {self._max_held} bytes")
