"""Which path leads where: one call of a known caller in, its answer out.

What Graph has and this simulator has not is answered 501, never with a refusal of Graph's own.
"""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from recon.lab.graph import errors
from recon.lab.graph.calls import Answer, Call, Caller, WriteRecord
from recon.lab.graph.clock import Clock
from recon.lab.graph.deleted import DeletedItems
from recon.lab.graph.delta import DeltaReader
from recon.lab.graph.provisioning import Provisioning
from recon.lab.graph.reading import Reader, list_kind, require_groups, require_members, require_users
from recon.lab.graph.roles import RoleReader, list_domains, registrations
from recon.lab.graph.schema import USER
from recon.lab.graph.store import LagDraw
from recon.lab.graph.writes import check_patch

DELTA = frozenset({"delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"})
_UNSIMULATED = frozenset(
    {"auditLogs", "servicePrincipals", "directoryObjects", "me", "devices", "organization", "directoryRoleTemplates"}
)
_NOT_BELOW = frozenset({"transitiveMembers", "onPremisesSyncBehavior", "memberOf"})
_CAST = "microsoft.graph."


class Router:
    """Finds who answers a call. `writes` receives every accepted write."""

    def __init__(
        self,
        clock: Clock,
        delta: DeltaReader,
        lag: LagDraw,
        writes: list[WriteRecord],
        *,
        is_strict: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._clock = clock
        self._delta = delta
        self._lag = lag
        self._writes = writes
        self._is_strict = is_strict
        self._reader = Reader(uuid.uuid4().bytes)
        self._deleted = DeletedItems(self._reader)
        self._roles = RoleReader(self._reader)
        self._provisioning = Provisioning(clock, lag, writes, monotonic)

    def route(self, call: Call, caller: Caller, request_id: str, client_request_id: str) -> Answer:
        """Answer one call. Raises GraphError for every refusal."""
        head, *rest = call.segments
        caller.directory.expire(self._clock.now())
        self._provisioning.work(caller.directory)
        kind = list_kind(head)
        if kind is None:
            return self._elsewhere(call, caller, head, rest, request_id)
        now = self._monotonic()
        objects = caller.directory.users if kind == USER.name else caller.directory.groups
        if call.method == "PATCH" and kind == USER.name and len(rest) == 1 and rest[0] != "$count":
            return self._patch(call, caller, rest[0], request_id, client_request_id, now)
        if call.method != "GET":
            if (call.method, len(rest)) in (("POST", 0), ("DELETE", 1), ("PATCH", 1)):
                raise errors.unsimulated(f"{call.method} of {head}")
            raise errors.wrong_method()
        if len(rest) > 1:
            return self._below_group(call, caller, kind, rest, now)
        (require_users if kind == USER.name else require_groups)(caller)
        if not rest:
            return self._reader.list_objects(call, caller, objects, now)
        if rest == ["$count"]:
            return self._reader.count_objects(call, caller, objects, now)
        if rest[0] in DELTA:
            return self._delta.answer(call, caller, objects, now)
        return self._reader.get_object(call, caller, objects, rest[0], now)

    def _elsewhere(self, call: Call, caller: Caller, head: str, rest: list[str], request_id: str) -> Answer:
        match head, rest:
            case "directory", ["deletedItems", *tail]:
                return self._deleted.answer(call, caller, tail, self._clock)
            case "directoryRoles", tail if len(tail) != 1:
                return self._roles.answer(call, caller, tail)
            case "roleManagement", ["directory", "roleEligibilityScheduleInstances"]:
                return self._roles.eligible(call, caller)
            case "reports", ["authenticationMethods", "userRegistrationDetails", *tail]:
                return registrations(self._reader, call, caller, tail, self._clock)
            case "servicePrincipals", [key, "synchronization", "jobs", job, ("schema" | "bulkUpload") as verb]:
                return self._provisioning.answer(call, caller, key, job, verb, request_id)
            case "auditLogs", ["provisioning"]:
                return self._provisioning.log(call, caller)
            case "domains", []:
                return list_domains(call, caller)
        if head in _UNSIMULATED | {"directory", "directoryRoles", "roleManagement", "reports", "domains"}:
            raise errors.unsimulated(call.path)
        raise errors.unknown_segment(head)

    def _below_group(self, call: Call, caller: Caller, kind: str, rest: list[str], now: float) -> Answer:
        key, relation, *tail = rest
        if kind == USER.name or relation in _NOT_BELOW:
            raise errors.unsimulated(f"/{kind}s/{{id}}/{relation}")
        if relation not in ("members", "owners"):
            raise errors.unknown_segment(relation)
        groups = caller.directory.groups
        place = groups.place(key)
        if not caller.permissions:
            raise errors.denied()
        if place is None:
            raise errors.not_found(key)
        if relation == "owners":
            require_groups(caller)
            if tail:
                raise errors.unsimulated(f"/groups/{{id}}/owners/{tail[0]}")
            return self._reader.list_owners(call, caller, key, now)
        require_members(caller, groups.json(place))
        cast = tail.pop(0) if tail and tail[0] != "$count" else None
        if cast is not None:
            if not cast.startswith((_CAST, "graph.")):
                raise errors.unknown_segment(cast)
            cast = cast.rpartition(".")[2]
        if tail == ["$count"]:
            return self._reader.count_members(call, caller, key, cast)
        if tail:
            raise errors.unknown_segment(tail[0])
        return self._reader.list_members(call, caller, key, cast, now)

    def _patch(
        self, call: Call, caller: Caller, key: str, request_id: str, client_request_id: str, now: float
    ) -> Answer:
        users = caller.directory.users
        place = users.place(key)
        if place is None:
            raise errors.not_found(key)
        changes = check_patch(call, caller, users, place, is_strict=self._is_strict)
        before = users.replace(place, changes, self._lag.draw(now))
        user_id = str(users.json(place)["id"])
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        for name, value in changes.items():
            self._writes.append(
                WriteRecord(
                    stamp, caller.directory.tenant_id, user_id, name, before[name], value, request_id, client_request_id
                )
            )
        return Answer(204)
