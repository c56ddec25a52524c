"""Deleted users and groups, directory roles and their members: read to the end, saved, read again."""

import json

import pytest

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError
from recon.lab.graph import Fault, GraphSimulator, Tenant
from recon.objects import TABLES
from recon.sources.entra import tables_of
from recon.sources.entra_ndjson import NdjsonReading
from recon.sources.entra_rows import DeletedRows, RoleRows
from tests.servers.scripted import ScriptedServer, json_reply
from tests.support.tenant import TENANT, Reader, make_tenant, make_users, object_id, simulate

DIRECTORY = ("User.Read.All", "Group.Read.All", "RoleManagement.Read.Directory")
HELPDESK, READERS, HELPDESK_TEMPLATE, READERS_TEMPLATE, UNUSED = (object_id(2 * 10**6 + n) for n in range(5))
GROUP = object_id(10**6)


def member(number, kind="user"):
    return {"@odata.type": f"#microsoft.graph.{kind}", "id": object_id(number)}


def directory(users=30):
    made = make_tenant(users)
    roles = [
        {"id": HELPDESK.upper(), "displayName": "Helpdesk Administrator", "roleTemplateId": HELPDESK_TEMPLATE.upper()},
        {
            "id": READERS,
            "displayName": "Directory Readers",
            "description": "May read.",
            "roleTemplateId": READERS_TEMPLATE,
        },
    ]
    return Tenant(
        TENANT,
        made.users,
        made.groups,
        made.members,
        roles=roles,
        role_members=[(HELPDESK, member(1)), (READERS, member(2)), (READERS, member(7 * 10**6, "servicePrincipal"))],
        eligible=[(HELPDESK_TEMPLATE, member(3)), (UNUSED, member(4)), (UNUSED, member(10**6, "group"))],
    )


def values(row, *names):
    return tuple(row.values[TABLES[row.table].position[name]] for name in names)


def of(reader, table, *names):
    return sorted(values(row, *names) for row in reader.rows if row.table == table)


def delete_some(simulator: GraphSimulator) -> None:
    for number in (3, 4, 6):
        simulator.delete_user(TENANT, object_id(number))
    simulator.change_group(TENANT, object_id(10**6 + 1), groupTypes=["Unified"], mailEnabled=True)
    for number in (0, 1):
        simulator.delete_group(TENANT, object_id(10**6 + number))


# ---- what is deleted


def test_deleted_users_and_groups():
    with simulate(make_tenant(), permissions=DIRECTORY) as simulator:
        delete_some(simulator)
        reader = Reader(simulator, objects=("deleted",))
        reader.read()
    found = of(reader, "entra_deleted", "id", "object_type", "userprincipalname", "is_synced", "is_unified")
    assert found == [
        (object_id(3), "user", "user3@contoso.example", 1, None),
        (object_id(4), "user", "user4@contoso.example", 0, None),
        (object_id(6), "user", "user6@contoso.example", 1, None),
        (object_id(10**6), "group", None, 0, 0),
        (object_id(10**6 + 1), "group", None, 0, 1),
    ]
    days = of(reader, "entra_deleted", "deleted_day")
    assert len(set(days)) == 1
    assert days[0][0] > 20_000
    proof = reader.reading.report.table("entra_deleted")
    assert (proof.server_count, proof.pages) == (5, 2)
    assert reader.reading.report.warnings == []
    assert tables_of(reader.source) == ("entra_deleted",)


def test_pages_and_an_expired_token_give_the_same():
    with simulate(make_tenant(), Fault("expired-page-token", at=3), permissions=DIRECTORY) as simulator:
        delete_some(simulator)
        reader = Reader(simulator, objects=("deleted",), page_size=1)
        reader.read()
    assert len(set(of(reader, "entra_deleted", "id"))) == len(of(reader, "entra_deleted", "id")) == 5
    assert reader.reading.report.table("entra_deleted").server_count == 5
    assert reader.reading.report.warnings == [
        "the listing of deleted users was begun again: its page token had expired"
    ]


def test_a_lost_page_is_told_by_the_count():
    with simulate(make_tenant(), Fault("shifted-page", at=2), permissions=DIRECTORY) as simulator:
        delete_some(simulator)
        reader = Reader(simulator, objects=("deleted",), page_size=2)
        reader.read()
    assert len(set(of(reader, "entra_deleted", "id"))) == 4
    assert reader.reading.report.table("entra_deleted").server_count == 5


def test_nothing_deleted():
    with simulate(make_tenant(), permissions=DIRECTORY) as simulator:
        reader = Reader(simulator, objects=("deleted",))
        assert reader.read() == []
    assert reader.reading.report.table("entra_deleted").server_count == 0


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [(("User.Read.All",), "Group.Read.All"), (("Group.Read.All",), "User.Read.All")],
)
def test_a_missing_permission_is_named(permissions, missing):
    with simulate(make_tenant(), permissions=permissions) as simulator:
        reader = Reader(simulator, objects=("deleted",))
        with pytest.raises(AccessError) as raised:
            reader.read()
    assert missing in str(raised.value.hint)


@pytest.mark.parametrize("item", [None, [], {}, {"id": ""}, {"id": 7}, {"id": "x" * 37}])
def test_what_has_no_id_is_rejected(item):
    assert DeletedRows(EmployeeIdRules()).row(item, "user", 4).values[:4] == ("entra_deleted", None, 4, "no_id")
    assert RoleRows().role(item, 4).values[:4] == ("entra_role", None, 4, "no_id")
    assert RoleRows.member("r", item, is_eligible=False).values[:4] == ("entra_role_member", "r", None, "no_id")


def test_odd_values_become_null():
    odd = {
        "id": "ABC",
        "displayName": 7,
        "deletedDateTime": "yesterday",
        "onPremisesSyncEnabled": "yes",
        "groupTypes": "Unified",
        "employeeId": " 0042 ",
    }
    row = DeletedRows(EmployeeIdRules(strip_leading_zeros=True)).row(odd, "group")
    names = ("id", "displayname", "deleteddatetime", "deleted_day", "is_synced", "is_unified", "employeeid_key")
    assert values(row, *names) == ("abc", None, None, None, 0, 0, "42")


# ---- roles


def test_roles_with_active_and_eligible_members():
    with simulate(directory(), permissions=DIRECTORY) as simulator:
        reader = Reader(simulator, objects=("roles",))
        reader.read()
        requests = len(simulator.requests)
    assert of(reader, "entra_role", "id", "displayname", "roletemplateid", "is_activated") == [
        (HELPDESK, "Helpdesk Administrator", HELPDESK_TEMPLATE, 1),
        (READERS, "Directory Readers", READERS_TEMPLATE, 1),
        (UNUSED, None, UNUSED, 0),
    ]
    assert of(reader, "entra_role_member", "id", "member_id", "member_type", "is_eligible") == [
        (HELPDESK, object_id(1), "user", 0),
        (HELPDESK, object_id(3), "user", 1),
        (READERS, object_id(2), "user", 0),
        (READERS, object_id(7 * 10**6), "servicePrincipal", 0),
        (UNUSED, object_id(4), "user", 1),
        (UNUSED, GROUP, "group", 1),
    ]
    assert requests == 3
    assert reader.reading.report.warnings == []
    assert tables_of(reader.source) == ("entra_role", "entra_role_member")


def test_many_members_are_followed():
    users = make_users(260)
    roles = [{"id": HELPDESK, "displayName": "Helpdesk", "roleTemplateId": HELPDESK_TEMPLATE}]
    holders = [(HELPDESK, member(number)) for number in range(250)]
    tenant = Tenant(TENANT, users, roles=roles, role_members=holders)
    with simulate(tenant, permissions=DIRECTORY) as simulator:
        reader = Reader(simulator, objects=("roles",))
        reader.read()
    assert len(of(reader, "entra_role_member", "member_id")) == 250
    assert reader.reading.report.table("entra_role_member").pages == 4


def test_without_the_right_to_eligibilities_the_load_says_so():
    with simulate(directory(), permissions=("Directory.Read.All",)) as simulator:
        reader = Reader(simulator, objects=("roles",))
        reader.read()
    assert {row[0] for row in of(reader, "entra_role_member", "is_eligible")} == {0}
    assert reader.reading.report.warnings == [
        "eligible members of roles are not read: that needs RoleManagement.Read.Directory"
    ]


def test_without_the_right_to_roles_nothing_is_read():
    with simulate(directory(), permissions=("User.Read.All",)) as simulator:
        reader = Reader(simulator, objects=("roles",))
        with pytest.raises(AccessError) as raised:
            reader.read()
    assert "RoleManagement.Read.Directory" in str(raised.value.hint)


def test_a_tenant_without_the_licence():
    refusal = {"error": {"code": "AadPremiumLicenseRequired", "message": "The tenant needs a licence."}}

    def answer(request):
        if request.path.endswith("/token"):
            return json_reply({"access_token": "t", "expires_in": 3599})
        if request.path.startswith("/v1.0/directoryRoles"):
            return json_reply({"value": []})
        (item,) = json.loads(request.body)["requests"]
        return json_reply({"responses": [{"id": item["id"], "status": 400, "headers": {}, "body": refusal}]})

    with ScriptedServer(answer) as server:
        reader = Reader(server, objects=("roles",))
        assert reader.read() == []
    assert reader.reading.report.warnings == [
        "eligible members of roles are not read: the tenant has no licence for them"
    ]


# ---- as files


def test_saved_and_read_again(tmp_path):
    wanted = ("users", "groups", "members", "deleted", "roles")
    with simulate(
        directory(), Fault("expired-page-token", match="deletedItems.*skiptoken"), permissions=DIRECTORY
    ) as lab:
        delete_some(lab)
        reader = Reader(lab, objects=wanted, page_size=2)
        reader.read(save=tmp_path)
    again = NdjsonReading(EntraSource(ndjson=tmp_path, objects=wanted), tmp_path, EmployeeIdRules())
    rows = list(again.rows())
    assert set(map(repr, rows)) == set(map(repr, reader.rows))
    assert len(rows) == len(set(map(repr, rows)))
    assert again.report.table("entra_deleted").server_count == 5
    assert {file.name for file in tmp_path.iterdir()} >= {
        "deleted_users.ndjson",
        "deleted_groups.ndjson",
        "roles.ndjson",
        "role_members.ndjson",
    }


def test_a_member_line_without_its_role(tmp_path):
    (tmp_path / "roles.ndjson").write_text("", encoding="utf-8")
    (tmp_path / "role_members.ndjson").write_text(json.dumps({"id": object_id(1)}) + "\n", encoding="utf-8")
    reading = NdjsonReading(EntraSource(ndjson=tmp_path, objects=("roles",)), tmp_path, EmployeeIdRules())
    (row,) = reading.rows()
    assert row.values[:4] == ("entra_role_member", None, 1, "no_id")


def test_other_sources_stay_as_they_were():
    source = EntraSource(tenant_id=TENANT)
    assert source.objects == ("users", "groups", "members")
    assert not {"entra_deleted", "entra_role"} & set(tables_of(source))
