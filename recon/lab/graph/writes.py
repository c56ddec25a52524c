"""PATCH /users/{id}: what is accepted, what is refused and with which words.

otherMails is replaced as a whole; there is no conditional write. The code for a bad value is assumed to be
Request_BadRequest (not published). Of the two readings of "app-only needs a role", plain users may be written
without one unless the simulator is told to be strict.
"""

import re
from typing import Any

import orjson

from recon.lab.graph import permissions
from recon.lab.graph.calls import Call, Caller
from recon.lab.graph.errors import MASTERED, GraphError, bad_request, denied, unknown_property, unsimulated
from recon.lab.graph.schema import words
from recon.lab.graph.store import Objects

MAX_MAILS = 250
MAX_MAIL = 250
MAX_EXTENSION = 256
_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")  # visible ASCII around one @
_MASTERED = frozenset(
    words("""
        accountEnabled businessPhones city companyName country department displayName employeeId faxNumber givenName
    jobTitle mail mailNickname mobilePhone officeLocation postalCode proxyAddresses state streetAddress surname
    userPrincipalName
    """)
)
_READ_ONLY = frozenset(
    words("""
        id deletedDateTime createdDateTime creationType imAddresses lastPasswordChangeDateTime proxyAddresses
    securityIdentifier signInSessionsValidFromDateTime assignedLicenses assignedPlans
    """)
)


def check_patch(call: Call, caller: Caller, users: Objects, place: int, *, is_strict: bool) -> dict[str, Any]:
    """The changes that one PATCH may make, by property. Raises GraphError when any part of it is refused."""
    body = _body(call)
    for name in body:
        if name not in users.columns and name not in users.kind.apart:
            raise unknown_property(name, users.kind.name)
    for name in body:
        granting = permissions.WRITE.get(name, permissions.WRITE["usageLocation"])
        if not caller.permissions & granting:
            raise denied()
    row = users.json(place)
    for name in body:
        if row["onPremisesSyncEnabled"] is True and (name in _MASTERED or name.startswith("onPremises")):
            raise bad_request(MASTERED)
        if name in _READ_ONLY or name.startswith("onPremises"):
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        if name not in permissions.WRITE and not name.startswith("extension_"):
            raise unsimulated(f"a write of {name}")
    if permissions.SENSITIVE & body.keys():
        _check_role(caller, str(row["id"]).lower(), is_strict=is_strict)
    for name, value in body.items():
        check_value(name, value)
    return body


def check_value(name: str, value: Any) -> None:
    """Raise GraphError for a value that the property does not take."""
    if name == "otherMails":
        _check_mails(value)
    elif name == "usageLocation":
        _check_location(value)
    else:
        _check_extension(name, value)


def _body(call: Call) -> dict[str, Any]:
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type:
        raise bad_request("A Content-Type header is required for a request with a body.")
    if content_type != "application/json":
        raise GraphError(415, "Request_BadRequest", f"The content type '{content_type}' is not supported.")
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise bad_request(
            "Unable to read JSON request payload. "
            "Please ensure Content-Type header is set and payload is of valid JSON format."
        ) from error
    if not isinstance(body, dict):
        raise bad_request("The request payload is not a JSON object.")
    body = {name: value for name, value in body.items() if not name.startswith("@odata.")}
    if not body:
        raise bad_request("Empty Payload. JSON content expected.")
    return body


def _check_role(caller: Caller, user_id: str, *, is_strict: bool) -> None:
    if caller.role in permissions.PRIVILEGED_ROLES:
        return
    if caller.directory.is_privileged(user_id) or (is_strict and caller.role is None):
        raise denied()


def _invalid(name: str) -> GraphError:
    return bad_request(f"Invalid value specified for property '{name}' of resource 'User'.")


def _check_mails(value: Any) -> None:
    """At most 250 different addresses of at most 250 ASCII characters."""
    if not isinstance(value, list) or len(value) > MAX_MAILS:
        raise _invalid("otherMails")
    for mail in value:
        if not isinstance(mail, str) or len(mail) > MAX_MAIL or not _ADDRESS.fullmatch(mail):
            raise _invalid("otherMails")
    if len({mail.lower() for mail in value}) != len(value):
        raise _invalid("otherMails")


def _check_extension(name: str, value: Any) -> None:
    """A single-valued directory extension of type String: at most 256 characters, or null."""
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_EXTENSION):
        raise _invalid(name)


def _check_location(value: Any) -> None:
    """Two letters; the property is not nullable."""
    if not isinstance(value, str) or not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise _invalid("usageLocation")
