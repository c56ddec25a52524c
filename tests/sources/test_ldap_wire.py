"""Reading answers from a socket without ldap3: in whatever pieces they come, in whatever order, or not at all."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import ldap3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import search_operation
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.asn1 import encode

from recon.sources.ldap import wire
from recon.sources.ldap.exchange import LostError, NotLdapError, Search
from recon.sources.ldap.response import MAX_MESSAGE
from tests.support import berwriter as ber

USERS = Search("DC=contoso,DC=example", ldap3.SUBTREE, "(sAMAccountType=805306368)", ("cn", "mail"), 1000)
REST = Search("CN=Group,DC=contoso,DC=example", ldap3.BASE, "(objectClass=*)", ("member;range=1500-*",))


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """The server's end; the client's stands in `client(server)`."""
    ours, theirs = socket.socketpair()
    _CLIENTS[theirs] = ours
    with ours, theirs:
        yield theirs
    del _CLIENTS[theirs]


_CLIENTS: dict[socket.socket, socket.socket] = {}


def exchange(server: socket.socket, timeout: float = 5.0, max_held: int = wire.MAX_ANSWERS) -> wire.WireExchange:
    numbers = itertools.count(7)
    opened = SimpleNamespace(socket=_CLIENTS[server], server=SimpleNamespace(next_message_id=lambda: next(numbers)))
    return wire.WireExchange(opened, timeout, max_held)


def one(number: int, identity: int = 7) -> bytes:
    return ber.entry(b"CN=%d" % number, [(b"cn", [b"%d" % number])], identity)


def names(received) -> list[str]:
    return [dn for dn, _ in received.entries]


# ---- requests -------------------------------------------------------------------------------------------


@given(
    st.integers(1, 2**31 - 1),
    st.sampled_from([None, 1, 127, 128, 999, 1000, 5000]),
    st.one_of(st.none(), st.binary(max_size=300)),
    st.sampled_from(["", "DC=contoso,DC=example", "OU=Zürich,DC=contoso,DC=example"]),
    st.lists(st.sampled_from(["cn", "mail", "member;range=0-*", "a" * 200]), min_size=1, max_size=40),
)
def test_requests_are_those_of_ldap3(identity: int, page_size, cookie, base: str, attributes: list[str]):
    search = Search(base, ldap3.SUBTREE, "(&(objectClass=group)(cn=a*))", tuple(attributes), page_size)
    operation = search_operation(
        base, search.filter_text, ldap3.SUBTREE, ldap3.DEREF_NEVER, attributes, 0, 0, False, True, True
    )
    message = LDAPMessage()
    message["messageID"] = MessageID(identity)
    message["protocolOp"] = ProtocolOp().setComponentByName("searchRequest", operation)
    if page_size is not None:
        message["controls"] = build_controls_list([paged_search_control(True, page_size, cookie)])
    own = wire.encode_request(identity, wire.encode_search(search), page_size, cookie)
    assert own == bytes(encode(message))


# ---- answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 100, 10_000])
def test_an_answer_in_pieces(server: socket.socket, piece: int):
    reader = exchange(server)
    number = reader.send(USERS)
    answer = b"".join(map(one, range(20))) + ber.message(7, ber.element(0x73, ber.element(0x04, b"ldap://x")))
    answer += ber.done(0, b"", ber.paging(b"next"))

    def answer_slowly() -> None:
        for place in range(0, len(answer), piece):
            server.sendall(answer[place : place + piece])

    thread = threading.Thread(target=answer_slowly)
    thread.start()
    received = reader.receive(number)
    thread.join()
    assert (received.code, received.cookie, received.count, received.size) == (0, b"next", 20, len(answer))
    assert list(received.entries) == [(f"CN={n}", {"cn": [b"%d" % n]}) for n in range(20)]


def test_the_next_page_and_another_search_may_be_open_at_once(server: socket.socket):
    reader = exchange(server)
    page, rest = reader.send(USERS, b"next"), reader.send(REST)
    assert (page, rest) == (7, 8)
    server.sendall(one(1) + one(100, 8) + one(2) + ber.done(identity=7) + ber.done(4, b"limit", identity=8))
    received = reader.receive(rest)
    assert (received.code, received.message, names(received)) == (4, "limit", ["CN=100"])
    received = reader.receive(page)
    assert (received.code, received.cookie, names(received)) == (0, None, ["CN=1", "CN=2"])


def test_a_large_value_costs_no_more_than_its_size(server: socket.socket):
    reader = exchange(server)
    number = reader.send(USERS)
    value = bytes(8 * 1024 * 1024)
    answer = ber.entry(b"CN=x", [(b"jpegPhoto", [value])]) + ber.done()
    thread = threading.Thread(target=server.sendall, args=(answer,))
    thread.start()
    before = time.process_time()
    ((_, attributes),) = reader.receive(number).entries
    assert time.process_time() - before < 1
    thread.join()
    assert attributes == {"jpegphoto": [value]}


# ---- what goes wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [0, 1, 5, 30])
def test_a_closed_connection_is_lost(server: socket.socket, end: int):
    reader = exchange(server)
    number = reader.send(USERS)
    server.recv(65536)
    server.sendall(one(1) + one(2)[:end])
    server.close()
    with pytest.raises(LostError, match="closed by the server"):
        reader.receive(number)


def test_a_request_to_a_closed_connection_is_lost(server: socket.socket):
    reader = exchange(server)
    server.close()
    with pytest.raises(LostError):
        reader.send(USERS)


def test_a_silent_server_is_lost(server: socket.socket):
    reader = exchange(server, timeout=0.05)
    number = reader.send(USERS)
    with pytest.raises(LostError, match="timed out"):
        reader.receive(number)


def test_a_message_that_never_ends_is_lost(server: socket.socket):
    """Bytes keep coming, each well before the time-out, but no message is ever complete."""
    reader = exchange(server, timeout=0.2)
    number = reader.send(USERS)
    has_ended = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            server.sendall(b"\x30\x84\x00\x10\x00\x00")
            for _ in range(6_000):
                if has_ended.wait(0.01):
                    return
                server.sendall(b"\x00")
            server.shutdown(socket.SHUT_RDWR)  # a reader that each byte lets wait anew is told so

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(LostError, match="timed out"):
        reader.receive(number)
    has_ended.set()
    thread.join()


def test_a_notice_of_disconnection_is_a_lost_connection(server: socket.socket):
    reader = exchange(server)
    number = reader.send(USERS)
    server.sendall(one(1) + ber.disconnection(52, b"shutting \x1bdown"))
    with pytest.raises(LostError, match=r"closed by the server, result 52: shutting \\x1bdown"):
        reader.receive(number)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: b"HTTP/1.1 400 Bad Request\r\n\r\n", "begins with 0x30, not 0x48"),
        (lambda: b"\x30\x80\x02\x01", "indefinite length"),
        (lambda: one(1, identity=6), "number 6, which was not asked for"),
        (lambda: ber.done() + one(1), "number 7, which was not asked for"),
        (lambda: ber.message(7, ber.element(0x79, b"")), "kind 0x79 does not answer a search"),
        (lambda: ber.message(7, ber.element(0x61, ber.number(0, 0x0A), b"\x04\x00\x04\x00")), "kind 0x61"),
        (lambda: ber.disconnection(name=b"1.2.3"), "not the notice of disconnection"),
        (lambda: ber.message(0, ber.element(0x64, b"")), "number 0, which was not asked for"),
        (lambda: b"\x30\x84" + (MAX_MESSAGE + 1).to_bytes(4, "big"), "at most"),
        (lambda: one(1)[:-1] + b"\x00\x30\x03\x02\x01\x07", "truncated"),
    ],
)  # fmt: skip
def test_what_answers_nothing_is_refused(server: socket.socket, answer: Callable[[], bytes], reason: str):
    reader = exchange(server)
    number = reader.send(USERS)
    server.sendall(answer())
    with pytest.raises(NotLdapError, match=reason):
        reader.receive(number)


def test_a_malformed_entry_is_refused_when_it_is_read(server: socket.socket):
    reader = exchange(server)
    number = reader.send(USERS)
    broken = ber.message(7, ber.element(0x64, ber.element(0x04, b"CN=x"), ber.element(0x30, b"\x30\x05\x04")))
    server.sendall(one(1) + broken + ber.done())
    entries = reader.receive(number).entries
    assert next(entries)[0] == "CN=1"
    with pytest.raises(NotLdapError):
        next(entries)


def test_an_answer_without_end_is_refused_before_it_fills_the_memory(server: socket.socket):
    reader = exchange(server, max_held=1_000_000)
    number = reader.send(USERS)
    block = one(1) * 1_000

    def flood() -> None:
        with contextlib.suppress(OSError):
            while True:
                server.sendall(block)

    thread = threading.Thread(target=flood)
    thread.start()
    with pytest.raises(NotLdapError, match="an answer of more than 1000000 bytes"):
        reader.receive(number)
    _CLIENTS[server].close()
    thread.join()
