"""Who may act as somebody else: classes of defects for recon.lab.defects."""

from recon.decode.sid import sid_bytes
from recon.lab.company import Domain, Person
from recon.lab.people import Facts
from recon.lab.person_changes import second_account


def protocol_transition(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].uac = 512 | 16777216
    person.plant("ad_protocol_transition", person.ad[0])


def privileged_with_spn(person: Person, facts: Facts, domain: Domain) -> None:
    second_account(person, facts, None)
    account = person.ad[1]
    account.admin_count, account.uac = 1, 512 | 1048576
    account.further = {"servicePrincipalName": [f"MSSQLSvc/{account.sam}.{domain.name}:1433".encode()]}
    person.plant("ad_privileged_with_spn", account)
    person.plant("ad_enabled_not_in_entra", account)
    person.plant("ad_admincount_left", account)


def sid_history(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].further = {"sIDHistory": [sid_bytes(f"S-1-5-21-1547161642-842925246-725345543-{facts.rid}")]}
    person.plant("ad_sid_history", person.ad[0])


def privileged_sid_history(person: Person, facts: Facts, domain: Domain) -> None:
    person.ad[0].further = {"sIDHistory": [sid_bytes("S-1-5-21-1547161642-842925246-725345543-512")]}
    person.plant("ad_sid_history", person.ad[0])
    person.plant("ad_sid_history_privileged", person.ad[0])


# change, per mille, meaning, findings, backfill: rows of the table in recon.lab.defects
CLASSES = (
    (protocol_transition, 1, "may act as anybody without a sign-in", "ad_protocol_transition", "already_present"),
    (privileged_with_spn, 1, "an administrator's account that runs a service",
     "ad_privileged_with_spn, ad_enabled_not_in_entra, ad_admincount_left", "already_present"),
    (sid_history, 1, "carries the SID of a former domain", "ad_sid_history", "already_present"),
    (privileged_sid_history, 1, "carries the SID of a former domain's administrators",
     "ad_sid_history, ad_sid_history_privileged", "already_present"),
)  # fmt: skip
