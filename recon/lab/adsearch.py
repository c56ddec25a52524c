"""Searches of the lab's AD server: from a request to encoded entries, page by page.

Follows RFC 4511 4.5 and, where AD goes its own way, [MS-ADTS] 3.1.1.3: ranges (3.1.1.3.1.3.3), paging, error texts.
"""

import re
import struct
import time
import uuid
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from recon.errors import DecodeError
from recon.lab import ber
from recon.lab.addirectory import Directory, Node, StoredEntry
from recon.lab.adschema import (
    KNOWN_ATTRIBUTES,
    ON_REQUEST_ATTRIBUTES,
    DnError,
    dn_key,
    dn_rdns,
    key_of,
)
from recon.lab.ldapfilter import Filter, FilterError, compile_filter, decode_filter, filter_text

PAGED = "1.2.840.113556.1.4.319"
SHOW_DELETED = "1.2.840.113556.1.4.417"
DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"
RANGE_NO_ERROR = "1.2.840.113556.1.4.1948"
DIRSYNC = "1.2.840.113556.1.4.841"
CONTROLS = (PAGED, SHOW_DELETED, DOMAIN_SCOPE, RANGE_NO_ERROR, DIRSYNC)

OPERATIONS_ERROR = 1
TIME_LIMIT_EXCEEDED = 3
SIZE_LIMIT_EXCEEDED = 4
REFERRAL = 10
INAPPROPRIATE_MATCHING = 18
NO_SUCH_OBJECT = 32
INVALID_DN_SYNTAX = 34

SCOPES = ("base", "one", "sub")
_ENTRY = 0x64
_REFERENCE = 0x73
_MAX_QUERY_SECONDS = 120
_CLOCK_EVERY = 256  # entries between two looks at the clock
# answered only when named: computed from the objects at the other end ([MS-ADTS] 3.1.1.1.6)
BACK_LINKS = {"memberof": "member", "directreports": "manager", "managedobjects": "managedby"}
_ATT_NAME = 0x90001  # as ATTRTYP ([MS-DRSR] 5.14), like the others
_ATTRIBUTE_TYPES = {"isdeleted": 0x20030, "samaccounttype": 0x9012E}
_META_DATA = "replpropertymetadata"
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<low>\d{1,9})-(?P<high>\d{1,9}|\*)", re.IGNORECASE)
_SPECIAL_BASE = re.compile(r"<(?P<kind>GUID|SID)=(?P<value>[^>]+)>", re.IGNORECASE)


class RefusalError(Exception):
    """A request that ends with a result other than success. For the wire, never for a user."""

    def __init__(self, code: int, text: str, *, matched: str = "", referral: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.matched = matched
        self.referral = referral


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """The request as read; limits are 0 when the client names none."""

    base: str
    scope: str
    size_limit: int
    time_limit: int
    is_types_only: bool
    filter: Filter
    attributes: tuple[str, ...]

    @classmethod
    def decode(cls, operation: ber.Reader) -> "SearchRequest":
        """Read the content of a SearchRequest. Raises BerError."""
        base = operation.text()
        scope = operation.integer(ber.ENUMERATED)
        if not 0 <= scope < len(SCOPES):
            raise ber.BerError(f"unknown search scope {scope}")
        operation.integer(ber.ENUMERATED)  # aliases: AD has none
        size_limit, time_limit = operation.integer(), operation.integer()
        if size_limit < 0 or time_limit < 0:
            raise ber.BerError("a negative limit")
        is_types_only = operation.boolean()
        node = decode_filter(operation)
        names = operation.inside(ber.SEQUENCE)
        attributes = []
        while names.has_more:
            attributes.append(names.text())
        operation.close()
        return cls(base, SCOPES[scope], size_limit, time_limit, is_types_only, node, tuple(attributes))

    @property
    def filter_text(self) -> str:
        """The filter as people write it."""
        return filter_text(self.filter)


@dataclass(frozen=True, slots=True)
class _Range:
    position: int
    low: int
    high: int | None


class Selection:
    """Which attributes an answer holds, and how they are cut out of an entry."""

    def __init__(self, directory: Directory, request: SearchRequest, hidden: frozenset[str], is_lenient: bool) -> None:
        self._directory = directory
        self._is_lenient = is_lenient
        self._ranges: list[_Range] = []
        self._computed: list[str] = []
        positions: set[int] = set()
        for name in request.attributes or ("*",):
            low = name.casefold()
            if name == "*":
                positions.update(
                    place
                    for known, place in directory.positions.items()
                    if known not in ON_REQUEST_ATTRIBUTES and known not in hidden
                )
            elif (form := _RANGE.fullmatch(low)) and form["name"] in directory.positions:
                if form["name"] not in hidden:
                    high = None if form["high"] == "*" else int(form["high"])
                    self._ranges.append(_Range(directory.positions[form["name"]], int(form["low"]), high))
            elif low in directory.positions and low not in hidden:
                positions.add(directory.positions[low])
            elif (low in BACK_LINKS or low == _META_DATA) and low not in hidden:
                self._computed.append(name)
        self._positions = sorted(positions)
        runs: list[tuple[int, int]] = []
        for place in self._positions:
            if runs and runs[-1][1] == place:
                runs[-1] = (runs[-1][0], place + 1)
            else:
                runs.append((place, place + 1))
        self._runs = runs
        self._is_plain = not self._ranges and not self._computed and not request.is_types_only
        self._is_types_only = request.is_types_only

    def encode(self, entry: StoredEntry) -> bytes:
        """The selected attributes, one PartialAttribute after the other.

        Raises RefusalError when a range begins behind the last value (operationsError, as AD).
        """
        data, offsets = entry.data, entry.offsets
        if self._is_plain and entry.ranged is None:
            if len(self._runs) == 1:
                first, last = self._runs[0]
                return data[offsets[first] : offsets[last]]
            return b"".join([data[offsets[first] : offsets[last]] for first, last in self._runs])
        return b"".join(self._carefully(entry))

    def _carefully(self, entry: StoredEntry) -> Iterator[bytes]:
        directory = self._directory
        ranged = entry.ranged or {}
        for position in self._positions:
            encoded = entry.encoded(position)
            if self._is_types_only:
                if encoded or position in ranged:
                    yield directory.partial_attribute(position, ())
            elif position in ranged:
                # AD sends the plain name without values beside the first range
                yield directory.partial_attribute(position, ())
                yield self._slice(entry, _Range(position, 0, None))
            elif encoded:
                yield encoded
        for one in self._ranges:
            yield self._slice(entry, one)
        for name in self._computed:
            if name.casefold() == _META_DATA:
                yield encode_attribute(name, [meta_data(directory, entry)])
            else:
                key = dn_key(dn_rdns(entry.name()))
                yield encode_attribute(name, directory.back_links(BACK_LINKS[name.casefold()], key))

    def _slice(self, entry: StoredEntry, wanted: _Range) -> bytes:
        values = list(entry.values_at(wanted.position))
        if not values:
            return b""
        if wanted.low >= len(values):
            if self._is_lenient:
                return b""
            # [MS-ADTS] 3.1.1.3.4.1.22: operationsError, the extended code is left open
            raise RefusalError(
                OPERATIONS_ERROR, "000020E6: SvcErr: DSID-03140653, problem 5012 (DIR_ERROR), data 0\n\0"
            )
        end = wanted.low + self._directory.max_val_range
        if wanted.high is not None:
            end = min(end, wanted.high + 1)
        last = "*" if end >= len(values) else str(end - 1)
        chosen = () if self._is_types_only else values[wanted.low : end]
        return self._directory.partial_attribute(wanted.position, chosen, f";range={wanted.low}-{last}")


@dataclass
class Page:
    """Encoded messages of entries (and references, at the end of the last page) and how the page ended."""

    messages: list[bytes] = field(default_factory=list)
    entries: int = 0
    has_more: bool = False
    code: int = 0
    text: str = ""


class Search:
    """One search, read once from its beginning to its end in as many pages as the client likes."""

    def __init__(
        self,
        directory: Directory,
        request: SearchRequest,
        hidden: frozenset[str],
        controls: frozenset[str],
        *,
        reads_deleted: bool = False,
    ) -> None:
        """Raises RefusalError: no such base, a referral, a name or a matching rule that cannot be read.

        Who may not read deleted objects (`reads_deleted`) sees none, whatever the controls say, and no error either.
        """
        self.request = request
        self.pages = 0
        self.sent = 0
        self._directory = directory
        self._shows_deleted = SHOW_DELETED in controls and reads_deleted
        self._selection = Selection(directory, request, hidden, RANGE_NO_ERROR in controls)
        try:
            self._test = compile_filter(request.filter, directory.positions, hidden, KNOWN_ATTRIBUTES)
        except FilterError as error:
            text = f"00002072: LdapErr: DSID-0C090A1F, comment: {error}, data 0, v4563\0"
            raise RefusalError(INAPPROPRIATE_MATCHING, text) from error
        base = find_base(directory, request.base)
        if directory.entries[base].is_deleted and not self._shows_deleted:
            raise _no_such_object(directory.base_dn)
        base_key = dn_key(dn_rdns(directory.entries[base].name()))
        self._base = base
        self._nodes: set[Node] = set()
        candidates: array[int] | range | list[int]
        if request.scope == "base":
            candidates = range(base, base + 1)
        else:
            candidates = directory.candidates(request.filter)
            below = directory.nodes_below(base_key)
            self._nodes = below if request.scope == "sub" else {node for node in below if node.key == base_key}
        self._ordinals = iter(candidates)
        self._waiting: StoredEntry | None = None
        self._references = directory.references if base_key == directory.base_key and request.scope != "base" else ()
        if DOMAIN_SCOPE in controls:
            self._references = ()

    def drop_references(self) -> None:
        """Send no references to other naming contexts."""
        self._references = ()

    def page(self, message_id: bytes, limit: int, started: float) -> Page:
        """The next at most `limit` entries, as messages with this encoded id; `started`: time.monotonic()."""
        page = Page()
        self.pages += 1
        seconds = min(self.request.time_limit or _MAX_QUERY_SECONDS, _MAX_QUERY_SECONDS)
        try:
            for entry in self._matches(started + seconds):
                if page.entries == limit:
                    self._waiting = entry
                    page.has_more = True
                    break
                page.messages.append(encode_entry(message_id, entry.dn, self._selection.encode(entry)))
                page.entries += 1
        except RefusalError as error:
            page.code, page.text = error.code, error.text
        self.sent += page.entries
        if not page.has_more and page.code == 0:
            page.messages += [
                ber.value(ber.SEQUENCE, message_id, ber.value(_REFERENCE, ber.text(url))) for url in self._references
            ]
        return page

    def _matches(self, deadline: float) -> Iterator[StoredEntry]:
        if self._waiting is not None:
            entry, self._waiting = self._waiting, None
            yield entry
        entries, test, nodes = self._directory.entries, self._test, self._nodes
        base = self._base if self.request.scope != "one" else -1
        clock: Callable[[], float] = time.monotonic
        for count, ordinal in enumerate(self._ordinals):
            if count % _CLOCK_EVERY == 0 and clock() > deadline:
                raise RefusalError(TIME_LIMIT_EXCEEDED, "")
            entry = entries[ordinal]
            is_in_scope = entry.node in nodes or ordinal == base
            if is_in_scope and test(entry) and (self._shows_deleted or not entry.is_deleted):
                yield entry


def encode_attribute(name: str, values: Sequence[bytes]) -> bytes:
    """One attribute that no entry holds; nothing where it has no value."""
    if not values:
        return b""
    return ber.value(ber.SEQUENCE, ber.text(name), ber.value(ber.SET, *map(ber.octets, values)))


def meta_data(directory: Directory, entry: StoredEntry) -> bytes:
    """replPropertyMetaData ([MS-ADTS] 3.1.1.1.9, [MS-DRSR] 5.162): the stamps that tell renames, restores, kinds."""
    ordinal = directory.by_key[entry.key]
    stamps = directory.stamps.get(ordinal, {})
    created = next(iter(directory.values(ordinal, "uSNCreated")), b"0")
    found = [(_ATT_NAME, stamps.get("name", int(created) if created.isdigit() else 0))]
    found += [(number, stamps[name]) for name, number in _ATTRIBUTE_TYPES.items() if name in stamps]
    rows = [struct.pack("<IIQ16sQQ", attribute, 1, 0, bytes(16), usn, usn) for attribute, usn in found]
    return struct.pack("<IIII", 1, 0, len(rows), 0) + b"".join(rows)


def encode_entry(message_id: bytes, dn: bytes, attributes: bytes) -> bytes:
    """A SearchResultEntry message of an encoded name and encoded attributes."""
    inner = ber.header(ber.SEQUENCE, len(attributes))
    size = len(dn) + len(inner) + len(attributes)
    operation = ber.header(_ENTRY, size)
    whole = ber.header(ber.SEQUENCE, len(message_id) + len(operation) + size)
    return b"".join((whole, message_id, operation, dn, inner, attributes))


def find_base(directory: Directory, base: str) -> int:
    special = _SPECIAL_BASE.fullmatch(base.strip())
    if special:
        ordinal = _find_special(directory, special["kind"].upper(), special["value"])
        if ordinal is None:
            raise _no_such_object("")
        return ordinal
    try:
        rdns = dn_rdns(base)
    except DnError as error:
        text = f"0000208F: NameErr: DSID-03100225, problem 2006 (BAD_NAME), data 8350, best match of:\n\t'{base}'\n\0"
        raise RefusalError(INVALID_DN_SYNTAX, text) from error
    ordinal = directory.find(rdns)
    if ordinal is not None:
        return ordinal
    if rdns and not directory.holds(rdns) and any(rdn.startswith("dc=") for rdn in rdns):
        host = ".".join(rdn.removeprefix("dc=") for rdn in rdns if rdn.startswith("dc="))
        text = f"0000202B: RefErr: DSID-0310082F, data 0, 1 access points\n\tref 1: '{host}'\n\0"
        raise RefusalError(REFERRAL, text, referral=f"ldap://{host}/{base}")
    raise _no_such_object(directory.nearest(rdns))


def _find_special(directory: Directory, kind: str, value: str) -> int | None:
    attribute = "objectguid" if kind == "GUID" else "objectsid"
    position = directory.positions.get(attribute)
    if position is None:
        return None
    try:
        if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", value) and (kind == "SID" or len(value) == 32):
            wanted: object = bytes.fromhex(value)
        else:
            wanted = uuid.UUID(value).bytes_le if kind == "GUID" else key_of(attribute)(value.encode())
    except (ValueError, DecodeError):
        return None
    for ordinal, entry in enumerate(directory.entries):
        if wanted in entry.values_at(position):
            return ordinal
    return None


def _no_such_object(matched: str) -> RefusalError:
    text = f"0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'{matched}'\n\0"
    return RefusalError(NO_SUCH_OBJECT, text, matched=matched)
