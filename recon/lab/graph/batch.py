"""POST /$batch: up to 20 calls in one, each judged alone ("Combine multiple requests in one HTTP call").

A batch that breaks the rules is refused as a whole with 400, and none of its items runs. Answers come in any order.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from recon.lab.graph.calls import Answer
from recon.lab.graph.errors import GraphError

MAX_ITEMS = 20
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True)
class Item:
    """One request of a batch; header names in lower case."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    depends_on: str | None = None


def _refuse(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


def read_batch(body: bytes) -> list[Item]:
    """The items of a batch. Raises GraphError 400 when the batch as a whole is not acceptable."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refuse("Invalid batch payload format.") from error
    requests = payload.get("requests") if isinstance(payload, dict) else None
    if not isinstance(requests, list) or not requests:
        raise _refuse("Invalid batch payload format.")
    if len(requests) > MAX_ITEMS:
        raise _refuse(f"Number of batch request steps exceeds the maximum value of {MAX_ITEMS}.")
    items = [_read_item(request) for request in requests]
    ids = {item.id.lower() for item in items}
    if len(ids) != len(items):
        raise _refuse("Request Id values must be unique, without regard to case.")
    _check_order(items)
    return items


def _read_item(request: Any) -> Item:
    if not isinstance(request, dict):
        raise _refuse("Invalid batch payload format.")
    key, method, url = (request.get(name) for name in ("id", "method", "url"))
    headers = request.get("headers") or {}
    if not (isinstance(key, str) and key and isinstance(method, str) and isinstance(url, str) and url):
        raise _refuse("Each request of a batch needs an id, a method and a url.")
    if method.upper() not in _METHODS or not isinstance(headers, dict):
        raise _refuse(f"Invalid request in batch: {key}.")
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    has_body = request.get("body") is not None
    is_write = method.upper() in ("POST", "PATCH", "PUT")
    if (has_body and "content-type" not in lowered) or (is_write and not has_body):
        raise _refuse(f"Write request id : {key} does not contain Content-Type header or body.")
    depends = request.get("dependsOn") or []
    if not isinstance(depends, list) or not all(isinstance(name, str) for name in depends) or len(depends) > 1:
        raise _refuse(f"Request {key} may depend on one other request.")
    body = orjson.dumps(request["body"]) if has_body else b""
    return Item(key, method.upper(), url, lowered, body, depends[0].lower() if depends else None)


def _check_order(items: list[Item]) -> None:
    """Only three shapes: all parallel, one strict chain, or all depending on the same one."""
    dependent = [item for item in items if item.depends_on]
    if not dependent:
        return
    ids = [item.id.lower() for item in items]
    if any(item.depends_on not in ids or item.depends_on == item.id.lower() for item in dependent):
        raise _refuse("A request depends on one that is not in the batch.")
    is_same = len({item.depends_on for item in dependent}) == 1 and len(dependent) == len(items) - 1
    is_chain = [item.depends_on for item in items] == [None, *ids[:-1]]
    if not (is_same or is_chain):
        raise _refuse("The dependencies of a batch must be a chain, or all lead to the same request.")


def run_batch(items: list[Item], serve: Callable[[Item], Answer], order: random.Random) -> tuple[bytes, list[int]]:
    """Serve every item; the body of the outer answer and the statuses in the order of the items."""
    statuses: dict[str, int] = {}
    responses = []
    for item in sorted(items, key=lambda item: item.depends_on is not None):
        if item.depends_on is not None and statuses[item.depends_on] >= 400:
            error = {"error": {"code": "FailedDependency", "message": f"Request {item.depends_on} failed."}}
            answer = Answer.json(error, 424)
        else:
            answer = serve(item)
        statuses[item.id.lower()] = answer.status
        response: dict[str, Any] = {"id": item.id, "status": answer.status, "headers": answer.headers}
        if answer.body:
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
            response["body"] = orjson.Fragment(answer.body) if is_json else answer.body.decode("ascii")
        responses.append(response)
    order.shuffle(responses)
    return orjson.dumps({"responses": responses}), [statuses[item.id.lower()] for item in items]
