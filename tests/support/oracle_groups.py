"""What must be found about groups, said naively: by code, of one made company."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from recon.decode.guid import guid_text
from recon.decode.sid import sid_text
from tests.support.companies import MadeCompany, number, same, text_of, value
from tests.support.company_groups import LAST
from tests.support.oracle_accounts import settled

Found = set[tuple[str | None, ...]]
Name = tuple[tuple[str, str | None], ...]
TODAY = date(2026, 3, 2)
AD_BEGAN, CHANGES_UNTIL = datetime(2026, 3, 2, 1), datetime(2026, 3, 2, 3)  # two hours before Entra was read
PRIVILEGED = {512, 518, 519, 520, 526, 527, 544, 548, 549, 550, 551, 552}
HARMLESS = {"Directory Readers", "Guest Inviter", "Message Center Reader", "Reports Reader",
            "Usage Summary Reports Reader"}  # fmt: skip


# ---- values -------------------------------------------------------------------------------------------


def moment(text: str | None) -> datetime | None:
    """A time of Graph, or of AD, in UTC without zone."""
    if text is None:
        return None
    if "-" in text:
        return datetime.fromisoformat(text.removesuffix("Z"))
    return datetime.strptime(text, "%Y%m%d%H%M%S.0Z")


def name_of(dn: str | bytes) -> Name:
    """A distinguished name as it is compared: the escapes of the made companies undone."""
    text = dn.decode() if isinstance(dn, bytes) else dn
    parts = [part.split("=", 1) for part in re.split(r"(?<!\\),", text.replace("\\2C", "\\,"))]
    return tuple((kind.strip().lower(), same(its.replace("\\,", ","))) for kind, its in parts)


def steps_to(start: Any, inside: Mapping[Any, Collection[Any]]) -> dict[Any, int]:
    """Every member of a group, direct or nested, with the fewest steps to it; the group too when it is in itself."""
    found: dict[Any, int] = {}
    edge, steps = [start], 0
    while edge:
        steps += 1
        reached = {member for group in edge for member in inside.get(group, ())} - found.keys()
        found |= dict.fromkeys(reached, steps)
        edge = list(reached)
    return found


def ad_groups(company: MadeCompany) -> list[tuple[str, Name, dict[str, list[bytes]]]]:
    """guid, name and attributes."""
    return [(guid_text(raw["objectguid"][0]), name_of(dn), raw) for dn, raw in company.ad["ad_group"]]


def with_id(name: str | None, key: str) -> str:
    """A group or role as an account's row names it: two may be called the same."""
    return key if name is None else f"{name} ({key})"


def ad_inside(company: MadeCompany) -> dict[Name, set[Name]]:
    return {name: {name_of(one) for one in raw.get("member", ())} for _, name, raw in ad_groups(company)}


def entra_inside(company: MadeCompany) -> dict[str, set[str]]:
    inside: dict[str, set[str]] = {group["id"].lower(): set() for group in company.entra_groups}
    for group, member in company.entra_members:
        inside[group.lower()].add(member["id"].lower())
    return inside


def _sid(raw: dict[str, list[bytes]]) -> str | None:
    return sid_text(raw["objectsid"][0]) if "objectsid" in raw else None


def _rid(raw: dict[str, list[bytes]]) -> int | None:
    sid = _sid(raw)
    return int(sid.rpartition("-")[2]) if sid is not None else None


def is_off(raw: dict[str, list[bytes]]) -> bool:
    """The account is disabled."""
    return bool((number(raw, "userAccountControl") or 0) & 2)


def _is_ordinary(raw: dict[str, list[bytes]]) -> bool:
    """Neither built in nor critical."""
    return not (number(raw, "groupType") or 0) & 1 and value(raw, "isCriticalSystemObject") != "TRUE"


def _is_unified(item: Mapping[str, Any]) -> bool:
    return "unified" in [kind.lower() for kind in item["groupTypes"]]


# ---- in one directory ---------------------------------------------------------------------------------


def group_empty(company: MadeCompany) -> Found:
    primary = {number(raw, "primaryGroupID") for table in ("ad_user", "ad_computer") for _, raw in company.ad[table]}
    found: Found = {
        ("ad_group", guid, "member", None, "0", None)
        for guid, _, raw in ad_groups(company)
        if not raw.get("member") and guid not in company.unread and _is_ordinary(raw) and _rid(raw) not in primary
    }
    inside = entra_inside(company)
    return found | {
        ("entra_group", group["id"].lower(), "members", None, None, "0")
        for group in company.entra_groups
        if not inside[group["id"].lower()]
        and group["id"].lower() not in company.unread
        and "DynamicMembership" not in group["groupTypes"]
        and group["onPremisesSyncEnabled"] is not True
    }


def group_in_itself(company: MadeCompany) -> Found:
    inside, cloud = ad_inside(company), entra_inside(company)
    found: Found = {
        ("ad_group", guid_text(raw["objectguid"][0]), "member", None, dn, None)
        for dn, raw in company.ad["ad_group"]
        if name_of(dn) in steps_to(name_of(dn), inside)
    }
    return found | {("entra_group", key, "members", None, None, key) for key in cloud if key in steps_to(key, cloud)}


def _cloud_without_owner(company: MadeCompany) -> Found:
    """Nothing is said where owners were not read, of synced groups, and of those that Exchange made."""
    if company.owners is None:
        return set()
    off = {user["id"].lower() for user in company.entra_users if user["accountEnabled"] is False}
    found: Found = set()
    for group in company.entra_groups:
        owners = {item["id"].lower() for key, item in company.owners if key == group["id"]}
        is_exchange = group["mailEnabled"] is True and not _is_unified(group)
        if owners <= off and group["onPremisesSyncEnabled"] is not True and not is_exchange:
            found.add(("entra_group", group["id"].lower(), "owners", None, None, str(len(owners))))
    return found


def group_without_owner(company: MadeCompany) -> Found:
    off = {name_of(dn) for dn, raw in company.ad["ad_user"] if is_off(raw)}
    return _cloud_without_owner(company) | {
        ("ad_group", guid, "managedBy", None, owner, None)
        for guid, _, raw in ad_groups(company)
        if _is_ordinary(raw) and ((owner := value(raw, "managedBy")) is None or name_of(owner) in off)
    }


def privileged_through_nesting(company: MadeCompany) -> Found:
    """Enabled, inside by nesting or as a primary group, and not in the group's own list."""
    inside = ad_inside(company)
    groups = ad_groups(company)
    found: Found = set()
    for guid, name, raw in groups:
        if _rid(raw) not in PRIVILEGED:
            continue
        steps = steps_to(name, inside)
        rids = {_rid(other): steps[at] for _, at, other in groups if at in steps} | {_rid(raw): 0}
        label = with_id(value(raw, "sAMAccountName") or value(raw, "cn"), guid)
        for dn, user in company.ad["ad_user"]:
            nested = steps.get(name_of(dn))
            primary = rids.get(number(user, "primaryGroupID"), 99) + 1
            if is_off(user) or nested == 1 or (nested is None and primary > 99):
                continue
            how = "memberOf" if nested is not None and nested <= primary else "primaryGroupID"
            found.add(("ad_user", guid_text(user["objectguid"][0]), how, None, label, None))
    return found


# ---- both directories ---------------------------------------------------------------------------------


def group_pairs(company: MadeCompany) -> list[tuple[Name, dict[str, Any]]]:
    """AD group and synced Entra group with one SID, neither of them changed between the loads."""
    return [
        (name, group)
        for group in company.entra_groups
        for _, name, raw in ad_groups(company)
        if group["onPremisesSyncEnabled"] is True
        and group["onPremisesSecurityIdentifier"] == _sid(raw)
        and (moment(group["onPremisesLastSyncDateTime"]) or AD_BEGAN) <= AD_BEGAN
        and (moment(value(raw, "whenChanged")) or CHANGES_UNTIL) <= CHANGES_UNTIL
    ]


def _people(company: MadeCompany) -> list[tuple[Name, dict[str, Any]]]:
    """Matched and synced users that did not change between the loads."""
    names = {guid_text(raw["objectguid"][0]): name_of(dn) for dn, raw in company.ad["ad_user"]}
    return [
        (names[guid_text(raw["objectguid"][0])], user)
        for raw, user in settled(company)
        if user["onPremisesSyncEnabled"] is True
    ]


def group_membership_differs(company: MadeCompany) -> Found:
    inside, cloud = ad_inside(company), entra_inside(company)
    both = group_pairs(company)
    dns = {name_of(dn): dn for table in ("ad_user", "ad_group") for dn, _ in company.ad[table]}
    accounts = [(name, user["id"], dns[name]) for name, user in _people(company)]
    accounts += [(name, group["id"].lower(), dns[name]) for name, group in both]
    found: Found = set()
    for name, group in both:
        for member, key, label in accounts:
            here, there = member in inside[name], key in cloud[group["id"].lower()]
            if here is not there:
                shown = (label, None) if here else (None, label)
                found.add(("entra_group", group["id"].lower(), "member", None, *shown))
    return found


def group_nested_members_differ(company: MadeCompany) -> Found:
    inside, cloud = ad_inside(company), entra_inside(company)
    people = _people(company)
    found: Found = set()
    for name, group in group_pairs(company):
        here, there = steps_to(name, inside), steps_to(group["id"].lower(), cloud)
        only_ad = sum(here.get(at, 0) > 1 and user["id"] not in there for at, user in people)
        only_entra = sum(there.get(user["id"], 0) > 1 and at not in here for at, user in people)
        if only_ad or only_entra:
            found.add(("entra_group", group["id"].lower(), "member", None, str(only_ad), str(only_entra)))
    return found


# ---- roles --------------------------------------------------------------------------------------------


def refused(company: MadeCompany) -> set[tuple[str, str, str]]:
    """(user id, reason, role or group) of whom Graph protects; roles that only read protect nobody."""
    cloud = entra_inside(company)
    names = {role["id"]: role["displayName"] for role in company.roles}
    held = {
        (one, "directory role", with_id(names[role], role))
        for role, member, _ in company.role_members
        if names[role] not in HARMLESS
        for one in (member["id"].lower(), *steps_to(member["id"].lower(), cloud))
    }
    return (
        held
        | {
            (one, "role-assignable group", with_id(text_of(group, "displayName"), group["id"].lower()))
            for group in company.entra_groups
            if group["isAssignableToRole"] is True
            for one in steps_to(group["id"].lower(), cloud)
        }
        | {
            (
                owner["id"].lower(),
                "owner of role-assignable group",
                with_id(text_of(group, "displayName"), group["id"].lower()),
            )
            for group in company.entra_groups
            if group["isAssignableToRole"] is True
            for owned, owner in company.owners or ()
            if owned == group["id"] and owner["id"].lower() not in steps_to(group["id"].lower(), cloud)
        }
    )


def entra_role_on_synced_user(company: MadeCompany) -> Found:
    synced = {user["id"] for user in company.entra_users if user["onPremisesSyncEnabled"] is True}
    return {("entra_user", key, why, None, None, name) for key, why, name in refused(company) if key in synced}


# ---- the recycle bin ----------------------------------------------------------------------------------


def days_left(item: dict[str, Any]) -> int | None:
    """Days until a deleted object is purged, 30 days after its deletion; None where that is unknown, or past."""
    at = moment(item["deletedDateTime"])
    left = -1 if at is None else (at.date() + timedelta(days=30) - TODAY).days
    return left if left >= 0 else None


def _restorable(company: MadeCompany) -> list[tuple[dict[str, Any], int]]:
    return [
        (item, left)
        for kind, item in company.entra_deleted
        if kind == "group" and (left := days_left(item)) is not None
    ]


def group_deleted(company: MadeCompany) -> Found:
    return {
        ("entra_group", item["id"], "Microsoft 365 group" if _is_unified(item) else "security group", None, None,
         str(left))
        for item, left in _restorable(company)
    }  # fmt: skip


def entra_deleted_soon_purged(company: MadeCompany) -> Found:
    return {
        (f"entra_{kind}", item["id"], "deletedDateTime", None, None, item["deletedDateTime"][:10])
        for kind, item in company.entra_deleted
        if (days_left(item) if days_left(item) is not None else 99) <= 7  # type: ignore[operator]
    }


def group_name_recreated(company: MadeCompany) -> Found:
    """Where nobody knows when a group was made it is taken for a new one."""
    return {
        ("entra_group", item["id"], "displayName", None, None, group["id"].lower())
        for item, _ in _restorable(company)
        for group in company.entra_groups
        if same(item["displayName"]) is not None and same(item["displayName"]) == same(group["displayName"])
        if group["createdDateTime"] is None or group["createdDateTime"] >= item["deletedDateTime"]
    }


def group_gone(company: MadeCompany) -> Found:
    alive = {group["id"].lower() for group in company.entra_groups}
    here = alive | {item["id"] for _, item in company.entra_deleted}
    found: Found = set()
    for load, kind, item in company.entra_before:
        if load != LAST or kind == "user" or item["id"] in here:
            continue
        if kind == "alive":
            found.add(("entra_group", item["id"], "groupTypes", None, None, "Unified" if _is_unified(item) else None))
        else:
            found.add(
                ("entra_group", item["id"], "deletedDateTime", None, None, (item["deletedDateTime"] or "")[:10] or None)
            )
    return found


# ---- what the site holds for critical -----------------------------------------------------------------


def critical_group_deleted(company: MadeCompany) -> Found:
    listed = {one["id"] for one in company.critical}
    return {
        ("entra_group", item["id"], "deletedDateTime", None, None, None if left is None else str(left))
        for kind, item in company.entra_deleted
        if kind == "group" and item["id"] in listed
        for left in [days_left(item)]
    }


def critical_group_not_kept(company: MadeCompany) -> Found:
    owners = {one["id"]: one["owner"] for one in company.critical}
    found: Found = set()
    for group in company.entra_groups:
        key = group["id"].lower()
        if group["onPremisesSyncEnabled"] is True:
            why = "synced from AD"
        elif group["mailEnabled"] and not _is_unified(group):
            why = "mail-enabled security group" if group["securityEnabled"] else "distribution group"
        else:
            continue
        if key in owners:
            found.add(("entra_group", key, why, None, None, owners[key]))
    return found


def critical_group_unknown(company: MadeCompany) -> Found:
    """An id in capitals is none: ids are in lower case."""
    known = {group["id"].lower() for group in company.entra_groups}
    known |= {item["id"] for kind, item in company.entra_deleted if kind == "group"}
    return {
        ("entra_group", one["id"], "id", None, None, one["owner"]) for one in company.critical if one["id"] not in known
    }


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "group_empty": group_empty,
    "group_in_itself": group_in_itself,
    "group_without_owner": group_without_owner,
    "privileged_through_nesting": privileged_through_nesting,
    "group_membership_differs": group_membership_differs,
    "group_nested_members_differ": group_nested_members_differ,
    "entra_role_on_synced_user": entra_role_on_synced_user,
    "group_deleted": group_deleted,
    "entra_deleted_soon_purged": entra_deleted_soon_purged,
    "group_name_recreated": group_name_recreated,
    "group_gone": group_gone,
    "critical_group_deleted": critical_group_deleted,
    "critical_group_not_kept": critical_group_not_kept,
    "critical_group_unknown": critical_group_unknown,
}
