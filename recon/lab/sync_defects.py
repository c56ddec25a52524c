"""What can go wrong between AD and Entra while they synchronize: classes of defects for recon.lab.defects."""

from dataclasses import replace

from recon.lab.company import Domain, Person
from recon.lab.people import Facts
from recon.lab.person_changes import leave
from recon.lab.rendering import account_dn

_WRONG_FORMS = ("%Y%m%d", "%Y-%m-%d", "%Y%m%d010000Z", "%d/%m/%Y")


def hire_date(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].hired = person.entra[0].hired = facts.hired


def hire_date_invalid(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].hired, person.ad[0].hired_form = facts.hired, _WRONG_FORMS[facts.dice % 4]
    person.plant("lifecycle_date_invalid", person.ad[0])


def hire_date_mail(person: Person, facts: Facts, domain: Domain) -> None:
    address = (person.workers[0].personal_mail or "nobody@example.net").encode()
    person.ad[0].further = {"msDS-cloudExtensionAttribute1": [address]}
    person.plant("lifecycle_date_invalid", person.ad[0])
    person.plant("lifecycle_attribute_mixed", person.ad[0])


def hire_date_differs(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].hired = facts.hired + 10
    person.entra[0].hired = facts.hired + (10 if facts.dice & 2 else 0)
    person.plant("hire_date_differs", person.entra[0])


def leave_date_differs(person: Person, facts: Facts, domain: Domain) -> None:
    leave(person, -20 - facts.dice % 40)
    for record in (person.ad[0], person.entra[0]):
        record.leaves = -5 if facts.dice & 2 else None
    person.plant("leave_date_differs", person.entra[0])


def anchor_changed(person: Person, facts: Facts, domain: Domain) -> None:
    """Both sides get another one before the second day (recon.lab.next_day)."""
    person.plant("anchor_changed", person.ad[0], person.entra[0])


def provisioning_error(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].refused = ("ProxyAddresses", f"SMTP:{person.ad[0].sam}@shared.{domain.name}")
    person.plant("provisioning_error", person.entra[0])


def synced_not_following(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].dn = account_dn(replace(person.ad[0], ou="OU=Contractors,OU=People"), domain)
    person.plant("synced_not_following", person.entra[0])


def _cloud(person: Person, anchor: str | None) -> None:
    """The Entra user is older than synchronization: nothing in it comes from AD."""
    user = person.entra[0]
    user.is_synced = user.sid = user.sam = user.dn = user.domain = user.on_premises_upn = None
    user.anchor = anchor
    user.extension = {}


def hard_match_candidate(person: Person, facts: Facts, domain: Domain) -> None:
    _cloud(person, person.ad[0].anchor)
    person.plant("hard_match_candidate", person.entra[0])


def soft_match_candidate(person: Person, facts: Facts, domain: Domain) -> None:
    _cloud(person, None)
    person.plant("soft_match_candidate", person.entra[0])


def formerly_synced(person: Person, facts: Facts, domain: Domain) -> None:
    person.entra[0].is_synced = False
    person.plant("entra_formerly_synced", person.entra[0])
    person.plant("hard_match_candidate", person.entra[0])


# change, per mille, meaning, findings, backfill: rows of the table in recon.lab.defects
CLASSES = (
    (hire_date, 5, "the hire date in AD and Entra is HR's", "-", "already_present"),
    (hire_date_invalid, 2, "a hire date in AD that cannot synchronize", "lifecycle_date_invalid", "already_present"),
    (hire_date_mail, 1, "a mail address where others have the hire date",
     "lifecycle_date_invalid, lifecycle_attribute_mixed", "already_present"),
    (hire_date_differs, 2, "the hire date in AD is ten days before HR's", "", "already_present"),
    (leave_date_differs, 2, "another leave date, or none, in AD and Entra than in HR", "", "already_present"),
    (anchor_changed, 1, "both sides get another source anchor on the second day", "anchor_changed x2",
     "already_present"),
    (provisioning_error, 1, "Entra refused an address", "", "already_present"),
    (synced_not_following, 1, "moved in AD, Entra holds the former place", "", "already_present"),
    (hard_match_candidate, 1, "a cloud user with the AD user's anchor", "", "cloud_only"),
    (formerly_synced, 1, "synchronized once, and not any more", "entra_formerly_synced, hard_match_candidate",
     "cloud_only"),
    (soft_match_candidate, 1, "a cloud user with the AD user's UPN", "", "cloud_only"),
)  # fmt: skip
