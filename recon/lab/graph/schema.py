"""What a user and a group consist of in Microsoft Graph v1.0, and what each property may be asked.

Names and types follow the published CSDL (tests/data/graph-subset.openapi.yaml); the default sets, the properties
that a collection refuses and the $filter table follow the documentation of "List users" and "Advanced query
capabilities". The default set and the $filter table of groups are taken from practice, not from a checked page.
Only names stand here, no behaviour.
"""

from dataclasses import dataclass, field

DEFAULT = "default"  # works with and without advanced query
ADVANCED = "advanced"  # ConsistencyLevel: eventual and $count=true
BASIC_ONLY = "basic only"  # refused in an advanced query

Support = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Kind:
    """One type of directory object. `apart`: properties outside the main store, single reads only unless listed."""

    name: str
    path: str
    columns: tuple[str, ...]
    defaults: tuple[str, ...]
    arrays: frozenset[str]
    booleans: frozenset[str]
    filters: Support
    apart: dict[str, object] = field(default_factory=dict)  # name: value of a user who never had one
    single_only: frozenset[str] = frozenset()
    indexed: tuple[str, ...] = ()

    @property
    def odata_type(self) -> str:
        """The annotation of polymorphic answers."""
        return f"#microsoft.graph.{self.name}"

    @property
    def label(self) -> str:
        """How error messages call the type."""
        return self.name.capitalize()


def words(text: str) -> tuple[str, ...]:
    """Names set apart by blanks."""
    return tuple(text.split())


def _support(text: str) -> Support:
    """Read `property eq=D startswith=A …` lines; D default, A advanced, B default only."""
    levels = {"D": DEFAULT, "A": ADVANCED, "B": BASIC_ONLY}
    table: Support = {}
    for line in text.strip().splitlines():
        names, *rules = words(line)
        for name in names.split(","):
            table[name] = {rule.partition("=")[0]: levels[rule.partition("=")[2]] for rule in rules}
    return table


_USER_FILTERS = _support(
    """
employeeId eq=D null=A
employeeHireDate range=A
employeeType eq=A
mail eq=D startswith=D endswith=A null=A
mailNickname,displayName,givenName,surname,jobTitle eq=D startswith=D null=A
userPrincipalName eq=D startswith=D endswith=A
userType eq=D null=A
usageLocation eq=D startswith=D null=A
mobilePhone,officeLocation,faxNumber,postalCode,streetAddress eq=A startswith=A null=A
onPremisesImmutableId eq=D
onPremisesSecurityIdentifier,onPremisesSyncEnabled eq=D null=A
onPremisesSamAccountName eq=A startswith=A
onPremisesDistinguishedName eq=A startswith=A null=A
onPremisesExtensionAttributes eq=A startswith=A null=A
onPremisesLastSyncDateTime range=D
onPremisesProvisioningErrors any/category=D any/propertyCausingError=D
otherMails any=D any/startswith=D any/endswith=A count=A
proxyAddresses any=D any/startswith=D any/endswith=A
imAddresses any=D any/startswith=D
identities any/issuer=B
"""
)

_GROUP_FILTERS = _support(
    """
displayName,mail,mailNickname eq=D startswith=D null=A
mailEnabled,securityEnabled eq=D
onPremisesSecurityIdentifier,onPremisesSyncEnabled eq=D null=A
onPremisesSamAccountName eq=A startswith=A
onPremisesLastSyncDateTime range=D
groupTypes any=D
proxyAddresses any=D any/startswith=D
"""
)

_NEVER = "0001-01-01T00:00:00Z"

USER = Kind(
    name="user",
    path="users",
    columns=words("""
        id deletedDateTime accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo businessPhones
        city companyName consentProvidedForMinor country createdDateTime creationType customSecurityAttributes
        department displayName employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType
        externalUserState externalUserStateChangeDateTime faxNumber givenName identities identityParentId imAddresses
        isManagementRestricted isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification
        licenseAssignmentStates mail mailNickname mobilePhone officeLocation onPremisesDistinguishedName
        onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime
        onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled
        onPremisesUserPrincipalName otherMails passwordPolicies passwordProfile postalCode preferredDataLocation
        preferredLanguage provisionedPlans proxyAddresses securityIdentifier serviceProvisioningErrors
        showInAddressList signInSessionsValidFromDateTime state streetAddress surname usageLocation
        userPrincipalName userType
    """),
    defaults=words("""
        businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname
        userPrincipalName id
    """),
    arrays=frozenset(
        words("""
        assignedLicenses assignedPlans businessPhones identities imAddresses licenseAssignmentStates
        onPremisesProvisioningErrors otherMails provisionedPlans proxyAddresses serviceProvisioningErrors
    """)
    ),
    booleans=frozenset(
        words("accountEnabled isManagementRestricted isResourceAccount onPremisesSyncEnabled showInAddressList")
    ),
    filters=_USER_FILTERS,
    apart={
        "aboutMe": None,
        "birthday": _NEVER,
        "deviceEnrollmentLimit": 0,
        "hireDate": _NEVER,
        "interests": [],
        "mailboxSettings": None,
        "mySite": None,
        "pastProjects": [],
        "preferredName": None,
        "responsibilities": [],
        "schools": [],
        "signInActivity": None,
        "skills": [],
    },
    single_only=frozenset(
        words("""
        aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills
        mailboxSettings
    """)
    ),
    indexed=("employeeId", "userPrincipalName", "mail", "onPremisesImmutableId", "onPremisesSecurityIdentifier"),
)

_GROUP_DEFAULTS = words("""
        id deletedDateTime classification createdDateTime description displayName expirationDateTime groupTypes
    isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState
    onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName
    onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses
    renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme
    uniqueName visibility onPremisesProvisioningErrors serviceProvisioningErrors
    """)

GROUP = Kind(
    name="group",
    path="groups",
    columns=(
        *_GROUP_DEFAULTS,
        *words("""
        assignedLabels assignedLicenses hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients
        infoCatalogs isManagementRestricted licenseProcessingState onPremisesExtensionAttributes organizationId
        welcomeMessageEnabled
    """),
    ),
    defaults=_GROUP_DEFAULTS,
    arrays=frozenset(
        words("""
        assignedLabels assignedLicenses groupTypes infoCatalogs onPremisesProvisioningErrors proxyAddresses
        resourceBehaviorOptions resourceProvisioningOptions serviceProvisioningErrors
    """)
    ),
    booleans=frozenset(
        words("""
        hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients isAssignableToRole
        isManagementRestricted mailEnabled onPremisesSyncEnabled securityEnabled welcomeMessageEnabled
    """)
    ),
    filters=_GROUP_FILTERS,
    apart={"accessType": None, "allowExternalSenders": None, "isArchived": None, "unseenCount": None},
    single_only=frozenset(words("accessType allowExternalSenders isArchived unseenCount")),
    indexed=("displayName", "onPremisesSecurityIdentifier"),
)

MEMBER_TYPES = frozenset({"user", "group", "device", "orgContact", "servicePrincipal"})
"""Types a group may hold [Group overview]."""
HIDDEN_TYPES = frozenset({"servicePrincipal"})
"""Types that v1.0 leaves out of the members of a group (known issue)."""
