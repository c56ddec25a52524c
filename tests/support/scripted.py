"""Two small directories in memory that change at random and tell of it as the real ones do.

`ScriptedAd` keeps links by object and shows them by name: renames and deletions change members and managers of others
without a new uSNChanged. `ScriptedEntra` sends slices: properties that were not set are absent, members one by one,
states overtaken by later ones, replays. Both give a Reading, in full or from a watermark.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from recon.errors import WatermarkError
from recon.objects import Gone, ReadReport, Row
from tests.support.rows import make_row

AD_TABLES = ("ad_user", "ad_user_proxyaddress", "ad_group", "ad_member", "ad_computer")
ENTRA_TABLES = ("entra_user", "entra_user_othermail", "entra_group", "entra_member", "entra_deleted")


class Scripted:
    """One read of a scripted directory."""

    def __init__(self, rows: Iterator[Row | Gone], report: ReadReport) -> None:
        self.report = report
        self._rows = rows

    def rows(self) -> Iterator[Row | Gone]:
        """As a Reading."""
        return self._rows


@dataclass
class AdObject:
    """One object; `manager` and `members` are guids."""

    guid: str
    table: str
    name: str
    ou: str
    usn: int
    title: str | None = None
    manager: str | None = None
    members: set[str] = field(default_factory=set)
    mails: tuple[str, ...] = ()
    is_deleted: bool = False
    restored_usn: int = 0


class ScriptedAd:
    """A domain. Deleted objects keep their links for a restore, but nobody shows them."""

    STEPS: ClassVar = {
        "add": 2, "rename": 3, "case": 1, "move": 3, "rename_ou": 1, "swap": 1, "delete": 3, "restore": 2,
        "title_change": 2, "manager_change": 3, "mails_change": 1, "member_change": 6,
    }  # fmt: skip

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.objects: dict[str, AdObject] = {}
        self.ous = {"A": "ou=a", "B": "ou=b", "C": "ou=c"}
        self.usn = 0
        self.invocation = 1
        for number in range(14):
            self.create("ad_user" if number < 8 else "ad_group" if number < 12 else "ad_computer")

    # ---- changes -------------------------------------------------------------------------------------

    def _touch(self, each: AdObject) -> None:
        self.usn += 1
        each.usn = self.usn

    def living(self, *tables: str) -> list[AdObject]:
        """Objects that are not deleted."""
        return [each for each in self.objects.values() if not each.is_deleted and (not tables or each.table in tables)]

    def _free_name(self) -> str:
        """A name that nobody has now: often one that somebody else had before."""
        taken = {each.name.upper() for each in self.living()}
        return self.random.choice([name for name in (f"N{n}" for n in range(40)) if name not in taken])

    def create(self, table: str) -> None:
        """A new object."""
        guid = f"{len(self.objects):08d}-0000-0000-0000-000000000000"
        each = AdObject(guid, table, self._free_name(), self.random.choice(list(self.ous)), 0)
        self.objects[guid] = each
        self._touch(each)

    def step(self) -> str:
        """One random change; returns what it was."""
        kind = self.random.choices(list(self.STEPS), list(self.STEPS.values()))[0]
        getattr(self, kind)(self.random.choice(self.living()))
        return kind

    def add(self, _each: AdObject) -> None:
        """A new object, often under a name that another one had."""
        self.create(self.random.choice(("ad_user", "ad_user", "ad_group", "ad_computer")))

    def rename(self, each: AdObject) -> None:
        """Another name."""
        each.name = self._free_name()
        self._touch(each)

    def case(self, each: AdObject) -> None:
        """The same name in other letters."""
        each.name = each.name.swapcase()
        self._touch(each)

    def move(self, each: AdObject) -> None:
        """Another folder, or the same."""
        each.ou = self.random.choice(list(self.ous))
        self._touch(each)

    def rename_ou(self, _each: AdObject) -> None:
        """Another name of a folder; a source reads the whole subtree again, as if all below it had changed."""
        ou = self.random.choice(list(self.ous))
        self.ous[ou] = f"ou={ou.lower()}{self.random.randrange(100)}"
        for below in self.living():
            if below.ou == ou:
                self._touch(below)

    def swap(self, each: AdObject) -> None:
        """Two objects take each other's place."""
        other = self.random.choice(self.living())
        each.name, other.name, each.ou, other.ou = other.name, each.name, other.ou, each.ou
        self._touch(each)
        self._touch(other)

    def delete(self, each: AdObject) -> None:
        """Into the recycle bin."""
        if len(self.living()) > 8:
            each.is_deleted = True
            self._touch(each)

    def restore(self, _each: AdObject) -> None:
        """Out of the recycle bin, with its links."""
        gone = [each for each in self.objects.values() if each.is_deleted]
        if gone:
            back = self.random.choice(gone)
            back.is_deleted, back.name = False, self._free_name()
            self._touch(back)
            back.restored_usn = back.usn

    def title_change(self, each: AdObject) -> None:
        """A value, or none."""
        each.title = self.random.choice((None, "x", "Ä", "y"))
        self._touch(each)

    def manager_change(self, each: AdObject) -> None:
        """Another manager, or none."""
        each.manager = self.random.choice((None, self.random.choice(self.living()).guid))
        self._touch(each)

    def mails_change(self, each: AdObject) -> None:
        """Other values of a multi-valued attribute."""
        each.mails = tuple(sorted(self.random.sample(("smtp:a", "smtp:b", "SMTP:c"), self.random.randrange(3))))
        self._touch(each)

    def member_change(self, each: AdObject) -> None:
        """A member joins or leaves a group."""
        groups = self.living("ad_group")
        if groups:
            group = self.random.choice(groups)
            group.members ^= {each.guid}
            self._touch(group)

    # ---- reading -------------------------------------------------------------------------------------

    def _dn(self, each: AdObject) -> str:
        return f"CN={each.name},{self.ous[each.ou]},DC=example"

    def _shown(self, guid: str | None) -> tuple[str | None, str | None]:
        if guid is None or self.objects[guid].is_deleted:
            return None, None
        dn = self._dn(self.objects[guid])
        return dn, dn.lower()

    def _row(self, each: AdObject) -> Row:
        dn = self._dn(each)
        values = {"guid": each.guid, "distinguishedname": dn, "dn_key": dn.lower(), "cn": each.name}
        values |= {"usnchanged": str(each.usn)}
        manager, manager_key = self._shown(each.manager)
        if each.table == "ad_user":
            children = [("ad_user_proxyaddress", (n, m, m.lower(), "smtp", m)) for n, m in enumerate(each.mails)]
            values |= {"manager": manager, "manager_key": manager_key, "title": each.title}
            return make_row("ad_user", *children, **{**values, "usnchanged": each.usn})
        if each.table == "ad_group":
            values |= {"managedby": manager, "managedby_key": manager_key, "member_count": len(self._links(each))}
        else:
            values |= {"managedby": manager, "managedby_key": manager_key}
        return make_row(each.table, **{**values, "usnchanged": each.usn})

    def _links(self, group: AdObject) -> list[Row]:
        shown = (self._shown(guid) for guid in sorted(group.members))
        return [Row("ad_member", (group.guid, dn, key)) for dn, key in shown if dn is not None]

    def reading(self, since: str | None = None) -> Scripted:
        """All of it, or what changed since a watermark."""
        report = ReadReport(watermark=f"{self.invocation}:{self.usn}", is_increment=since is not None)
        for table in ("ad_user", "ad_group", "ad_computer"):
            report.table(table).server_count = len(self.living(table))
        return Scripted(self._full() if since is None else self._changes(since), report)

    def _full(self) -> Iterator[Row | Gone]:
        for each in self.living():
            yield from self._links(each)
            yield self._row(each)

    def _changes(self, since: str) -> Iterator[Row | Gone]:
        invocation, _, usn = since.partition(":")
        if int(invocation) != self.invocation:
            raise WatermarkError("the domain controller was restored from a backup")
        changed = sorted((each for each in self.objects.values() if each.usn > int(usn)), key=lambda each: each.usn)
        again = {each.guid for each in changed if each.table == "ad_group"}
        back = {each.guid for each in changed if each.restored_usn > int(usn)}
        # a restored object has its links again, though the groups did not change
        again |= {group.guid for group in self.living("ad_group") if group.members & back}
        managed = {each.guid for each in self.living() if each.manager in back}
        for guid in sorted(again | managed | {each.guid for each in changed}):
            each = self.objects[guid]
            if each.is_deleted:
                yield Gone(each.table, (guid,))
                continue
            if guid in again:
                yield Gone("ad_member", (guid,))
                yield from self._links(each)
            yield self._row(each)


class ScriptedEntra:
    """A tenant. What happens is kept as messages; a delta sends those since a watermark, overtaken ones among them."""

    STEPS: ClassVar = {
        "create": 2, "change": 5, "clear": 1, "mails_change": 2, "member_change": 6, "delete": 2, "restore": 2,
        "purge": 1, "add_group": 1, "drop_group": 1, "replay": 2,
    }  # fmt: skip
    PROPERTIES = ("displayname", "department", "jobtitle")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.users: dict[str, dict[str, str | None]] = {}
        self.mails: dict[str, tuple[str, ...]] = {}
        self.groups: dict[str, set[str]] = {}
        self.deleted: dict[str, dict[str, str | None]] = {}
        self.log: list[Row | Gone] = []
        for number in range(10):
            self._add_user(f"u{number}")
        for number in range(3):
            self._add_group(f"g{number}")

    def _add_user(self, key: str) -> None:
        self.users[key] = {"displayname": f"User {key}"}
        self.mails[key] = ()
        self._tell(key, "displayname", mails=True)

    def _add_group(self, key: str) -> None:
        self.groups[key] = set()
        self.log.append(make_row("entra_group", id=key, displayname=key)._replace(absent=frozenset({"member_count"})))

    def _tell(self, key: str, *names: str, mails: bool = False) -> None:
        """Say what a user has now in these properties, and nothing of the others."""
        row = self._user(key)
        absent = {name for name in self.PROPERTIES if name not in names}
        children = row.children if mails else ()
        absent |= set() if mails else {"entra_user_othermail", "othermails_count"}
        self.log.append(row._replace(children=children, absent=frozenset(absent)))

    def _user(self, key: str) -> Row:
        mails = self.mails[key]
        children = [("entra_user_othermail", (n, mail, mail, "*")) for n, mail in enumerate(mails)]
        return make_row("entra_user", *children, id=key, othermails_count=len(mails), **self.users[key])

    def step(self) -> str:
        """One random change; returns what it was."""
        kind = self.random.choices(list(self.STEPS), list(self.STEPS.values()))[0]
        getattr(self, kind)(self.random.choice(list(self.users)))
        return kind

    def create(self, _key: str) -> None:
        """A new user."""
        self._add_user(f"u{len(self.users) + len(self.deleted) + len(self.log)}")

    def change(self, key: str) -> None:
        """One property."""
        name = self.random.choice(self.PROPERTIES)
        self.users[key][name] = self.random.choice(("a", "b", "Ä", "a "))
        self._tell(key, name)

    def clear(self, key: str) -> None:
        """One property has no value any more."""
        self.users[key]["jobtitle"] = None
        self._tell(key, "jobtitle", "department")

    def mails_change(self, key: str) -> None:
        """Other values of a multi-valued property."""
        mails = ("x@example.net", "y@example.net", "z@example.net")
        self.mails[key] = tuple(self.random.sample(mails, self.random.randrange(3)))
        self._tell(key, mails=True)

    def member_change(self, key: str) -> None:
        """A member joins or leaves a group."""
        group = self.random.choice(list(self.groups))
        self.groups[group] ^= {key}
        self.log.append(self._link(group, key))

    def delete(self, key: str) -> None:
        """Into the deleted users."""
        if len(self.users) > 5:
            self.deleted[key] = self.users.pop(key)
            self.log.append(Gone("entra_user", (key,)))

    def restore(self, _key: str) -> None:
        """Out of the deleted users, with the memberships."""
        if self.deleted:
            back = self.random.choice(list(self.deleted))
            self.users[back] = self.deleted.pop(back)
            self._tell(back, *self.PROPERTIES, mails=True)
            self.log += [self._link(group, back) for group, members in self.groups.items() if back in members]

    def purge(self, _key: str) -> None:
        """Gone for good."""
        if self.deleted:
            lost = self.random.choice(list(self.deleted))
            del self.deleted[lost]
            for members in self.groups.values():
                members.discard(lost)
            self.log.append(Gone("entra_user", (lost,)))

    def add_group(self, _key: str) -> None:
        """A new group, without members."""
        self._add_group(f"g{len(self.groups) + len(self.log)}")

    def drop_group(self, _key: str) -> None:
        """A group is deleted."""
        if len(self.groups) > 2:
            dropped = self.random.choice(list(self.groups))
            del self.groups[dropped]
            self.log.append(Gone("entra_group", (dropped,)))

    def replay(self, key: str) -> None:
        """A state that was never, and then the present one."""
        past = self._user(key)
        self.log.append(past._replace(values=(*past.values[:4], "overtaken", *past.values[5:])))
        self._tell(key, *self.PROPERTIES, mails=True)

    def _link(self, group: str, member: str) -> Row | Gone:
        if member in self.groups[group]:
            return Row("entra_member", (group, member, "user"))
        return Gone("entra_member", (group, member))

    def _shown(self, group: str) -> list[str]:
        return sorted(member for member in self.groups[group] if member in self.users)

    def reading(self, since: str | None = None) -> Scripted:
        """All of it, or what changed since a watermark; deleted users are read as a whole each time."""
        report = ReadReport(watermark=str(len(self.log)), is_increment=since is not None)
        report.table("entra_user").server_count = len(self.users)
        report.table("entra_group").server_count = len(self.groups)
        report.table("entra_deleted").is_whole = since is not None
        return Scripted(self._full() if since is None else self._changes(int(since)), report)

    def _deleted(self) -> Iterator[Row]:
        for key, values in self.deleted.items():
            yield make_row("entra_deleted", id=key, object_type="user", displayname=values["displayname"])

    def _full(self) -> Iterator[Row | Gone]:
        for key in self.users:
            yield self._user(key)
        for group in self.groups:
            members = self._shown(group)
            yield from (Row("entra_member", (group, member, "user")) for member in members)
            yield make_row("entra_group", id=group, displayname=group, member_count=len(members))
        yield from self._deleted()

    def _changes(self, since: int) -> Iterator[Row | Gone]:
        yield from self.log[since:]
        yield from self._deleted()
