"""One client's connection to the lab's AD server: messages in, messages out (RFC 4511 4.2 to 4.14).

A malformed message is answered with a notice of disconnection and the end of the connection; a message larger than
the bound is refused by its header, so a client can never make the server hold more than that.
"""

import contextlib
import secrets
import socket
import struct
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from recon.lab import ber
from recon.lab.adbind import SUCCESS, BindAnswer, binding_refusal, diagnostic, integrity_refusal
from recon.lab.addirectory import Account
from recon.lab.adfaults import AdFault
from recon.lab.adlog import BindSeen, SearchSeen
from recon.lab.adrootdse import START_TLS, WHO_AM_I, encode_root_dse, root_dse
from recon.lab.adsearch import (
    OPERATIONS_ERROR,
    SIZE_LIMIT_EXCEEDED,
    Page,
    RefusalError,
    Search,
    SearchRequest,
)
from recon.lab.adservice import AdService
from recon.lab.adwire import Controls, decode_controls, result

_BIND, _UNBIND, _SEARCH, _ABANDON, _EXTENDED = 0x60, 0x42, 0x63, 0x50, 0x77
_BIND_ANSWER, _ENTRY, _SEARCH_DONE, _EXTENDED_ANSWER = 0x61, 0x64, 0x65, 0x78
_WRITES = {0x66: 0x67, 0x68: 0x69, 0x4A: 0x6B, 0x6C: 0x6D, 0x6E: 0x6F}  # modify, add, delete, rename, compare

_PROTOCOL_ERROR = 2
_AUTH_METHOD_NOT_SUPPORTED = 7
_UNAVAILABLE_CRITICAL_EXTENSION = 12
_BUSY = 51
_UNAVAILABLE = 52
_UNWILLING = 53

_NOTICE_OF_DISCONNECTION = "1.3.6.1.4.1.1466.20036"
_RECEIVE = 1 << 16
_SEND = 1 << 18
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no waiting: close() sends RST
_GARBAGE = b"\x30\x80\xff\xff\x00\x00"


_CRITICAL_TEXT = diagnostic("00002040", "0C090B0D", "Error processing control")
_NOT_BOUND_TEXT = diagnostic(
    "000004DC",
    "0C090A5C",
    "In order to perform this operation a successful bind must be completed on the connection.",
)
_NOBODY = Account("")
_FAULT_TEXT = {
    "busy": "0000200E: SvcErr: DSID-02050A44, problem 5001 (BUSY), data 0\n\0",
    "unavailable": "0000200F: SvcErr: DSID-02050A44, problem 5002 (UNAVAILABLE), data 0\n\0",
}


class _EndError(Exception):
    """The connection ends now."""


@dataclass(eq=False)
class Connection:
    """`serve()` returns when the client is gone, has unbound or was cut off; it closes the socket."""

    service: AdService
    sock: socket.socket
    is_tls: bool = False
    account: str | None = None
    _buffer: bytearray = field(default_factory=bytearray)
    _open: "OrderedDict[bytes, Search]" = field(default_factory=OrderedDict)

    def serve(self, *, begins_with_tls: bool) -> None:
        """Answer requests one after the other."""
        try:
            self.sock.settimeout(self.service.settings.message_timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if begins_with_tls:
                self._start_tls()
            while True:
                self._answer(self._receive())
        except (OSError, _EndError):
            pass  # the client is gone, or the server stops: nobody is left to tell
        except ber.BerError as error:
            self.service.log.refused_messages.append(str(error))
            self._say_goodbye(str(error))
        finally:
            self.sock.close()

    def cut(self) -> None:
        """End the connection from another thread: what waits for the client wakes up."""
        # Not SSLSocket.shutdown: it would take the TLS state away under the thread that reads
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _start_tls(self) -> None:
        if self.service.tls is None:
            raise _EndError
        # The handshake comes after the hand-over, so that a failed one leaves a socket to close
        self.sock = self.service.tls.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        self.sock.do_handshake()
        self.is_tls = True

    def _receive(self) -> bytes:
        settings = self.service.settings
        deadline = None
        while True:
            size = ber.message_size(self._buffer, settings.max_message)
            if size is not None and len(self._buffer) >= size:
                message = bytes(self._buffer[:size])
                del self._buffer[:size]
                return message
            if self._buffer and deadline is None:
                deadline = time.monotonic() + settings.message_timeout
            if deadline is not None and time.monotonic() > deadline:
                raise _EndError
            self.sock.settimeout(settings.message_timeout if self._buffer else settings.idle_timeout)
            data = self.sock.recv(_RECEIVE)
            if not data:
                raise _EndError
            self._buffer += data

    def _send(self, *messages: bytes) -> None:
        self.sock.settimeout(self.service.settings.message_timeout)
        data = b"".join(messages)
        for place in range(0, len(data), _SEND):
            self.sock.sendall(data[place : place + _SEND])

    def _say_goodbye(self, reason: str) -> None:
        name = ber.text(_NOTICE_OF_DISCONNECTION, 0x8A)
        text = diagnostic("00000057", "0C0C0095", f"Error decoding ldap message ({reason})")
        try:
            self._send(result(ber.integer(0), _EXTENDED_ANSWER, _PROTOCOL_ERROR, text, tail=name))
            # What the client still sends would turn the notice into a reset: let it come, for a moment
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(0.2)
            for _ in range(64):
                if not self.sock.recv(_RECEIVE):
                    break
        except OSError:
            pass  # it did not wait for the notice

    def _answer(self, message: bytes) -> None:
        outer = ber.Reader(message)
        reader = outer.inside(ber.SEQUENCE)
        number = reader.integer()
        if not 0 < number < 1 << 31:
            raise ber.BerError(f"message id {number}")
        message_id = ber.integer(number)
        tag = reader.next_tag()
        if tag == _UNBIND:
            raise _EndError
        if tag == _ABANDON:
            return  # requests are answered one after the other: the one meant is done
        if tag not in (_BIND, _SEARCH, _EXTENDED) and tag not in _WRITES:
            raise ber.BerError(f"unknown operation 0x{tag:02x}")
        if tag == 0x4A:
            reader.skip()
            operation = reader
        else:
            operation = reader.inside(tag)
        controls = decode_controls(reader)
        if tag == _SEARCH:
            self._search(message_id, SearchRequest.decode(operation), controls)
        elif controls.has_unknown_critical:
            answer = {_BIND: _BIND_ANSWER, _EXTENDED: _EXTENDED_ANSWER}.get(tag) or _WRITES[tag]
            self._send(result(message_id, answer, _UNAVAILABLE_CRITICAL_EXTENSION, _CRITICAL_TEXT))
        elif tag == _BIND:
            self._bind(message_id, operation)
        elif tag == _EXTENDED:
            self._extended(message_id, operation)
        else:
            text = diagnostic("00002035", "0C090B3A", "This directory is read-only")
            self._send(result(message_id, _WRITES[tag], _UNWILLING, text))

    # ---- bind -----------------------------------------------------------------------------------------

    def _bind(self, message_id: bytes, operation: ber.Reader) -> None:
        version = operation.integer()
        identity = operation.text()
        method = operation.next_tag()
        self.account = None  # RFC 4511 4.2.1: a bind ends the association before it
        self._open.clear()
        if version not in (2, 3):
            answer = BindAnswer(_PROTOCOL_ERROR, diagnostic("00002080", "0C090387", "Unsupported LDAP version"))
        elif method != 0x80:
            text = diagnostic("00002027", "0C0905ED", "Invalid Authentication method")
            answer = BindAnswer(_AUTH_METHOD_NOT_SUPPORTED, text)
        else:
            answer = self._simple_bind(identity, operation.octets(0x80))
        self.account = answer.account
        self.service.log.binds.append(BindSeen(identity, answer.code, answer.text, self.is_tls))
        self._send(result(message_id, _BIND_ANSWER, answer.code, answer.text))

    def _simple_bind(self, identity: str, password: bytes) -> BindAnswer:
        settings = self.service.settings
        if not password:
            return BindAnswer(SUCCESS)  # anonymous, or "unauthenticated" with a name: AD says success to both
        if settings.requires_tls_for_bind and not self.is_tls:
            return integrity_refusal()
        if settings.requires_channel_binding and self.is_tls:
            return binding_refusal()
        return self.service.accounts.bind(identity, password)

    # ---- extended operations --------------------------------------------------------------------------

    def _extended(self, message_id: bytes, operation: ber.Reader) -> None:
        oid = operation.text(0x80)
        if oid == START_TLS:
            self._start_tls_operation(message_id)
        elif oid == WHO_AM_I:
            name = f"u:{self.service.directory.netbios_name}\\{self.account}" if self.account else ""
            self._send(result(message_id, _EXTENDED_ANSWER, SUCCESS, "", tail=ber.text(name, 0x8B)))
        else:
            text = diagnostic("0000203D", "0C090CB8", "Unknown extended request OID")
            self._send(result(message_id, _EXTENDED_ANSWER, _PROTOCOL_ERROR, text))

    def _start_tls_operation(self, message_id: bytes) -> None:
        name = ber.text(START_TLS, 0x8A)
        if self.is_tls:
            text = diagnostic("00000000", "0C090E0E", "TLS is already in effect")
            self._send(result(message_id, _EXTENDED_ANSWER, OPERATIONS_ERROR, text, tail=name))
        elif self.service.tls is None:
            text = diagnostic("00000000", "0C090E17", "Error initializing SSL/TLS")
            self._send(result(message_id, _EXTENDED_ANSWER, _UNAVAILABLE, text, tail=name))
        elif self._buffer:
            # Plain text behind the request would be taken for what came through TLS
            raise ber.BerError("bytes behind a StartTLS request")
        else:
            self.service.log.start_tls += 1
            self._send(result(message_id, _EXTENDED_ANSWER, SUCCESS, "", tail=name))
            self._start_tls()

    # ---- search ---------------------------------------------------------------------------------------

    def _search(self, message_id: bytes, request: SearchRequest, controls: Controls) -> None:
        started = time.monotonic()
        is_root = not request.base and request.scope == "base"
        page_number = 0 if request.scope == "base" else self._count_page()
        fault = self.service.faults.at_page(page_number) if page_number else None
        wait = self.service.settings.latency + (fault.seconds if fault else 0.0)
        if wait:
            self.service.settings.sleep(wait)
        search: Search | None = None
        cookie = b""
        changes: bytes | None = None
        try:
            if controls.has_unknown_critical:
                raise RefusalError(_UNAVAILABLE_CRITICAL_EXTENSION, _CRITICAL_TEXT)
            if fault and fault.kind in ("busy", "unavailable"):
                raise RefusalError(_BUSY if fault.kind == "busy" else _UNAVAILABLE, _FAULT_TEXT[fault.kind])
            if is_root:
                page = self._root_page(message_id, request)
            elif self.account is None:
                raise RefusalError(OPERATIONS_ERROR, _NOT_BOUND_TEXT)
            elif controls.dirsync is not None:
                page, changes = controls.dirsync.read(
                    self.service.directory, message_id, request, self._rights, self.service.settings
                )
            else:
                search = self._resume(request, controls)
                page = self._page(message_id, search, controls, started)
                if page.has_more and controls.paged:
                    cookie = self._keep(search)
            referral, matched = None, ""
        except RefusalError as error:
            page = Page(code=error.code, text=error.text)
            referral, matched = error.referral, error.matched
        self._note(request, controls, search, page)
        tail = ber.value(0xA3, ber.text(referral)) if referral else b""
        answer = ber.value(ber.SEQUENCE, ber.integer(0), ber.octets(cookie)) if controls.paged else None
        done = result(
            message_id, _SEARCH_DONE, page.code, page.text, matched=matched, tail=tail, paged=answer, dirsync=changes
        )
        if fault:
            self._misbehave(fault, page, done)
        else:
            self._send(*page.messages, done)

    @property
    def _rights(self) -> Account:
        """Who is signed in, for what not everybody may read."""
        return self.service.directory.accounts.get(self.account or "") or _NOBODY

    def _count_page(self) -> int:
        self.service.pages += 1
        return self.service.pages

    def _root_page(self, message_id: bytes, request: SearchRequest) -> Page:
        service = self.service
        attributes = root_dse(service.directory, service.settings.host, service.tls is not None)
        entry = encode_root_dse(attributes, request.attributes, request.filter, request.is_types_only)
        if entry is None:
            return Page()
        return Page([ber.value(ber.SEQUENCE, message_id, ber.value(_ENTRY, entry))], entries=1)

    def _resume(self, request: SearchRequest, controls: Controls) -> Search:
        """A new search, or the one that the cookie stands for on this connection."""
        service = self.service
        if controls.paged is None or not controls.paged[1]:
            search = Search(
                service.directory,
                request,
                service.settings.hidden_attributes,
                controls.oids,
                reads_deleted=self._rights.reads_deleted,
            )
            if not service.settings.sends_references:
                search.drop_references()
            return search
        found = self._open.pop(controls.paged[1], None)
        if found is None or found.request != request:
            raise RefusalError(_UNWILLING, diagnostic("00000057", "0C090B0A", "Error processing control"))
        return found

    def _page(self, message_id: bytes, search: Search, controls: Controls, started: float) -> Page:
        limit = self.service.settings.max_page_size
        if controls.paged:
            size, cookie = controls.paged
            if size == 0 and cookie:
                return Page()  # RFC 2696: the client gives the search up
            limit = min(size or limit, limit)
        size_limit = search.request.size_limit
        if size_limit:
            limit = min(limit, size_limit - search.sent)
        page = search.page(message_id, limit, started)
        if page.has_more and (not controls.paged or search.sent == size_limit):
            page.has_more = False
            page.code = SIZE_LIMIT_EXCEEDED
        return page

    def _keep(self, search: Search) -> bytes:
        cookie = secrets.token_bytes(24)
        self._open[cookie] = search
        if len(self._open) > self.service.settings.max_result_sets:
            self._open.popitem(last=False)
        return cookie

    def _note(self, request: SearchRequest, controls: Controls, search: Search | None, page: Page) -> None:
        self.service.log.searches.append(
            SearchSeen(
                account=self.account,
                base=request.base,
                scope=request.scope,
                filter=request.filter_text,
                attributes=request.attributes,
                page_size=controls.paged[0] if controls.paged else None,
                page=search.pages if search else 1,
                entries=page.entries,
                code=page.code,
                is_tls=self.is_tls,
            )
        )

    def _misbehave(self, fault: AdFault, page: Page, done: bytes) -> None:
        """Send the page as the fault has it; it was noted in the log as it should have been."""
        if fault.kind in ("delay", "busy", "unavailable"):
            self._send(*page.messages, done)
            return
        if fault.kind == "duplicate":
            self._send(*page.messages, *page.messages, done)
            return
        messages = [*page.messages, done]
        self._send(*messages[: fault.entries])
        cut = messages[min(fault.entries, len(messages) - 1)]
        if fault.kind == "truncate":
            self._send(cut[: len(cut) // 2])
        elif fault.kind == "garbage":
            self._send(_GARBAGE)
        elif fault.kind == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raise _EndError
