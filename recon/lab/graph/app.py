"""The Graph service itself, without a socket: a call goes in, an answer comes out.

Order of judgement: scripted fault, token, throttling, path and options, permission, object. Every accepted write is
kept in order. One lock: calls are carried out one at a time, as a whole.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from recon.lab.graph import batch, errors
from recon.lab.graph.calls import Answer, Call, Caller, RequestRecord, WriteRecord
from recon.lab.graph.clock import Clock
from recon.lab.graph.delta import DeltaReader, DeltaRules, empty_link
from recon.lab.graph.directory import Directory
from recon.lab.graph.errors import GraphError
from recon.lab.graph.faults import DELTA_LINK, FOLLOWING_PAGE, PAGE, Fault, FaultScript
from recon.lab.graph.reading import list_kind
from recon.lab.graph.routing import DELTA, Router
from recon.lab.graph.store import LagDraw
from recon.lab.graph.throttle import Cost, Limits, Throttle
from recon.lab.graph.tokens import TokenOffice

DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Laboratory","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"LAB000"}}'
)
_ANSWERED = {"503", "504", "409", "401", "424", "429", "429-decimal", "429-none", "expired-page-token"} | DELTA_LINK


class GraphService:
    """All tenants of one simulator. `eventual`: longest lag in seconds; `time_scale` concerns limits alone."""

    def __init__(
        self,
        directories: Iterable[Directory],
        office: TokenOffice,
        *,
        limits: Limits | None,
        time_scale: float,
        faults: Iterable[Fault],
        eventual: float | None,
        is_strict: bool,
        delta: DeltaRules,
        seed: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directories = {directory.tenant_id.lower(): directory for directory in directories}
        self.office = office
        self.faults = FaultScript(faults, seed)
        self.requests: list[RequestRecord] = []
        self.writes: list[WriteRecord] = []
        self.throttled = 0  # calls that a limit refused; scripted 429s are not among them
        self.lock = threading.Lock()
        self._throttle = Throttle(limits, monotonic, time_scale)
        self._order = random.Random(seed + 2)
        self.clock = Clock()
        self.delta = DeltaReader(uuid.uuid4().bytes, self.clock, delta)
        self._router = Router(
            self.clock, self.delta, LagDraw(eventual, seed + 1), self.writes, is_strict=is_strict, monotonic=monotonic
        )

    # ---- one HTTP request

    def handle(self, call: Call) -> Answer:
        """Answer one Graph request and log it. The answer's `fault` tells the wire what to do to it."""
        with self.lock:
            number = len(self.requests) + 1
            request_id = str(uuid.uuid4())
            client_request_id = call.headers.get("client-request-id") or request_id
            fault = self.faults.pick(
                number,
                call.target,
                is_page=_is_page(call),
                is_following=_is_following(call),
                is_batch=call.segments == ["$batch"],
                is_delta=_is_delta(call) and "deltatoken=" in call.query,
            )
            items: list[tuple[str, str, int]] = []
            client_id = ""
            if fault is not None and fault.kind == "reset":
                answer = Answer(0)
            else:
                answer, client_id = self._answer(call, fault, request_id, client_request_id, items)
            answer.fault = fault
            answer.request_id = request_id
            self._finish(answer, request_id, client_request_id)
            self.requests.append(
                RequestRecord(
                    number,
                    call.method,
                    call.target,
                    0 if fault is not None and fault.kind == "reset-after" else answer.status,
                    request_id,
                    client_request_id,
                    client_id,
                    answer.units,
                    fault.kind if fault else None,
                    tuple(items),
                )
            )
            return answer

    def _answer(
        self,
        call: Call,
        fault: Fault | None,
        request_id: str,
        client_request_id: str,
        items: list[tuple[str, str, int]],
    ) -> tuple[Answer, str]:
        client_id = ""
        try:
            if fault is not None and fault.kind in _ANSWERED:
                raise fault_error(fault, call)
            caller = self._caller(call)
            client_id = caller.client_id
            if call.segments == ["$batch"]:
                answer = self._batch(call, caller, request_id, client_request_id, items)
            else:
                answer = self._serve(_twisted(call, fault), caller, request_id, client_request_id)
            if fault is not None and fault.kind == "504-after":
                raise fault_error(fault, call)
        except GraphError as error:
            answer = _refusal(error, request_id, client_request_id)
        return answer, client_id

    def _finish(self, answer: Answer, request_id: str, client_request_id: str) -> None:
        answer.headers |= {
            "request-id": request_id,
            "client-request-id": client_request_id,
            "x-ms-ags-diagnostic": DIAGNOSTIC,
        }
        if answer.units:
            answer.headers["x-ms-resource-unit"] = str(answer.units)
        answer.headers.setdefault("Cache-Control", "no-cache")
        answer.headers.setdefault("OData-Version", "4.0")

    def _caller(self, call: Call) -> Caller:
        claims = self.office.check(call.headers.get("authorization"))
        app = self.office.app(claims.client_id)
        return Caller(self.directories[claims.tenant_id.lower()], claims.client_id, claims.roles, app.role)

    # ---- batches

    def _batch(
        self, call: Call, caller: Caller, request_id: str, client_request_id: str, log: list[tuple[str, str, int]]
    ) -> Answer:
        """The envelope costs nothing; each item is counted, throttled and refused on its own."""
        if call.method != "POST":
            raise errors.wrong_method()
        if not call.headers.get("content-type", "").lower().startswith("application/json"):
            raise GraphError(400, "BadRequest", "Invalid batch payload format.")
        items = batch.read_batch(call.body)

        def serve(item: batch.Item) -> Answer:
            own_id = item.headers.get("client-request-id") or client_request_id
            return self._item(item, call, caller, request_id, own_id)

        body, statuses = batch.run_batch(items, serve, self._order)
        log.extend((item.method, item.url, status) for item, status in zip(items, statuses, strict=True))
        return Answer(200, body, {"Content-Type": "application/json"})

    def _item(self, item: batch.Item, outer: Call, caller: Caller, request_id: str, client_request_id: str) -> Answer:
        path, _, query = item.url.partition("?")
        call = Call(item.method, "/" + path.lstrip("/"), query, item.headers, item.body, outer.root, is_item=True)
        fault = self.faults.pick_item(call.target, is_page=_is_page(call), is_following=_is_following(call))
        try:
            if "://" in path or call.segments == ["$batch"]:
                raise errors.bad_request(f"Invalid url of request {item.id}: it must be relative to the version.")
            if fault is not None and fault.kind in _ANSWERED:
                raise fault_error(fault, call)
            answer = self._serve(_twisted(call, fault), caller, request_id, client_request_id)
            if fault is not None and fault.kind == "504-after":
                raise fault_error(fault, call)
        except GraphError as error:
            answer = _refusal(error, request_id, client_request_id)
        answer.headers |= {"Cache-Control": "no-cache", "OData-Version": "4.0"}
        if answer.units:
            answer.headers["x-ms-resource-unit"] = str(answer.units)
        return answer

    # ---- one call

    def _serve(self, call: Call, caller: Caller, request_id: str, client_request_id: str) -> Answer:
        cost = cost_of(call)
        verdict = self._throttle.judge(caller.client_id, caller.directory.tenant_id, caller.directory.users.count, cost)
        try:
            if verdict.refused:
                self.throttled += 1
                raise errors.ThrottledError(verdict.headers)
            answer = self._router.route(call, caller, request_id, client_request_id)
        except GraphError as error:
            answer = _refusal(error, request_id, client_request_id)
        answer.units = cost.units
        answer.headers |= verdict.headers
        return answer


def cost_of(call: Call) -> Cost:
    """Resource units and writes of one call, from the published table.

    The table says "GET users" without saying whether one user is meant too: taken for every path below /users but
    delta, which is not listed. That userRegistrationDetails counts among the reports is assumed.
    """
    segments = call.segments
    if call.method != "GET":
        return Cost(1, uploads=1) if segments[-1] == "bulkUpload" else Cost(1, 1)
    options: dict[str, Any] = dict(parse_qsl(call.query, keep_blank_values=True))
    is_members = len(segments) > 2 and segments[0] == "groups" and segments[2] == "members"
    units = 2 if segments[0] == "users" and not _is_delta(call) else 3 if is_members else 1
    if "$select" in options:
        units -= 1
    if "$expand" in options:
        units += 1
    top = str(options.get("$top", ""))
    if top.isascii() and top.isdigit() and int(top) < 20:
        units -= 1
    is_sign_in = "signInActivity" in str(options.get("$select", "")) + str(options.get("$filter", ""))
    is_report = segments[0] in ("reports", "auditLogs")
    return Cost(max(1, units), sign_ins=int(is_sign_in), reports=int(is_report))


def fault_error(fault: Fault, call: Call) -> GraphError:
    """The answer of a fault that is one."""
    match fault.kind:
        case "429" | "429-decimal" | "429-none":
            usual = {"429": 1.0, "429-decimal": 0.25, "429-none": None}[fault.kind]
            seconds = fault.value if fault.value is not None else usual
            headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
            return errors.ThrottledError(headers | {"x-ms-throttle-information": "CPULimitExceeded"})
        case "503":
            headers = {} if fault.value is None else {"Retry-After": f"{fault.value:g}"}
            return GraphError(503, "serviceNotAvailable", "The service is temporarily unavailable.", headers)
        case "expired-delta-token":
            return errors.expired_delta(400 if fault.value is None else int(fault.value))
        case "delta-reset":
            return errors.reset_delta(empty_link(call, call.segments[0]))
        case "504" | "504-after":
            return GraphError(504, "UnknownError", "The gateway did not get an answer in time.")
        case "409":
            text = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry."
            return GraphError(409, "Directory_ConcurrencyViolation", text)
        case "401":
            return errors.bad_token("Lifetime validation failed, the token is expired.")
        case "424":
            return GraphError(424, "FailedDependency", "A request of the batch was throttled.")
        case _:
            return errors.expired_page()


def _refusal(error: GraphError, request_id: str, client_request_id: str) -> Answer:
    answer = Answer.json(error.body(request_id, client_request_id), error.status)
    answer.headers |= error.headers
    return answer


def _twisted(call: Call, fault: Fault | None) -> Call:
    return replace(call, twist=fault) if fault is not None and fault.kind in PAGE | FOLLOWING_PAGE else call


def _is_page(call: Call) -> bool:
    """A listing, whose answer is a page of objects."""
    segments = call.segments
    if call.method != "GET" or segments[-1] == "$count":
        return False
    if segments[:2] == ["directory", "deletedItems"]:
        return len(segments) == 3 and "graph." in segments[2]
    if list_kind(segments[0]) is None:
        return False
    return len(segments) == 1 or (len(segments) > 2 and segments[2] == "members") or _is_delta(call)


def _is_delta(call: Call) -> bool:
    segments = call.segments
    return list_kind(segments[0]) is not None and len(segments) == 2 and segments[1] in DELTA


def _is_following(call: Call) -> bool:
    return _is_page(call) and "skiptoken=" in call.query and not _is_delta(call)
