"""What the lab's AD server knows of AD's schema: how attributes compare, which are constructed, short names.

Only what searches of an identity team touch; an attribute that stands neither here nor in the data is unknown,
and a filter item on it is Undefined, as in AD.
"""

from collections.abc import Callable
from functools import lru_cache

from recon.decode.sid import sid_bytes
from recon.errors import DecodeError


def _names(words: str) -> frozenset[str]:
    return frozenset(words.casefold().split())


OCTET_ATTRIBUTES = _names(
    "objectGUID objectSid sIDHistory mS-DS-ConsistencyGuid parentGUID attributeSecurityGUID schemaIDGUID tokenGroups"
    " userCertificate userSMIMECertificate cACertificate thumbnailPhoto jpegPhoto logonHours nTSecurityDescriptor"
    " msExchMailboxGuid msExchArchiveGUID msExchMailboxSecurityDescriptor msDS-GenerationId invocationId"
    " replPropertyMetaData replUpToDateVector repsFrom repsTo msDS-AllowedToActOnBehalfOfOtherIdentity"
    " securityIdentifier terminalServer msDS-TrustForestTrustInfo dnsRecord"
)
SID_ATTRIBUTES = _names("objectSid sIDHistory securityIdentifier tokenGroups")
INTEGER_ATTRIBUTES = _names(
    "uSNCreated uSNChanged userAccountControl msDS-User-Account-Control-Computed sAMAccountType groupType"
    " primaryGroupID adminCount pwdLastSet lastLogon lastLogoff lastLogonTimestamp accountExpires lockoutTime"
    " badPwdCount badPasswordTime logonCount countryCode codePage instanceType systemFlags searchFlags"
    " msDS-SupportedEncryptionTypes lockoutDuration lockOutObservationWindow lockoutThreshold maxPwdAge minPwdAge"
    " minPwdLength pwdHistoryLength pwdProperties msDS-Behavior-Version creationTime forceLogoff modifiedCount"
    " nextRid rIDAvailablePool localPolicyFlags msExchRecipientTypeDetails msExchRecipientDisplayType"
    " msExchVersion trustDirection trustType trustAttributes"
)
TIME_ATTRIBUTES = _names(
    "whenCreated whenChanged createTimeStamp modifyTimeStamp dSCorePropagationData msExchWhenMailboxCreated"
)
DN_ATTRIBUTES = _names(
    "distinguishedName member memberOf manager directReports managedBy managedObjects objectCategory secretary"
    " homeMDB lastKnownParent wellKnownObjects otherWellKnownObjects nCName serverReference"
    " dMDLocation defaultObjectCategory subRefs masteredBy rIDManagerReference fSMORoleOwner isMemberOfDL"
    " authOrig unauthOrig dLMemSubmitPerms dLMemRejectPerms publicDelegates altRecipient assistant"
)
# Computed by the domain controller at each read: answered only when named, and no part of a filter.
CONSTRUCTED_ATTRIBUTES = _names(
    "msDS-User-Account-Control-Computed msDS-UserPasswordExpiryTimeComputed tokenGroups tokenGroupsGlobalAndUniversal"
    " tokenGroupsNoGCAcceptable canonicalName allowedAttributes allowedAttributesEffective allowedChildClasses"
    " allowedChildClassesEffective createTimeStamp modifyTimeStamp subSchemaSubEntry structuralObjectClass"
    " msDS-ReplAttributeMetaData msDS-ReplValueMetaData msDS-ResultantPSO msDS-PrincipalName msDS-parentdistname"
    " parentGUID possibleInferiors sDRightsEffective entryTTL msDS-Approx-Immed-Subordinates msDS-isGC msDS-isRODC"
)
# Stored, but answered only when named.
ON_REQUEST_ATTRIBUTES = CONSTRUCTED_ATTRIBUTES | _names("nTSecurityDescriptor")

# Attributes that may be asked for or searched without any object having a value.
_TEXT_ATTRIBUTES = _names(
    "cn name displayName description objectClass sAMAccountName userPrincipalName givenName sn initials employeeID"
    " employeeNumber employeeType mail mailNickname proxyAddresses targetAddress legacyExchangeDN title department"
    " company division physicalDeliveryOfficeName telephoneNumber mobile facsimileTelephoneNumber streetAddress l st"
    " postalCode c co preferredLanguage info homeDirectory homeDrive scriptPath profilePath altSecurityIdentities"
    " servicePrincipalName dNSHostName operatingSystem operatingSystemVersion isDeleted isRecycled"
    " isCriticalSystemObject showInAddressBook ou dc otherMailbox pager ipPhone homePhone wWWHomePage"
    " msDS-SourceAnchor extensionName msExchHideFromAddressLists nETBIOSName dnsRoot uPNSuffixes"
) | frozenset(
    [f"extensionattribute{n}" for n in range(1, 16)] + [f"msds-cloudextensionattribute{n}" for n in range(1, 21)]
)
KNOWN_ATTRIBUTES = (
    OCTET_ATTRIBUTES
    | INTEGER_ATTRIBUTES
    | TIME_ATTRIBUTES
    | DN_ATTRIBUTES
    | CONSTRUCTED_ATTRIBUTES
    | ON_REQUEST_ATTRIBUTES
    | _TEXT_ATTRIBUTES
)

# lDAPDisplayName of a class to the common name in its defaultObjectCategory ([MS-ADSC]): `objectCategory=user` works.
_CATEGORY = {
    "user": "person",
    "inetorgperson": "person",
    "organizationalperson": "person",
    "contact": "person",
    "organizationalunit": "organizational-unit",
    "domaindns": "domain-dns",
    "crossref": "cross-ref",
    "foreignsecurityprincipal": "foreign-security-principal",
    "msds-groupmanagedserviceaccount": "ms-ds-group-managed-service-account",
    "msds-managedserviceaccount": "ms-ds-managed-service-account",
    "builtindomain": "builtin-domain",
}


class DnError(DecodeError):
    """A distinguished name that cannot be read."""


def dn_rdns(dn: str) -> tuple[str, ...]:
    """The relative names of a distinguished name, leaf first, each folded and with its escapes normalised.

    Raises DnError when a part has no `=` or an escape is cut off (RFC 4514).
    """
    if not dn.strip():
        return ()
    parts = _split_escaped(dn) if "\\" in dn else dn.casefold().split(",")
    rdns = []
    for part in parts:
        kind, equals, name = part.partition("=")
        kind = kind.strip()
        if not equals or not kind:
            raise DnError(f"not a distinguished name: {dn[:200]!r}")
        rdns.append(f"{kind}={name.strip()}")
    return tuple(rdns)


def _split_escaped(dn: str) -> list[str]:
    """Cut at unescaped commas; `\\2C` and `\\,` come out alike, as `\\2c`."""
    data = dn.encode()
    parts: list[bytearray] = [bytearray()]
    place = 0
    while place < len(data):
        octet = data[place]
        if octet == 0x5C:  # backslash
            pair = data[place + 1 : place + 3]
            if len(pair) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in pair):
                octet = int(pair, 16)
                place += 3
            elif pair:
                octet = pair[0]
                place += 2
            else:
                raise DnError("a distinguished name ends in a backslash")
            parts[-1] += b"\\%02x" % octet if octet in b',=+<>#;"\\ \0\n\r' else bytes((octet,))
            continue
        place += 1
        if octet == 0x2C:  # comma
            parts.append(bytearray())
        else:
            parts[-1].append(octet)
    try:
        return [part.decode().casefold() for part in parts]
    except UnicodeDecodeError as error:
        raise DnError("a distinguished name that is not UTF-8") from error


def dn_key(rdns: tuple[str, ...]) -> str:
    """The one spelling under which a distinguished name is found."""
    return ",".join(rdns)


def category_key(dn: str) -> str:
    """The folded common name at the front of an objectCategory value: `person`."""
    return dn.partition(",")[0].partition("=")[2].strip().casefold()


def category_of_class(name: str) -> str:
    """The category key that a short name in a filter (`objectCategory=user`) stands for."""
    folded = name.strip().casefold()
    return _CATEGORY.get(folded, folded)


def text_key(data: bytes) -> object:
    """Folded text; bytes that are not UTF-8 stand for themselves."""
    try:
        return data.decode().casefold()
    except UnicodeDecodeError:
        return data


def integer_key(data: bytes) -> object:
    """A number; what is none equals nothing."""
    try:
        return int(data)
    except ValueError:
        return None


def time_key(data: bytes) -> object:
    """GeneralizedTime cut to its seconds, so that `…00Z` equals `…00.0Z`; what is none equals nothing."""
    words = data.decode("ascii", "replace").removesuffix("Z").partition(".")[0]
    return words if len(words) == 14 and words.isdigit() else None


@lru_cache(maxsize=65536)
def dn_value_key(data: bytes) -> object:
    """A distinguished name in its one spelling; what is none stands for its text."""
    try:
        return dn_key(dn_rdns(data.decode()))
    except (DnError, UnicodeDecodeError):
        return text_key(data)


def octet_key(data: bytes) -> object:
    """Bytes compare exactly."""
    return data


def sid_key(data: bytes) -> object:
    """Bytes of a SID, or the bytes that its text form stands for (AD takes both in a filter)."""
    if data[:2].upper() == b"S-":
        try:
            return sid_bytes(data.decode("ascii", "replace"))
        except DecodeError:
            return None
    return data


def key_of(attribute: str) -> Callable[[bytes], object]:
    """How values of this attribute (folded name) are made comparable; equal keys are equal values."""
    if attribute in SID_ATTRIBUTES:
        return sid_key
    if attribute in OCTET_ATTRIBUTES:
        return octet_key
    if attribute in INTEGER_ATTRIBUTES:
        return integer_key
    if attribute in TIME_ATTRIBUTES:
        return time_key
    if attribute in DN_ATTRIBUTES:
        return dn_value_key
    return text_key
