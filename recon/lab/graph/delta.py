"""GET /users/delta and /groups/delta: the state, then what changed ("Use delta query to track changes").

The state of a round lives in its token, signed and bound to tenant and type. A round ends where it began: what
changes while it is paged comes again with the next deltaLink, so replays are usual, as documented.

What the documentation leaves open, and what is done here: the page size (DeltaRules); a collection that was never
set is left out like any other property; soft-deleted and purged objects stand in a first round as @removed;
without $select the default properties are returned and tracked (of groups also members); options together with a
deltaLink are refused as with a nextLink; hidden memberships are left out where they may not be read; service
principals are left out as they are from members.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson

from recon.lab.graph import permissions
from recon.lab.graph.calls import Answer, Call, Caller
from recon.lab.graph.changes import CREATED, JOINED, LEFT, RESTORED, SET, Change, is_empty
from recon.lab.graph.clock import Clock
from recon.lab.graph.errors import (
    GraphError,
    bad_request,
    expired_delta,
    reset_delta,
    unknown_property,
    unsimulated,
    unsupported_query,
)
from recon.lab.graph.query import Options, parse_query
from recon.lab.graph.schema import GROUP, HIDDEN_TYPES, words
from recon.lab.graph.store import Objects

LIFETIME = timedelta(days=7)
MAX_IDS = 50
MEMBERS = "members"
_OPTIONS = frozenset({"$select", "$filter", "$deltatoken", "$skiptoken"})
_REFUSED = frozenset({"$expand", "$top", "$orderby", "$count", "$search"})
_RELATIONS = frozenset({"manager", "owners"})
_ONE_ID = re.compile(r"\s*id\s+eq\s+'([^']*)'\s*")
_UNTRACKED = frozenset(
    words("""
        accessType allowExternalSenders autoSubscribeNewMembers cloudLicensing hideFromAddressLists
        hideFromOutlookClients isFavorite isSubscribedByMail membershipRuleProcessingStatus isArchived
    """)
)


@dataclass(frozen=True)
class DeltaRules:
    """What Microsoft does not publish. page: objects a page. members: references a page. replay: events told again.

    expired_status: of "40X", the status that comes with syncStateNotFound.
    """

    page: int = 200
    members: int = 1_000
    replay: int = 0
    expired_status: int = 400


@dataclass(frozen=True)
class Round:
    """Where a round stands. start None: a first round. ids: $filter's. after: last member id of a large group."""

    start: int | None
    end: int
    names: tuple[str, ...] | None
    ids: tuple[str, ...] | None
    is_minimal: bool = False
    place: int = 0
    after: str = ""


class DeltaReader:
    """Serves the delta queries of one simulator."""

    def __init__(self, key: bytes, clock: Clock, rules: DeltaRules) -> None:
        self._key = key
        self._clock = clock
        self.rules = rules

    def answer(self, call: Call, caller: Caller, objects: Objects, now: float) -> Answer:
        """One page of one round."""
        options = parse_query(call.query, allowed=_OPTIONS, refused=_REFUSED, is_advanced=call.is_advanced)
        is_minimal = "return=minimal" in call.headers.get("prefer", "").replace(" ", "").lower().split(",")
        link, token = self._token_of(options)
        if token:
            current = self._open(call, caller, objects, link, token)
            if link == "$deltatoken":
                end = objects.log.end(now)
                start = max(0, (current.start or 0) - self.rules.replay)
                current = replace(current, start=start, end=max(end, start), is_minimal=is_minimal)
        else:
            names = self._selected(options, objects)
            current = Round(None, objects.log.end(now), names, _ids(options))
        context = f"{call.root}/v1.0/$metadata#{objects.kind.path}"
        if current.names is not None:
            context += f"({','.join(current.names)})"
        answer: dict[str, Any] = {"@odata.context": context}
        if options.values.get("$deltatoken") == "latest":
            items: list[dict[str, Any]] = []
            following: Round | None = None
        else:
            items, following = self._page(caller, objects, current, now)
        if call.twist is not None and call.twist.kind in ("empty-page", "duplicated-page"):
            items = items if call.twist.kind == "duplicated-page" else []
            following = current
        if following is not None:
            answer["@odata.nextLink"] = self._link(call, caller, objects, "$skiptoken", following)
        else:
            ended = replace(current, start=current.end, place=0, after="", is_minimal=False)
            answer["@odata.deltaLink"] = self._link(call, caller, objects, "$deltatoken", ended)
        answer["value"] = items
        return Answer.json(answer)

    # ---- options

    @staticmethod
    def _token_of(options: Options) -> tuple[str, str]:
        """The kind of link that is followed and its token, '' where a round begins. Raises GraphError for options."""
        for link in ("$skiptoken", "$deltatoken"):
            token = options.values.get(link, "")
            if token and token != "latest":
                if len(options.values) > 1:
                    raise unsupported_query(f"Query options are not supported together with {link}.")
                return link, token
        if "$skiptoken" in options.values:
            raise bad_request("Badly formed token.")
        return "$deltatoken", ""

    @staticmethod
    def _selected(options: Options, objects: Objects) -> tuple[str, ...] | None:
        text = options.values.get("$select")
        if text is None:
            return None
        names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
        for name in names:
            if name == MEMBERS and objects.kind.name == GROUP.name:
                continue
            if name in _RELATIONS:
                raise unsimulated(f"$select={name} in a delta query")
            if name in objects.kind.apart:
                raise GraphError(501, "NotImplemented", f"The property '{name}' is not tracked by delta queries.")
            if name not in objects.columns:
                raise unknown_property(name, objects.kind.name)
        return names

    # ---- one page

    def _page(
        self, caller: Caller, objects: Objects, current: Round, now: float
    ) -> tuple[list[dict[str, Any]], Round | None]:
        """The objects of a page and where the next one begins, None after the last."""
        page = _PageReader(caller, objects, current, now)
        slots = self.rules.members
        items: list[dict[str, Any]] = []
        for place, events in page.candidates():
            if len(items) == self.rules.page:
                return items, replace(current, place=place, after="")
            after = current.after if place == current.place else ""
            item, references = page.item(place, events, after)
            if item is None:
                continue
            if references:
                if not slots:
                    return items, replace(current, place=place, after=after)
                item["members@delta"] = references[:slots]
                if len(references) > slots:
                    items.append(item)
                    return items, replace(current, place=place, after=references[slots - 1]["id"])
                slots -= len(references)
            items.append(item)
        return items, None

    # ---- tokens

    def _mac(self, caller: Caller, objects: Objects, payload: bytes) -> bytes:
        bound = orjson.dumps([caller.directory.tenant_id, objects.kind.path])
        return hmac.digest(self._key, bound + payload, hashlib.sha256)[:16]

    def _link(self, call: Call, caller: Caller, objects: Objects, link: str, current: Round) -> str:
        issued = self._clock.now().timestamp()
        fields = [current.start, current.end, current.names, current.ids, current.is_minimal]
        content = [link, caller.directory.delta_epoch, issued, *fields, current.place, current.after]
        payload = orjson.dumps(content)
        token = base64.urlsafe_b64encode(self._mac(caller, objects, payload) + payload).rstrip(b"=").decode("ascii")
        return f"{call.root}/v1.0/{objects.kind.path}/delta?{link}={token}"

    def _open(self, call: Call, caller: Caller, objects: Objects, link: str, token: str) -> Round:
        """What a token says. Raises GraphError: 400 not ours, 40X older than seven days, 410 after a reset."""
        try:
            content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError as error:
            raise bad_request("Badly formed token.") from error
        mac, payload = content[:16], content[16:]
        if not hmac.compare_digest(mac, self._mac(caller, objects, payload)):
            raise bad_request("Badly formed token.")
        kind, epoch, issued, start, end, names, ids, is_minimal, place, after = orjson.loads(payload)
        if kind != link:
            raise bad_request("Badly formed token.")
        if epoch != caller.directory.delta_epoch:
            raise reset_delta(empty_link(call, objects.kind.path))
        if self._clock.now().timestamp() - issued > LIFETIME.total_seconds():
            raise expired_delta(self.rules.expired_status)
        chosen = None if names is None else tuple(names)
        return Round(start, end, chosen, None if ids is None else tuple(ids), is_minimal, place, after)


def empty_link(call: Call, path: str) -> str:
    """Where tracking begins anew."""
    return f"{call.root}/v1.0/{path}/delta?$deltatoken="


def _ids(options: Options) -> tuple[str, ...] | None:
    """The ids of $filter, which may only be `id eq '…' or id eq '…'`, at most 50. Raises GraphError otherwise."""
    text = options.filter
    if text is None:
        return None
    found = [_ONE_ID.fullmatch(part) for part in re.split(r"\bor\b", text)]
    ids = tuple(match[1].lower() for match in found if match is not None)
    if len(ids) != len(found):
        raise unsupported_query("A delta query can only be filtered by 'id eq', joined by 'or'.")
    if len(ids) > MAX_IDS:
        raise unsupported_query(f"A delta query can be filtered by at most {MAX_IDS} ids, not {len(ids)}.")
    return ids


class _PageReader:
    """The objects of one round, as items."""

    def __init__(self, caller: Caller, objects: Objects, current: Round, now: float) -> None:
        self._caller = caller
        self._directory = caller.directory
        self._objects = objects
        self._round = current
        self._now = now
        kind = objects.kind
        chosen = kind.defaults if current.names is None else current.names
        self._names = tuple(
            name
            for name in dict.fromkeys(("id", *chosen))
            if name in objects.columns and permissions.may_read(caller.permissions, kind.name, name)
        )
        self._tracked = frozenset(self._names) - _UNTRACKED - {"id"}
        wants = MEMBERS in chosen or (current.names is None and kind.name == GROUP.name)
        self._wants_members = wants and bool(caller.permissions & permissions.READ_MEMBERS)
        self._may_read_hidden = bool(caller.permissions & permissions.READ_HIDDEN)
        self._deleted = self._directory.bin_of(kind.name).places()

    def candidates(self) -> Iterator[tuple[int, list[Change]]]:
        """Places that may have something to tell, from the round's place on, with their events."""
        current, objects = self._round, self._objects
        wanted: frozenset[int] | None = None
        if current.ids is not None:
            wanted = frozenset(objects.places[key] for key in current.ids if key in objects.places)
        events: dict[int, list[Change]] = {}
        places: Iterable[int] = range(current.place, len(objects.rows))
        if current.start is not None:
            events = objects.log.between(current.start, current.end)
            places = sorted(place for place in events if place >= current.place)
        for place in places:
            if wanted is None or place in wanted:
                yield place, events.get(place, [])

    def item(self, place: int, events: list[Change], after: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """One object (None: nothing to tell) and the members to tell of it behind `after`, by id."""
        row = self._objects.row(place, self._now)
        if self._objects.rows[place] is None or row is None:
            return self._removed(place), []
        is_first = self._round.start is None
        is_new = is_first or any(event.event in (CREATED, RESTORED) for event in events)
        changed = {name for event in events if event.event == SET for name in event.names}
        references = self._references(place, events, is_whole=is_new)
        if not (is_new or changed & self._tracked or references):
            return None, []
        item = self._properties(place, row, None if is_new or not self._round.is_minimal else changed)
        return item, [reference for reference in references if reference["id"] > after]

    def _removed(self, place: int) -> dict[str, Any]:
        reason = "changed" if place in self._deleted else "deleted"
        return {"id": self._objects.gone[place], "@removed": {"reason": reason}}

    def _properties(self, place: int, row: tuple[Any, ...], only: set[str] | None) -> dict[str, Any]:
        """The selected properties; those never set are left out. `only`: the changed ones (return=minimal)."""
        columns, cleared = self._objects.columns, self._objects.log.cleared.get(place, set())
        if only is not None:
            kinds = {type(row[columns[name]]) for name in only if name.startswith("extension_")}
            # a change of one directory extension brings all of that type
            only = only | {n for n in self._names if n.startswith("extension_") and type(row[columns[n]]) in kinds}
        item: dict[str, Any] = {}
        for name in self._names:
            value = row[columns[name]]
            if only is not None and name not in only and name != "id":
                continue
            if is_empty(value):
                if name in cleared:
                    item[name] = [] if name in self._objects.kind.arrays else None
            else:
                item[name] = value
        return item

    def _references(self, place: int, events: list[Change], *, is_whole: bool) -> list[dict[str, Any]]:
        """members@delta: all members of a new group, else those that joined or left; sorted by id."""
        if not self._wants_members:
            return []
        objects = self._objects
        group_id = str(objects.identity(place))
        row = objects.rows[place]
        if row is not None and row[objects.columns["visibility"]] == "HiddenMembership" and not self._may_read_hidden:
            return []
        if is_whole:
            present = dict(self._directory.listed_members(group_id))
            return [_reference(key, present[key]) for key in sorted(present)]
        touched = {event.names[0]: event.names[1] for event in events if event.event in (JOINED, LEFT)}
        if not touched:
            return []
        present = dict(self._directory.listed_members(group_id))
        found = []
        for key, kind in sorted(touched.items()):
            if kind in HIDDEN_TYPES:
                continue
            reference = _reference(key, kind)
            found.append(reference if key in present else reference | {"@removed": {"reason": "deleted"}})
        return found


def _reference(key: str, kind: str) -> dict[str, Any]:
    return {"@odata.type": f"#microsoft.graph.{kind}", "id": key}
