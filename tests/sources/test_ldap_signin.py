"""What a server answers to a bind or to StartTLS: read as it is meant, within bounds, and never sent elsewhere."""

import socket
import time
from collections.abc import Callable

import pytest

from recon.config import AdSource
from recon.errors import SignInError, SourceError, TransientError
from recon.sources.ldap.controllers import Controllers
from recon.sources.ldap.session import NoConnectionError, Session
from recon.sources.ldap.signin import MAX_BYTES
from tests.support import berwriter as write
from tests.support.ldapscript import BIND, EXTENDED, Answer, LdapScript, result

REFERRAL = write.element(0xA3, write.element(0x04, b"ldap://other.contoso.example"))
BUSY = (51, 52)


def source(*servers: LdapScript, **settings: object) -> AdSource:
    return AdSource(
        **{
            "url": tuple(server.url for server in servers), "user": "reader@contoso.example", "tls": "none",
            "allow_plain_bind": True, "timeout": 5, **settings,
        }
    )  # fmt: skip


def refused(answer: Answer, error: type[Exception], **settings: object) -> SourceError:
    """The error of the first server, which must be of exactly this class: the second gets no password."""
    with LdapScript(answer) as first, LdapScript(result(0)) as second:
        with pytest.raises(SourceError) as found:
            Controllers(source(first, second, **settings), "right").connect()
        assert type(found.value) is error, found.value
        assert (first.binds, second.binds) == (1, 0)
    return found.value


@pytest.mark.parametrize("reader", ["own", "ldap3"])
@pytest.mark.parametrize("behind", [(), (REFERRAL,)], ids=["plain", "referral"])
def test_every_refusal_ends_the_sign_in(behind: tuple[bytes, ...], reader: str):
    for code in (*range(1, 124), 200, 4096, 65_537):
        error = refused(result(code, b"no", *behind), TransientError if code in BUSY else SignInError, reader=reader)
        assert f"result {code}" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(result(0, tag=0x65), id="end of a search"),
        pytest.param(result(0, tag=0x78), id="extended"),
        pytest.param(result(0, shift=1), id="another number"),
        pytest.param(lambda number, _: write.message(number, write.element(0x61)), id="empty"),
        pytest.param(
            lambda number, _: write.message(
                number, write.element(0x61, write.element(0x0A), write.element(4), write.element(4))
            ),
            id="no result code",
        ),
        pytest.param(lambda number, _: write.message(number, write.element(0x79)), id="intermediate"),
        pytest.param(lambda number, _: b"HTTP/1.1 400 Bad Request\r\n\r\n", id="HTTP"),
    ],
)
def test_what_answers_no_bind_is_no_success_and_no_lost_connection(answer: Answer):
    assert "the sign-in with something that cannot be read" in str(refused(answer, SourceError))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda *_: None, id="closed"),
        pytest.param(lambda *_: write.disconnection(), id="notice of disconnection"),
        pytest.param(lambda number, opened: result(0)(number, opened)[:-1], id="cut off"),
    ],
)
def test_a_connection_lost_before_the_answer_goes_on_with_the_next_server(answer: Answer):
    with LdapScript(answer) as first, LdapScript(result(0)) as second:
        Controllers(source(first, second, timeout=1), "right").connect().close()
        assert (first.binds, second.binds) == (1, 1)


def dripping(data: bytes) -> Callable[[int, socket.socket], None]:
    def answer(_: int, opened: socket.socket) -> None:
        for octet in data:
            opened.sendall(bytes((octet,)))
            time.sleep(0.3)

    return answer


@pytest.mark.parametrize("settings", [{}, {"tls": "verify"}], ids=["bind", "StartTLS"])
def test_a_server_that_drips_is_given_up_in_time(settings: dict[str, object]):
    with LdapScript(dripping(b"\x30\x82\x10\x00" + bytes(30))) as server:
        begin = time.monotonic()
        with pytest.raises(NoConnectionError, match="in time"):
            Session(source(server, timeout=1, **settings), "right")
        assert time.monotonic() - begin < 3


@pytest.mark.parametrize("tag", [0x61, 0x79])
def test_a_large_answer_is_refused_before_it_is_collected(tag: int):
    sent = 0

    def flood(number: int, opened: socket.socket) -> None:
        nonlocal sent
        for _ in range(50):
            opened.sendall(write.message(number, write.element(tag, bytes(MAX_BYTES))))
            sent += 1

    assert "more than" in str(refused(flood, SourceError))
    assert sent < 20


def test_what_follows_the_answer_to_start_tls_is_not_taken_for_an_answer_behind_it():
    def answer(number: int, opened: socket.socket) -> bytes:
        return result(0, tag=0x78)(number, opened) + result(0)(number + 1, opened)

    with LdapScript(answer) as server:
        with pytest.raises(NoConnectionError, match="no TLS connection"):
            Session(source(server, tls="verify"), "right")
        assert server.seen == [EXTENDED]


@pytest.mark.parametrize("code", [2, 52, 200])
def test_a_refused_start_tls_is_told(code: int):
    with LdapScript(result(code, tag=0x78)) as server:
        with pytest.raises(SourceError, match=f"refused StartTLS: result {code}"):
            Session(source(server, tls="verify"), "right")
        assert BIND not in server.seen
