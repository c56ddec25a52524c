"""DirSync: which objects changed since a cookie ([MS-ADTS] 3.1.1.3.4.1.3).

Only the fact is taken from it, and the members that were added to or removed from a group; the objects themselves are
read again, whole. Without the object-security flag it needs the right DS-Replication-Get-Changes at the domain's head.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import ldap3

from recon.errors import SourceError, TransientError, WatermarkError
from recon.sources.ldap.exchange import Attributes, Control, DirSyncAnswer, Search
from recon.sources.ldap.session import Session
from recon.sources.ldap.wire import dirsync_request

INCREMENTAL_VALUES = 0x80000000  # LDAP_DIRSYNC_INCREMENTAL_VALUES: link values that changed, not all of them
MAX_BYTES = 1 << 20  # of one answer
MAX_CHANGES = 100_000  # objects and members; what changed more is read in full, in constant memory
# asked for beside what becomes columns
CHANGE_ATTRIBUTES = ("name", "parentGUID", "isDeleted", "lastKnownParent", "whenCreated", "sAMAccountType")
_NOTHING = "(!(objectClass=*))"
_MAX_ANSWERS = 1_000_000
_NO_RIGHT = 50


@dataclass(slots=True)
class Told:
    """What DirSync says of one object."""

    is_deleted: bool = False
    is_new: bool = False
    is_renamed: bool = False  # renamed or moved, or new
    is_restored: bool = False
    is_retyped: bool = False  # another sAMAccountType
    members: dict[bytes, bool] = field(default_factory=dict)  # is it one now; in the order of the last words on them


def first_cookie(session: Session, base: str) -> bytes | None:
    """A cookie for everything from now on; None where the account or the server does not allow DirSync.

    The filter matches nothing, so that no object is sent; the server still walks through its changes.
    """
    cookie = b""
    for _ in range(_MAX_ANSWERS):
        search = Search(base, ldap3.SUBTREE, _NOTHING, ("objectGUID",), None, (_control(cookie),))
        received, _ = session.ask(search)
        if received.code in (51, 52):
            raise TransientError(f"{session.host}: the server is busy (result {received.code})")
        if received.code != 0:
            return None
        if received.dirsync is None:
            return None
        _check_progress(session, cookie, received.dirsync)
        cookie = received.dirsync.cookie
        if not received.dirsync.has_more:
            return cookie
    raise SourceError(f"{session.host}: DirSync does not come to an end")


def changes(session: Session, base: str, attributes: list[str], cookie: bytes) -> tuple[dict[bytes, Told], bytes]:
    """What changed since `cookie`, by objectGUID, and the cookie for the next time.

    Raises WatermarkError for a cookie that the server does not take, a right that was lost, or very many changes.
    """
    found: dict[bytes, Told] = {}
    values = 0
    for _ in range(_MAX_ANSWERS):
        search = Search(base, ldap3.SUBTREE, "(objectClass=*)", tuple(attributes), None, (_control(cookie),))
        received, entries = session.ask(search)
        if received.code in (51, 52):
            raise TransientError(f"{session.host}: the server is busy (result {received.code})")
        if received.code == _NO_RIGHT:
            raise WatermarkError(
                f"{session.host}: DirSync is no longer allowed (result 50)",
                hint="grant the account 'Replicating Directory Changes' at the domain's head",
            )
        if received.code != 0 or received.dirsync is None:
            raise WatermarkError(f"{session.host} does not take the DirSync cookie (result {received.code})")
        for _, entry in entries:
            values += _note(found, entry)
        if len(found) + values > MAX_CHANGES:
            raise WatermarkError(f"more than {MAX_CHANGES} changes: a full read costs less")
        _check_progress(session, cookie, received.dirsync)
        cookie = received.dirsync.cookie
        if not received.dirsync.has_more:
            return found, cookie
    raise SourceError(f"{session.host}: DirSync does not come to an end")


def _check_progress(session: Session, cookie: bytes, answer: DirSyncAnswer) -> None:
    """A server that promises more and gives the same cookie again would never come to an end."""
    if answer.has_more and answer.cookie == cookie:
        raise SourceError(f"{session.host}: DirSync does not come to an end: the same cookie again")


def _control(cookie: bytes) -> Control:
    return dirsync_request(INCREMENTAL_VALUES, MAX_BYTES, cookie)


def _note(found: dict[bytes, Told], entry: Attributes) -> int:
    """Take one entry; an object may come several times. Returns the number of members told."""
    guid = next(iter(entry.get("objectguid", ())), b"")
    if len(guid) != 16:
        return 0
    told = found.setdefault(guid, Told())
    deleted = entry.get("isdeleted")
    if deleted is not None:  # present without a value: it is no longer deleted
        told.is_deleted = [value.upper() for value in deleted] == [b"TRUE"]
        told.is_restored = told.is_restored or not told.is_deleted
    told.is_new = told.is_new or "whencreated" in entry  # which is written once
    told.is_renamed = told.is_renamed or "name" in entry or "parentguid" in entry
    told.is_retyped = told.is_retyped or "samaccounttype" in entry
    values = 0
    for name, is_member in (("member;range=0-0", False), ("member;range=1-1", True)):
        for value in entry.get(name, ()):
            told.members.pop(value, None)  # the last answer that names it has the last word
            told.members[value] = is_member
            values += 1
    return values


def batches(guids: list[bytes], size: int = 100) -> Iterator[str]:
    """Filters for objects by GUID, some at a time (RFC 4515)."""
    for start in range(0, len(guids), size):
        items = "".join(f"(objectGUID={escaped(guid)})" for guid in guids[start : start + size])
        yield f"(|{items})"


def escaped(value: bytes) -> str:
    """Any value, byte by byte, as a filter holds it."""
    return "".join(f"\\{octet:02x}" for octet in value)
