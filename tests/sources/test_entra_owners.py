"""Owners of groups: read in batches, only where Graph can have some, saved and read again."""

import json

import pytest

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError
from recon.lab.graph import Fault, Tenant
from recon.objects import Row
from recon.sources.entra import tables_of
from recon.sources.entra_ndjson import NdjsonReading
from tests.support.tenant import TENANT, Reader, make_users, object_id, simulate

OWNER = "entra_group_owner"
GROUP = 10**6


def group_id(number):
    return object_id(GROUP + number)


def user(number):
    return {"@odata.type": "#microsoft.graph.user", "id": object_id(number)}


def owned(groups=4):
    """Group 0 has two owners and an application, 1 none, 2 is synced, 3 a distribution group, the rest have one."""
    more = {2: {"onPremisesSyncEnabled": True}, 3: {"mailEnabled": True, "securityEnabled": False}}
    listed = [
        {"id": group_id(n), "displayName": f"G{n}", "securityEnabled": True, "mailEnabled": False, "groupTypes": []}
        | more.get(n, {})
        for n in range(groups)
    ]
    application = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": object_id(7 * 10**6)}
    owners = [(group_id(0), user(1)), (group_id(0), user(2)), (group_id(0), application), (group_id(2), user(3))]
    owners += [(group_id(3), user(3)), *((group_id(n), user(n % 5)) for n in range(4, groups))]
    return Tenant(TENANT, make_users(10), listed, owners=owners)


def owners(rows):
    return sorted(row.values for row in rows if row.table == OWNER)


TWO = [(group_id(0), object_id(1), "user"), (group_id(0), object_id(2), "user")]


def test_owners_of_the_groups_that_can_have_some():
    with simulate(owned(), permissions=("GroupMember.Read.All",)) as simulator:
        reader = Reader(simulator, objects=("group_owners",))
        reader.read()
        asked = [request for request in simulator.requests if "$batch" in request.target]
    assert reader.rows == [Row(OWNER, values) for values in TWO]
    assert len(asked) == 1
    assert tables_of(reader.source) == (OWNER,)
    proof = reader.reading.report.table(OWNER)
    assert (proof.filter, proof.is_whole, reader.reading.report.warnings) == ("/groups/{id}/owners", True, [])


def test_twenty_groups_a_batch():
    with simulate(owned(44), permissions=("Group.Read.All",)) as simulator:
        reader = Reader(simulator, objects=("group_owners",), page_size=999)
        reader.read()
        batches = sum("$batch" in request.target for request in simulator.requests)
    assert owners(reader.rows) == sorted([*TWO, *((group_id(n), object_id(n % 5), "user") for n in range(4, 44))])
    assert batches == 3  # 42 groups


def test_a_page_token_that_expires():
    fault = Fault("expired-page-token", match="groups.*skiptoken")
    with simulate(owned(9), fault, permissions=("Group.Read.All",)) as simulator:
        reader = Reader(simulator, objects=("group_owners",), page_size=4)
        reader.read()
    assert {row.values for row in reader.rows} == {
        *TWO, *((group_id(n), object_id(n % 5), "user") for n in range(4, 9))
    }  # fmt: skip
    assert reader.reading.report.warnings == ["the listing of groups was begun again: its page token had expired"]


def test_without_the_right_nothing_is_read():
    with simulate(owned(), permissions=("User.Read.All",)) as simulator:
        reader = Reader(simulator, objects=("group_owners",))
        with pytest.raises(AccessError) as raised:
            reader.read()
    assert "GroupMember.Read.All" in str(raised.value.hint)


def test_saved_and_read_again(tmp_path):
    wanted = ("groups", "group_owners")
    with simulate(owned(8), permissions=("Group.Read.All",)) as simulator:
        reader = Reader(simulator, objects=wanted)
        reader.read(save=tmp_path)
    again = NdjsonReading(EntraSource(ndjson=tmp_path, objects=wanted), tmp_path, EmployeeIdRules())
    rows = list(again.rows())
    assert owners(rows) == owners(reader.rows)
    assert len(owners(rows)) == 6
    assert set(map(repr, rows)) == set(map(repr, reader.rows))


def test_lines_without_a_group_or_an_id(tmp_path):
    lines = [{"id": object_id(1)}, {"groupId": group_id(0), "id": None}, {"groupId": group_id(0).upper(), **user(1)}]
    (tmp_path / "group_owners.ndjson").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    reading = NdjsonReading(EntraSource(ndjson=tmp_path, objects=("group_owners",)), tmp_path, EmployeeIdRules())
    first, second, third = reading.rows()
    assert first.values[:4] == (OWNER, None, 1, "no_id")
    assert second.values[:4] == (OWNER, group_id(0), None, "no_id")
    assert third == Row(OWNER, TWO[0])
