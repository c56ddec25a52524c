"""What is in nobody's record: in each domain a forgotten computer and two contacts that no mail reaches, and where
several domains feed one tenant an account of one name in each.

`entries` and `namesakes` make them, `plants` says which rows of findings follow.
"""

from collections.abc import Iterator
from hashlib import blake2b

from recon.decode.guid import guid_text
from recon.lab.adrendering import AdRenderer
from recon.lab.company import AdAccount, Company, Entry
from recon.lab.group_defects import CompanyPlant
from recon.lab.rendering import filetime

_RID = 8_400_000  # above every person's, below every group's
_FORGOTTEN, _NOWHERE, _ELSEWHERE = 9_000_007, 9_000_001, 9_000_002  # numbers that no person has


def entries(render: AdRenderer) -> Iterator[Entry]:
    """The three of one domain."""
    dn, computer = render.computer(_FORGOTTEN)
    yield dn, computer | {"lastLogonTimestamp": [filetime(render.day, 200, 32_400)]}
    dn, contact = render.contact(_NOWHERE)
    yield dn, {name: values for name, values in contact.items() if name != "targetAddress"}
    dn, contact = render.contact(_ELSEWHERE)
    yield dn, contact | {"targetAddress": [b"SMTP:" + contact["mail"][0].replace(b"@", b".old@")]}


def _namesake(company: Company, place: int) -> AdAccount | None:
    """A door scanner's account without a UPN; none where no other domain feeds the tenant: one domain refuses it."""
    domain = company.domains[place]
    if sum(other.tenant == domain.tenant for other in company.domains) < 2:
        return None
    guid = blake2b(f"{domain.name} scanner".encode(), digest_size=16).digest()
    return AdAccount(place, "Door scanner", "OU=Admins", guid, _RID, "door-scanner", None, None, None,
                     "Door scanner", None, None)  # fmt: skip


def namesakes(company: Company, place: int, render: AdRenderer) -> Iterator[Entry]:
    """The account of one domain, or nothing."""
    account = _namesake(company, place)
    if account is not None:
        yield render.user(account, 0)


def plants(company: Company) -> Iterator[CompanyPlant]:
    """The rows that must be found about them."""
    codes = ("ad_stale_computer", "contact_targetaddress_missing", "contact_targetaddress_differs")
    for domain in company.domains:
        for code, (_, entry) in zip(codes, entries(AdRenderer(domain, company.today)), strict=True):
            kind = "ad_computer" if code == "ad_stale_computer" else "ad_contact"
            shown = entry["dNSHostName" if kind == "ad_computer" else "displayName"][0].decode()
            yield CompanyPlant(code, kind, guid_text(entry["objectGUID"][0]), shown)
    for place in range(len(company.domains)):
        account = _namesake(company, place)
        if account is not None:
            for code in ("duplicate_samaccountname", "upn_missing", "ad_enabled_not_in_entra"):
                yield CompanyPlant(code, "ad_user", guid_text(account.guid), account.sam)
