"""The deny list reaches direct, nested and primary members on both sides, and a misspelt name is refused."""

import pytest

from recon.backfill.denied import Denied, find_denied
from recon.errors import ConfigError
from recon.objects import ReadReport
from recon.store.load import Load
from recon.store.runs import register_source
from recon.store.tables import LOADED
from tests.support.rows import make_row

SID = "S-1-5-21-1-2-3"
BASE = "dc=contoso,dc=example"


def ad_user(number, **values):
    guid = f"00000000-0000-0000-0000-{number:012d}"
    dn = f"cn=u{number},{BASE}"
    return make_row("ad_user", guid=guid, dn_key=dn, sid=f"{SID}-{number}", samaccountname=f"u{number}", **values)


def ad_group(number, name, *members):
    """A group and its member rows; members are user numbers or group names."""
    guid = f"99999999-0000-0000-0000-{number:012d}"
    yield make_row(
        "ad_group", guid=guid, dn_key=f"cn={name},{BASE}", sid=f"{SID}-{number}", samaccountname=name, cn=name.title()
    )
    for member in members:
        dn = f"cn=u{member},{BASE}" if isinstance(member, int) else f"cn={member},{BASE}"
        yield make_row("ad_member", guid=guid, member_dn=dn, member_key=dn)


def entra_rows():
    names = {"g1": "Tier 0", "g2": "Inner", "g3": "Tier 0"}
    members = [("g1", "u1"), ("g1", "g2"), ("g2", "u2"), ("g2", "g1"), ("g3", "u3")]
    for group, name in names.items():
        yield make_row("entra_group", id=group, displayname=name, name_key=name.lower())
    for group, member in members:
        yield make_row("entra_member", id=group, member_id=member, member_type="group" if member[0] == "g" else "user")


def load(store, kind, name, tables, rows):
    key = register_source(store, kind, name)
    with Load(store, key, name, tables) as running:
        for row in rows:
            running.add(row)
        running.publish(ReadReport())
    return key


@pytest.fixture
def loaded(store):
    rows = [ad_user(number, primarygroupid=513 if number < 8 else 700) for number in range(1, 10)]
    rows += ad_group(600, "board", 1, "assistants", "gone")
    rows += ad_group(601, "assistants", 2, "board", "night shift")
    rows += ad_group(602, "night shift", 3)
    rows += ad_group(603, "everybody", 4, "board")
    rows += ad_group(700, "service accounts", 5)
    ad = load(store, "ad", "ad", ("ad_user", "ad_group", "ad_member"), rows)
    entra = load(store, "entra", "entra", ("entra_group", "entra_member"), entra_rows())
    with store.read() as connection:
        users = LOADED["ad_user"]
        numbers = {row.row_id: int(row.samaccountname[1:]) for row in connection.execute(users.select())}

        def find(*names):
            found = find_denied(connection, names, [ad], entra)
            return {numbers[key]: name for key, name in found.ad.items()}, dict(found.entra)

        yield find


def test_nested_members_and_loops(loaded):
    assert loaded("Board") == ({1: "Board", 2: "Board", 3: "Board"}, {})
    assert loaded("night SHIFT") == ({3: "night SHIFT"}, {})


@pytest.mark.parametrize("name", ["assistants", f"{SID}-601", "ASSISTANTS", "99999999-0000-0000-0000-000000000601"])
def test_every_name_of_a_group(loaded, name):
    assert set(loaded(name)[0]) == {1, 2, 3}


def test_members_by_primary_group(loaded):
    assert set(loaded("service accounts")[0]) == {5, 8, 9}


def test_entra_members(loaded):
    assert loaded("tier 0")[1] == {"u1": "tier 0", "u2": "tier 0", "u3": "tier 0"}
    assert loaded("g2")[1] == {"u2": "g2", "u1": "g2"}


def test_misspelt_and_empty(loaded):
    with pytest.raises(ConfigError, match="no loaded group is called Bord, Tier O"):
        loaded("Board", "Tier O", "Bord")
    assert loaded() == ({}, {})
    assert loaded(" ") == ({}, {})
    assert Denied().ad == {}
