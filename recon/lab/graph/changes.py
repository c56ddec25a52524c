"""What happened to the objects of one kind, in order: what delta queries are answered from.

Only changes after the tenant was loaded stand here; a tenant of a million users costs nothing until it changes.
"""

from dataclasses import dataclass

CREATED = "created"
SET = "set"
DELETED = "deleted"  # soft: restorable
PURGED = "purged"
RESTORED = "restored"
JOINED = "joined"
LEFT = "left"


@dataclass(frozen=True, slots=True)
class Change:
    """One event at one place. SET: names of properties; JOINED and LEFT: the member's id and type.

    visible_at: clock seconds from which on delta may tell it.
    """

    place: int
    event: str
    names: tuple[str, ...] = ()
    visible_at: float = 0.0


def is_empty(value: object) -> bool:
    """Nothing there: null, or a collection without values. False and 0 are values."""
    return value is None or value in ((), [])


class ChangeLog:
    """Events of one kind of object. A position is the number of events before it."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._settled = 0
        self.cleared: dict[int, set[str]] = {}  # properties that had a value once and have none now

    def add(self, change: Change) -> None:
        """Append one event."""
        self._changes.append(change)

    def __len__(self) -> int:
        return len(self._changes)

    def end(self, now: float) -> int:
        """The position up to which everything may be told at `now`: what lags holds back all that follows it."""
        while self._settled < len(self._changes) and self._changes[self._settled].visible_at <= now:
            self._settled += 1
        return self._settled

    def between(self, start: int, end: int) -> dict[int, list[Change]]:
        """The events from `start` up to `end`, by place."""
        found: dict[int, list[Change]] = {}
        for change in self._changes[start:end]:
            found.setdefault(change.place, []).append(change)
        return found

    def note(self, place: int, name: str, before: object, after: object) -> None:
        """Remember whether a property was set, cleared or never set."""
        if not is_empty(before) and is_empty(after):
            self.cleared.setdefault(place, set()).add(name)
        elif not is_empty(after) and place in self.cleared:
            self.cleared[place].discard(name)
