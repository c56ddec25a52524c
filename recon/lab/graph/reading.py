"""GET of users, groups and members: listings with their pages, single objects, counts.

A page token is bound to tenant, path, options and header: nextLink is followed unchanged or not at all.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson

from recon.lab.graph import permissions
from recon.lab.graph.calls import Answer, Call, Caller
from recon.lab.graph.errors import (
    GraphError,
    bad_request,
    denied,
    expired_page,
    not_found,
    unknown_property,
    unsimulated,
    unsupported_query,
)
from recon.lab.graph.filters import Filter, parse_filter
from recon.lab.graph.query import MAX_TOP, MAX_TOP_SIGN_IN, Options, check_url, parse_query, selected
from recon.lab.graph.schema import GROUP, HIDDEN_TYPES, MEMBER_TYPES, USER, words
from recon.lab.graph.store import Objects, Row

_SINGLE = frozenset({"$select"})
_COUNT = frozenset({"$filter"})
_REPORT = frozenset({"$filter", "$top", "$skiptoken"})
_NO_HEADER = "the ConsistencyLevel: eventual header is missing"
_NO_COUNT = "$count=true is missing"
_DEVICE_PROPERTIES = frozenset(
    words("""
        accountEnabled deviceId displayName isCompliant isManaged mail operatingSystem operatingSystemVersion
    profileType trustType
    """)
)


def require_users(caller: Caller) -> None:
    """Refuse an application that may read no property of users."""
    if not permissions.may_read_type(caller.permissions, USER.name):
        raise denied()


def require_groups(caller: Caller) -> None:
    """Refuse an application that may not read groups."""
    if not caller.permissions & permissions.READ_GROUPS:
        raise denied()


def require_members(caller: Caller, group: dict[str, Any]) -> None:
    """Refuse an application that may not read members, or not hidden ones."""
    if not caller.permissions & permissions.READ_MEMBERS:
        raise denied()
    if group["visibility"] == "HiddenMembership" and not caller.permissions & permissions.READ_HIDDEN:
        raise denied()


def require_header(call: Call) -> None:
    """Refuse $count as a path segment, or a cast, without the advanced header."""
    if not call.is_advanced:
        raise bad_request(f"$count is not currently supported: {_NO_HEADER}.")


class Reader:
    """Serves the reads of one simulator. `key` signs its page tokens."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    # ---- listings of users and groups

    def list_objects(self, call: Call, caller: Caller, objects: Objects, now: float) -> Answer:
        """GET /users, /groups, or one of them below /directory/deletedItems."""
        options = parse_query(call.query, is_advanced=call.is_advanced)
        if not call.is_item:
            check_url(len(call.root) + len("/v1.0") + len(call.target), options)
        kind = objects.kind
        names = selected(options, kind, objects.columns)
        if names is not None and kind.single_only.intersection(names):
            raise GraphError(501, "NotImplemented", "The requested property is not supported on a collection.")
        top = self._top(options, names, caller)
        condition = self._filter(
            options, caller, objects, is_advanced=call.is_advanced and options.is_counted, call=call
        )
        start, previous = self._resume(call, caller, options)
        page = objects.page(start, top, condition, now)
        places, following, last = _twist(call, page.places, page.following, start, previous)
        answer: dict[str, Any] = {"@odata.context": self._context(call, kind.path, names)}
        if options.is_counted and call.is_advanced and options.skiptoken is None:
            answer["@odata.count"] = objects.matches(condition, now)
        if following is not None:
            answer["@odata.nextLink"] = self._next_link(call, caller, options, following, last)
        answer["value"] = self._items(objects, places, names, caller, now)
        return Answer.json(answer)

    def get_object(
        self, call: Call, caller: Caller, objects: Objects, key: str, now: float, *, is_typed: bool = False
    ) -> Answer:
        """GET /users/{id or user principal name} or /groups/{id}; is_typed: with @odata.type, as a directoryObject."""
        options = parse_query(call.query, allowed=_SINGLE, is_advanced=call.is_advanced)
        names = selected(options, objects.kind, objects.columns)
        place = objects.place(key)
        if place is None:
            raise not_found(key)
        answer: dict[str, Any] = {"@odata.context": self._context(call, objects.kind.path, names) + "/$entity"}
        if is_typed:
            answer["@odata.type"] = objects.kind.odata_type
        elif names is None:
            answer["@microsoft.graph.tips"] = "Use $select to choose only the properties your app needs."
        return Answer.json(answer | self._items(objects, [place], names, caller, now)[0])

    def count_objects(self, call: Call, caller: Caller, objects: Objects, now: float) -> Answer:
        """GET /users/$count or /groups/$count."""
        require_header(call)
        options = parse_query(call.query, allowed=_COUNT, is_advanced=True)
        condition = self._filter(options, caller, objects, is_advanced=True, call=call)
        return Answer.text(str(objects.matches(condition, now)))

    # ---- members

    def list_members(self, call: Call, caller: Caller, group_id: str, cast: str | None, now: float) -> Answer:
        """GET /groups/{id}/members and its casts. Service principals are left out, as v1.0 does.

        Every option but $count is refused without the advanced header; $count is silently ignored.
        """
        options = parse_query(call.query, is_advanced=call.is_advanced)
        if cast is not None and cast not in MEMBER_TYPES:
            raise unsupported_query(f"The cast to 'microsoft.graph.{cast}' is not supported for members.")
        if not call.is_advanced and (cast is not None or {"$select", "$top"} & options.values.keys()):
            raise unsupported_query(f"The query is not supported because {_NO_HEADER}.")
        members = caller.directory.members_of(group_id)
        return self._members(call, caller, options, members, cast, now)

    def list_owners(self, call: Call, caller: Caller, group_id: str, now: float) -> Answer:
        """GET /groups/{id}/owners, service principals left out; that it takes what members take is assumed."""
        options = parse_query(call.query, is_advanced=call.is_advanced)
        if not call.is_advanced and {"$select", "$top"} & options.values.keys():
            raise unsupported_query(f"The query is not supported because {_NO_HEADER}.")
        return self._members(call, caller, options, caller.directory.owners_of(group_id), None, now)

    def list_principals(self, call: Call, caller: Caller, members: list[str]) -> Answer:
        """GET /directoryRoles/{id}/members, service principals included; that it takes $select plainly is assumed."""
        options = parse_query(call.query, is_advanced=call.is_advanced)
        return self._members(call, caller, options, members, None, time.monotonic(), hidden=frozenset())

    def _members(
        self,
        call: Call,
        caller: Caller,
        options: Options,
        members: list[str],
        cast: str | None,
        now: float,
        hidden: frozenset[str] = HIDDEN_TYPES,
    ) -> Answer:
        if options.filter is not None:
            raise unsimulated("$filter on members")
        names = self._member_names(options, caller, cast)
        start, previous = self._resume(call, caller, options)
        found = list(islice(self._listed(caller, members, start, cast, hidden), options.top() + 1))
        places, following = found[: options.top()], found[options.top()] if len(found) > options.top() else None
        places, following, last = _twist(call, places, following, start, previous)
        answer: dict[str, Any] = {"@odata.context": self._context(call, "directoryObjects", names)}
        if options.is_counted and call.is_advanced and options.skiptoken is None:
            answer["@odata.count"] = sum(1 for _ in self._listed(caller, members, 0, cast, hidden))
        if following is not None:
            answer["@odata.nextLink"] = self._next_link(call, caller, options, following, last)
        items = (self._member(caller, members[place], names, now) for place in places)
        answer["value"] = [self._without_type(item) if cast else item for item in items]
        return Answer.json(answer)

    def list_places(
        self, call: Call, caller: Caller, places: list[int], entry: Callable[[int], dict[str, Any]]
    ) -> Answer:
        """A report: one entry for each of these places, in pages."""
        options = parse_query(call.query, allowed=_REPORT, is_advanced=call.is_advanced)
        if options.filter is not None:
            raise unsimulated("$filter on a report")
        start, _ = self._resume(call, caller, options)
        found = list(islice((place for place in places if place >= start), options.top() + 1))
        shown, following = found[: options.top()], found[options.top()] if len(found) > options.top() else None
        answer: dict[str, Any] = {"@odata.context": self._context(call, call.path.strip("/"), None)}
        if following is not None:
            answer["@odata.nextLink"] = self._next_link(call, caller, options, following, shown[-1])
        answer["value"] = [entry(place) for place in shown]
        return Answer.json(answer)

    def count_members(self, call: Call, caller: Caller, group_id: str, cast: str | None) -> Answer:
        """GET /groups/{id}/members/$count."""
        require_header(call)
        parse_query(call.query, allowed=frozenset(), is_advanced=True)
        members = caller.directory.members_of(group_id)
        return Answer.text(str(sum(1 for _ in self._listed(caller, members, 0, cast, HIDDEN_TYPES))))

    @staticmethod
    def _listed(
        caller: Caller, members: list[str], start: int, cast: str | None, hidden: frozenset[str]
    ) -> Iterator[int]:
        """Places of the members that a listing shows, from `start` on."""
        for place in range(start, len(members)):
            kind = caller.directory.type_of(members[place])
            if kind is not None and kind not in hidden and cast in (None, kind):
                yield place

    def _member_names(self, options: Options, caller: Caller, cast: str | None) -> tuple[str, ...] | None:
        if "$select" not in options.values:
            return None
        directory = caller.directory
        known = directory.users.columns.keys() | directory.groups.columns.keys() | _DEVICE_PROPERTIES
        names = tuple(dict.fromkeys(name.strip() for name in options.values["$select"].split(",")))
        for name in names:
            if name not in known:
                raise unknown_property(name, cast or "directoryObject")
        return names

    def _member(self, caller: Caller, key: str, names: tuple[str, ...] | None, now: float) -> dict[str, Any]:
        """One member: its properties, or nulls behind the id where the application may not read the type."""
        directory = caller.directory
        kind = directory.type_of(key) or ""
        head: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{kind}"}
        objects = directory.objects(kind)
        if objects is None:
            other = directory.others[key]
            wanted = tuple(name for name in (names or other) if name in other and not name.startswith("@"))
        else:
            wanted = objects.kind.defaults if names is None else tuple(n for n in names if n in objects.columns)
        if not permissions.may_read_type(caller.permissions, kind):
            return {**head, "id": key, **dict.fromkeys(name for name in wanted if name != "id")}
        if objects is None:
            return head | {name: other[name] for name in wanted}
        place = objects.place(key)
        return head | (self._items(objects, [place], wanted, caller, now)[0] if place is not None else {})

    @staticmethod
    def _without_type(item: dict[str, Any]) -> dict[str, Any]:
        item.pop("@odata.type")
        return item

    # ---- parts

    def _top(self, options: Options, names: tuple[str, ...] | None, caller: Caller) -> int:
        """Objects a page; with signInActivity at most 500, without an error."""
        top = options.top(MAX_TOP)
        if names is None or "signInActivity" not in names:
            return top
        if not permissions.may_read_user(caller.permissions, "signInActivity"):
            raise denied()
        return min(top, MAX_TOP_SIGN_IN)

    def _filter(
        self, options: Options, caller: Caller, objects: Objects, *, is_advanced: bool, call: Call
    ) -> Filter | None:
        if options.filter is None:
            return None
        missing = _NO_COUNT if call.is_advanced else _NO_HEADER
        condition = parse_filter(
            options.filter, objects.kind, objects.columns, is_advanced=is_advanced, missing=missing
        )
        for name in condition.properties:
            if not permissions.may_read(caller.permissions, objects.kind.name, name):
                raise denied()
        return condition

    def _items(
        self, objects: Objects, places: list[int], names: tuple[str, ...] | None, caller: Caller, now: float
    ) -> list[dict[str, Any]]:
        """The objects as JSON; a property beyond the permissions is absent, not null."""
        kind = objects.kind
        wanted = [
            name
            for name in (kind.defaults if names is None else names)
            if permissions.may_read(caller.permissions, kind.name, name)
        ]
        apart = [name for name in wanted if name not in objects.columns]
        stored = tuple(name for name in wanted if name in objects.columns)
        values_of = objects.getter(stored)
        rows = objects.rows
        if objects.lagging:
            found: list[Row | None] = [objects.row(place, now) for place in places]
        else:
            found = [rows[place] for place in places]
        items = [dict(zip(stored, values_of(row), strict=True)) for row in found if row is not None]
        if apart:
            for place, item in zip(places, items, strict=True):
                kept = objects.apart.get(place, {})
                item |= {name: kept.get(name, kind.apart[name]) for name in apart}
        return items

    @staticmethod
    def _context(call: Call, path: str, names: tuple[str, ...] | None) -> str:
        return f"{call.root}/v1.0/$metadata#{path}" + (f"({','.join(names)})" if names else "")

    # ---- page tokens

    def _mac(self, call: Call, caller: Caller, options: Options, payload: bytes) -> str:
        bound = [caller.directory.tenant_id, call.path, options.canonical()]
        return hmac.digest(self._key, orjson.dumps(bound) + payload, hashlib.sha256).hex()[:32]

    def _next_link(self, call: Call, caller: Caller, options: Options, start: int, previous: int | None) -> str:
        token = self._token(call, caller, options, start, previous)
        return f"{call.root}/v1.0{call.path}?{options.with_token(token)}"

    def _token(self, call: Call, caller: Caller, options: Options, start: int, previous: int | None) -> str:
        payload = orjson.dumps([start, previous, call.is_advanced])
        return payload.hex() + self._mac(call, caller, options, payload)

    def _resume(self, call: Call, caller: Caller, options: Options) -> tuple[int, int | None]:
        """Where this page begins and the last object before it. Raises GraphError 400 for a token that does not fit.

        A listing begun with the advanced header and followed without it is answered Directory_ExpiredPageToken,
        which is how the missing header was seen to show itself.
        """
        token = options.skiptoken
        if token is None:
            return 0, None
        try:
            payload, mac = bytes.fromhex(token[:-32]), token[-32:]
        except ValueError as error:
            raise bad_request("Invalid page token.") from error
        if not hmac.compare_digest(mac.encode(), self._mac(call, caller, options, payload).encode()):
            raise bad_request("Invalid page token.")
        start, previous, was_advanced = orjson.loads(payload)
        if was_advanced and not call.is_advanced:
            raise expired_page()
        return int(start), None if previous is None else int(previous)


def _twist(
    call: Call, places: list[int], following: int | None, start: int, previous: int | None
) -> tuple[list[int], int | None, int | None]:
    """The places shown, where the next page begins, and the last object shown: as they are, or as a fault has it."""
    last = places[-1] if places else previous
    match call.twist.kind if call.twist else "":
        case "empty-page":
            return [], start, previous
        case "duplicated-page":
            return places, start, previous
        case "shifted-page" if places and previous is not None:
            return [previous, *places[:-1]], following, last
    return places, following, last


def list_kind(segment: str) -> str | None:
    """The type that a first path segment lists."""
    return {USER.path: USER.name, GROUP.path: GROUP.name}.get(segment)
