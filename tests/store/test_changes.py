"""changes_*: whatever differs of an object between two loads is shown, or is one of the few columns named here."""

from itertools import pairwise

import pytest
from sqlalchemy import update

from recon.history_queries import left_out
from recon.objects import TABLES, Column, Row
from recon.store.history import prune
from recon.store.tables import load_run
from tests.support.loads import ask, load
from tests.support.rows import make_row

COMPARED = {
    "ad_user": "ad", "ad_group": "ad", "ad_computer": "ad", "ad_contact": "ad",
    "entra_user": "entra", "entra_group": "entra", "worker": "workers",
}  # fmt: skip
# each says again what another column says, or nothing of the object
REPEATED = {
    "ad_user": {"objectguid", "guid_immutable_id", "objectsid", "usncreated", "pwdlastset", "accountexpires",
                "lockouttime"},
    "ad_group": {"objectguid", "objectsid", "usncreated", "rid"},
    "ad_computer": {"objectguid", "objectsid", "usncreated", "pwdlastset", "accountexpires", "lockouttime"},
    "ad_contact": {"objectguid", "objectsid", "usncreated", "sid"},
    "entra_user": {"is_enabled", "is_guest", "is_synced"},
    "entra_group": {"is_synced"},
    "worker": {"personal_mail_masked", "country_code"},
}  # fmt: skip
# of child tables: parts of the value and what is read from it; a certificate's issuer and serial number tell the rest
PARTS = {"prefix", "address", "value_masked", "kind", "strength", "issuer", "subject", "serial", "strong_value"}
PARTS_OF = {
    "ad_user_certificate": {"subject", "issuer", "serial", "not_after", "sid"},
    "entra_user_identity": set(),
}
VALUES = {
    "int": (1, 2), "bigint": (1, 2), "flag": (0, 1), "bytes": (b"1", b"2"), "anchor": ("AQ==", "Ag=="),
    "time": ("2026-03-01 05:00:00.000000", "2026-03-02 05:00:00.000000"), "date": ("2026-03-01", "2026-03-02"),
}  # fmt: skip


def value(column: Column, version: int) -> object:
    return VALUES.get(column.type, ("first", "second"))[version]


def stands_for_itself(column: Column, *others: str) -> bool:
    return not column.volatile and column.type not in ("key", "day") and column.name not in others


def wanted(name: str) -> set[str]:
    """The columns of a table that are to be compared."""
    table = TABLES[name]
    return {each.name for each in table.columns if stands_for_itself(each, *table.key, *REPEATED[name])}


def changed_row(name: str, column: Column, version: int | None) -> Row:
    """An object named after the one column it has."""
    given: dict[str, object] = {TABLES[name].key[0]: column.name}
    if version is not None:
        given[column.name] = value(column, version)
        if column.name == "personal_mail":
            given |= {"personal_mail_key": f"{version}", "personal_mail_masked": "*"}
        if column.name == "msdsconsistencyguid":
            given |= {"immutable_id": VALUES["anchor"][version]}
    return make_row(name, **given)


@pytest.mark.parametrize("name", COMPARED)
def test_what_is_not_compared_has_its_reason(name):
    table = TABLES[name]
    reasons = left_out(table)
    assert set(reasons) == {column.name for column in table.columns} - wanted(name)
    assert all(reasons.values())


@pytest.mark.parametrize("name", COMPARED)
def test_a_change_of_any_column_is_a_row(store, name):
    table = TABLES[name]
    columns = [column for column in table.columns if column.name in wanted(name)]
    runs = [
        load(store, COMPARED[name], [changed_row(name, column, version) for column in columns], tables=(name,))
        for version in (None, 0, 1)
    ]
    for before, after in pairwise(runs):
        rows = ask(store, f"changes_{name}", before=before, after=after)
        found = [(row[table.key[0]], row["attribute"]) for row in rows]
        anchors = ask(store, "changes_anchor", before=before, after=after)
        found += [(row["object_key"], row["attribute"]) for row in anchors]
        # where a consistency GUID is set, the immutable id follows
        follows = {("msdsconsistencyguid", "immutable_id")}
        assert {(column.name, column.name) for column in columns} == {*found} - follows
        assert len(found) == len({*found})
        hidden = {column.name for column in columns if column.personal}
        shown = {row[side] for row in rows if row["attribute"] in hidden for side in ("before_value", "after_value")}
        assert shown <= {None, "*", "***"}


def compared_values(name: str) -> list[tuple[str, Column]]:
    """Child tables of a table, and the columns of them that are to be compared."""
    found = []
    for child in TABLES.values():
        if child.parent == name and not child.name.endswith("_value_defect"):
            others = PARTS_OF.get(child.name, PARTS)
            found += [(child.name, each) for each in child.columns if stands_for_itself(each, *child.key, *others)]
    return found


def child_values(child: str, column: Column, version: int) -> tuple[object, ...]:
    """The values after the parent's key; of all columns but one they are always the same."""
    given = {"attribute": "costcentre", "position": 0, column.name: value(column, version)}
    if "value_masked" in TABLES[child].position:
        given["value_masked"] = f"{given['value'][0]}***"
    return tuple(given.get(each.name) for each in TABLES[child].columns[1:])


@pytest.mark.parametrize("name", COMPARED)
def test_a_change_of_any_value_is_a_row_for_what_was_and_what_is(store, name):
    key = TABLES[name].key[0]
    values = compared_values(name)
    assert {child for child, _ in values} == {
        each.name for each in TABLES.values() if each.parent == name and not each.name.endswith("_value_defect")
    }
    covered = (name, *(each.name for each in TABLES.values() if each.parent == name))
    runs = [
        load(store, COMPARED[name], [
            make_row(name, (child, child_values(child, column, version)), **{key: f"{child}.{column.name}"})
            for child, column in values
        ], tables=covered)
        for version in (0, 1)
    ]  # fmt: skip
    found: dict[object, set[object]] = {}
    for row in ask(store, f"changes_{name}", before=runs[0], after=runs[1]):
        found.setdefault(row[key], set()).add((row["before_value"], row["after_value"]))
        if row[key] in ("ad_attribute.value", "worker_attribute.value"):
            assert row["attribute"] == "costcentre"
    for child, column in values:
        old, new = (str(value(column, version))[:19] for version in (0, 1))
        if "value_masked" in TABLES[child].position:
            old, new = f"{old[0]}***", f"{new[0]}***"
        pairs = {(old, None), (None, new)} if "position" in TABLES[child].position else {(old, new)}
        assert found.pop(f"{child}.{column.name}") == pairs, (child, column.name)
    assert found == {}


def test_values_in_another_order_are_no_change(store):
    def identities(*names: str) -> Row:
        children = [("entra_user_identity", (n, "userPrincipalName", "x", name)) for n, name in enumerate(names)]
        return make_row("entra_user", *children, id="u", displayname="Ana")

    covered = ("entra_user", "entra_user_identity")
    first = load(store, "entra", [identities("a", "b")], tables=covered)
    second = load(store, "entra", [identities("b", "a")], tables=covered)
    last = load(store, "entra", [identities("b")], tables=covered)
    assert ask(store, "changes_entra_user", before=first, after=second) == []
    rows = ask(store, "changes_entra_user", before=first, after=last)
    assert [(row["attribute"], row["before_value"], row["after_value"]) for row in rows] == [
        ("identities.issuerassignedid", "a", None)
    ]


# ---- members ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [
        ("ad_member", ("CN=Ana", "cn=ana"), ("cn=ANA", "cn=ana")),
        ("entra_member", ("u", None), ("u", "user")),
        ("entra_group_owner", ("u", None), ("u", "user")),
        ("entra_role_member", ("u", None, 0), ("u", "user", 0)),
    ],
)
def test_a_link_that_only_changed_neither_joined_nor_left(store, table, before, after):
    kind = table.partition("_")[0]
    runs = [
        load(store, kind, [Row(table, ("g", *link)) for link in links], tables=(table,))
        for links in ([before], [after], [before], [])
    ]
    found = ask(store, f"changes_{table}", before=0, after=runs[-1])
    assert sorted((row["run_id"], row["change"]) for row in found) == [(runs[0], "joined"), (runs[3], "left")]


def test_who_activated_a_role_is_told_from_who_may(store):
    covered = ("entra_role", "entra_role_member")
    role = make_row("entra_role", id="r", displayname="Helpdesk")
    first = load(store, "entra", [role, Row("entra_role_member", ("r", "u", "user", 1))], tables=covered)
    last = load(store, "entra", [role, Row("entra_role_member", ("r", "u", "user", 0))], tables=covered)
    found = ask(store, "changes_entra_role_member", before=first, after=last)
    assert {(row["change"], row["is_eligible"]) for row in found} == {("left", 1), ("joined", 0)}


def test_a_group_that_is_gone_has_the_name_it_had_then(store):
    def group(name: str, *members: str) -> list[Row]:
        links = [Row("ad_member", ("g", member.upper(), member)) for member in members]
        return [make_row("ad_group", guid="g", name=name), *links]

    covered = ("ad_group", "ad_member")
    states = (group("Old", "cn=a"), group("New", "cn=a", "cn=b"), group("New", "cn=b"), [])
    runs = [load(store, "ad", state, tables=covered) for state in states]
    found = ask(store, "changes_ad_member", before=0, after=runs[3])
    assert sorted((row["run_id"], row["member_dn"], row["change"], row["group_name"]) for row in found) == [
        (runs[0], "CN=A", "joined", "Old"),
        (runs[1], "CN=B", "joined", "New"),
        (runs[2], "CN=A", "left", "New"),
        (runs[3], "CN=B", "left", "New"),
    ]
    load(store, "ad", group("Again"), tables=covered)
    assert {row["group_name"] for row in ask(store, "changes_ad_member", before=0, after=runs[3])} == {"Again"}


def test_what_the_load_where_history_begins_changed_is_no_join(store):
    links = ("CN=Ana", "cn=ANA", "cn=ANA")
    runs = [load(store, "ad", [Row("ad_member", ("g", dn, "cn=ana"))], tables=("ad_member",)) for dn in links]
    with store.write() as connection:
        connection.execute(
            update(load_run).where(load_run.c.run_id <= runs[1]).values(finished_at="2020-01-01 00:00:00.000000")
        )
        prune(connection, "2026-01-01 00:00:00.000000")
    assert ask(store, "changes_ad_member", before=0, after=runs[2]) == []
