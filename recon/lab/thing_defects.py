"""What can be wrong with computers and contacts: a forgotten computer and two contacts that no mail reaches, a domain.

They are in nobody's record; `entries` makes them, `plants` says which rows of findings follow.
"""

from collections.abc import Iterator

from recon.decode.guid import guid_text
from recon.lab.adrendering import AdRenderer
from recon.lab.company import Company, Entry
from recon.lab.group_defects import CompanyPlant
from recon.lab.rendering import filetime

_FORGOTTEN, _NOWHERE, _ELSEWHERE = 9_000_007, 9_000_001, 9_000_002  # numbers that no person has


def entries(render: AdRenderer) -> Iterator[Entry]:
    """The three of one domain."""
    dn, computer = render.computer(_FORGOTTEN)
    yield dn, computer | {"lastLogonTimestamp": [filetime(render.day, 200, 32_400)]}
    dn, contact = render.contact(_NOWHERE)
    yield dn, {name: values for name, values in contact.items() if name != "targetAddress"}
    dn, contact = render.contact(_ELSEWHERE)
    yield dn, contact | {"targetAddress": [b"SMTP:" + contact["mail"][0].replace(b"@", b".old@")]}


def plants(company: Company) -> Iterator[CompanyPlant]:
    """The rows that must be found about them."""
    codes = ("ad_stale_computer", "contact_targetaddress_missing", "contact_targetaddress_differs")
    for domain in company.domains:
        for code, (_, entry) in zip(codes, entries(AdRenderer(domain, company.today)), strict=True):
            kind = "ad_computer" if code == "ad_stale_computer" else "ad_contact"
            shown = entry["dNSHostName" if kind == "ad_computer" else "displayName"][0].decode()
            yield CompanyPlant(code, kind, guid_text(entry["objectGUID"][0]), shown)
