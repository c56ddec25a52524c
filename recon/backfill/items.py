"""What a plan is made of: the evidence about one worker, and what follows from it, an item or a reason.

Plain frozen data, no behaviour beyond its own form. Times are the one text form, days count from 1970-01-01.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from recon.backfill_config import is_writable
from recon.decode.keys import fold
from recon.errors import PlanError

MODES: tuple[str, ...] = ("fill", "owned", "merge", "replace", "undo")

Value = tuple[str, ...]  # an attribute's values; () is empty; a single value is a tuple of one


@dataclass(frozen=True, slots=True)
class AdAccount:
    """What the plan needs of one user object in Active Directory."""

    row_id: int
    guid: str
    samaccountname: str | None = None
    distinguishedname: str | None = None
    displayname: str | None = None
    givenname: str | None = None
    sn: str | None = None
    immutable_id: str | None = None
    guid_immutable_id: str | None = None
    is_enabled: int | None = None
    admincount: int | None = None
    whencreated: str | None = None


@dataclass(frozen=True, slots=True)
class EntraAccount:
    """What the plan needs of one user in Entra ID."""

    row_id: int
    id: str
    userprincipalname: str | None = None
    displayname: str | None = None
    givenname: str | None = None
    surname: str | None = None
    employeeid: str | None = None
    onpremisesimmutableid: str | None = None
    is_guest: int | None = None
    is_synced: int | None = None
    is_enabled: int | None = None
    ismanagementrestricted: int | None = None
    othermails_count: int | None = None
    usagelocation: str | None = None
    usagelocation_known: int | None = None
    createddatetime: str | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """One accepted match of table pair. Rules: 1 anchor, 2 SID, 3 employee id, 4 UPN, 5 mail."""

    ad_row_id: int
    entra_row_id: int
    rule: int
    rules_agreeing: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about one worker in scope: one record per worker and mapping.

    `ad` and `entra`: the accounts that carry the worker's employee id, in the directories linked with the
    worker's source. `pairings`: the accepted matches that one of them takes part in.
    """

    worker: Mapping[str, Any]  # the columns of table worker that judging needs, by name
    worker_source: str = "hr"
    other_scopes: tuple[str, ...] = ()  # further scopes that select the worker and should not
    same_id_workers: int = 1  # workers with this employee id in linked sources, this one included
    ad: tuple[AdAccount, ...] = ()
    entra: tuple[EntraAccount, ...] = ()
    pairings: tuple[Pairing, ...] = ()
    prior_accounts: tuple[str, ...] = ()  # earlier employee ids of this worker that lead to an account
    other_tenants: tuple[str, ...] = ()  # other linked tenants in which the employee id has an account
    role_groups: tuple[str, ...] = ()  # role-assignable groups the Entra user is in, directly or nested
    roles: tuple[str, ...] = ()  # directory roles the Entra user holds or may activate, where roles are loaded
    admin_groups: tuple[str, ...] = ()  # groups of administrators that the AD account is in, directly or nested
    denied_groups: tuple[str, ...] = ()  # configured groups that either account is in
    current: tuple[str, ...] = ()  # the attribute's values in Entra, as loaded
    is_loaded: bool = True  # of a directory extension: the load asked for it
    ours: tuple[str, ...] = ()  # mode owned: what we wrote there last
    value: str | None = None  # what HR or AD wants there, trimmed
    stale_loads: tuple[str, ...] = ()  # domains of which nothing fresh is known
    changed_on: str | None = None  # the day the source's address changed from another one, when that is recent
    is_shared: bool = False  # the same value belongs to somebody else too


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a worker in scope is not written. `detail` is for people and never branched on.

    `attribute`: the one it is about, as each mapping of a plan judges everyone in scope.
    """

    code: str
    detail: str
    worker_source: str
    worker_id: str
    employee_id: str | None = None
    object_id: str | None = None
    upn: str | None = None
    attribute: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it stands in reasons.jsonl."""
        return {name: getattr(self, name) for name in _REASON_FIELDS}


@dataclass(frozen=True, slots=True)
class Item:
    """One attribute to be written to one user. `before` must still hold at the moment of writing.

    Several mappings give several items for one user, so that each attribute has its own outcome and its own way back.
    `after` is the whole value that will stand there; () clears. `mode`: see MODES.
    """

    object_id: str
    upn: str | None
    worker_source: str
    worker_id: str
    employee_id: str | None  # as Entra has it
    attribute: str
    before: Value
    after: Value
    rule: str
    may_be_disabled: bool = False  # a pre-hire; or an undo, which takes back whatever the account is
    evidence: Mapping[str, Any] = field(default_factory=dict)  # immutable_id, ad_guid, names
    mode: str = "fill"

    @property
    def is_replacing(self) -> bool:
        """True when a value that is not known to be ours goes away."""
        return self.mode == "replace" and bool({fold(old) for old in self.before} - {fold(new) for new in self.after})

    @property
    def only_takes_away(self) -> bool:
        """True for an undo that leaves nothing which was not there: it needs no proof of who the person is."""
        return self.mode == "undo" and {fold(new) for new in self.after} <= {fold(old) for old in self.before}

    @property
    def immutable_id(self) -> str | None:
        """The source anchor the user had when the plan was made."""
        anchor = self.evidence.get("immutable_id")
        return anchor if isinstance(anchor, str) else None

    def as_dict(self) -> dict[str, Any]:
        """As it stands in items.jsonl."""
        data = {name: getattr(self, name) for name in _ITEM_FIELDS}
        data["before"], data["after"] = list(self.before), list(self.after)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Item":
        """Read one line of items.jsonl back; raises PlanError when it is not an item."""
        try:
            values = {**data, "before": _value(data["before"]), "after": _value(data["after"])}
            item = cls(**values)
        except (KeyError, TypeError) as error:
            raise PlanError("the plan's items are damaged") from error
        if not is_writable(item.attribute) or not isinstance(item.object_id, str) or not item.object_id:
            raise PlanError("the plan names an attribute or user that may not be written")
        if item.mode not in MODES:
            raise PlanError("the plan names a mode that this recon does not know")
        return item


# dataclasses.asdict copies every value: a quarter of a plan's time
_REASON_FIELDS = tuple(each.name for each in fields(Reason))
_ITEM_FIELDS = tuple(each.name for each in fields(Item))


def _value(data: Any) -> Value:
    if not isinstance(data, list) or not all(isinstance(entry, str) for entry in data):
        raise TypeError("not a list of texts")
    return tuple(data)


def same_value(first: Value, second: Value) -> bool:
    """True when both hold the same values: order, case and blanks at the ends do not count, as in a mail address."""
    return sorted(fold(value) or "" for value in first) == sorted(fold(value) or "" for value in second)
