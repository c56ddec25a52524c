"""Raw values of Active Directory as Python values: strict, each refusal with the code of its defect.

Text stays as it is, numbers and times must be exactly what their syntax says ([MS-ADTS] 3.1.1.2.2.2).
"""

import base64
import re
from collections.abc import Callable, Iterator, Sequence

from recon.decode.sid import sid_text
from recon.decode.text import printable
from recon.decode.times import generalized_time_text
from recon.errors import DecodeError
from recon.objects import Column

Convert = Callable[[bytes], object]

# defects that cost the value: the column is NULL although the directory holds something
LOST = frozenset(
    {"not_utf8", "nul", "bad_sid", "bad_guid", "bad_time", "not_a_number", "out_of_range", "not_a_boolean"}
)

_MANY_LINES = frozenset({"streetaddress", "info", "description"})
_SHOWN = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FLAGS = {b"TRUE": 1, b"FALSE": 0}


class NotValidError(ValueError):
    """A raw value that its attribute's type does not allow; the message is the defect's code."""


def text(raw: bytes) -> str | None:
    """UTF-8 without NUL, which no database stores alike; '' is None. Raises NotValidError, as all of these."""
    try:
        value = raw.decode()
    except UnicodeDecodeError as error:
        raise NotValidError("not_utf8") from error
    if "\0" in value:
        raise NotValidError("nul")
    return value or None


def _number(raw: bytes, bits: int) -> int:
    digits = raw[1:] if raw[:1] == b"-" else raw
    if not digits.isdigit():
        raise NotValidError("not_a_number")
    if len(digits) > 20:
        raise NotValidError("out_of_range")
    number = int(raw)
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise NotValidError("out_of_range")
    return number


def _int(raw: bytes) -> int:
    if len(raw) < 10 and raw.isdigit():
        return int(raw)
    return _number(raw, 32)


def _bigint(raw: bytes) -> int:
    if len(raw) < 19 and raw.isdigit():
        return int(raw)
    return _number(raw, 64)


def _group_type(raw: bytes) -> int:
    """Signed 32 bits; some tools export the unsigned form."""
    number = _number(raw, 64)
    return _int(str(number - (1 << 32) if 1 << 31 <= number < 1 << 32 else number).encode())


def _flag(raw: bytes) -> int:
    flag = _FLAGS.get(raw.upper())
    if flag is None:
        raise NotValidError("not_a_boolean")
    return flag


def _time(raw: bytes) -> str:
    try:
        return generalized_time_text(raw.decode("ascii"))
    except ValueError as error:
        raise NotValidError("bad_time") from error


def sid(raw: bytes) -> str:
    """The text of a SID."""
    try:
        return sid_text(raw)
    except DecodeError as error:
        raise NotValidError("bad_sid") from error


def _guid_bytes(raw: bytes) -> bytes:
    if len(raw) != 16:
        raise NotValidError("bad_guid")
    return raw


_CONVERTERS: dict[str, Callable[[bytes], object]] = {
    "text": text,
    "int": _int,
    "bigint": _bigint,
    "flag": _flag,
    "time": _time,
    "bytes": bytes,
}
_OWN_CONVERTERS: dict[str, Callable[[bytes], object]] = {"grouptype": _group_type, "objectguid": _guid_bytes}


def converter(column: Column) -> Convert:
    """The function that reads one raw value of a column; raises NotValidError."""
    return _OWN_CONVERTERS.get(column.name) or _CONVERTERS[column.type]


def text_defects(name: str, value: str, size: int | None) -> Iterator[str]:
    """What is wrong with a text that could be read: control, blanks, too_long (UTF-16 units, as nvarchar counts)."""
    if not value.isprintable() and (_CONTROL_IN_LINES if name in _MANY_LINES else _CONTROL).search(value):
        yield "control"
    if value != value.strip():
        yield "blanks"
    if size is not None and 2 * len(value) > size and len(value) + sum(one > "\uffff" for one in value) > size:
        yield "too_long"


def shown(value: bytes | str) -> str:
    """A defective value for people: printable, at most 1,000 characters."""
    plain = value if isinstance(value, str) else value[:_SHOWN].decode("utf-8", "backslashreplace")
    return printable(plain[:_SHOWN])


def own_texts(raw: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    """(position, text) of a site's own attribute: text where a value is text, else base64; sorted, '' left out."""
    for position, one in enumerate(sorted(raw)):
        try:
            value = one.decode()
        except UnicodeDecodeError:
            value = base64.b64encode(one).decode("ascii")
        if _CONTROL_IN_LINES.search(value):
            value = base64.b64encode(one).decode("ascii")
        if value:
            yield position, value
