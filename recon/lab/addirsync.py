"""DirSync as a domain controller answers it: what changed since a cookie, attribute by attribute.

[MS-ADTS] 3.1.1.3.4.1.3. The cookie is opaque to clients; here it is the invocationId and the place reached in the order
of changes. Without a cookie every object is told. Ancestors-first order and the public-data-only flag are not modelled.
"""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recon.lab import ber
from recon.lab.adchanges import LINKED
from recon.lab.addirectory import Account, Directory, StoredEntry
from recon.lab.adschema import KNOWN_ATTRIBUTES
from recon.lab.adsearch import Page, RefusalError, SearchRequest, encode_attribute, encode_entry, find_base
from recon.lab.ldapfilter import compile_filter

if TYPE_CHECKING:
    from recon.lab.adservice import AdSettings

OBJECT_SECURITY = 0x1
INCREMENTAL_VALUES = 0x80000000
_INSUFFICIENT_RIGHTS, _UNWILLING, _BAD_COOKIE = 50, 53, 12
_COOKIE = struct.Struct("<4s16sQI")  # mark, invocationId, USN, ordinal
_MARK = b"MSDS"
_NO_RIGHT = "00002105: LdapErr: DSID-0C090A5D, comment: Error processing control, data 0, v4563\0"


@dataclass(frozen=True, slots=True)
class DirSync:
    """The request's control."""

    flags: int
    max_bytes: int
    cookie: bytes

    @classmethod
    def decode(cls, content: bytes) -> "DirSync":
        """Read the control's value. Raises BerError."""
        outer = ber.Reader(content)
        inside = outer.inside(ber.SEQUENCE)
        outer.close()
        control = cls(inside.integer() & 0xFFFFFFFF, max(0, inside.integer()), inside.octets())
        inside.close()
        return control

    def read(
        self,
        directory: Directory,
        message_id: bytes,
        request: SearchRequest,
        account: Account,
        settings: "AdSettings",
    ) -> tuple[Page, bytes]:
        """One answer and the value of its control.

        Raises RefusalError: 50 without the right to replicate (unless the object-security flag is set) or for a base
        that is no naming context, 12 for a cookie of another server, 53 for another scope than subtree.
        """
        base = find_base(directory, request.base)
        if request.scope != "sub":
            raise RefusalError(_UNWILLING, _NO_RIGHT)
        is_limited = bool(self.flags & OBJECT_SECURITY)
        if directory.entries[base].key != directory.base_key or not (account.replicates or is_limited):
            raise RefusalError(_INSUFFICIENT_RIGHTS, _NO_RIGHT)
        invocation = directory.invocations[settings.host.upper()].bytes_le
        since = self._since(invocation)
        found = _changed(directory, since)
        test = compile_filter(request.filter, directory.positions, settings.hidden_attributes, KNOWN_ATTRIBUTES)
        page = Page()
        has_more = False
        size = 0
        reached = since
        for usn, ordinal in found:
            if page.entries == settings.max_dirsync_objects or (self.max_bytes and size >= self.max_bytes):
                has_more = True
                break
            entry = directory.entries[ordinal]
            content = b""
            if (account.replicates or account.reads_deleted or not entry.is_deleted) and test(entry):
                content = b"".join(self._attributes(directory, request, settings, ordinal, entry, since[0]))
            if content:
                known = encode_attribute("objectGUID", directory.values(ordinal, "objectGUID"))
                page.messages.append(encode_entry(message_id, entry.dn, known + content))
                page.entries += 1
                size += len(content)
            reached = (usn, ordinal)
        else:
            reached = (directory.highest_usn, len(directory.entries))
        cookie = _COOKIE.pack(_MARK, invocation, *reached)
        return page, ber.value(ber.SEQUENCE, ber.integer(int(has_more)), ber.integer(0), ber.octets(cookie))

    def _since(self, invocation: bytes) -> tuple[int, int]:
        if not self.cookie:
            return -1, -1
        if len(self.cookie) != _COOKIE.size:
            raise RefusalError(_BAD_COOKIE, _NO_RIGHT)
        mark, seen, usn, ordinal = _COOKIE.unpack(self.cookie)
        if mark != _MARK or seen != invocation:
            raise RefusalError(_BAD_COOKIE, _NO_RIGHT)
        return usn, ordinal

    def _attributes(
        self,
        directory: Directory,
        request: SearchRequest,
        settings: "AdSettings",
        ordinal: int,
        entry: StoredEntry,
        since: int,
    ) -> "list[bytes]":
        """The asked attributes that changed: with their values, or without any where they were removed."""
        stamps = directory.stamps.get(ordinal)
        born = _usn(directory, ordinal)
        wanted = {name.casefold() for name in request.attributes if name != "*"}
        names = [*directory.positions] if "*" in request.attributes or not request.attributes else [*wanted]
        parts = []
        for name in names:
            if name in settings.hidden_attributes or name in ("usnchanged", "usncreated", "objectguid"):
                continue
            position = directory.positions.get(name)
            spelled = name if position is None else directory.names[position]
            if name in LINKED:
                parts += self._links(directory, ordinal, spelled, since, born)
                continue
            stamp = born if stamps is None else stamps.get(name, -1)
            if position is None or stamp <= since:
                continue
            values = entry.values_at(position)
            if values:
                parts.append(encode_attribute(spelled, list(values)))
            elif since >= 0 and stamps is not None:
                parts.append(ber.value(ber.SEQUENCE, ber.text(spelled), ber.value(ber.SET)))
        return parts

    def _links(self, directory: Directory, ordinal: int, name: str, since: int, born: int) -> list[bytes]:
        stamps = directory.links.get(ordinal, {}).get(name, {})
        values = directory.values(ordinal, name)
        is_told = any(usn > since for usn, _, _ in stamps.values()) or (bool(values) and born > since and not stamps)
        if not is_told:
            return []
        if not self.flags & INCREMENTAL_VALUES or since < 0:
            return [encode_attribute(name, values)] if values else []
        added = [dn for usn, is_there, dn in stamps.values() if is_there and usn > since]
        removed = [dn for usn, is_there, dn in stamps.values() if not is_there and usn > since]
        return [
            encode_attribute(f"{name};range=1-1", added or ([] if stamps else values)),
            encode_attribute(f"{name};range=0-0", removed),
        ]


def _usn(directory: Directory, ordinal: int) -> int:
    value = next(iter(directory.values(ordinal, "uSNChanged")), b"0")
    return int(value) if value.isdigit() else 0


def _changed(directory: Directory, since: tuple[int, int]) -> list[tuple[int, int]]:
    """(uSNChanged, ordinal) of what changed after a place in the order of changes, in that order."""
    places = range(len(directory.entries)) if since[0] < 0 else directory.changed_since(since[0])
    found = sorted((_usn(directory, ordinal), ordinal) for ordinal in places)
    border = directory.configuration_key
    return [
        one
        for one in found
        if one > since
        and directory.entries[one[1]].key != border
        and not directory.entries[one[1]].key.endswith(f",{border}")
    ]
