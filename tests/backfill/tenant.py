"""A tenant in memory that stands in for Graph: it keeps every write, and fails where it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from recon.backfill.items import Item
from recon.backfill.lanes import Change
from recon.backfill.precondition import LOST, Reply

OK = Reply(200)


class Crash(BaseException):
    """The process dies here; nothing of ours may catch it."""


def user_of(item: Item) -> dict[str, Any]:
    """The user an item was planned for, still as the plan expects it."""
    return {
        "id": item.object_id,
        "userPrincipalName": item.upn,
        "userType": "Member",
        "accountEnabled": True,
        "onPremisesSyncEnabled": True,
        "onPremisesImmutableId": item.immutable_id,
        "employeeId": item.employee_id,
        "otherMails": list(item.before),
        "usageLocation": None,
    }


@dataclass
class Tenant:
    """Users by object id. `fault(kind, object_id)` is asked before ('read', 'write') and after ('answer') each request.

    It returns None for no fault, a Reply to answer with, or raises Crash.
    """

    users: dict[str, dict[str, Any]]
    fault: Callable[[str, str], Reply | None] = lambda _kind, _object_id: None
    writes: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)  # id, value, did it change anything
    reads: int = 0

    @classmethod
    def of(cls, items: list[Item], **options: Any) -> "Tenant":
        """A tenant in which every item may be written."""
        return cls({item.object_id: user_of(item) for item in items}, **options)

    def read(self, object_ids: list[str]) -> list[Reply]:
        """The users' properties, or a fault."""
        assert 0 < len(object_ids) <= 20
        self.reads += 1
        return [self._read(object_id) for object_id in object_ids]

    def _read(self, object_id: str) -> Reply:
        fault = self.fault("read", object_id)
        if fault is not None:
            return fault
        if object_id not in self.users:
            return Reply(404, code="Request_ResourceNotFound")
        return Reply(200, body={name: value for name, value in self.users[object_id].items() if value is not ...})

    def write(self, changes: list[Change]) -> list[Reply]:
        """Apply each change, or answer with a fault; a fault 'answer' comes after the change was made."""
        assert 0 < len(changes) <= 20
        assert len({change.object_id for change in changes}) == len(changes)
        return [self._write(change) for change in changes]

    def _write(self, change: Change) -> Reply:
        fault = self.fault("write", change.object_id)
        if fault is not None:
            return fault
        user = self.users.get(change.object_id)
        if user is None:
            return Reply(404, code="Request_ResourceNotFound")
        before = user[change.attribute]
        after = list(change.value) if change.attribute == "otherMails" else (change.value[0] if change.value else None)
        user[change.attribute] = after
        self.writes.append((change.object_id, change.value, before != after))
        return self.fault("answer", change.object_id) or Reply(204, request_id=f"r-{len(self.writes)}")

    @property
    def effective(self) -> list[str]:
        """Object ids of the writes that changed something, in their order."""
        return [object_id for object_id, _, did_change in self.writes if did_change]


LOST_REPLY = Reply(LOST)


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""
        assert seconds >= 0
        self.waits.append(seconds)
        self.now += seconds + 1e-6
