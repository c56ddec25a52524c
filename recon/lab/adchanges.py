"""Changes to the lab's directory, with what Active Directory does and does not do about them.

A change gives the object a new uSNChanged and stamps the attributes that were changed. What hangs on it is not stamped
([MS-ADTS] 3.1.1.1.9, 3.1.1.5): objects below a renamed container keep their USN under other names, so do groups whose
members are renamed, deleted or restored. For one writer at a time, between the searches of its clients.
"""

import uuid
from collections.abc import Mapping, Sequence

from recon.lab.addirectory import Directory
from recon.lab.adschema import DnError, dn_key, dn_rdns, dn_value_key

LINKS = ("member", "manager", "managedBy")  # forward links that the lab knows; LINKED: with a stamp for each value
LINKED = frozenset({"member"})
# what is left of a deleted object without the Recycle Bin ([MS-ADTS] 3.1.1.5.5.1.1: searchFlags fPRESERVEONDELETE)
_KEPT = frozenset(
    "objectguid objectsid objectclass samaccountname uSNCreated uSNChanged whenCreated whenChanged instanceType name cn"
    " isDeleted lastKnownParent sIDHistory sAMAccountType userAccountControl groupType ou dc".casefold().split()
)
_NEVER_KEPT = frozenset({"objectcategory", "samaccounttype"})  # go with the Recycle Bin too
_TIME = b"20260101000000.0Z"

Values = Mapping[str, Sequence[bytes]]


class Changes:
    """Writes to one directory. `has_recycle_bin`: deleted objects keep their attributes and links until restored."""

    def __init__(self, directory: Directory, *, has_recycle_bin: bool = True) -> None:
        self.directory = directory
        self.has_recycle_bin = has_recycle_bin
        self._kept: dict[int, dict[str, list[bytes]]] = {}  # of deleted objects, for their way back
        self._kept_links: dict[int, list[tuple[int, str]]] = {}  # of deleted objects: (owner, attribute)
        if has_recycle_bin:
            partitions = f"CN=Partitions,{directory.configuration_dn}"
            self._write(
                self._at(partitions),
                {
                    "msDS-EnabledFeature": [
                        b"CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,"
                        + directory.configuration_dn.encode()
                    ]
                },
            )

    # ---- what an administrator does

    def add(self, dn: str, values: Values) -> int:
        """Add one object below an existing one; GUID and USN are the directory's own. Returns its place."""
        directory = self.directory
        if directory.find(dn_rdns(dn)[1:]) is None:
            raise DnError(f"nothing to add it to: {dn}")
        usn = self._next()
        kind, _, name = dn_head(dn).partition("=")
        system = {
            kind: [name.encode()],
            "name": [name.encode()],
            "instanceType": [b"4"],
            "objectGUID": [uuid.uuid5(uuid.NAMESPACE_OID, f"{directory.dns_name} {usn}").bytes_le],
            "whenCreated": [_TIME],
            "whenChanged": [_TIME],
            "uSNCreated": [b"%d" % usn],
            "uSNChanged": [b"%d" % usn],
        }
        ordinal = directory.put(None, dn, system | dict(values))
        directory.stamps[ordinal] = dict.fromkeys((name.casefold() for name in directory.attributes(ordinal)), usn)
        self._stamp_links(ordinal, {}, values, usn)
        return ordinal

    def modify(self, dn: str, values: Values) -> None:
        """Replace the values of attributes; none deletes one."""
        ordinal = self._at(dn)
        before = self.directory.attributes(ordinal)
        usn = self._write(ordinal, values)
        self._stamp_links(ordinal, before, values, usn)

    def rename(self, dn: str, new_dn: str) -> None:
        """Rename or move one object with all below it. Only the object itself gets a new USN."""
        directory = self.directory
        ordinal = self._at(dn)
        if directory.find(dn_rdns(new_dn)[1:]) is None:
            raise DnError(f"nothing to move it to: {new_dn}")
        if directory.find(dn_rdns(new_dn)) not in (None, ordinal):
            raise ValueError(f"two entries are called {new_dn}")
        old_key, old_dn = dn_key(dn_rdns(dn)), directory.entries[ordinal].name()
        below = [place for key, place in directory.by_key.items() if key.endswith(f",{old_key}") and place >= 0]
        kind, _, name = dn_head(new_dn).partition("=")
        self._write(ordinal, {kind: [name.encode()], "name": [name.encode()]}, new_dn)
        self._follow(old_dn, new_dn)
        for place in sorted(below, key=lambda place: len(dn_rdns(directory.entries[place].name()))):
            before = directory.entries[place].name()
            after = before[: len(before) - len(old_dn)] + new_dn
            directory.put(place, after, directory.attributes(place))
            self._follow(before, after)

    def delete(self, dn: str) -> None:
        """Delete one object: it becomes a tombstone, and no other object names it any more, without a new USN."""
        directory = self.directory
        ordinal = self._at(dn)
        key = dn_key(dn_rdns(dn))
        if any(other.endswith(f",{key}") for other, place in directory.by_key.items() if place >= 0):
            raise ValueError(f"not a leaf: {dn}")
        values = directory.attributes(ordinal)
        self._kept[ordinal] = values
        self._kept_links[ordinal] = self._unlink(key)
        dn = directory.entries[ordinal].name()
        head = dn_head(dn)
        guid = uuid.UUID(bytes_le=values["objectGUID"][0])
        kind, _, name = head.partition("=")
        gone = f"{name}\nDEL:{guid}".encode()
        usn = self._next()
        kept = {
            attribute: found
            for attribute, found in values.items()
            if (attribute.casefold() in _KEPT or self.has_recycle_bin)
            and attribute.casefold() not in _NEVER_KEPT
            and attribute not in LINKS
        }
        kept |= {
            kind: [gone],
            "name": [gone],
            "isDeleted": [b"TRUE"],
            "lastKnownParent": [dn[len(head) + 1 :].lstrip().encode()],
            "uSNChanged": [b"%d" % usn],
            "whenChanged": [_TIME],
        }
        if self.has_recycle_bin:
            kept["msDS-LastKnownRDN"] = [name.encode()]
        directory.put(ordinal, f"{head}\\0ADEL:{guid},{directory.deleted_objects_dn}", kept)
        changed = {name.casefold() for name in {*values, *kept}} - {"objectguid"}
        self._stamp(ordinal, changed & {"name", kind.casefold(), "isdeleted", "lastknownparent"}, usn)

    def restore(self, guid: bytes, new_dn: str | None = None) -> str:
        """Bring a deleted object back; links return with the Recycle Bin alone, and stamp nobody else.

        Returns its name. Raises DnError where its parent is gone or its name is taken.
        """
        directory = self.directory
        ordinal = next(place for place in self._kept if directory.values(place, "objectGUID") == [guid])
        values = self._kept.pop(ordinal)
        links = self._kept_links.pop(ordinal)
        tombstone = directory.attributes(ordinal)
        parent = tombstone["lastKnownParent"][0].decode()
        head = next(f"{kind}={found[0].decode()}" for kind, found in values.items() if kind.casefold() in ("cn", "ou"))
        dn = new_dn or f"{head},{parent}"
        if directory.find(dn_rdns(dn)[1:]) is None or directory.find(dn_rdns(dn)) is not None:
            self._kept[ordinal], self._kept_links[ordinal] = values, links
            raise DnError(f"cannot be restored to {dn}")
        usn = self._next()
        if not self.has_recycle_bin:
            kept = _KEPT | _NEVER_KEPT
            values = {name: found for name, found in values.items() if name.casefold() in kept}
        kind, _, name = dn_head(dn).partition("=")
        values = {attribute: self._still(attribute, found) for attribute, found in values.items()}
        values |= {kind: [name.encode()], "name": [name.encode()], "uSNChanged": [b"%d" % usn]}
        values["lastKnownParent"] = [parent.encode()]
        if self.has_recycle_bin:
            values["msDS-LastKnownRDN"] = tombstone["msDS-LastKnownRDN"]
        directory.put(ordinal, dn, values)
        self._stamp(ordinal, {*map(str.casefold, values), "isdeleted"} - {"whencreated", "objectguid"}, usn)
        if self.has_recycle_bin:
            for owner, attribute in links:
                if not directory.entries[owner].is_deleted:
                    found = directory.values(owner, attribute)
                    if attribute in LINKED or not found:  # another manager may have come meanwhile
                        self._quietly(owner, {attribute: [*found, dn.encode()]})
        return dn

    # ---- how it is kept

    def _at(self, dn: str) -> int:
        ordinal = self.directory.find(dn_rdns(dn))
        if ordinal is None:
            raise DnError(f"no such object: {dn}")
        return ordinal

    def _next(self) -> int:
        self.directory.highest_usn += 1
        return self.directory.highest_usn

    def _write(self, ordinal: int, values: Values, new_dn: str | None = None) -> int:
        """Set attributes of one object, with a new USN."""
        usn = self._next()
        self._quietly(ordinal, dict(values) | {"uSNChanged": [b"%d" % usn], "whenChanged": [_TIME]}, new_dn)
        self._stamp(ordinal, {name.casefold() for name in values}, usn)
        return usn

    def _quietly(self, ordinal: int, values: Values, new_dn: str | None = None) -> None:
        directory = self.directory
        changed = {name.casefold() for name in values}
        held = {name: found for name, found in directory.attributes(ordinal).items() if name.casefold() not in changed}
        held |= {name: list(found) for name, found in values.items() if found}
        directory.put(ordinal, new_dn or directory.entries[ordinal].name(), held)

    def _stamp(self, ordinal: int, attributes: set[str], usn: int) -> None:
        self.directory.stamps.setdefault(ordinal, {}).update(dict.fromkeys(attributes, usn))

    def _stamp_links(self, ordinal: int, before: Values, values: Values, usn: int) -> None:
        for attribute, found in values.items():
            if attribute not in LINKED:
                continue
            old = {str(dn_value_key(value)): value for value in before.get(attribute, ())}
            new = {str(dn_value_key(value)): value for value in found}
            stamps = self.directory.links.setdefault(ordinal, {}).setdefault(attribute, {})
            stamps.update({key: (usn, True, value) for key, value in new.items() if key not in old})
            stamps.update({key: (usn, False, value) for key, value in old.items() if key not in new})

    def _owners(self, key: str) -> list[tuple[int, str]]:
        """Who names the object with this key, and in which attribute."""
        directory = self.directory
        found = []
        for attribute in LINKS:
            for owner in directory.back_links(attribute.casefold(), key):
                ordinal = directory.find(dn_rdns(owner.decode()))
                if ordinal is not None:
                    found.append((ordinal, attribute))
        return found

    def _follow(self, old_dn: str, new_dn: str) -> None:
        key = dn_key(dn_rdns(old_dn))
        for owner, attribute in self._owners(key):
            values = [
                new_dn.encode() if dn_value_key(value) == key else value
                for value in self.directory.values(owner, attribute)
            ]
            self._quietly(owner, {attribute: values})

    def _unlink(self, key: str) -> list[tuple[int, str]]:
        owners = self._owners(key)
        for owner, attribute in owners:
            values = [value for value in self.directory.values(owner, attribute) if dn_value_key(value) != key]
            self._quietly(owner, {attribute: values})
        return owners

    def _still(self, attribute: str, values: list[bytes]) -> list[bytes]:
        """Of links, those whose other end is there."""
        if attribute not in LINKS:
            return values
        return [value for value in values if self.directory.find(dn_rdns(value.decode())) is not None]


def dn_head(dn: str) -> str:
    """The relative name in front of a distinguished name, as written."""
    place = 0
    while place < len(dn) and dn[place] != ",":
        place += 2 if dn[place] == "\\" else 1
    return dn[:place]
