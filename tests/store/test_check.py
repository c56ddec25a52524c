"""`recon store check`: every fingerprint is made again from the values, and an edited value shows."""

import pytest
from sqlalchemy import delete, func, insert, select, update

from recon.objects import TABLES as LOADABLE
from recon.objects import ReadReport, Row
from recon.store import Store
from recon.store.check import check
from recon.store.load import Load
from recon.store.runs import doubts, register_source, standing
from recon.store.tables import HISTORY, LOADED
from recon.store.verified import broken_tables, record_checks
from tests.support.rows import make_row

TABLES = {
    "ad": ("ad_user", "ad_user_proxyaddress", "ad_attribute", "ad_group", "ad_member"),
    "workers": ("worker", "worker_attribute"),
}


def user(number: int) -> Row:
    children = [("ad_user_proxyaddress", (n, f"smtp:ä{n}", None, "smtp", "x")) for n in range(number % 3)]
    children += [("ad_attribute", ("room", 0, f"Zimmer '{number}'"))]
    return make_row(
        "ad_user", *children, guid=f"g-{number:05d}", objectguid=bytes(16), objectsid=b"\x01\x00\xff", cn="Łódź 😀 ",
        useraccountcontrol=512, is_enabled=1, pwdlastset=2**62, whencreated="2026-01-02 03:04:05.000006",
        whenchanged="2026-01-02 00:00:00.000000", pwd_last_set_day=20000,
    )  # fmt: skip


def load(store: Store, kind: str, *rows: Row) -> None:
    source_id = register_source(store, kind, kind)
    with Load(store, source_id, kind, TABLES[kind]) as running:
        for row in rows:
            running.add(row)
        running.publish(ReadReport())


@pytest.fixture
def loaded(store: Store) -> Store:
    """Two sources; the second load of AD changes one user of 4,500, so that the tables hold rows of both."""
    users = [user(number) for number in range(4500)]
    members = [Row("ad_member", ("g", f"CN={n}", f"cn={n}")) for n in range(3)]
    load(store, "ad", *users, *members)
    load(store, "ad", *users[1:], make_row("ad_user", guid="g-00000", cn="Other"), *members)
    load(
        store,
        "workers",
        make_row("worker", ("worker_attribute", ("Site", "Köln")), worker_id="1", hire_date="2026-01-02"),
    )
    return store


def broken(store: Store) -> list[str]:
    return [each.table for each in check(store) if not each.is_intact]


def test_times_of_the_first_thousand_years_are_read_as_they_were_loaded(store):
    load(store, "ad", make_row("ad_user", guid="g", whencreated="0001-01-01 00:00:00.000000"))
    with store.read() as connection:
        assert connection.scalar(select(LOADED["ad_user"].c.whencreated)) == "0001-01-01 00:00:00.000000"
    assert all(each.is_intact for each in check(store))


def test_what_was_loaded_is_intact(loaded):
    found = {each.table: each for each in check(loaded)}
    assert broken(loaded) == []
    assert (found["ad_user"].rows, found["ad_user"].run_id) == (4500, 2)
    assert found["ad_user"].fingerprint == found["ad_user"].loaded_fingerprint is not None
    assert found["ad_member"].rows == 3
    assert found["ad_member"].fingerprint == found["ad_member"].loaded_fingerprint is not None


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("ad_user", {"cn": "edited"}, "ad_user"),
        ("ad_user", {"objectsid": b"\x01"}, "ad_user"),
        ("ad_user", {"whencreated": "2026-01-02 03:04:05.000007"}, "ad_user"),
        ("ad_user_proxyaddress", {"value": "edited"}, "ad_user"),
        ("ad_attribute", {"value": None}, "ad_user"),
        ("worker", {"hire_date": "2026-01-03"}, "worker"),
        ("worker_attribute", {"value": "Bonn"}, "worker"),
    ],
)
def test_an_edited_value_shows(loaded, table, change, expected):
    with loaded.write() as connection:
        edited = LOADED[table]
        key = edited.c.worker_id == "1" if expected == "worker" else edited.c.guid == "g-04001"
        connection.execute(update(edited).where(key).values(change))
    assert broken(loaded) == [expected]


@pytest.mark.parametrize("name", [name for name, spec in LOADABLE.items() if spec.kind in ("object", "link")])
def test_every_table_is_intact_after_its_load(store, name):
    spec = LOADABLE[name]
    kinds = {column.name: column.type for column in spec.columns}
    keys = {key: 7 if kinds[key] in ("int", "bigint", "flag") else "k" for key in spec.key}
    source_id = register_source(store, "entra", "one")
    with Load(store, source_id, "one", [name]) as running:
        running.add(make_row(name, **keys))
        running.publish(ReadReport())
    (found,) = check(store)
    assert (found.table, found.rows, found.is_intact) == (name, 1, True)
    assert found.fingerprint == found.loaded_fingerprint is not None


def test_a_member_under_another_name_shows(loaded):
    with loaded.write() as connection:
        member = LOADED["ad_member"]
        connection.execute(update(member).where(member.c.member_key == "cn=1").values(member_key="cn=9"))
    assert broken(loaded) == ["ad_member"]


def test_a_member_that_came_twice_counts_once(store):
    members = [Row("ad_member", ("g", f"CN={n % 3}", f"cn={n % 3}")) for n in range(5)]
    load(store, "ad", *members)
    found = {each.table: each for each in check(store)}["ad_member"]
    assert (found.rows, found.is_intact) == (3, True)
    assert found.fingerprint == found.loaded_fingerprint is not None


def test_objects_that_came_twice_count_once_and_those_that_are_held_back_not_at_all(store):
    load(store, "ad", *(user(number) for number in (1, 2, 1, 2, 3)))
    rows = [("1", "Ann"), ("2", "Bob"), ("1", "Ann"), ("2", "Eve"), ("3", "Joe")]
    load(store, "workers", *(make_row("worker", worker_id=key, first_name=name) for key, name in rows))
    found = {each.table: (each.rows, each.is_intact) for each in check(store)}
    assert (found["ad_user"], found["worker"]) == ((3, True), (2, True))


def test_a_volatile_value_is_no_part_of_it(loaded):
    with loaded.write() as connection:
        connection.execute(update(LOADED["ad_user"]).values(whenchanged="2026-02-02 00:00:00.000000"))
    assert broken(loaded) == []


@pytest.mark.parametrize("table", ["ad_user", "ad_member"])
def test_a_lost_row_shows(loaded, table):
    with loaded.write() as connection:
        lost = LOADED[table]
        condition = lost.c.guid == "g-00002" if table == "ad_user" else lost.c.member_key == "cn=1"
        connection.execute(delete(lost).where(condition))
    assert broken(loaded) == [table]


NOW = "2026-03-10 12:00:00.000000"


def verify(store: Store) -> list[str]:
    found = list(check(store))
    with store.write() as connection:
        record_checks(connection, found, NOW)
        return [f"{each.source}.{each.table}" for each in broken_tables(connection)]


def edit(store: Store, table: str, **values: object) -> None:
    with store.write() as connection:
        edited = LOADED[table]
        connection.execute(update(edited).where(edited.c.guid == "g-00001").values(values))


@pytest.mark.parametrize(
    ("table", "values"), [("ad_user", {"cn": "edited"}), ("ad_user_proxyaddress", {"value": "edited"})]
)
def test_what_a_verification_found_stands_until_a_full_load_puts_it_right(store, table, values):
    users = [user(number) for number in range(3)]
    load(store, "ad", *users)
    assert verify(store) == []
    edit(store, table, **values)
    assert verify(store) == ["ad.ad_user"]
    source_id = register_source(store, "ad", "ad")
    with Load(store, source_id, "ad", TABLES["ad"]) as running:  # an increment takes the edited row as it stands
        running.add(user(2))
        running.publish(ReadReport(is_increment=True))
    stood = standing(store, source_id)
    assert stood is not None
    assert (stood.is_increment, stood.is_broken) == (True, True)
    assert "ad_user is not what was loaded: a verification found it at 2026-03-10 12:00 UTC" in [
        each.why for each in doubts(store, NOW, 10**6)
    ]
    load(store, "ad", *users)
    stood = standing(store, source_id)
    assert stood is not None
    assert not stood.is_broken
    assert (broken(store), verify(store)) == ([], [])
    with store.read() as connection:
        assert (
            connection.scalar(select(LOADED["ad_user"].c.cn).where(LOADED["ad_user"].c.guid == "g-00001"))
            == users[1].values[LOADABLE["ad_user"].position["cn"]]
        )


def past(store: Store) -> dict[str, int]:
    """Rows of the history, by table."""
    with store.read() as connection:
        rows = {name: connection.scalar(select(func.count()).select_from(each)) or 0 for name, each in HISTORY.items()}
    return {name: count for name, count in rows.items() if count}


@pytest.mark.parametrize(
    ("table", "owner"),
    [("ad_user_proxyaddress", "ad_user"), ("ad_attribute", "ad_user"), ("ad_member", "ad_member")],
)
def test_a_row_that_stands_twice_is_one_again_after_a_full_load_and_has_no_past(store, table, owner):
    rows = [*(user(number) for number in range(4)), *(Row("ad_member", ("g", f"CN={n}", f"cn={n}")) for n in range(3))]
    load(store, "ad", *rows)
    doubled = LOADED[table]
    counted = select(func.count()).select_from(doubled)
    with store.write() as connection:
        before = connection.scalar(counted)
        connection.execute(insert(doubled).from_select([each.name for each in doubled.c], select(*doubled.c)))
    assert verify(store) == [f"ad.{owner}"]
    load(store, "ad", *rows)
    with store.read() as connection:
        assert connection.scalar(counted) == before
    assert (verify(store), past(store)) == ([], {})


def test_a_row_that_stands_twice_and_was_edited_as_well_leaves_with_its_value(store):
    load(store, "ad", user(1))
    its = LOADED["ad_user_proxyaddress"]
    with store.write() as connection:
        connection.execute(insert(its).from_select([each.name for each in its.c], select(*its.c)))
        connection.execute(insert(its).from_select([each.name for each in its.c], select(*its.c).limit(1)))
        connection.execute(update(LOADED["ad_user"]).values(cn="edited"))
    edit(store, "ad_user_proxyaddress", value="edited")
    assert verify(store) == ["ad.ad_user"]
    load(store, "ad", user(1))
    with store.read() as connection:
        assert list(connection.execute(select(its.c.value)).scalars()) == ["smtp:ä0"]
    assert (verify(store), past(store)) == ([], {"ad_user": 1, "ad_user_proxyaddress": 1})


@pytest.mark.parametrize("guid", ["a", "g-00001x", "z"])
def test_a_value_without_an_object_shows_and_leaves_with_the_next_full_load(store, guid):
    """Before, between and behind the objects; another source has an object of that key."""
    load(store, "ad", user(1), user(2))
    source_id = register_source(store, "ad", "other")
    with Load(store, source_id, "other", TABLES["ad"]) as running:
        running.add(make_row("ad_user", guid=guid))
        running.publish(ReadReport())
    its = LOADED["ad_user_proxyaddress"]
    values = {"guid": guid, "position": 0, "value": "x", "value_key": "x", "prefix": "smtp", "address": "x"}
    with store.write() as connection:
        connection.execute(insert(its).values(source_id=1, run_id=1, **values))
    assert [(each.source, each.table, each.orphans) for each in check(store) if not each.is_intact] == [
        ("ad", "ad_user", 1)
    ]
    assert verify(store) == ["ad.ad_user"]
    load(store, "ad", user(1), user(2), make_row("ad_user", guid=guid))
    with store.read() as connection:
        assert not connection.scalar(select(func.count()).select_from(its).where(its.c.guid == guid))
    assert (verify(store), past(store)) == ([], {"ad_user_proxyaddress": 1})


def test_values_whose_object_was_lost_come_once_with_it(store):
    load(store, "ad", *(user(number) for number in range(3)))
    with store.write() as connection:
        connection.execute(delete(LOADED["ad_user"]).where(LOADED["ad_user"].c.guid == "g-00002"))
    assert verify(store) == ["ad.ad_user"]
    load(store, "ad", *(user(number) for number in range(3)))
    its = LOADED["ad_user_proxyaddress"]
    with store.read() as connection:
        found = connection.execute(select(its.c.guid, its.c.position).order_by(its.c.guid, its.c.position))
        assert [tuple(row) for row in found] == [("g-00001", 0), ("g-00002", 0), ("g-00002", 1)]
    assert verify(store) == []


def test_a_table_that_was_put_right_by_hand_and_verified_again_is_in_doubt_no_longer(store):
    load(store, "ad", user(1))
    edit(store, "ad_user", useraccountcontrol=514)
    assert verify(store) == ["ad.ad_user"]
    edit(store, "ad_user", useraccountcontrol=512)
    assert verify(store) == []


def test_a_verification_that_a_load_overtook_says_nothing_of_that_load(store):
    load(store, "ad", user(1))
    edit(store, "ad_user", cn="edited")
    found = list(check(store))
    load(store, "ad", user(2), user(3))
    with store.write() as connection:
        record_checks(connection, found, NOW)
        assert broken_tables(connection) == []
