"""The groups of a company by kind: synced teams, cloud-only projects, a list for mail, and those that protect.

team      synced security group of a team; the first 40 of a domain are members of 'All teams'
project   cloud-only Microsoft 365 group
head      synced distribution list
staff     synced domain local group whose members are groups
deny      synced, named in [backfill] denied_groups
admins    Domain Admins: not synced
operations  a member of Domain Admins, not synced
lagging   synced; Entra does not have the members that it has in AD
shifts    synced; the lagging group is its only member
empty     synced, without members
ownerless synced, without managedBy
ring, ring back  contain each other, not synced
roles     cloud-only, may be assigned to directory roles
again     cloud-only Microsoft 365 group, made after one of its name was deleted; without an owner
list      cloud-only distribution group with the group before in it; gone on the second day
"""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

from recon.lab.company import DENY_LIST, Domain, Group, GroupKey
from recon.lab.names import DEPARTMENTS
from recon.lab.rendering import object_id

_FIRST_RID = 8_500_000  # above every person's
_PARENTED = 40
# what every domain, and every tenant, has one of; a group stands before the one that it is a member of
OF_DOMAIN = (
    "head", "deny", "operations", "admins", "lagging", "shifts", "staff", "empty", "ownerless", "ring", "ring back",
)  # fmt: skip
OF_TENANT = ("roles", "again", "list")
_DISTRIBUTION, _DOMAIN_LOCAL, _UNIVERSAL = 2, -2147483644, -2147483640

# kind: its RID behind the first one of groups, and what else is its own
_NAMED: dict[str, tuple[int, dict[str, Any]]] = {
    "staff": (1, {"name": "All teams", "group_type": _DOMAIN_LOCAL}),
    "deny": (2, {"name": DENY_LIST, "group_type": _UNIVERSAL,
                 "description": "Members are never written by a backfill"}),
    "operations": (3, {"name": "Server operations", "tenant": None}),
    "lagging": (4, {"name": "Night shift", "lags": True}),
    "shifts": (9, {"name": "All shifts"}),
    "empty": (5, {"name": "Former project"}),
    "ownerless": (6, {"name": "Archive readers", "is_owned": False}),
    "ring": (7, {"name": "Regions", "tenant": None}),
    "ring back": (8, {"name": "Region north", "tenant": None}),
    "admins": (0, {"name": "Domain Admins", "rid": 512, "tenant": None, "ou": "CN=Users", "admin_count": 1,
                   "is_critical": True}),
}  # fmt: skip
_INSIDE = {"operations": "admins", "lagging": "shifts", "again": "list"}
_RING = ("ring", "ring back")


def make_group(key: GroupKey, place: int, domains: tuple[Domain, ...], last: int, seed: int) -> Group:
    """The group of a key. `place`: its domain, or tenant (OF_TENANT); `last`: index of the last possible member."""
    kind, number = key
    digest = blake2b(f"{seed} {kind} {number}".encode(), digest_size=32).digest()
    is_cloud = kind == "project" or kind in OF_TENANT
    domain = domains[0] if kind in OF_TENANT else domains[place]
    tenant = place if kind in OF_TENANT else domain.tenant
    base = Group(
        key=key,
        name="",
        last=last,
        guid=digest[:16],
        rid=0,
        id=object_id(digest[16:]),
        domain=None if is_cloud else place,
        tenant=tenant,
    )
    if kind in _NAMED:
        offset, changes = _NAMED[kind]
        more: dict[str, Any] = {"rid": _FIRST_RID + offset, **changes}
        if kind in _INSIDE:
            more["parent"] = (_INSIDE[kind], place)
        if kind in _RING:
            more["ring"] = tuple((each, place) for each in _RING)
        return replace(base, **more)
    match kind:
        case "team":
            name = f"Team {number + 1:04} {DEPARTMENTS[number % 8]}"
            parent = ("staff", place) if number < _PARENTED * len(domains) else None
            return replace(base, name=name, rid=_FIRST_RID + 10 + number, parent=parent)
        case "project":
            mail = f"project{number + 1}@{domain.name}"
            return replace(base, name=f"Project {number + 1:04}", group_type=8, mail=mail, is_unified=True)
        case "head":
            mail = f"head.office@{domain.name}"
            return replace(base, name="Head office", rid=_FIRST_RID, group_type=_DISTRIBUTION, mail=mail)
        case "roles":
            return replace(base, name="Helpdesk operators", is_role_assignable=True)
        case "again":
            around = (_INSIDE[kind], place)
            return replace(
                base, name="Works council", group_type=8, is_unified=True, made=5, is_owned=False, parent=around
            )
        case "list":
            mail = f"canteen.menu{place or ''}@{domain.name}"
            return replace(base, name="Canteen menu", group_type=_DISTRIBUTION, mail=mail)
    raise KeyError(key)
