"""An API-driven provisioning job as upload sees it: its schema, one bulk request, its provisioning log.

POST …/synchronization/jobs/{id}/bulkUpload answers 202 for "staged"; GET /auditLogs/provisioning says later what became
of it (synchronization-bulkupload and provisioningobjectsummary-list in the Graph reference). Fields are read without
regard to case, as the pages spell them in several ways; which of them hold the external id is not published, so that
an entry is found by either identity.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from recon.backfill.precondition import LOST, NOT_DONE, Reply
from recon.backfill_config import BulkUpload
from recon.decode.text import printable
from recon.decode.times import iso_text
from recon.errors import DecodeError, SourceError, TransientError
from recon.sources.graph.answer import NotDoneError, error_codes
from recon.sources.graph.client import GraphClient
from recon.sources.graph.jsontext import read_json

MOST_OPERATIONS = 50
CALLS, CALLS_SECONDS = 40, 5.0  # requests in any so many seconds
CONTENT_TYPE = "application/scim+json"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_USER = (
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
)


def operation(bulk_id: str, external_id: str, urn: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """One operation about one user; a value that is missing is left out, which flows nothing."""
    carried = {name: value for name, value in values.items() if value is not None}
    data = {"schemas": [*_USER, urn], "externalId": external_id, urn: carried}
    return {"method": "POST", "bulkId": bulk_id, "path": "/Users", "data": data}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the provisioning log. Action and status lower case; `at`: stored text, by the service's clock."""

    id: str
    at: str
    action: str
    status: str
    code: str | None
    source_id: str | None
    target_id: str | None

    @property
    def is_written(self) -> bool:
        """An update that succeeded."""
        return self.action == "update" and self.status == "success"

    @property
    def is_forbidden(self) -> bool:
        """What no upload of ours may ever do, whether it succeeded or not."""
        return self.action in ("create", "delete", "disable", "stageddelete")

    def is_of_another(self, object_id: str) -> bool:
        """True when it names a target object, and not this one."""
        target = (self.target_id or "").lower()
        return _GUID.fullmatch(target) is not None and target != object_id.lower()


class Uploader(Protocol):
    """What upload needs of the service."""

    def post(self, operations: Sequence[Mapping[str, Any]]) -> Reply:
        """Send one request, once; its answer. Raises what concerns every item alike: nothing was done then."""
        ...

    def log(self, since: str) -> Iterator[LogEntry]:
        """The job's entries after a time (stored text)."""
        ...


class GraphUploader:
    """One job. `reader` reads its schema and the log, `writer` uploads and must not try again by itself."""

    def __init__(self, reader: GraphClient, writer: GraphClient, settings: BulkUpload) -> None:
        self._reader, self._writer, self._settings = reader, writer, settings
        self._path = (
            f"/servicePrincipals/{quote(settings.service_principal_id, safe='')}"
            f"/synchronization/jobs/{quote(settings.job_id, safe='')}"
        )

    def schema(self) -> dict[str, Any]:
        """The job's synchronizationSchema. Raises SourceError when it cannot be read."""
        return self._reader.get(f"{self._path}/schema", permission="Synchronization.Read.All")

    def post(self, operations: Sequence[Mapping[str, Any]]) -> Reply:
        """Send one request, once. Raises SourceError for what concerns every item alike: nothing was done then."""
        body = {"schemas": [_BULK], "failOnErrors": None, "Operations": list(operations)}
        try:
            answer = self._writer.send(
                "POST",
                f"{self._path}/bulkUpload",
                headers={"Content-Type": CONTENT_TYPE},
                body=orjson.dumps(body),
                permission="SynchronizationData-User.Upload",
                accept=(400,),
            )
        except NotDoneError as error:
            return Reply(NOT_DONE, retry_after=error.retry_after, is_limit=True)
        except TransientError as error:
            return Reply(LOST, retry_after=error.retry_after)
        request_id = next((value for name, value in answer.headers.items() if name.lower() == "request-id"), None)
        return Reply(answer.status, code=_code(answer.body) if answer.status == 400 else None, request_id=request_id)

    def log(self, since: str) -> Iterator[LogEntry]:
        """The job's entries after a time (stored text), page by page."""
        job = self._settings.job_id.replace("'", "''")
        condition = f"jobId eq '{job}' and activityDateTime gt {since.replace(' ', 'T')}Z"
        pages = self._reader.pages(
            "/auditLogs/provisioning", {"$filter": condition}, permission="ProvisioningLog.Read.All"
        )
        for page in pages:
            yield from map(_entry, page.items)


def _code(body: bytes) -> str | None:
    try:
        codes = error_codes(read_json(body))
    except ValueError:
        return None
    return printable(codes[0][:80]) if codes else None


def _named(value: Any, *path: str) -> Any:
    """What lies at the path, names without regard to case; None where there is nothing."""
    for wanted in path:
        if not isinstance(value, Mapping):
            return None
        value = next((entry for name, entry in value.items() if str(name).lower() == wanted.lower()), None)
    return value


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _entry(data: Any) -> LogEntry:
    key, at = _text(_named(data, "id")), _text(_named(data, "activityDateTime"))
    if key is None or at is None:
        raise SourceError("the provisioning log holds an entry without an id or a time")
    try:
        when = iso_text(at)
    except DecodeError as error:
        raise SourceError("the provisioning log holds an entry whose time cannot be read") from error
    code = _text(_named(data, "provisioningStatusInfo", "errorInformation", "errorCode"))
    return LogEntry(
        id=key,
        at=when,
        action=(_text(_named(data, "provisioningAction")) or "").lower(),
        status=(_text(_named(data, "provisioningStatusInfo", "status")) or "").lower(),
        code=printable(code[:80]) if code else None,
        source_id=_text(_named(data, "sourceIdentity", "id")),
        target_id=_text(_named(data, "targetIdentity", "id")),
    )
