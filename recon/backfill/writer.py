"""Graph as apply sees it: users re-read in one $batch, changes sent in one $batch, nothing tried again here.

Reading and writing may be two applications: the re-read needs User.Read.All (employeeId, accountEnabled and the
anchor), the write of otherMails User-Mail.ReadWrite.All alone. A value goes as the whole collection, which is how
Graph replaces it (PATCH /users/{id}).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from recon.backfill.lanes import Change
from recon.backfill.precondition import LOST, NOT_DONE, Reply
from recon.errors import TransientError
from recon.sources.graph import batch
from recon.sources.graph.batch import BatchAnswer, BatchItem
from recon.sources.graph.retry import retry_after

SELECT = (
    "id,userPrincipalName,userType,accountEnabled,onPremisesSyncEnabled,onPremisesImmutableId,"
    "employeeId,otherMails,usageLocation"
)


_STATUS = {batch.LOST: LOST, batch.NOT_DONE: NOT_DONE}


class BatchClient(Protocol):
    """What is needed of a Graph client: it must not try a write again by itself (Patience(tries=0))."""

    def batch(self, items: list[BatchItem]) -> list[BatchAnswer]:
        """The answers to at most 20 requests, in their order."""
        ...


class GraphWriter:
    """Reads and writes users of one tenant. `now`: seconds since 1970, for the date form of Retry-After.

    `attributes`: what the plan writes, so that the re-read contains it (directory extensions come only when asked for).
    """

    def __init__(
        self, reader: BatchClient, writer: BatchClient, *, now: Callable[[], float], attributes: Collection[str] = ()
    ) -> None:
        self._reader, self._writer, self._now = reader, writer, now
        self._select = ",".join(dict.fromkeys([*SELECT.split(","), *attributes]))

    def read(self, object_ids: list[str]) -> list[Reply]:
        """The users' present properties; lost answers are replies, not errors."""
        items = [BatchItem(f"/users/{quote(object_id, safe='')}?$select={self._select}") for object_id in object_ids]
        return self._send(self._reader, items)

    def write(self, changes: list[Change]) -> list[Reply]:
        """PATCH one attribute of each user."""
        items = [
            BatchItem(
                f"/users/{quote(change.object_id, safe='')}",
                method="PATCH",
                headers={"client-request-id": change.client_request_id, "x-ms-throttle-priority": "Low"},
                body=_body(change),
            )
            for change in changes
        ]
        return self._send(self._writer, items)

    def _send(self, client: BatchClient, items: list[BatchItem]) -> list[Reply]:
        try:
            answers = client.batch(items)
        except TransientError as error:
            return [Reply(LOST, retry_after=error.retry_after)] * len(items)
        return [self._reply(answer) for answer in answers]

    def _reply(self, answer: BatchAnswer) -> Reply:
        return Reply(
            status=_STATUS.get(answer.status, answer.status),
            body=answer.body if isinstance(answer.body, dict) else None,
            code=answer.codes[0] if answer.codes else None,
            request_id=_header(answer.headers, "request-id"),
            retry_after=retry_after(answer.headers, self._now()),
            throttle=(throttle := _number(_header(answer.headers, "x-ms-throttle-limit-percentage"))),
            is_limit=answer.status == 429
            and ((throttle or 0) >= 1 or _header(answer.headers, "x-ms-throttle-scope") is not None),
        )


def _body(change: Change) -> dict[str, Any]:
    if change.attribute == "otherMails":
        return {"otherMails": list(change.value)}
    return {change.attribute: change.value[0] if change.value else None}


def _header(headers: Mapping[str, str], wanted: str) -> str | None:
    return next((str(value) for name, value in headers.items() if name.lower() == wanted), None)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
