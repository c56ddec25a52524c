"""Active Directory over LDAP where Samba is too kind: ranges, lost connections, busy servers, refused binds."""

from collections.abc import Iterator
from pathlib import Path

import ldap3
import pytest

from recon.config import AdSource
from recon.decode.guid import guid_bytes
from recon.decode.keys import EmployeeIdRules
from recon.errors import SignInError, SourceError
from recon.lab.adfaults import AdFault, AdFaults
from recon.lab.adserver import Account, AdServer, Directory
from recon.lab.certificates import make_tls_files
from recon.objects import TABLES, ReadReport, Row
from recon.sources.ldap import dirsync
from recon.sources.ldap.bind_errors import SUB_CODES
from recon.sources.ldap.controllers import Controllers
from recon.sources.ldap.exchange import DirSyncAnswer, Received, Search
from recon.sources.ldap.reading import AdReading
from recon.sources.ldap.search import Searcher
from recon.sources.ldap.session import Session
from tests.support import berwriter as ber
from tests.support.ldapscript import LdapScript, result
from tests.support.rows import kept

BASE = "DC=ad,DC=contoso,DC=example"
USERS = 2_500
SPNS = 3_200
STATES = {
    "bad_logon_hours": "530",
    "bad_workstation": "531",
    "password_expired": "532",
    "disabled": "533",
    "expired": "701",
    "must_change": "773",
    "locked": "775",
}
IDS = EmployeeIdRules()


def entry(number: int, cn: str, *classes: bytes, **attributes: list[bytes]) -> tuple[str, dict[str, list[bytes]]]:
    dn = f"CN={cn},{BASE}"
    return dn, {
        "objectClass": [b"top", *classes],
        "objectGUID": [guid_bytes(f"00000000-0000-0000-0000-{number:012}")],
        "cn": [cn.encode()],
        **attributes,
    }


def entries() -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    for number in range(USERS):
        yield entry(
            number, f"User {number}", b"user",
            sAMAccountType=[b"805306368"], sAMAccountName=[f"u{number}".encode()], userAccountControl=[b"512"],
        )  # fmt: skip
    yield entry(
        USERS, "Service", b"user",
        sAMAccountType=[b"805306368"], sAMAccountName=[b"service"],
        servicePrincipalName=[f"HTTP/h{n}.contoso.example".encode() for n in range(SPNS)],
    )  # fmt: skip
    members = [f"CN=User {number},{BASE}".encode() for number in range(USERS)]
    for place, size in enumerate((1499, 1500, 1501, USERS)):
        yield entry(10_000 + place, f"Group {size}", b"group", groupType=[b"2"], member=members[:size])
    yield entry(20_000, "Contact", b"contact")
    yield entry(20_001, "Trust", b"user", sAMAccountType=[b"805306370"])


@pytest.fixture(scope="module")
def directory() -> Directory:
    accounts = {"reader": Account("right", dn=f"CN=Reader,{BASE}", upn="reader@contoso.example")}
    for state in STATES:
        accounts[state] = Account("right", state, dn=f"CN={state},{BASE}", upn=f"{state}@contoso.example")
    return Directory(BASE, entries(), accounts=accounts, netbios_name="CONTOSO")


def reading(
    server: AdServer, pauses: list[float] | None = None, password: str = "right", **settings: object
) -> AdReading:
    given = {
        "url": server.url, "user": "reader@contoso.example", "tls": "none", "allow_plain_bind": True,
        "increment": "off", **settings,
    }  # fmt: skip
    return AdReading(AdSource(**given), password, IDS, pause=(pauses if pauses is not None else []).append)


def column(row: Row, name: str) -> object:
    return row.values[TABLES[row.table].position[name]]


def counts(rows: list[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row.table] = found.get(row.table, 0) + 1
    return found


READERS = pytest.mark.parametrize("reader", ["own", "ldap3"])
EXPECTED = {"ad_user": USERS + 1, "ad_group": 4, "ad_member": 1499 + 1500 + 1501 + USERS, "ad_contact": 1}


@READERS
def test_ranges_are_followed_to_their_end(directory: Directory, reader: str):
    with AdServer(directory) as server:
        rows = list(reading(server, reader=reader).rows())
        asked = [a for seen in server.log.searches for a in seen.attributes if ";range=" in a]
    assert counts(rows) == EXPECTED
    groups = {column(row, "cn"): column(row, "member_count") for row in rows if row.table == "ad_group"}
    assert groups == {"Group 1499": 1499, "Group 1500": 1500, "Group 1501": 1501, f"Group {USERS}": USERS}
    members = [row.values for row in rows if row.table == "ad_member"]
    assert len(set(members)) == len(members)
    (service,) = (row for row in rows if row.table == "ad_user" and column(row, "cn") == "Service")
    assert len(service.children) == SPNS
    assert sorted(asked) == [
        "member;range=1499-*",
        "member;range=1499-*",
        "serviceprincipalname;range=1499-*",
        "serviceprincipalname;range=2998-*",
    ]


@READERS
def test_values_that_are_held_are_bounded_and_members_are_not(directory: Directory, reader: str):
    limit = 50_000  # bytes; the names have 90,000, the members 100,000
    with AdServer(directory) as server:
        source = AdSource(
            url=server.url, user="reader@contoso.example", tls="none", allow_plain_bind=True, reader=reader
        )
        searcher = Searcher(Controllers(source, "right"), ReadReport(), lambda seconds: None, limit)
        service = searcher.one(f"CN=Service,{BASE}", ["servicePrincipalName"])
        with pytest.raises(
            SourceError, match=r"serviceprincipalname of CN=Service,.* too many values: more than 50000"
        ):
            searcher.complete(service)
        group = searcher.one(f"CN=Group {USERS},{BASE}", ["member"])
        searcher.complete(group, except_for="member")
        read = group.attributes["member"] + [value for values in searcher.rest(group, "member") for value in values]
        searcher.close()
    assert len(read) == USERS
    assert sum(map(len, read)) > limit


@READERS
def test_pages_stay_below_the_servers_limit(directory: Directory, reader: str):
    with AdServer(directory, max_page_size=300) as server:
        read = reading(server, reader=reader, page_size=1000)
        rows = list(read.rows())
    assert counts(rows) == EXPECTED
    assert read.report.table("ad_user").pages == -(-(USERS + 1) // 300)
    assert read.domain == "ad.contoso.example"


@READERS
@pytest.mark.parametrize("kind", ["drop", "reset", "truncate"])
@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_lost_connection_begins_that_search_again(directory: Directory, kind: str, page: int, reader: str):
    with AdServer(directory, faults=AdFaults(AdFault(kind, page=page, entries=3))) as server:
        read = reading(server, reader=reader)
        rows = kept(read.rows())
        binds = len(server.log.binds)
    assert binds == 2
    assert counts(rows) == EXPECTED
    assert read.report.warnings == ["the connection was lost and opened again 1 times"]


@READERS
def test_a_connection_that_is_always_lost_ends_the_read(directory: Directory, reader: str):
    with AdServer(directory, faults=AdFaults(AdFault("drop", page=2, times=99))) as server:
        with pytest.raises(SourceError, match=r"connection was lost .* \(3 times\)"):
            list(reading(server, reader=reader).rows())
        assert len(server.log.binds) == 3


@pytest.mark.parametrize("kind", ["busy", "unavailable"])
def test_a_busy_server_is_given_time(directory: Directory, kind: str):
    pauses: list[float] = []
    with AdServer(directory, faults=AdFaults(AdFault(kind, page=1, times=3))) as server:
        rows = list(reading(server, pauses).rows())
    assert counts(rows) == EXPECTED
    assert pauses == [1, 2, 4]


def test_a_server_that_stays_busy_ends_the_read(directory: Directory):
    pauses: list[float] = []
    with (
        AdServer(directory, faults=AdFaults(AdFault("busy", page=1, times=99))) as server,
        pytest.raises(SourceError, match=r"the server is busy .* \(5 times\)"),
    ):
        list(reading(server, pauses).rows())
    assert pauses == [1, 2, 4, 8]


@READERS
def test_bytes_that_are_no_ldap_never_become_rows(directory: Directory, reader: str):
    with (
        AdServer(directory, faults=AdFaults(AdFault("garbage", page=2, entries=5, times=99))) as server,
        pytest.raises(SourceError, match=r"not LDAP|connection was lost"),
    ):
        list(reading(server, reader=reader, timeout=1).rows())


@READERS
def test_values_in_each_other_without_end_are_no_ldap(reader: str):
    controls = b""
    for _ in range(3000):
        controls = ber.element(0x30, controls)

    def answer(number: int, _: object) -> bytes:
        return ber.done(0, b"", ber.element(0xA0, controls), identity=number)

    with LdapScript(result(0), answer) as server:
        source = AdSource(url=server.url, user="reader", tls="none", allow_plain_bind=True, reader=reader)
        with Session(source, "right") as session, pytest.raises(SourceError, match="not LDAP"):
            session.search(BASE, ldap3.BASE, "(objectClass=*)", ["cn"])


class Stuck:
    """Answers every request alike, and promises more."""

    def __init__(self, cookie: bytes, dirsync: DirSyncAnswer | None = None) -> None:
        self.requests = 0
        self._cookie = cookie
        self._dirsync = dirsync

    def send(self, search: Search, cookie: bytes | None = None) -> int:
        self.requests += 1
        return self.requests

    def receive(self, number: int) -> Received:
        assert number < 100
        entries = [("CN=A,DC=x", {"objectguid": [bytes(16)]}), ("CN=B,DC=x", {})]
        cookie = self._cookie + (b"%d" % number if self._dirsync is None else b"")
        return Received(0, "", cookie, len(entries), 10, iter(entries), self._dirsync)


def test_a_server_that_does_not_get_on_ends_the_read(directory: Directory, monkeypatch: pytest.MonkeyPatch):
    with AdServer(directory) as server:
        source = AdSource(
            url=server.url, user="reader@contoso.example", tls="none", allow_plain_bind=True, increment="off"
        )
        with Session(source, "right") as session:
            monkeypatch.setattr(session, "_exchange", Stuck(b"other each time "))
            with pytest.raises(SourceError, match="the same page again: the read would not end"):
                list(session.pages(BASE, "(cn=*)", ["cn"], 2))
            for read in (
                lambda: dirsync.changes(session, BASE, ["cn"], b"same"),
                lambda: dirsync.first_cookie(session, BASE),
            ):
                monkeypatch.setattr(session, "_exchange", Stuck(b"", DirSyncAnswer(True, b"same")))
                with pytest.raises(SourceError, match="DirSync does not come to an end: the same cookie again"):
                    read()


@READERS
def test_a_server_that_never_answers_ends_the_read(directory: Directory, reader: str):
    with (
        AdServer(directory, faults=AdFaults(AdFault("delay", page=1, seconds=3, times=3))) as server,
        pytest.raises(SourceError, match=r"connection was lost .* \(3 times\)"),
    ):
        list(reading(server, reader=reader, timeout=1).rows())


@READERS
def test_a_page_sent_twice_yields_rows_twice_and_loses_none(directory: Directory, reader: str):
    with AdServer(directory, faults=AdFaults(AdFault("duplicate", page=1))) as server:
        rows = list(reading(server, reader=reader, objects=("users",)).rows())
    assert len(rows) == USERS + 1 + 1000
    assert len({row.values[0] for row in rows}) == USERS + 1


@pytest.mark.parametrize(("state", "code"), STATES.items())
def test_a_refused_bind_says_why_and_is_never_repeated(directory: Directory, state: str, code: str):
    with AdServer(directory) as server:
        with pytest.raises(SignInError) as refused:
            list(reading(server, user=f"{state}@contoso.example").rows())
        assert len(server.log.binds) == 1
    assert f"{SUB_CODES[code][0]} (data {code})" in str(refused.value)
    assert refused.value.hint == SUB_CODES[code][1]


@pytest.mark.parametrize(("user", "code"), [("reader@contoso.example", "52e"), ("nobody@contoso.example", "525")])
def test_wrong_credentials_are_tried_once(directory: Directory, user: str, code: str):
    with AdServer(directory) as server:
        with pytest.raises(SignInError, match=f"data {code}"):
            list(reading(server, password="wrong", user=user).rows())
        assert [seen.code for seen in server.log.binds] == [49]


def test_a_bind_refused_after_a_lost_connection_is_not_repeated(directory: Directory):
    with AdServer(directory, faults=AdFaults(AdFault("drop", page=2))) as server:
        rows = reading(server).rows()
        next(rows)
        server.accounts.bad_password_count["reader"] = 99  # locked while the first page is read
        with pytest.raises(SignInError, match="locked out"):
            list(rows)
        assert [seen.code for seen in server.log.binds] == [0, 49]


def test_a_bind_refused_while_the_schema_is_asked_is_not_repeated(directory: Directory):
    class Locked(AdFaults):
        def at_page(self, page: int) -> AdFault | None:
            server.accounts.bad_password_count["reader"] = 99
            return super().at_page(page)

    with AdServer(directory, faults=Locked(AdFault("drop", page=1))) as server:
        with pytest.raises(SignInError, match="locked out"):
            list(reading(server, attributes=("pager",), increment="usn").rows())
        assert [seen.code for seen in server.log.binds] == [0, 49]
        assert [seen.base for seen in server.log.searches][-1].startswith("CN=Schema,")


def test_signing_and_channel_binding(directory: Directory, tmp_path: Path):
    files = make_tls_files(tmp_path)
    with (
        AdServer(directory, tls=files, requires_tls_for_bind=True) as server,
        pytest.raises(SignInError, match="demands signing or TLS"),
    ):
        list(reading(server).rows())
    with (
        AdServer(directory, tls=files, requires_channel_binding=True) as server,
        pytest.raises(SignInError, match="channel binding"),
    ):
        list(reading(server, url=server.ldaps_url, tls="verify", ca_file=files.ca_file).rows())


def test_tls_is_verified_for_the_name_asked_for(directory: Directory, tmp_path: Path):
    files = make_tls_files(tmp_path, names=("dc1.ad.contoso.example",), addresses=("127.0.0.2",))
    with AdServer(directory, tls=files) as server:
        for url in (server.url, server.ldaps_url):
            with pytest.raises(SourceError, match="certificate cannot be verified: IP address mismatch") as refused:
                list(reading(server, url=url, tls="verify", ca_file=files.ca_file).rows())
            assert refused.value.hint is not None
            assert "name in `url`" in refused.value.hint
        assert not server.log.binds


def test_an_expired_certificate_is_told(directory: Directory, tmp_path: Path):
    files = make_tls_files(tmp_path, is_expired=True)
    with (
        AdServer(directory, tls=files) as server,
        pytest.raises(SourceError, match="certificate has expired"),
    ):
        list(reading(server, url=server.ldaps_url, tls="verify", ca_file=files.ca_file).rows())


def test_a_server_without_certificate_refuses_start_tls(directory: Directory):
    with AdServer(directory) as server:
        with pytest.raises(SourceError, match="refused StartTLS"):
            list(reading(server, tls="verify").rows())
        assert not server.log.binds


def test_an_attribute_that_nobody_may_read_is_null(directory: Directory):
    with AdServer(directory, hidden_attributes=["userAccountControl"]) as server:
        rows = list(reading(server, objects=("users",)).rows())
    assert {column(row, "is_enabled") for row in rows} == {None}
