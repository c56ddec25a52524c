"""What a server answers to a bind or to StartTLS: read as it is meant, within bounds, and never sent elsewhere."""

import socket
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

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
    assert "the sign-in with something that cannot be read" in str(refused(answer, SignInError))


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

    assert "more than" in str(refused(flood, SignInError))
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


# ---- Kerberos: what the server says to a ticket; the library is a stand-in, the conversation is ldap3's --------

TOKEN = write.element(0x87, b"token")
AD_TEXT = "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data {}, v4563\0"


class GssError(Exception):
    """Of the stand-in: what the library says of a token that it cannot read."""


class Context:
    """Of the stand-in: complete after the second token, as with mutual authentication."""

    layers = b"\x07\x00\xa0\x00"

    def __init__(self, **_: object) -> None:
        self.steps = 0

    @property
    def complete(self) -> bool:
        return self.steps == 2

    def step(self, token: bytes | None) -> bytes:
        self.steps += 1
        if self.steps > 1 and token != b"token":
            raise GssError("Invalid token was supplied")
        return b"token"

    def unwrap(self, token: bytes | None) -> SimpleNamespace:
        if token != b"token":
            raise GssError("Invalid token was supplied")
        return SimpleNamespace(message=self.layers)

    def wrap(self, message: bytes, _: bool) -> SimpleNamespace:
        return SimpleNamespace(message=message)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> type[Context]:
    """Instead of gssapi, whether it is installed or not."""
    exceptions, raw, gssapi = ModuleType("gssapi.exceptions"), ModuleType("gssapi.raw"), ModuleType("gssapi")
    vars(exceptions).update(GSSError=GssError, MissingContextError=GssError)
    vars(raw).update(ChannelBindings=None)
    opened = type("Opened", (Context,), {})
    vars(gssapi).update(
        Name=lambda *_: None, NameType=SimpleNamespace(hostbased_service=0), MechType=SimpleNamespace(kerberos=0),
        SecurityContext=opened, exceptions=exceptions, raw=raw,
    )  # fmt: skip
    for module in (exceptions, raw, gssapi):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "ldap3.protocol.sasl.kerberos", ModuleType("none"))
    del sys.modules["ldap3.protocol.sasl.kerberos"]  # to be imported again, with what stands there now
    return opened


def told(*answers: Answer) -> tuple[SourceError, int]:
    """The first server's error and how many binds it got; the second gets none."""
    with LdapScript(*answers, result(7)) as first, LdapScript(result(0)) as second:
        with pytest.raises(SourceError) as found:
            Controllers(source(first, second, user="", sign_in="kerberos"), None).connect()
        assert not second.binds
        return found.value, first.binds


def test_a_ticket_signs_in(context: type[Context]):
    with LdapScript(result(14, b"", TOKEN), result(14, b"", TOKEN), result(0)) as server:
        Session(source(server, user="", sign_in="kerberos"), None).close()
        assert server.binds == 3


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (result(49, AD_TEXT.format("533").encode()), SignInError, "the account is disabled"),
        (result(49, AD_TEXT.format("80090346").encode()), SignInError, "demands channel binding"),
        (result(8, b"00002028: LdapErr: DSID-0C09023C, data 0"), SignInError, "demands signing or TLS"),
        (result(10, b"", REFERRAL), SignInError, "result 10"),
        (result(51), TransientError, "is busy"),
    ],
)
def test_a_refused_ticket_is_told_as_the_server_tells_it(
    context: type[Context], answer: Answer, error: type[Exception], reason: str, steps: int
):
    found, binds = told(*[result(14, b"", TOKEN)] * steps, answer)
    assert type(found) is error
    assert reason in str(found)
    assert binds == steps + 1


def test_a_demand_for_signing_is_no_lost_connection(context: type[Context]):
    context.layers = b"\x06\x00\xa0\x00"
    found, _ = told(result(14, b"", TOKEN), result(14, b"", TOKEN))
    assert type(found) is SignInError
    assert "demands signing or TLS" in str(found)
    assert found.hint is not None
    assert "ldaps://" in found.hint


def test_a_token_that_the_library_cannot_read_is_its_own_error(context: type[Context]):
    found, _ = told(result(14, b"", write.element(0x87, b"another")))
    assert type(found) is SignInError
    assert "Invalid token" in str(found)


def test_an_odd_offer_is_no_lost_connection(context: type[Context]):
    context.layers = b"\x07"
    found, _ = told(result(14, b"", TOKEN), result(14, b"", TOKEN))
    assert type(found) is SignInError
    assert "Incorrect response" in str(found)
