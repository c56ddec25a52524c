"""The AD server against what no proper client sends, and the faults it can be told to make."""

import contextlib
import random
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from recon.lab import ber
from recon.lab.adserver import AdFault, AdFaults, AdServer, AdSettings
from recon.lab.certificates import make_tls_files
from tests.support.addirectory import (
    BASE,
    PASSWORD,
    READER,
    WireClient,
    directory,
    paged_control,
    people,
    read_result,
    read_result_tag,
    search_operation,
    user,
)

PERSON = ber.value(0xA3, ber.text("objectCategory"), ber.text("person"))


@pytest.fixture(scope="module")
def server():
    with AdServer(directory(*people(25))) as running:
        yield running


def page(client, number=2, size=10, cookie=b"", **options):
    """Ask for one page: the names of its entries, or None when the connection ended first, and the done message."""
    client.send(number, search_operation(node=PERSON, **options), paged_control(size, cookie))
    names = []
    while (message := client.message()) is not None:
        tag = read_result_tag(message)
        if tag == 0x65:
            return names, message
        if tag == 0x64:
            reader = ber.Reader(message).inside(ber.SEQUENCE)
            reader.integer()
            names.append(reader.inside(0x64).text())
    return names, None


def cookie_of(message):
    reader = ber.Reader(message).inside(ber.SEQUENCE)
    reader.integer()
    reader.skip()
    control = reader.inside(0xA0).inside(ber.SEQUENCE)
    assert control.text() == "1.2.840.113556.1.4.319"
    value = ber.Reader(control.octets()).inside(ber.SEQUENCE)
    assert value.integer() == 0
    return value.octets()


# ---- malformed ----------------------------------------------------------------------------------------


def notice(message):
    """The words of a notice of disconnection."""
    reader = ber.Reader(message).inside(ber.SEQUENCE)
    assert reader.integer() == 0
    inside = reader.inside(0x78)
    assert inside.integer(ber.ENUMERATED) == 2
    assert inside.text() == ""
    text = inside.text()
    assert inside.text(0x8A) == "1.3.6.1.4.1.1466.20036"
    return text


def message(*parts):
    return ber.value(ber.SEQUENCE, *parts)


BIND = ber.value(0x60, ber.integer(3), ber.text(READER), ber.text(PASSWORD, 0x80))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "begins with 0x30"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "begins with 0x30"),  # TLS on the plain port
        (b"\x30\x80\x02\x01\x01", "indefinite length"),
        (b"\x30\x84\x7f\xff\xff\xff", "at most 10485760"),
        (b"\x30\x85\x01\x00\x00\x00\x00", "5 octets"),
        (message(b""), "truncated"),
        (message(ber.integer(0), BIND), "message id 0"),
        (message(ber.integer(-5), BIND), "message id -5"),
        (message(ber.integer(1 << 31), BIND), "message id"),
        (message(ber.text("1"), BIND), "expected tag 0x02"),
        (message(ber.integer(1)), "missing"),
        (message(ber.integer(1), ber.value(0x7A)), "unknown operation"),
        (message(ber.integer(1), ber.value(0x61)), "unknown operation"),
        (message(ber.integer(1), ber.value(0x60, ber.integer(3))), "truncated"),
        (message(ber.integer(1), ber.value(0x60, ber.integer(3), ber.octets(b"\xff"), b"\x80\x00")), "UTF-8"),
        (message(ber.integer(1), b"\x60\x7f\x02\x01\x03"), "beyond its frame"),
        (message(ber.integer(1), search_operation(scope=3)), "search scope"),
        (message(ber.integer(1), search_operation(size_limit=-1)), "negative limit"),
        (message(ber.integer(1), search_operation(node=b"\xaa\x00")), "unknown filter item"),
        (message(ber.integer(1), search_operation(node=b"\xa2\x00")), "missing"),
        (message(ber.integer(1), search_operation(), b"\xa0\x02\x30\x05"), "beyond its frame"),
        (message(ber.integer(1), search_operation(), ber.value(0xA0), b"\x05\x00"), "behind the last"),
        (
            message(
                ber.integer(1),
                search_operation(),
                ber.value(0xA0, message(ber.text("1.2.840.113556.1.4.319"), ber.octets(b"\x30\x00"))),
            ),
            "truncated",
        ),
    ],
)
def test_malformed_messages_get_a_notice_and_the_end(server, data, words):
    with WireClient(server.port) as client:
        client.sock.sendall(data)
        assert words in notice(client.message())
        assert client.message() is None
    assert words in server.log.refused_messages[-1]


def test_deep_filters_are_refused(server):
    node = ber.text("cn", 0x87)
    for _ in range(5000):
        node = ber.value(0xA0, node)
    with WireClient(server.port) as client:
        client.bind()
        client.send(2, search_operation(node=node))
        assert "nested deeper" in notice(client.message())


def test_damaged_requests_are_answered_or_refused_but_never_break_the_server(server):
    """A thread that dies of anything else fails this test: pytest makes an error of it."""
    chance = random.Random(7)
    node = ber.value(
        0xA0,
        PERSON,
        ber.value(0xA4, ber.text("cn"), ber.value(ber.SEQUENCE, ber.text("Per", 0x80), ber.text("1", 0x82))),
        ber.value(
            0xA9, ber.text("1.2.840.113556.1.4.803", 0x81), ber.text("userAccountControl", 0x82), ber.text("2", 0x83)
        ),
        ber.value(0xA2, ber.value(0xA5, ber.text("uSNChanged"), ber.text("5"))),
    )
    whole = message(ber.integer(2), search_operation(node=node), paged_control(10))
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(2, len(damaged))] = chance.randrange(256)
        with WireClient(server.port) as client:
            assert client.bind() == 0
            client.sock.sendall(damaged)
            client.sock.shutdown(socket.SHUT_WR)  # a damaged length must not leave both waiting
            while client.message() is not None:
                pass
    with WireClient(server.port) as client:
        assert client.bind() == 0


def test_clients_do_not_disturb_each_other(server):
    def read(size):
        with WireClient(server.port) as client:
            client.bind()
            names, done = page(client, size=size)
            while cookie := cookie_of(done):
                more, done = page(client, size=size, cookie=cookie)
                names += more
            return names

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(read, [1, 2, 3, 5, 7, 11, 13, 26]))
    assert all(names == answers[0] for names in answers)
    assert len(set(answers[0])) == 26


def test_a_message_in_single_bytes_is_a_message(server):
    with WireClient(server.port) as client:
        for octet in message(ber.integer(1), BIND):
            client.sock.sendall(bytes((octet,)))
        assert client.result()[:2] == (0x61, 0)


def test_several_requests_in_one_packet_are_answered_in_order(server):
    with WireClient(server.port) as client:
        client.sock.sendall(
            message(ber.integer(1), BIND)
            + message(ber.integer(2), ber.integer(1, 0x50))  # abandon: no answer
            + message(ber.integer(3), search_operation(f"OU=Staff,{BASE}", scope=0))
            + message(ber.integer(4), search_operation("OU=None", scope=0))
            + message(ber.integer(5), b"\x42\x00")
        )
        assert client.result()[:2] == (0x61, 0)
        assert read_result_tag(client.message()) == 0x64
        assert client.result()[:2] == (0x65, 0)
        assert client.result()[:2] == (0x65, 32)
        assert client.message() is None  # unbound


def test_half_a_message_does_not_hold_a_thread_for_ever():
    settings = AdSettings(message_timeout=0.3, idle_timeout=0.6)
    with AdServer(directory(), settings=settings) as server:
        for begin in (b"\x30\x50\x02", b""):
            with WireClient(server.port) as client:
                client.sock.sendall(begin)
                assert client.message() is None


def test_a_client_that_takes_nothing_is_cut_off():
    big = [user(number, info=[b"x" * 20_000]) for number in range(1, 900)]
    settings = AdSettings(message_timeout=0.5)
    with AdServer(directory(*big), settings=settings) as server, WireClient(server.port) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind()
        client.send(2, search_operation(node=PERSON, attributes=("info",)))
        deadline = time.monotonic() + 60
        while server.open_connections and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.open_connections == 0


def test_bytes_behind_a_start_tls_request_are_refused(tmp_path):
    with AdServer(directory(), tls=make_tls_files(tmp_path)) as server, WireClient(server.port) as client:
        start_tls = ber.value(0x77, ber.text("1.3.6.1.4.1.1466.20037", 0x80))
        client.sock.sendall(message(ber.integer(1), start_tls) + message(ber.integer(2), BIND))
        assert "behind a StartTLS" in notice(client.message())


def test_a_client_that_does_not_trust_the_certificate_leaves_no_trace(tmp_path):
    with AdServer(directory(), tls=make_tls_files(tmp_path)) as server:
        context = ssl.create_default_context()
        plain = socket.create_connection(("127.0.0.1", server.ldaps_port), timeout=5)
        with plain, pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname="localhost")
        with WireClient(server.port) as client:
            assert client.bind() == 0


def test_old_and_strange_binds(server):
    with WireClient(server.port) as client:
        client.send(1, ber.value(0x60, ber.integer(4), ber.text(""), ber.octets(b"", 0x80)))
        assert client.result()[1] == 2
        client.send(2, ber.value(0x60, ber.integer(3), ber.text(""), ber.octets(b"NTLM", 0x89)))
        assert client.result()[1] == 7
        assert client.bind() == 0


# ---- limits -------------------------------------------------------------------------------------------


def test_time_limit():
    faults = AdFaults(AdFault("delay", seconds=1.2))
    with AdServer(directory(*people(5)), faults=faults) as server, WireClient(server.port) as client:
        client.bind()
        names, done = page(client, time_limit=1)
        assert (names, read_result(done)[1]) == ([], 3)
        names, done = page(client, time_limit=1)
        assert (len(names), read_result(done)[1]) == (6, 0)


# ---- faults -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def faulty(*faults, **options):
    server = AdServer(directory(*people(25)), faults=AdFaults(*faults), **options)
    with server, WireClient(server.port) as client:
        assert client.bind() == 0
        yield server, client


@pytest.mark.parametrize("kind", ["drop", "reset", "truncate"])
def test_a_page_that_ends_early(kind):
    with faulty(AdFault(kind, page=2, entries=4)) as (server, client):
        names, done = page(client)
        assert len(names) == 10
        cut, end = page(client, 3, cookie=cookie_of(done))
        assert end is None
        assert len(cut) <= 4 if kind == "reset" else len(cut) == 4
        assert server.faults.fired == [(kind, 2)]
        with WireClient(server.port) as again:  # and all is well afterwards
            again.bind()
            names, _ = page(again, size=100)
            assert len(names) == 26


def test_garbage():
    with faulty(AdFault("garbage", entries=2)) as (_, client), pytest.raises(ber.BerError, match="indefinite"):
        page(client)


@pytest.mark.parametrize(("kind", "code"), [("busy", 51), ("unavailable", 52)])
def test_refused_pages(kind, code):
    with faulty(AdFault(kind, page=2, times=2)) as (server, client):
        _, done = page(client)
        cookie = cookie_of(done)
        for _ in range(2):
            names, done = page(client, cookie=cookie)
            assert (names, read_result(done)[1]) == ([], code)
            assert cookie_of(done) == b""
        names, done = page(client, cookie=cookie)  # the search is still open
        assert (len(names), read_result(done)[1]) == (10, 0)
        assert [search.code for search in server.log.searches] == [0, code, code, 0]


def test_a_page_sent_twice():
    with faulty(AdFault("duplicate", page=2)) as (_, client):
        first, done = page(client)
        second, _ = page(client, cookie=cookie_of(done))
        assert len(first) == 10
        assert second[:10] == second[10:]
        assert len(set(second)) == 10


def test_delay_and_latency():
    waits = []
    settings = AdSettings(latency=0.1, sleep=waits.append)
    with faulty(AdFault("delay", page=2, seconds=0.3), settings=settings) as (_, client):
        for _ in range(3):
            assert len(page(client)[0]) == 10
    assert waits == pytest.approx([0.1, 0.4, 0.1])


def test_base_searches_are_no_pages():
    with faulty(AdFault("busy", page=1)) as (_, client):
        client.send(2, search_operation("", scope=0))
        assert read_result_tag(client.message()) == 0x64
        assert client.result()[1] == 0
        assert read_result(page(client)[1])[1] == 51


def test_dropped_connections_make_cookies_worthless(server):
    with WireClient(server.port) as client:
        client.bind()
        _, done = page(client)
        server.drop_connections()
        assert client.message() is None
    with WireClient(server.port) as client:
        client.bind()
        _, done = page(client, cookie=cookie_of(done))
        assert read_result(done)[1] == 53


# ---- another client, and many entries ------------------------------------------------------------------------


def ldapsearch(server, *arguments, environment=None):
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", server, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_ldapsearch_reads_all_pages(server):
    done = ldapsearch(
        server.url, "-D", "CONTOSO\\Reader", "-w", PASSWORD, "-b", BASE, "-E", "pr=7/noprompt", "(cn=Person*)", "cn"
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("cn: ")] == [
        f"cn: Person {number:04d}" for number in range(1, 26)
    ]
    assert [search.entries for search in list(server.log.searches)[-4:]] == [7, 7, 7, 4]


def test_ldapsearch_verifies_tls(tmp_path):
    with AdServer(directory(), tls=make_tls_files(tmp_path)) as server:
        sign_in = ("-D", READER, "-w", PASSWORD, "-b", BASE, "(sAMAccountName=reader)", "cn")
        trusted = {"LDAPTLS_CACERT": str(server.ca_file), "PATH": "/usr/bin:/bin"}
        assert "cn: Reader" in ldapsearch(server.ldaps_url, *sign_in, environment=trusted).stdout
        assert "cn: Reader" in ldapsearch(server.url, "-ZZ", *sign_in, environment=trusted).stdout
        untrusted = ldapsearch(server.ldaps_url, *sign_in, environment={"PATH": "/usr/bin:/bin"})
        assert untrusted.returncode != 0
        assert untrusted.stdout == ""


def test_ldapsearch_shows_the_sub_code(server):
    done = ldapsearch(server.url, "-D", "nobody@contoso.example", "-w", "x", "-b", BASE)
    assert done.returncode == 49
    assert "data 525, v4563" in done.stderr


def test_20000_entries():
    """About 1.1 kB and 28 attributes an entry."""
    filler = {f"extensionAttribute{number}": [b"a value of some length here"] for number in range(1, 16)}
    everybody = [user(number, info=[b"x" * 60], **filler) for number in range(1, 20_001)]
    wanted = tuple(everybody[0][1])
    with AdServer(directory(*everybody)) as server, WireClient(server.port) as client:
        client.bind()
        cookie, number, received, messages = b"", 2, 0, 0
        while cookie or number == 2:
            client.send(number, search_operation(node=PERSON, attributes=wanted), paged_control(1000, cookie))
            number += 1
            while (answer := client.message()) is not None:
                received += len(answer)
                messages += 1
                if len(answer) < 200 and read_result_tag(answer) == 0x65:
                    break
            cookie = cookie_of(answer)
    assert messages == 20_001 + 3 + 21  # with the reader; references; one end a page
    assert received > 20_000 * 1100
