"""Nested membership on both sides, held against a naive walk; and who is privileged through it."""

import random

import pytest
from sqlalchemy import delete, select, update

from recon.decode.sid import sid_bytes
from recon.store.closure import ad_member_closure, closure_state, entra_member_closure
from recon.store.match_tables import privileged_account
from recon.store.tables import setting


def walked(links: set[tuple[str, str]]) -> set[tuple[str, str, int]]:
    """(group, member, fewest steps) by walking from every group, level by level."""
    inside: dict[str, set[str]] = {}
    for group, member in links:
        inside.setdefault(group, set()).add(member)
    found = set()
    for group in inside:
        level, known, depth = inside[group], set(), 1
        while level - known:
            found |= {(group, member, depth) for member in level - known}
            known |= level
            level = {inner for member in level for inner in inside.get(member, ())}
            depth += 1
    return found


def made(estate, table):
    columns = [column for column in table.columns if column.name in ("guid", "id", "member_key", "member_id", "depth")]
    with estate.store.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(*columns))]
    assert len(rows) == len(set(rows))
    return set(rows)


def state(estate, name):
    with estate.store.read() as connection:
        return connection.execute(select(closure_state).where(closure_state.c.table_name == name)).one()


@pytest.mark.parametrize("seed", range(3))
def test_random_nesting_is_followed_like_a_walk(estate, seed):
    dice = random.Random(seed)
    groups, users = [f"g{n}" for n in range(12)], [f"u{n}" for n in range(6)]
    links = {(dice.choice(groups), dice.choice(groups + users)) for _ in range(30)}  # cycles and members of themselves
    for group in groups:
        members = sorted(member for owner, member in links if owner == group)
        estate.cloud_group(id=group, members=members)
        estate.entry(group, kind="group", member=[f"CN={each.upper()},DC=example,DC=com" for each in members])
    estate.refresh()
    assert made(estate, entra_member_closure) == walked(links)
    keys = {(group, key.removeprefix("cn=").partition(",")[0], n) for group, key, n in made(estate, ad_member_closure)}
    assert keys == walked(links)


def test_a_group_of_another_domain_counts_and_another_tenant_does_not(estate):
    estate.source("ad2", "ad")
    estate.source("entra2", "entra")
    estate.entry("outer", kind="group", member=["CN=inner,DC=example,DC=com"])
    estate.entry("inner", source="ad2", kind="group", member=["CN=Jo,DC=example,DC=com"])
    estate.cloud_group(id="outer", members=["inner"])
    estate.cloud_group(id="inner", source="entra2", members=["jo"])
    estate.refresh()
    assert ("outer", "cn=jo,dc=example,dc=com", 2) in made(estate, ad_member_closure)
    assert made(estate, entra_member_closure) == {("outer", "inner", 1), ("inner", "jo", 1)}


def test_members_of_another_forest_stand_under_their_own_names(estate):
    estate.source("ad2", "ad")
    sid = "S-1-5-21-9-8-7-"
    here = [f"CN={sid}{rid},CN=ForeignSecurityPrincipals,DC=example,DC=com" for rid in (1105, 1106, 1107, 1108, 1109)]
    estate.group("Administrators", 544, member=[*here, "CN=local,DC=example,DC=com", "CN=twice,DC=other,DC=example"])
    estate.refresh()
    assert len(made(estate, ad_member_closure)) == 7
    for name, rid in (("ann", 1105), ("twice", 1108)):
        estate.ad("ad2", guid=name, distinguishedname=f"CN={name},DC=other,DC=example", sid=f"{sid}{rid}")
    estate.entry("inner", "ad2", "group", objectSid=sid_bytes(f"{sid}1106"), member=["CN=ben,DC=other,DC=example"])
    estate.ad("ad2", guid="ben", distinguishedname="CN=ben,DC=other,DC=example")
    for name in ("moved", "moved too"):
        estate.ad("ad2", guid=name, distinguishedname=f"CN={name},DC=other,DC=example", sid=f"{sid}1109")
    estate.refresh()
    by_sid = [f"cn={sid.lower()}{rid},cn=foreignsecurityprincipals,dc=example,dc=com" for rid in (1107, 1109)]
    inner = "cn=inner,dc=example,dc=com"
    others = [f"cn={name},dc=other,dc=example" for name in ("ann", "twice")]
    found = {(key, depth) for group, key, depth in made(estate, ad_member_closure) if group == "Administrators"}
    assert found == {
        *((key, 1) for key in (*by_sid, *others, inner, "cn=local,dc=example,dc=com")),
        ("cn=ben,dc=other,dc=example", 2),
    }
    assert {row[0] for row in privileged(estate)} == {"ann", "twice", "ben"}


def test_it_is_made_again_only_when_memberships_changed(estate):
    estate.cloud_group(id="a", members=["b"])
    estate.refresh()
    with estate.store.write() as connection:
        connection.execute(delete(entra_member_closure))
    estate.refresh()
    assert made(estate, entra_member_closure) == set()  # kept as it was
    estate.cloud_group(id="b", members=["jo"])
    estate.refresh()
    assert made(estate, entra_member_closure) == {("a", "b", 1), ("b", "jo", 1), ("a", "jo", 2)}


def chain(estate, length):
    for n in range(length):
        estate.cloud_group(id=f"g{n}", members=[f"g{n + 1}"])


def test_a_limit_cuts_at_a_depth_that_fits_and_says_so(estate):
    chain(estate, 5)
    done = estate.refresh()
    assert done.warnings == ()
    assert (state(estate, "entra_member_closure").max_depth, len(made(estate, entra_member_closure))) == (5, 15)
    for name, value, depth, rows in (("closure_max_rows", 9, 2, 9), ("closure_max_depth", 3, 3, 12)):
        with estate.store.write() as connection:
            connection.execute(update(setting).where(setting.c.name.like("closure%")).values(value_int=1000))
            connection.execute(update(setting).where(setting.c.name == name).values(value_int=value))
        (warning,) = estate.refresh().warnings
        assert warning.startswith(f"entra_member_closure: nested memberships are complete to {depth} steps")
        found = state(estate, "entra_member_closure")
        assert (found.max_depth, found.row_count, found.is_complete) == (depth, rows, 0)
        assert {depth for *_, depth in made(estate, entra_member_closure)} == set(range(1, depth + 1))


def test_a_depth_that_is_just_enough_is_no_cut(estate):
    chain(estate, 3)
    estate.refresh(closure_max_depth=3)
    assert state(estate, "entra_member_closure").is_complete == 1


# ---- who is privileged -----------------------------------------------------------------------------------


def privileged(estate):
    """(account, reason, holder, depth, by primary group, eligible only, refused by Graph, adminCount)."""
    table = privileged_account.c
    names = ("object_key", "reason", "holder_name", "depth", "is_primary_group", "is_eligible", "is_refused")
    with estate.store.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(*(table[name] for name in names), table.admincount))]
    assert len(rows) == len(set(rows))
    return sorted(rows, key=lambda row: (row[0], str(row[2])))


def test_privileged_in_ad(estate):
    for name in ("direct", "nested", "both", "plain", "operator"):
        estate.ad(guid=name, distinguishedname=f"CN={name},DC=example,DC=com", admincount=1 if name == "both" else None)
    estate.ad(guid="primary", primarygroupid=512)
    estate.ad(guid="primary nested", primarygroupid=7001)
    estate.ad(guid="primary and nested", distinguishedname="CN=twice,DC=example,DC=com", primarygroupid=512)
    estate.ad(guid="ordinary", primarygroupid=513, admincount=1)
    estate.computer(guid="server", dn_key="cn=server,dc=example,dc=com")
    at = ",DC=example,DC=com"
    estate.group("Domänen-Admins", 512, member=[f"CN=direct{at}", f"CN=both{at}", f"CN=Inner{at}", f"CN=server{at}"])
    estate.group("Inner", 7001, member=[f"CN={name}{at}" for name in ("nested", "both", "twice", "Domänen-Admins")])
    estate.group("Printers", 550, member=[f"CN=operator{at}"])
    estate.group("Team", 7002, adminCount=1, member=[f"CN=plain{at}"])
    estate.refresh()
    assert privileged(estate) == [
        ("both", "AD group", "Domänen-Admins", 1, 0, 0, 0, 1),
        ("direct", "AD group", "Domänen-Admins", 1, 0, 0, 0, None),
        ("nested", "AD group", "Domänen-Admins", 2, 0, 0, 0, None),
        ("operator", "AD group", "Printers", 1, 0, 0, 0, None),
        ("primary", "AD group", "Domänen-Admins", 1, 1, 0, 0, None),
        ("primary and nested", "AD group", "Domänen-Admins", 1, 1, 0, 0, None),
        ("primary nested", "AD group", "Domänen-Admins", 2, 1, 0, 0, None),
        ("server", "AD group", "Domänen-Admins", 1, 0, 0, 0, None),
    ]


def test_privileged_in_entra(estate):
    for name in ("holder", "eligible", "reader", "by group", "member", "plain", "unnamed", "owner"):
        estate.entra(id=name)
    estate.source("entra2", "entra")
    estate.entra(id="elsewhere", source="entra2")
    rows = [
        ("r1", "holder", 0), ("r1", "eligible", 1), ("r1", "holder", 1), ("r2", "reader", 0), ("r1", "group", 0),
        ("r3", "unnamed", 1), ("r1", "elsewhere", 0),
    ]  # fmt: skip
    for role, name in (("r1", "Exchange Administrator"), ("r2", "Directory Readers"), ("r3", None)):
        estate.insert("entra_role", "entra", {"id": role, "displayname": name})
    for role, member, eligible in rows:
        estate.insert("entra_role_member", "entra", {"id": role, "member_id": member, "is_eligible": eligible})
    estate.cloud_group(id="group", members=["by group"])
    estate.cloud_group(id="assignable", displayname="Helpdesk", isassignabletorole=1, members=["member"])
    estate.cloud_group(id="team", members=["plain"])
    for group, owner in (("assignable", "owner"), ("assignable", "member"), ("team", "plain"), ("assignable", "gone")):
        estate.insert("entra_group_owner", "entra", {"id": group, "owner_id": owner})
    estate.refresh()
    assert privileged(estate) == [
        ("by group", "directory role", "Exchange Administrator", 2, 0, 0, 1, None),
        ("eligible", "directory role", "Exchange Administrator", 1, 0, 1, 1, None),
        ("holder", "directory role", "Exchange Administrator", 1, 0, 0, 1, None),
        ("member", "role-assignable group", "Helpdesk", 1, 0, 0, 1, None),
        ("owner", "owner of role-assignable group", "Helpdesk", 1, 0, 0, 1, None),
        ("reader", "directory role", "Directory Readers", 1, 0, 0, 0, None),
        ("unnamed", "directory role", None, 1, 0, 1, 1, None),
    ]
