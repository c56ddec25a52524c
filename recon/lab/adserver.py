"""A small Active Directory domain controller for tests and rehearsals: real LDAP v3 over sockets, read-only.

It enforces what a Samba AD DC does not: MaxPageSize, size and time limits, ranges of large attributes, bind errors
with AD's sub-codes and lockout. One server serves one Directory; a forest is several servers.
"""

import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from recon.errors import UsageError
from recon.lab.adbind import SUB_CODES, Accounts
from recon.lab.adconnection import Connection
from recon.lab.addirectory import Account, Directory
from recon.lab.adfaults import AdFault, AdFaults
from recon.lab.adlog import AdLog, BindSeen, SearchSeen
from recon.lab.adservice import AdService, AdSettings
from recon.lab.certificates import TlsFiles

__all__ = [
    "Account",
    "AdFault",
    "AdFaults",
    "AdLog",
    "AdServer",
    "AdSettings",
    "BindSeen",
    "Directory",
    "SearchSeen",
    "TlsFiles",
]

_JOIN_SECONDS = 10.0


class AdServer:
    """Start with `with AdServer(directory) as server:` or start() and stop(); then use `url` and `ldaps_url`.

    port, ldaps_port: 0 takes a free one; ldaps_port None, or no TLS files: no LDAPS.
    requires_tls_for_bind: a password over plain LDAP gets strongerAuthRequired (result 8).
    requires_channel_binding: a bind over TLS gets 80090346.
    hidden_attributes: names that nobody may read: left out of answers, Undefined in filters.
    lockout_threshold: wrong passwords until an account answers 775; 0: never.
    latency: seconds before each answer to a search.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ldaps_port: int | None = 0,
        tls: TlsFiles | None = None,
        requires_tls_for_bind: bool = False,
        requires_channel_binding: bool = False,
        hidden_attributes: Iterable[str] = (),
        lockout_threshold: int = 5,
        max_page_size: int = 1000,
        latency: float = 0.0,
        sends_references: bool = True,
        settings: AdSettings | None = None,
        faults: AdFaults | None = None,
    ) -> None:
        """`settings` replaces all single switches but the lockout threshold. Raises UsageError for an unknown state."""
        for name, account in directory.accounts.items():
            if account.state != "ok" and account.state not in SUB_CODES:
                raise UsageError(f"account {name}: unknown state {account.state!r}", hint=", ".join(SUB_CODES))
        self.directory = directory
        self.faults = faults or AdFaults()
        self.log = AdLog()
        self.accounts = Accounts(directory, lockout_threshold)
        self._host = host
        self._port = port
        self._ldaps_port = ldaps_port
        self._tls = tls
        self._settings = settings or AdSettings(
            requires_tls_for_bind=requires_tls_for_bind,
            requires_channel_binding=requires_channel_binding,
            hidden_attributes=frozenset(name.casefold() for name in hidden_attributes),
            max_page_size=max_page_size,
            latency=latency,
            sends_references=sends_references,
        )
        directory.add_controller(self._settings.host)
        self._listeners: list[_Listener] = []
        self._loops: list[threading.Thread] = []

    def start(self) -> "AdServer":
        """Listen. Raises OSError when a port is taken, ssl.SSLError for unusable TLS files."""
        context = None
        if self._tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.num_tickets = 0  # a client that closes at once would meet a ticket with a reset
            context.load_cert_chain(self._tls.certificate_file, self._tls.key_file)
        service = AdService(self.directory, self.accounts, self._settings, self.faults, self.log, context)
        try:
            self._listen(service, self._port, begins_with_tls=False)
            if context is not None and self._ldaps_port is not None:
                self._listen(service, self._ldaps_port, begins_with_tls=True)
        except OSError:
            self.stop()
            raise
        return self

    def _listen(self, service: AdService, port: int, *, begins_with_tls: bool) -> None:
        listener = _Listener((self._host, port), service, begins_with_tls=begins_with_tls)
        loop = threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": 0.05}, name=f"ad-{listener.port}", daemon=True
        )
        self._listeners.append(listener)
        self._loops.append(loop)
        loop.start()

    def stop(self) -> None:
        """Close every socket and wait for the threads; a second call does nothing."""
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()
        for loop in self._loops:
            loop.join(_JOIN_SECONDS)
        self._listeners.clear()
        self._loops.clear()

    def drop_connections(self) -> None:
        """Cut every client off, and go on listening: a domain controller that restarts."""
        for listener in self._listeners:
            listener.drop_connections()

    @property
    def open_connections(self) -> int:
        """Clients that are connected now."""
        return sum(listener.open_connections for listener in self._listeners)

    @property
    def port(self) -> int:
        """The plain LDAP port."""
        return self._listeners[0].port

    @property
    def ldaps_port(self) -> int | None:
        """The LDAPS port; None when there is none."""
        return self._listeners[1].port if len(self._listeners) > 1 else None

    @property
    def url(self) -> str:
        """ldap://HOST:PORT"""
        return f"ldap://{self._host}:{self.port}"

    @property
    def ldaps_url(self) -> str | None:
        """ldaps://HOST:PORT; None when there is no LDAPS."""
        return None if self.ldaps_port is None else f"ldaps://{self._host}:{self.ldaps_port}"

    @property
    def ca_file(self) -> Path | None:
        """The CA that the server's certificate is to be verified with."""
        return None if self._tls is None else self._tls.ca_file

    def __enter__(self) -> "AdServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Listener(socketserver.TCPServer):
    """Accepts, and keeps every connection's thread and socket so that stopping leaves none behind."""

    allow_reuse_address = os.name != "nt"  # on Windows it would let two servers share one port
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], service: AdService, *, begins_with_tls: bool) -> None:
        self._service = service
        self._begins_with_tls = begins_with_tls
        self._lock = threading.Lock()
        self._connections: dict[Connection, threading.Thread] = {}
        super().__init__(address, socketserver.BaseRequestHandler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request(self, request: "socket.socket | tuple[bytes, socket.socket]", client_address: object) -> None:
        """Serve one client in a thread of its own."""
        assert isinstance(request, socket.socket)
        connection = Connection(self._service, request)
        thread = threading.Thread(target=self._serve, args=(connection,), name=f"ad-{self.port}-client", daemon=True)
        with self._lock:
            self._connections[connection] = thread
        self._service.log.connections += 1
        thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve(begins_with_tls=self._begins_with_tls)
        finally:
            with self._lock:
                self._connections.pop(connection, None)

    @property
    def open_connections(self) -> int:
        with self._lock:
            return len(self._connections)

    def drop_connections(self) -> None:
        """Wake every thread that waits for its client, and wait for its end."""
        with self._lock:
            waiting = list(self._connections.items())
        for connection, _ in waiting:
            connection.cut()
        for _, thread in waiting:
            thread.join(_JOIN_SECONDS)

    def server_close(self) -> None:
        """Stop listening and end every connection."""
        super().server_close()
        self.drop_connections()
