"""LDIF exports as a source (RFC 2849): what ldapsearch, ldbsearch and ldifde write, read record by record.

A damaged, cut off or incomplete export is refused with file and line; half a directory is never published. Values
by URL (attr:< …) are refused: a file from elsewhere must not make us read other files.
"""

import binascii
import codecs
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from recon.config import AdSource
from recon.decode.guid import guid_bytes
from recon.decode.keys import EmployeeIdRules, dn_key
from recon.decode.sid import sid_bytes
from recon.decode.text import printable
from recon.errors import DecodeError, SourceError
from recon.objects import ReadReport, Row
from recon.sources.ad import (
    Defects,
    Lost,
    RowMaker,
    count_lost,
    domain_name,
    lost_warnings,
    member_row,
    reject_row,
    table_of,
    with_member_count,
)

_CHUNK = 256 * 1024
MAX_VALUE = 16 * 1024 * 1024  # bytes of one value; a longer line is not a directory's

_TABLES = {"users": "ad_user", "groups": "ad_group", "computers": "ad_computer", "contacts": "ad_contact"}
_SID_ATTRIBUTES = frozenset({"objectsid", "sidhistory"})
_GUID_ATTRIBUTES = frozenset({"objectguid", "ms-ds-consistencyguid"})
_BEGINS = frozenset({"dn", "version", "search", "result"})  # first lines of a record; no attributes of a directory
# comments of ldapsearch: the head of each page (not with -LL), its end where no result line follows (with -L)
_PAGE_BEGINS = b"# LDAPv3"
_PAGE_ENDS = (b"# search result", b"# pagedresults:")
_CUT_OFF = "export it again; of files joined to one, those without a result line come first"
_NAME = re.compile(rb"[!-9;-~]+")  # a blank or control character in it is damage, and would hide the value
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

Entry = tuple[str, dict[str, list[bytes]]]
Line = tuple[int, bytes]  # number of its first physical line, unfolded content


class _Pages:
    """What ldapsearch says of its search: has the last page come? Other tools say nothing, and are believed."""

    def __init__(self) -> None:
        self._told = False
        self.is_open = False  # of the page that is read the end is still to come
        self.is_whole = True

    def begin(self) -> None:
        """A page begins whose end will be told."""
        self._told = self.is_open = True
        self.is_whole = False

    def entry(self) -> None:
        """An entry was read."""
        if self._told:
            self.begin()

    def end(self, control: bytes) -> None:
        """A page ended. `control` is `cookie=…`: another page follows unless that is empty; b'' without paging."""
        self._told, self.is_open = True, False
        self.is_whole = not control.partition(b"cookie=")[2]


class _Lines:
    """The logical lines of one LDIF file: folded lines joined, comments left out, blank lines kept as b''."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._physical = _physical_lines(path, file)
        self.pages = _Pages()

    def __iter__(self) -> Iterator[Line]:
        number, start, size = 0, 0, 0
        parts: list[bytes] = []
        for number, line in enumerate(self._physical, 1):
            if line[:1] == b" ":
                if not parts:
                    raise self.error(number, "a continuation line without a line before it")
                size += len(line)
                if size > MAX_VALUE:
                    raise self.error(start, f"a value longer than {MAX_VALUE} bytes")
                parts.append(line[1:])
                continue
            if parts and not self._is_comment(start, parts):
                yield start, b"".join(parts)
            start, parts, size = number, [line], len(line)
            if not line:
                yield number, b""
                parts = []
        if parts and not self._is_comment(start, parts):
            yield start, b"".join(parts)
        yield number + 1, b""

    def _is_comment(self, number: int, parts: list[bytes]) -> bool:
        if not parts[0].startswith(b"#"):
            return False
        if parts[0] == _PAGE_BEGINS:
            if self.pages.is_open:
                raise self.error(number, "the search before this line has no result: it was cut off", _CUT_OFF)
            self.pages.begin()
        elif parts[0].startswith(_PAGE_ENDS):
            self.pages.end(b"".join(parts))
        return True

    def error(self, number: int, reason: str, hint: str | None = None) -> SourceError:
        """A SourceError that names file and line."""
        return SourceError(f"{self._path}, line {number}: {reason}", hint=hint)


def _physical_lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Lines without their ends, as UTF-8; refuses a file whose last line has no end."""
    chunk = file.read(_CHUNK)
    encoding = next((name for mark, name in _BOMS if chunk.startswith(mark)), None)
    decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)()
    chunk = chunk[2:] if decoder else chunk.removeprefix(codecs.BOM_UTF8)
    number, tail = 0, b""
    while chunk:
        lines = (tail + (decoder.decode(chunk).encode() if decoder else chunk)).split(b"\n")
        tail = lines.pop()
        for line in lines:
            number += 1
            yield line[:-1] if line.endswith(b"\r") else line
        if len(tail) > MAX_VALUE:
            raise SourceError(f"{path}, line {number + 1}: a line longer than {MAX_VALUE} bytes")
        chunk = file.read(_CHUNK)
    if decoder:
        decoder.decode(b"", final=True)
    if tail:
        raise SourceError(
            f"{path}, line {number + 1}: the last line has no end: the file may be cut off",
            hint="export it again; if it is whole, end it with a line end",
        )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path}: not a whole gzip file: {error}") from error
    except UnicodeError as error:
        raise SourceError(f"{path}: not valid UTF-16") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}", hint="check the path under `ldif`") from error


def _parsed(lines: _Lines, number: int, line: bytes) -> tuple[str, bytes]:
    """Attribute description and value of one line."""
    name, colon, rest = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise lines.error(number, "not `attribute: value`")
    if rest[:1] == b"<":
        raise lines.error(number, "a value by URL (:<) is not read", "export the value itself")
    if rest[:1] == b":":
        try:
            value = binascii.a2b_base64(rest[1:].strip(b" "), strict_mode=True)
        except binascii.Error as error:
            raise lines.error(number, f"not valid base64: {error}") from error
    else:
        value = rest.lstrip(b" ")
    return name.decode("ascii"), value


def read_ldif(path: Path) -> Iterator[Entry]:
    """Every entry of an LDIF file as (dn, attribute: raw values), names spelled as in the file.

    Raises SourceError with file and line for anything that is not an export of entries: bad syntax, changes
    other than add, a search that its own result line calls failed.
    """
    with _opened(path) as file:
        yield from _entries(_Lines(path, file))


def _entries(lines: _Lines) -> Iterator[Entry]:
    record: list[Line] = []
    for number, line in lines:
        if line:
            record.append((number, line))
        elif record:
            entry = _entry(lines, record)
            record = []
            if entry is not None:
                lines.pages.entry()
                yield entry
    if not lines.pages.is_whole:
        raise lines.error(
            number,
            "the export ends before its search did: it was cut off, or the pages that follow are missing",
            _CUT_OFF,
        )


def _entry(lines: _Lines, record: list[Line]) -> Entry | None:
    first, value = _parsed(lines, *record[0])
    if first.lower() == "version":
        if value != b"1":
            raise lines.error(record[0][0], "only LDIF version 1 is read")
        record = record[1:]
        if not record:
            return None
        first, value = _parsed(lines, *record[0])
    kind = first.lower()
    if kind in ("search", "result", "ref"):  # how ldapsearch ends
        _check_result(lines, record)
        return None
    if kind != "dn":
        raise lines.error(record[0][0], f"a record begins with {first!r}, not with dn")
    try:
        dn = value.decode()
    except UnicodeDecodeError as error:
        raise lines.error(record[0][0], "the distinguished name is not UTF-8") from error
    attributes: dict[str, list[bytes]] = {}
    for number, line in record[1:]:
        name, value = _parsed(lines, number, line)
        values = attributes.get(name)
        if values is not None:
            values.append(value)
            continue
        if name.lower() in _BEGINS:
            raise _run_together(lines, number)
        if name.lower() == "changetype":
            if value.lower() != b"add":
                raise lines.error(
                    number, "a file of changes, not an export", "export with ldifde, ldapsearch or ldbsearch"
                )
            continue
        attributes[name] = [value]
    return dn, attributes


def _run_together(lines: _Lines, number: int) -> SourceError:
    return lines.error(
        number,
        "a second record begins: a blank line is missing",
        "put a blank line before it; files are joined with one between them",
    )


def _check_result(lines: _Lines, record: list[Line]) -> None:
    control: bytes | None = None
    for number, line in record:
        name, value = _parsed(lines, number, line)
        if name.lower() in ("dn", "version"):
            raise _run_together(lines, number)
        if name.lower() == "pagedresults":
            control = value
        if name.lower() != "result":
            continue
        control = b""
        if value.split(b" ")[0] != b"0":
            raise lines.error(
                number,
                f"the export itself ended with result {value.decode('utf-8', 'replace')}: it is not complete",
                "export with paging (ldapsearch -E pr=1000/noprompt)",
            )
    if control is not None:
        lines.pages.end(control)


# ---- the source ---------------------------------------------------------------------------------------


def raw_attributes(attributes: Mapping[str, Sequence[bytes]]) -> dict[str, list[bytes]]:
    """The entry as a server would have sent it: names in lower case, SIDs and GUIDs as bytes.

    ldbsearch writes these two as text. Text that is neither stays as it is and becomes a defect of the row.
    """
    found: dict[str, list[bytes]] = {}
    for spelled, values in attributes.items():
        name = spelled.lower()
        if name in _SID_ATTRIBUTES:
            values = [_from_text(value, sid_bytes) if value[:2] == b"S-" else value for value in values]
        elif name in _GUID_ATTRIBUTES:
            values = [_from_text(value, guid_bytes) if len(value) > 16 else value for value in values]
        if name in found:  # in another spelling
            found[name] += values
        else:
            found[name] = list(values)
    return found


def _from_text(value: bytes, decode: Callable[[str], bytes]) -> bytes:
    try:
        return decode(value.decode("ascii"))
    except (DecodeError, UnicodeDecodeError):
        return value


class LdifReading:
    """One read of an LDIF export; the same rows as from the server it was taken from."""

    def __init__(self, source: AdSource, ids: EmployeeIdRules) -> None:
        if source.ldif is None:
            raise SourceError(f"[ad] {source.name}: no ldif file is configured")
        self.report = ReadReport()
        self._path = source.ldif
        self._tables = frozenset(_TABLES[name] for name in source.objects)
        self._makers = {table: RowMaker(table, ids, source.attributes) for table in self._tables}
        self._bases = tuple(dn_key(base) or base for base in source.bases)
        self._lost: Lost = {}
        self._deleted = 0

    @property
    def domain(self) -> str | None:
        """DNS name of the domain, from the first name in the file that has DC parts."""
        for dn, _ in read_ldif(self._path):
            name = domain_name(dn)
            if name is not None:
                return name
        return None

    def rows(self) -> Iterator[Row]:
        """Every row of the export, in its order; raises SourceError where it is damaged or incomplete."""
        for table in sorted(self._tables):
            self.report.table(table).filter = self._path.name
        if "ad_group" in self._tables:
            self.report.table("ad_member").filter = self._path.name
        entries = 0
        with _opened(self._path) as file:
            for dn, spelled in _entries(_Lines(self._path, file)):
                entries += 1
                if self._is_below(dn):
                    yield from self._rows(dn, raw_attributes(spelled))
        self.report.bytes_read = self._path.stat().st_size
        if not entries:
            raise SourceError(f"{self._path}: no entry in the file", hint="check the path under `ldif` and the export")
        if self._deleted:
            self.report.warnings.append(
                f"{self._path.name}: {self._deleted} deleted objects left out; only a server gives ad_deleted"
            )
        self.report.warnings += lost_warnings(self._lost)

    def _is_below(self, dn: str) -> bool:
        if not self._bases:
            return True
        key = dn_key(dn) or dn
        return any(key == base or key.endswith(f",{base}") for base in self._bases)

    def _rows(self, dn: str, attributes: dict[str, list[bytes]]) -> Iterator[Row]:
        if len(attributes.get("objectguid", ())) > 1:  # no object has two
            raise SourceError(
                f"{self._path}: {printable(dn)} has several values of objectGUID: a second record runs into it",
                hint="is the file joined of several, one of them cut off?",
            )
        if any(value.upper() == b"TRUE" for value in attributes.get("isdeleted", ())):
            self._deleted += 1  # a server shows these only to who asks for them
            return
        for name in [name for name in attributes if ";range=" in name]:
            self._take_range(dn, attributes, name)
        if "objectclass" not in attributes and "samaccounttype" not in attributes:
            yield reject_row(
                "ad", dn, "no_objectclass", "neither objectClass nor sAMAccountType: what it is cannot be told"
            )
            return
        table = table_of(attributes)
        if table not in self._tables or table is None:
            return
        found: Defects = {}
        row = self._makers[table].row(dn, attributes, found)
        if table != "ad_user":
            count_lost(self._lost, table, dn, found)
        if row.table == "ad_group":
            members = attributes.get("member", ())
            guid = row.values[0]
            assert isinstance(guid, str)
            for member in members:
                yield member_row(guid, member)
            row = with_member_count(row, len(members))
        yield row

    def _take_range(self, dn: str, attributes: dict[str, list[bytes]], name: str) -> None:
        """Accept `member;range=0-*` as all values; refuse a part."""
        base, _, bounds = name.partition(";range=")
        if bounds != "0-*":
            raise SourceError(
                f"{self._path}: holds only a part ({name}) of {base} of {dn}",
                hint="export all members of the group, or read the domain controller itself",
            )
        beside = [value for value in attributes.get(base, ()) if value]  # a server leaves `member` empty beside a range
        attributes[base] = list(dict.fromkeys(beside + attributes.pop(name)))
