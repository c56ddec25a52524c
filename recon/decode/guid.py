"""objectGUID and the immutable id that Entra makes of it.

The bytes hold the first three fields little-endian ([MS-DTYP] 2.3.4.2): 12345678-9abc-… begins 78 56 34 12 bc 9a.
The immutable id is the base64 of these raw bytes; it is byte-exact and never folded.
"""

import re
from binascii import b2a_base64

from recon.decode.ldapvalue import base64_bytes
from recon.decode.text import quoted
from recon.errors import DecodeError

_TEXT = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")


def guid_text(data: bytes) -> str:
    """The GUID in lower case with hyphens, without braces. Raises DecodeError unless there are 16 bytes."""
    if len(data) != 16:
        raise DecodeError(f"not a GUID: {len(data)} bytes, it has 16")
    return f"{data[3::-1].hex()}-{data[5:3:-1].hex()}-{data[7:5:-1].hex()}-{data[8:10].hex()}-{data[10:].hex()}"


def guid_bytes(text: str) -> bytes:
    """The raw 16 bytes of a GUID in text form, with hyphens, in braces or not, any case. Raises DecodeError."""
    bare = text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text
    if not _TEXT.fullmatch(bare):
        raise DecodeError(f"not a GUID: {quoted(text)} does not have the form 12345678-9abc-def0-1122-334455667788")
    data = bytes.fromhex(bare.replace("-", ""))
    return data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:]


def immutable_id(data: bytes) -> str:
    """The source anchor as Entra holds it: base64 of the raw bytes of mS-DS-ConsistencyGuid or objectGUID.

    Any length but none: a consistency GUID is an octet string, and sites have put other values there.
    """
    if not data:
        raise DecodeError("no source anchor: the value is empty")
    return b2a_base64(data, newline=False).decode("ascii")


def immutable_id_bytes(text: str) -> bytes:
    """The raw bytes behind an immutable id; any length but none. Raises DecodeError unless it is exact base64."""
    if not text:
        raise DecodeError("no source anchor: the value is empty")
    return base64_bytes(text)
