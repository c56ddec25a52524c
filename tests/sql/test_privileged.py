"""Who is privileged: holders of roles, active or eligible, directly or through a group."""

from sqlalchemy import select

from recon.catalog import read_catalog
from recon.queries import query
from recon.store.match_tables import privileged_account


def holds(estate, role, member, kind="user", *, is_eligible=0, source="entra"):
    values = {"id": role, "member_id": member, "member_type": kind, "is_eligible": is_eligible}
    estate.insert("entra_role_member", source, values)


def test_a_computer_is_privileged_by_its_primary_group_too(estate):
    estate.group("admins", 512)
    estate.group("inner", 2001)
    estate.group("other", 519, member=["CN=inner,DC=example,DC=com"])
    estate.entry("pc", kind="computer", primaryGroupID=512)
    estate.entry("srv", kind="computer", primaryGroupID=2001)
    estate.entry("usual", kind="computer", primaryGroupID=515)
    estate.refresh()
    with estate.store.read() as connection:
        table = privileged_account.c
        found = connection.execute(
            select(table.object_key, table.holder_key, table.depth, table.is_primary_group)
            .where(table.object_type == "ad_computer")
            .order_by(table.object_key)
        ).all()
    assert [tuple(row) for row in found] == [("pc", "admins", 1, 1), ("srv", "other", 2, 1)]


def test_every_way_of_holding_a_role(estate):
    for source in ("entra", "entra2"):
        if source not in estate.sources:
            estate.source(source, "entra")
    estate.insert("entra_role", "entra", {"id": "r1", "displayname": "Helpdesk Administrator", "is_activated": 1})
    estate.entra(id="u1", userprincipalname="ada@contoso.example", displayname="Ada")
    estate.entra(id="u2", userprincipalname="ben@contoso.example", displayname="Ben", is_enabled=0, is_synced=0)
    estate.entra(id="u3", userprincipalname="cid@contoso.example", displayname="Cid")
    estate.cloud_group(id="g1", displayname="Role holders", members=["u2"], isassignabletorole=1)
    # may hold a role, holds none; and another tenant's group of the same id
    estate.cloud_group(id="g2", displayname="No role", members=["u3"], isassignabletorole=1)
    estate.cloud_group(id="g1", displayname="Elsewhere", members=["u3"], source="entra2")
    holds(estate, "r1", "u1")
    holds(estate, "r1", "u1", is_eligible=1)
    holds(estate, "r1", "g1", "group", is_eligible=1)
    holds(estate, "r2", "p1", "servicePrincipal")
    answer = query(estate.store, read_catalog().statement("privileged", "queries"), {})
    found = list(answer.rows)
    assert [row[1:] for row in found] == [
        ("r2", None, 0, "direct", None, None, "servicePrincipal", "p1", None, None, None, None, None),
        (
            "r1",
            "Helpdesk Administrator",
            1,
            "direct",
            None,
            None,
            "group",
            "g1",
            "Role holders",
            None,
            None,
            None,
            None,
        ),
        ("r1", "Helpdesk Administrator", 0, "direct", None, None, "user", "u1", "ada@contoso.example", "Ada", 1, 1, 0),
        ("r1", "Helpdesk Administrator", 1, "direct", None, None, "user", "u1", "ada@contoso.example", "Ada", 1, 1, 0),
        (
            "r1",
            "Helpdesk Administrator",
            1,
            "group",
            "g1",
            "Role holders",
            "user",
            "u2",
            "ben@contoso.example",
            "Ben",
            0,
            0,
            0,
        ),
    ]
    assert {row[0] for row in found} == {"entra"}
