"""What can be wrong with an account, and with the values that synchronize: classes of defects for recon.lab.defects.

As there, a class changes an ordinary person and plants the finding rows that follow.
"""

from dataclasses import replace

from recon.lab.company import Domain, Person
from recon.lab.people import Facts, make_account
from recon.lab.person_changes import disabled_terminated, other_bytes, second_account
from recon.lab.rendering import account_dn

# ---- state of accounts ------------------------------------------------------------------------------------


def stale_account(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].logon = 91 + facts.dice % 400
    person.plant("ad_stale_account", person.ad[0])


def entra_stale_account(person: Person, facts: Facts, domain: Domain) -> None:
    user = person.entra[0]
    user.created = max(user.created, 200)
    user.signed_in = 91 + facts.dice % 400 if facts.dice & 2 else None
    user.used = None if facts.dice & 4 else 91 + facts.dice % 90
    person.plant("entra_stale_account", user)


def stale_on_both_sides(person: Person, facts: Facts, domain: Domain) -> None:
    stale_account(person, facts, domain)
    entra_stale_account(person, facts, domain)
    person.plant("stale_on_both_sides", person.entra[0])


def never_logged_on(person: Person, facts: Facts, domain: Domain) -> None:
    account = person.ad[0]
    account.logon, account.created = None, max(account.created, 100)
    person.plant("ad_never_logged_on", account)


def password_never_expires(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 66048
    person.plant("ad_password_never_expires", person.ad[0])


def password_not_required(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 544
    person.plant("ad_password_not_required", person.ad[0])


def weak_kerberos(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 512 | 4194304 | 2097152
    person.plant("ad_preauth_not_required", person.ad[0])
    person.plant("ad_des_only", person.ad[0])


def reversible_password(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 512 | 128
    person.plant("ad_reversible_password", person.ad[0])


def unconstrained_delegation(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 512 | 524288
    person.plant("ad_unconstrained_delegation", person.ad[0])


def computed_bit(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 512 | (8388608 if facts.dice & 2 else 16)
    person.plant("ad_computed_bit_stored", person.ad[0])


def privileged_leaver(person: Person, facts: Facts, domain: Domain) -> None:
    disabled_terminated(person, facts, domain)
    person.ad[0].admin_count = 1
    person.groups += (("admins", facts.domain),)
    person.plant("ad_disabled_privileged", person.ad[0])
    person.plant("leaver_in_privileged_group", person.ad[0])


def manager_missing(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].manager = f"CN=Former Chief {facts.rid},OU=Leavers,{domain.base_dn}"
    person.plant("manager_missing", person.ad[0])


def manager_disabled(person: Person, facts: Facts, domain: Domain) -> None:
    given = (("Robin", "robin"), ("Kim", "kim"), ("Sam", "sam"), ("Toni", "toni"))[facts.dice % 4]
    former = make_account(
        replace(facts, guid=other_bytes(facts, "manager"), rid=facts.rid + 2, given=given, number=f"{facts.number}m"),
        domain,
    )
    former.ou, former.uac, former.employee_id, former.manager = "OU=Leavers", 514, None, None
    person.ad[0].manager = account_dn(former, domain)
    person.ad.append(former)
    person.plant("manager_disabled", person.ad[0])
    person.plant("ad_disabled_not_in_entra", former)


# ---- what synchronization refuses -------------------------------------------------------------------------


def _rename(person: Person, upn: str | None, domain: Domain) -> None:
    """Another UPN in AD; Entra has the first suffix of the tenant instead."""
    person.ad[0].upn = person.entra[0].on_premises_upn = upn
    person.entra[0].upn = f"{person.ad[0].sam}@{domain.netbios.lower()}.onmicrosoft.example"
    person.plant("upn_differs", person.entra[0])


def _mail(person: Person, mail: str) -> None:
    person.ad[0].mail = person.entra[0].mail = mail


def upn_not_routable(person: Person, facts: Facts, domain: Domain) -> None:
    _rename(person, f"{facts.given[1]}.{facts.surname[1]}{facts.number}@ad.{domain.netbios.lower()}.local", domain)
    person.plant("upn_not_routable", person.ad[0])


def upn_bad_character(person: Person, facts: Facts, domain: Domain) -> None:
    mark = ("&", "é", " ", "+")[facts.dice % 4]
    _rename(person, f"{facts.given[1]}{mark}{facts.surname[1]}{facts.number}@{domain.name}", domain)
    person.plant("sync_bad_character", person.ad[0])


def upn_missing(person: Person, facts: Facts, domain: Domain) -> None:
    _rename(person, None, domain)
    person.plant("upn_missing", person.ad[0])


def mail_bad_format(person: Person, facts: Facts, domain: Domain) -> None:
    _mail(person, f"{facts.given[1]}@{facts.surname[1]}{facts.number}@{domain.name}")
    person.plant("sync_bad_format", person.ad[0])


def mail_bad_parts(person: Person, facts: Facts, domain: Domain) -> None:
    _mail(person, f"{facts.given[1]}..{facts.surname[1]}{facts.number}@-{domain.name}")
    person.plant("sync_bad_local_part", person.ad[0])
    person.plant("sync_bad_domain_part", person.ad[0])


def mail_not_routable(person: Person, facts: Facts, domain: Domain) -> None:
    _mail(person, f"{facts.given[1]}.{facts.surname[1]}{facts.number}@{domain.netbios.lower()}.local")
    person.plant("address_not_routable", person.ad[0])


def name_blanks(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].display = person.entra[0].display = f"{person.ad[0].display} "
    person.plant("sync_blanks", person.ad[0])


def account_name_too_long(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].sam = person.entra[0].sam = f"{person.ad[0].sam}-administration"[:40]
    person.workers[0].user_id = person.ad[0].sam
    person.plant("sync_too_long", person.ad[0])


def names_missing(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].display = None
    person.ad[0].further = {"mailNickname": []}
    person.plant("displayname_missing", person.ad[0])
    person.plant("mailnickname_missing", person.ad[0])


def _addresses(person: Person, *values: str) -> None:
    person.ad[0].further = {"proxyAddresses": [value.encode() for value in values]}


def several_primary_smtp(person: Person, facts: Facts, domain: Domain) -> None:
    _addresses(person, f"SMTP:{person.ad[0].mail}", f"SMTP:{person.ad[0].sam}@mail.{domain.name}")
    person.plant("several_primary_smtp", person.ad[0])


def mail_not_primary(person: Person, facts: Facts, domain: Domain) -> None:
    _addresses(person, f"smtp:{person.ad[0].mail}", f"SMTP:{person.ad[0].sam}@mail.{domain.name}")
    person.plant("mail_not_primary", person.ad[0])


def mail_not_in_proxyaddresses(person: Person, facts: Facts, domain: Domain) -> None:
    _addresses(person, f"SMTP:{person.ad[0].sam}@mail.{domain.name}", f"sip:{person.ad[0].mail}")
    person.plant("mail_not_in_proxyaddresses", person.ad[0])


def duplicate_addresses(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, None)
    own, second = person.ad
    second.mail = (own.mail or "").upper()
    shared = {"mailNickname": own.sam.encode(), "targetAddress": f"SMTP:{own.sam}@mail.example.net".encode()}
    own.further = {name: [value] for name, value in shared.items()}
    second.further = {name: [value.swapcase()] for name, value in shared.items()}
    for code in ("duplicate_proxyaddress", "duplicate_mail_ad", "duplicate_mailnickname", "duplicate_targetaddress"):
        person.plant(code, own, second)
    person.plant("ad_enabled_not_in_entra", second)


def duplicate_upn(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, None)
    person.ad[1].upn = (person.ad[0].upn or "").upper()
    person.plant("duplicate_upn_ad", *person.ad)
    person.plant("ad_enabled_not_in_entra", person.ad[1])
