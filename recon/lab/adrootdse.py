"""The rootDSE: what a domain controller tells everybody before a bind ([MS-ADTS] 3.1.1.3.2)."""

from datetime import UTC, datetime

from recon.lab import ber
from recon.lab.addirectory import Directory, controller_dn
from recon.lab.adsearch import CONTROLS
from recon.lab.ldapfilter import Filter, Present

START_TLS = "1.3.6.1.4.1.1466.20037"
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_CAPABILITIES = (
    "1.2.840.113556.1.4.800",  # Active Directory
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1791",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
    "1.2.840.113556.1.4.2237",
)
_POLICIES = (
    "MaxPoolThreads MaxDatagramRecv MaxReceiveBuffer InitRecvTimeout MaxConnections MaxConnIdleTime MaxPageSize"
    " MaxBatchReturnMessages MaxQueryDuration MaxTempTableSize MaxResultSetSize MinResultSets MaxResultSetsPerConn"
    " MaxNotificationPerConn MaxValRange"
)
_RANGE_OPTION = "1.2.840.113556.1.4.802"  # no control: says that attribute;range= is understood


def root_dse(directory: Directory, host: str, has_tls: bool) -> dict[str, list[str]]:
    """Attribute to values, as text. `host`: the server's short name."""
    configuration = directory.configuration_dn
    schema = f"CN=Schema,{configuration}"
    service = controller_dn(host, configuration)
    contexts = [directory.base_dn, configuration, schema, f"DC=DomainDnsZones,{directory.base_dn}"]
    return {
        "currentTime": [datetime.now(UTC).strftime("%Y%m%d%H%M%S.0Z")],
        "dsServiceName": [service],
        "namingContexts": contexts,
        "defaultNamingContext": [directory.base_dn],
        "schemaNamingContext": [schema],
        "configurationNamingContext": [configuration],
        "rootDomainNamingContext": [directory.root_dn],
        "supportedControl": [*CONTROLS, _RANGE_OPTION],
        "supportedLDAPVersion": ["3", "2"],
        "supportedLDAPPolicies": _POLICIES.split(),
        "supportedCapabilities": list(_CAPABILITIES),
        "supportedExtension": [START_TLS, WHO_AM_I] if has_tls else [WHO_AM_I],
        "highestCommittedUSN": [str(directory.highest_usn)],
        "dnsHostName": [f"{host}.{directory.dns_name}"],
        "ldapServiceName": [f"{directory.dns_name}:{host}$@{directory.dns_name.upper()}"],
        "serverName": [service.partition(",")[2]],
        "isSynchronized": ["TRUE"],
        "isGlobalCatalogReady": ["FALSE"],
        "domainFunctionality": ["7"],
        "forestFunctionality": ["7"],
        "domainControllerFunctionality": ["7"],
    }


def encode_root_dse(
    attributes: dict[str, list[str]], requested: tuple[str, ...], node: Filter, is_types_only: bool
) -> bytes | None:
    """The encoded name and attributes of the entry; None when the filter is not (objectClass=*), its only one."""
    if not isinstance(node, Present) or node.attribute.casefold() != "objectclass":
        return None
    folded = {name.casefold() for name in requested}
    is_all = not folded or "*" in folded
    parts = [
        ber.value(ber.SEQUENCE, ber.text(name), ber.value(ber.SET, *(() if is_types_only else map(ber.text, values))))
        for name, values in attributes.items()
        if is_all or name.casefold() in folded
    ]
    return ber.text("") + ber.value(ber.SEQUENCE, *parts)
