"""Search answers as raw values: the one place that knows how messages are decoded.

ldap3 decodes every value twice, raw and formatted, and guesses encodings for names. Here an entry is only its name
and its raw values, under lower-case attribute names; everything else is left to ldap3.
"""

from collections.abc import Callable
from typing import Any

_ENTRY, _REFERENCE = 4, 19  # protocolOp of SearchResultEntry and SearchResultReference (RFC 4511 4.5.2)


def raw_answers(connection: Any) -> None:
    """Make `connection` answer searches with {'type': 'searchResEntry', 'entry': (dn, {name: raw values})}.

    References to other domains keep their type and lose their content.
    """
    strategy = connection.strategy
    others: Callable[[dict[str, Any]], dict[str, Any]] = strategy.decode_response_fast

    def decode(message: dict[str, Any]) -> dict[str, Any]:
        operation = message["protocolOp"]
        if operation == _ENTRY:
            return {"type": "searchResEntry", "entry": _entry(message["payload"])}
        if operation == _REFERENCE:
            return {"type": "searchResRef"}
        return others(message)

    strategy.decode_response_fast = decode


def _entry(payload: Any) -> tuple[str, dict[str, list[bytes]]]:
    """(dn, attributes) of ldap3's decoded SearchResultEntry: tuples with the value in their fourth place."""
    name, attributes = payload[0][3], payload[1][3]
    return name.decode("utf-8", "backslashreplace"), {
        parts[0][3].decode("ascii", "replace").lower(): [value[3] for value in parts[1][3]]
        for _, _, _, parts in attributes
    }
