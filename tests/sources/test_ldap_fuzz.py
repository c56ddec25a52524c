"""Whole answers, sound and damaged, over a socket: equal to ldap3 where they are sound, an error where they are not.

Never a hang: the server's end is closed, so whoever waits has missed that. Never memory without bound: what is held is
measured against what was sent.
"""

import contextlib
import itertools
import socket
import threading
import tracemalloc
from types import SimpleNamespace

import ldap3
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.utils.asn1 import decode_message_fast

from recon.sources.ldap import wire
from recon.sources.ldap.answers import raw_entry
from recon.sources.ldap.exchange import LostError, NotLdapError, RawEntry, Received, Search
from tests.support import berwriter as ber

EXAMPLES = 200
SEARCH = Search("DC=contoso,DC=example", ldap3.SUBTREE, "(objectClass=*)", ("cn",), 1000)
NUMBER = 7

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}(;range=[0-9]{1,4}-([0-9]{1,4}|\*))?", fullmatch=True).map(str.encode)
values = st.lists(st.binary(max_size=200), max_size=4)
attributes = st.lists(st.tuples(names, values), max_size=6, unique_by=lambda one: one[0].lower())
lengths = st.sampled_from([ber.shortest, ber.of_octets(4)])
entries = st.builds(
    lambda dn, found, length: ber.entry(dn.encode(), found, NUMBER, length=length),
    st.text(max_size=30),
    attributes,
    lengths,
)
references = st.just(ber.message(NUMBER, ber.element(0x73, ber.element(0x04, b"ldap://x"))))
endings = st.builds(lambda cookie: ber.done(0, b"", ber.paging(cookie), identity=NUMBER), st.binary(max_size=40))
answers = st.tuples(st.lists(st.one_of(entries, entries, references), max_size=8), endings)
edits = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert", "repeat", "end"]),
        st.integers(0, 1 << 20),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, piece in changes:
        at = place % (len(data) + 1)
        match kind:
            case "set":
                data = data[:at] + piece + data[at + len(piece) :]
            case "cut":
                data = data[:at] + data[at + len(piece) :]
            case "insert":
                data = data[:at] + piece + data[at:]
            case "repeat":
                data = data[:at] + data[max(0, at - 40) : at] + data[at:]
            case "end":
                data = data[:at]
    return data


def received(data: bytes, piece: int) -> tuple[Received, list[RawEntry]]:
    """What is read when the server sends `data` in pieces and closes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        numbers = itertools.count(NUMBER)
        opened = SimpleNamespace(socket=ours, server=SimpleNamespace(next_message_id=lambda: next(numbers)))
        exchange = wire.WireExchange(opened, 30.0)
        number = exchange.send(SEARCH)

        def serve() -> None:
            with contextlib.suppress(OSError):
                for place in range(0, len(data), piece):
                    theirs.sendall(data[place : place + piece])
                theirs.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            answer = exchange.receive(number)
            return answer, list(answer.entries)
        finally:
            ours.close()
            thread.join()


@settings(max_examples=EXAMPLES, deadline=None)
@given(answers, st.sampled_from([1, 7, 100, 1 << 16]))
def test_sound_answers_are_read_as_ldap3_reads_them(answer: tuple[list[bytes], bytes], piece: int):
    messages, end = answer
    found, read = received(b"".join(messages) + end, piece)
    expected = [raw_entry(decode_message_fast(one)["payload"]) for one in messages if b"ldap://x" not in one[:40]]
    assert read == expected
    assert (found.code, found.count, found.size) == (0, len(expected), sum(map(len, messages)) + len(end))


@settings(max_examples=EXAMPLES, deadline=None)
@given(answers, edits, st.sampled_from([7, 1 << 16]))
def test_damaged_answers_end_in_a_clear_error_or_are_read(
    answer: tuple[list[bytes], bytes], changes: list[tuple[str, int, bytes]], piece: int
):
    data = damaged(b"".join(answer[0]) + answer[1], changes)
    tracemalloc.start()
    try:
        _, read = received(data, piece)
    except LostError as error:
        assert str(error) == "closed by the server" or "result" in str(error)  # noqa: PT017  both ends are right
    except NotLdapError as error:
        assert str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert all(isinstance(one, bytes) for _, found in read for values_of in found.values() for one in values_of)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2_000_000 + 20 * len(data)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([1, 1 << 16]))
def test_any_bytes_end_in_a_clear_error(data: bytes, piece: int):
    try:
        received(data, piece)
    except (LostError, NotLdapError) as error:
        assert "timed out" not in str(error)  # noqa: PT017
    else:
        raise AssertionError("bytes became an answer")
