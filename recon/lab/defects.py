"""What can be wrong with a person, and what only looks so: each class with its rate and with what must be said of it.

DEFECTS is the table; `recon lab rates` prints it. A class changes an ordinary person (recon.lab.people), who agrees
everywhere, and plants the finding rows that follow. `per_mille` is the share of a generated company's people: exact
in every thousand of them. `findings` says which rows follow, `x2` where there are two. `backfill` is what a plan for
the worker must say: item, a reason code, or - where no worker is concerned. Long, because it is one table.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from recon.lab import certificate_defects, delegation_defects, group_defects, sync_defects
from recon.lab.account_defects import (
    account_name_too_long,
    computed_bit,
    duplicate_addresses,
    duplicate_upn,
    entra_stale_account,
    mail_bad_format,
    mail_bad_parts,
    mail_not_in_proxyaddresses,
    mail_not_primary,
    mail_not_routable,
    manager_disabled,
    manager_missing,
    name_blanks,
    names_missing,
    never_logged_on,
    password_never_expires,
    password_not_required,
    privileged_leaver,
    reversible_password,
    several_primary_smtp,
    stale_account,
    stale_on_both_sides,
    unconstrained_delegation,
    upn_bad_character,
    upn_missing,
    upn_not_routable,
    weak_kerberos,
)
from recon.lab.company import CLOUD_COMPANY, Domain, EntraUser, Person
from recon.lab.people import Facts, make_account, make_person, synced_user
from recon.lab.person_changes import disable, disabled_terminated, leave, other_bytes, second_account
from recon.lab.rendering import object_id

Change = Callable[[Person, Facts, Domain], None]


@dataclass(frozen=True, slots=True)
class Defect:
    """One class of defect or near miss."""

    code: str
    per_mille: int
    meaning: str
    findings: str
    backfill: str
    change: Change


_OTHER_NAMES = (("Zenobia", "Quill"), ("Barnaby", "Thistle"), ("Ottoline", "Fairweather"), ("Peregrine", "Stoat"))


def _other_id(employee_id: str, digit: str) -> str:
    """An employee id that nobody has: other ids of the company begin with 2 or 002."""
    start = 2 if employee_id.startswith("00") else 0
    return employee_id[:start] + digit + employee_id[start + 1 :]


def _rename_in_hr(person: Person, facts: Facts) -> None:
    worker = person.workers[0]
    worker.first_name, worker.last_name = _OTHER_NAMES[facts.dice % 4]
    worker.full_name = f"{worker.first_name} {worker.last_name}"


def _without_other_mails(person: Person) -> None:
    for user in person.entra:
        user.other_mails = []
    person.plant("othermails_missing", *person.entra)


# ---- the two directories disagree -------------------------------------------------------------------------


def ad_disabled_entra_enabled(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 514 if facts.dice & 2 else 546
    person.plant("ad_disabled_entra_enabled", person.entra[0])


def ad_enabled_entra_disabled(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].enabled = False
    person.plant("ad_enabled_entra_disabled", person.entra[0])


def ad_expired_entra_enabled(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].expires = 3 + facts.dice % 60
    person.plant("ad_expired_entra_enabled", person.entra[0])


def ad_enabled_not_in_entra(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra.clear()
    person.plant("ad_enabled_not_in_entra", person.ad[0])


def ad_disabled_not_in_entra(person: Person, facts: Facts, domain: Domain) -> None:
    disabled_terminated(person, facts, domain)
    person.entra.clear()
    person.plant("ad_disabled_not_in_entra", person.ad[0])


def entra_synced_not_in_ad(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad.clear()
    person.workers.clear()
    person.plant("entra_synced_not_in_ad", person.entra[0])


def duplicate_employeeid_ad(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, facts.employee_id)
    person.plant("duplicate_employeeid_ad", *person.ad)
    person.plant("ad_enabled_not_in_entra", person.ad[1])


def ad_only_administrator(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, None)
    person.ad[1].admin_count = 1
    person.plant("ad_enabled_not_in_entra", person.ad[1])
    person.plant("ad_admincount_left", person.ad[1])
    person.plant("ad_privileged_delegable", person.ad[1])


def cloud_user(facts: Facts, domain: Domain, local: str) -> EntraUser:
    """A user that no AD account stands behind."""
    account = make_account(facts, domain)
    return EntraUser(
        tenant=domain.tenant,
        id=object_id(other_bytes(facts, local)),
        upn=f"{local}@{domain.name}",
        display=account.display,
        given=account.given,
        surname=account.sn,
        enabled=True,
        employee_id=facts.employee_id,
        mail=f"{local}@{domain.name}",
        usage_location=facts.country.code,
        other_mails=[],
        is_synced=None,
        created=account.created,
        clock=facts.clock,
        title=facts.title,
        department=facts.department,
        company=facts.company,
        country=facts.country.code,
    )


def duplicate_employeeid_entra(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra.append(cloud_user(facts, domain, f"cloud.{person.ad[0].sam}"))
    person.plant("duplicate_employeeid_entra", *person.entra)
    person.plant("cloud_only_twin", person.entra[1])


def ambiguous_match(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra = [cloud_user(facts, domain, f"{place}.{person.ad[0].sam}") for place in ("one", "two")]
    person.plant("ambiguous_match", *person.entra)
    person.plant("cloud_only_twin", *person.entra)
    person.plant("duplicate_employeeid_entra", *person.entra)


def employeeid_differs(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].employee_id = _other_id(facts.employee_id, "4") if facts.dice & 2 else None
    person.plant("employeeid_differs", person.entra[0])


def upn_differs(person: Person, facts: Facts, domain: Domain) -> None:
    local = person.entra[0].upn.partition("@")[0]
    person.entra[0].upn = f"{local}@{domain.netbios.lower()}.onmicrosoft.example"
    person.plant("upn_differs", person.entra[0])


def mail_differs(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].mail = f"former.{person.ad[0].mail}" if facts.dice & 2 else None
    person.plant("mail_differs", person.entra[0])


def sid_differs(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].sid = f"S-1-5-21-1547161642-842925246-725345543-{facts.rid}"
    person.plant("sid_differs", person.entra[0])


def anchor_differs(person: Person, facts: Facts, domain: Domain) -> None:
    other = replace(person.ad[0], guid=other_bytes(facts, "anchor"), consistency_guid=None)
    person.entra[0].anchor = other.anchor
    _without_other_mails(person)
    person.plant("anchor_differs", person.entra[0])


def usagelocation_missing(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].usage_location = None
    person.plant("usagelocation_missing", person.entra[0])


def usagelocation_not_iso(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].usage_location = ("UK", "ZZ", "EL")[facts.dice % 3]
    person.plant("usagelocation_not_iso", person.entra[0])


# ---- joiners and leavers ----------------------------------------------------------------------------------


def leaver_still_enabled(person: Person, facts: Facts, domain: Domain) -> None:
    leave(person, 2 + facts.dice % 90)
    person.plant("leaver_still_enabled", *person.ad, *person.entra)


def leaver_in_grace(person: Person, facts: Facts, domain: Domain) -> None:
    leave(person, 1)


def leaver_to_come(person: Person, facts: Facts, domain: Domain) -> None:
    leave(person, -1 - facts.dice % 40)


def _start(person: Person, ahead: int) -> None:
    worker = person.workers[0]
    worker.hired = -ahead
    worker.status = "Pre-Hire" if ahead > 0 else "Active"
    worker.first_hired = None
    for account in person.ad:
        account.created, account.changed, account.logon = 12, 11, None
    for user in person.entra:
        user.created, user.last_sync, user.signed_in, user.used = 11, 10, None, None


def joiner_without_account(person: Person, facts: Facts, domain: Domain) -> None:
    _start(person, facts.dice % 15)
    person.ad.clear()
    person.entra.clear()
    person.plant("joiner_without_account", person.workers[0])
    person.plant("sspr_hire_not_ready", person.workers[0])


def joiner_later(person: Person, facts: Facts, domain: Domain) -> None:
    _start(person, 15 + facts.dice % 30)
    person.ad.clear()
    person.entra.clear()


def joiner_with_account(person: Person, facts: Facts, domain: Domain) -> None:
    _start(person, 1 + facts.dice % 14)


def prehire_disabled(person: Person, facts: Facts, domain: Domain) -> None:
    _start(person, 1 + facts.dice % 14)
    disable(person)
    _without_other_mails(person)
    person.plant("sspr_hire_not_ready", person.workers[0])


def disabled_held(person: Person, facts: Facts, domain: Domain) -> None:
    disable(person)
    person.workers[0].status = "On Leave"
    person.entra[0].other_mails = []


def reused_employee_id(person: Person, facts: Facts, domain: Domain) -> None:
    _rename_in_hr(person, facts)
    person.workers[0].hired, person.workers[0].first_hired = 20, 20
    person.ad[0].created = person.entra[0].created = 3000
    _without_other_mails(person)


def rehire_new_id(person: Person, facts: Facts, domain: Domain) -> None:
    worker = person.workers[0]
    worker.prior_id = facts.employee_id
    worker.worker_id = worker.employee_id = _other_id(facts.employee_id, "7")
    worker.first_hired, worker.hired = 2000, 5
    disable(person)
    person.plant("joiner_without_account", worker)


def worker_twice_same(person: Person, facts: Facts, domain: Domain) -> None:
    person.workers.append(replace(person.workers[0]))


def worker_twice_different(person: Person, facts: Facts, domain: Domain) -> None:
    person.workers.append(replace(person.workers[0], personal_mail="somebody.else@example.net", title="Director"))
    person.entra[0].other_mails = []


# ---- otherMails -------------------------------------------------------------------------------------------


def othermails_missing(person: Person, facts: Facts, domain: Domain) -> None:
    _without_other_mails(person)


def othermails_differ_from_hr(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].other_mails = [f"before.{mail}" for mail in person.entra[0].other_mails]
    person.plant("othermails_differ_from_hr", person.entra[0])


def othermails_spelled_otherwise(person: Person, facts: Facts, domain: Domain) -> None:
    mails = person.entra[0].other_mails
    person.entra[0].other_mails = [*(mail.upper() for mail in mails), *(f"further.{mail}" for mail in mails)]


def othermails_blanks(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].other_mails = [f" {mail} " for mail in person.entra[0].other_mails]
    person.plant("othermails_invalid", person.entra[0])


def privileged_role(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].is_privileged = True
    _without_other_mails(person)


def role_group_member(person: Person, facts: Facts, domain: Domain) -> None:
    person.groups += (("roles", domain.tenant),)
    person.entra[0].is_privileged = True
    _without_other_mails(person)
    person.plant("entra_role_on_synced_user", person.entra[0])
    person.plant("othermails_refused", person.entra[0])


def admin_count(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].admin_count = 1
    person.groups += (("admins", facts.domain),)
    person.owns = ("roles", domain.tenant)
    person.entra[0].is_privileged = True
    person.plant("ad_privileged_delegable", person.ad[0])
    _without_other_mails(person)
    person.plant("entra_role_on_synced_user", person.entra[0])
    person.plant("othermails_refused", person.entra[0])


def denied_group_member(person: Person, facts: Facts, domain: Domain) -> None:
    person.groups += (("deny", facts.domain),)
    _without_other_mails(person)


def anchor_missing(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].anchor = None
    _without_other_mails(person)


def name_contradicts(person: Person, facts: Facts, domain: Domain) -> None:
    _rename_in_hr(person, facts)
    _without_other_mails(person)


def shared_personal_mail(person: Person, facts: Facts, domain: Domain) -> None:
    given = (("Robin", "robin"), ("Kim", "kim"), ("Sam", "sam"), ("Toni", "toni"))[facts.dice % 4]
    other = make_person(
        replace(
            facts,
            guid=other_bytes(facts, "spouse"),
            object_id=object_id(other_bytes(facts, "spouse in Entra")),
            rid=facts.rid + 2,
            employee_id=_other_id(facts.employee_id, "6"),
            given=given,
            number=f"{facts.number}b",
        ),
        domain,
    )
    person.ad += other.ad
    person.entra += other.entra
    person.workers += other.workers
    for worker in person.workers:
        worker.personal_mail = f"family.{facts.surname[1]}{facts.number}@example.org"
    _without_other_mails(person)


def personal_mail_in_company_domain(person: Person, facts: Facts, domain: Domain) -> None:
    person.workers[0].personal_mail = f"{facts.surname[1]}{facts.number}@{domain.name}"
    _without_other_mails(person)


def personal_mail_non_ascii(person: Person, facts: Facts, domain: Domain) -> None:
    person.workers[0].personal_mail = f"jörg.{facts.surname[1]}{facts.number}@example.net"
    person.entra[0].other_mails = []


def personal_mail_invalid(person: Person, facts: Facts, domain: Domain) -> None:
    bad = (f"{facts.surname[1]} at example.net", f"{facts.surname[1]}@@example.org", "n/a", "x@example")
    person.workers[0].personal_mail = bad[facts.dice % 4]
    person.entra[0].other_mails = []


def personal_mail_blanks(person: Person, facts: Facts, domain: Domain) -> None:
    person.workers[0].personal_mail = f"  {person.workers[0].personal_mail} "


def no_personal_mail(person: Person, facts: Facts, domain: Domain) -> None:
    person.workers[0].personal_mail = None
    person.entra[0].other_mails = []


# ---- who is no ordinary hybrid user -----------------------------------------------------------------------


def cloud_only(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra = [cloud_user(facts, domain, person.ad[0].sam)]
    person.ad.clear()
    person.entra[0].company = person.workers[0].company = CLOUD_COMPANY


def guest(person: Person, facts: Facts, domain: Domain) -> None:
    user = cloud_user(facts, domain, person.ad[0].sam)
    user.mail = f"{user.upn.partition('@')[0]}@example.com"
    user.upn = f"{user.mail.replace('@', '_')}#EXT#@{domain.name}"
    user.is_guest, user.employee_id, user.usage_location, user.company = True, None, None, "Example Supplies"
    user.other_mails = [user.mail]
    person.ad.clear()
    person.workers.clear()
    person.entra = [user]


def guest_pending(person: Person, facts: Facts, domain: Domain) -> None:
    guest(person, facts, domain)
    user = person.entra[0]
    user.is_pending, user.created, user.signed_in, user.used = True, 91 + facts.dice % 900, None, None
    person.plant("entra_guest_pending", user)
    person.plant("entra_stale_account", user)


def guest_with_employeeid(person: Person, facts: Facts, domain: Domain) -> None:
    worker = person.workers[0]
    guest(person, facts, domain)
    person.entra[0].employee_id = facts.employee_id
    person.workers = [worker]
    person.plant("joiner_without_account", worker)


def service_account(person: Person, facts: Facts, domain: Domain) -> None:
    account = replace(person.ad[0], employee_id=None, given=None, sn=None, mail=None, uac=66048, manager=None)
    account.display = f"Service {account.sam}"
    account.further = {"servicePrincipalName": [f"HTTP/{account.sam}.{domain.name}".encode()]}
    person.workers.clear()
    person.ad = [account]
    person.entra = [synced_user(account, domain, facts.object_id)]
    person.entra[0].signed_in = None  # it does, but never in person
    person.plant("ad_password_never_expires", account)


# ---- differences that are none ----------------------------------------------------------------------------


def upn_case(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].upn = person.entra[0].upn.title()


def mail_case(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].mail = (person.entra[0].mail or "").upper()


def mail_decomposed(person: Person, facts: Facts, domain: Domain) -> None:
    mail = f"zoë.brontë{facts.number}@{domain.name}"
    person.ad[0].mail = unicodedata.normalize("NFC", mail)
    person.entra[0].mail = unicodedata.normalize("NFD", mail)
    person.plant("sync_bad_character", person.ad[0])


def employeeid_blanks(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].employee_id = f"{facts.employee_id}  "


def usagelocation_lower(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].usage_location = facts.country.code.lower()


def in_skew(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 514
    person.entra[0].last_sync = -1


DEFECTS: tuple[Defect, ...] = tuple(
    Defect(change.__name__, rate, meaning, findings, backfill, change)
    for change, rate, meaning, findings, backfill in (
        (ad_disabled_entra_enabled, 4, "disabled in AD (514 or 546), enabled in Entra", "", "disabled_held"),
        (ad_enabled_entra_disabled, 3, "enabled in AD, blocked in Entra", "", "disabled_held"),
        (ad_expired_entra_enabled, 3, "accountExpires has passed, enabled in Entra", "", "already_present"),
        (ad_enabled_not_in_entra, 5, "enabled in AD, no Entra user", "", "not_synced_yet"),
        (ad_disabled_not_in_entra, 4, "left, disabled in AD, no Entra user", "", "terminated"),
        (entra_synced_not_in_ad, 3, "synced in Entra, no AD account, not in HR", "", "-"),
        (duplicate_employeeid_ad, 2, "an administration account carries the same employee id",
         "duplicate_employeeid_ad x2, ad_enabled_not_in_entra", "duplicate_employee_id"),
        (duplicate_employeeid_entra, 2, "a cloud user carries the same employee id",
         "duplicate_employeeid_entra x2, cloud_only_twin", "duplicate_employee_id"),
        (ambiguous_match, 1, "two cloud users, equally good for one AD account",
         "ambiguous_match x2, duplicate_employeeid_entra x2, cloud_only_twin x2", "duplicate_employee_id"),
        (employeeid_differs, 3, "mistyped or missing employee id in Entra", "", "employee_id_differs"),
        (upn_differs, 4, "Entra still has the first suffix of the tenant", "", "already_present"),
        (mail_differs, 4, "a former or no mail in Entra", "", "already_present"),
        (sid_differs, 1, "Entra holds the SID of a former domain", "", "already_present"),
        (anchor_differs, 1, "the source anchor leads to another object",
         "anchor_differs, othermails_missing", "anchor_contradicts"),
        (leaver_still_enabled, 5, "left 2 to 91 days ago, enabled in both", "leaver_still_enabled x2", "terminated"),
        (joiner_without_account, 3, "starts within 14 days, no account",
         "joiner_without_account, sspr_hire_not_ready", "no_match"),
        (othermails_missing, 150, "no otherMails, HR knows an address", "", "item"),
        (othermails_differ_from_hr, 10, "another address in otherMails", "", "would_replace"),
        (usagelocation_missing, 10, "no usageLocation", "", "already_present"),
        (usagelocation_not_iso, 3, "usageLocation UK, ZZ or EL", "", "already_present"),
        (prehire_disabled, 5, "account waits, disabled, for the first day",
         "othermails_missing, sspr_hire_not_ready", "item"),
        (disabled_terminated, 40, "left, disabled in both", "-", "terminated"),
        (disabled_held, 5, "disabled in both, on leave", "-", "disabled_held"),
        (leaver_in_grace, 2, "left yesterday, enabled", "-", "terminated"),
        (leaver_to_come, 2, "leaves tomorrow or later", "-", "already_present"),
        (joiner_later, 2, "starts in 15 days or later, no account", "-", "no_match"),
        (joiner_with_account, 3, "starts within 14 days, has the accounts", "-", "already_present"),
        (reused_employee_id, 1, "the account is years older than the hire, other name", "othermails_missing",
         "reused_employee_id"),
        (rehire_new_id, 1, "hired again under a new id, accounts carry the old one", "joiner_without_account",
         "rehire_new_id"),
        (worker_twice_same, 1, "the same HR record twice", "-", "already_present"),
        (worker_twice_different, 1, "two HR records with one id: both held", "-", "-"),
        (othermails_spelled_otherwise, 2, "HR's address in capitals, and a second one", "-", "already_present"),
        (othermails_blanks, 1, "blanks around the address in otherMails", "othermails_invalid", "already_present"),
        (privileged_role, 2, "holds a directory role", "othermails_missing", "item"),
        (role_group_member, 1, "member of a role-assignable group",
         "othermails_missing, entra_role_on_synced_user, othermails_refused", "privileged"),
        (admin_count, 1, "adminCount is 1, owns a role-assignable group",
         "othermails_missing, ad_privileged_delegable, entra_role_on_synced_user, othermails_refused", "privileged"),
        (denied_group_member, 2, "member of the deny list", "othermails_missing", "denied_group"),
        (anchor_missing, 1, "synced, but Entra shows no source anchor", "othermails_missing", "anchor_missing"),
        (name_contradicts, 1, "HR has another name", "othermails_missing", "name_contradicts"),
        (shared_personal_mail, 1, "two people with one personal address", "othermails_missing x2", "shared_mail x2"),
        (personal_mail_in_company_domain, 2, "HR's personal address is a company one", "othermails_missing",
         "company_domain"),
        (personal_mail_non_ascii, 2, "HR's address has an umlaut", "-", "non_ascii"),
        (personal_mail_invalid, 2, "HR's address is none", "-", "invalid_mail"),
        (personal_mail_blanks, 2, "blanks around HR's address", "-", "already_present"),
        (no_personal_mail, 15, "HR knows no address", "-", "no_value"),
        (cloud_only, 15, "cloud-only user with an employee id", "-", "-"),
        (guest, 10, "a guest", "-", "-"),
        (guest_pending, 1, "a guest who has not accepted for 91 days or longer",
         "entra_guest_pending, entra_stale_account", "-"),
        (guest_with_employeeid, 1, "the worker's only user is a guest", "joiner_without_account", "guest"),
        (service_account, 5, "synced account of no worker, no employee id", "ad_password_never_expires", "-"),
        (ad_only_administrator, 1, "second account for administration, not synced",
         "ad_enabled_not_in_entra, ad_admincount_left, ad_privileged_delegable", "already_present"),
        (upn_case, 5, "UPN differs in case alone", "-", "already_present"),
        (mail_case, 5, "mail differs in case alone", "-", "already_present"),
        (mail_decomposed, 3, "mail differs in Unicode form alone", "sync_bad_character", "already_present"),
        (employeeid_blanks, 2, "blanks behind the employee id", "-", "already_present"),
        (usagelocation_lower, 2, "usageLocation in lower case", "-", "already_present"),
        (in_skew, 1, "disabled in AD after the load began", "-", "disabled_held"),
        (stale_account, 5, "last logon 91 days ago or longer", "ad_stale_account", "already_present"),
        (entra_stale_account, 2, "no sign-in to Entra for 91 days or longer, or never", "", "already_present"),
        (stale_on_both_sides, 2, "neither a logon nor a sign-in for 91 days or longer",
         "ad_stale_account, entra_stale_account, stale_on_both_sides", "already_present"),
        (never_logged_on, 2, "100 days old and never used", "ad_never_logged_on", "already_present"),
        (password_never_expires, 4, "userAccountControl 66048", "ad_password_never_expires", "already_present"),
        (password_not_required, 3, "userAccountControl 544", "ad_password_not_required", "already_present"),
        (weak_kerberos, 1, "no pre-authentication, DES keys alone", "ad_preauth_not_required, ad_des_only",
         "already_present"),
        (reversible_password, 1, "the password can be read back", "ad_reversible_password", "already_present"),
        (unconstrained_delegation, 1, "may act as everybody", "ad_unconstrained_delegation", "already_present"),
        (computed_bit, 1, "userAccountControl with a computed bit", "ad_computed_bit_stored", "already_present"),
        (privileged_leaver, 1, "left, disabled, still in Domain Admins",
         "ad_disabled_privileged, leaver_in_privileged_group", "terminated"),
        (manager_missing, 2, "the manager is no account", "", "already_present"),
        (manager_disabled, 2, "the manager has left", "manager_disabled, ad_disabled_not_in_entra", "already_present"),
        (upn_not_routable, 3, "UPN ends in .local", "upn_not_routable, upn_differs", "already_present"),
        (upn_bad_character, 1, "UPN with a character that Entra refuses", "sync_bad_character, upn_differs",
         "already_present"),
        (upn_missing, 1, "no UPN in AD", "upn_missing, upn_differs", "already_present"),
        (mail_bad_format, 1, "two @ in mail and its address", "sync_bad_format", "already_present"),
        (mail_bad_parts, 1, "two periods and a hyphen at wrong places", "sync_bad_local_part, sync_bad_domain_part",
         "already_present"),
        (mail_not_routable, 1, "mail ends in .local", "address_not_routable", "already_present"),
        (name_blanks, 2, "a blank behind the display name", "sync_blanks", "already_present"),
        (account_name_too_long, 1, "sAMAccountName over 20 characters", "sync_too_long", "already_present"),
        (names_missing, 1, "neither display name nor mailNickname", "displayname_missing, mailnickname_missing",
         "already_present"),
        (several_primary_smtp, 1, "two primary addresses", "", "already_present"),
        (mail_not_primary, 1, "mail is a secondary address", "", "already_present"),
        (mail_not_in_proxyaddresses, 1, "mail is no address of proxyAddresses", "", "already_present"),
        (duplicate_addresses, 1, "a second account repeats mail, addresses and alias",
         ("duplicate_proxyaddress x2, duplicate_mail_ad x2, duplicate_mailnickname x2, duplicate_targetaddress x2, "
          "ad_enabled_not_in_entra"), "already_present"),
        (duplicate_upn, 1, "a second account has the UPN in capitals", "duplicate_upn_ad x2, ad_enabled_not_in_entra",
         "already_present"),
        *certificate_defects.CLASSES,
        *sync_defects.CLASSES,
        *delegation_defects.CLASSES,
        *group_defects.CLASSES,
    )
)  # fmt: skip

BY_CODE: dict[str, Defect] = {defect.code: defect for defect in DEFECTS}
RATES: dict[str, int] = {defect.code: defect.per_mille for defect in DEFECTS}
WITHOUT_ACCOUNT = frozenset(
    [
        "entra_synced_not_in_ad",
        "joiner_without_account",
        "joiner_later",
        "cloud_only",
        "guest",
        "guest_pending",
        "guest_with_employeeid",
    ]
)
# whose AD account is nobody's manager: there is none, or it is disabled, or has left its place
NO_MANAGER = WITHOUT_ACCOUNT | {
    "ad_disabled_entra_enabled", "ad_disabled_not_in_entra", "disabled_held", "disabled_terminated", "in_skew",
    "prehire_disabled", "privileged_leaver", "rehire_new_id",
}  # fmt: skip
PRIVILEGED = frozenset({"privileged_role", "role_group_member"})
WITHOUT_WORKER = frozenset(["entra_synced_not_in_ad", "guest", "guest_pending", "service_account"])


def apply_defect(person: Person, code: str, facts: Facts, domain: Domain) -> None:
    """Change an ordinary person into one of this class."""
    person.defect = code
    BY_CODE[code].change(person, facts, domain)
