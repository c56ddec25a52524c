"""Increments from a real domain controller: each kind of change, by USN and by DirSync, against a full read."""

from collections.abc import Callable, Iterator

import ldap3
import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import WatermarkError
from recon.sources.ldap.reading import AdReading
from tests.servers import people
from tests.servers.samba import Samba
from tests.support.adsteps import Held

pytestmark = pytest.mark.samba
IDS = EmployeeIdRules()
HOME = f"OU=Increments,{people.BASE}"
SHOW_DELETED = [("1.2.840.113556.1.4.417", True, None)]
Client = ldap3.Connection


def reading(samba: Samba, since: str | None = None, **settings: object) -> AdReading:
    source = AdSource(**{
        "url": samba.url, "user": samba.admin, "ca_file": samba.ca_file, "timeout": 20, **settings,
    })  # fmt: skip
    return AdReading(source, samba.admin_password, IDS, since=since)


def full(samba: Samba, **settings: object) -> tuple[Held, str | None]:
    held = Held()
    read = reading(samba, **settings)
    held.take(read.rows(), read.report)
    return held, read.report.watermark


@pytest.fixture
def client(samba: Samba) -> Iterator[Client]:
    """An administrator's connection; what it makes below HOME goes away again."""
    with samba.connection() as connection:
        for unit in (HOME, f"OU=A,{HOME}", f"OU=B,{HOME}"):
            connection.add(unit, ["organizationalUnit"])
        yield connection
        connection.delete(HOME, controls=[("1.2.840.113556.1.4.805", True, None)])  # with all below


def user(client: Client, name: str, unit: str = "A", **values: object) -> str:
    dn = f"CN={name},OU={unit},{HOME}"
    client.add(dn, ["user"], {"sAMAccountName": f"inc-{name}", **values})
    return dn


def group(client: Client, name: str, members: list[str]) -> str:
    dn = f"CN={name},OU=A,{HOME}"
    client.add(dn, ["group"], {"sAMAccountName": f"inc-{name}", **({"member": members} if members else {})})
    return dn


def modify(client: Client, dn: str, **values: list[str]) -> None:
    client.modify(dn, {name: [(ldap3.MODIFY_REPLACE, found)] for name, found in values.items()})


def restore(client: Client, name: str, dn: str) -> None:
    """The one that was deleted last."""
    wanted = f"(&(isDeleted=TRUE)(sAMAccountName=inc-{name}))"
    client.search(people.BASE, wanted, ldap3.SUBTREE, attributes=["uSNChanged"], controls=SHOW_DELETED)
    found = [answer for answer in client.response if answer["type"] == "searchResEntry"]
    gone = max(found, key=lambda answer: int(answer["raw_attributes"]["uSNChanged"][0]))["dn"]
    changes = {"isDeleted": [(ldap3.MODIFY_DELETE, [])], "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])]}
    client.modify(gone, changes, controls=SHOW_DELETED)


def steps(client: Client) -> Iterator[Callable[[], object]]:
    """What an administrator does, one thing after the other."""
    a, b = f"OU=A,{HOME}", f"OU=B,{HOME}"
    yield lambda: [user(client, name) for name in ("ada", "bob", "cleo")]
    yield lambda: group(client, "all", [f"CN={name},{a}" for name in ("ada", "bob", "cleo")])
    yield lambda: modify(client, f"CN=bob,{a}", manager=[f"CN=ada,{a}"], title=["Pilot"])
    yield lambda: modify(client, f"CN=all,{a}", managedBy=[f"CN=cleo,{a}"])
    yield lambda: client.modify_dn(f"CN=ada,{a}", "CN=ada lovelace")
    yield lambda: client.modify_dn(f"CN=ada lovelace,{a}", "CN=ada", new_superior=b)
    yield lambda: client.modify_dn(a, "OU=A2")
    yield lambda: client.modify_dn(f"OU=A2,{HOME}", "OU=A2", new_superior=b)
    yield lambda: client.modify_dn(f"OU=A2,{b}", "OU=A", new_superior=HOME)
    yield lambda: client.modify(f"CN=all,{a}", {"member": [(ldap3.MODIFY_DELETE, [f"CN=bob,{a}"])]})
    yield lambda: (client.delete(f"CN=cleo,{a}"), user(client, "cleo"))
    yield lambda: modify(client, f"CN=all,{a}", member=[f"CN=cleo,{a}", b])
    yield lambda: client.modify_dn(b, "OU=B2")
    yield lambda: client.delete(f"CN=ada,OU=B2,{HOME}")
    yield lambda: restore(client, "ada", f"CN=ada,{a}")
    yield lambda: client.add(f"CN=supplier,{a}", ["contact"], {"mail": "s@example.org"})
    yield lambda: client.delete(f"CN=all,{a}")


@pytest.mark.parametrize(("way", "reader"), [("usn", "own"), ("dirsync", "ldap3")])
def test_after_each_step_the_tables_equal_a_full_read(samba: Samba, client: Client, way: str, reader: str):
    held, since = full(samba, increment=way, reader=reader)
    full_reads = []
    for number, step in enumerate(steps(client)):
        step()
        after = Held(held)
        read = reading(samba, since, increment=way, reader=reader)
        try:
            after.take(read.rows(), read.report)
        except WatermarkError as error:
            full_reads.append(str(error))
            held, since = full(samba, increment=way, reader=reader)
            continue
        since, held = read.report.watermark, after
        expected, _ = full(samba, increment="off")
        assert held.described() == expected.described(), number
    assert len(full_reads) == 1
    assert "was restored without the Recycle Bin" in full_reads[0]


def test_units_outside_the_base_are_followed(samba: Samba, client: Client):
    """Members from elsewhere are renamed with their unit, moved in and out of the base, and deleted."""
    settings = {"bases": (f"OU=A,{HOME}",), "increment": "usn"}
    a, b = f"OU=A,{HOME}", f"OU=B,{HOME}"
    user(client, "bob", "B")
    user(client, "ada", manager=f"CN=bob,{b}")
    group(client, "all", [f"CN=bob,{b}", f"CN=ada,{a}"])
    held, since = full(samba, **settings)
    moves = (
        lambda: client.modify_dn(b, "OU=B2"),
        lambda: client.modify_dn(f"CN=bob,OU=B2,{HOME}", "CN=bob", new_superior=a),
        lambda: client.modify_dn(f"CN=bob,{a}", "CN=robert", new_superior=f"OU=B2,{HOME}"),
        lambda: client.modify_dn(f"OU=B2,{HOME}", "OU=B", new_superior=a),
        lambda: client.modify_dn(f"OU=B,{a}", "OU=B", new_superior=HOME),
    )
    for number, step in enumerate(moves):
        step()
        read = reading(samba, since, **settings)
        held.take(read.rows(), read.report)
        since = read.report.watermark
        expected, _ = full(samba, **settings)
        assert held.described() == expected.described(), number
    client.delete(f"CN=robert,{b}")
    with pytest.raises(WatermarkError, match="may have been a manager"):
        list(reading(samba, since, **settings).rows())


def test_an_ordinary_account_is_told_what_it_lacks(samba: Samba):
    source = AdSource(url=samba.url, user=samba.reader, ca_file=samba.ca_file, timeout=20, objects=("contacts",))
    read = AdReading(source, samba.reader_password, IDS)
    list(read.rows())
    assert read.report.watermark is None
    assert "deleted objects cannot be read" in read.report.warnings[0]
