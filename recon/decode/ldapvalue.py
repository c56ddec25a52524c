"""Values in LDAP filters (RFC 4515), and binary values in the spellings people paste."""

import base64
import binascii
import re

from recon.decode.text import quoted
from recon.errors import DecodeError

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ESCAPES = re.compile(r"(?:\\[0-9A-Fa-f]{2})+")
_FILTER_SPECIAL = re.compile(r"[\x00-\x1f\x7f()*\\]")


def escape_bytes(data: bytes) -> str:
    """Every byte as \\xx, lower case: a binary value as it stands in a filter."""
    return "".join([f"\\{byte:02x}" for byte in data])


def escape_filter(text: str) -> str:
    """Text as it stands in a filter, so that it can mean nothing but itself (RFC 4515 section 3).

    Escapes ( ) * \\ and NUL, and the other control characters for the reader's sake; letters of every script stay.
    """
    return _FILTER_SPECIAL.sub(lambda match: f"\\{ord(match.group()):02x}", text)


def base64_bytes(text: str) -> bytes:
    """The bytes of a base64 text; exact: alphabet, padding, no spare bits, no blanks. Raises DecodeError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DecodeError(f"not base64: {quoted(text)}") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise DecodeError(f"not base64: {quoted(text)} has bits set that no encoder writes")
    return data


def value_bytes(text: str, what: str) -> bytes:
    """The bytes of a binary value written as 0x-hex, bare hex pairs, \\xx escapes or base64, tried in this order.

    `what` names the value in the error. Raises DecodeError for anything else.
    """
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if _HEX.fullmatch(digits):
        return bytes.fromhex(digits)
    if digits is not text:
        raise DecodeError(f"not a {what}: {quoted(text)} is not pairs of hexadecimal digits behind 0x")
    if "\\" in text:
        if not _ESCAPES.fullmatch(text):
            raise DecodeError(f"not a {what}: {quoted(text)} is not wholly made of \\xx escapes")
        return bytes.fromhex(text.replace("\\", ""))
    if not text:
        raise DecodeError(f"not a {what}: the value is empty")
    try:
        return base64_bytes(text)
    except DecodeError as error:
        raise DecodeError(f"not a {what}: {quoted(text)} is neither hexadecimal, \\xx escapes nor base64") from error
