"""Whether an item may still be written: what a fresh answer of the directory says about it.

Pure. A property that the answer does not contain is never taken for an empty one.
"""

from dataclasses import dataclass
from typing import Any

from recon.backfill.items import Item, Value, same_value
from recon.decode.keys import fold

LOST = 0  # status of a request without an answer: nobody knows whether it was done
NOT_DONE = -1  # status of a request that was refused or not sent as part of a batch: it was not done


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request. `status`: HTTP's, LOST or NOT_DONE. `body`: of a read, the user's properties."""

    status: int
    body: dict[str, Any] | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None
    throttle: float | None = None  # x-ms-throttle-limit-percentage
    is_limit: bool = False  # a 429 that names the limit that was hit

    @property
    def is_success(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    @property
    def is_passing(self) -> bool:
        """True when the same request may succeed later: any answer but success and a refusal of the request itself."""
        if 400 <= self.status < 500:
            return self.status in (408, 424, 429) or (
                self.status == 409 and self.code == "Directory_ConcurrencyViolation"
            )
        return not self.is_success

    @property
    def was_not_done(self) -> bool:
        """True when the service says that it did nothing."""
        return self.status in (NOT_DONE, 409, 429)


@dataclass(frozen=True, slots=True)
class Skip:
    """An item whose precondition is gone. `is_trouble`: the answer itself was not what it should be."""

    reason: str
    detail: str
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """An item that may be written: what stands there now, and what shall."""

    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Landed:
    """The write whose answer was lost was done."""


_CHECKED = ("id", "userType", "accountEnabled", "onPremisesSyncEnabled", "onPremisesImmutableId", "employeeId")


def current_value(attribute: str, body: dict[str, Any]) -> Value | None:
    """The attribute's values in a fresh answer; None when the answer does not contain it (or not as documented)."""
    if attribute not in body:
        return None
    value = body[attribute]
    if attribute == "otherMails":
        is_list = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        return tuple(value) if is_list else None
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else None


def _changed_identity(item: Item, body: dict[str, Any]) -> Skip | None:
    absent = [name for name in _CHECKED if name not in body]
    if absent:
        return Skip("unknown_value", f"the answer does not contain {', '.join(absent)}", is_trouble=True)
    if str(body["id"]).lower() != item.object_id.lower():
        return Skip("unknown_value", "the answer is about another user", is_trouble=True)
    if item.only_takes_away:
        return None
    if str(body["userType"] or "").lower() == "guest":
        return Skip("guest", "became a guest")
    if body["onPremisesSyncEnabled"] is not True:
        return Skip("cloud_only", "is no longer synced")
    if (body["employeeId"] or None) != item.employee_id:
        return Skip("employee_id_changed", "the employee id is another than in the plan")
    if body["onPremisesImmutableId"] != item.immutable_id:
        return Skip("anchor_changed", "the source anchor is another than in the plan")
    if body["accountEnabled"] is not True and not item.may_be_disabled:
        return Skip("disabled", "was disabled")
    return None


def has_landed(item: Item, value: Value, sent: Value) -> bool:
    """Whether a write of `sent` whose answer was lost shows in `value`, to which others may have added since."""
    added = {fold(entry) for entry in item.after} - {fold(entry) for entry in item.before}
    return same_value(value, sent) or (bool(added) and added <= {fold(entry) for entry in value})


def judge_fresh(item: Item, reply: Reply, *, sent: Value | None = None) -> Skip | Write | Landed:
    """What a fresh answer says: write this over that, skip, or: what we wrote stands already.

    `sent`: what a write of ours carried whose answer was lost; finding it, or all that it added, means it landed.
    """
    if reply.status == 404:
        return Skip("deleted", "no such user any more")
    if not reply.is_success or reply.body is None:
        said = f"the re-read was refused: {reply.status} {reply.code or ''}".rstrip()
        return Skip("unreadable", said, is_trouble=True)
    value = current_value(item.attribute, reply.body)
    if sent is not None and value is not None and has_landed(item, value, sent):
        return Landed()
    gone = _changed_identity(item, reply.body)
    if gone is not None:
        return gone
    if value is None:
        return Skip("unknown_value", f"the answer does not contain {item.attribute}", is_trouble=True)
    if item.mode == "merge":  # first: what stands there stays as it is spelled, in its order
        return _merged(item, value)
    # owned writes others' values back from the plan: two addresses that compare alike may be two mailboxes
    is_before = sorted(value) == sorted(item.before) if item.mode == "owned" else same_value(value, item.before)
    if is_before:
        return Write(value, item.after)
    if same_value(value, item.after):
        return Skip("already_present", "the value is there")
    return Skip("value_changed", f"{item.attribute} changed since the plan was made")


def _merged(item: Item, value: Value) -> Write | Skip:
    """What the plan adds, added to what stands there now; nothing of it is taken away."""
    known = {fold(entry) for entry in item.before}
    added = tuple(entry for entry in item.after if fold(entry) not in known)
    present = {fold(entry) for entry in value}
    missing = tuple(entry for entry in added if fold(entry) not in present)
    if not missing:
        return Skip("already_present", "the value is there")
    is_first = bool(added) and item.after[: len(added)] == added and bool(item.before)
    return Write(value, missing + value if is_first else value + missing)
