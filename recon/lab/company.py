"""A company as three systems see it: Active Directory, Entra ID and HR, with everything planted in it written down.

A person is whatever the three systems hold about one human being, rightly or wrongly; nobody but the person's own
records is needed to make them, so a company is a stream and costs no memory. This module holds the model and the
exports; who is in the company stands in recon.lab.sample and recon.lab.generator, how values look in
recon.lab.rendering and adrendering. Days count from `today`: 3 is three days ago, -3 in three days.
Long, because the three exports share one model.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from recon.decode.guid import guid_text, immutable_id
from recon.errors import UsageError

DENY_LIST = "Backfill deny list"
# findings that ask for sign-ins ([entra] objects: signin), and for the load of a second day (recon.lab.next_day)
ASK_FOR_SIGN_INS = frozenset({"entra_stale_account", "stale_on_both_sides"})
ASK_FOR_NEXT_DAY = frozenset({"anchor_changed", "group_gone"})
COMPANIES = ("Contoso Corp", "Contoso GmbH", "Contoso LLC")  # the hybrid ones: in the backfill's scope
CLOUD_COMPANY = "Contoso Studio"  # people without AD accounts: another connector's population

Entry = tuple[str, dict[str, list[bytes]]]
GroupKey = tuple[str, int]


@cache
def _base_dn(name: str) -> str:
    return ",".join(f"DC={label}" for label in name.split("."))


@dataclass(frozen=True, slots=True)
class Domain:
    """An AD domain of the company."""

    name: str
    netbios: str
    sid: str  # S-1-5-21-a-b-c
    tenant: int  # the tenant that it is synchronized to

    @property
    def base_dn(self) -> str:
        """DC=contoso,DC=example"""
        return _base_dn(self.name)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An Entra tenant of the company."""

    tenant_id: str
    domain: str  # its default domain


DOMAINS = (
    Domain("contoso.example", "CONTOSO", "S-1-5-21-1004336348-1177238915-682003330", 0),
    Domain("fabrikam.example", "FABRIKAM", "S-1-5-21-2127521184-1604012920-1887927527", 1),
)
TENANTS = (
    Tenant("5f1c0ffe-0000-4000-8000-00000000c0de", "contoso.example"),
    Tenant("5f1c0ffe-0000-4000-8000-00000000fab0", "fabrikam.example"),
)


@dataclass(slots=True)
class AdAccount:
    """One user object of a domain. Missing is None."""

    domain: int
    cn: str
    ou: str  # below the domain's head, for example OU=Leipzig,OU=People
    guid: bytes
    rid: int
    sam: str
    upn: str | None
    given: str | None
    sn: str | None
    display: str | None
    employee_id: str | None
    mail: str | None
    uac: int = 512
    expires: int | None = None  # days ago
    title: str | None = None
    department: str | None = None
    company: str | None = None
    city: str | None = None
    country: str | None = None  # ISO 3166 alpha-2
    phone: str | None = None
    manager: str | None = None  # distinguished name
    created: int = 1000
    changed: int = 30
    clock: int = 36_000  # second of the day of all its times
    logon: int | None = 10  # days ago
    admin_count: int | None = None
    consistency_guid: bytes | None = None
    employee_type: str | None = None
    description: str | None = None
    hired: int | None = None  # days ago, in msDS-cloudExtensionAttribute1; None: no such value
    hired_form: str = "%Y%m%d010000.0Z"  # how it is written
    leaves: int | None = None  # days ago, in msDS-cloudExtensionAttribute2
    extension: dict[int, str] = field(default_factory=dict)
    further: dict[str, list[bytes]] = field(default_factory=dict)  # raw values of any other attribute; [] for none

    @property
    def anchor(self) -> str:
        """The source anchor as synchronization takes it: mS-DS-ConsistencyGuid, else objectGUID."""
        return immutable_id(self.consistency_guid or self.guid)


@dataclass(slots=True)
class EntraUser:
    """One user of a tenant. Missing is None."""

    tenant: int
    id: str
    upn: str
    display: str | None
    given: str | None
    surname: str | None
    enabled: bool
    employee_id: str | None
    mail: str | None
    usage_location: str | None
    other_mails: list[str]
    is_synced: bool | None  # None: never synced
    anchor: str | None = None
    sid: str | None = None
    sam: str | None = None
    dn: str | None = None
    domain: str | None = None
    on_premises_upn: str | None = None
    last_sync: int = 2  # days ago
    created: int = 1000
    clock: int = 36_000
    is_guest: bool = False
    is_pending: bool = False  # a guest who has not accepted
    is_privileged: bool = False  # holds a role, or chooses who does: Graph refuses to write its sensitive properties
    title: str | None = None
    department: str | None = None
    company: str | None = None
    city: str | None = None
    country: str | None = None
    phone: str | None = None
    employee_type: str | None = None
    hired: int | None = None  # days ago; None: no employeeHireDate
    leaves: int | None = None  # days ago; None: no employeeLeaveDateTime
    signed_in: int | None = 3  # days ago, in person
    used: int | None = 3  # days ago, by an application in the user's name
    refused: tuple[str, str] | None = None  # property and value of an error of synchronization
    extension: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Worker:
    """One record of the HR extract. Dates as days ago; missing is None, and an empty cell in the file."""

    worker_id: str
    employee_id: str | None
    first_name: str | None
    last_name: str | None
    full_name: str | None
    hired: int | None
    first_hired: int | None = None
    left: int | None = None
    status: str = "Active"
    kind: str = "Employee"
    personal_mail: str | None = None
    work_mail: str | None = None
    country: str | None = None
    company: str | None = None
    department: str | None = None
    cost_center: str | None = None
    title: str | None = None
    location: str | None = None
    manager_id: str | None = None
    user_id: str | None = None
    prior_id: str | None = None


@dataclass(frozen=True, slots=True)
class Plant:
    """One row that a finding must have: its code and the record that it is about."""

    code: str
    record: AdAccount | EntraUser | Worker

    @property
    def key(self) -> tuple[str, str]:
        """Object type and key, as in finding_row."""
        match self.record:
            case AdAccount():
                return "ad_user", guid_text(self.record.guid)
            case EntraUser():
                return "entra_user", self.record.id
            case _:
                return "worker", self.record.worker_id

    @property
    def name(self) -> str:
        """What finding_row shows as the object's name."""
        match self.record:
            case AdAccount():
                return self.record.upn or self.record.sam
            case EntraUser():
                return self.record.upn
            case _:
                return self.record.full_name or ""


@dataclass(slots=True)
class Person:
    """All records about one person; most have one of each."""

    index: int
    defect: str | None = None  # code of the defect or near miss, None for an ordinary person
    ad: list[AdAccount] = field(default_factory=list)
    entra: list[EntraUser] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    groups: tuple[GroupKey, ...] = ()
    owns: GroupKey | None = None  # a role-assignable group
    plants: list[Plant] = field(default_factory=list)

    def plant(self, code: str, *records: AdAccount | EntraUser | Worker) -> None:
        """Note that the finding `code` must show these records."""
        self.plants += [Plant(code, record) for record in records]


@dataclass(frozen=True, slots=True)
class Group:
    """A group and where it lives. Its members are the persons that name its key."""

    key: GroupKey
    name: str
    last: int  # index of the last person who may be a member
    guid: bytes
    rid: int
    id: str  # in Entra
    domain: int | None  # None: cloud only
    tenant: int | None  # None: not synchronized
    group_type: int = -2147483646  # a global security group
    mail: str | None = None
    description: str | None = None
    ou: str = "OU=Groups"
    admin_count: int | None = None
    is_critical: bool = False
    is_unified: bool = False
    is_role_assignable: bool = False
    parent: GroupKey | None = None  # a group, later in order, that this group is a member of
    ring: tuple[GroupKey, ...] = ()  # groups of which each contains the next one, the last one the first
    is_owned: bool = True
    lags: bool = False  # its persons are members in AD alone
    made: int = 800  # days ago, in Entra

    @property
    def holds(self) -> GroupKey | None:
        """The next group of the ring."""
        return self.ring[(self.ring.index(self.key) + 1) % len(self.ring)] if self.ring else None


def _is_synced(user: EntraUser) -> bool:
    return user.is_synced is True


class Company(ABC):
    """The exports. Each walks over the people once, from the first to the last, and holds none of them."""

    def __init__(self, *, domains: int = 1, tenants: int = 1, today: date | None = None) -> None:
        if not 1 <= domains <= len(DOMAINS) or not 1 <= tenants <= len(TENANTS):
            raise UsageError("a company has one or two domains and one or two tenants")
        if tenants > domains:
            raise UsageError("two tenants need two domains", hint="each tenant is fed by its own domain: --domains 2")
        self.today = today or datetime.now(UTC).date()
        self.tenants = TENANTS[:tenants]
        self.domains = tuple(Domain(d.name, d.netbios, d.sid, min(d.tenant, tenants - 1)) for d in DOMAINS[:domains])

    @abstractmethod
    def people(self) -> Iterator[Person]:
        """Everybody, in the order of their index."""

    @abstractmethod
    def groups(self) -> Iterator[Group]:
        """Every group, in the order of `last`."""

    @abstractmethod
    def group(self, key: GroupKey) -> Group:
        """The group with this key."""

    def administrators(self) -> Iterator[Person]:
        """Everybody who may hold a directory role; a company that knows them need not ask everybody."""
        return self.people()

    # ---- exports

    def ad_entries(self, domain: str) -> Iterator[Entry]:
        """Raw LDAP entries of one domain: head, OUs, users, groups with their members, computers, contacts."""
        from recon.lab import thing_defects
        from recon.lab.adrendering import AdRenderer

        place = self._domain(domain)
        render = AdRenderer(self.domains[place], self.today)
        yield from render.frame()
        members: dict[GroupKey, list[str]] = {}
        groups = (group for group in self.groups() if group.domain == place)
        group = next(groups, None)
        for person in self.people():
            while group is not None and group.last < person.index:
                yield self._with_members(render, group, members)
                group = next(groups, None)
            for account in person.ad:
                if account.domain == place:
                    entry = render.user(account, person.index)
                    yield entry
                    for own in map(self.group, person.groups):
                        if own.domain == place:
                            members.setdefault(own.key, []).append(entry[0])
            yield from render.things(person, place)
        yield from thing_defects.entries(render)
        yield from thing_defects.namesakes(self, place, render)
        while group is not None:
            yield self._with_members(render, group, members)
            group = next(groups, None)

    def _with_members(self, render: Any, group: Group, members: dict[GroupKey, list[str]]) -> Entry:
        inner = [] if group.holds is None else [render.group_dn(self.group(group.holds))]
        entry: Entry = render.group(group, members.pop(group.key, []) + inner)
        if group.parent is not None:
            members.setdefault(group.parent, []).append(entry[0])
        return entry

    def graph_users(self, tenant: str, *, sign_ins: bool = False) -> Iterator[dict[str, Any]]:
        """User objects as Graph v1.0 has them, every property present; signInActivity where it is asked for."""
        from recon.lab.rendering import GraphRenderer

        place = self._tenant(tenant)
        render = GraphRenderer(self.tenants[place], self.today)
        for person in self.people():
            for user in person.entra:
                if user.tenant == place:
                    yield render.user(user) | (render.sign_ins(user) if sign_ins else {})

    def graph_groups(self, tenant: str) -> Iterator[dict[str, Any]]:
        """Group objects as Graph v1.0 has them, synced ones and cloud-only ones."""
        from recon.lab.rendering import GraphRenderer

        place = self._tenant(tenant)
        render = GraphRenderer(self.tenants[place], self.today)
        for group in self.groups():
            if group.tenant == place:
                yield render.group(group, None if group.domain is None else self.domains[group.domain])

    def graph_members(self, tenant: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(group id, {"@odata.type", "id"}) for each direct member of a group of the tenant."""
        place = self._tenant(tenant)
        for group in self.groups():
            if group.tenant == place and group.parent is not None:
                yield self.group(group.parent).id, {"@odata.type": "#microsoft.graph.group", "id": group.id}
        for person in self.people():
            users = [user for user in person.entra if user.tenant == place]
            for group in map(self.group, person.groups if users else ()):
                if group.tenant == place and not group.lags:
                    for user in users if group.domain is None else filter(_is_synced, users):
                        yield group.id, {"@odata.type": "#microsoft.graph.user", "id": user.id}

    def graph_owners(self, tenant: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(group id, {"@odata.type", "id"}) for the owner of each cloud group of the tenant that has one."""
        place = self._tenant(tenant)
        users = (user for person in self.people() for user in person.entra)
        owner = next(user.id for user in users if user.tenant == place and user.enabled)
        for group in self.groups():
            if group.tenant == place and group.domain is None and group.is_owned and not group.is_role_assignable:
                yield group.id, {"@odata.type": "#microsoft.graph.user", "id": owner}
        for person in self.people():
            if person.owns is not None:
                for user in person.entra:
                    if user.tenant == place:
                        yield self.group(person.owns).id, {"@odata.type": "#microsoft.graph.user", "id": user.id}

    def graph_deleted(self, tenant: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(user or group, object) for what lies in the recycle bin of a tenant."""
        from recon.lab.group_defects import deleted_objects

        return deleted_objects(self, self._tenant(tenant))

    def critical_groups(self) -> list[dict[str, str]]:
        """Rows of table critical_group, which a site fills."""
        from recon.lab.group_defects import critical_groups

        return critical_groups(self)

    def privileged(self, tenant: str) -> set[str]:
        """Ids of the users who hold a directory role, or are in a role-assignable group or own one."""
        place = self._tenant(tenant)
        return {
            user.id for person in self.people() for user in person.entra if user.is_privileged and user.tenant == place
        }

    def workers(self) -> Iterator[dict[str, str]]:
        """Records of the HR extract; every one has every column of recon.lab.rendering.WORKER_COLUMNS."""
        from recon.lab.rendering import worker_record

        for person in self.people():
            for worker in person.workers:
                yield worker_record(worker, self.today)

    # ---- ground truth

    def planted_rows(self, *, sign_ins: bool = False, next_day: bool = False) -> dict[str, set[tuple[str, str]]]:
        """Finding code to the rows it must have, each as (object type, object key) of finding_row.

        sign_ins: they are loaded too. next_day: so is the second day, after the first.
        """
        rows: dict[str, set[tuple[str, str]]] = {}
        for code, object_type, key, _ in self._plants(sign_ins=sign_ins, next_day=next_day):
            rows.setdefault(code, set()).add((object_type, key))
        return rows

    def planted(self, *, sign_ins: bool = False, next_day: bool = False) -> dict[str, frozenset[str]]:
        """Finding code to the object names it must show, asked as planted_rows."""
        names: dict[str, set[str]] = {}
        for code, _, _, name in self._plants(sign_ins=sign_ins, next_day=next_day):
            names.setdefault(code, set()).add(name)
        return {code: frozenset(found) for code, found in names.items()}

    def _plants(self, *, sign_ins: bool, next_day: bool) -> Iterator[tuple[str, str, str, str]]:
        """Code, object type, key and name of each row."""
        from recon.lab import group_defects, mim, thing_defects

        hidden = (frozenset() if sign_ins else ASK_FOR_SIGN_INS) | (frozenset() if next_day else ASK_FOR_NEXT_DAY)
        for person in self.people():
            for plant in person.plants:
                if plant.code not in hidden:
                    yield plant.code, *plant.key, plant.name
        yield from group_defects.plants(self, next_day=next_day)
        yield from thing_defects.plants(self)
        yield from mim.plants()

    def defects(self) -> dict[str, int]:
        """How many persons each class of recon.lab.defects has."""
        counts: dict[str, int] = {}
        for person in self.people():
            if person.defect is not None:
                counts[person.defect] = counts.get(person.defect, 0) + 1
        return counts

    def _domain(self, name: str) -> int:
        for place, domain in enumerate(self.domains):
            if domain.name == name:
                return place
        raise UsageError(f"the company has no domain {name}")

    def _tenant(self, tenant_id: str) -> int:
        for place, tenant in enumerate(self.tenants):
            if tenant.tenant_id == tenant_id:
                return place
        raise UsageError(f"the company has no tenant {tenant_id}")
