"""What can be wrong with certificate mappings (altSecurityIdentities): classes of defects for recon.lab.defects."""

from datetime import UTC, datetime

from recon.decode.certmap import issuer_serial
from recon.lab.company import AdAccount, Domain, Person
from recon.lab.issued import certificate, name, sid_extension
from recon.lab.people import Facts
from recon.lab.person_changes import second_account


def _authority(domain: Domain) -> str:
    """The issuer as a certificate shows it, leaf first."""
    return f"CN={domain.netbios}-CA,{domain.base_dn}"


def _strong(facts: Facts, domain: Domain) -> str:
    return issuer_serial(_authority(domain), f"2B{facts.guid.hex()[:20]}")


def _weak(account: AdAccount, domain: Domain) -> str:
    root = ",".join(reversed(domain.base_dn.split(",")))
    return f"X509:<I>{root},CN={domain.netbios}-CA<S>{root},CN={account.sam}"


def _map(account: AdAccount, *values: str) -> None:
    account.further = {**account.further, "altSecurityIdentities": [value.encode() for value in values]}


def certificate_weak(person: Person, facts: Facts, domain: Domain) -> None:
    account = person.ad[0]
    _map(account, f"X509:<RFC822>{account.mail}" if facts.dice & 2 else _weak(account, domain))
    person.plant("certificate_weak_only", account)


def certificate_weak_administrator(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, None)
    account = person.ad[1]
    account.admin_count = 1
    _map(account, _weak(account, domain))
    person.plant("certificate_weak_only_privileged", account)
    person.plant("ad_enabled_not_in_entra", account)
    person.plant("ad_privileged_delegable", account)
    person.plant("ad_admincount_left", account)


def certificate_weak_beside(person: Person, facts: Facts, domain: Domain) -> None:
    _map(person.ad[0], _weak(person.ad[0], domain), _strong(facts, domain))
    person.plant("certificate_weak_beside_strong", person.ad[0])


def certificate_malformed(person: Person, facts: Facts, domain: Domain) -> None:
    issuer = _strong(facts, domain).partition("<SR>")[0]
    _map(person.ad[0], f"{issuer}<SR>{facts.guid.hex()[:15]}" if facts.dice & 2 else f"X509:<PN>{person.ad[0].upn}")
    person.plant("certificate_mapping_malformed", person.ad[0])


def certificate_issuer_order(person: Person, facts: Facts, domain: Domain) -> None:
    _map(person.ad[0], f"X509:<I>{_authority(domain)}<SR>{facts.guid.hex()[:20]}2B")
    person.plant("certificate_issuer_order", person.ad[0])


def certificate_shared(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, None)
    _map(person.ad[0], _strong(facts, domain))
    _map(person.ad[1], _strong(facts, domain).lower())
    person.plant("certificate_mapping_duplicate", *person.ad)
    person.plant("ad_enabled_not_in_entra", person.ad[1])


def certificate_strong(person: Person, facts: Facts, domain: Domain) -> None:
    _map(person.ad[0], _strong(facts, domain), f"Kerberos:{person.ad[0].sam}@PARTNER.EXAMPLE")


def _publish(account: AdAccount, facts: Facts, domain: Domain, sid: str | None) -> None:
    """A certificate of the domain's authority in userCertificate, valid for longer than any rehearsal."""
    root = list(reversed(domain.base_dn.split(",")))
    der = certificate(
        subject=name(*root, f"CN={account.sam}"),
        issuer=name(*root, f"CN={domain.netbios}-CA"),
        serial=int(f"2B{facts.guid.hex()[:16]}", 16),
        sid=None if sid is None else sid_extension(sid.encode()),
        until=datetime(2099, 1, 1, tzinfo=UTC),
    )
    account.further = {**account.further, "userCertificate": [der]}


def certificate_of_another(person: Person, facts: Facts, domain: Domain) -> None:
    _publish(person.ad[0], facts, domain, "S-1-5-21-1004336348-1177238915-682003330-1104")
    person.plant("certificate_sid_differs", person.ad[0])


def certificate_known(person: Person, facts: Facts, domain: Domain) -> None:
    _map(person.ad[0], _weak(person.ad[0], domain))
    _publish(person.ad[0], facts, domain, None)
    person.plant("certificate_weak_only", person.ad[0])
    person.plant("certificate_strong_form_known", person.ad[0])


# change, per mille, meaning, findings, backfill: rows of the table in recon.lab.defects
CLASSES = (
    (certificate_of_another, 1, "a published certificate with the SID of an account of another domain",
     "certificate_sid_differs", "already_present"),
    (certificate_known, 1, "a weak certificate mapping alone, and a published certificate",
     "certificate_weak_only, certificate_strong_form_known", "already_present"),
    (certificate_weak, 2, "a weak certificate mapping alone", "certificate_weak_only", "already_present"),
    (certificate_weak_administrator, 1, "an administrator's account with a weak certificate mapping alone",
     "certificate_weak_only_privileged, ad_enabled_not_in_entra, ad_privileged_delegable, ad_admincount_left",
     "already_present"),
    (certificate_weak_beside, 1, "a weak certificate mapping beside a strong one", "certificate_weak_beside_strong",
     "already_present"),
    (certificate_malformed, 1, "a certificate mapping that maps nobody", "certificate_mapping_malformed",
     "already_present"),
    (certificate_issuer_order, 1, "the issuer of a certificate mapping leaf first", "", "already_present"),
    (certificate_shared, 1, "a second account carries the same certificate mapping",
     "certificate_mapping_duplicate x2, ad_enabled_not_in_entra", "already_present"),
    (certificate_strong, 2, "a strong certificate mapping", "-", "already_present"),
)  # fmt: skip
