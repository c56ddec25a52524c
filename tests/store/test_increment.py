"""Increments: rows by key, what is gone, what was absent, names that others carry, guards, totals, fingerprints."""

from collections.abc import Iterable

import pytest
from sqlalchemy import func, select, update

from recon.config import LoadGuards
from recon.errors import IncompleteError, LoadRefusedError, StoreError
from recon.objects import Gone, ReadReport, Row
from recon.store import Store
from recon.store.check import check
from recon.store.increment import keep_statistics
from recon.store.load import Load, LoadResult
from recon.store.publish import Overrides, Publication
from recon.store.runs import Begin, register_source, standing
from recon.store.stage import Stage
from recon.store.tables import HISTORY, LOADED, load_reject, load_run
from tests.support.rows import make_row

AD = ("ad_user", "ad_user_proxyaddress", "ad_group", "ad_member", "ad_computer")
ENTRA = ("entra_user", "entra_user_othermail", "entra_group", "entra_member", "entra_deleted")
KINDS = {"ad": AD, "entra": ENTRA}


def load(
    store: Store,
    rows: Iterable[Row | Gone],
    *,
    increment: bool = True,
    kind: str = "ad",
    counts: dict[str, int] | None = None,
    whole: Iterable[str] = (),
    accept: Overrides | None = None,
    begin: Begin | None = None,
    **guards: object,
) -> LoadResult:
    source_id = register_source(store, kind, kind)
    report = ReadReport(is_increment=increment, watermark="next")
    for table, count in (counts or {}).items():
        report.table(table).server_count = count
    for table in whole:
        report.table(table).is_whole = True
    with Load(store, source_id, kind, KINDS[kind], LoadGuards.model_validate(guards), begin) as running:
        for row in rows:
            running.add(row)
        return running.publish(report, accept)


def dn(name: str) -> str:
    return f"CN={name},OU=x,DC=example"


def person(number: int, name: str, *mails: str, manager: str | None = None, **values: object) -> Row:
    children = [("ad_user_proxyaddress", (n, mail, mail, "smtp", mail)) for n, mail in enumerate(mails)]
    key = dn(manager).lower() if manager else None
    return make_row(
        "ad_user", *children, guid=f"u{number}", distinguishedname=dn(name), dn_key=dn(name).lower(), cn=name,
        manager=dn(manager) if manager else None, manager_key=key, **values,
    )  # fmt: skip


def group(number: int, members: int | None = 0, **values: object) -> Row:
    name = f"g{number}"
    return make_row("ad_group", guid=name, distinguishedname=dn(name), dn_key=dn(name), member_count=members, **values)


def member(number: int, name: str) -> Row:
    return Row("ad_member", (f"g{number}", dn(name), dn(name).lower()))


def column(store: Store, table: str, *names: str) -> list[tuple[object, ...]]:
    loaded = LOADED[table]
    with store.read() as connection:
        found = connection.execute(select(*(loaded.c[name] for name in names)).order_by(*(loaded.c[n] for n in names)))
        return [tuple(row) for row in found]


def kept(store: Store) -> dict[str, int]:
    with store.read() as connection:
        counts = {
            name: connection.scalar(select(func.count()).select_from(table)) or 0 for name, table in HISTORY.items()
        }
    return {name: rows for name, rows in counts.items() if rows}


def intact(store: Store) -> bool:
    return all(each.is_intact for each in check(store))


def counted(result: LoadResult, table: str) -> tuple[int, int, int, int]:
    entry = result.tables[table]
    return entry.inserted, entry.changed, entry.deleted, entry.rows_published


# ---- rows -----------------------------------------------------------------------------------------------


def test_what_is_not_named_stays_and_what_is_named_is_replaced(store):
    load(store, [person(1, "a", "m@a"), person(2, "b", "m@b"), person(3, "c")], increment=False)
    result = load(
        store, [person(2, "b", "n@b"), Gone("ad_user", ("u3",)), person(4, "d", "m@d"), person(1, "a", "m@a")]
    )
    assert counted(result, "ad_user") == (1, 1, 1, 3)
    assert column(store, "ad_user", "guid") == [("u1",), ("u2",), ("u4",)]
    assert column(store, "ad_user_proxyaddress", "guid", "value") == [("u1", "m@a"), ("u2", "n@b"), ("u4", "m@d")]
    assert kept(store) == {"ad_user": 2, "ad_user_proxyaddress": 1}
    assert intact(store)


def test_an_increment_that_changes_nothing_writes_no_history(store):
    load(store, [person(1, "a", usnchanged=5), group(1, 1), member(1, "a")], increment=False)
    load(store, [person(1, "a", usnchanged=6), Gone("ad_member", ("g1",)), member(1, "a"), group(1, 1)])
    load(store, [])
    assert kept(store) == {}
    assert column(store, "ad_user", "usnchanged") == [(6,)]
    assert intact(store)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([person(1, "b"), person(1, "c")], ["c"]),
        ([person(1, "b"), Gone("ad_user", ("u1",))], []),
        ([Gone("ad_user", ("u1",)), person(1, "b")], ["b"]),
        ([Gone("ad_user", ("u1",)), person(1, "b"), Gone("ad_user", ("u1",))], []),
        ([Gone("ad_user", ("u1",)), Gone("ad_user", ("u1",)), Gone("ad_user", ("u9",))], []),
        ([person(9, "z"), Gone("ad_user", ("u9",))], ["a"]),
    ],
)
def test_the_last_word_on_a_key_counts(store, rows, expected):
    load(store, [person(1, "a")], increment=False)
    load(store, rows, batch_rows=1)
    assert column(store, "ad_user", "cn") == [(name,) for name in expected]
    assert intact(store)


def entra(key: str, *mails: str, absent: Iterable[str] = (), **values: object) -> Row:
    children = [("entra_user_othermail", (n, mail, mail, "*")) for n, mail in enumerate(mails)]
    return make_row("entra_user", *children, id=key, **values)._replace(absent=frozenset(absent))


def test_what_was_absent_is_kept_and_null_is_not(store):
    load(
        store,
        [entra("a", "x@example.net", department="D", jobtitle="J", displayname="A")],
        kind="entra",
        increment=False,
    )
    absent = ("department", "entra_user_othermail")
    load(store, [entra("a", displayname="B", jobtitle=None, absent=absent)], kind="entra")
    assert column(store, "entra_user", "displayname", "department", "jobtitle") == [("B", "D", None)]
    assert column(store, "entra_user_othermail", "value") == [("x@example.net",)]
    assert intact(store)
    # the same again is no change
    result = load(store, [entra("a", displayname="B", jobtitle=None, absent=absent)], kind="entra")
    assert counted(result, "entra_user") == (0, 0, 0, 1)
    load(store, [entra("n", displayname="N", absent=absent)], kind="entra")
    assert column(store, "entra_user", "id", "department") == [("a", "D"), ("n", None)]


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_slices_of_one_object_add_up_whatever_the_batches(store, batch_rows):
    load(store, [entra("a", department="D", jobtitle="J")], kind="entra", increment=False)
    rows = [
        entra("a", department="D2", absent=["jobtitle", "entra_user_othermail"]),
        entra("b", department="X", absent=["jobtitle", "entra_user_othermail"]),
        entra("a", jobtitle="J2", absent=["department", "entra_user_othermail"]),
        entra("b", "m@example.net", jobtitle="Y", absent=["department"]),
        entra("a", "n@example.net", absent=["department", "jobtitle"]),
    ]
    load(store, rows, kind="entra", batch_rows=batch_rows)
    assert column(store, "entra_user", "id", "department", "jobtitle") == [("a", "D2", "J2"), ("b", "X", "Y")]
    assert column(store, "entra_user_othermail", "id", "value") == [("a", "n@example.net"), ("b", "m@example.net")]
    assert intact(store)


# ---- links ----------------------------------------------------------------------------------------------


def test_single_links_come_and_go_and_are_counted(store):
    people = [person(n, f"p{n}") for n in range(1, 4)]
    load(store, [*people, group(1, 2), group(2, 1), member(1, "p1"), member(1, "p2"), member(2, "p1")], increment=False)
    result = load(
        store, [Gone("ad_member", ("g1", dn("p2").lower())), member(1, "p3"), member(2, "p3"), member(2, "p3")]
    )
    assert column(store, "ad_member", "guid", "member_key") == [
        ("g1", dn("p1").lower()), ("g1", dn("p3").lower()), ("g2", dn("p1").lower()), ("g2", dn("p3").lower()),
    ]  # fmt: skip
    assert column(store, "ad_group", "guid", "member_count") == [("g1", 2), ("g2", 2)]
    assert counted(result, "ad_member") == (2, 0, 1, 4)
    assert kept(store) == {"ad_member": 1}


@pytest.mark.parametrize("batch_rows", [1, 100])
def test_all_links_of_an_owner_are_read_again(store, batch_rows):
    people = [person(n, f"p{n}") for n in range(1, 4)]
    load(store, [*people, group(1, 2), group(2, 1), member(1, "p1"), member(1, "p2"), member(2, "p1")], increment=False)
    rows = [member(1, "p1"), Gone("ad_member", ("g1",)), member(1, "p2"), member(1, "p3"), group(1, 2)]
    load(store, rows, batch_rows=batch_rows)
    assert column(store, "ad_member", "guid", "member_dn") == [("g1", dn("p2")), ("g1", dn("p3")), ("g2", dn("p1"))]
    assert kept(store) == {"ad_member": 1}


@pytest.mark.parametrize(("before", "after"), [(None, "user"), ("user", None), ("user", "User")])
def test_another_type_of_a_member_replaces_the_link(store, before, after):
    group = make_row("entra_group", id="g1", member_count=1)
    load(store, [group, Row("entra_member", ("g1", "u1", before))], increment=False, kind="entra")
    result = load(store, [Row("entra_member", ("g1", "u1", after))], kind="entra")
    assert counted(result, "entra_member") == (1, 0, 1, 1)
    assert column(store, "entra_member", "member_type") == [(after,)]
    assert intact(store)


def test_a_group_that_is_gone_takes_its_links_along(store):
    load(store, [person(1, "p1"), group(1, 1), group(2, 1), member(1, "p1"), member(2, "p1")], increment=False)
    load(store, [Gone("ad_group", ("g1",))])
    assert column(store, "ad_member", "guid") == [("g2",)]


def test_counts_of_new_groups_and_of_those_whose_members_cannot_be_read(store):
    def unknown(key: str) -> Row:
        return make_row("entra_group", id=key)._replace(absent=frozenset({"member_count"}))

    load(store, [make_row("entra_group", id="h", member_count=None)], kind="entra", increment=False)
    rows = [unknown("a"), unknown("b"), Row("entra_member", ("b", "x", "user")), make_row("entra_group", id="c")]
    load(store, rows, kind="entra")
    assert column(store, "entra_group", "id", "member_count") == [("a", 0), ("b", 1), ("c", None), ("h", None)]
    load(store, [unknown("h")], kind="entra")
    assert column(store, "entra_group", "id", "member_count")[3] == ("h", None)


def test_a_deleted_user_is_no_member_any_more(store):
    rows = [entra("a"), entra("b"), make_row("entra_group", id="g", member_count=2)]
    links = [Row("entra_member", ("g", key, "user")) for key in ("a", "b")]
    load(store, [*rows, *links], kind="entra", increment=False)
    load(store, [Gone("entra_user", ("a",))], kind="entra")
    assert column(store, "entra_member", "member_id") == [("b",)]
    assert column(store, "entra_group", "member_count") == [(1,)]


# ---- names that others carry ----------------------------------------------------------------------------


def company(store: Store) -> None:
    computer = make_row("ad_computer", guid="c1", managedby=dn("boss"), managedby_key=dn("boss").lower())
    load(
        store,
        [
            person(1, "boss"), person(2, "p2", "m@2", manager="boss"), person(3, "p3", manager="p2"), computer,
            group(1, 2, managedby=dn("boss"), managedby_key=dn("boss").lower()), member(1, "boss"), member(1, "p2"),
        ],
        increment=False,
    )  # fmt: skip


def test_a_new_name_reaches_managers_and_members_with_history(store):
    company(store)
    result = load(store, [person(1, "chief")])
    new = (dn("chief"), dn("chief").lower())
    assert column(store, "ad_user", "guid", "manager", "manager_key") == [
        ("u1", None, None), ("u2", *new), ("u3", dn("p2"), dn("p2").lower()),
    ]  # fmt: skip
    assert column(store, "ad_group", "managedby", "managedby_key") == [new]
    assert column(store, "ad_computer", "managedby", "managedby_key") == [new]
    assert column(store, "ad_member", "member_dn") == [(dn("chief"),), (dn("p2"),)]
    assert column(store, "ad_user_proxyaddress", "value") == [("m@2",)]
    assert counted(result, "ad_user") == (0, 2, 0, 3)
    assert kept(store) == {"ad_user": 2, "ad_group": 1, "ad_computer": 1, "ad_member": 1}
    assert intact(store)


def test_a_new_spelling_of_a_name_reaches_them_too(store):
    company(store)
    load(store, [person(1, "BOSS")])
    assert column(store, "ad_user", "guid", "manager")[1] == ("u2", dn("BOSS"))
    assert column(store, "ad_member", "member_dn", "member_key")[0] == (dn("BOSS"), dn("boss").lower())
    assert intact(store)


def test_a_deletion_takes_the_name_away(store):
    company(store)
    load(store, [Gone("ad_user", ("u1",))])
    assert column(store, "ad_user", "guid", "manager", "manager_key")[0] == ("u2", None, None)
    assert column(store, "ad_group", "managedby", "member_count") == [(None, 1)]
    assert column(store, "ad_member", "member_dn") == [(dn("p2"),)]
    assert intact(store)


def test_two_objects_take_each_others_name(store):
    company(store)
    load(store, [person(1, "p2"), person(2, "boss", "m@2", manager="p2")])
    assert column(store, "ad_user", "guid", "cn", "manager") == [
        ("u1", "p2", None), ("u2", "boss", dn("p2")), ("u3", "p3", dn("boss")),
    ]  # fmt: skip
    assert column(store, "ad_member", "member_dn") == [(dn("boss"),), (dn("p2"),)]
    assert intact(store)


def test_a_name_that_another_object_has_now_is_taken_as_it_was_read(store):
    company(store)
    # u1 is renamed, u9 gets its old name and becomes the manager of u3; u2 still has u1
    load(store, [person(1, "chief"), person(9, "boss"), person(3, "p3", manager="boss"), member(1, "boss")])
    assert column(store, "ad_user", "guid", "manager") == [
        ("u1", None), ("u2", dn("chief")), ("u3", dn("boss")), ("u9", None),
    ]  # fmt: skip
    assert column(store, "ad_member", "member_dn") == [(dn("boss"),), (dn("chief"),), (dn("p2"),)]
    assert column(store, "ad_group", "member_count") == [(3,)]


def test_a_row_read_before_the_name_changed_gets_the_new_one(store):
    company(store)
    rows = [
        person(3, "p3", manager="boss", title="new"),
        Gone("ad_member", ("g1",)),
        member(1, "boss"),
        person(1, "chief"),
    ]
    load(store, rows)
    assert column(store, "ad_user", "guid", "manager", "title")[2] == ("u3", dn("chief"), "new")
    assert column(store, "ad_member", "member_dn") == [(dn("chief"),)]
    assert intact(store)


# ---- refused ----------------------------------------------------------------------------------------------


def test_too_many_deletions_are_refused_until_the_number_is_named(store):
    load(store, [person(n, f"p{n}") for n in range(40)], increment=False)
    rows = [Gone("ad_user", (f"u{n}",)) for n in range(11)] + [person(99, "new")]
    with pytest.raises(LoadRefusedError, match=r"ad_user: 11 of 40 rows would vanish \(limit 10\)") as refused:
        load(store, rows)
    assert refused.value.hint == "if that is right, run once with --accept-rows ad_user=30"
    assert len(column(store, "ad_user", "guid")) == 40
    assert kept(store) == {}
    with pytest.raises(LoadRefusedError):
        load(store, rows, accept=Overrides(rows=frozenset({29})))
    assert counted(load(store, rows, accept=Overrides(rows=frozenset({30}))), "ad_user") == (1, 0, 11, 30)


def test_a_column_that_went_empty_among_the_changed_rows_is_refused_until_the_number_is_named(store):
    load(store, [person(n, f"p{n}", title="t") for n in range(100)], increment=False)
    rows = [person(n, f"p{n}", title="t" if n < 8 else None) for n in range(20)]
    with pytest.raises(LoadRefusedError, match="title: of 20 changed rows 8 have it, before 20") as refused:
        load(store, rows)
    assert refused.value.hint is not None
    assert refused.value.hint.endswith("--accept-fill ad_user.title=8")
    with pytest.raises(LoadRefusedError):
        load(store, rows, accept=Overrides(fills=frozenset({("ad_user.title", 0)})))
    load(store, rows, accept=Overrides(fills=frozenset({("ad_user.title", 8)})))
    assert column(store, "ad_user", "title").count((None,)) == 12


def test_values_and_members_that_went_empty_among_the_changed_are_refused_until_the_number_is_named(store):
    people = [person(n, f"p{n}", f"{n}@x.example") for n in range(30)]
    load(store, [*people, group(1), *(member(1, f"p{n}") for n in range(30))], increment=False)
    bare = [person(n, f"p{n}") for n in range(25)]
    with pytest.raises(LoadRefusedError, match=r"ad_user_proxyaddress\.value: of 25 changed rows 0 have it, before 25"):
        load(store, bare)
    emptied = [Gone("ad_member", ("g1",)), group(1)]
    with pytest.raises(LoadRefusedError, match="ad_member: 30 of 30 rows would vanish"):
        load(store, emptied)
    load(store, bare, accept=Overrides(fills=frozenset({("ad_user_proxyaddress.value", 0)})))
    load(store, emptied, accept=Overrides(rows=frozenset({0})))
    assert column(store, "ad_member", "member_key") == []
    assert intact(store)


def test_the_very_share_of_the_changed_rows_may_go_empty_and_one_value_more_may_not(store):
    def people(filled: int) -> list[Row]:
        titles = ["t"] * filled + [None] * (100 - filled)
        return [
            person(n, f"p{n}", *([f"{n}@x.example"] if title else []), title=title) for n, title in enumerate(titles)
        ]

    load(store, people(100), increment=False)
    with pytest.raises(LoadRefusedError, match="title: of 100 changed rows 29 have it"):
        load(store, people(29), max_fill_loss=0.7)
    load(store, people(30), max_fill_loss=0.7)


def test_few_changed_rows_or_half_of_them_are_no_reason(store):
    load(store, [person(n, f"p{n}", title="t") for n in range(100)], increment=False)
    load(store, [person(n, f"p{n}") for n in range(19)])
    load(store, [person(n, f"p{n}", title="t" if n % 2 else None) for n in range(20, 60)])


def test_another_number_than_the_servers_publishes_nothing(store):
    load(store, [person(1, "a"), group(1)], increment=False, counts={"ad_user": 1, "ad_group": 1})
    with pytest.raises(
        IncompleteError, match="ad_user: with the increment there would be 2 rows, but the server counts 3"
    ):
        load(store, [person(2, "b")], counts={"ad_user": 3, "ad_group": 1})
    assert column(store, "ad_user", "guid") == [("u1",)]
    load(store, [person(2, "b")], counts={"ad_user": 2, "ad_group": 1})


def test_records_held_back_stand_until_they_are_named_again(store):
    reject = Row("load_reject", ("ad_user", "CN=bad", None, "no_objectguid", "no GUID"))
    load(store, [person(1, "a"), reject], increment=False, counts={"ad_user": 2})
    load(store, [person(2, "b")], counts={"ad_user": 3})
    load(store, [reject], counts={"ad_user": 3})
    with store.read() as connection:
        found = connection.execute(select(load_reject.c.run_id, load_reject.c.object_key).order_by("run_id")).all()
    assert [tuple(row) for row in found] == [(1, "CN=bad"), (2, "CN=bad"), (3, "CN=bad")]


@pytest.mark.parametrize(
    ("rows", "kept_back"),
    [
        ([Gone("ad_member", ("g1",))], ["g10 CN=bad"]),
        ([Gone("ad_group", ("g1",))], ["g10 CN=bad"]),
        ([Gone("ad_group", ("g1",)), Gone("ad_group", ("g10",))], []),
        ([Gone("ad_member", ("g1", "cn=bad"))], ["g1 CN=bad", "g1 CN=worse", "g10 CN=bad"]),
        ([Gone("ad_user", ("g1",))], ["g1 CN=bad", "g1 CN=worse", "g10 CN=bad"]),
        (
            [Gone("ad_member", ("g1",)), Row("load_reject", ("ad_member", "g1 CN=bad", None, "too_long", None))],
            ["g1 CN=bad", "g10 CN=bad"],
        ),
    ],
)
def test_rejected_members_leave_with_their_group_or_when_it_is_read_again(store, rows, kept_back):
    keys = ("g1 CN=bad", "g1 CN=worse", "g10 CN=bad")
    rejects = [Row("load_reject", ("ad_member", key, None, "too_long", None)) for key in keys]
    load(store, [group(1), group(10), *rejects], increment=False)
    result = load(store, rows)
    with store.read() as connection:
        found = select(load_reject.c.object_key).where(load_reject.c.run_id == result.run_id)
        assert sorted(connection.execute(found).scalars()) == kept_back
    assert result.tables["ad_member"].rejected == len(kept_back)


@pytest.mark.parametrize("gone", [Gone("entra_member", ("a",)), Gone("entra_group", ("a",))])
def test_members_that_were_hidden_leave_with_their_group_or_when_it_is_read_again(store, gone):
    rejects = [Row("load_reject", ("entra_member", key, None, "hidden_membership", None)) for key in ("a", "ab", None)]
    groups = [make_row("entra_group", id=key) for key in ("a", "ab")]
    load(store, [*groups, *rejects], kind="entra", increment=False)
    result = load(store, [gone], kind="entra")
    with store.read() as connection:
        found = select(load_reject.c.object_key).where(load_reject.c.run_id == result.run_id)
        assert set(connection.execute(found).scalars()) == {"ab", None}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([Gone("ad_member", ("g1", dn("a").lower()))], ["b", "c"]),
        ([Gone("ad_member", ("g1",)), member(1, "c")], ["c"]),
        ([Gone("ad_member", ("g1", dn("a").lower())), member(1, "a")], ["a", "b", "c"]),
    ],
)
def test_members_that_were_read_as_a_whole_and_once_more_later_are_those_read_last(store, later, expected):
    names = ("a", "b", "c")
    everything = [person(n, name) for n, name in enumerate(names)]
    groups = [group(1, 3), *(member(1, name) for name in names)]
    load(store, [*everything, *groups], increment=False)
    load(store, [*groups, *later], whole=["ad_group", "ad_member"])
    assert column(store, "ad_member", "member_dn") == [(dn(name),) for name in expected]
    assert intact(store)


def test_a_table_that_was_read_as_a_whole_is_intact_where_a_name_in_it_follows(store):
    old = {"managedby": dn("a"), "managedby_key": dn("a").lower()}
    load(store, [person(1, "a"), group(1, **old), group(2)], increment=False)
    load(store, [group(1, **old), group(2), person(1, "b")], whole=["ad_group", "ad_member"])
    assert column(store, "ad_group", "guid", "managedby") == [("g1", dn("b")), ("g2", None)]
    assert intact(store)


def test_a_table_that_was_read_as_a_whole_replaces_what_stands(store):
    def deleted(key: str) -> Row:
        return make_row("entra_deleted", id=key, displayname=key)

    load(store, [entra("a"), deleted("x"), deleted("y")], kind="entra", increment=False)
    result = load(store, [deleted("y"), deleted("z")], kind="entra", whole=["entra_deleted"])
    assert column(store, "entra_deleted", "id") == [("y",), ("z",)]
    assert column(store, "entra_user", "id") == [("a",)]
    assert counted(result, "entra_deleted") == (1, 0, 1, 2)
    assert intact(store)


def test_an_increment_on_another_load_than_it_began_with_is_refused(store):
    first = load(store, [person(1, "a")], increment=False)
    load(store, [person(2, "b")], begin=Begin(run_id=first.run_id))
    with pytest.raises(StoreError, match="another load was published since"):
        load(store, [person(3, "c")], begin=Begin(run_id=first.run_id))
    assert column(store, "ad_user", "guid") == [("u1",), ("u2",)]


def test_an_increment_needs_a_load_to_go_on_from_and_a_full_read_names_nothing_as_gone(store):
    with pytest.raises(StoreError, match="needs a load to go on from"):
        load(store, [person(1, "a")])
    with pytest.raises(StoreError, match="a full read says by itself what is gone"):
        load(store, [Gone("ad_user", ("u1",))], increment=False)


def test_the_watermark_stands_with_the_rows_alone(store):
    load(store, [person(n, f"p{n}") for n in range(40)], increment=False, begin=Begin(basis="b", reason="first"))
    stood = standing(store, 1)
    assert stood is not None
    assert (stood.run_id, stood.is_increment, stood.watermark, stood.basis) == (1, False, "next", "b")
    with pytest.raises(LoadRefusedError):
        load(store, [Gone("ad_user", (f"u{n}",)) for n in range(30)])
    assert standing(store, 1) == stood
    load(store, [], begin=Begin(run_id=1, watermark="next", basis="b"))
    with store.read() as connection:
        row = connection.execute(
            select(load_run.c.is_increment, load_run.c.watermark_from, load_run.c.reason).order_by(
                load_run.c.run_id.desc()
            )
        ).first()
    assert tuple(row) == (1, "next", None)


def test_a_value_edited_by_hand_still_shows_after_an_increment(store):
    load(store, [person(n, f"p{n}") for n in range(5)], increment=False)
    with store.write() as connection:
        connection.execute(update(LOADED["ad_user"]).where(LOADED["ad_user"].c.guid == "u1").values(cn="edited"))
    load(store, [person(2, "p2", title="x")])
    assert not intact(store)


@pytest.mark.parametrize("staged", [0, 3])
def test_on_sqlite_an_increment_starts_from_the_few_rows_it_staged(tmp_path, staged):
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        load(store, [person(number, f"p{number}") for number in range(200)], increment=False)
        stage = Stage("ad_user", "sqlite")
        with store.engine.connect() as connection:
            stage.table.create(connection)
            for number in range(staged):
                connection.execute(stage.table.insert().values(seq=number, guid=f"u{number}", row_hash=b""))
            stage.index(connection)
            keep_statistics(Publication(connection, 1, 1, "", LoadGuards(), Overrides()), stage.table)
            plan = connection.exec_driver_sql(
                "explain query plan select 1 from stage_ad_user s join ad_user t on t.source_id = 1 and t.guid = "
                "s.guid where t.row_hash <> s.row_hash"
            )
            steps = [row[3].split()[:2] for row in plan]
    assert steps == [["SCAN", "s"], ["SEARCH", "t"]]
