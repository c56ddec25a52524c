"""Objects of one kind: users or groups of a tenant, and what is still on its way to the replicas.

An object is one tuple in the order of its kind's columns: 200,000 users of 65 properties fit beside a test. Places
are never given to another object, so that a page token stays good and delta can tell deletions later.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from operator import itemgetter
from typing import Any

import orjson

from recon.errors import UsageError
from recon.lab.graph.changes import CREATED, SET, Change, ChangeLog
from recon.lab.graph.filters import Filter, fold
from recon.lab.graph.schema import Kind, words

Row = tuple[Any, ...]
_SHARED = frozenset(
    words("""
        ageGroup city companyName consentProvidedForMinor country createdDateTime creationType department
    employeeType externalUserState jobTitle legalAgeGroupClassification officeLocation onPremisesDomainName
    onPremisesLastSyncDateTime passwordPolicies postalCode preferredDataLocation preferredLanguage state streetAddress
    usageLocation userType
    """)
)


@dataclass(frozen=True)
class Tenant:
    """What a tenant holds. Users and groups: Graph v1.0 JSON objects; what they leave out is null or [].

    members: (group id, member object with '@odata.type' and 'id'). privileged: ids of users whose sensitive
    properties only the highest roles may write. domains: other names of the tenant at sign-in, the first its default.
    roles: activated directoryRole objects. role_members: (role id, member object). eligible: (role template id,
    member object). registrations: userRegistrationDetails; a user without one has registered nothing. deleted: ("user"
    or "group", object with its deletedDateTime) of what lies in the recycle bin. owners: (group id, user object).
    """

    tenant_id: str
    users: Iterable[Mapping[str, Any]]
    groups: Iterable[Mapping[str, Any]] = ()
    members: Iterable[tuple[str, Mapping[str, Any]]] = ()
    privileged: Iterable[str] = ()
    domains: tuple[str, ...] = ()
    roles: Iterable[Mapping[str, Any]] = ()
    role_members: Iterable[tuple[str, Mapping[str, Any]]] = ()
    eligible: Iterable[tuple[str, Mapping[str, Any]]] = ()
    registrations: Iterable[Mapping[str, Any]] = ()
    deleted: Iterable[tuple[str, Mapping[str, Any]]] = ()
    owners: Iterable[tuple[str, Mapping[str, Any]]] = ()


@dataclass(frozen=True)
class Lag:
    """A replaced row that reads still see until `read_until`, and $filter until `index_until` (clock seconds)."""

    row: Row
    read_until: float
    index_until: float


@dataclass(frozen=True)
class Page:
    """Places of the objects on one page, and where the next one begins (None: nowhere)."""

    places: list[int]
    following: int | None


class Objects:
    """All objects of one kind in a fixed order."""

    def __init__(self, kind: Kind, objects: Iterable[Mapping[str, Any]]) -> None:
        self.kind = kind
        self.columns: dict[str, int] = {name: place for place, name in enumerate(kind.columns)}
        self.rows: list[Row | None] = []
        self.places: dict[str, int] = {}
        self.apart: dict[int, dict[str, Any]] = {}
        self.lagging: dict[int, list[Lag]] = {}
        self.log = ChangeLog()
        self.gone: dict[int, str] = {}  # ids of the objects that stood at places now empty
        self._indexes: dict[str, dict[str, list[int]]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._beginnings: dict[tuple[str, str], list[int]] = {}
        self._pool: dict[Any, Any] = {}
        self._empty = [() if name in kind.arrays else None for name in kind.columns]
        for item in objects:
            self._insert(item)
        self._pool.clear()
        self.count = len(self.rows)
        self._pad()

    def _pad(self) -> None:
        """Give every object the columns that came with a later one."""
        width = len(self.columns)
        for place, row in enumerate(self.rows):
            if row is not None and len(row) < width:
                self.rows[place] = row + (None,) * (width - len(row))

    def _insert(self, item: Mapping[str, Any]) -> None:
        row: list[Any] = list(self._empty)
        key = lower(str(item.get("id") or ""))
        if not key or key in self.places:
            raise UsageError(f"{self.kind.name} without an id, or twice: {key!r}")
        place = len(self.rows)
        seen: dict[str, str] = {}  # mail and user principal name are mostly one text: kept once
        for name, value in item.items():
            if name.startswith("extension_"):
                self.columns.setdefault(name, len(self.columns))
            if name in self.columns:
                row += [None] * (len(self.columns) - len(row))
                if isinstance(value, str):
                    row[self.columns[name]] = self._text(name, value, seen)
                elif value is not None:
                    row[self.columns[name]] = self._compact(name, value)
            elif name in self.kind.apart:
                if value not in (None, []):
                    self.apart.setdefault(place, {})[name] = value
            elif not name.startswith("@"):
                raise UsageError(f"a {self.kind.name} has no property {name!r} ({key})")
        self.rows.append(tuple(row))
        self.places[key] = place

    def _text(self, name: str, value: str, seen: dict[str, str]) -> str:
        pool = self._pool if name in _SHARED else seen
        return str(pool.setdefault(value, value))

    def _compact(self, name: str, value: Any) -> Any:
        """One object for equal complex values, which many users share."""
        if isinstance(value, dict):
            return self._pool.setdefault((name, orjson.dumps(value)), value)
        return tuple(value) if isinstance(value, list) else value

    # ---- reading

    def place(self, key: str) -> int | None:
        """Where an object stands, by id (or user principal name)."""
        found = self.places.get(key.lower())
        if found is None and "@" in key and "userPrincipalName" in self.columns:
            found = next(iter(self._index("userPrincipalName").get(fold(key), ())), None)
        return found if found is None or self.rows[found] is not None else None

    def identity(self, place: int) -> Any:
        """The id at a place, None when the object is gone."""
        row = self.rows[place]
        return None if row is None else row[self.columns["id"]]

    def row(self, place: int, now: float) -> Row | None:
        """The object as a read sees it at `now`."""
        for lag in self.lagging.get(place, ()):
            if lag.read_until > now:
                return lag.row
        return self.rows[place]

    def index_row(self, place: int, now: float) -> Row | None:
        """The object as $filter sees it at `now`."""
        for lag in self.lagging.get(place, ()):
            if lag.index_until > now:
                return lag.row
        return self.rows[place]

    def getter(self, names: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
        """Values of the named columns, in that order."""
        if len(names) == 1:
            place = self.columns[names[0]]
            return lambda row: (row[place],)
        return itemgetter(*(self.columns[name] for name in names)) if names else lambda row: ()

    def page(self, start: int, size: int, condition: Filter | None, now: float) -> Page:
        """Up to `size` objects from place `start` on."""
        found: list[int] = []
        for place in self._matching(start, condition, now):
            if len(found) == size:
                return Page(found, place)
            found.append(place)
        return Page(found, None)

    def matches(self, condition: Filter | None, now: float) -> int:
        """How many objects a listing would give."""
        if condition is None:
            return self.count
        if condition.beginning is not None and not self.lagging:
            return len(self._beginning(*condition.beginning))
        return sum(1 for _ in self._matching(0, condition, now))

    def _matching(self, start: int, condition: Filter | None, now: float) -> Iterator[int]:
        rows = self.rows
        if condition is None:
            yield from (place for place in range(start, len(rows)) if rows[place] is not None)
            return
        candidates: Iterable[int] = range(start, len(rows))
        if condition.lookup is not None:
            name, values = condition.lookup
            index = self._index(name)
            candidates = sorted({p for value in values for p in index.get(value, ()) if p >= start})
        elif condition.beginning is not None and not self.lagging:
            found = self._beginning(*condition.beginning)
            yield from found[bisect_left(found, start) :]
            return
        test, lagging = condition.test, self.lagging
        for place in candidates:
            row = rows[place]
            if row is not None and test((self.index_row(place, now) or row) if place in lagging else row):
                yield place

    def _index(self, name: str) -> dict[str, list[int]]:
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            column, exact = self.columns[name], name == "onPremisesImmutableId"
            for place, row in enumerate(self.rows):
                if row is not None and row[column] is not None:
                    index.setdefault(row[column] if exact else fold(row[column]), []).append(place)
        return index

    def _beginning(self, name: str, text: str) -> list[int]:
        """Places of the objects whose value begins with a text, kept until something changes."""
        found = self._beginnings.get((name, text))
        if found is None:
            values = self._sorted.get(name)
            if values is None:
                values = self._sorted[name] = sorted(self._index(name))
            index = self._index(name)
            among = islice(values, bisect_left(values, text), None)
            hits = takewhile(lambda value: value.startswith(text), among)
            found = self._beginnings[name, text] = sorted(place for value in hits for place in index[value])
        return found

    def _forget_indexes(self, *names: str) -> None:
        for name in names or tuple(self._indexes):
            self._indexes.pop(name, None)
            self._sorted.pop(name, None)
        self._beginnings.clear()

    # ---- changing

    def create(self, item: Mapping[str, Any]) -> int:
        """One more object at the end; its place. Raises UsageError for an unknown property or an id in use."""
        width = len(self.columns)
        self._insert(item)
        self._pool.clear()
        if len(self.columns) > width:
            self._pad()
        place = len(self.rows) - 1
        self._placed()
        self.log.add(Change(place, CREATED))
        return place

    def put(self, key: str, row: Row, place: int | None = None) -> int:
        """Place a row as it is: at an empty place that it had before, else at the end. No event."""
        if place is None:
            place = len(self.rows)
            self.rows.append(None)
        self.rows[place] = row
        self.places[key] = place
        self.gone.pop(place, None)
        self._placed()
        return place

    def _placed(self) -> None:
        self._forget_indexes()
        self.count += 1

    def take(self, place: int) -> Row:
        """Empty a place; the row that stood there. No event."""
        row = self.rows[place]
        if row is None:
            raise KeyError(place)
        self.rows[place] = None
        self.gone[place] = str(row[self.columns["id"]])
        self.lagging.pop(place, None)
        self._forget_indexes()
        self.count -= 1
        return row

    def replace(self, place: int, changes: Mapping[str, Any], lag: tuple[float, float, float] | None) -> dict[str, Any]:
        """Set properties; the values before. `lag`: (now, seconds for reads, seconds for $filter)."""
        row = self.rows[place]
        if row is None:
            raise KeyError(place)
        before = {name: _plain(row[self.columns[name]]) for name in changes}
        if lag is not None:
            now, reads, index = lag
            kept = [old for old in self.lagging.get(place, ()) if max(old.read_until, old.index_until) > now]
            self.lagging[place] = [*kept, Lag(row, now + reads, now + index)]
        changed = list(row)
        for name, value in changes.items():
            changed[self.columns[name]] = tuple(value) if isinstance(value, list) else value
            self.log.note(place, name, before[name], value)
        self._forget_indexes(*changes)
        self.rows[place] = tuple(changed)
        self.log.add(Change(place, SET, tuple(changes), lag[0] + lag[1] if lag is not None else 0.0))
        return before

    def json(self, place: int) -> dict[str, Any]:
        """The true object now, every main-store property."""
        row = self.rows[place]
        if row is None:
            raise KeyError(place)
        return {name: _plain(row[column]) for name, column in self.columns.items()} | self.apart.get(place, {})


def lower(key: str) -> str:
    """Lower case, the same text object where it was lower already: ids are many."""
    return key if key.islower() else key.lower()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class LagDraw:
    """Draws how long a write stays unseen: up to `longest` seconds, the index at least as long as the reads."""

    def __init__(self, longest: float | None, seed: int) -> None:
        self._longest = longest
        self._random = random.Random(seed)

    def draw(self, now: float) -> tuple[float, float, float] | None:
        """(now, seconds for reads, seconds for $filter), None when writes are seen at once."""
        if not self._longest:
            return None
        reads = self._random.uniform(0, self._longest)
        return now, reads, self._random.uniform(reads, self._longest)
