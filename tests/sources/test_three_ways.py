"""One directory, read in four ways: every row the same, value by value."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.lab.adserver import Account, AdServer, Directory
from recon.objects import TABLES, Row
from recon.sources.ldap.reading import AdReading
from recon.sources.ldif import LdifReading, raw_attributes, read_ldif
from tests.servers import people
from tests.servers.samba import Samba

pytestmark = pytest.mark.samba
IDS = EmployeeIdRules()
COMPUTED = ("*", "msDS-User-Account-Control-Computed")
OWN = ("objectCategory", "logonCount", "codePage")


def described(rows: Iterator[Row]) -> list[tuple[object, ...]]:
    """Every row with its column names, in an order that does not depend on the source's."""
    return sorted(
        (
            (
                row.table,
                [(column.name, value) for column, value in zip(TABLES[row.table].columns, row.values, strict=True)],
                row.children,
            )
            for row in rows
        ),
        key=repr,
    )


def from_ldif(path: Path, content: bytes) -> list[tuple[object, ...]]:
    path.write_bytes(content)
    return described(LdifReading(AdSource(ldif=path, attributes=OWN), IDS).rows())


@pytest.fixture(scope="module", params=["own", "ldap3"])
def over_ldap(samba: Samba, request: pytest.FixtureRequest) -> list[tuple[object, ...]]:
    """The rows as Samba gives them to an ordinary account."""
    source = AdSource(
        url=samba.ldaps_url,
        user=samba.reader,
        ca_file=samba.ca_file,
        attributes=OWN,
        page_size=100,
        reader=request.param,
    )
    found = described(AdReading(source, samba.reader_password, IDS).rows())
    assert len(found) > 2 * people.COUNT
    return found


def test_ldapsearch_export(samba: Samba, over_ldap, tmp_path: Path):
    assert from_ldif(tmp_path / "ldapsearch.ldif", samba.ldapsearch(*COMPUTED)) == over_ldap


def test_ldbsearch_export(samba: Samba, over_ldap, tmp_path: Path):
    assert from_ldif(tmp_path / "ldbsearch.ldif", samba.ldbsearch(*COMPUTED)) == over_ldap


@pytest.mark.parametrize("reader", ["own", "ldap3"])
@pytest.mark.parametrize("tool", ["ldapsearch", "ldbsearch"])
def test_lab_server_loaded_with_the_export(samba: Samba, over_ldap, tmp_path: Path, tool: str, reader: str):
    path = tmp_path / "export.ldif"
    path.write_bytes(getattr(samba, tool)(*COMPUTED))
    spelled = {}
    for dn, attributes in read_ldif(path):
        as_bytes = raw_attributes(attributes)
        spelled[dn] = {name: as_bytes[name.lower()] for name in attributes}
    directory = Directory(
        people.BASE, spelled.items(), accounts={people.READER: Account(people.READER_PASSWORD)}, netbios_name="CONTOSO"
    )
    with AdServer(directory) as server:
        source = AdSource(
            url=server.url,
            user=f"CONTOSO\\{people.READER}",
            tls="none",
            allow_plain_bind=True,
            attributes=OWN,
            reader=reader,
        )
        assert described(AdReading(source, people.READER_PASSWORD, IDS).rows()) == over_ldap
