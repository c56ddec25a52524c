"""Several domain controllers: the next one where one cannot be reached, and never after a refused bind."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.config import AdSource
from recon.decode.guid import guid_bytes
from recon.decode.keys import EmployeeIdRules
from recon.errors import SignInError, SourceError, TransientError
from recon.lab.adfaults import AdFault, AdFaults
from recon.lab.adserver import Account, AdServer, Directory
from recon.lab.certificates import make_tls_files
from recon.sources.ldap.controllers import Controllers
from recon.sources.ldap.reading import AdReading
from tests.support.rows import kept

BASE = "DC=ad,DC=contoso,DC=example"
USERS = 30


def directory(password: str = "right", state: str = "ok") -> Directory:
    entries = (
        (
            f"CN=User {number},{BASE}",
            {
                "objectClass": [b"top", b"user"],
                "objectGUID": [guid_bytes(f"00000000-0000-0000-0000-{number:012}")],
                "sAMAccountType": [b"805306368"],
            },
        )
        for number in range(USERS)
    )
    return Directory(BASE, entries, accounts={"reader": Account(password, state)}, netbios_name="CONTOSO")


@pytest.fixture
def closed() -> str:
    """The address of a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"ldap://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def first() -> Iterator[AdServer]:
    with AdServer(directory()) as server:
        yield server


@pytest.fixture
def second() -> Iterator[AdServer]:
    with AdServer(directory()) as server:
        yield server


def source(*urls: str, **settings: object) -> AdSource:
    return AdSource(
        **{
            "url": urls, "user": "CONTOSO\\reader", "tls": "none", "allow_plain_bind": True, "page_size": 10,
            "objects": ("users",), "timeout": 5, "increment": "off", **settings,
        }
    )  # fmt: skip


def reading(*urls: str, **settings: object) -> AdReading:
    return AdReading(source(*urls, **settings), "right", EmployeeIdRules(), pause=lambda seconds: None)


def test_one_address_or_several():
    assert source("ldap://dc1").url == ("ldap://dc1",)
    assert AdSource(url="ldap://dc1").url == ("ldap://dc1",)
    assert AdSource(url=["ldap://dc1", "ldaps://dc2"]).url == ("ldap://dc1", "ldaps://dc2")
    with pytest.raises(ValueError, match="give either url or ldif"):
        AdSource(url=[])
    with pytest.raises(ValueError, match="url must be"):
        AdSource(url=["ldap://dc1", "https://dc2"])


def test_the_first_one_is_used_while_it_answers(first: AdServer, second: AdServer):
    read = reading(first.url, second.url)
    assert len(list(read.rows())) == USERS
    assert len(first.log.binds) == 1
    assert not second.log.binds
    assert read.report.warnings == []


def test_the_next_one_where_one_cannot_be_reached(closed: str, second: AdServer):
    read = reading(closed, "ldap://dc9.invalid", second.url)
    assert len(list(read.rows())) == USERS
    assert read.report.warnings == [
        f"{closed.removeprefix('ldap://')} refused the connection",
        "the name dc9.invalid cannot be resolved",
    ]


def test_none_can_be_reached(closed: str):
    with pytest.raises(
        TransientError, match=r"none of 2 domain controllers .* refused the connection; .* dc9\.invalid"
    ):
        list(reading(closed, "ldap://dc9.invalid").rows())


@pytest.mark.parametrize(("password", "state"), [("other", "ok"), ("right", "locked"), ("right", "disabled")])
def test_a_refused_bind_is_never_tried_elsewhere(second: AdServer, password: str, state: str):
    with AdServer(directory(password, state)) as refusing:
        with pytest.raises(SignInError):
            list(reading(refusing.url, second.url).rows())
        assert len(refusing.log.binds) == 1
    assert not second.log.binds


def test_a_certificate_that_cannot_be_verified_is_not_passed_over(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files, other = make_tls_files(tmp_path / "a"), make_tls_files(tmp_path / "b")
    with AdServer(directory(), tls=files) as wrong, AdServer(directory(), tls=other) as right:
        with pytest.raises(SourceError, match="certificate cannot be verified"):
            list(reading(wrong.ldaps_url, right.ldaps_url, tls="verify", ca_file=other.ca_file).rows())
        assert not right.log.binds


def test_a_setting_that_is_wrong_is_not_passed_over(second: AdServer):
    with pytest.raises(ValueError, match="no valid port"):
        list(reading("ldap://dc1:99999", second.url).rows())
    assert not second.log.binds


def test_one_lost_connection_is_opened_again_with_the_same(second: AdServer):
    with AdServer(directory(), faults=AdFaults(AdFault("drop", page=2))) as unsteady:
        read = reading(unsteady.url, second.url)
        rows = kept(read.rows())
        assert len(unsteady.log.binds) == 2
    assert len({row.values[0] for row in rows}) == len(rows) == USERS
    assert not second.log.binds
    assert read.report.table("ad_user").watermark is not None


def test_one_that_is_always_lost_gives_way_to_the_next(second: AdServer):
    with AdServer(directory(), faults=AdFaults(AdFault("drop", page=2, times=99))) as unsteady:
        read = reading(unsteady.url, second.url)
        rows = kept(read.rows())
        assert len(unsteady.log.binds) == 2
    assert len({row.values[0] for row in rows}) == len(rows) == USERS
    assert len(second.log.binds) == 1
    assert read.report.warnings == ["the connection was lost and opened again 2 times"]


def test_restarts_stay_bounded_with_several():
    faults = [AdFaults(AdFault("drop", page=2, times=99)) for _ in range(3)]
    with (
        AdServer(directory(), faults=faults[0]) as one,
        AdServer(directory(), faults=faults[1]) as two,
        AdServer(directory(), faults=faults[2]) as three,
    ):
        with pytest.raises(SourceError, match=r"connection was lost .* \(3 times\)"):
            list(reading(one.url, two.url, three.url).rows())
        assert [len(server.log.binds) for server in (one, two, three)] == [2, 1, 0]


def test_the_password_is_in_no_repr(first: AdServer):
    assert "S3cret" not in repr(Controllers(source(first.url), "S3cret"))
