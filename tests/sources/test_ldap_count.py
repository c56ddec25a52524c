"""The server's own count of Active Directory's objects: searches that ask for names alone, around each read."""

import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import IncompleteError
from recon.lab.adchanges import Changes
from recon.lab.adserver import Account, AdServer, Directory
from recon.objects import Row
from recon.sources.ldap.reading import AdReading
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source
from tests.sources.test_ldap_lab import BASE, entry

USERS = 25


def _user(number: int) -> tuple[str, dict[str, list[bytes]]]:
    name = f"u{number}".encode()
    return entry(number, f"User {number}", b"user", sAMAccountType=[b"805306368"], sAMAccountName=[name])


@pytest.fixture
def directory() -> Directory:
    people = [_user(number) for number in range(USERS)]
    people += [entry(100, "Group", b"group", groupType=[b"2"]), entry(101, "Contact", b"contact")]
    accounts = {"reader": Account("right", dn=f"CN=Reader,{BASE}", upn="reader@contoso.example")}
    return Directory(BASE, people, accounts=accounts, netbios_name="CONTOSO")


def _reading(server: AdServer, **settings: object) -> AdReading:
    source = AdSource(
        url=server.url, user="reader@contoso.example", tls="none", allow_plain_bind=True, page_size=10,
        increment="off", **settings,
    )  # fmt: skip
    return AdReading(source, "right", EmployeeIdRules())


@pytest.mark.parametrize("reader", ["own", "ldap3"])
def test_every_kind_is_counted(directory: Directory, reader: str):
    with AdServer(directory) as server:
        read = _reading(server, reader=reader, count=True)
        rows = list(read.rows())
        asked = sum(seen.attributes == ("1.1",) for seen in server.log.searches)
    assert len(rows) == USERS + 2
    counted = {name: table.server_count for name, table in read.report.tables.items()}
    assert counted == {"ad_user": USERS, "ad_group": 1, "ad_member": None, "ad_computer": 0, "ad_contact": 1}
    assert asked == 2 * (3 + 3)  # each kind before and after; 25 users take three pages
    assert read.report.table("ad_user").pages == 3  # those of the count are no pages of the read
    assert read.report.warnings == []


def test_a_base_inside_another_is_read_and_counted_once(directory: Directory):
    given = (f"CN=User 7,{BASE}", BASE, BASE.lower(), f"CN=User 8, {BASE}")
    with AdServer(directory) as server:
        read = _reading(server, bases=given, count=True)
        rows = list(read.rows())
    assert len(rows) == USERS + 2
    assert read.report.table("ad_user").server_count == USERS


def test_nothing_is_counted_unless_asked(directory: Directory):
    with AdServer(directory) as server:
        read = _reading(server)
        list(read.rows())
        assert not any(seen.attributes == ("1.1",) for seen in server.log.searches)
    assert {table.server_count for table in read.report.tables.values()} == {None}


def test_a_count_that_changes_during_the_read_proves_nothing(directory: Directory):
    with AdServer(directory) as server:
        read = _reading(server, count=True)
        rows = read.rows()
        next(rows)
        dn, values = _user(USERS)
        Changes(directory).add(dn, {name: one for name, one in values.items() if name not in ("objectGUID", "cn")})
        list(rows)
    assert read.report.table("ad_user").server_count is None
    assert read.report.table("ad_group").server_count == 1
    assert read.report.warnings == [f"ad_user: the server counted {USERS} before the read and {USERS + 1} after it"]


def test_a_row_less_than_counted_is_refused(directory: Directory, tmp_path):
    with AdServer(directory) as server, Store.open(f"sqlite:///{tmp_path / 'recon.db'}") as store:
        read = _reading(server, count=True)
        tables = ("ad_user", "ad_group", "ad_member", "ad_computer", "ad_contact")
        with Load(store, register_source(store, "ad", "ad"), "ad", tables) as load:
            for row in read.rows():
                if isinstance(row, Row) and "User 7" not in row.values:
                    load.add(row)
            with pytest.raises(IncompleteError) as refused:
                load.publish(read.report)
    assert str(refused.value).startswith(f"ad_user: {USERS - 1} rows were read, but the server counts {USERS}")
