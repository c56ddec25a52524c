"""The groups of a company by kind: synced teams, cloud-only projects, a list for mail, and those that protect.

team      synced security group of a team; the first 40 of a domain are members of 'All teams'
project   cloud-only Microsoft 365 group
head      synced distribution list
staff     synced domain local group whose members are groups
deny      synced, named in [backfill] denied_groups
admins    Domain Admins: not synced
roles     cloud-only, may be assigned to directory roles
"""

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
    common = {
        "key": key,
        "last": last,
        "guid": digest[:16],
        "id": object_id(digest[16:]),
        "domain": None if is_cloud else place,
    }
    tenant = place if kind == "roles" else domain.tenant
    match kind:
        case "team":
            name = f"Team {number + 1:04} {DEPARTMENTS[number % 8]}"
            parent = ("staff", place) if number < _PARENTED * len(domains) else None
            return Group(**common, tenant=tenant, name=name, rid=_FIRST_RID + 10 + number, parent=parent)
        case "project":
            mail = f"project{number + 1}@{domain.name}"
            name = f"Project {number + 1:04}"
            return Group(**common, tenant=tenant, name=name, rid=0, group_type=8, mail=mail, is_unified=True)
        case "head":
            mail = f"head.office@{domain.name}"
            return Group(
                **common, tenant=tenant, name="Head office", rid=_FIRST_RID, group_type=_DISTRIBUTION, mail=mail
            )
        case "staff":
            return Group(**common, tenant=tenant, name="All teams", rid=_FIRST_RID + 1, group_type=_DOMAIN_LOCAL)
        case "deny":
            about = "Members are never written by a backfill"
            return Group(
                **common, tenant=tenant, name=DENY_LIST, rid=_FIRST_RID + 2, group_type=_UNIVERSAL, description=about
            )
        case "admins":
            return Group(
                **common, tenant=None, name="Domain Admins", rid=512, ou="CN=Users", admin_count=1, is_critical=True
            )
        case "roles":
            return Group(**common, tenant=tenant, name="Helpdesk operators", rid=0, is_role_assignable=True)
    raise KeyError(key)
