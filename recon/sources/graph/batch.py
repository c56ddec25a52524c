"""$batch: up to 20 requests in one, each with its own status, each tried again for itself.

What is tried again depends on whether a second try could do harm:
    a read        whatever is transient: 429, 5xx, Directory_ConcurrencyViolation, a lost answer
    a write       only what was certainly not done: 429, Directory_ConcurrencyViolation, no connection
A write whose answer was lost gets status 0: nobody knows whether it was done, and only a fresh read can tell.
An error of one item is never raised: its status stands in its answer, and the caller judges.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from recon.errors import ReconError, SourceError, TransientError
from recon.sources.graph.answer import CONCURRENCY, Answer, NotDoneError, error_codes, is_transient
from recon.sources.graph.jsontext import read_json
from recon.sources.graph.retry import Patience, retry_after

SIZE = 20  # requests in one $batch
LOST = 0  # status of an item without an answer: whether it was done is not known
NOT_DONE = -1  # status of an item whose batch was never sent, or was refused with 429 as a whole


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One request. `url`: below /v1.0, with its query. `body`: JSON, for a write."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def is_read(self) -> bool:
        """True when sending it twice cannot do harm."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """One item's answer. `status`: HTTP's, LOST or NOT_DONE. `tries`: how often it was sent."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    tries: int = 1

    @property
    def is_success(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    @property
    def codes(self) -> tuple[str, ...]:
        """The error codes, the outermost first."""
        return error_codes(self.body)


class Sender(Protocol):
    """What a batch needs of the client."""

    patience: Patience

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        permission: str | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One request, once."""
        ...


def run_batch(client: Sender, items: Sequence[BatchItem]) -> list[BatchAnswer]:
    """The answers to `items`, in their order. Reads are cut into batches of 20; writes come at most 20 at a time.

    Raises ValueError for more than 20 items with a write among them (an error in a later batch would hide what
    the earlier ones did), and SourceError when a batch as a whole is refused before anything of it was done.
    """
    if len(items) > SIZE and not all(item.is_read for item in items):
        raise ValueError(f"{len(items)} items with writes among them: at most {SIZE} in one call")
    answers: list[BatchAnswer] = []
    for start in range(0, len(items), SIZE):
        answers += _run_one(client, items[start : start + SIZE])
    return answers


def _run_one(client: Sender, items: Sequence[BatchItem]) -> list[BatchAnswer]:
    patience = client.patience
    answers: dict[int, BatchAnswer] = {}
    pending = list(range(len(items)))
    spent = 0.0
    for tried in range(1, patience.tries + 2):
        try:
            found = _post(client, {place: items[place] for place in pending})
        except TransientError as error:
            found = _without_answer(pending, error)
        except ReconError:
            if not answers:
                raise
            # a later round was refused as a whole: what was answered before stands
            break
        answers |= {place: _with_tries(answer, tried) for place, answer in found.items()}
        pending = [place for place in pending if _is_worth_another(items[place], answers[place])]
        if not pending or tried > patience.tries:
            break
        asked = [retry_after(answers[place].headers, patience.clock()) for place in pending]
        known = [seconds for seconds in asked if seconds is not None]
        # the longest of them: an item sent too early counts against the quota and is refused again
        pause = patience.delay(tried, max(known) if len(known) == len(asked) else None)
        pause = max([pause, *known])
        if spent + pause > patience.longest_call:
            break
        spent += pause
        patience.wait(pause)
    return _checked(items, answers)


def _with_tries(answer: BatchAnswer, tried: int) -> BatchAnswer:
    return BatchAnswer(answer.status, answer.headers, answer.body, tried)


def _checked(items: Sequence[BatchItem], answers: Mapping[int, BatchAnswer]) -> list[BatchAnswer]:
    """The answers in order; a read that got none at all cannot be told by a status: it is raised."""
    for place, item in enumerate(items):
        if item.is_read and answers[place].status in (LOST, NOT_DONE):
            raise TransientError(f"POST /$batch: no answer to {len(items)} requests after {answers[place].tries} tries")
    return [answers[place] for place in range(len(items))]


def _is_worth_another(item: BatchItem, answer: BatchAnswer) -> bool:
    if answer.is_success:
        return False
    if item.is_read:
        return answer.status in (LOST, NOT_DONE, 424) or is_transient(answer.status, answer.codes)
    return answer.status in (NOT_DONE, 429) or (answer.status == 409 and CONCURRENCY in answer.codes)


def _without_answer(pending: Sequence[int], error: TransientError) -> dict[int, BatchAnswer]:
    """What a batch that failed as a whole says about its items."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    status = NOT_DONE if isinstance(error, NotDoneError) else LOST
    return {place: BatchAnswer(status, headers) for place in pending}


def _post(client: Sender, items: Mapping[int, BatchItem]) -> dict[int, BatchAnswer]:
    """Send one batch, once. Raises TransientError when its answer is lost, cut off or lacks an item."""
    requests = [_request(place, item) for place, item in items.items()]
    # 424 for the whole is documented on one page: its body, where it has one, still answers each item
    answer = client.send("POST", "/$batch", body=orjson.dumps({"requests": requests}), accept=(424,))
    try:
        body = read_json(answer.body)
    except ValueError as error:
        raise TransientError("POST /$batch: the answer was cut off or is not JSON") from error
    responses = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(responses, list):
        if answer.status == 424:
            raise TransientError("POST /$batch: HTTP 424 without responses")
        raise SourceError("POST /$batch: the answer holds no list of responses")
    # an item rarely names its request-id: then it is that of the whole
    own = {name: value for name, value in answer.headers.items() if name.lower() == "request-id"}
    found: dict[int, BatchAnswer] = {}
    for response in responses:
        place = _place(response, items)
        if place is not None:
            headers = response.get("headers")
            headers = headers if isinstance(headers, dict) else {}
            is_named = any(str(name).lower() == "request-id" for name in headers)
            status, known = response["status"], found.get(place)
            if known is not None and known.status != status:  # answered twice, and not alike: nobody knows which holds
                found[place] = BatchAnswer(LOST)
                continue
            found[place] = BatchAnswer(status, headers if is_named else {**headers, **own}, response.get("body"))
    # an item that the answer forgot is one without an answer
    return {place: found.get(place, BatchAnswer(LOST)) for place in items}


def _place(response: Any, items: Mapping[int, BatchItem]) -> int | None:
    if not isinstance(response, dict) or not isinstance(response.get("status"), int):
        return None
    text = str(response.get("id"))
    return int(text) if text.isascii() and text.isdigit() and int(text) in items else None


def _request(place: int, item: BatchItem) -> dict[str, Any]:
    headers = dict(item.headers)
    request: dict[str, Any] = {"id": str(place), "method": item.method, "url": item.url}
    if item.body is not None:
        headers.setdefault("Content-Type", "application/json")
        request["body"] = item.body
    if headers:
        request["headers"] = headers
    return request
