"""Search answers read by ldap3: slower, and independent of our own reader, which is held against it.

ldap3 decodes every value twice, raw and formatted, and guesses encodings for names. Here an entry is only its name
and its raw values, under lower-case attribute names; everything else is left to ldap3.
"""

from collections.abc import Callable
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from recon.sources.ldap.exchange import DirSyncAnswer, LostError, NotLdapError, RawEntry, Received, Search

_ENTRY, _REFERENCE = 4, 19  # protocolOp of SearchResultEntry and SearchResultReference (RFC 4511 4.5.2)

# what ldap3's decoder raises on bytes that are no LDAP message
MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


def raw_answers(connection: Any) -> None:
    """Make `connection` answer searches with {'type': 'searchResEntry', 'entry': (dn, {name: raw values})}.

    References to other domains keep their type and lose their content.
    """
    strategy = connection.strategy
    others: Callable[[dict[str, Any]], dict[str, Any]] = strategy.decode_response_fast

    def decode(message: dict[str, Any]) -> dict[str, Any]:
        operation = message["protocolOp"]
        if operation == _ENTRY:
            return {"type": "searchResEntry", "entry": raw_entry(message["payload"])}
        if operation == _REFERENCE:
            return {"type": "searchResRef"}
        return others(message)

    strategy.decode_response_fast = decode


def raw_entry(payload: Any) -> RawEntry:
    """(dn, attributes) of ldap3's decoded SearchResultEntry: tuples with the value in their fourth place."""
    name, attributes = payload[0][3], payload[1][3]
    return name.decode("utf-8", "backslashreplace"), {
        parts[0][3].decode("ascii", "replace").lower(): [value[3] for value in parts[1][3]]
        for _, _, _, parts in attributes
    }


class Ldap3Exchange:
    """The exchange that leaves everything to ldap3: one search at a time, decoded as a whole."""

    def __init__(self, connection: Any) -> None:
        raw_answers(connection)
        self._connection = connection
        self._asked: dict[int, tuple[Search, bytes | None]] = {}
        self._number = 0

    def send(self, search: Search, cookie: bytes | None = None) -> int:
        """Keep the request; ldap3 sends it and waits for the answer in one step."""
        self._number += 1
        self._asked[self._number] = (search, cookie)
        return self._number

    def receive(self, number: int) -> Received:
        """Send the request and read its whole answer."""
        search, cookie = self._asked.pop(number)
        connection = self._connection
        before = connection.usage.bytes_received
        try:
            connection.search(
                search.base,
                search.filter_text,
                search.scope,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(search.attributes),
                paged_size=search.page_size,
                paged_criticality=search.page_size is not None,
                paged_cookie=cookie,
                controls=[(control.oid, True, control.value) for control in search.controls] or None,
            )
        except (LDAPException, OSError) as error:
            raise LostError(*error.args) from error
        except MALFORMED as error:
            raise NotLdapError(type(error).__name__) from error
        result = connection.result
        entries = [answer["entry"] for answer in connection.response if "entry" in answer]
        size = connection.usage.bytes_received - before
        return Received(
            result["result"], result["message"], _cookie(result), len(entries), size, iter(entries), _dirsync(result)
        )


def _cookie(result: dict[str, Any]) -> bytes | None:
    try:
        return bytes(result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"])
    except (KeyError, TypeError):
        return None


def _dirsync(result: dict[str, Any]) -> DirSyncAnswer | None:
    try:
        value = result["controls"]["1.2.840.113556.1.4.841"]["value"]
        return DirSyncAnswer(bool(value["more_results"]), bytes(value["cookie"]))
    except (KeyError, TypeError):
        return None
