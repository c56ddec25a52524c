"""Keys: the folded values that are joined and compared, so that SQL never has to fold.

A key is None when there is nothing to compare: no value, blanks alone, a value longer than the column, text that
is not what the key is made of. The raw value stands beside it; None here hides nothing.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from recon.decode.text import quoted
from recon.errors import DecodeError


def _folded(text: str) -> str:
    """Canonical caseless form (Unicode 3.13, D145), composed; folding it again changes nothing."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _sized(key: str, size: int | None) -> str | None:
    """The key, None when empty or over `size` UTF-16 units (what nvarchar counts)."""
    if not key:
        return None
    return key if size is None or 2 * len(key) <= size or utf16_units(key) <= size else None


def utf16_units(text: str) -> int:
    """The length that nvarchar counts: a character beyond the basic plane takes two."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def cut_units(text: str, size: int) -> str:
    """The text, or as much of its beginning as an nvarchar column of that size holds."""
    if 2 * len(text) <= size or utf16_units(text) <= size:
        return text
    return text.encode("utf-16-le")[: 2 * size].decode("utf-16-le", "ignore")


def fold(text: str | None, size: int | None = None) -> str | None:
    """The text in the one form that is compared: NFC, case folded, white space at the ends removed.

    None for None, for blanks alone and for keys over `size` UTF-16 units, never ''. Accents stay: é is not e.
    """
    if text is None:
        return None
    if text.isascii():
        key = text.lower().strip()
        return key if key and (size is None or len(key) <= size) else None
    return _sized(_folded(text).strip(), size)


@dataclass(frozen=True, slots=True)
class EmployeeIdRules:
    """What may be taken off an employee id before it is compared; nothing unless the site says so."""

    strip_prefix: tuple[str, ...] = ()
    strip_leading_zeros: bool = False


def employee_id_key(text: str | None, rules: EmployeeIdRules, size: int | None = 64) -> str | None:
    """The employee id as it is compared: folded, the first fitting prefix removed, then leading zeros.

    Prefixes fit whatever their case. The last zero stays (000 is 0). None when nothing is left.
    """
    key = fold(text)
    if key is None:
        return None
    for prefix in rules.strip_prefix:
        start = fold(prefix)
        if start is not None and key.startswith(start):
            key = key[len(start) :].strip()
            break
    if rules.strip_leading_zeros and key.startswith("0"):
        key = key.lstrip("0") or "0"
    return fold(key, size)


def upn_suffix(upn: str | None) -> str | None:
    """The folded part behind the last @ of a user principal name; None without one."""
    if upn is None:
        return None
    _, at, suffix = upn.rpartition("@")
    return fold(suffix) if at else None


def mail_domain(mail: str | None) -> str | None:
    """The folded domain of a mail address; None without one."""
    return upn_suffix(mail)


_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")
_USUAL_PREFIXES = frozenset({"SMTP", "smtp"})


def proxy_parts(value: str) -> tuple[str | None, str]:
    """Prefix as written (SMTP is the primary address, smtp another, x500 …) and the address behind it.

    (None, value) for a value without a prefix.
    """
    prefix, colon, address = value.partition(":")
    if colon and (prefix in _USUAL_PREFIXES or _PREFIX.fullmatch(prefix)):
        return prefix, address
    return None, value


# ---- distinguished names (RFC 4514) ---------------------------------------------------------------------

_TYPE = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)"
# Possessive throughout: a hostile value costs one pass.
_PART = re.compile(  # one attribute and value, and the separator behind it
    rf" *+({_TYPE}) *+= *+(?!#)"
    r"((?:[^\\,+\";<>\x00]|\\(?:[0-9A-Fa-f]{2}|[ \"#+,;<=>\\]))*+)([,+]|\Z)"
)
_PLAIN_VALUE = r"(?:[^ #\\,+\";<>\x00-\x1f\x7f][^\\,+\";<>\x00-\x1f\x7f]*+(?<! ))?"
_PLAIN = re.compile(rf"{_TYPE}={_PLAIN_VALUE}(?:,{_TYPE}={_PLAIN_VALUE})*+")
_CACHED_LENGTH = 2048  # a hostile name may be long; the cache is not for it
_NAME_BEGINS = re.compile(rf" *+{_TYPE} *+=")
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)
_MUST_ESCAPE = re.compile(r"[\\,+\";<>]|^[ #]| \Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _unescaped(match: re.Match[str]) -> str:
    if match.group(1):
        return bytes.fromhex(match.group(1).replace("\\", "")).decode("utf-8")
    return match.group(2)


def _value(raw: str, dn: str) -> str:
    """The value that its written form means; blanks at the ends count only when escaped."""
    bare = raw.rstrip(" ")
    if "\\" not in bare:
        return bare
    if (len(bare) - len(bare.rstrip("\\"))) % 2:
        bare += " "  # the last backslash escapes the first of the blanks
    try:
        return _ESCAPED.sub(_unescaped, bare)
    except UnicodeDecodeError as error:
        raise DecodeError(f"not a distinguished name: {quoted(dn)} escapes bytes that are not UTF-8") from error


def dn_parts(dn: str) -> list[list[tuple[str, str]]]:
    """The relative names of a distinguished name, the object's own first, each a list of (type, value).

    Values are unescaped: \\, and \\2C are a comma, \\C3\\A9 an é. Raises DecodeError for what RFC 4514 does not
    allow, and for values in its #hex form, which hold BER and no text.
    """
    names: list[list[tuple[str, str]]] = [[]]
    place = 0
    while True:
        match = _PART.match(dn, place)
        if match is None:
            raise DecodeError(f"not a distinguished name: {quoted(dn)}")
        kind, raw, separator = match.groups()
        names[-1].append((kind, _value(raw, dn)))
        place = match.end()
        if not separator:
            return names
        if separator == ",":
            names.append([])


def _written(kind: str, value: str) -> str:
    escaped = _MUST_ESCAPE.sub(r"\\\g<0>", _folded(value))
    if not escaped.isprintable():
        escaped = _CONTROL.sub(lambda match: f"\\{ord(match.group()):02x}", escaped)
    return f"{kind.lower()}={escaped}"


def _name_key(dn: str) -> str:
    """The key of any distinguished name; raises DecodeError where it is none."""
    key = _folded(dn)
    if _PLAIN.fullmatch(key):
        return key
    return ",".join("+".join(sorted(_written(kind, value) for kind, value in name)) for name in dn_parts(dn))


_container_key = lru_cache(maxsize=16384)(_name_key)  # a domain has far fewer containers than objects


def dn_key(dn: str | None, size: int | None = None) -> str | None:
    """A distinguished name as it is compared: folded, one spelling of escapes, no blanks around , + and =.

    The parts of a multi-valued name are sorted. None for text that is no distinguished name and beyond `size`.
    """
    if dn is None:
        return None
    key = _folded(dn)
    if not _PLAIN.fullmatch(key):
        first = _PART.match(dn)
        try:
            if first is not None and first.group(3) == "," and len(dn) < _CACHED_LENGTH:
                container = _container_key(dn[first.end() :])
                key = f"{_written(first.group(1), _value(first.group(2), dn))},{container}"
            else:
                key = _name_key(dn)
        except DecodeError:
            return None  # no name, so nothing that could be joined; the raw value stands beside the key
    return _sized(key, size)


def ou_path(dn: str | None) -> str | None:
    """The name of the container, as written: what stands behind the first comma that is not escaped.

    None for a name without a parent and for text that is no distinguished name.
    """
    if dn is None:
        return None
    place = 0
    while match := _PART.match(dn, place):
        place = match.end()
        if match.group(3) == ",":
            return dn[place:].lstrip(" ") if _NAME_BEGINS.match(dn, place) else None
        if not match.group(3):
            break
    return None


@lru_cache(maxsize=16384)  # a domain has far fewer containers than objects
def _container(written: str) -> tuple[str | None, str | None]:
    """Key and path of what stands behind the first comma of a name."""
    try:
        key: str | None = _name_key(written)
    except DecodeError:
        key = None
    return key, written.lstrip(" ") if _NAME_BEGINS.match(written) else None


def dn_key_and_path(dn: str, size: int | None = None) -> tuple[str | None, str | None]:
    """dn_key and ou_path of one name, at the price of its first part: its container's are kept."""
    first, comma, rest = dn.partition(",")
    if comma and len(dn) < _CACHED_LENGTH:
        key = _folded(first)
        if _PLAIN.fullmatch(key):
            container, path = _container(rest)
            return None if container is None else _sized(f"{key},{container}", size), path
    return dn_key(dn, size), ou_path(dn)
