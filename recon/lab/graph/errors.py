"""Refusals as Microsoft Graph words and shapes them ("Error responses and resource types").

Codes and the texts in quotes come from published pages where there is one; the rest is our wording, and no client
may branch on it.
"""

from datetime import UTC, datetime
from typing import Any

DENIED = "Insufficient privileges to complete the operation."
MASTERED = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently "
    "undergoing migration."
)
UNSIMULATED = "NotImplemented"


class GraphError(Exception):
    """One refused call: HTTP status, code, message; `headers` are added to the answer."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The error object; innerError.date carries no zone, as published."""
        inner = {
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


class ThrottledError(GraphError):
    """429 with the published body, which keeps a second code inside innerError ("Throttling guidance")."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        super().__init__(429, "TooManyRequests", "Please retry again later.", headers)

    def body(self, request_id: str, client_request_id: str) -> dict[str, Any]:
        body = super().body(request_id, client_request_id)
        body["error"]["innerError"] |= {"code": "429", "message": "Please retry after", "status": "429"}
        return body


def bad_request(message: str) -> GraphError:
    """400 for what is malformed, read-only or invalid."""
    return GraphError(400, "Request_BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    """400 for a query that the directory does not serve."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def denied() -> GraphError:
    """403 for a call beyond the application's permissions or role."""
    return GraphError(403, "Authorization_RequestDenied", DENIED)


def not_found(key: str) -> GraphError:
    """404 for an object that does not exist."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def unknown_property(name: str, kind: str) -> GraphError:
    """400 for a property that the type does not have."""
    return bad_request(f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.")


def unknown_segment(segment: str) -> GraphError:
    """400 for a path that Graph does not have."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def wrong_method() -> GraphError:
    """405 for a method that the path does not take."""
    return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def unsimulated(what: str) -> GraphError:
    """501 for what Graph has and this simulator has not: never confused with a refusal of Graph's own."""
    return GraphError(501, UNSIMULATED, f"The simulator does not serve {what}.")


def bad_token(message: str) -> GraphError:
    """401; the published table names no code, this one is what the service is seen to send."""
    return GraphError(401, "InvalidAuthenticationToken", message)


def expired_page() -> GraphError:
    """400 in the middle of a listing: it must begin again."""
    return GraphError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")


def expired_delta(status: int) -> GraphError:
    """A delta token older than seven days. The page says "40X" and names syncStateNotFound as such a code."""
    return GraphError(status, "syncStateNotFound", "The delta token is no longer valid: it has expired.")


def reset_delta(location: str) -> GraphError:
    """410: tracking begins anew at `location`, an address with an empty $deltatoken."""
    return GraphError(410, "resyncRequired", "Resync is required. Begin again at the Location.", {"Location": location})
