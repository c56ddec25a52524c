"""The groups of a company by kind: synced teams, cloud-only projects, a list for mail, and those that protect.

team      synced security group of a team; the first 40 of a domain are members of 'All teams'
project   cloud-only Microsoft 365 group
head      synced distribution list
staff     synced domain local group whose members are groups
deny      synced, named in [backfill] denied_groups
admins    Domain Admins: not synced
roles     cloud-only, may be assigned to directory roles
"""

from dataclasses import replace
from hashlib import blake2b

from recon.lab.company import DENY_LIST, Domain, Group, GroupKey
from recon.lab.names import DEPARTMENTS
from recon.lab.rendering import object_id

_FIRST_RID = 8_500_000  # above every person's
_PARENTED = 40
_DISTRIBUTION, _DOMAIN_LOCAL, _UNIVERSAL = 2, -2147483644, -2147483640


def make_group(key: GroupKey, place: int, domains: tuple[Domain, ...], last: int, seed: int) -> Group:
    """The group of a key. `place`: its domain, for 'roles' its tenant; `last`: index of the last possible member."""
    kind, number = key
    digest = blake2b(f"{seed} {kind} {number}".encode(), digest_size=32).digest()
    is_cloud = kind in ("project", "roles")
    domain = domains[0] if kind == "roles" else domains[place]
    tenant = place if kind == "roles" else domain.tenant
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
        case "staff":
            return replace(base, name="All teams", rid=_FIRST_RID + 1, group_type=_DOMAIN_LOCAL)
        case "deny":
            about = "Members are never written by a backfill"
            return replace(base, name=DENY_LIST, rid=_FIRST_RID + 2, group_type=_UNIVERSAL, description=about)
        case "admins":
            return replace(
                base, name="Domain Admins", rid=512, tenant=None, ou="CN=Users", admin_count=1, is_critical=True
            )
        case "roles":
            return replace(base, name="Helpdesk operators", is_role_assignable=True)
    raise KeyError(key)
