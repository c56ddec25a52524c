"""API-driven provisioning: a job's schema, bulkUpload, and the provisioning log; Create and Delete are off.

Uploads are staged and applied after the job's delay of the simulator's clock, to the user whose employeeId is the
operation's externalId, through the schema's own attribute mappings. 202 means staged. What the log shows for somebody
without a match is not published: a skipped entry with our own code is assumed. Read-only otherwise.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from recon.lab.graph import permissions
from recon.lab.graph.calls import Answer, Call, Caller, WriteRecord
from recon.lab.graph.clock import Clock
from recon.lab.graph.directory import Directory
from recon.lab.graph.errors import GraphError, bad_request, denied, not_found, unsimulated, wrong_method
from recon.lab.graph.query import parse_query
from recon.lab.graph.schema import words
from recon.lab.graph.store import LagDraw
from recon.lab.graph.writes import check_value
from recon.scope_language import holds
from recon.scopes.filter_json import from_filter

CONTENT_TYPE = "application/scim+json"
MOST_OPERATIONS = 50
_BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_REQUIRED = frozenset(
    words("""
        urn:ietf:params:scim:schemas:core:2.0:User urn:ietf:params:scim:schemas:extension:enterprise:2.0:User
    """)
)
_LOG_OPTIONS = frozenset({"$filter", "$top", "$skiptoken"})
_LOG_PAGE = 50
_CONDITION = re.compile(r"(jobId) eq '((?:[^']|'')*)'|(activityDateTime) gt ([0-9T:.\-]+Z)", re.IGNORECASE)


@dataclass
class ProvisioningJob:
    """One job of a gallery application, its synchronizationSchema given at the start.

    delay: seconds from an upload until it is applied; log_delay: from then until the log shows it. A job that does not
    run takes uploads and does nothing with them.
    """

    service_principal_id: str
    job_id: str
    schema: Mapping[str, Any]
    delay: float = 0.0
    log_delay: float = 0.0
    is_running: bool = True
    log: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)  # visible from, entry
    staged: list[tuple[datetime, Mapping[str, Any], str]] = field(default_factory=list)  # due, operation, request id

    @property
    def mapping(self) -> Mapping[str, Any]:
        """The first object mapping: the one that runs."""
        found: Mapping[str, Any] = self.schema["synchronizationRules"][0]["objectMappings"][0]
        return found


class Provisioning:
    """Answers what concerns jobs, and lets them work. `writes` receives every accepted write."""

    def __init__(self, clock: Clock, lag: LagDraw, writes: list[WriteRecord], monotonic: Callable[[], float]) -> None:
        self._clock, self._lag, self._writes, self._monotonic = clock, lag, writes, monotonic

    # ---- /servicePrincipals/{id}/synchronization/jobs/{id}/…

    def answer(self, call: Call, caller: Caller, key: str, job_id: str, verb: str, request_id: str) -> Answer:
        """The job's schema, or an upload taken."""
        is_upload = verb == "bulkUpload"
        if call.method != ("POST" if is_upload else "GET"):
            raise wrong_method()
        if not caller.permissions & (permissions.UPLOAD if is_upload else permissions.READ_SYNCHRONIZATION):
            raise denied()
        job = caller.directory.jobs.get((key.lower(), job_id))
        if job is None:
            raise not_found(job_id)
        if not is_upload:
            context = f"{call.root}/v1.0/$metadata#servicePrincipals('{key}')/synchronization/jobs('{job_id}')/schema"
            return Answer.json({"@odata.context": context, **job.schema})
        due = self._clock.now() + timedelta(seconds=job.delay)
        job.staged += [(due, operation, request_id) for operation in _operations(call)]
        query = quote(f"jobid eq '{job_id}'", safe="")
        return Answer(202, b"", {"Location": f"{call.root}/v1.0/auditLogs/provisioning/?$filter={query}"})

    # ---- /auditLogs/provisioning

    def log(self, call: Call, caller: Caller) -> Answer:
        """The entries that are visible by now, oldest first."""
        if call.method != "GET":
            raise wrong_method()
        if not caller.permissions & permissions.READ_PROVISIONING_LOG:
            raise denied()
        options = parse_query(call.query, allowed=_LOG_OPTIONS, is_advanced=call.is_advanced)
        job_id, after = _log_filter(options.filter)
        now = self._clock.now()
        found = [
            entry
            for job in caller.directory.jobs.values()
            for visible, entry in job.log
            if visible <= now
            and (job_id is None or entry["jobId"] == job_id)
            and (after is None or datetime.fromisoformat(entry["activityDateTime"]) > after)
        ]
        token = options.skiptoken or "0"
        if not (token.isascii() and token.isdigit()):
            raise bad_request("Invalid page token.")
        start, size = int(token), options.top() if "$top" in options.values else _LOG_PAGE
        answer: dict[str, Any] = {"@odata.context": f"{call.root}/v1.0/$metadata#auditLogs/provisioning"}
        if len(found) > start + size:
            link = options.with_token(str(start + size))
            answer["@odata.nextLink"] = f"{call.root}/v1.0{call.path}?{link}"
        answer["value"] = found[start : start + size]
        return Answer.json(answer)

    # ---- what the service does in its own time

    def work(self, directory: Directory) -> None:
        """Apply every upload that is due."""
        now = self._clock.now()
        for job in directory.jobs.values():
            due = [entry for entry in job.staged if job.is_running and entry[0] <= now]
            if not due:
                continue
            job.staged = [entry for entry in job.staged if entry not in due]
            users = directory.users
            column = users.columns["employeeId"]
            matches: defaultdict[Any, list[int]] = defaultdict(list)
            for place, row in enumerate(users.rows):
                if row is not None:
                    matches[row[column]].append(place)
            for at, operation, request_id in due:
                entry = self._apply(directory, job, operation, request_id, at, matches)
                job.log.append((at + timedelta(seconds=job.log_delay), entry))

    def _apply(
        self,
        directory: Directory,
        job: ProvisioningJob,
        operation: Mapping[str, Any],
        request_id: str,
        at: datetime,
        matches: Mapping[Any, list[int]],
    ) -> dict[str, Any]:
        data = operation["data"]
        places = matches.get(data["externalId"], [])
        if not _in_scope(job, data):
            return _entry(directory, job, data, at, "skipped", "NotEffectivelyEntitled", "out of scope")
        if not places:
            return _entry(directory, job, data, at, "skipped", "NoMatch", "no user matches, and Create is off")
        if len(places) > 1:
            return _entry(directory, job, data, at, "failure", "DuplicateTargetEntries", "several users match")
        users, place = directory.users, places[0]
        target = users.json(place)
        changes = {name: value for name, value in _flow(job, data) if target[name] != value}
        try:
            for name, value in changes.items():
                check_value(name, value)
        except GraphError as error:
            return _entry(directory, job, data, at, "failure", "InvalidValue", error.message, target)
        if not changes:
            return _entry(directory, job, data, at, "skipped", "RedundantExport", "nothing to change", target)
        before = users.replace(place, changes, self._lag.draw(self._monotonic()))
        stamp = at.strftime("%Y-%m-%d %H:%M:%S.%f")
        for name, value in changes.items():
            record = (stamp, directory.tenant_id, str(target["id"]), name, before[name], value)
            self._writes.append(WriteRecord(*record, request_id, operation["bulkId"]))
        modified = [
            {"displayName": name, "oldValue": _shown(before[name]), "newValue": _shown(value)}
            for name, value in changes.items()
        ]
        return _entry(directory, job, data, at, "success", None, None, target) | {"modifiedProperties": modified}


def _operations(call: Call) -> list[Mapping[str, Any]]:
    """The request's operations. Raises GraphError 400 when any part of it is malformed."""
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise bad_request(f"The content type must be {CONTENT_TYPE}.")
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The request is not valid JSON.") from error
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or _BULK not in (body.get("schemas") or ()):
        raise bad_request("The request is not a SCIM bulk request.")
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise bad_request(f"A bulk request has 1 to {MOST_OPERATIONS} operations.")
    bulk_ids = set()
    for operation in operations:
        data = operation.get("data") if isinstance(operation, dict) else None
        if not isinstance(data, dict) or (operation.get("method"), operation.get("path")) != ("POST", "/Users"):
            raise bad_request("Each operation is a POST to /Users with data.")
        bulk_id, schemas = operation.get("bulkId"), data.get("schemas")
        if not isinstance(bulk_id, str) or not bulk_id or bulk_id in bulk_ids:
            raise bad_request("Each operation needs a bulkId of its own.")
        bulk_ids.add(bulk_id)
        custom = {name for name in data if name.startswith("urn:")}
        if not isinstance(schemas, list) or not _REQUIRED | custom <= set(schemas):
            raise bad_request("data.schemas must name the core and the enterprise user, and every extension in use.")
        if not isinstance(data.get("externalId"), str) or not data["externalId"]:
            raise bad_request("data.externalId is required.")
    return operations


def _log_filter(text: str | None) -> tuple[str | None, datetime | None]:
    job_id: str | None = None
    after: datetime | None = None
    for part in text.split(" and ") if text else ():
        match = _CONDITION.fullmatch(part.strip())
        if match is None:
            raise unsimulated(f"$filter on the provisioning log: {part}")
        if match[1]:
            job_id = match[2].replace("''", "'")
        else:
            after = datetime.fromisoformat(match[4])
    return job_id, after


def _value(data: Mapping[str, Any], name: str) -> str | None:
    """A source attribute of an operation: a core one by its name, an extension's as URN:Name."""
    urn, _, last = name.rpartition(":")
    holder = data.get(urn) if urn else data
    found = holder.get(last) if isinstance(holder, dict) else None
    return found if isinstance(found, str) and found else None


def _in_scope(job: ProvisioningJob, data: Mapping[str, Any]) -> bool:
    groups = from_filter(job.mapping.get("scope"))
    return not groups or any(
        all(holds(clause.op, clause.value, _value(data, clause.column)) for clause in group) for group in groups
    )


def _flow(job: ProvisioningJob, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the mappings make of an operation; a missing source flows nothing."""
    for mapping in job.mapping["attributeMappings"]:
        name, value = mapping["targetAttributeName"], _value(data, mapping["source"]["name"])
        if value is not None and name in ("otherMails", "usageLocation"):
            yield name, [value] if name == "otherMails" else value


def _shown(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _entry(
    directory: Directory,
    job: ProvisioningJob,
    data: Mapping[str, Any],
    at: datetime,
    status: str,
    code: str | None,
    reason: str | None,
    target: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One provisioningObjectSummary."""
    error = None
    if code is not None:
        category = "failure" if status == "failure" else "nonServiceFailure"
        error = {"errorCode": code, "reason": reason, "errorCategory": category}
        error |= {"additionalDetails": None, "recommendedAction": None}
    user = target or {"id": None, "displayName": None}
    return {
        "id": str(uuid.uuid4()),
        "activityDateTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "tenantId": directory.tenant_id,
        "jobId": job.job_id,
        "cycleId": str(uuid.uuid4()),
        "changeId": str(uuid.uuid4()),
        "provisioningAction": "update" if status == "success" else "other",
        "durationInMilliseconds": 100,
        "provisioningStatusInfo": {"status": status, "errorInformation": error},
        "provisioningSteps": [],
        "modifiedProperties": [],
        "servicePrincipal": {"id": job.service_principal_id, "displayName": "API-driven provisioning"},
        "sourceSystem": {"id": str(uuid.uuid4()), "displayName": "API", "details": {}},
        "targetSystem": {"id": str(uuid.uuid4()), "displayName": "Microsoft Entra ID", "details": {}},
        "initiatedBy": {"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system"},
        "sourceIdentity": {"id": data["externalId"], "displayName": "", "identityType": "User", "details": {}},
        "targetIdentity": {
            "id": user["id"] or "",
            "displayName": user["displayName"] or "",
            "identityType": "User",
            "details": {},
        },
    }
