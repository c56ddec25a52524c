"""What a domain controller says of itself: its naming contexts, its USN, and who it is ([MS-ADTS] 3.1.1.3.2)."""

from dataclasses import dataclass
from typing import Protocol

import ldap3

from recon.decode.guid import guid_text
from recon.errors import DecodeError, RestartError, SourceError, TransientError
from recon.sources.ldap.exchange import RawEntry, integer

_NAMES = [
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "highestCommittedUSN",
    "dsServiceName",
    "dnsHostName",
    "isSynchronized",
]


class _Answer(Protocol):
    @property
    def entries(self) -> list[RawEntry]: ...


class _Searches(Protocol):
    def __call__(self, base: str, scope: str, filter_text: str, attributes: list[str]) -> _Answer: ...


@dataclass(frozen=True, slots=True)
class RootDse:
    """What the domain controller says of itself. `invocation_id`: of its database; None where it cannot be read."""

    naming_context: str | None
    configuration: str | None
    schema: str | None
    highest_usn: int | None
    service: str | None
    invocation_id: str | None
    dns_host_name: str | None
    is_synchronized: bool

    @property
    def watermark(self) -> str | None:
        """highestCommittedUSN with the server it belongs to; None where the server does not tell."""
        if self.highest_usn is None or self.service is None:
            return None
        identity = (
            f"dsServiceName={self.service}" if self.invocation_id is None else f"invocationId={self.invocation_id}"
        )
        return f"usn={self.highest_usn};{identity}"


def read_root_dse(search: _Searches, host: str) -> RootDse:
    """Ask the server for its rootDSE, and its NTDS Settings object for the invocationId."""
    answer = search("", ldap3.BASE, "(objectClass=*)", _NAMES)
    if not answer.entries:
        raise SourceError(f"{host} has no rootDSE: is it an Active Directory server?")
    values = {name: one[0].decode("utf-8", "replace") for name, one in answer.entries[0][1].items() if one}
    service = values.get("dsservicename")
    return RootDse(
        naming_context=values.get("defaultnamingcontext"),
        configuration=values.get("configurationnamingcontext"),
        schema=values.get("schemanamingcontext"),
        highest_usn=integer(values.get("highestcommittedusn", "")),
        service=service,
        invocation_id=None if service is None else _invocation_id(search, service),
        dns_host_name=values.get("dnshostname"),
        is_synchronized=values.get("issynchronized", "TRUE") != "FALSE",
    )


def _invocation_id(search: _Searches, service: str) -> str | None:
    """The id of the controller's database, which changes when it is restored ([MS-ADTS] 3.1.1.1.9)."""
    try:
        answer = search(service, ldap3.BASE, "(objectClass=*)", ["invocationId"])
        return guid_text(answer.entries[0][1]["invocationid"][0])
    except (RestartError, TransientError):
        raise
    except (SourceError, DecodeError, LookupError):  # not readable for everybody
        return None
