"""A strict reader of what answers a search or a sign-in: entry, reference, done with its controls, bind, notice.

Everything else is refused with NotLdapError: a value is read exactly or not at all. Lengths are definite, values
primitive (RFC 4511 5.1); lengths may be written longer than needed, as Active Directory does. Elements behind those
we know are passed over when they are well formed (RFC 4511 4). Nothing here reads a socket.

The functions on the path of every value do their own bounds: a check at the end of each frame finds all values that
reached beyond it, because a slice never reads behind the message.
"""

import re
import struct
from typing import NamedTuple

from recon.decode.text import printable
from recon.sources.ldap.exchange import Attributes, DirSyncAnswer, NotLdapError, RawEntry

ENTRY, DONE, REFERENCE, EXTENDED = 0x64, 0x65, 0x73, 0x78  # protocolOp of RFC 4511 4.5.2 and 4.12
BOUND = 0x61  # of 4.2.2
MAX_MESSAGE = 16 * 1024 * 1024  # bytes; entries of a directory have some kilobytes

_SEQUENCE, _SET, _OCTETS, _INTEGER, _ENUMERATED, _BOOLEAN = 0x30, 0x31, 0x04, 0x02, 0x0A, 0x01
_CONTROLS, _RESPONSE_NAME, _CREDENTIALS = 0xA0, 0x8A, 0x87
_PAGED, _DIRSYNC = b"1.2.840.113556.1.4.319", b"1.2.840.113556.1.4.841"
_DISCONNECTION = b"1.3.6.1.4.1.1466.20036"
_MAX_ID = (1 << 31) - 1
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]*(?:;[A-Za-z0-9=*.-]+)*")  # with options, `range=0-*` among them
_KEPT_NAMES = 4096
_four_octets = struct.Struct(">I").unpack_from


class Names(dict[bytes, str]):
    """Attribute descriptions in lower case by their bytes; checked when they come for the first time."""

    def __missing__(self, raw: bytes) -> str:
        if not _NAME.fullmatch(raw):
            raise NotLdapError(f"an attribute is called {printable(raw[:80].decode('utf-8', 'backslashreplace'))!r}")
        name = raw.decode("ascii").lower()
        if len(self) < _KEPT_NAMES:
            self[raw] = name
        return name


class Message(NamedTuple):
    """The frame of one message: its id, the operation's tag, and where the operation's content stands."""

    number: int
    tag: int
    start: int
    end: int


class Done(NamedTuple):
    """The end of a search, or why the server gives up. `cookie`, `dirsync`: None without their control."""

    code: int
    message: str
    cookie: bytes | None
    dirsync: DirSyncAnswer | None = None


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Length whose first octet stands at `at`, and where the content starts."""
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    count = first & 0x7F
    if count in (0, 0x7F):
        raise NotLdapError("indefinite length" if count == 0 else "reserved length")
    if at + count > len(data):
        raise NotLdapError("truncated length")
    return int.from_bytes(data[at : at + count], "big"), at + count


def _value(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Start and end of the content of the value at `at`, which must have this tag and lie within `end`."""
    if at + 2 > end:
        raise NotLdapError("a value is missing or truncated")
    if data[at] != tag:
        raise NotLdapError(f"expected tag 0x{tag:02x}, found 0x{data[at]:02x}")
    size, start = _length(data, at + 1)
    if start + size > end:
        raise NotLdapError("a value reaches beyond its frame")
    return start, start + size


def _number(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """A number of 0 to 2^31-1 and where it ends."""
    start, stop = _value(data, at, end, tag)
    number = int.from_bytes(data[start:stop], "big", signed=True)
    if not 1 <= stop - start <= 8 or not 0 <= number <= _MAX_ID:
        raise NotLdapError("a number out of its range")
    return number, stop


def _pass_over(data: bytes, at: int, end: int) -> None:
    """Check that only whole values stand between `at` and `end`."""
    while at < end:
        if data[at] & 0x1F == 0x1F:
            raise NotLdapError(f"tag of several octets (0x{data[at]:02x})")
        at = _value(data, at, end, data[at])[1]


def message_end(data: bytes, at: int) -> int | None:
    """Where the message that begins at `at` ends; None while its header is not there. Raises NotLdapError.

    The end may lie behind the data. A message of more than MAX_MESSAGE bytes is refused by its header.
    """
    if at >= len(data):
        return None
    if data[at] != _SEQUENCE:
        raise NotLdapError(f"a message begins with 0x30, not 0x{data[at]:02x}")
    if at + 2 > len(data):
        return None
    size, start = data[at + 1], at + 2
    if size >= 0x80:
        if size not in (0x80, 0xFF) and start + (size & 0x7F) > len(data):
            return None
        size, start = _length(data, at + 1)
    if size > MAX_MESSAGE:
        raise NotLdapError(f"a message of {size} bytes, at most {MAX_MESSAGE} are taken")
    return start + size


def message(data: bytes) -> Message:
    """The frame of one whole message. Raises NotLdapError."""
    try:
        start, end = _value(data, 0, len(data), _SEQUENCE)
        if end != len(data):
            raise NotLdapError("bytes behind the message")
        number, at = _number(data, start, end, _INTEGER)
        tag = data[at]
        start, stop = _value(data, at, end, tag)
    except IndexError as error:
        raise NotLdapError("truncated message") from error
    return Message(number, tag, start, stop)


def entry(data: bytes, start: int, end: int, names: Names) -> RawEntry:
    """Name and raw values of a search result entry; `data` is its whole message. Raises NotLdapError.

    A name that is not UTF-8 keeps its bytes as \\xNN; names of attributes must be what RFC 4512 2.5 allows, and
    none may come twice.
    """
    try:
        return _entry(data, start, end, names)
    except (IndexError, struct.error) as error:
        raise NotLdapError("truncated message") from error


def _entry(data: bytes, start: int, end: int, names: Names) -> RawEntry:  # noqa: C901  a call per value costs twice
    at, stop = _value(data, start, end, _OCTETS)
    dn = data[at:stop].decode("utf-8", "backslashreplace")
    at, last = _value(data, stop, end, _SEQUENCE)
    if last != end:
        _pass_over(data, last, end)
    attributes: Attributes = {}
    count = 0
    while at < last:
        if data[at] != 0x30:
            raise NotLdapError(f"an attribute begins with 0x30, not 0x{data[at]:02x}")
        size = data[at + 1]
        at += 2
        if size > 0x7F:
            if size == 0x84:  # what Active Directory writes, whatever the length
                (size,) = _four_octets(data, at)
                at += 4
            else:
                size, at = _length(data, at - 1)
        stop = at + size
        if stop > last:
            raise NotLdapError("an attribute reaches beyond its entry")
        if data[at] != 0x04:
            raise NotLdapError(f"an attribute's name has tag 0x{data[at]:02x}")
        size = data[at + 1]
        at += 2
        if size > 0x7F:
            size, at = _length(data, at - 1)
        end_of_name = at + size
        name = names[data[at:end_of_name]]
        if data[end_of_name] != 0x31:
            raise NotLdapError(f"the values of {name} have tag 0x{data[end_of_name]:02x}")
        size = data[end_of_name + 1]
        at = end_of_name + 2
        if size > 0x7F:
            if size == 0x84:
                (size,) = _four_octets(data, at)
                at += 4
            else:
                size, at = _length(data, at - 1)
        end_of_values = at + size
        if end_of_values != stop:
            if end_of_values > stop:
                raise NotLdapError(f"the values of {name} reach beyond their attribute")
            _pass_over(data, end_of_values, stop)
        if at < end_of_values and data[at] == 0x04 and at + 2 + data[at + 1] == end_of_values and data[at + 1] < 0x80:
            attributes[name] = [data[at + 2 : end_of_values]]  # one short value, as most attributes have
        else:
            attributes[name] = _values(data, at, end_of_values, name)
        at = stop
        count += 1
    if len(attributes) != count:
        raise NotLdapError("an attribute comes twice in one entry")
    return dn, attributes


def _values(data: bytes, at: int, end: int, name: str) -> list[bytes]:
    values = []
    while at < end:
        if data[at] != 0x04:
            raise NotLdapError(f"a value of {name} has tag 0x{data[at]:02x}")
        size = data[at + 1]
        at += 2
        if size > 0x7F:
            size, at = _length(data, at - 1)
        following = at + size
        values.append(data[at:following])
        at = following
    if at != end:
        raise NotLdapError(f"a value of {name} reaches beyond its attribute")
    return values


def check_reference(data: bytes, start: int, end: int) -> None:
    """Check a reference to another domain; its addresses are not followed (RFC 4511 4.5.3). Raises NotLdapError."""
    if start == end:
        raise NotLdapError("a reference without an address")
    while start < end:
        start = _value(data, start, end, _OCTETS)[1]


def check_controls(data: bytes, end: int) -> None:
    """Check what stands behind an operation that ends at `end`. Raises NotLdapError."""
    _controls(data, end)


def done(data: bytes, start: int, end: int) -> Done:
    """Result and cookie of a search that has ended. Raises NotLdapError."""
    code, at = _number(data, start, end, _ENUMERATED)
    _, at = _value(data, at, end, _OCTETS)
    at, stop = _value(data, at, end, _OCTETS)
    _pass_over(data, stop, end)
    return Done(code, data[at:stop].decode("utf-8", "backslashreplace"), *_controls(data, end))


def outcome(data: bytes, start: int, end: int) -> tuple[int, str, bytes | None]:
    """Result, text and SASL credentials of what answers a bind or StartTLS (RFC 4511 4.2.2). Raises NotLdapError."""
    code, at = _number(data, start, end, _ENUMERATED)
    _, at = _value(data, at, end, _OCTETS)
    at, stop = _value(data, at, end, _OCTETS)
    text = data[at:stop].decode("utf-8", "backslashreplace")
    credentials = None
    while stop < end:
        tag = data[stop]
        at, stop = _value(data, stop, end, tag)
        if tag == _CREDENTIALS:
            credentials = data[at:stop]
    check_controls(data, end)
    return code, text, credentials


def disconnection(data: bytes, start: int, end: int) -> Done:
    """Why the server closes the connection (RFC 4511 4.4.1). Raises NotLdapError for every other notice."""
    code, at = _number(data, start, end, _ENUMERATED)
    _, at = _value(data, at, end, _OCTETS)
    at, stop = _value(data, at, end, _OCTETS)
    text = data[at:stop].decode("utf-8", "backslashreplace")
    while stop < end:
        tag = data[stop]
        at, stop = _value(data, stop, end, tag)
        if tag == _RESPONSE_NAME and data[at:stop] == _DISCONNECTION:
            _pass_over(data, stop, end)
            return Done(code, text, None)
    raise NotLdapError("a notice that is not the notice of disconnection")


def _controls(data: bytes, at: int) -> tuple[bytes | None, DirSyncAnswer | None]:
    """What the paging control and the DirSync control behind the operation say; None without the control."""
    end = len(data)
    cookie: bytes | None = None
    dirsync: DirSyncAnswer | None = None
    if at < end and data[at] == _CONTROLS:
        at, last = _value(data, at, end, _CONTROLS)
        while at < last:
            start, at = _value(data, at, last, _SEQUENCE)
            oid, begin, stop = _control(data, start, at)
            if oid == _PAGED:
                if cookie is not None:
                    raise NotLdapError("two paging controls in one answer")
                cookie = _numbers_and_cookie(data, begin, stop, 1)[1]
            elif oid == _DIRSYNC:
                if dirsync is not None:
                    raise NotLdapError("two DirSync controls in one answer")
                has_more, text = _numbers_and_cookie(data, begin, stop, 2)
                dirsync = DirSyncAnswer(has_more != 0, text)
        at = last
    while at < end:
        if data[at] == _CONTROLS:  # passed over, it could hold a cookie, and the read would end too early
            raise NotLdapError("controls twice, or not where they belong")
        following = _value(data, at, end, data[at])[1]
        _pass_over(data, at, following)
        at = following
    return cookie, dirsync


def _control(data: bytes, start: int, end: int) -> tuple[bytes, int, int]:
    """Type of one control, and start and end of its value, which those that we read must have (RFC 4511 4.1.11)."""
    begin, at = _value(data, start, end, _OCTETS)
    oid = data[begin:at]
    if at < end and data[at] == _BOOLEAN:
        begin, at = _value(data, at, end, _BOOLEAN)
        if at - begin != 1:
            raise NotLdapError("a truth value of several octets")
    if oid not in (_PAGED, _DIRSYNC):
        _pass_over(data, at, end)
        return oid, at, end
    begin, stop = _value(data, at, end, _OCTETS)
    _pass_over(data, stop, end)
    return oid, begin, stop


def _numbers_and_cookie(data: bytes, begin: int, end: int, count: int) -> tuple[int, bytes]:
    """The first of `count` numbers and the cookie behind them (RFC 2696 2; [MS-ADTS] 3.1.1.3.4.1.3)."""
    at, stop = _value(data, begin, end, _SEQUENCE)
    if stop != end:
        raise NotLdapError("bytes behind a control's value")
    numbers = []
    for _ in range(count):
        number, at = _number(data, at, stop, _INTEGER)
        numbers.append(number)
    at, last = _value(data, at, stop, _OCTETS)
    _pass_over(data, last, stop)
    return numbers[0], data[at:last]
