"""The part of BER that LDAP uses: strict reading of what a client sends, fast writing of what it gets.

Definite lengths of at most four octets and one-octet tags only (RFC 4511 5.1); everything else is refused.
Nothing here knows LDAP's messages, and nothing guesses: a value that does not fit raises BerError.
"""

from functools import lru_cache

from recon.errors import DecodeError

BOOLEAN = 0x01
INTEGER = 0x02
OCTETS = 0x04
ENUMERATED = 0x0A
SEQUENCE = 0x30
SET = 0x31

_CONSTRUCTED = 0x20
_MULTI_OCTET_TAG = 0x1F
_LONG_LENGTH = 0x80
_MAX_LENGTH_OCTETS = 4


class BerError(DecodeError):
    """Bytes that are not what they claim to be: truncated, indefinite, out of their frame, of another type."""


@lru_cache(maxsize=1 << 14)
def header(tag: int, length: int) -> bytes:
    """Tag and length octets in the shortest form."""
    if length < _LONG_LENGTH:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_LENGTH | len(octets))) + octets


def value(tag: int, *parts: bytes) -> bytes:
    """One value whose content is the given parts, one after the other."""
    content = b"".join(parts)
    return header(tag, len(content)) + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    """A whole number in two's complement, in the fewest octets."""
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return bytes((tag, size)) + number.to_bytes(size, "big", signed=True)


def octets(data: bytes, tag: int = OCTETS) -> bytes:
    """An octet string."""
    return header(tag, len(data)) + data


def text(words: str, tag: int = OCTETS) -> bytes:
    """A UTF-8 string."""
    return octets(words.encode(), tag)


def frame(data: bytes | bytearray, offset: int, end: int) -> tuple[int, int, int] | None:
    """Tag, start and end of the content at `offset`; None while the header is not complete within `end`.

    The end may lie behind `end`: the caller decides whether that is an error or a reason to wait.
    Raises BerError for multi-octet tags, indefinite lengths and lengths of more than four octets.
    """
    if end - offset < 2:
        return None
    tag = data[offset]
    if tag & _MULTI_OCTET_TAG == _MULTI_OCTET_TAG:
        raise BerError(f"tag of several octets (0x{tag:02x})")
    length = data[offset + 1]
    start = offset + 2
    if length >= _LONG_LENGTH:
        count = length & 0x7F
        if count == 0:
            raise BerError("indefinite length")
        if count > _MAX_LENGTH_OCTETS:
            raise BerError(f"length of {count} octets")
        if end - start < count:
            return None
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    return tag, start, start + length


def message_size(buffer: bytearray, limit: int) -> int | None:
    """Size in bytes of the message that begins the buffer; None while its header is incomplete.

    Raises BerError when it is no SEQUENCE or claims more than `limit` bytes: nothing of it need be kept.
    """
    if buffer and buffer[0] != SEQUENCE:
        raise BerError(f"a message begins with 0x30, not 0x{buffer[0]:02x}")
    found = frame(buffer, 0, len(buffer))
    if found is None:
        return None
    size = found[2]
    if size > limit:
        raise BerError(f"a message of {size} bytes, at most {limit} are taken")
    return size


class Reader:
    """Reads values one after the other from a slice of bytes; never beyond its end."""

    __slots__ = ("_data", "_end", "_offset")

    def __init__(self, data: bytes, offset: int = 0, end: int | None = None) -> None:
        self._data = data
        self._offset = offset
        self._end = len(data) if end is None else end

    @property
    def has_more(self) -> bool:
        """Is anything left?"""
        return self._offset < self._end

    def next_tag(self) -> int:
        """The tag of the value that comes next. Raises BerError at the end."""
        if not self.has_more:
            raise BerError("a value is missing")
        return self._data[self._offset]

    def _content(self, tag: int) -> tuple[int, int]:
        found = frame(self._data, self._offset, self._end)
        if found is None:
            raise BerError("truncated value")
        seen, start, end = found
        if seen != tag:
            raise BerError(f"expected tag 0x{tag:02x}, found 0x{seen:02x}")
        if end > self._end:
            raise BerError("a value reaches beyond its frame")
        self._offset = end
        return start, end

    def octets(self, tag: int = OCTETS) -> bytes:
        """The content of the next value, which must have this tag."""
        start, end = self._content(tag)
        return self._data[start:end]

    def text(self, tag: int = OCTETS) -> str:
        """The same as UTF-8 text. Raises BerError when it is none."""
        try:
            return self.octets(tag).decode()
        except UnicodeDecodeError as error:
            raise BerError("text that is not UTF-8") from error

    def integer(self, tag: int = INTEGER) -> int:
        """A whole number of at most eight octets."""
        data = self.octets(tag)
        if not 1 <= len(data) <= 8:
            raise BerError(f"a number of {len(data)} octets")
        return int.from_bytes(data, "big", signed=True)

    def boolean(self, tag: int = BOOLEAN) -> bool:
        """FALSE is 0, every other octet is TRUE."""
        data = self.octets(tag)
        if len(data) != 1:
            raise BerError(f"a truth value of {len(data)} octets")
        return data[0] != 0

    def inside(self, tag: int) -> "Reader":
        """A reader of the content of the next value, which must be constructed and have this tag."""
        if not tag & _CONSTRUCTED:
            raise BerError(f"tag 0x{tag:02x} holds no further values")
        start, end = self._content(tag)
        return Reader(self._data, start, end)

    def skip(self) -> None:
        """Pass over the next value, whatever it is."""
        self._content(self.next_tag())

    def close(self) -> None:
        """Raise BerError when anything is left."""
        if self.has_more:
            raise BerError("bytes behind the last value")
