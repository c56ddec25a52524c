"""Well-known SIDs ([MS-DTYP] 2.4.2.4): whole ones, and those that are a domain's SID with a fixed number behind it.

Names are English, as the specification has them; a domain in another language shows its own for the same SID.
"""

import re
from typing import NamedTuple


class WellKnown(NamedTuple):
    """One well-known SID. `sid`: S-1-…, or S-1-5-21-<domain>-RID; `kind`: universal, builtin or domain.

    `rid`: the number behind a domain's SID, None for whole SIDs.
    """

    sid: str
    name: str
    kind: str
    rid: int | None


_UNIVERSAL = {
    "S-1-0-0": "Null",
    "S-1-1-0": "Everyone",
    "S-1-2-0": "Local",
    "S-1-2-1": "Console Logon",
    "S-1-3-0": "Creator Owner",
    "S-1-3-1": "Creator Group",
    "S-1-3-4": "Owner Rights",
    "S-1-5-1": "Dialup",
    "S-1-5-2": "Network",
    "S-1-5-3": "Batch",
    "S-1-5-4": "Interactive",
    "S-1-5-6": "Service",
    "S-1-5-7": "Anonymous",
    "S-1-5-9": "Enterprise Domain Controllers",
    "S-1-5-10": "Principal Self",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-12": "Restricted Code",
    "S-1-5-13": "Terminal Server User",
    "S-1-5-14": "Remote Interactive Logon",
    "S-1-5-15": "This Organization",
    "S-1-5-18": "Local System",
    "S-1-5-19": "Local Service",
    "S-1-5-20": "Network Service",
}
_BUILTIN = {
    544: "Administrators",
    545: "Users",
    546: "Guests",
    547: "Power Users",
    548: "Account Operators",
    549: "Server Operators",
    550: "Print Operators",
    551: "Backup Operators",
    552: "Replicator",
    554: "Pre-Windows 2000 Compatible Access",
    555: "Remote Desktop Users",
    556: "Network Configuration Operators",
    557: "Incoming Forest Trust Builders",
    558: "Performance Monitor Users",
    559: "Performance Log Users",
    560: "Windows Authorization Access Group",
    561: "Terminal Server License Servers",
    562: "Distributed COM Users",
    568: "IIS_IUSRS",
    569: "Cryptographic Operators",
    573: "Event Log Readers",
    574: "Certificate Service DCOM Access",
    575: "RDS Remote Access Servers",
    576: "RDS Endpoint Servers",
    577: "RDS Management Servers",
    578: "Hyper-V Administrators",
    579: "Access Control Assistance Operators",
    580: "Remote Management Users",
    582: "Storage Replica Administrators",
}
_DOMAIN = {
    498: "Enterprise Read-only Domain Controllers",
    500: "Administrator",
    501: "Guest",
    502: "krbtgt",
    512: "Domain Admins",
    513: "Domain Users",
    514: "Domain Guests",
    515: "Domain Computers",
    516: "Domain Controllers",
    517: "Cert Publishers",
    518: "Schema Admins",
    519: "Enterprise Admins",
    520: "Group Policy Creator Owners",
    521: "Read-only Domain Controllers",
    522: "Cloneable Domain Controllers",
    525: "Protected Users",
    526: "Key Admins",
    527: "Enterprise Key Admins",
    553: "RAS and IAS Servers",
    571: "Allowed RODC Password Replication Group",
    572: "Denied RODC Password Replication Group",
}

WELL_KNOWN_SIDS: tuple[WellKnown, ...] = (
    *(WellKnown(sid, name, "universal", None) for sid, name in _UNIVERSAL.items()),
    *(WellKnown(f"S-1-5-32-{rid}", name, "builtin", None) for rid, name in _BUILTIN.items()),
    *(WellKnown(f"S-1-5-21-<domain>-{rid}", name, "domain", rid) for rid, name in _DOMAIN.items()),
)

_BY_SID = {each.sid: each for each in WELL_KNOWN_SIDS}
_OF_DOMAIN = re.compile(r"(S-1-5-21)-[0-9]+-[0-9]+-[0-9]+(-[0-9]+)")


def well_known(sid: str) -> WellKnown | None:
    """What a SID in canonical text form is known as, whatever its domain; None for any other."""
    match = _OF_DOMAIN.fullmatch(sid)
    return _BY_SID.get(f"{match.group(1)}-<domain>{match.group(2)}" if match else sid)
