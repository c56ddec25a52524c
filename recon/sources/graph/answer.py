"""What an HTTP answer of Graph means: its error code, and which of our errors it is.

The class is chosen by status and error code. The server's message is shown to people and never decided by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recon.decode.mask import mask_text
from recon.decode.text import printable
from recon.errors import AccessError, RestartError, SignInError, SourceError, TransientError, WatermarkError
from recon.sources.graph.jsontext import read_json
from recon.sources.graph.retry import retry_after

EXPIRED_PAGE = "Directory_ExpiredPageToken"
CONCURRENCY = "Directory_ConcurrencyViolation"
STALE_DELTA = frozenset({"syncstatenotfound", "resyncrequired"})  # codes, lower case, of a deltaLink that expired
TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504, 509})

_LONGEST_MESSAGE = 300


class NotDoneError(TransientError):
    """Worth another try, and certainly without effect so far: refused with 429, or never connected."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def error_codes(body: Any) -> tuple[str, ...]:
    """The error codes of an error body, the outermost first; () when it is none.

    innerError is spelled innererror on some pages, so names are compared case-blind.
    """
    codes: list[str] = []
    level = _named(body, "error")
    while isinstance(level, dict) and len(codes) < 16:
        code = _named(level, "code")
        if isinstance(code, str) and code:
            codes.append(code)
        level = _named(level, "innererror")
    return tuple(codes)


def _named(value: Any, wanted: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((item for name, item in value.items() if str(name).lower() == wanted), None)


def is_transient(status: int, codes: tuple[str, ...]) -> bool:
    """True when the same request may well succeed a little later."""
    return status in TRANSIENT_STATUS or (status == 409 and CONCURRENCY in codes)


def failure(what: str, answer: Answer, now: float, *, permission: str | None = None) -> SourceError:
    """The error for an answer that is not a success. `what` names the request, without its query.

    `permission`: the application permission that the request needs, named when it is refused.
    """
    try:
        body = read_json(answer.body)
    except ValueError:
        body = None
    return failure_of(what, answer.status, answer.headers, body, now, permission=permission)


def failure_of(
    what: str, status: int, headers: Mapping[str, str], body: Any, now: float, *, permission: str | None = None
) -> SourceError:
    """The same for a parsed body: an item of a $batch has no bytes of its own."""
    codes = error_codes(body)
    said = f"{what}: HTTP {status}" + (f" {printable(codes[0][:80])}" if codes else "")
    if EXPIRED_PAGE in codes:
        return RestartError(f"{said}: the listing must begin again")
    if status == 410 or not STALE_DELTA.isdisjoint(code.lower() for code in codes):
        return WatermarkError(f"{said}: Graph no longer knows what changed since the last load")
    if is_transient(status, codes):
        kind = NotDoneError if status in (409, 429) else TransientError
        return kind(said, retry_after=retry_after(headers, now))
    if status == 401:
        return SignInError(said + _message(body), hint="check tenant_id, client_id and the credential of [entra]")
    if status == 403:
        hint = "the application lacks a permission"
        if permission is not None:
            hint = f"grant the application permission {permission} and admin consent"
        return AccessError(said + _message(body), hint=hint)
    if 300 <= status < 400:
        return SourceError(f"{said}: redirects are not followed: the token would go elsewhere", hint="check graph_url")
    return SourceError(said + _message(body) + _request_id(headers))


def _message(body: Any) -> str:
    text = _named(_named(body, "error"), "message")
    if not isinstance(text, str) or not text.strip():
        return ""
    return f": {printable(mask_text(' '.join(text.split())[:_LONGEST_MESSAGE]))}"


def _request_id(headers: Mapping[str, str]) -> str:
    found = next((value for name, value in headers.items() if name.lower() == "request-id"), None)
    return f" (request-id {printable(str(found)[:64])})" if found else ""
