"""Security identifiers: the bytes of objectSid and sIDHistory, and the text S-1-5-21-… ([MS-DTYP] 2.4.2).

Layout: revision (1), count of sub-authorities (0 to 15), authority (6 bytes, big-endian), then the
sub-authorities (4 bytes each, little-endian). Anything else is refused, never guessed.
"""

import re
import struct
from functools import lru_cache

from recon.decode.ldapvalue import value_bytes
from recon.decode.text import quoted
from recon.errors import DecodeError

_MAX_COUNT = 15
_FORMATS = tuple(struct.Struct(f"<{count}I") for count in range(_MAX_COUNT + 1))
_AUTHORITY_HEX = re.compile(r"0[xX][0-9A-Fa-f]{12}")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,9}")


def sid_text(data: bytes) -> str:
    """The SID as text: S-1-5-21-…; an authority from 2^32 on as 0x and 12 lower-case hexadecimal digits.

    Raises DecodeError where revision, count or length are not those of a SID.
    """
    if len(data) < 12:
        return _any_sid_text(data)
    return f"{_head_text(data[:-4])}-{int.from_bytes(data[-4:], 'little')}"


@lru_cache(maxsize=4096)  # all but the last sub-authority: a domain has one
def _head_text(head: bytes) -> str:
    return _any_sid_text(head + bytes(4)).rpartition("-")[0]


def _any_sid_text(data: bytes) -> str:
    size = len(data)
    if size < 8:
        raise DecodeError(f"not a SID: {size} bytes, the shortest has 8")
    if data[0] != 1:
        raise DecodeError(f"not a SID: revision {data[0]}, only 1 is defined")
    count = data[1]
    if count > _MAX_COUNT:
        raise DecodeError(f"not a SID: {count} sub-authorities, at most {_MAX_COUNT} are allowed")
    if size != 8 + 4 * count:
        raise DecodeError(f"not a SID: {size} bytes, {count} sub-authorities need {8 + 4 * count}")
    authority = int.from_bytes(data[2:8], "big")
    head = f"S-1-{authority}" if authority < 1 << 32 else f"S-1-0x{authority:012x}"
    return "-".join((head, *map(str, _FORMATS[count].unpack_from(data, 8))))


def sid_bytes(text: str) -> bytes:
    """The bytes of a SID in text form.

    Strict: decimal parts below 2^32 without sign or leading zero, the authority in its one proper form
    (decimal below 2^32, else 0x and 12 hexadecimal digits). Raises DecodeError.
    """
    parts = text.split("-")
    if len(parts) < 3 or parts[0] not in ("S", "s"):
        raise DecodeError(f"not a SID: {quoted(text)} does not have the form S-1-5-21-…")
    if parts[1] != "1":
        raise DecodeError(f"not a SID: {quoted(text)} has a revision other than 1")
    numbers = [_number(part, text) for part in parts[3:]]
    if len(numbers) > _MAX_COUNT:
        raise DecodeError(
            f"not a SID: {quoted(text)} has {len(numbers)} sub-authorities, at most {_MAX_COUNT} are allowed"
        )
    authority = _authority(parts[2], text)
    return bytes((1, len(numbers))) + authority.to_bytes(6, "big") + _FORMATS[len(numbers)].pack(*numbers)


# up to 3,999,999,999: what may be beyond 32 bits is looked at part by part
_SURE = re.compile(r"S-1-(?:0|[1-9][0-9]{0,8}|[1-3][0-9]{9})(?:-(?:0|[1-9][0-9]{0,8}|[1-3][0-9]{9})){0,15}")


def canonical_sid(text: str) -> str:
    """A SID in text form as sid_text writes it. Raises DecodeError as sid_bytes does."""
    return text if _SURE.fullmatch(text) else sid_text(sid_bytes(text))


def _number(part: str, text: str) -> int:
    if not _DECIMAL.fullmatch(part):
        raise DecodeError(f"not a SID: {quoted(text)} has a part that is not a plain decimal number")
    number = int(part)
    if number >= 1 << 32:
        raise DecodeError(f"not a SID: {quoted(text)} has a part that needs more than 32 bits")
    return number


def _authority(part: str, text: str) -> int:
    if not _AUTHORITY_HEX.fullmatch(part):
        return _number(part, text)
    authority = int(part, 16)
    if authority < 1 << 32:
        raise DecodeError(f"not a SID: {quoted(text)} writes an authority below 2^32 in hexadecimal")
    return authority


def parse_sid(value: str) -> bytes:
    """The bytes of a SID in any form people paste: S-1-…, 0x-hex, bare hex, \\xx escapes, base64.

    Text that is both hexadecimal and base64 is read as hexadecimal (no SID is spelled so in base64: they
    begin with AQ). Raises DecodeError when the result is not a SID.
    """
    if value[:2] in ("S-", "s-"):
        return sid_bytes(value)
    data = value_bytes(value, "SID")
    sid_text(data)
    return data
