"""`recon decode`: read single values of a directory at the command line, without a server or a database.

One value in table form is printed as bare lines where a script would want it so; several are a table with
the value in front. Everything is decoded before anything is printed.
"""

import re
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit
from recon.cli.decode_certmap import certmap
from recon.cli.decode_error import error
from recon.decode.text import printable, quoted
from recon.errors import DecodeError, UsageError

app = typer.Typer(help="Decode SIDs, GUIDs, flags and times.", no_args_is_help=True)

_Row = tuple[object, ...]

_NUMBERS = {"ignore_unknown_options": True}  # -2147483646 is a value here, not an option
_INTEGER = re.compile(r"-?[0-9]{1,20}|0[xX][0-9A-Fa-f]{1,16}")
_HEX32 = re.compile(r"[0-9A-Fa-f]{32}")
_DATE_DIGITS = (8, 14)  # yyyyMMdd, yyyyMMddHHmmss
_SID_COLUMNS = ("value", "sid", "hex", "base64", "filter")
_GUID_COLUMNS = ("value", "guid", "immutable_id", "hex", "filter")
_UAC_COLUMNS = ("value", "state", "flags", "warnings")
_BIT_COLUMNS = ("bit", "value", "flag", "meaning")
_GROUP_COLUMNS = ("value", "scope", "kind", "signed", "flags")
_TIME_COLUMNS = ("value", "form", "utc")


def _values(forms: str) -> Any:
    return typer.Argument(..., metavar="VALUE", help=f"{forms} A single - reads values from stdin, one a line.")


def _decoded(values: Sequence[str], decode: Callable[[str], _Row]) -> list[_Row]:
    """One row per value, the value first. Raises DecodeError for the first malformed one, with its line number."""
    if "-" not in values:
        return [(value, *decode(value.strip())) for value in values]
    if len(values) > 1:
        raise UsageError("- reads all values from stdin: give nothing beside it")
    rows: list[_Row] = []
    for number, line in enumerate(sys.stdin, start=1):
        if value := line.strip():
            try:
                rows.append((value, *decode(value)))
            except DecodeError as error:
                raise DecodeError(f"line {number}: {error}", hint=error.hint) from error
    return rows


def _lines(*lines: object) -> None:
    sys.stdout.writelines(f"{printable(str(line))}\n" for line in lines)
    sys.stdout.flush()


def _integer(value: str) -> int:
    if not _INTEGER.fullmatch(value):
        raise DecodeError(f"not a number: {quoted(value)} is neither decimal nor 0x-hexadecimal")
    return int(value, 16) if value[:2] in ("0x", "0X") else int(value)


def _sid(value: str) -> _Row:
    import base64

    from recon.decode.ldapvalue import escape_bytes
    from recon.decode.sid import parse_sid, sid_text

    data = parse_sid(value)
    encoded = base64.b64encode(data).decode("ascii")
    return (sid_text(data), f"0x{data.hex().upper()}", encoded, f"(objectSid={escape_bytes(data)})")


@app.command("sid")
def sid(
    values: list[str] = _values("S-1-…, 0x-hex, bare hex, \\xx escapes or base64."),
    output: Format = FORMAT_OPTION,
) -> None:
    """A SID, from bytes to text or from text to bytes.

    One value in bytes prints the text and nothing else; one in text prints 0x-hex, base64 and the LDAP filter.
    """
    rows = _decoded(values, _sid)
    if output is not Format.table or len(rows) != 1:
        emit(_SID_COLUMNS, rows, output)
        return
    value, text, *spellings = rows[0]
    _lines(*(spellings if str(value).strip()[:2] in ("S-", "s-") else [text]))


def _guid(value: str) -> _Row:
    from recon.decode.guid import guid_bytes, guid_text, immutable_id
    from recon.decode.ldapvalue import escape_bytes, value_bytes

    if _HEX32.fullmatch(value):
        raise DecodeError(
            f"ambiguous: {value} may be raw bytes or a GUID without its hyphens",
            hint=f"write 0x{value} for raw bytes, or the GUID with hyphens",
        )
    data = guid_bytes(value) if "-" in value or "{" in value else value_bytes(value, "GUID")
    return (guid_text(data), immutable_id(data), f"0x{data.hex().upper()}", f"(objectGUID={escape_bytes(data)})")


@app.command("guid")
def guid(
    values: list[str] = _values(
        "A GUID with hyphens, an immutable id (base64), 0x and 32 hex digits, or \\xx escapes."
    ),
    output: Format = FORMAT_OPTION,
) -> None:
    """A GUID: its text, the immutable id (source anchor), the raw bytes, the LDAP filter.

    0x and 32 hex digits are raw bytes as LDAP and SQL Server show objectGUID; text has hyphens, in braces or not.
    32 bare hex digits may be either and are refused. One value prints GUID, immutable id, 0x-hex and filter,
    a line each.
    """
    rows = _decoded(values, _guid)
    if output is Format.table and len(rows) == 1:
        _lines(*rows[0][1:])
    else:
        emit(_GUID_COLUMNS, rows, output)


def _uac(value: str) -> _Row:
    from recon.decode import uac as decode_uac

    number = _integer(value)
    names, remarks = decode_uac.flags(number), decode_uac.warnings(number)
    return (
        "disabled" if decode_uac.is_disabled(number) else "enabled",
        " ".join(names) or None,
        "; ".join(remarks) or None,
    )


def _flag_rows(value: int) -> list[_Row]:
    from recon.decode.uac import FLAGS

    known = {flag.bit: flag for flag in FLAGS}
    rows: list[_Row] = []
    for bit in range(32):
        if value >> bit & 1:
            flag = known.get(bit)
            rows.append((bit, 1 << bit, flag.name if flag else None, flag.note if flag else f"undocumented bit {bit}"))
    return rows


@app.command("uac", context_settings=_NUMBERS)
def uac(
    values: list[str] = _values("Decimal or 0x-hexadecimal."),
    output: Format = FORMAT_OPTION,
) -> None:
    """A userAccountControl value: enabled or disabled, its flags, and what they do not prove.

    One value prints a line with its state, then its flags with their meaning.
    """
    rows = _decoded(values, _uac)
    if output is not Format.table or len(rows) != 1:
        emit(_UAC_COLUMNS, rows, output)
        return
    value, state, _, remarks = rows[0]
    _lines(state)
    emit(_BIT_COLUMNS, _flag_rows(_integer(str(value).strip())), output)
    if remarks:
        _lines(*(f"warning: {remark}" for remark in str(remarks).split("; ")))


def _grouptype(value: str) -> _Row:
    from recon.decode.grouptype import describe

    found = describe(_integer(value))
    kind = "security" if found.is_security else "distribution"
    return (found.scope, kind, found.value, " ".join(found.flags))


@app.command("grouptype", context_settings=_NUMBERS)
def grouptype(
    values: list[str] = _values("Decimal, signed or unsigned, or 0x-hexadecimal."),
    output: Format = FORMAT_OPTION,
) -> None:
    """A groupType value: scope, security or distribution, the signed form, its flags."""
    emit(_GROUP_COLUMNS, _decoded(values, _grouptype), output)


class Kind(StrEnum):
    """What the bits of a number mean."""

    uac = "uac"
    grouptype = "grouptype"
    number = "number"


@app.command("bits", context_settings=_NUMBERS)
def bits(
    values: list[str] = _values("Decimal, signed or unsigned, or 0x-hexadecimal, up to 64 bits."),
    kind: Kind | None = typer.Option(None, "--as", help="Whose flags the bits are; default: both names."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Every bit that is set in a number: its power of two, its value, in hexadecimal, and the flag it is.

    A number does not tell what it is: without --as the names stand beside each other. Negative numbers are two's
    complement of 32 bits, or of 64 where they need more. One value prints both of its forms, then its bits.
    """
    from recon.decode.bits import KINDS
    from recon.decode.bits import bits as bits_of

    def bits_in(text: str) -> _Row:
        return tuple(bits_of(_integer(text), kind.value if kind else "number"))

    flags = ("flag", "meaning") if kind else ("useraccountcontrol", "grouptype")
    columns = ("value", "power", "bit_value", "hex", *flags, "signed", "unsigned")
    none = ("", "")
    rows: list[_Row] = []
    for value, signed, unsigned, _, found in _decoded(values, bits_in):
        for bit in found or [None]:  # type: ignore[attr-defined]
            names: tuple[str, ...] = none
            if bit is not None:
                uac_name, group_name = (KINDS[one].get(bit.power, none)[0] for one in ("uac", "grouptype"))
                names = (bit.name, bit.note) if kind else (uac_name, group_name)
            place = (None, None, None) if bit is None else (bit.power, bit.value, f"0x{bit.value:X}")
            rows.append((value, *place, *(name or None for name in names), signed, unsigned))
    if output is not Format.table or len(values) > 1 or values == ["-"]:
        emit(columns, rows, output)
        return
    _lines(f"signed {rows[0][6]}, unsigned {rows[0][7]}")
    if rows[0][1] is not None:
        emit(columns[1:6], [row[1:6] for row in rows], output)


def _time(value: str) -> _Row:
    from recon.decode.times import filetime_text, generalized_time_text, iso_text

    if _INTEGER.fullmatch(value):
        if len(value) in _DATE_DIGITS and value.isdigit():
            raise DecodeError(
                f"ambiguous: {value} may be a FILETIME or a date",
                hint="write a date as 20230212100000.0Z or 2023-02-12T10:00:00Z, a FILETIME in 0x-hexadecimal",
            )
        return ("filetime", _utc(filetime_text(_integer(value))))
    if value[:8].isdigit():
        return ("generalized time", _utc(generalized_time_text(value)))
    return ("iso", _utc(iso_text(value)))


def _utc(text: str | None) -> str | None:
    """Stored text as ISO 8601 with a Z, the fraction only where there is one."""
    return None if text is None else text.replace(" ", "T").removesuffix(".000000") + "Z"


@app.command("time", context_settings=_NUMBERS)
def time(
    values: list[str] = _values(
        "A FILETIME (pwdLastSet …), yyyyMMddHHmmss.fZ (whenCreated …) or ISO 8601 with a zone."
    ),
    output: Format = FORMAT_OPTION,
) -> None:
    """A time as ISO 8601 in UTC. 0 and 2^63-1 are no time: never.

    One value prints the time and nothing else.
    """
    rows = _decoded(values, _time)
    if output is Format.table and len(rows) == 1:
        _lines("never" if rows[0][2] is None else rows[0][2])
    else:
        emit(_TIME_COLUMNS, rows, output)


app.command("certmap")(certmap)
app.command("error")(error)
