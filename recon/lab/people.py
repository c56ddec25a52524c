"""An ordinary person from a few facts: one AD account, its Entra user, one HR record, and no disagreement.

Defects are changes to such a person (recon.lab.defects), so that whatever is not planted agrees everywhere.
"""

from dataclasses import dataclass

from recon.lab.company import AdAccount, Domain, EntraUser, GroupKey, Person, Worker
from recon.lab.names import PERSONAL_DOMAINS, Country, Name
from recon.lab.rendering import account_dn


@dataclass(slots=True)
class Facts:
    """What a person is made from. `dice`: 16 random bits for the choices of a defect."""

    index: int
    domain: int
    guid: bytes
    object_id: str
    rid: int
    employee_id: str
    given: Name
    surname: Name
    country: Country
    department: str
    title: str
    company: str
    kind: str = "Employee"
    hired: int = 800  # days ago
    changed: int = 30
    clock: int = 36_000
    dice: int = 0
    number: str = ""  # makes names unique where many people share one
    comma_first: bool = False  # displayed as 'Doe, Jane'
    manager: str | None = None  # distinguished name
    manager_id: str | None = None
    groups: tuple[GroupKey, ...] = ()


def make_person(facts: Facts, domain: Domain) -> Person:
    """One account of each kind, all of them in agreement; otherMails holds HR's personal address."""
    account = make_account(facts, domain)
    local = f"{facts.given[1]}.{facts.surname[1]}{facts.number}"
    personal = f"{local}@{PERSONAL_DOMAINS[facts.dice % 3]}"
    user = synced_user(account, domain, facts.object_id, personal)
    return Person(facts.index, None, [account], [user], [make_worker(facts, account, personal)], facts.groups)


def make_account(facts: Facts, domain: Domain) -> AdAccount:
    """The AD account."""
    given, surname = facts.given, facts.surname
    names = f"{surname[0]}, {given[0]}" if facts.comma_first else f"{given[0]} {surname[0]}"
    upn = f"{given[1]}.{surname[1]}{facts.number}@{domain.name}"
    return AdAccount(
        domain=facts.domain,
        cn=f"{names} {facts.number}" if facts.number else names,
        ou=f"OU={facts.country.city},OU=People",
        guid=facts.guid,
        rid=facts.rid,
        sam=f"{given[1][:1]}{surname[1][:10]}{facts.number}"[:20],
        upn=upn,
        given=given[0],
        sn=surname[0],
        display=names,
        employee_id=facts.employee_id,
        mail=upn,
        title=facts.title,
        department=facts.department,
        company=facts.company,
        country=facts.country.code,
        phone=f"+99 555 {facts.dice:05}",
        manager=facts.manager,
        created=facts.hired + 7,
        changed=min(facts.changed, facts.hired + 7) if facts.hired > -6 else 1,
        clock=facts.clock,
        logon=facts.changed % 14 + 1,
        employee_type=facts.kind,
        consistency_guid=facts.guid if facts.dice & 1 else None,
        extension={1: facts.company, 7: f"desk-{facts.dice % 400}"},
    )


def synced_user(account: AdAccount, domain: Domain, object_id: str, *other_mails: str) -> EntraUser:
    """The Entra user that synchronization makes of an AD account."""
    return EntraUser(
        tenant=domain.tenant,
        id=object_id,
        upn=account.upn or f"{account.sam}@{domain.name}",
        display=account.display,
        given=account.given,
        surname=account.sn,
        enabled=not account.uac & 2,
        employee_id=account.employee_id,
        mail=account.mail,
        usage_location=account.country,
        other_mails=list(other_mails),
        is_synced=True,
        anchor=account.anchor,
        sid=f"{domain.sid}-{account.rid}",
        sam=account.sam,
        dn=account_dn(account, domain),
        domain=domain.name,
        on_premises_upn=account.upn,
        last_sync=max(account.changed - 1, 1),
        signed_in=account.changed % 89 + 1,
        created=account.created,
        clock=account.clock,
        title=account.title,
        department=account.department,
        company=account.company,
        city=account.city,
        country=account.country,
        phone=account.phone,
        employee_type=account.employee_type,
        extension=account.extension,
    )


def make_worker(facts: Facts, account: AdAccount, personal: str | None) -> Worker:
    """The HR record."""
    return Worker(
        worker_id=facts.employee_id,
        employee_id=facts.employee_id,
        first_name=facts.given[0],
        last_name=facts.surname[0],
        full_name=f"{facts.given[0]} {facts.surname[0]}",
        hired=facts.hired,
        status="Active" if facts.hired >= 0 else "Pre-Hire",
        kind=facts.kind,
        personal_mail=personal,
        work_mail=account.mail,
        country=facts.country.code,
        company=facts.company,
        department=facts.department,
        cost_center=f"CC-{facts.dice % 90 + 10}",
        title=facts.title,
        location=facts.country.city,
        manager_id=facts.manager_id,
        user_id=account.sam,
    )
