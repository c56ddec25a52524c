"""Answers to StartTLS and to binds, read here while ldap3 leads the conversation.

ldap3's own reader waits and collects without end, takes any kind of answer for the one that is due, cannot read
refusals it has no name for, and goes on negotiating after one. A refused bind must be known as one: taken for a lost
connection it would be repeated, and lock the account.
"""

import time
from collections.abc import Callable
from typing import Any

from recon.decode.text import printable
from recon.sources.ldap import response
from recon.sources.ldap.exchange import LostError, NotLdapError

MAX_BYTES = 1024 * 1024  # of all answers until one is signed in; a Kerberos token has some kilobytes
_CONTINUES = 14  # saslBindInProgress


class SignInAnswers:
    """Reads for ldap3's `connection` until end(). `timeout`: seconds of waiting, for all answers together.

    `refusal` makes the error for a refused bind of its result and the server's text; it is raised through ldap3.
    Raises OSError for a lost connection, NotLdapError for what does not answer the request.
    """

    def __init__(self, connection: Any, timeout: float, refusal: Callable[[int, str], Exception]) -> None:
        self._connection = connection
        self._timeout = timeout
        self._seconds = timeout
        self._bytes = MAX_BYTES
        self._refusal = refusal
        connection.strategy.get_response = self._get_response

    def end(self) -> None:
        """Leave the reading to ldap3 again."""
        del self._connection.strategy.get_response
        self._connection.socket.settimeout(self._timeout)

    def _get_response(self, number: int) -> tuple[list[Any], dict[str, Any]]:
        """In place of ldap3's method of this name: (no intermediate answers, the answer)."""
        request = self._connection.request
        is_bind = request["type"] == "bindRequest"
        data = self._message()
        found, tag, start, end = response.message(data)
        if found == 0 and tag == response.EXTENDED:
            code, text, *_ = response.disconnection(data, start, end)
            raise LostError(f"closed by the server, result {code}: {printable(text)[:200]}")
        if found != number or tag != (response.BOUND if is_bind else response.EXTENDED):
            raise NotLdapError(f"a message of the kind 0x{tag:02x} with the number {found}")
        code, text, credentials = response.outcome(data, start, end)
        if is_bind and code not in (0, _CONTINUES) and not _is_abort(request):
            raise self._refusal(code, text)
        return [], {
            "type": "bindResponse" if is_bind else "extendedResp",
            "result": code,
            "description": "success" if code == 0 else f"result {code}",
            "dn": "",
            "message": text,
            "referrals": None,
            "saslCreds": credentials,
        }

    def _message(self) -> bytes:
        """One whole message and not a byte behind it: what follows StartTLS must not be taken for an answer."""
        head = b""
        while (end := response.message_end(head, 0)) is None:
            head += self._receive(1)
        rest = bytearray()
        while left := end - len(head) - len(rest):
            rest += self._receive(left)
        return head + rest

    def _receive(self, wanted: int) -> bytes:
        """Some of the bytes that are wanted, at least one."""
        if wanted > self._bytes:
            raise NotLdapError(f"an answer of more than {MAX_BYTES} bytes")
        if self._seconds <= 0:
            raise TimeoutError("timed out")
        self._connection.socket.settimeout(self._seconds)
        begin = time.monotonic()
        chunk: bytes = self._connection.socket.recv(wanted)
        self._seconds -= time.monotonic() - begin
        if not chunk:
            raise LostError("closed by the server")
        self._bytes -= len(chunk)
        return chunk


def _is_abort(request: dict[str, Any]) -> bool:
    """A bind without mechanism ends a negotiation; its answer is always a refusal (RFC 4513 5.2.1.2)."""
    sasl = request["authentication"]["sasl"]
    return sasl is not None and not sasl["mechanism"]
