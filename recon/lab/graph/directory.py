"""One tenant at run time: live and soft-deleted objects, members, directory roles, and what others do to them.

Deleting a user ends its memberships, restoring it brings them back; that delta tells both of the groups is assumed,
the documentation does not say. Distribution groups, mail-enabled security groups and synced groups are not
soft-deleted, they go at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from recon.errors import UsageError
from recon.lab.graph.changes import DELETED, JOINED, LEFT, PURGED, RESTORED, Change
from recon.lab.graph.clock import graph_time
from recon.lab.graph.schema import GROUP, HIDDEN_TYPES, MEMBER_TYPES, USER
from recon.lab.graph.store import Objects, Row, Tenant, lower

if TYPE_CHECKING:
    from recon.lab.graph.provisioning import ProvisioningJob

KEPT = timedelta(days=30)


class Bin:
    """Soft-deleted objects of one kind, listed like live ones."""

    def __init__(self, live: Objects) -> None:
        self.objects = Objects(live.kind, ())
        self.objects.columns = live.columns
        self._live = live
        self._kept: dict[str, tuple[int, Row, datetime]] = {}  # id: live place, row as it was, when deleted

    def put(self, place: int, now: datetime) -> None:
        """Take a live object in. A security group shows securityEnabled false here (known limitation)."""
        live = self._live
        row = live.take(place)
        shown = list(row)
        shown[live.columns["deletedDateTime"]] = graph_time(now)
        if live.kind.name == GROUP.name and "Unified" not in (row[live.columns["groupTypes"]] or ()):
            shown[live.columns["securityEnabled"]] = False
        key = str(row[live.columns["id"]])
        self._kept[key.lower()] = (place, row, now)
        self.objects.put(key.lower(), tuple(shown))
        live.log.add(Change(place, DELETED))

    def restore(self, key: str) -> int:
        """Give an object back, as it was before; its live place."""
        place, row, _ = self._out(key)
        width = len(self._live.columns)
        self._live.put(key.lower(), row + (None,) * (width - len(row)), place)
        self._live.log.add(Change(place, RESTORED))
        return place

    def purge(self, key: str) -> int:
        """Forget an object for good; the place where it stood."""
        place, _, _ = self._out(key)
        self._live.log.add(Change(place, PURGED))
        return place

    def _out(self, key: str) -> tuple[int, Row, datetime]:
        place = self.objects.place(key)
        if place is None:
            raise UsageError(f"no deleted {self._live.kind.name} {key}")
        self.objects.take(place)
        return self._kept.pop(key.lower())

    def expired(self, now: datetime) -> list[str]:
        """Ids whose 30 days are over."""
        return [key for key, (_, _, at) in self._kept.items() if now - at >= KEPT]

    def places(self) -> frozenset[int]:
        """Live places of everything kept."""
        return frozenset(place for place, _, _ in self._kept.values())


@dataclass
class Role:
    """An activated directory role and its direct members: (id, type)."""

    properties: dict[str, Any]
    members: dict[str, str] = field(default_factory=dict)


@dataclass
class Directory:
    """One tenant at run time."""

    tenant_id: str
    users: Objects
    groups: Objects
    members: dict[str, list[str]]  # group id: member ids
    others: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # devices, contacts … by id
    privileged: set[str] = field(default_factory=set)
    domains: tuple[str, ...] = ()
    roles: dict[str, Role] = field(default_factory=dict)
    eligible: list[tuple[str, str, str]] = field(default_factory=list)  # role template id, principal id, type
    registrations: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    jobs: "dict[tuple[str, str], ProvisioningJob]" = field(default_factory=dict)  # by service principal and job
    owners: dict[str, list[str]] = field(default_factory=dict)  # group id: owner ids
    delta_epoch: int = 0  # tokens of an earlier one are answered 410

    def __post_init__(self) -> None:
        self._assignable: tuple[tuple[int, int], list[int]] = (-1, -1), []
        self.deleted_users = Bin(self.users)
        self.deleted_groups = Bin(self.groups)

    @classmethod
    def load(cls, tenant: Tenant) -> "Directory":
        """Read a tenant's objects once. Raises UsageError for an unknown property, type, group or role."""
        directory = cls(tenant.tenant_id, Objects(USER, tenant.users), Objects(GROUP, tenant.groups), {})
        directory.privileged.update(key.lower() for key in tenant.privileged)
        directory.domains = tuple(tenant.domains)
        for group_id, member in tenant.members:
            directory.add_member(group_id, member)
        for group_id, owner in tenant.owners:
            directory.add_owner(group_id, owner)
        for role in tenant.roles:
            directory.roles[str(role["id"]).lower()] = Role(dict(role))
        for role_id, member in tenant.role_members:
            directory.add_role_member(role_id, member)
        for template_id, member in tenant.eligible:
            directory.eligible.append((template_id.lower(), *directory.principal(member)))
        for entry in tenant.registrations:
            directory.registrations[str(entry["id"]).lower()] = dict(entry)
        for kind, item in tenant.deleted:
            objects = directory.groups if kind == GROUP.name else directory.users
            alive = {name: value for name, value in item.items() if name != "deletedDateTime"}
            at = datetime.fromisoformat(str(item["deletedDateTime"]))
            directory.bin_of(kind).put(objects.create(alive), at)
        return directory

    # ---- members

    def add_member(self, group_id: str, member: Mapping[str, Any]) -> tuple[int, str, str]:
        """Append one direct member; the group's place, the member's id and type. No event."""
        kind = str(member.get("@odata.type", "")).removeprefix("#microsoft.graph.")
        key = lower(str(member.get("id") or ""))
        group = self.groups.place(group_id)
        if kind not in MEMBER_TYPES or not key:
            raise UsageError(f"not a group member: {kind or 'no type'} {key}")
        if group is None:
            raise UsageError(f"member of an unknown group: {group_id}")
        objects = self.objects(kind)
        if objects is None:
            self.others.setdefault(key, member)
        elif (place := objects.place(key)) is None:
            raise UsageError(f"member of group {group_id} is an unknown {kind}: {key}")
        else:
            key = str(objects.identity(place))
        self.members.setdefault(str(self.groups.identity(group)), []).append(key)
        return group, key, kind

    def join(self, group_id: str, member: Mapping[str, Any]) -> None:
        """Add a direct member while the tenant runs. Raises UsageError when it is one already."""
        if lower(str(member.get("id") or "")) in map(lower, self.members_of(group_id)):
            raise UsageError(f"already a member of group {group_id}: {member['id']}")
        group, key, kind = self.add_member(group_id, member)
        self.groups.log.add(Change(group, JOINED, (key, kind)))

    def leave(self, group_id: str, member_id: str) -> None:
        """Take a direct member out. Raises UsageError when it is none."""
        group = self.groups.place(group_id)
        members = self.members_of(group_id)
        key = next((key for key in members if key.lower() == member_id.lower()), None)
        if group is None or key is None:
            raise UsageError(f"no member {member_id} in group {group_id}")
        members.remove(key)
        self.groups.log.add(Change(group, LEFT, (key, self.type_of(key) or "directoryObject")))

    def members_of(self, group_id: str) -> list[str]:
        """Ids of the direct members in the order they came; some may be gone meanwhile."""
        place = self.groups.place(group_id)
        return [] if place is None else self.members.get(str(self.groups.identity(place)), [])

    def listed_members(self, group_id: str) -> Iterator[tuple[str, str]]:
        """(id, type) of the direct members that Graph tells of."""
        for key in self.members_of(group_id):
            kind = self.type_of(key)
            if kind is not None and kind not in HIDDEN_TYPES:
                yield key, kind

    def add_owner(self, group_id: str, owner: Mapping[str, Any]) -> None:
        """Append one owner, a user or a service principal. Raises UsageError for another, or an unknown group."""
        kind = str(owner.get("@odata.type", "")).removeprefix("#microsoft.graph.")
        group = self.groups.place(group_id)
        if kind == GROUP.name or group is None:
            raise UsageError(f"not an owner of group {group_id}: {kind or 'no type'} {owner.get('id')}")
        key, _ = self.principal(owner)
        self.owners.setdefault(str(self.groups.identity(group)), []).append(key)

    def owners_of(self, group_id: str) -> list[str]:
        """Ids of the owners; none of a group that is synchronized or was made in Exchange, Graph has them not."""
        place = self.groups.place(group_id)
        item = {} if place is None else self.groups.json(place)
        is_exchange = bool(item.get("mailEnabled")) and "Unified" not in (item.get("groupTypes") or ())
        if not item or item.get("onPremisesSyncEnabled") is True or is_exchange:
            return []
        return self.owners.get(str(item["id"]), [])

    def type_of(self, key: str) -> str | None:
        """The type of a member, None when it is gone."""
        if self.users.place(key) is not None:
            return USER.name
        if self.groups.place(key) is not None:
            return GROUP.name
        other = self.others.get(key)
        return None if other is None else str(other["@odata.type"]).removeprefix("#microsoft.graph.")

    def objects(self, kind: str) -> Objects | None:
        """Users or groups by type name."""
        return {USER.name: self.users, GROUP.name: self.groups}.get(kind)

    # ---- roles

    def principal(self, member: Mapping[str, Any]) -> tuple[str, str]:
        """(id, type) of a role's member: a user, a group or a service principal. Raises UsageError for another."""
        kind = str(member.get("@odata.type", "")).removeprefix("#microsoft.graph.")
        key = str(member.get("id") or "").lower()
        objects = self.objects(kind)
        if kind not in ("user", "group", "servicePrincipal") or not key:
            raise UsageError(f"not a member of a role: {kind or 'no type'} {key}")
        if objects is None:
            self.others.setdefault(key, member)
        elif objects.place(key) is None:
            raise UsageError(f"member of a role is an unknown {kind}: {key}")
        return key, kind

    def add_role_member(self, role_id: str, member: Mapping[str, Any]) -> None:
        """Assign an activated role. Raises UsageError for an unknown role or member."""
        role = self.roles.get(role_id.lower())
        if role is None:
            raise UsageError(f"member of an unknown role: {role_id}")
        key, kind = self.principal(member)
        role.members[key] = kind

    def is_privileged(self, user_id: str) -> bool:
        """Only the highest roles may write this user's sensitive properties: an active role, or a group for roles."""
        key = user_id.lower()
        if key in self.privileged or any(key in role.members for role in self.roles.values()):
            return True
        return any(
            key in map(str.lower, self.members.get(str(self.groups.identity(place)), ()))
            for place in self._role_groups()
        )

    def _role_groups(self) -> list[int]:
        """Places of the role-assignable groups, found again when a group has changed."""
        state = len(self.groups.rows), len(self.groups.log)
        if self._assignable[0] != state:
            column = self.groups.columns["isAssignableToRole"]
            found = [place for place, row in enumerate(self.groups.rows) if row is not None and row[column] is True]
            self._assignable = state, found
        return self._assignable[1]

    # ---- deletion

    def bin_of(self, kind: str) -> Bin:
        """The soft-deleted objects of a type."""
        return self.deleted_users if kind == USER.name else self.deleted_groups

    def bin_holding(self, key: str) -> Bin | None:
        """The bin that an id lies in."""
        for kept in (self.deleted_users, self.deleted_groups):
            if kept.objects.place(key) is not None:
                return kept
        return None

    def delete(self, kind: str, place: int, now: datetime) -> None:
        """Delete as an administrator would: into the bin, where the type has one."""
        objects = self.users if kind == USER.name else self.groups
        item = objects.json(place)
        is_plain_security = item.get("securityEnabled") is True and not item.get("mailEnabled")
        is_kept = kind == USER.name or (
            item.get("onPremisesSyncEnabled") is not True and ("Unified" in item["groupTypes"] or is_plain_security)
        )
        self._tell_groups(str(item["id"]), kind, LEFT)
        if is_kept:
            self.bin_of(kind).put(place, now)
        else:
            objects.take(place)
            objects.log.add(Change(place, PURGED))
            self._forget(str(item["id"]))

    def vanish(self, kind: str, place: int) -> None:
        """Delete for good at once."""
        objects = self.users if kind == USER.name else self.groups
        key = str(objects.identity(place))
        self._tell_groups(key, kind, LEFT)
        objects.take(place)
        objects.log.add(Change(place, PURGED))
        self._forget(key)

    def restore(self, key: str) -> tuple[str, int]:
        """Bring a deleted object back; its type and place. Raises UsageError when it is not in a bin."""
        kept = self.bin_holding(key)
        if kept is None:
            raise UsageError(f"nothing deleted has the id {key}")
        kind = kept.objects.kind.name
        place = kept.restore(key)
        self._tell_groups(key, kind, JOINED)
        return kind, place

    def purge(self, key: str) -> None:
        """Delete a deleted object for good. Raises UsageError when it is not in a bin."""
        kept = self.bin_holding(key)
        if kept is None:
            raise UsageError(f"nothing deleted has the id {key}")
        kept.purge(key)
        self._forget(key)

    def expire(self, now: datetime) -> None:
        """Purge what has been deleted for 30 days."""
        for kept in (self.deleted_users, self.deleted_groups):
            for key in kept.expired(now):
                self.purge(key)

    def _tell_groups(self, key: str, kind: str, event: str) -> None:
        """Tell every live group that has the object as a member."""
        for group_id, members in self.members.items():
            found = next((member for member in members if member.lower() == key.lower()), None)
            place = self.groups.place(group_id) if found is not None else None
            if found is not None and place is not None:
                self.groups.log.add(Change(place, event, (found, kind)))

    def _forget(self, key: str) -> None:
        """Take a purged object out of every membership and role, its own members with it."""
        wanted = key.lower()
        self.members.pop(key, None)
        self.owners.pop(key, None)
        for members in (*self.members.values(), *self.owners.values()):
            members[:] = [member for member in members if member.lower() != wanted]
        for role in self.roles.values():
            role.members.pop(wanted, None)
        self.eligible = [entry for entry in self.eligible if entry[1] != wanted]
