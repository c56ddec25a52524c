"""Every table that a load fills, column by column: the one description that loaders, store and docs share.

A source yields a `Row`; its values stand in the order of `Table.columns`. The store adds source_id, row_id,
row_hash and loaded_at by itself. Nothing here reads, writes or decides: it only names. Long, because it is one table.

Column types and how a value travels in a Row (missing is None, always; '' never):
    text    str              raw text, as the source has it
    key     str              folded by recon.decode.keys: the only thing joined or compared
    anchor  str              byte-exact text (base64 source anchors), never folded
    int     int              32 bit;  bigint: 64 bit
    flag    int              0 or 1
    bytes   bytes
    time    str              UTC 'YYYY-MM-DD HH:MM:SS.ffffff', the one form on every engine
    date    str              'YYYY-MM-DD'
    day     int              days since 1970-01-01
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

TYPES = frozenset({"text", "key", "anchor", "int", "bigint", "flag", "bytes", "time", "date", "day"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `attribute` is the source's own name, None where the loader derives the value."""

    name: str
    type: str
    attribute: str | None = None
    note: str = ""
    size: int | None = None  # characters or bytes; None: no bound
    volatile: bool = False  # left out of the row hash: changes without meaning
    personal: bool = False  # personal data: masked in reports and reader views
    counts: str | None = None  # the link table of which it counts the owner's rows, see Row.absent


@dataclass(frozen=True)
class Table:
    """One table. `key`: the columns that, with source_id, name a row. `grain`: what one row is."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    kind: str = "object"  # object | child (values of an object) | link (members)
    parent: str | None = None  # child: the table whose key it repeats
    duplicates: str = "last"  # one key twice in one read: last | reject (all of them, where they differ)
    passes: bool = False  # rows come to leave, many at once: the shrink guard does not apply

    @cached_property
    def position(self) -> dict[str, int]:
        """Column name to its place in Row.values."""
        return {column.name: place for place, column in enumerate(self.columns)}


class Row(NamedTuple):
    """One row of `table`; values in column order, children as (child table, values after the parent's key).

    `absent`: columns and child tables that the answer did not contain. Only increments name them: what stands in the
    database is kept for these (NULL and no children for an object that is new). A column that `counts` links is
    absent where an increment does not know the number: the store counts again, after the links, for each owner that
    is new or had a link come or go. A None that is not absent stays NULL: the links cannot be read.
    """

    table: str
    values: tuple[object, ...]
    children: tuple[tuple[str, tuple[object, ...]], ...] = ()
    absent: frozenset[str] = frozenset()


class Gone(NamedTuple):
    """What a source no longer has, as an increment tells it. Of one key the last that was read counts, Row or Gone.

    `key`: of an object table the object's key. Of a link table the whole key for one link, or the owner's alone for
    all of its links so far (those read after it count again).
    `last_name`: of Active Directory, the folded name of an object that the last load must have held in one table or
    another; '' where it may have had several. Where the load did not hold it, and others name it so, a full read is due.
    """

    table: str
    key: tuple[object, ...]
    last_name: str | None = None


class Withdrawn(NamedTuple):
    """The last so many rows that were yielded do not count: what they were read from is read again from its beginning.

    Without this, what went away or changed between both readings would stand beside what is there.
    """

    rows: int


Yielded = Row | Gone | Withdrawn  # what a reading yields


@dataclass
class TableRead:
    """What one read can prove about one table."""

    filter: str | None = None  # LDAP filter, Graph path with query, or file name
    pages: int = 0
    server_count: int | None = None  # the server's own count, where it has one
    watermark: str | None = None  # highestCommittedUSN, delta link …
    is_whole: bool = False  # in an increment: this table was read as in a full read; what was not read is gone


@dataclass
class ReadReport:
    """Filled by a source while it is read; complete only when its rows() ended without an error."""

    tables: dict[str, TableRead] = field(default_factory=dict)
    bytes_read: int = 0
    requests: int = 0
    warnings: list[str] = field(default_factory=list)
    is_increment: bool = False  # the rows are changes since a watermark; what is not named stays as it is
    watermark: str | None = None  # where the next increment of the whole source begins; opaque to the store

    def table(self, name: str) -> TableRead:
        """The entry for one table, made at the first call."""
        return self.tables.setdefault(name, TableRead())


class Reading(Protocol):
    """One read of one source. Iterate rows() to its end, then ask `report` what was proven."""

    report: ReadReport

    def rows(self) -> Iterator[Yielded]:
        """Yield every row; raises SourceError when the source could not be read to its end.

        An increment (report.is_increment, set before the first row) yields changes, Gone among them, and raises
        WatermarkError when its watermark no longer serves: then a full read is due.
        """
        ...


def _columns(spec: str) -> tuple[Column, ...]:
    """Read the compact form below, one column a line.

    `name type[(size)] [attribute|-] [!volatile] [!personal] [!counts=table] [# note]`
    """
    columns = []
    for line in spec.strip().splitlines():
        declaration, _, note = line.strip().partition("#")
        words = declaration.split()
        if not words:
            continue
        name, kind, *rest = words
        kind, _, size = kind.partition("(")
        if kind not in TYPES:
            raise ValueError(f"unknown column type in: {line}")
        flags = {word for word in rest if word.startswith("!")}
        counted = next((flag.removeprefix("!counts=") for flag in flags if flag.startswith("!counts=")), None)
        names = [word for word in rest if not word.startswith("!")]
        columns.append(
            Column(
                name=name,
                type=kind,
                attribute=None if not names or names[0] == "-" else names[0],
                note=note.strip(),
                size=int(size.rstrip(")")) if size else None,
                volatile="!volatile" in flags,
                personal="!personal" in flags,
                counts=counted,
            )
        )
    return tuple(columns)


def _numbered(prefix: str, attribute: str, count: int) -> str:
    return "\n".join(f"{prefix}{n} text {attribute}{n}" for n in range(1, count + 1))


# ---- Active Directory ---------------------------------------------------------------------------------

_AD_COMMON = """
guid text(36) - # objectGUID as lower-case text
objectguid bytes(16) objectGUID
distinguishedname text distinguishedName
dn_key key(850) - # folded distinguished name
cn text(256) cn
name text(256) name
displayname text(256) displayName
description text description # first value
objectsid bytes(68) objectSid
sid text(184) - # objectSid as S-1-… text
ou_path text - # the part of the distinguished name above the object
whencreated time whenCreated
whenchanged time whenChanged !volatile
usncreated bigint uSNCreated
usnchanged bigint uSNChanged !volatile
"""

_AD_ACCOUNT = """
samaccountname text(256) sAMAccountName
sam_key key(256) -
samaccounttype int sAMAccountType
useraccountcontrol int userAccountControl
msdsuseraccountcontrolcomputed int msDS-User-Account-Control-Computed !volatile # lockout, password expired: by the clock
is_enabled flag - # bit 2 of userAccountControl is clear; NULL when the attribute cannot be read
primarygroupid int primaryGroupID
admincount int adminCount
iscriticalsystemobject flag isCriticalSystemObject
pwdlastset bigint pwdLastSet
pwd_last_set_at time -
pwd_last_set_day day -
lastlogontimestamp bigint lastLogonTimestamp !volatile # replicated up to 14 days late
last_logon_at time - !volatile
last_logon_day day - !volatile
accountexpires bigint accountExpires # 0 and 2^63-1: never
account_expires_at time - # NULL: never
account_expires_day day -
lockouttime bigint lockoutTime
locked_out_at time - # NULL: not locked; whether it still holds depends on the domain's lockout duration
"""

_AD_USER = (
    _AD_COMMON
    + """
msdsconsistencyguid bytes(16) mS-DS-ConsistencyGuid
immutable_id anchor(64) - # base64 of mS-DS-ConsistencyGuid, else of objectGUID: what Entra calls onPremisesImmutableId
guid_immutable_id anchor(64) - # base64 of objectGUID alone
"""
    + _AD_ACCOUNT
    + """
userprincipalname text(1024) userPrincipalName
upn_key key(450) -
upn_suffix key(256) - # folded, behind the last @
givenname text(64) givenName
sn text(64) sn
initials text(6) initials
employeeid text(64) employeeID
employeeid_key key(64) - # through the configured normaliser
employeenumber text(512) employeeNumber
employeetype text(256) employeeType
mail text(256) mail
mail_key key(256) -
mailnickname text(64) mailNickname
mailnickname_key key(64) -
targetaddress text(1024) targetAddress
targetaddress_key key(450) - # folded; of an SMTP value the address alone, so that it meets mail_key
smtp_primary text(1024) - # the SMTP: value of proxyAddresses
smtp_primary_key key(450) -
legacyexchangedn text(512) legacyExchangeDN
title text(128) title
department text(64) department
company text(64) company
division text(256) division
manager text manager # distinguished name
manager_key key(850) -
physicaldeliveryofficename text(128) physicalDeliveryOfficeName
telephonenumber text(64) telephoneNumber
mobile text(64) mobile !personal
facsimiletelephonenumber text(64) facsimileTelephoneNumber
streetaddress text(1024) streetAddress
l text(128) l # city
st text(128) st # state
postalcode text(40) postalCode
c text(3) c # ISO country, two letters
co text(128) co # country as text
countrycode int countryCode # ISO 3166 number
preferredlanguage text(64) preferredLanguage
info text info
homedirectory text(512) homeDirectory
scriptpath text(512) scriptPath
"""
    + _numbered("extensionattribute", "extensionAttribute", 15)
    + "\n"
    + _numbered("msdscloudextensionattribute", "msDS-cloudExtensionAttribute", 20)
)

_AD_GROUP = (
    _AD_COMMON
    + """
samaccountname text(256) sAMAccountName
sam_key key(256) -
samaccounttype int sAMAccountType
rid int - # last number of the SID: 512 is Domain Admins in every domain
grouptype int groupType # signed: below 0 is a security group
mail text(256) mail
mail_key key(256) -
mailnickname text(64) mailNickname
mailnickname_key key(64) -
managedby text managedBy # distinguished name
managedby_key key(850) -
admincount int adminCount
iscriticalsystemobject flag isCriticalSystemObject
member_count int - !volatile !counts=ad_member # direct members as read
"""
)

_AD_COMPUTER = (
    _AD_COMMON
    + _AD_ACCOUNT
    + """
dnshostname text(2048) dNSHostName
operatingsystem text(256) operatingSystem
operatingsystemversion text(256) operatingSystemVersion
managedby text managedBy # distinguished name
managedby_key key(850) -
"""
)

_AD_CONTACT = (
    _AD_COMMON
    + """
givenname text(64) givenName
sn text(64) sn
mail text(256) mail
mail_key key(256) -
mailnickname text(64) mailNickname
mailnickname_key key(64) -
targetaddress text(1024) targetAddress
targetaddress_key key(450) - # folded; of an SMTP value the address alone, so that it meets mail_key
company text(64) company
department text(64) department
"""
)

_AD_DELETED = """
guid text(36) - # objectGUID as lower-case text
objectguid bytes(16) objectGUID
object_type text(16) - # user, computer, group or contact
last_name text(256) - # the common name it had
samaccountname text(256) sAMAccountName
sam_key key(256) -
objectsid bytes(68) objectSid
sid text(184) -
lastknownparent text lastKnownParent # distinguished name
distinguishedname text distinguishedName # of what is left of it
isrecycled flag isRecycled # 1: what it held is gone for good
whencreated time whenCreated
whenchanged time whenChanged # when it was deleted, or recycled
deleted_day day - # of whenChanged
"""

_AD_DOMAIN = """
guid text(36) -
objectguid bytes(16) objectGUID
distinguishedname text distinguishedName
dns_name key(256) -
objectsid bytes(68) objectSid
sid text(184) -
maxpwdage bigint maxPwdAge # in 100 ns, negative
max_password_days int - # whole days, rounded down; NULL: passwords do not expire
minpwdage bigint minPwdAge
minpwdlength int minPwdLength
pwdhistorylength int pwdHistoryLength
pwdproperties int pwdProperties # 1 complexity, 16 reversible encryption
lockoutthreshold int lockoutThreshold # 0: accounts are not locked
lockoutduration bigint lockoutDuration
lockout_minutes int - # NULL: until an administrator unlocks
lockoutobservationwindow bigint lockOutObservationWindow
msdsbehaviorversion int msDS-Behavior-Version # functional level: 7 is Windows Server 2016
msdsmachineaccountquota int ms-DS-MachineAccountQuota
tombstonelifetime int tombstoneLifetime # days; of the forest
msdsdeletedobjectlifetime int msDS-DeletedObjectLifetime # days; NULL: as tombstonelifetime
whenchanged time whenChanged !volatile
"""

_AD_POLICY = """
guid text(36) -
objectguid bytes(16) objectGUID
distinguishedname text distinguishedName
name text(256) name
msdspasswordsettingsprecedence int msDS-PasswordSettingsPrecedence # the lowest number wins
msdsmaximumpasswordage bigint msDS-MaximumPasswordAge
max_password_days int - # whole days, rounded down; NULL: passwords do not expire
msdsminimumpasswordage bigint msDS-MinimumPasswordAge
msdsminimumpasswordlength int msDS-MinimumPasswordLength
msdspasswordhistorylength int msDS-PasswordHistoryLength
msdspasswordcomplexityenabled flag msDS-PasswordComplexityEnabled
msdspasswordreversibleencryptionenabled flag msDS-PasswordReversibleEncryptionEnabled
msdslockoutthreshold int msDS-LockoutThreshold
msdslockoutduration bigint msDS-LockoutDuration
lockout_minutes int - # NULL: until an administrator unlocks
msdslockoutobservationwindow bigint msDS-LockoutObservationWindow
whenchanged time whenChanged !volatile
"""

# ---- Entra ID -----------------------------------------------------------------------------------------

_ENTRA_USER = """
id text(36) id # object id, lower case
userprincipalname text(1024) userPrincipalName
upn_key key(450) -
upn_suffix key(256) -
displayname text(256) displayName
givenname text(64) givenName
surname text(64) surname
usertype text(32) userType
is_guest flag - # userType is Guest
accountenabled flag accountEnabled
is_enabled flag - # accountEnabled; NULL when the answer did not contain it
employeeid text(64) employeeId
employeeid_key key(64) - # through the configured normaliser
employeetype text(128) employeeType
employeehiredate time employeeHireDate
employeeleavedatetime time employeeLeaveDateTime
employeeorgdata_division text(256) employeeOrgData.division
employeeorgdata_costcenter text(256) employeeOrgData.costCenter
mail text(256) mail
mail_key key(256) -
mailnickname text(64) mailNickname
smtp_primary text(1024) - # the SMTP: value of proxyAddresses
smtp_primary_key key(450) -
othermails_count int - # number of otherMails; NULL when the answer did not contain the property
usagelocation text(8) usageLocation
usagelocation_known flag - # 0 when the answer did not contain the property
country text(128) country
createddatetime time createdDateTime
created_day day -
creationtype text(64) creationType
externaluserstate text(64) externalUserState
externaluserstatechangedatetime time externalUserStateChangeDateTime
jobtitle text(128) jobTitle
department text(64) department
companyname text(64) companyName
officelocation text(128) officeLocation
mobilephone text(64) mobilePhone !personal
faxnumber text(64) faxNumber
streetaddress text(1024) streetAddress
city text(128) city
state text(128) state
postalcode text(40) postalCode
preferredlanguage text(64) preferredLanguage
preferreddatalocation text(16) preferredDataLocation
agegroup text(32) ageGroup
consentprovidedforminor text(32) consentProvidedForMinor
legalagegroupclassification text(64) legalAgeGroupClassification
onpremisessyncenabled flag onPremisesSyncEnabled # 1 synced; NULL never synced
is_synced flag - # onPremisesSyncEnabled is true
onpremiseslastsyncdatetime time onPremisesLastSyncDateTime !volatile
onpremisesimmutableid anchor(128) onPremisesImmutableId # byte-exact: never folded
onpremisessecurityidentifier text(184) onPremisesSecurityIdentifier
sid text(184) - # the same in canonical form
onpremisessamaccountname text(256) onPremisesSamAccountName
sam_key key(256) -
onpremisesdistinguishedname text onPremisesDistinguishedName
onpremises_dn_key key(850) -
onpremisesdomainname text(256) onPremisesDomainName
onpremisesuserprincipalname text(1024) onPremisesUserPrincipalName
onpremises_upn_key key(450) -
passwordpolicies text(256) passwordPolicies
lastpasswordchangedatetime time lastPasswordChangeDateTime
signinsessionsvalidfromdatetime time signInSessionsValidFromDateTime !volatile
securityidentifier text(184) securityIdentifier # the cloud SID S-1-12-1-…
showinaddresslist flag showInAddressList
isresourceaccount flag isResourceAccount
ismanagementrestricted flag isManagementRestricted
""" + _numbered("extensionattribute", "onPremisesExtensionAttributes.extensionAttribute", 15)

_ENTRA_GROUP = """
id text(36) id
displayname text(256) displayName
name_key key(256) - # folded displayName
description text description
mail text(256) mail
mail_key key(256) -
mailnickname text(64) mailNickname
mailenabled flag mailEnabled
securityenabled flag securityEnabled
is_unified flag - # groupTypes has Unified: a Microsoft 365 group
is_dynamic flag - # groupTypes has DynamicMembership
isassignabletorole flag isAssignableToRole
visibility text(32) visibility
classification text(64) classification
membershiprule text membershipRule
membershipruleprocessingstate text(32) membershipRuleProcessingState
createddatetime time createdDateTime
expirationdatetime time expirationDateTime
reneweddatetime time renewedDateTime
onpremisessyncenabled flag onPremisesSyncEnabled
is_synced flag -
onpremiseslastsyncdatetime time onPremisesLastSyncDateTime !volatile
onpremisessecurityidentifier text(184) onPremisesSecurityIdentifier
sid text(184) -
onpremisessamaccountname text(256) onPremisesSamAccountName
sam_key key(256) -
onpremisesdomainname text(256) onPremisesDomainName
onpremisesnetbiosname text(64) onPremisesNetBiosName
securityidentifier text(184) securityIdentifier
member_count int - !volatile !counts=entra_member # direct members as read
"""

_ENTRA_DELETED = """
id text(36) id
object_type text(16) - # user or group
displayname text(256) displayName
userprincipalname text(1024) userPrincipalName # users alone
upn_key key(450) -
mail text(256) mail
mail_key key(256) -
mailnickname text(64) mailNickname
employeeid text(64) employeeId # users alone
employeeid_key key(64) - # through the configured normaliser
usertype text(32) userType # users alone
onpremisessyncenabled flag onPremisesSyncEnabled
is_synced flag -
onpremisesimmutableid anchor(128) onPremisesImmutableId # users alone
name_key key(256) - # folded displayName
is_unified flag - # a deleted group: groupTypes has Unified; securityEnabled tells nothing once it is deleted
deleteddatetime time deletedDateTime # purged 30 days later
deleted_day day -
"""

_ENTRA_ROLE = """
id text(36) id # of a role that nobody has activated: the id of its definition
displayname text(256) displayName
description text description
roletemplateid text(36) roleTemplateId
is_activated flag - # 0: known from eligible members alone, so without a name
"""

_ENTRA_REGISTRATION = """
id text(36) id # the user's
userprincipalname text(1024) userPrincipalName
upn_key key(450) -
userdisplayname text(256) userDisplayName
usertype text(32) userType
isadmin flag isAdmin
ismfaregistered flag isMfaRegistered
ismfacapable flag isMfaCapable
ispasswordlesscapable flag isPasswordlessCapable
isssprregistered flag isSsprRegistered # the required number of methods is registered
isssprenabled flag isSsprEnabled # the policy allows it
isssprcapable flag isSsprCapable # both
issystempreferredauthenticationmethodenabled flag isSystemPreferredAuthenticationMethodEnabled
userpreferredmethodforsecondaryauthentication text(64) userPreferredMethodForSecondaryAuthentication
lastupdateddatetime time lastUpdatedDateTime !volatile # of the report, not of the registration
"""

_ENTRA_SIGNIN = """
id text(36) id # the user's
lastsignindatetime time signInActivity.lastSignInDateTime !volatile
last_signin_day day - !volatile
lastnoninteractivesignindatetime time signInActivity.lastNonInteractiveSignInDateTime !volatile
last_noninteractive_signin_day day - !volatile
lastsuccessfulsignindatetime time signInActivity.lastSuccessfulSignInDateTime !volatile
last_successful_signin_day day - !volatile
"""

_ENTRA_DOMAIN = """
id text(253) id # its name
domain_key key(253) - # folded; what upn_suffix is compared with
authenticationtype text(32) authenticationType # Managed or Federated
isdefault flag isDefault
isinitial flag isInitial # the onmicrosoft.com name
isverified flag isVerified
isadminmanaged flag isAdminManaged
isroot flag isRoot
"""

# ---- MIM, FIM, Entra Connect sync -----------------------------------------------------------------------

_MIM_ROLE = """
role text(16) - # administrators, operators, joiners, browse or passwordset
group_sid bytes(68) - # of the *_sid column of mms_server_configuration
sid text(184) - # the same as S-1-… text; find the group in ad_group, or in well_known_sid
rid int - # its last number, of a SID of a domain (S-1-5-21-…): what well_known_sid has of those
"""

_MIM_RUN = """
run_history_id text(64) run_history_id
ma_id text(64) ma_id # management agent
run_number int run_number
run_profile_name text(256) run_profile_name
user_name text(256) user_name # who started it, DOMAIN\\user
is_run_complete flag is_run_complete
run_result text(256) run_result # success, in-progress, …
current_step_number int current_step_number
total_steps int total_steps
start_date time start_date # as the database has it: UTC
start_day day -
end_date time end_date
"""

# ---- HR -----------------------------------------------------------------------------------------------

_WORKER = """
worker_id text(64) -
worker_key key(64) - # folded worker id
employee_id text(64) - # the id that AD and Entra carry; the worker id where HR has no other
employeeid_key key(64) - # through the configured normaliser
user_id text(256) -
first_name text(128) -
last_name text(128) -
display_name text(256) -
worker_type text(128) -
worker_status text(64) -
is_active flag - # from the status, else from the dates; NULL when neither tells
hire_date date -
hire_day day -
original_hire_date date -
original_hire_day day -
termination_date date - # NULL for 9999-12-31: no end is set
termination_day day -
personal_mail text(320) - !personal
personal_mail_key key(320) - !personal
personal_mail_masked text(320) -
work_mail text(320) -
work_mail_key key(320) -
country text(128) - # as HR writes it
country_code text(2) - # ISO 3166 alpha-2, NULL when it cannot be mapped
company text(256) -
department text(256) -
cost_center text(128) -
job_title text(256) -
location text(256) -
manager_id text(64) -
manager_key key(64) -
source_row int - !volatile # record number in the file, the header is 1
"""


def _child(name: str, parent: str, note: str, extra: str = "", *, personal: bool = False) -> Table:
    """A multi-valued attribute: the parent's key, the value's position (from 0), the value and its key."""
    mark = " !personal" if personal else ""
    key = {"worker": "worker_id"}.get(parent, "guid" if parent.startswith("ad_") else "id")
    columns = _columns(
        f"{key} text({64 if parent == 'worker' else 36})\nposition int\nvalue text {mark}\nvalue_key key(450) {mark}\n{extra}"
    )
    return Table(name, note, columns, (key, "position"), kind="child", parent=parent)


def _own(name: str, parent: str, grain: str, key: tuple[str, ...], spec: str) -> Table:
    return Table(name, grain, _columns(spec), key, kind="child", parent=parent)


_MAPPING = """
kind text(32) # X509IssuerSerialNumber …, kerberos, malformed, other
strength text(8) # strong, weak, other (KB5014754)
issuer text # as written
subject text
serial text(128) # as the certificate has it: the value holds it reversed by byte
strong_value text # what to write instead, where the value itself tells
"""

_DEFECT = "guid text(36)\nattribute text(128)\nposition int\ndefect text(64) # see docs: value defects\nvalue text"

_TABLES = (
    Table("ad_user", "One row per user object of a domain.", _columns(_AD_USER), ("guid",)),
    _child("ad_user_proxyaddress", "ad_user", "One row per value of proxyAddresses.",
           "prefix text(32) # as written: SMTP, smtp, x500 …\naddress text # behind the prefix"),
    _child("ad_user_altsecurityidentity", "ad_user", "One row per value of altSecurityIdentities.", _MAPPING),
    _child("ad_user_serviceprincipalname", "ad_user", "One row per value of servicePrincipalName."),
    _child("ad_user_sidhistory", "ad_user", "One row per SID of sIDHistory, as text."),
    Table("ad_group", "One row per group object of a domain.", _columns(_AD_GROUP), ("guid",)),
    _child("ad_group_proxyaddress", "ad_group", "One row per value of proxyAddresses.",
           "prefix text(32)\naddress text"),
    Table("ad_member", "One row per direct member of a group.",
          _columns("guid text(36) # the group's\nmember_dn text member\nmember_key key(850)"),
          ("guid", "member_key"), kind="link"),
    Table("ad_computer", "One row per computer object of a domain.", _columns(_AD_COMPUTER), ("guid",)),
    _child("ad_computer_altsecurityidentity", "ad_computer", "One row per value of altSecurityIdentities.", _MAPPING),
    _child("ad_computer_serviceprincipalname", "ad_computer", "One row per value of servicePrincipalName."),
    Table("ad_contact", "One row per contact object of a domain.", _columns(_AD_CONTACT), ("guid",)),
    _child("ad_contact_proxyaddress", "ad_contact", "One row per value of proxyAddresses.",
           "prefix text(32)\naddress text"),
    _own("ad_attribute", "ad_user", "One row per value of an attribute the site asked for ([ad] attributes).",
         ("guid", "attribute", "position"),
         "guid text(36)\nattribute text(128) # lower case, hyphens dropped\nposition int\nvalue text # base64 when not UTF-8"),
    _own("ad_user_certificate", "ad_user",
         "One row per certificate of userCertificate that can be read, where [ad] attributes names userCertificate.",
         ("guid", "position"),
         "guid text(36)\nposition int\nsubject text # root first\nissuer text # root first\n"
         "serial text(128) # not reversed\nnot_after time\n"
         "sid text(184) # of extension 1.3.6.1.4.1.311.25.2, else of the tag in subjectAltName\n"
         "strong_value text # the X509IssuerSerialNumber mapping of this certificate"),
    _own("ad_value_defect", "ad_user", "One row per defect of one value that SQL cannot test alike on all engines.",
         ("guid", "attribute", "position", "defect"),
         _DEFECT),
    _own("ad_group_value_defect", "ad_group", "One row per defect of one value that SQL cannot test alike on all engines.",
         ("guid", "attribute", "position", "defect"), _DEFECT),
    _own("ad_contact_value_defect", "ad_contact",
         "One row per defect of one value that SQL cannot test alike on all engines.",
         ("guid", "attribute", "position", "defect"), _DEFECT),
    Table("ad_deleted", "One row per deleted user, computer, group or contact, until it is purged.",
          _columns(_AD_DELETED), ("guid",), passes=True),
    Table("ad_domain", "One row per domain: its password and lockout policy.", _columns(_AD_DOMAIN), ("guid",)),
    Table("ad_password_policy", "One row per fine-grained password policy.", _columns(_AD_POLICY), ("guid",)),
    _own("ad_password_policy_target", "ad_password_policy", "One row per user or group that a policy is applied to.",
         ("guid", "position"),
         "guid text(36)\nposition int\ntarget_dn text # distinguished name\ntarget_key key(850)"),
    Table("entra_user", "One row per user of a tenant, guests included.", _columns(_ENTRA_USER), ("id",)),
    _child("entra_user_othermail", "entra_user", "One row per value of otherMails.",
           "value_masked text(320)", personal=True),
    _child("entra_user_proxyaddress", "entra_user", "One row per value of proxyAddresses.",
           "prefix text(32)\naddress text"),
    _child("entra_user_businessphone", "entra_user", "One row per value of businessPhones."),
    _child("entra_user_imaddress", "entra_user", "One row per value of imAddresses."),
    _own("entra_user_identity", "entra_user", "One row per sign-in identity.", ("id", "position"),
         "id text(36)\nposition int\nsignintype text(64)\nissuer text(256)\nissuerassignedid text(1024)"),
    _own("entra_user_license", "entra_user", "One row per assigned licence.", ("id", "position"),
         "id text(36)\nposition int\nskuid text(36)"),
    _own("entra_user_provisioningerror", "entra_user", "One row per synchronization error on the user.",
         ("id", "position"),
         "id text(36)\nposition int\ncategory text(64)\npropertycausingerror text(256)\nvalue text\noccurreddatetime time"),
    _own("entra_value_defect", "entra_user", "One row per defect of one value.",
         ("id", "attribute", "position", "defect"),
         "id text(36)\nattribute text(128)\nposition int\ndefect text(64)\nvalue text"),
    Table("entra_group", "One row per group of a tenant.", _columns(_ENTRA_GROUP), ("id",)),
    _child("entra_group_proxyaddress", "entra_group", "One row per value of proxyAddresses.",
           "prefix text(32)\naddress text"),
    Table("entra_member", "One row per direct member of a group.",
          _columns("id text(36) # the group's\nmember_id text(36)\nmember_type text(64) # user, group, device …"),
          ("id", "member_id"), kind="link"),
    Table("entra_group_owner",
          "One row per owner of a group; Graph has none of synced groups and of groups made in Exchange.",
          _columns("id text(36) # the group's\nowner_id text(36)\nowner_type text(64) # user"),
          ("id", "owner_id"), kind="link"),
    Table("entra_deleted", "One row per soft-deleted user or group of a tenant, until it is purged.",
          _columns(_ENTRA_DELETED), ("id",), passes=True),
    Table("entra_role", "One row per directory role of a tenant that somebody has activated or is eligible for.",
          _columns(_ENTRA_ROLE), ("id",)),
    Table("entra_role_member", "One row per direct member of a directory role, active or eligible.",
          _columns("id text(36) # the role's\nmember_id text(36)\n"
                   "member_type text(64) # user, group, servicePrincipal\n"
                   "is_eligible flag # 1: may activate the role; 0: holds it"),
          ("id", "member_id", "is_eligible"), kind="link"),
    Table("entra_registration",
          "One row per enabled user of a tenant: what is registered for self-service password reset and MFA.",
          _columns(_ENTRA_REGISTRATION), ("id",)),
    _child("entra_registration_method", "entra_registration", "One row per registered authentication method."),
    Table("entra_signin", "One row per user of a tenant: the last sign-ins, NULL where there was none.",
          _columns(_ENTRA_SIGNIN), ("id",)),
    Table("entra_domain", "One row per domain name subscribed by a tenant, verified or not.",
          _columns(_ENTRA_DOMAIN), ("id",)),
    _own("entra_domain_service", "entra_domain", "One row per service that a domain is used for.", ("id", "position"),
         "id text(253)\nposition int\nvalue text(128)"),
    Table("worker", "One row per worker of an HR system.", _columns(_WORKER), ("worker_id",), duplicates="reject"),
    _own("worker_prior_id", "worker", "One row per earlier employee id.", ("worker_id", "position"),
         "worker_id text(64)\nposition int\nprior_id text(64)\nprior_id_key key(64)"),
    _own("worker_attribute", "worker", "One row per further column of the HR extract (scope attributes).",
         ("worker_id", "attribute"), "worker_id text(64)\nattribute text(128) # the header as written\nvalue text"),
    _own("worker_value_defect", "worker", "One row per defect of one value.", ("worker_id", "attribute", "defect"),
         "worker_id text(64)\nattribute text(128)\ndefect text(64)\nvalue text"),
    Table("mim_role", "One row per role of a synchronization service (MIM, FIM, Entra Connect): its group.",
          _columns(_MIM_ROLE), ("role",)),
    Table("mim_run", "One row per run in the history of a synchronization service, as far as it is kept there.",
          _columns(_MIM_RUN), ("run_history_id",), passes=True),
    Table("load_reject", "One row per record that was read and not published.",
          _columns("object text(256) # table or kind\nobject_key text(450)\nsource_row int\nreason text(64)\ndetail text(1000)"),
          ("object", "object_key", "source_row"), kind="reject"),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}

TABLES_OF_KIND: dict[str, tuple[str, ...]] = {
    "ad": tuple(name for name in TABLES if name.startswith("ad_")),
    "entra": tuple(name for name in TABLES if name.startswith("entra_")),
    "workers": tuple(name for name in TABLES if name.startswith("worker")),
    "mim": tuple(name for name in TABLES if name.startswith("mim_")),
}
