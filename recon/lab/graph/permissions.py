"""What an application permission lets a token read and write, as the API pages of users, groups and members say.

A call beyond the permissions is refused with 403; a property beyond them is left out of the answer.
Taken from practice, not from a checked page: which permissions list groups and domains, and what a device or contact
needs, and which permission reads a synchronization schema. That permanent deletion needs what restoring needs is
assumed.
"""

from collections.abc import Iterable

from recon.errors import UsageError
from recon.lab.graph.schema import USER, words

FULL_USERS = frozenset(
    words("User.Read.All User.ReadWrite.All User.ReadUpdate.All Directory.Read.All Directory.ReadWrite.All")
)
BASIC_USERS = frozenset({"User.ReadBasic.All", "User-Mail.ReadWrite.All"})
BASIC_PROPERTIES = frozenset(words("displayName givenName id mail photo securityIdentifier surname userPrincipalName"))
GUARDED = {
    "employeeLeaveDateTime": frozenset({"User-LifeCycleInfo.Read.All", "User-LifeCycleInfo.ReadWrite.All"}),
    "customSecurityAttributes": frozenset({"CustomSecAttributeAssignment.Read.All"}),
    "mailboxSettings": frozenset({"MailboxSettings.Read"}),
    "signInActivity": frozenset({"AuditLog.Read.All"}),
}
_ANY_GROUPS = frozenset(
    words("""
        Group.Read.All Group.ReadWrite.All GroupMember.Read.All GroupMember.ReadWrite.All Directory.Read.All
    Directory.ReadWrite.All
    """)
)
READ_GROUPS = _ANY_GROUPS
READ_MEMBERS = _ANY_GROUPS | {"GroupMember.ReadBasic.All"}
READ_HIDDEN = frozenset({"Member.Read.Hidden"})
_MEMBER_TYPES = {
    "user": FULL_USERS | BASIC_USERS,
    "group": READ_GROUPS,
    "device": frozenset({"Device.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"}),
    "orgContact": frozenset({"OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"}),
}
READ_DELETED = {
    "user": frozenset(words("User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")),
    "group": frozenset(words("Group.Read.All Group.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")),
}
RESTORE = {
    "user": frozenset({"User.DeleteRestore.All", "User.ReadWrite.All"}),
    "group": frozenset({"Group.ReadWrite.All"}),
}
READ_ROLES = frozenset(
    words("""
        RoleManagement.Read.Directory Directory.Read.All RoleManagement.ReadWrite.Directory Directory.ReadWrite.All
    """)
)
READ_ELIGIBLE = frozenset(
    words("""
        RoleEligibilitySchedule.Read.Directory RoleEligibilitySchedule.ReadWrite.Directory RoleManagement.Read.All
        RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory
    """)
)
READ_REPORTS = frozenset({"AuditLog.Read.All"})
UPLOAD = frozenset({"SynchronizationData-User.Upload", "SynchronizationData-User.Upload.OwnedBy"})
READ_SYNCHRONIZATION = frozenset({"Synchronization.Read.All", "Synchronization.ReadWrite.All"})
READ_PROVISIONING_LOG = frozenset({"ProvisioningLog.Read.All", "AuditLog.Read.All"})
READ_DOMAINS = frozenset(words("Domain.Read.All Domain.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"))
_UPDATE_USERS = frozenset({"User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"})
WRITE = {"otherMails": _UPDATE_USERS | {"User-Mail.ReadWrite.All"}, "usageLocation": _UPDATE_USERS}
SENSITIVE = frozenset(
    words("""
        accountEnabled businessPhones mobilePhone onPremisesImmutableId otherMails passwordProfile
    userPrincipalName
    """)
)
PRIVILEGED_ROLES = frozenset({"Global Administrator", "Privileged Authentication Administrator"})

KNOWN = (
    FULL_USERS
    | BASIC_USERS
    | READ_MEMBERS
    | READ_HIDDEN
    | READ_ROLES
    | READ_ELIGIBLE
    | READ_REPORTS
    | UPLOAD
    | READ_SYNCHRONIZATION
    | READ_PROVISIONING_LOG
    | READ_DOMAINS
    | frozenset().union(
        *READ_DELETED.values(), *RESTORE.values(), *GUARDED.values(), *_MEMBER_TYPES.values(), *WRITE.values()
    )
)


def check_names(names: Iterable[str]) -> frozenset[str]:
    """The names as a set. Raises UsageError for a permission the simulator does not know."""
    names = frozenset(names)
    if unknown := sorted(names - KNOWN):
        raise UsageError(
            f"unknown application permission: {', '.join(unknown)}", hint=f"known: {', '.join(sorted(KNOWN))}"
        )
    return names


def may_read_user(permissions: frozenset[str], name: str) -> bool:
    """Whether one property of a user stands in the answer."""
    if name in GUARDED:
        return bool(permissions & GUARDED[name]) and bool(permissions & FULL_USERS)
    if permissions & FULL_USERS:
        return True
    if name == "otherMails":
        return "User-Mail.ReadWrite.All" in permissions
    return name in BASIC_PROPERTIES and bool(permissions & BASIC_USERS)


def may_read(permissions: frozenset[str], kind: str, name: str) -> bool:
    """Whether one property of an object of this kind stands in the answer; other kinds have no guarded ones."""
    return may_read_user(permissions, name) if kind == USER.name else True


def may_read_type(permissions: frozenset[str], kind: str) -> bool:
    """Whether objects of this type may be read at all; members of another type come as stubs."""
    return bool(permissions & _MEMBER_TYPES.get(kind, frozenset()))
