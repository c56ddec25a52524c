"""What can be wrong with groups and with reset addresses: classes for recon.lab.defects, and what every company has.

Each domain has an empty group, one without an owner, two that contain each other and one whose members Entra does not
have; each tenant a group without an owner and a recycle bin. `plants` says which rows follow for a whole company: a
group is in nobody's record.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from recon.decode.guid import guid_text
from recon.lab.company import Company, Domain, Group, GroupKey, Person
from recon.lab.people import Facts, make_person
from recon.lab.person_changes import other_bytes
from recon.lab.rendering import iso, object_id

UNDECLARED = "methods_required"  # what [sspr] of the lab leaves open
# findings whose rows belong to groups or to the company, not to persons: they do not grow with the people
OF_THE_COMPANY = frozenset({
    "ad_stale_computer", "contact_targetaddress_differs", "contact_targetaddress_missing",
    "critical_group_deleted", "critical_group_not_kept", "critical_group_unknown", "entra_deleted_soon_purged",
    "group_deleted", "group_empty", "group_gone", "group_in_itself", "group_membership_differs", "group_name_recreated",
    "group_nested_members_differ", "group_without_owner", "mim_group_unknown", "mim_last_run_failed",
    "mim_role_of_everybody", "sspr_policy_undeclared",
})  # fmt: skip
_NOWHERE = "0badc0de-0000-4000-8000-000000000000"
_RECREATED, _CRISIS, _INTERN, _TRAINEE = "Works council", "Crisis team", "Former intern", "Former trainee"
_PURGED = "Summer party"  # before the second day
# name, kind, days since it was deleted: of 30
_BIN = ((_RECREATED, "group", 10), (_CRISIS, "group", 25), (_INTERN, "user", 24), (_TRAINEE, "user", 12),
        (_PURGED, "group", 12))  # fmt: skip


class CompanyPlant(NamedTuple):
    """One row that a finding must have about an object that no person's record is."""

    code: str
    object_type: str
    key: str
    name: str


# ---- persons ----------------------------------------------------------------------------------------------


def privileged_by_detour(person: Person, facts: Facts, domain: Domain) -> None:
    account = person.ad[0]
    account.admin_count, account.uac = 1, 512 | 1048576  # protected, and not to be delegated, as it should be
    if facts.dice & 2:
        account.further = {"primaryGroupID": [b"512"]}
    else:
        person.groups += (("operations", facts.domain),)
    person.plant("privileged_through_nesting", account)


def membership_not_followed(person: Person, facts: Facts, domain: Domain) -> None:
    person.groups += (("lagging", facts.domain),)


def othermails_company_domain(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].other_mails = [*person.entra[0].other_mails, f"{facts.surname[1]}{facts.number}@{domain.name}"]
    person.plant("othermails_company_domain", person.entra[0])


def othermails_shared(person: Person, facts: Facts, domain: Domain) -> None:
    given = (("Robin", "robin"), ("Kim", "kim"), ("Sam", "sam"), ("Toni", "toni"))[facts.dice % 4]
    other = make_person(
        replace(
            facts,
            guid=other_bytes(facts, "family"),
            object_id=object_id(other_bytes(facts, "family in Entra")),
            rid=facts.rid + 2,
            employee_id=f"5{facts.employee_id.lstrip('0')[1:]}",
            given=given,
            number=f"{facts.number}s",
        ),
        domain,
    )
    person.ad += other.ad
    person.entra += other.entra
    person.workers += other.workers
    mail = f"home.{facts.surname[1]}{facts.number}@example.org"
    for place, (user, worker) in enumerate(zip(person.entra, person.workers, strict=True)):
        worker.personal_mail = mail
        user.other_mails = [mail.upper() if place else mail]
    person.plant("othermails_shared", *person.entra)


# change, per mille, meaning, findings, backfill: rows of the table in recon.lab.defects
CLASSES = (
    (privileged_by_detour, 1, "in Domain Admins through another group, or as the primary group",
     "privileged_through_nesting", "privileged"),
    (membership_not_followed, 1, "member of a group in AD alone: a row of its group (group_membership_differs)", "-",
     "already_present"),
    (othermails_company_domain, 2, "a company address beside HR's in otherMails", "", "already_present"),
    (othermails_shared, 1, "two people with one address in otherMails", "othermails_shared x2", "already_present x2"),
)  # fmt: skip


# ---- the recycle bin and the critical groups --------------------------------------------------------------


def _bin_id(tenant: int, place: int) -> str:
    return f"de1e7ed0-{tenant:04}-4000-8000-{place:012}"


def deleted_objects(company: Company, tenant: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(user or group, Graph object) of what lies in a tenant's recycle bin."""
    for place, (name, kind, ago) in enumerate(_BIN):
        key = _bin_id(tenant, place)
        item: dict[str, Any] = {"id": key, "displayName": name, "deletedDateTime": iso(company.today, ago, 32_400)}
        if kind == "group":
            item |= {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}
        else:
            local = f"{key.replace('-', '')}{name.partition(' ')[2]}"
            item |= {"userPrincipalName": f"{local}@{company.tenants[tenant].domain}", "userType": "Member"}
        yield kind, item


def critical_groups(company: Company) -> list[dict[str, str]]:
    """Rows of table critical_group, as a site would write them: those that are planted, and a near miss."""
    listed = [(company.group(("head", place)).id, "synced: deletion might not keep it")
              for place in range(len(company.domains))]  # fmt: skip
    listed += [(_bin_id(place, 1), "in the recycle bin") for place in range(len(company.tenants))]
    listed += [(company.group(("project", 0)).id, "a Microsoft 365 group, which deletion keeps")]
    listed += [(_NOWHERE, "a mistyped id")]
    return [{"id": key, "owner": "Alice Ashworth", "note": note} for key, note in listed]


# ---- what must be found -----------------------------------------------------------------------------------


def gone(tenant: int) -> tuple[str, GroupKey]:
    """What is gone on the second day: the id of a group in the recycle bin, the key of one that is alive."""
    return _bin_id(tenant, len(_BIN) - 1), ("list", tenant)


def plants(company: Company, *, next_day: bool) -> Iterator[CompanyPlant]:
    """Every row that belongs to the company's groups, bins and policy. Walks over the people once."""
    in_ad: set[GroupKey] = set()
    in_entra: set[GroupKey] = set()
    owned: set[GroupKey | None] = set()
    hires = 0
    for person in company.people():
        if person.ad:
            in_ad.update(person.groups)
        if person.entra:
            in_entra.update(person.groups)
            owned.add(person.owns)
        hires += sum(worker.hired is not None and -14 <= worker.hired <= 0 for worker in person.workers)
    groups = list(company.groups())
    nested = {group.parent for group in groups} | {group.key for group in groups if group.holds}
    for group in groups:
        if group.is_role_assignable and group.key not in owned:
            group = replace(group, is_owned=False)
        yield from _of_group(group, bool({group.key} & nested), group.key in in_ad, group.key in in_entra)
        if group.lags and group.key in in_ad:
            yield CompanyPlant("group_membership_differs", "entra_group", group.id, group.name)
            if group.parent is not None:
                around = company.group(group.parent)
                yield CompanyPlant("group_nested_members_differ", "entra_group", around.id, around.name)
    for tenant in range(len(company.tenants)):
        yield from _of_bin(tenant, next_day=next_day)
        if next_day:
            purged, lost = gone(tenant)
            yield CompanyPlant("group_gone", "entra_group", purged, _PURGED)
            yield CompanyPlant("group_gone", "entra_group", company.group(lost).id, company.group(lost).name)
    for place in range(len(company.domains)):
        head = company.group(("head", place))
        yield CompanyPlant("critical_group_not_kept", "entra_group", head.id, head.name)
    yield CompanyPlant("critical_group_unknown", "entra_group", _NOWHERE, "a mistyped id")
    if hires:
        yield CompanyPlant("sspr_policy_undeclared", "sspr_policy", UNDECLARED, UNDECLARED)


def _of_group(group: Group, has_groups: bool, in_ad: bool, in_entra: bool) -> Iterator[CompanyPlant]:
    if group.domain is None:
        if not group.is_owned:
            yield CompanyPlant("group_without_owner", "entra_group", group.id, group.name)
        if not (has_groups or in_entra):
            yield CompanyPlant("group_empty", "entra_group", group.id, group.name)
        return
    found = []
    if not (has_groups or in_ad or group.is_critical):
        found.append("group_empty")
    if not group.is_owned:
        found.append("group_without_owner")
    if group.key in group.ring:
        found.append("group_in_itself")
    for code in found:
        yield CompanyPlant(code, "ad_group", guid_text(group.guid), group.name)


def _of_bin(tenant: int, *, next_day: bool) -> Iterator[CompanyPlant]:
    for place, (name, kind, ago) in enumerate(_BIN):
        if next_day and name == _PURGED:
            continue
        key, object_type = _bin_id(tenant, place), f"entra_{kind}"
        if kind == "group":
            yield CompanyPlant("group_deleted", object_type, key, name)
        if ago >= 23:
            yield CompanyPlant("entra_deleted_soon_purged", object_type, key, name)
        if name == _RECREATED:
            yield CompanyPlant("group_name_recreated", object_type, key, name)
        if name == _CRISIS:
            yield CompanyPlant("critical_group_deleted", object_type, key, name)
