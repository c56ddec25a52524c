"""One signed-in connection to a domain controller: connect, TLS, bind, and what each failure means.

TLS is verified by the standard library (chain, dates, host name or address), not by ldap3. A refused bind is
raised as SignInError and never tried again. Secrets are in no message.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException

from recon.config import AdSource
from recon.decode.text import printable
from recon.errors import ConfigError, RestartError, SignInError, SourceError, TransientError
from recon.sources.ldap import kerberos
from recon.sources.ldap.answers import MALFORMED, Ldap3Exchange
from recon.sources.ldap.bind_errors import bind_refused
from recon.sources.ldap.exchange import Control, Exchange, LostError, NotLdapError, RawEntry, Received, Search
from recon.sources.ldap.refusals import refused
from recon.sources.ldap.rootdse import RootDse, read_root_dse
from recon.sources.ldap.signin import SignInAnswers
from recon.sources.ldap.tls import VerifiedTls, certificate_error, network_reason, tls_context
from recon.sources.ldap.wire import WireExchange

_CONNECT_SECONDS = 15
_RECEIVE_BYTES = 64 * 1024
_BUSY = frozenset({51, 52})  # busy, unavailable
_MAX_EMPTY_PAGES = 1000  # in a row; a server may send some where its own time for a page is up


class NoConnectionError(TransientError):
    """The server cannot be reached or ended the connection before the sign-in was answered: another one may do."""


class ConnectionLostError(RestartError):
    """The connection ended while an answer was awaited: the search must begin again, on a new one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer to a search request."""

    entries: list[RawEntry]
    size: int  # bytes received


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search. `entries` are decoded while they are read, once; SourceError may come from there."""

    entries: Iterator[RawEntry]
    size: int  # bytes received


class Session:
    """A connection to a server of `source`, signed in: `url`, the first one by default. Use as a context manager."""

    def __init__(self, source: AdSource, password: str | None, url: str | None = None) -> None:
        self.url = url or next(iter(source.url), "")
        parts = urlsplit(self.url)
        if parts.hostname is None:
            raise ConfigError(f"[ad] {source.name}: url names no host")
        self._source = source
        self._host = parts.hostname
        self._is_ldaps = parts.scheme == "ldaps"
        self.port = parts.port or (636 if self._is_ldaps else 389)
        self.host = f"[{self._host}]:{self.port}" if ":" in self._host else f"{self._host}:{self.port}"
        self.requests = 0
        self._is_anonymous = not source.user and source.sign_in == "simple"
        if source.user and not password:
            # a server answers a name without a password with an anonymous success (RFC 4513 5.1.2)
            raise ConfigError(
                f"[ad] {source.name}: no password for {source.user}",
                hint=f"set {source.password_env}, or name a `keyring` that holds it",
            )
        self._tls = VerifiedTls(tls_context(source), self._host) if self._is_ldaps or source.tls == "verify" else None
        self._connection = self._open()
        try:
            self._sign_in(password)
        except BaseException:
            self.close()
            raise
        self._exchange: Exchange = (
            Ldap3Exchange(self._connection)
            if source.reader == "ldap3"
            else WireExchange(self._connection, source.timeout)
        )

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye and close the socket; a connection that is already dead is no error."""
        opened = self._connection.socket
        with contextlib.suppress(LDAPException, OSError, *MALFORMED):
            self._connection.unbind()
        if opened is not None:  # ldap3 leaves a socket open that it could not write to
            opened.close()

    # ---- opening

    def _open(self) -> Any:
        try:
            socket.getaddrinfo(self._host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NoConnectionError(
                f"the name {self._host} cannot be resolved", hint="check the host in `url` and the name server"
            ) from error
        server = ldap3.Server(
            self._host,
            port=self.port,
            use_ssl=self._is_ldaps,
            tls=self._tls,
            get_info=ldap3.NONE,
            connect_timeout=min(_CONNECT_SECONDS, self._source.timeout),
        )
        connection = ldap3.Connection(
            server,
            auto_bind=False,
            receive_timeout=self._source.timeout,
            return_empty_attributes=False,
            check_names=False,
            auto_range=False,
            auto_referrals=False,
            collect_usage=True,
        )
        connection.strategy.socket_size = _RECEIVE_BYTES
        self._answers = SignInAnswers(connection, self._source.timeout, self._refusal)
        try:
            connection.open(read_server_info=False)
            if self._tls is not None and not self._is_ldaps:
                connection.start_tls(read_server_info=False)
        except (LDAPException, OSError, *MALFORMED) as error:
            with contextlib.suppress(LDAPException, OSError, *MALFORMED):
                connection.strategy.close()
            if connection.socket is not None:  # ldap3 forgets a socket that never connected
                connection.socket.close()
            raise self._open_error(error, connection) from error
        return connection

    def _open_error(self, error: Exception, connection: Any) -> SourceError:
        failure = self._tls.failure if self._tls is not None else None
        if isinstance(failure, ssl.SSLCertVerificationError):
            return certificate_error(self.host, failure, self._source)
        if failure is not None:
            return NoConnectionError(
                f"{self.host}: no TLS connection: {network_reason(failure)}",
                hint="does this port speak TLS? ldaps:// is port 636, ldap:// with StartTLS is 389",
            )
        result = getattr(connection, "result", None)
        if isinstance(result, dict) and result.get("result") not in (None, 0):
            return SourceError(
                f"{self.host} refused StartTLS: result {result['result']}",
                hint="the domain controller may have no certificate; ldaps:// would need one too",
            )
        cause = _network_cause(error)
        if isinstance(cause, ConnectionRefusedError):
            hint = "check host and port in `url`, and that the domain controller runs"
            return NoConnectionError(f"{self.host} refused the connection", hint=hint)
        if isinstance(cause, TimeoutError):
            hint = "check host and port in `url`, and the firewall in between"
            return NoConnectionError(f"{self.host} did not answer in time", hint=hint)
        return NoConnectionError(
            f"{self.host}: no connection: {network_reason(cause)}",
            hint="check host and port in `url`: is it an LDAP server?",
        )

    def _sign_in(self, password: str | None) -> None:
        user = self._source.user
        connection = self._connection
        is_kerberos = self._source.sign_in == "kerberos"
        if is_kerberos:
            kerberos.prepare(connection, self._source)
        elif user:
            connection.authentication = ldap3.SIMPLE
            connection.user = user
            # as bytes: ldap3 would normalise text (SASLprep), and another password is a wrong one
            connection.password = (password or "").encode("utf-8", "surrogateescape")
        without_ticket = kerberos.library_errors() if is_kerberos else ()
        try:
            connection.bind(read_server_info=False)
        except without_ticket as error:
            name = self._source.kerberos_host or self._host
            raise kerberos.ticket_error(self.host, self._source, name, error) from error
        except MALFORMED as error:  # perhaps a refusal: no other server may get the password
            reason = str(error) if isinstance(error, NotLdapError) else type(error).__name__
            raise SignInError(
                f"{self.host} answered the sign-in with something that cannot be read: {reason}",
                hint="is something between here and the domain controller that changes the traffic?",
            ) from error
        except (LDAPException, OSError) as error:
            if (unfinished := kerberos.negotiation_error(self.host, error)) is not None:
                raise unfinished from error
            is_late = isinstance(error, TimeoutError)
            what = "did not answer the sign-in in time" if is_late else "closed the connection while signing in"
            raise NoConnectionError(f"{self.host} {what}", hint="see the domain controller's event log") from error
        finally:
            connection.password = None
        if connection.result["result"] != 0:
            raise self._refusal(connection.result["result"], connection.result["message"])
        self._answers.end()

    def _refusal(self, code: int, message: str) -> SourceError:
        """The error for a bind that was answered with another result than success."""
        if code in _BUSY:
            return TransientError(f"{self.host} is busy (result {code})")
        is_kerberos = self._source.sign_in == "kerberos"
        who = self._source.user or ("the Kerberos account" if is_kerberos else "anonymous")
        return bind_refused(self.host, who, code, message, is_kerberos=is_kerberos)

    # ---- searching

    def search(
        self,
        base: str,
        scope: str,
        filter_text: str,
        attributes: list[str],
        *,
        page_size: int | None = None,
        controls: tuple[Control, ...] = (),
    ) -> Answer:
        """Send one search request and read its whole answer, the first page alone where a size is given.

        Raises RestartError when the connection or the page cookie is lost, TransientError when the server is
        busy, AccessError without the right, SourceError for a wrong base and every other refusal: a result
        other than success never counts as an answer.
        """
        search = Search(base, scope, filter_text, tuple(attributes), page_size, controls)
        received = self._receive(self._send(search), search)
        return Answer(list(self._entries(received)), received.size)

    def ask(self, search: Search) -> tuple[Received, list[RawEntry]]:
        """One answer, whatever its result code: for requests whose refusal means something. Raises RestartError."""
        received = self._received(self._send(search), search)
        return received, list(self._entries(received))

    def pages(
        self,
        base: str,
        filter_text: str,
        attributes: list[str],
        page_size: int,
        controls: tuple[Control, ...] = (),
    ) -> Iterator[Page]:
        """Every page of a search below `base`; the next one is asked for before this one is handed out.

        Other searches may run between two pages. Raises what search() raises, and SourceError for a server that
        answers without paging or without end.
        """
        search = Search(base, ldap3.SUBTREE, filter_text, tuple(attributes), page_size, controls)
        number, cookie, empty, before = self._send(search), b"", 0, ""
        while True:
            received = self._receive(number, search, cookie)
            if received.cookie is None:
                raise SourceError(f"{self.host} answered without paging: the read cannot be proved complete")
            empty = 0 if received.count else empty + 1
            if cookie and empty and (received.cookie == cookie or empty > _MAX_EMPTY_PAGES):
                raise SourceError(f"{self.host}: the same empty page again: the read would not end")
            cookie = received.cookie
            if cookie:
                number = self._send(search, cookie)
            entries = self._entries(received)
            first = next(entries, None)
            if first is None:
                yield Page(iter(()), received.size)
            elif first[0] == before:
                raise SourceError(f"{self.host}: the same page again: the read would not end")
            else:
                before = first[0]
                yield Page(chain((first,), entries), received.size)
            if not cookie:
                return

    def _send(self, search: Search, cookie: bytes = b"") -> int:
        self.requests += 1
        try:
            return self._exchange.send(search, cookie or None)
        except LostError as error:
            raise self._lost(search, error) from error

    def _received(self, number: int, search: Search) -> Received:
        try:
            return self._exchange.receive(number)
        except LostError as error:
            raise self._lost(search, error) from error
        except NotLdapError as error:
            raise self._not_ldap(error) from error

    def _receive(self, number: int, search: Search, cookie: bytes = b"") -> Received:
        received = self._received(number, search)
        if received.code != 0:
            raise refused(self.host, search, received, has_cookie=bool(cookie), is_anonymous=self._is_anonymous)
        return received

    def _entries(self, received: Received) -> Iterator[RawEntry]:
        try:
            yield from received.entries
        except NotLdapError as error:
            raise self._not_ldap(error) from error

    def _lost(self, search: Search, error: LostError) -> ConnectionLostError:
        place = printable(search.base) or "the rootDSE"
        reason = network_reason(_network_cause(error))
        return ConnectionLostError(f"{self.host}: the connection was lost while reading {place}: {reason}")

    def _not_ldap(self, error: NotLdapError) -> SourceError:
        return SourceError(
            f"{self.host} sent an answer that is not LDAP: {error}",
            hint="is something between here and the domain controller that changes the traffic?",
        )

    def root_dse(self) -> RootDse:
        """Naming contexts, highest USN and the server's own identity (invocationId where it can be read)."""
        return read_root_dse(self.search, self.host)


def _network_cause(error: Exception) -> Exception:
    """The socket's own error behind one of ldap3's; several addresses: the last one's."""
    history = error.args[1] if len(error.args) > 1 else None
    if isinstance(history, list) and history:
        return history[-1][0]  # type: ignore[no-any-return]
    return error
