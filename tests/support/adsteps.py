"""Random steps of an administrator's day in the lab's directory, and tables that take increments as the store does."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from recon.decode.keys import dn_key
from recon.errors import WatermarkError
from recon.lab.adchanges import Changes
from recon.lab.addirectory import Account, Directory
from recon.lab.adschema import DnError, dn_rdns
from recon.objects import TABLES, Gone, ReadReport, Row
from recon.sources.ad import CHILDREN

BASE = "DC=contoso,DC=example"
UNITS = ("OU=People", "OU=Sales,OU=People", "OU=EMEA,OU=Sales,OU=People", "OU=Groups", "OU=Elsewhere")
KINDS = {
    "user": ([b"top", b"person", b"organizationalPerson", b"user"], b"805306368"),
    "computer": ([b"top", b"person", b"organizationalPerson", b"user", b"computer"], b"805306369"),
    "contact": ([b"top", b"person", b"organizationalPerson", b"contact"], None),
    "group": ([b"top", b"group"], b"268435456"),
}
_FLAGS = {b"805306368": b"512", b"805306369": b"4096", b"805306370": b"2048"}
_OBJECTS = tuple(CHILDREN)
_NAMES = {"ad_user": "manager", "ad_group": "managedby", "ad_computer": "managedby"}


def domain(*, max_val_range: int = 1500, has_recycle_bin: bool = True) -> Changes:
    """A few units, and accounts to read it with: reader sees deleted objects, replicator may use DirSync too."""
    accounts = {
        "reader": Account("right", dn=f"CN=r,{BASE}", upn="reader@contoso.example", reads_deleted=True),
        "replicator": Account(
            "right", dn=f"CN=s,{BASE}", upn="replicator@contoso.example", reads_deleted=True, replicates=True
        ),
        "ordinary": Account("right", dn=f"CN=o,{BASE}", upn="ordinary@contoso.example"),
    }
    directory = Directory(BASE, (), accounts=accounts, netbios_name="CONTOSO", max_val_range=max_val_range)
    changes = Changes(directory, has_recycle_bin=has_recycle_bin)
    for unit in UNITS:
        changes.add(f"{unit},{BASE}", {"objectClass": [b"top", b"organizationalUnit"]})
    return changes


class Steps:
    """One random step at a time; `log` tells what was done."""

    def __init__(self, changes: Changes, seed: int) -> None:
        self._random = random.Random(seed)
        self._changes = changes
        self._number = 0
        self.log: list[str] = []
        self._deleted: list[bytes] = []
        self._steps: list[Callable[[], str]] = [
            self._create, self._create, self._create, self._create, self._modify, self._modify, self._rename,
            self._move, self._move_unit, self._rename_unit, self._delete, self._restore, self._add_again,
            self._members, self._members, self._members, self._manager, self._manager, self._kind,
        ]  # fmt: skip

    def step(self) -> str:
        """Do one; a step that finds nothing to do gives way to another."""
        while True:
            try:
                done = self._random.choice(self._steps)()
            except (LookupError, DnError, ValueError):
                continue
            self.log.append(done)
            return done

    def _alive(self, *kinds: bytes) -> list[str]:
        directory = self._changes.directory
        return [
            entry.name()
            for place, entry in enumerate(directory.entries)
            if not entry.is_deleted
            and entry.name().endswith(f",{BASE}")
            and directory.values(place, "objectClass")[-1:] in [[kind] for kind in kinds]
        ]

    def _objects(self) -> list[str]:
        return self._alive(b"user", b"computer", b"contact", b"group")

    def _unit(self) -> str:
        return self._random.choice(self._alive(b"organizationalUnit"))

    def _create(self) -> str:
        self._number += 1
        kind = self._random.choice(["user", "user", "user", "group", "contact", "computer"])
        classes, account = KINDS[kind]
        dn = f"CN={kind} {self._number},{self._unit()}"
        values = {"objectClass": classes, "sAMAccountName": [f"{kind}{self._number}".encode()]}
        if account is not None:
            values["sAMAccountType"] = [account]
            values["userAccountControl"] = [_FLAGS.get(account, b"0")]
        if kind == "group":
            values["groupType"] = [b"-2147483646"]
        self._changes.add(dn, values)
        return f"add {dn}"

    def _modify(self) -> str:
        dn = self._random.choice(self._objects())
        self._changes.modify(dn, {"description": [b"%d" % self._random.randrange(99)]})
        return f"modify {dn}"

    def _rename(self) -> str:
        dn = self._random.choice(self._objects())
        self._number += 1
        new = f"CN=renamed {self._number},{dn.partition(',')[2]}"
        self._changes.rename(dn, new)
        return f"rename {dn} -> {new}"

    def _move(self) -> str:
        dn = self._random.choice(self._objects())
        new = f"{dn.partition(',')[0]},{self._unit()}"
        self._changes.rename(dn, new)
        return f"move {dn} -> {new}"

    def _move_unit(self) -> str:
        dn = self._random.choice([f"{unit},{BASE}" for unit in UNITS[1:3]] + self._alive(b"organizationalUnit"))
        parent = self._unit()
        if dn in parent or dn.startswith(("OU=People,DC", "OU=Elsewhere,DC")):
            raise DnError("into itself, or a search base")
        self._changes.rename(dn, f"{dn.partition(',')[0]},{parent}")
        return f"move {dn} -> {parent}"

    def _rename_unit(self) -> str:
        dn = self._unit()
        if dn.startswith(("OU=People,DC", "OU=Elsewhere,DC")):
            raise DnError("a search base")
        self._number += 1
        new = f"OU=unit {self._number},{dn.partition(',')[2]}"
        self._changes.rename(dn, new)
        return f"rename {dn} -> {new}"

    def _delete(self) -> str:
        dn = self._random.choice(self._objects())
        directory = self._changes.directory
        self._deleted.append(directory.values(directory.find(dn_rdns(dn)) or 0, "objectGUID")[0])
        self._changes.delete(dn)
        return f"delete {dn}"

    def _restore(self) -> str:
        guid = self._random.choice(self._deleted)
        dn = self._changes.restore(guid)
        self._deleted.remove(guid)
        return f"restore {dn}"

    def _add_again(self) -> str:
        """Delete a user, and another one takes the name at once."""
        dn = self._random.choice(self._alive(b"user"))
        self._changes.delete(dn)
        self._changes.add(
            dn, {"objectClass": KINDS["user"][0], "sAMAccountType": [b"805306368"], "userAccountControl": [b"512"]}
        )
        return f"add again {dn}"

    def _members(self) -> str:
        group = self._random.choice(self._alive(b"group"))
        others = [dn for dn in [*self._objects(), *self._alive(b"organizationalUnit")] if dn != group]
        size = self._random.randrange(min(12, len(others)))
        self._changes.modify(group, {"member": [dn.encode() for dn in self._random.sample(others, size)]})
        return f"{size} members {group}"

    def _manager(self) -> str:
        dn = self._random.choice(self._alive(b"user", b"group", b"computer"))
        attribute = "manager" if dn in self._alive(b"user") else "managedBy"
        other = self._random.choice([*self._objects(), ""])
        self._changes.modify(dn, {attribute: [other.encode()] if other else []})
        return f"{attribute} of {dn}: {other}"

    def _kind(self) -> str:
        """A user becomes a computer account by its flags, or a trust: it leaves its table."""
        dn = self._random.choice(self._alive(b"user"))
        kind = self._random.choice([b"805306369", b"805306370", b"805306368"])
        self._changes.modify(dn, {"sAMAccountType": [kind], "userAccountControl": [_FLAGS[kind]]})
        return f"kind {kind.decode()} of {dn}"


_NAMING = {"ad_user": "manager_key", "ad_group": "managedby_key", "ad_computer": "managedby_key"}


class Held:
    """Rows by key, brought up to date by increments in the way that the store documents (recon.objects)."""

    def __init__(self, held: "Held | None" = None) -> None:
        self.objects: dict[str, dict[object, Row]] = {name: {} for name in _OBJECTS}
        self.links: dict[tuple[object, object], Row] = {}
        if held is not None:
            self.objects = {name: dict(rows) for name, rows in held.objects.items()}
            self.links = dict(held.links)

    def _is_missed(self, gone: Gone) -> bool:
        if gone.last_name is None or any(gone.key[0] in held for held in self.objects.values()):
            return False
        named = {key for _, key in self.links}
        for table, column in _NAMING.items():
            named |= {row.values[TABLES[table].position[column]] for row in self.objects[table].values()}
        return gone.last_name in {"", *named}

    def take(self, rows: Iterable[Row | Gone], report: ReadReport) -> None:
        """One whole read, full or increment."""
        new: dict[str, dict[object, Row | None]] = {name: {} for name in _OBJECTS}
        links: dict[tuple[object, object], Row | None] = {}
        owners: set[object] = set()
        for row in rows:
            assert row.table != "load_reject", row
            if isinstance(row, Gone) and self._is_missed(row):
                raise WatermarkError("was not in the last load")
            if row.table != "ad_member":
                key = row.key[0] if isinstance(row, Gone) else row.values[0]
                new[row.table][key] = None if isinstance(row, Gone) else row
            elif isinstance(row, Row):
                links[row.values[0], row.values[2]] = row
            elif len(row.key) == 1:
                owners.add(row.key[0])
                links = {key: link for key, link in links.items() if key[0] != row.key[0]}
            else:
                links[row.key[0], row.key[1]] = None
        whole = {name for name in (*_OBJECTS, "ad_member") if not report.is_increment or report.table(name).is_whole}
        moves = self._moves(new, whole)
        kept = {} if "ad_member" in whole else {key: row for key, row in self.links.items() if key[0] not in owners}
        self.links = _merged(dict(_followed(kept.values(), moves)), links)
        for name in _OBJECTS:
            held = {} if name in whole else self.objects[name]
            followed = {guid: _renamed(name, row, moves) for guid, row in held.items()}
            self.objects[name] = _merged(followed, new[name])

    def _moves(self, new: dict[str, dict[object, Row | None]], whole: set[str]) -> dict[object, object]:
        """Old key of each object that has another name now, or none: the new name."""
        moves: dict[object, object] = {}
        for name in _OBJECTS:
            places = TABLES[name].position
            for guid, row in self.objects[name].items():
                now = new[name].get(guid, row if guid not in new[name] and name not in whole else None)
                if now is None:
                    moves[row.values[places["dn_key"]]] = None
                elif now.values[2] != row.values[2]:
                    moves[row.values[places["dn_key"]]] = now.values[2]
        return moves

    def described(self) -> dict[str, set[str]]:
        """Everything comparable; member_count is counted from the links, uSNChanged and whenChanged are left out."""
        found: dict[str, set[str]] = {"ad_member": {repr(row.values) for row in self.links.values()}}
        for name, rows in self.objects.items():
            columns = TABLES[name].columns
            places = [place for place, column in enumerate(columns) if not column.volatile]
            found[name] = {repr((*(row.values[place] for place in places), row.children)) for row in rows.values()}
        return found


def _merged(held: dict[Any, Row], new: dict[Any, Row | None]) -> dict[Any, Row]:
    return {key: row for key, row in (held | new).items() if row is not None}


def _followed(links: Iterable[Row], moves: dict[object, object]) -> Iterator[tuple[tuple[object, object], Row]]:
    for row in links:
        owner, dn, key = row.values
        now = moves.get(key, dn)
        if now is not None:
            key = dn_key(str(now))
            yield (owner, key), Row("ad_member", (owner, now, key))


def _renamed(table: str, row: Row, moves: dict[object, object]) -> Row:
    name = _NAMES.get(table)
    places = TABLES[table].position
    if name is None or row.values[places[name]] is None:
        return row
    key = dn_key(str(row.values[places[name]]))
    if key not in moves:
        return row
    now = moves[key]
    values = list(row.values)
    values[places[name]] = now
    if f"{name}_key" in places:
        values[places[f"{name}_key"]] = None if now is None else dn_key(str(now))
    return row._replace(values=tuple(values))
