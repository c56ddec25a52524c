"""One domain's entries, held so that they can be sent as fast as a socket takes them.

Every entry is encoded once, when it is added: its attributes stand one after the other in one bytes object, in one
order for the whole directory, with their offsets beside it. An answer with chosen attributes is then a few slices.
Values that AD sends in ranges (more than MaxValRange of one attribute) are kept apart, value by value. Over 350 lines:
the encoding, the tree and the indexes are filled in one pass. recon.lab.adchanges changes a directory that serves.
"""

import uuid
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from recon.lab import ber
from recon.lab.adschema import (
    DnError,
    category_key,
    category_of_class,
    dn_key,
    dn_rdns,
    dn_value_key,
    integer_key,
    text_key,
)
from recon.lab.ldapfilter import And, Comparison, Filter, Or

MAX_VAL_RANGE = 1500
_INDEXED = ("objectclass", "objectcategory", "samaccounttype")
_NOTED = frozenset((*_INDEXED, "usnchanged", "samaccountname", "userprincipalname", "isdeleted"))
_NAME_POSITION = 0  # distinguishedName comes first in every entry
_SYSTEM_TIME = b"20200101000000.0Z"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may bind. `state`: ok, or why a right password is refused (recon.lab.adbind.SUB_CODES).

    `dn` and `upn` are needed only where no entry of the directory carries the account's sAMAccountName.
    `reads_deleted`: may list CN=Deleted Objects; `replicates`: has DS-Replication-Get-Changes, which DirSync needs.
    """

    password: str
    state: str = "ok"
    dn: str | None = None
    upn: str | None = None
    reads_deleted: bool = False
    replicates: bool = False

    def __repr__(self) -> str:
        return f"Account(state={self.state!r}, dn={self.dn!r}, upn={self.upn!r})"


class Node:
    """A place in the tree that has entries below it. `dn`: its name as written in the first of them."""

    __slots__ = ("dn", "key", "parent")

    def __init__(self, key: str, dn: str, parent: "Node | None") -> None:
        self.key = key
        self.dn = dn
        self.parent = parent


class StoredEntry:
    """One encoded entry. `dn` is the encoded name, `ranged` holds the values that are sent in ranges."""

    __slots__ = ("data", "dn", "is_deleted", "node", "offsets", "ranged")

    def __init__(self, dn: bytes, data: bytes, offsets: "array[int]", node: Node, is_deleted: bool) -> None:
        self.dn = dn
        self.data = data
        self.offsets = offsets
        self.node = node
        self.is_deleted = is_deleted
        self.ranged: dict[int, tuple[bytes, ...]] | None = None

    def encoded(self, position: int) -> bytes:
        """The attribute as a PartialAttribute; b'' when absent or sent in ranges."""
        return self.data[self.offsets[position] : self.offsets[position + 1]]

    def values_at(self, position: int) -> Collection[bytes]:
        """The raw values; none when absent."""
        if self.ranged is not None and position in self.ranged:
            return self.ranged[position]
        encoded = self.encoded(position)
        if not encoded:
            return ()
        attribute = ber.Reader(encoded).inside(ber.SEQUENCE)
        attribute.skip()
        inside = attribute.inside(ber.SET)
        values = []
        while inside.has_more:
            values.append(inside.octets())
        return values

    def name(self) -> str:
        """The distinguished name as it was given."""
        return ber.Reader(self.dn).text()

    @property
    def key(self) -> str:
        """The distinguished name in its one spelling."""
        return dn_key(dn_rdns(self.name()))


class Directory:
    """The entries of ONE domain. A place in `entries` belongs to one object for good, whatever it is called.

    entries: (distinguished name, {attribute: raw values}), in any order. What AD always has and the entries lack is
    added: the domain's head, containers above entries, CN=Partitions of the configuration, distinguishedName.
    Raises DnError for a name that cannot be read, ValueError for a name that occurs twice.
    """

    def __init__(
        self,
        base_dn: str,
        entries: Iterable[tuple[str, Mapping[str, Sequence[bytes]]]] = (),
        *,
        accounts: Mapping[str, Account] | None = None,
        netbios_name: str | None = None,
        root_dn: str | None = None,
        max_val_range: int = MAX_VAL_RANGE,
    ) -> None:
        self.base_dn = base_dn
        self.root_dn = root_dn or base_dn
        self.base_key = dn_key(dn_rdns(base_dn))
        self.dns_name = _dns_name(base_dn)
        self.netbios_name = netbios_name or self.dns_name.partition(".")[0].upper()[:15]
        self.configuration_dn = f"CN=Configuration,{self.root_dn}"
        self.configuration_key = dn_key(dn_rdns(self.configuration_dn))
        self.accounts = dict(accounts or {})
        self.max_val_range = max_val_range
        self.highest_usn = 1
        self.changes = 0  # counted by whoever changes the directory
        self.stamps: dict[int, dict[str, int]] = {}  # ordinal: {folded attribute: USN of its last change}, since built
        self.links: dict[
            int, dict[str, dict[str, tuple[int, bool, bytes]]]
        ] = {}  # {attribute: {key: USN, is there, DN}}
        self.invocations: dict[str, uuid.UUID] = {}  # of each domain controller, by its short name
        self.positions: dict[str, int] = {}
        self.names: list[str] = []
        self.entries: list[StoredEntry] = []
        self.by_key: dict[str, int] = {}
        self.account_entries: dict[str, tuple[str, str | None]] = {}
        self._headers: list[bytes] = []
        self._places: dict[str, int] = {}  # as positions, by every spelling met
        self._noted: dict[int, str] = {}
        self._learn("distinguishedName")
        # Other naming contexts below the domain: no part of a search of the domain
        self._heads = frozenset(
            dn_key(dn_rdns(dn))
            for dn in (
                self.configuration_dn,
                f"CN=Schema,{self.configuration_dn}",
                f"DC=DomainDnsZones,{base_dn}",
                f"DC=ForestDnsZones,{self.root_dn}",
            )
        )
        self.deleted_objects_dn = f"CN=Deleted Objects,{base_dn}"
        self._nodes: dict[str, Node] = {}
        self._index: dict[tuple[str, object], array[int]] = {}
        self._usns: tuple[array[int], array[int]] = (array("Q"), array("Q"))  # each uSNChanged as written, and whose
        self._by_guid: dict[bytes, list[int]] = {}  # made when first asked for; forgotten when an object is added
        self._by_usn: list[tuple[int, int]] | None = None  # (uSNChanged, ordinal), sorted; made when first asked for
        self._back_links: dict[str, tuple[int, dict[str, list[bytes]]]] = {}
        self._account_keys = {name.casefold() for name in self.accounts}
        for dn, attributes in entries:
            self._add(dn, attributes)
        self._complete()

    def _add(self, dn: str, attributes: Mapping[str, Sequence[bytes]]) -> int:
        rdns = dn_rdns(dn)
        key = dn_key(rdns)
        ordinal = len(self.entries)
        if self.by_key.setdefault(key, ordinal) != ordinal:
            raise ValueError(f"two entries are called {dn}")
        entry, noted = self._encoded(dn, rdns, attributes)
        self.entries.append(entry)
        self._note(ordinal, dn, noted)
        return ordinal

    def _encoded(
        self, dn: str, rdns: tuple[str, ...], attributes: Mapping[str, Sequence[bytes]]
    ) -> tuple[StoredEntry, dict[str, Sequence[bytes]]]:
        key = dn_key(rdns)
        parts: list[bytes] = [b""] * len(self.names)
        ranged: dict[int, tuple[bytes, ...]] = {}
        noted: dict[str, Sequence[bytes]] = {}
        for name, values in attributes.items():
            position = self._places.get(name)
            if position is None:
                position = self._learn(name)
                parts += [b""] * (len(self.names) - len(parts))
            if position in self._noted:
                noted[self._noted[position]] = values
            if len(values) > self.max_val_range:
                ranged[position] = tuple(values)
            elif values:
                parts[position] = self.partial_attribute(position, values)
        if not parts[_NAME_POSITION]:
            parts[_NAME_POSITION] = self.partial_attribute(_NAME_POSITION, [dn.encode()])
        entry = StoredEntry(
            ber.text(dn),
            b"".join(parts),
            _offsets(parts),
            Node(key, dn, None) if key in self._heads else self._node(rdns[1:], dn),
            [value.upper() for value in noted.get("isdeleted", ())] == [b"TRUE"],
        )
        entry.ranged = ranged or None
        return entry, noted

    def put(self, ordinal: int | None, dn: str, attributes: Mapping[str, Sequence[bytes]]) -> int:
        """Set one object's name and attributes, or add an object; the tree and the indexes follow.

        For recon.lab.adchanges, which keeps what AD would keep. Raises DnError, ValueError for a name that is taken.
        """
        known = len(self.names)
        if ordinal is None:
            ordinal = self._add(dn, attributes)
            self._by_guid = {}
        else:
            rdns = dn_rdns(dn)
            before = dn_key(dn_rdns(self.entries[ordinal].name()))
            if self.by_key.get(dn_key(rdns), ordinal) not in (ordinal, -1):
                raise ValueError(f"two entries are called {dn}")
            if self.by_key.get(before) == ordinal:
                del self.by_key[before]
            self.by_key[dn_key(rdns)] = ordinal
            self.entries[ordinal], noted = self._encoded(dn, rdns, attributes)
            self._note(ordinal, dn, noted, is_new=False)
        self._widen(self.entries if len(self.names) > known else [self.entries[ordinal]])
        self.changes += 1
        return ordinal

    def attributes(self, ordinal: int) -> dict[str, list[bytes]]:
        """What one object holds, as it was given."""
        entry = self.entries[ordinal]
        values = {name: list(entry.values_at(place)) for place, name in enumerate(self.names)}
        return {name: found for name, found in values.items() if found and name != "distinguishedName"}

    def values(self, ordinal: int, attribute: str) -> list[bytes]:
        """The values of one attribute of one object."""
        position = self.positions.get(attribute.casefold())
        return [] if position is None else list(self.entries[ordinal].values_at(position))

    def _learn(self, name: str) -> int:
        """The place of an attribute in every entry, under whatever spelling; a new one goes to the end."""
        folded = name.casefold()
        position = self.positions.setdefault(folded, len(self.names))
        if position == len(self.names):
            self.names.append(name)
            self._headers.append(ber.text(name))
            if folded in _NOTED:
                self._noted[position] = folded
        self._places[name] = position
        return position

    def partial_attribute(self, position: int, values: Sequence[bytes], option: str = "") -> bytes:
        """Encode one attribute with its values, its name in the stored spelling, plus an option (`;range=0-9`)."""
        name = ber.text(self.names[position] + option) if option else self._headers[position]
        if len(values) == 1:
            content = ber.header(ber.OCTETS, len(values[0])) + values[0]
        else:
            content = b"".join(map(ber.octets, values))
        frame = ber.header(ber.SET, len(content))
        return b"".join((ber.header(ber.SEQUENCE, len(name) + len(frame) + len(content)), name, frame, content))

    def _node(self, rdns: tuple[str, ...], child_dn: str) -> Node:
        key = dn_key(rdns)
        node = self._nodes.get(key)
        if node is None:
            dn = _parent_dn(child_dn)
            node = self._nodes[key] = Node(key, dn, self._node(rdns[1:], dn) if rdns else None)
        return node

    def _note(self, ordinal: int, dn: str, attributes: Mapping[str, Sequence[bytes]], *, is_new: bool = True) -> None:
        """Fill what searches and binds look up: the indexes, the accounts' names, the highest USN."""
        for value in attributes.get("objectclass", ()):
            self._put("objectclass", text_key(value), ordinal, is_new)
        for value in attributes.get("objectcategory", ()):
            self._put("objectcategory", category_key(value.decode(errors="replace")), ordinal, is_new)
        for value in attributes.get("samaccounttype", ()):
            self._put("samaccounttype", integer_key(value), ordinal, is_new)
        for value in attributes.get("usnchanged", ()):
            usn = integer_key(value)
            if isinstance(usn, int):
                self.highest_usn = max(self.highest_usn, usn)
                if usn >= 0:
                    self._usns[0].append(usn)
                    self._usns[1].append(ordinal)
                if self._by_usn is not None:  # a change has the highest USN of all: the list stays in order
                    self._by_usn.append((usn, ordinal))
                    if usn < self.highest_usn:
                        self._by_usn = None
        for value in attributes.get("samaccountname", ()):
            name = text_key(value)
            if isinstance(name, str) and name in self._account_keys:
                upn = next(iter(attributes.get("userprincipalname", ())), None)
                self.account_entries[name] = (dn, None if upn is None else upn.decode(errors="replace"))

    def _put(self, attribute: str, key: object, ordinal: int, is_new: bool) -> None:
        places = self._index.setdefault((attribute, key), array("I"))
        if is_new or ordinal not in places:
            places.append(ordinal)

    def _complete(self) -> None:
        """Add what the entries lack to be a tree, then give every entry offsets for every attribute."""
        if self.base_key not in self.by_key:
            self._add(self.base_dn, _system_entry(self.base_dn, "domainDNS", "Domain-DNS", self.root_dn))
        for first in list(self._nodes.values()):
            node: Node | None = first
            while node is not None and node.key not in self.by_key:
                self._add_container(node)
                node = node.parent
        if self.configuration_key not in self.by_key:
            self._add_configuration()
        if dn_key(dn_rdns(self.deleted_objects_dn)) not in self.by_key:
            deleted = _system_entry(self.deleted_objects_dn, "container", "Container", self.root_dn)
            self._add(self.deleted_objects_dn, deleted | {"isDeleted": [b"TRUE"]})
        self._widen(self.entries)

    def _widen(self, entries: Iterable[StoredEntry]) -> None:
        """Give entries an offset for every attribute, those learned after them too."""
        count = len(self.names)
        for entry in entries:
            missing = count + 1 - len(entry.offsets)
            if missing:
                entry.offsets.extend([entry.offsets[-1]] * missing)

    def add_controller(self, host: str, invocation: uuid.UUID | None = None) -> None:
        """Add the NTDS Settings object of a domain controller, or give it another invocationId: it was restored."""
        dn = controller_dn(host, self.configuration_dn)
        ordinal = self.find(dn_rdns(dn))
        if ordinal is not None and invocation is None:
            return
        self.invocations[host.upper()] = invocation or uuid.uuid5(uuid.NAMESPACE_DNS, f"{host}.{self.dns_name}")
        entry = _system_entry(dn, "nTDSDSA", "NTDS-DSA", self.root_dn)
        self.put(ordinal, dn, entry | {"invocationId": [self.invocations[host.upper()].bytes_le]})

    def _add_container(self, node: Node) -> None:
        kind = node.key.partition("=")[0]
        if kind in ("", "dc"):
            self.by_key[node.key] = -1  # above the domain: no entry of this directory
        elif kind == "ou":
            self._add(node.dn, _system_entry(node.dn, "organizationalUnit", "Organizational-Unit", self.root_dn))
        else:
            self._add(node.dn, _system_entry(node.dn, "container", "Container", self.root_dn))

    def _add_configuration(self) -> None:
        partitions = f"CN=Partitions,{self.configuration_dn}"
        reference = f"CN={self.netbios_name},{partitions}"
        for dn, kind, category in (
            (self.configuration_dn, "configuration", "Configuration"),
            (partitions, "crossRefContainer", "Cross-Ref-Container"),
        ):
            self._add(dn, _system_entry(dn, kind, category, self.root_dn))
        self._add(
            reference,
            _system_entry(reference, "crossRef", "Cross-Ref", self.root_dn)
            | {
                "nCName": [self.base_dn.encode()],
                "dnsRoot": [self.dns_name.encode()],
                "nETBIOSName": [self.netbios_name.encode()],
                "systemFlags": [b"3"],
            },
        )

    @property
    def references(self) -> tuple[str, ...]:
        """Where the other naming contexts below the domain are found: what a search of the domain ends with."""
        urls = [f"ldap://DomainDnsZones.{self.dns_name}/DC=DomainDnsZones,{self.base_dn}"]
        if self.root_dn == self.base_dn:
            urls += [
                f"ldap://ForestDnsZones.{self.dns_name}/DC=ForestDnsZones,{self.base_dn}",
                f"ldap://{self.dns_name}/{self.configuration_dn}",
            ]
        return tuple(urls)

    def find(self, rdns: tuple[str, ...]) -> int | None:
        """The place of the entry with this name in `entries`; None when there is none."""
        ordinal = self.by_key.get(dn_key(rdns), -1)
        return ordinal if ordinal >= 0 else None

    def nearest(self, rdns: tuple[str, ...]) -> str:
        """The name of the lowest existing entry at or above a name; '' when there is none (matchedDN)."""
        while rdns:
            ordinal = self.find(rdns)
            if ordinal is not None:
                return self.entries[ordinal].name()
            rdns = rdns[1:]
        return ""

    def holds(self, rdns: tuple[str, ...]) -> bool:
        """Does the name lie in a naming context of this server?"""
        key = dn_key(rdns)
        return any(key == base or key.endswith(f",{base}") for base in (self.base_key, self.configuration_key))

    def nodes_below(self, key: str) -> set[Node]:
        """The tree below a name without other naming contexts: entries of a subtree stand directly under these."""
        top = self._nodes.get(key)
        if top is None:
            return set()
        inside = {top}
        borders = self._heads - {key}
        for node in self._nodes.values():
            chain = []
            place: Node | None = node
            while place is not None and place not in inside and place.key not in borders:
                chain.append(place)
                place = place.parent
            if place is not None and place in inside:
                inside.update(chain)
        return inside

    def changed_since(self, usn: int) -> list[int]:
        """The places of all objects whose uSNChanged is at least `usn`, in the order of their change."""
        if self._by_usn is None:
            self._by_usn = sorted(zip(*self._usns, strict=True))
        places = self._by_usn[bisect_left(self._by_usn, (usn, -1)) :]
        return list(dict.fromkeys(ordinal for _, ordinal in places))

    def with_guid(self, guid: bytes) -> list[int]:
        """The places of the objects with this objectGUID; in a sound directory at most one."""
        if not self._by_guid:
            for ordinal in range(len(self.entries)):
                for value in self.values(ordinal, "objectGUID"):
                    self._by_guid.setdefault(value, []).append(ordinal)
        return self._by_guid.get(guid, [])

    def back_links(self, attribute: str, key: str) -> list[bytes]:
        """The names of the live objects whose `attribute` names the object with this key: memberOf from member …"""
        known = self._back_links.get(attribute)
        if known is None or known[0] != self.changes:
            found: dict[str, list[bytes]] = {}
            position = self.positions.get(attribute)
            for entry in self.entries if position is not None else ():
                if not entry.is_deleted:
                    for value in entry.values_at(position):  # type: ignore[arg-type]
                        found.setdefault(str(dn_value_key(value)), []).append(entry.name().encode())
            known = self._back_links[attribute] = (self.changes, found)
        return known[1].get(key, [])

    def candidates(self, node: Filter) -> "array[int] | range | list[int]":
        """The places, in order, of all entries that may match: from the indexes where the filter allows it."""
        found = self._candidates(node)
        return range(len(self.entries)) if found is None else found

    def _candidates(self, node: Filter) -> "array[int] | list[int] | None":
        match node:
            case Comparison(attribute, "=", value) if attribute.casefold() in _INDEXED:
                return self._index.get((attribute.casefold(), _index_key(attribute.casefold(), value)), array("I"))
            case Comparison(attribute, "=", value) if attribute.casefold() == "objectguid":
                return self.with_guid(value)
            case Comparison(attribute, ">=", value) if attribute.casefold() == "usnchanged":
                usn = integer_key(value)
                return self.changed_since(usn) if isinstance(usn, int) else array("I")
            case And(items):
                found = [one for one in map(self._candidates, items) if one is not None]
                return min(found, key=len) if found else None
            case Or(items):
                every = [self._candidates(item) for item in items]
                known = [one for one in every if one is not None]
                return sorted(set().union(*known)) if len(known) == len(every) else None
        return None


def controller_dn(host: str, configuration_dn: str) -> str:
    """The name of a domain controller's NTDS Settings object."""
    return f"CN=NTDS Settings,CN={host.upper()},CN=Servers,CN=Default-First-Site-Name,CN=Sites,{configuration_dn}"


def _index_key(attribute: str, value: bytes) -> object:
    if attribute == "objectclass":
        return text_key(value)
    if attribute == "samaccounttype":
        return integer_key(value)
    words = value.decode(errors="replace")
    return category_key(words) if "=" in words else category_of_class(words)


def _parent_dn(dn: str) -> str:
    """What stands behind the first unescaped comma."""
    place = 0
    while place < len(dn) and dn[place] != ",":
        place += 2 if dn[place] == "\\" else 1
    return dn[place + 1 :].lstrip()


def _offsets(parts: Sequence[bytes]) -> "array[int]":
    places = list(accumulate(map(len, parts), initial=0))
    return array("H" if places[-1] < 1 << 16 else "I", places)


def _dns_name(base_dn: str) -> str:
    labels = [part.partition("=")[2] for part in dn_rdns(base_dn) if part.startswith("dc=")]
    if not labels:
        raise DnError(f"a domain's name is made of DC= parts: {base_dn!r}")
    return ".".join(labels)


def _system_entry(dn: str, kind: str, category: str, root_dn: str) -> dict[str, list[bytes]]:
    """An entry that a new domain has by itself; its GUID follows from its name."""
    attribute, _, name = dn.partition(",")[0].partition("=")
    classes = [b"top", b"domain", b"domainDNS"] if kind == "domainDNS" else [b"top", kind.encode()]
    return {
        "objectClass": classes,
        attribute.lower(): [name.encode()],
        "distinguishedName": [dn.encode()],
        "instanceType": [b"4"],
        "whenCreated": [_SYSTEM_TIME],
        "whenChanged": [_SYSTEM_TIME],
        "uSNCreated": [b"1"],
        "uSNChanged": [b"1"],
        "name": [name.encode()],
        "objectGUID": [uuid.uuid5(uuid.NAMESPACE_X500, dn.casefold()).bytes_le],
        "objectCategory": [f"CN={category},CN=Schema,CN=Configuration,{root_dn}".encode()],
    }
