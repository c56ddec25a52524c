"""What changed in Active Directory since the last load, so that the tables equal a full read.

An object that was written has a new uSNChanged on this domain controller ([MS-ADTS] 3.1.1.1.9): those are read again,
whole. What changes without one, and how it is noticed:

- A renamed or moved container changes the names of all below it: everything below is read again. That it was renamed
  stands in replPropertyMetaData ([MS-DRSR] 5.162, the stamp of `name`); who may not read that reads more.
- Names in `member`, `manager` and `managedBy` follow a renamed or deleted object. The store follows what it holds.
  For objects that it does not hold (other kinds, outside the bases, or there until now) their back links say which
  objects to read again. So they do in the first increment after a full read, for all that were renamed: an object
  renamed while everything was read stands in the store under its new name, and in others under the old one.
- A restored object returns to the groups it was in, with the Recycle Bin ([MS-ADTS] 3.1.1.5.3.7): its back links say
  which. Without the Recycle Bin links are lost that nobody can name any more: a full read.
- An object that left the bases, or became of another kind, is found because changes are looked for in the whole domain.
  To the store it is gone, but others may still name it: its back links again.

Deletions are seen by the show-deleted control, which needs the right to list CN=Deleted Objects: without it there is
no increment. Samba 4.17 does all of this alike, except that it has no Recycle Bin.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from recon.decode.guid import guid_text
from recon.decode.keys import dn_key
from recon.decode.text import printable
from recon.errors import SourceError, WatermarkError
from recon.objects import Gone, ReadReport, Row, Yielded
from recon.sources.ad import member_row
from recon.sources.ldap.dirsync import Told, batches, escaped
from recon.sources.ldap.exchange import SHOW_DELETED, Attributes
from recon.sources.ldap.kinds import Kind, KindReader
from recon.sources.ldap.rootdse import RootDse
from recon.sources.ldap.search import Entry, Searcher

_LOOK_PAGE = 1000
_MEANT = [
    "objectGUID",
    "objectClass",
    "sAMAccountType",
    "isDeleted",
    "isRecycled",
    "lastKnownParent",
    "uSNCreated",
    "userAccountControl",
]
_BACK_LINKS = ["memberOf", "directReports", "managedObjects"]
_ATT_NAME, _ATT_IS_DELETED, _ATT_ACCOUNT_TYPE = 0x90001, 0x20030, 0x9012E  # ATTRTYP ([MS-DRSR] 5.14)
_TRUST, _WORKSTATION, _SERVER = 0x800, 0x1000, 0x2000  # userAccountControl
# Any object may be a member, by its class: a public folder, a dynamic distribution list, a unit. These come and go
# daily, below computers and mailboxes above all, and no tool makes one a member: for them no group is read again.
_NEVER_MEMBERS = frozenset({
    b"dnsnode", b"connectionpoint",  # a print queue, a service, a share
    b"msfve-recoveryinformation", b"mstpm-informationobject", b"msexchactivesyncdevice", b"msexchactivesyncdevices",
    b"linktrackvolentry", b"linktrackomtentry", b"ridset", b"msdfsr-localsettings", b"msdfsr-subscriber",
    b"msdfsr-subscription", b"msds-device",
})  # fmt: skip
_FIXED = frozenset({"ad_group", "ad_contact"})  # by their class, which never changes
_DIGITS = 20  # of 64 bits
_DELETED = re.compile(r"\\0ADEL:", re.IGNORECASE)  # what a name goes on with ([MS-ADTS] 3.1.1.5.5.1.1)
_RECYCLE_BIN = "cn=recycle bin feature,"


def stamps(attributes: Attributes) -> dict[int, int] | None:
    """The local USN of each attribute's last change, from replPropertyMetaData; None where it cannot be read."""
    blob = next(iter(attributes.get("replpropertymetadata", ())), b"")
    if len(blob) < 16:
        return None
    version, _, count, _ = struct.unpack_from("<IIII", blob)
    if version != 1 or len(blob) < 16 + 48 * count:
        return None
    rows = (struct.unpack_from("<I36xQ", blob, 16 + 48 * number) for number in range(count))
    return dict(rows)


@dataclass(slots=True)
class _Found:
    """What the look at all changes leaves to be done; small, because most changes need nothing more."""

    containers: list[str] = field(default_factory=list)  # renamed or moved
    named: dict[bytes, None] = field(default_factory=dict)  # GUIDs of objects whose back links are to be followed
    references: set[str] = field(default_factory=set)  # names of objects to read again
    groups_are_whole: bool = False
    has_renames: bool = False
    loaded: dict[str, dict[bytes, None]] = field(default_factory=dict)  # by DirSync: GUIDs to read again, by table


class Increment:
    """One increment of one domain. `told`: what DirSync says has changed; None by USN, from `since` on.

    `is_after_full`: the first one after a full read, in which names may be older than the objects that have them.
    """

    def __init__(
        self,
        reader: KindReader,
        searcher: Searcher,
        report: ReadReport,
        root: RootDse,
        bases: tuple[str, ...],
        since: int,
        told: dict[bytes, Told] | None,
        *,
        is_after_full: bool,
    ) -> None:
        assert root.naming_context is not None
        self._reader = reader
        self._searcher = searcher
        self._report = report
        self._root = root
        self._context = root.naming_context
        self._context_key = dn_key(root.naming_context) or ""
        self._bases = bases
        self._base_keys = tuple(dn_key(base) or "" for base in bases)
        self._covers_all = self._context_key in self._base_keys
        self._since = since
        self._told = told
        self._follows_all = is_after_full or not self._covers_all  # the store may hold an object by another name
        self._found = _Found()
        self._kinds = {kind.table: kind for kind in reader.kinds.values()}

    def rows(self) -> Iterator[Yielded]:
        """What changed, as rows and as keys that are gone. Raises WatermarkError where only a full read is right."""
        yield from self._looked_at()
        found = self._found
        for kind in self._kinds.values():
            how = f"(uSNChanged>={self._since + 1})" if self._told is None else "DirSync"
            for name in kind.tables:
                self._report.table(name).filter = how
            if kind.table == "ad_group" and found.groups_are_whole:
                yield from self._whole_groups(kind)
                continue
            for base in self._bases:
                for wanted in self._changed_filters(kind.table):
                    yield from self._reader.read(kind, base, wanted, self._members)
        for container in _topmost(found.containers):
            yield from self._below(container)
        for wanted in batches(list(found.named)):
            found.references |= self._searcher.attempt(lambda wanted=wanted: self._back_links(wanted))  # type: ignore[misc]
        yield from self._referring()

    def _changed_filters(self, table: str | None = None) -> Iterable[str]:
        """For everything that changed, or for what is to be read again of one table."""
        if self._told is None:
            return [f"(uSNChanged>={self._since + 1})"]
        return batches(list(self._told if table is None else self._found.loaded.get(table, ())))

    # ---- what kinds of changes there are

    def _looked_at(self) -> Iterator[Gone]:
        for wanted in self._changed_filters():
            yield from self._searcher.persist(lambda wanted=wanted: self._look(wanted))  # type: ignore[misc]
        for guid, told in (self._told or {}).items():  # those left are not to be seen, deleted ones above all
            if not told.is_deleted:
                continue
            yield from self._gone(guid_text(guid), self._kinds)
            if "ad_group" in self._kinds:
                self._found.groups_are_whole = True  # who knows what it was

    def _look(self, wanted: str) -> Iterator[Gone]:
        names = [*_MEANT, *([] if self._told is not None else ["replPropertyMetaData"])]
        for page in self._searcher.pages(self._context, wanted, names, _LOOK_PAGE, (SHOW_DELETED,)):
            for entry in page:
                yield from self._judge(entry)

    def _judge(self, entry: Entry) -> Iterator[Gone]:
        raw = next(iter(entry.attributes.get("objectguid", ())), b"")
        if len(raw) != 16:
            return
        guid = guid_text(raw)
        told = self._told.get(raw) if self._told is not None else None
        classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
        if entry.attributes.get("isdeleted") == [b"TRUE"]:
            if told is not None and self._told is not None:
                self._told[raw] = Told()  # it was seen: nothing is left to guess
            stood = not self._is_new(entry, told) and self._is_deleted_since(entry, told)
            was_held = stood and self._judge_deleted(entry, classes)
            yield from self._gone(guid, _tables(classes), self._last_name(entry) if was_held else None)
            return
        table = _table(entry.attributes, classes)
        is_loaded = table in self._kinds and self._is_within(entry.dn)
        if is_loaded and told is not None:
            self._found.loaded.setdefault(str(table), {})[raw] = None
        others = _tables(classes) - ({table} if is_loaded else set())
        if not is_loaded or table in ("ad_user", "ad_computer"):
            yield from self._gone(guid, others)
        known = stamps(entry.attributes)
        if self._is_new(entry, told):
            return
        is_renamed = self._is_renamed(known, told)
        is_restored = self._is_restored(entry, known, told)
        self._found.has_renames = self._found.has_renames or is_renamed or is_restored
        if is_restored:
            self._judge_restored(entry)
            self._found.named[raw] = None
        if table is None and b"user" not in classes:
            if is_renamed and dn_key(entry.dn) != self._context_key:
                self._found.containers.append(entry.dn)
            return
        if (is_renamed and (self._follows_all or not is_loaded)) or (
            table not in _FIXED and self._is_retyped(known, told)
        ):
            self._found.named[raw] = None

    def _is_new(self, entry: Entry, told: Told | None) -> bool:
        return told.is_new if told is not None else _number(entry.attributes, "usncreated") > self._since

    def _is_deleted_since(self, entry: Entry, told: Told | None) -> bool:
        """Was it there at the last read? A deleted object is written once more when the Recycle Bin lets go of it."""
        if told is not None:
            return told.is_deleted
        known = stamps(entry.attributes)
        if known is not None:
            return known.get(_ATT_IS_DELETED, 0) > self._since
        return entry.attributes.get("isrecycled") != [b"TRUE"]

    def _is_renamed(self, known: dict[int, int] | None, told: Told | None) -> bool:
        if told is not None:
            return told.is_renamed
        return known is None or known.get(_ATT_NAME, self._since + 1) > self._since

    def _is_retyped(self, known: dict[int, int] | None, told: Told | None) -> bool:
        """Was its sAMAccountType written, so that it may have stood in another table?"""
        if told is not None:
            return told.is_retyped
        return known is None or known.get(_ATT_ACCOUNT_TYPE, 0) > self._since

    def _is_restored(self, entry: Entry, known: dict[int, int] | None, told: Told | None) -> bool:
        if told is not None:
            return told.is_restored
        if known is not None:
            return known.get(_ATT_IS_DELETED, 0) > self._since
        return bool(entry.attributes.get("lastknownparent"))

    def _judge_deleted(self, entry: Entry, classes: set[bytes]) -> bool:
        """Does the store hold it, as far as can be seen? Of others nobody can tell any more who named them."""
        parent = next(iter(entry.attributes.get("lastknownparent", ())), b"").decode("utf-8", "replace")
        likely = _last_table(entry.attributes, classes)
        if likely in self._kinds and self._is_within(parent):
            return True
        if "ad_group" in self._kinds and classes.isdisjoint(_NEVER_MEMBERS):
            self._found.groups_are_whole = True
        managed = self._kinds.keys() & {"ad_group", "ad_computer"}
        if (likely in ("ad_user", "ad_contact", "trust") and ("ad_user" in self._kinds or managed)) or (
            likely == "ad_group" and managed
        ):
            raise WatermarkError(
                f"an object that is not loaded was deleted and may have been a manager: {printable(entry.dn)}"
            )
        return False

    def _judge_restored(self, entry: Entry) -> None:
        if not self._has_recycle_bin():
            what = f"{printable(entry.dn)} was restored without the Recycle Bin"
            raise WatermarkError(f"{what}: which links it lost cannot be told")

    def _has_recycle_bin(self) -> bool:
        """Is the optional feature enabled in this forest ([MS-ADTS] 3.1.1.9.1)?"""
        entry = self._searcher.one(f"CN=Partitions,{self._root.configuration}", ["msDS-EnabledFeature"])
        values = entry.attributes.get("msds-enabledfeature", ()) if entry is not None else ()
        return any(value.decode("utf-8", "replace").lower().startswith(_RECYCLE_BIN) for value in values)

    def _is_within(self, dn: str) -> bool:
        if self._covers_all:
            return True
        key = dn_key(dn) or ""
        return any(key == base or key.endswith(f",{base}") for base in self._base_keys)

    def _last_name(self, entry: Entry) -> str:
        """The key of the name that an object had when it was deleted; '' where it may have come from outside."""
        parent = next(iter(entry.attributes.get("lastknownparent", ())), b"").decode("utf-8", "replace")
        own = _DELETED.split(entry.dn, maxsplit=1)[0]
        return (dn_key(f"{own},{parent}", 850) or "") if self._covers_all else ""

    def _gone(self, guid: str, tables: Iterable[str], last_name: str | None = None) -> Iterator[Gone]:
        for table in sorted(self._kinds.keys() & tables):
            yield Gone(table, (guid,), last_name)
            if table == "ad_group":
                yield Gone("ad_member", (guid,))

    # ---- what is read again

    def _members(self, entry: Entry) -> Iterator[Row | Gone] | None:
        """The members of a large group as DirSync told them; None: they are read.

        Read, too, when anything was renamed or restored meanwhile: the names told may be older than those held.
        """
        raw = next(iter(entry.attributes.get("objectguid", ())), b"")
        told = self._told.get(raw) if self._told is not None else None
        if told is None or "member" not in entry.ranged or told.is_new or self._found.has_renames:
            return None
        return _told_members(guid_text(raw), told)

    def _whole_groups(self, kind: Kind) -> Iterator[Yielded]:
        for name in kind.tables:
            self._report.table(name).is_whole = True
            self._report.table(name).filter = kind.filter
        for base in self._bases:
            yield from self._reader.read(kind, base)

    def _below(self, container: str) -> Iterator[Yielded]:
        """Everything below a container that was renamed or moved, wherever it stands now."""
        yield from self._searcher.persist(lambda: self._look_below(container))
        if self._is_within(container):
            for kind in self._kinds.values():
                if kind.table != "ad_group" or not self._found.groups_are_whole:
                    yield from self._reader.read(kind, container, "(objectClass=*)")

    def _look_below(self, container: str) -> Iterator[Gone]:
        for page in self._searcher.pages(container, "(objectClass=*)", [*_MEANT, *_BACK_LINKS], _LOOK_PAGE):
            for entry in page:
                raw = next(iter(entry.attributes.get("objectguid", ())), b"")
                classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
                is_loaded = _table(entry.attributes, classes) in self._kinds and self._is_within(entry.dn)
                if self._follows_all or not is_loaded:  # the store may not know it by its old name
                    self._found.references.update(self._names(entry))
                if not is_loaded and len(raw) == 16:
                    yield from self._gone(guid_text(raw), _tables(classes))

    def _back_links(self, wanted: str) -> set[str]:
        pages = self._searcher.pages(self._context, wanted, _BACK_LINKS, _LOOK_PAGE)
        return {name for page in pages for entry in page for name in self._names(entry)}

    def _names(self, entry: Entry) -> Iterator[str]:
        """Who names this object."""
        self._searcher.complete(entry)
        for name in ("memberof", "directreports", "managedobjects"):
            for value in entry.attributes.get(name, ()):
                yield value.decode("utf-8", "backslashreplace")

    def _referring(self) -> Iterator[Yielded]:
        names = sorted(self._found.references)
        for start in range(0, len(names), 50):
            items = "".join(f"(distinguishedName={escaped(name.encode())})" for name in names[start : start + 50])
            for kind in self._kinds.values():
                if kind.table == "ad_contact" or (kind.table == "ad_group" and self._found.groups_are_whole):
                    continue
                for base in self._bases:
                    yield from self._reader.read(kind, base, f"(|{items})")


def _told_members(guid: str, told: Told) -> Iterator[Row | Gone]:
    for value, is_member in told.members.items():
        row = member_row(guid, value)
        if is_member:
            yield row
        elif row.table == "ad_member":
            yield Gone("ad_member", (guid, row.values[2]))


def _table(attributes: Attributes, classes: set[bytes]) -> str | None:
    """The table that a live object belongs to, as the filters of recon.sources.ldap.kinds decide it."""
    account = attributes.get("samaccounttype")
    if account == [b"805306368"]:
        return "ad_user"
    if account == [b"805306369"]:
        return "ad_computer"
    if b"group" in classes:
        return "ad_group"
    return "ad_contact" if b"contact" in classes else None


def _tables(classes: set[bytes]) -> set[str]:
    """The tables that an object of these classes may have stood in; what it was by account type may have changed."""
    found = {f"ad_{name}" for name in ("group", "contact") if name.encode() in classes}
    return found | {"ad_user", "ad_computer"} if b"user" in classes else found


def _last_table(attributes: Attributes, classes: set[bytes]) -> str | None:
    """The table that a deleted object stood in; its flags are kept, its sAMAccountType is not ([MS-ADTS] 3.1.1.5.5)."""
    if b"user" not in classes:
        return next((f"ad_{name.decode()}" for name in (b"group", b"contact") if name in classes), None)
    flags = _number(attributes, "useraccountcontrol")
    if not flags:
        return "ad_computer" if b"computer" in classes else "ad_user"
    if flags & _TRUST:
        return "trust"  # of another domain: an account in no table
    return "ad_computer" if flags & (_WORKSTATION | _SERVER) else "ad_user"


def _number(attributes: Attributes, name: str) -> int:
    value = next(iter(attributes.get(name, ())), b"")
    if len(value) > _DIGITS:
        raise SourceError(f"{name} is no number: {len(value)} characters long")
    return int(value) if value.isdigit() else 0


def _topmost(names: list[str]) -> list[str]:
    """Containers without those below others of them."""
    keys = {dn_key(name) or "": name for name in names}
    return [name for key, name in keys.items() if not any(key.endswith(f",{other}") for other in keys)]
