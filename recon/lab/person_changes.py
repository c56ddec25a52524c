"""Changes to a person that several classes of defects share: a second account, leaving, being disabled."""

from dataclasses import replace
from hashlib import blake2b

from recon.lab.company import Domain, Person
from recon.lab.people import Facts
from recon.lab.rendering import account_dn


def other_bytes(facts: Facts, what: str) -> bytes:
    """A GUID for something else that belongs to the person."""
    return blake2b(facts.guid + what.encode(), digest_size=16).digest()


def disable(person: Person) -> None:
    """Disable all accounts of the person."""
    for account in person.ad:
        account.uac |= 2
    for user in person.entra:
        user.enabled = False


def second_account(person: Person, facts: Facts, employee_id: str | None) -> None:
    """An account for administration beside the person's own."""
    own = person.ad[0]
    person.ad.append(
        replace(
            own,
            cn=f"adm {own.cn}",
            ou="OU=Admins",
            guid=other_bytes(facts, "admin"),
            rid=own.rid + 1,
            sam=f"adm-{own.sam}"[:20],
            upn=f"adm-{own.upn}",
            display=f"{own.display} (administration)",
            employee_id=employee_id,
            mail=None,
            manager=None,
            consistency_guid=None,
            extension={},
        )
    )


def leave(person: Person, ago: int) -> None:
    """Let HR say that the person leaves, `ago` days ago; AD and Entra hold the date too."""
    worker = person.workers[0]
    worker.left = ago
    worker.hired = max(worker.hired or 0, ago + 200)
    worker.status = "Terminated" if ago > 0 else "Active"
    for account in person.ad:
        account.leaves = ago
    for user in person.entra:
        user.leaves = ago


def disabled_terminated(person: Person, facts: Facts, domain: Domain) -> None:
    """Let the person leave as it should be: disabled everywhere, moved away."""
    disable(person)
    leave(person, 2 + facts.dice % 300)
    person.ad[0].ou = "OU=Leavers"
    for user in person.entra:
        user.dn = account_dn(person.ad[0], domain)
        user.other_mails = []
