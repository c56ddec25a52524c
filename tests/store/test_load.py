"""A load is published whole or not at all, by difference, and only when it can be believed."""

import gc
import sqlite3
import tracemalloc
import weakref
from contextlib import ExitStack

import pytest
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import CreateTable

from recon.config import LoadGuards
from recon.errors import IncompleteError, LoadRefusedError, SourceError, StoreError
from recon.objects import ReadReport, Row, Withdrawn
from recon.store import Store
from recon.store.load import Load, LoadResult
from recon.store.publish import Overrides
from recon.store.runs import begin_run, last_loads, register_source
from recon.store.tables import LOADED, load_reject, load_run
from tests.servers.stores import fresh_database
from tests.support.rows import make_row

USER_TABLES = ("entra_user", "entra_user_othermail", "entra_user_proxyaddress")


def user(number: int, *mails: str, **values: object) -> Row:
    children = tuple(("entra_user_othermail", (place, mail, mail, "x")) for place, mail in enumerate(mails))
    values.setdefault("displayname", f"User {number}")
    return make_row("entra_user", *children, id=f"{number:08d}-0000-0000-0000-000000000000", **values)


def load(
    store: Store, rows: list[Row], *, count: int | None = None, accept: Overrides | None = None, **guards
) -> LoadResult:
    source_id = register_source(store, "entra", "tenant", "t1")
    report = ReadReport()
    report.table("entra_user").server_count = count
    with Load(store, source_id, "tenant", USER_TABLES, LoadGuards(**guards)) as running:
        for row in rows:
            running.add(row)
        return running.publish(report, accept)


def test_a_large_first_load_leaves_every_index_as_it_was(store):
    before = indexes(store)
    assert "entra_user_upn_key" in before
    rows = [user(number, f"{number}@x.example", upn_key=f"u{number}") for number in range(6_000)]
    entry = load(store, rows).tables["entra_user"]
    assert (entry.inserted, entry.rows_published) == (6_000, 6_000)
    assert indexes(store) == before
    # more than stand: the second time with rows that stay
    more = [user(number, f"{number}@x.example", upn_key=f"u{number}") for number in range(13_000)]
    entry = load(store, more).tables["entra_user"]
    assert (entry.inserted, entry.changed, entry.rows_published) == (7_000, 0, 13_000)
    assert indexes(store) == before
    assert len(mails(store)) == 13_000


def test_many_first_links_of_each_source_leave_every_index_as_it_was(store):
    before = indexes(store)
    assert "ad_member_owner" in before
    for domain, number in (("one", 6_000), ("two", 13_000)):  # the second has more than stand of the first
        source_id = register_source(store, "ad", domain)
        links = [Row("ad_member", (f"g{each % 7}", f"CN=m{each}", f"cn=m{each}")) for each in range(number)]
        for again, come in ((links, number), (links[:10] + links, 0)):
            with Load(store, source_id, domain, ("ad_member",)) as running:
                for row in again:
                    running.add(row)
                entry = running.publish(ReadReport()).tables["ad_member"]
            assert (entry.inserted, entry.deleted, entry.rows_published) == (come, 0, number)
            assert entry.duplicates == len(again) - number
            assert indexes(store) == before
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LOADED["ad_member"])) == 19_000


def index_statements(store: Store, rows: list[Row]) -> tuple[LoadResult, list[str]]:
    """A load, and what it said to make and drop indexes of loaded tables."""
    said: list[str] = []

    def listen(_connection, _cursor, statement, *_rest) -> None:
        words = statement.lower().replace("unique ", "").split()
        if words[:2] in (["drop", "index"], ["create", "index"]) and "stage_" not in statement:
            said.append(f"{words[0]} {words[2]}")

    event.listen(store.engine, "before_cursor_execute", listen)
    try:
        return load(store, rows), [each for each in said if "entra_user_key" in each]
    finally:
        event.remove(store.engine, "before_cursor_execute", listen)


MANY = [user(number, upn_key=f"u{number}") for number in range(6_000)]


def test_the_key_of_many_first_rows_is_indexed_after_they_came(store):
    result, said = index_statements(store, MANY)
    assert said == ["drop entra_user_key", "create entra_user_key"]
    assert result.tables["entra_user"].inserted == 6_000
    assert index_statements(store, MANY)[1] == []


@pytest.mark.postgresql
def test_indexes_stay_where_somebody_reads_the_table_and_the_load_does_not_wait(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as store, store.read() as reader:
        reader.execute(select(func.count()).select_from(LOADED["entra_user"]))
        result, said = index_statements(store, MANY)
        assert said == []
        assert result.tables["entra_user"].inserted == 6_000


@pytest.mark.postgresql
def test_indexes_stay_where_the_tables_belong_to_somebody_else(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as owner:
        with owner.write() as connection:
            connection.execute(text("create role many_loader login password 'many'"))
            connection.execute(
                text("grant select, insert, update, delete on all tables in schema public to many_loader")
            )
            connection.execute(text("grant usage on all sequences in schema public to many_loader"))
        try:
            theirs = owner.engine.url.set(username="many_loader", password="many")
            with Store.open(theirs.render_as_string(hide_password=False), create=False) as store:
                result, said = index_statements(store, MANY)
            assert said == []
            assert result.tables["entra_user"].inserted == 6_000
        finally:
            with owner.write() as connection:
                connection.execute(text("drop owned by many_loader"))
                connection.execute(text("drop role many_loader"))


def test_a_database_whose_key_is_a_constraint_keeps_it(store):
    table = LOADED["entra_user"]
    with store.write() as connection:
        made = str(CreateTable(table).compile(connection)).rstrip().removesuffix(")")
        connection.execute(text("drop table entra_user"))
        connection.execute(text(f"{made}, constraint entra_user_key unique (id, source_id))"))
        for index in table.indexes:
            if index.name != "entra_user_key":
                index.create(connection)
    result, said = index_statements(store, MANY)
    assert said == []
    assert result.tables["entra_user"].inserted == 6_000
    with store.read() as connection:
        assert [each["name"] for each in inspect(connection).get_unique_constraints(table.name)] == ["entra_user_key"]
    assert load(store, MANY).tables["entra_user"].inserted == 0


def indexes(store: Store) -> dict[str, str]:
    """The columns of each index of three tables."""
    with store.read() as connection:
        found = inspect(connection)
        return {
            str(index["name"]): f"{index['column_names']}, unique: {bool(index['unique'])}"
            for table in ("entra_user", "entra_user_othermail", "ad_member")
            for index in found.get_indexes(table)
        }


def names(store: Store) -> list[str]:
    table = LOADED["entra_user"]
    with store.read() as connection:
        return list(connection.scalars(select(table.c.displayname).order_by(table.c.id)))


def mails(store: Store) -> list[tuple[str, str]]:
    table = LOADED["entra_user_othermail"]
    with store.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(select(table.c.id, table.c.value).order_by(table.c.id, table.c.position))
        ]


def statuses(store: Store) -> list[tuple[str, str | None]]:
    with store.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(select(load_run.c.status, load_run.c.error).order_by(load_run.c.run_id))
        ]


def test_first_load_publishes_every_row_and_child(store):
    result = load(store, [user(1, "a@example.net", "b@example.net"), user(2)], count=2)
    entry = result.tables["entra_user"]
    assert (entry.rows_read, entry.inserted, entry.changed, entry.deleted) == (2, 2, 0, 0)
    assert names(store) == ["User 1", "User 2"]
    assert [value for _, value in mails(store)] == ["a@example.net", "b@example.net"]
    assert statuses(store) == [("published", None)]


def versions_of(store, table, value):
    """Value to the load that brought it."""
    loaded = LOADED[table]
    with store.read() as connection:
        return dict(connection.execute(select(loaded.c[value], loaded.c.run_id)).all())


def test_only_what_differs_is_replaced(store):
    first = load(store, [user(n, f"p{n}@example.net") for n in range(1, 6)]).run_id
    with store.read() as connection:
        before = dict(connection.execute(select(LOADED["entra_user"].c.id, LOADED["entra_user"].c.row_id)).all())
    rows = [
        user(1, "p1@example.net"),
        user(2, "p2@example.net", displayname="Renamed"),
        user(3, "new@example.net"),
        user(4, "p4@example.net"),
        user(6),
    ]
    result = load(store, rows)
    entry, second = result.tables["entra_user"], result.run_id
    assert (entry.inserted, entry.changed, entry.deleted) == (1, 2, 1)
    assert names(store) == ["User 1", "Renamed", "User 3", "User 4", "User 6"]
    assert [value for _, value in mails(store)] == [
        "p1@example.net",
        "p2@example.net",
        "new@example.net",
        "p4@example.net",
    ]
    with store.read() as connection:
        after = dict(connection.execute(select(LOADED["entra_user"].c.id, LOADED["entra_user"].c.row_id)).all())
    # whoever stays keeps the number that others join on; a number is never used again
    kept = [user(n).values[0] for n in (1, 2, 3, 4)]
    assert sorted(key for key in after if before.get(key) == after[key]) == kept
    assert after[user(6).values[0]] > max(before.values())
    assert versions_of(store, "entra_user", "displayname") == {
        "User 1": first, "Renamed": second, "User 3": second, "User 4": first, "User 6": second,
    }  # fmt: skip
    # of the changed users, the addresses that differ
    assert versions_of(store, "entra_user_othermail", "value") == {
        "p1@example.net": first, "p2@example.net": first, "new@example.net": second, "p4@example.net": first,
    }  # fmt: skip


def test_a_changed_row_stays_where_it_stands(store):
    """PostgreSQL: on its page, whose room spares the indexes the new version."""
    place = "row_id" if store.dialect == "sqlite" else "(ctid::text::point)[0]::int"

    def places():
        with store.read() as connection:
            return dict(connection.execute(text(f"select id, {place} from entra_user")).all())

    load(store, [user(number) for number in range(300)])
    before = places()
    changed = [user(number) for number in range(150)] + [user(150, displayname="Other")]
    assert load(store, [*changed, *(user(number) for number in range(151, 300))]).tables["entra_user"].changed == 1
    assert places() == before


def test_the_same_rows_in_another_order_change_nothing_and_have_one_fingerprint(store):
    rows = [user(n, f"p{n}@example.net") for n in range(1, 6)]
    first = load(store, rows).tables["entra_user"]
    again = load(store, list(reversed(rows))).tables["entra_user"]
    assert (again.inserted, again.changed, again.deleted) == (0, 0, 0)
    assert first.fingerprint == again.fingerprint
    other = load(store, [*rows[:4], user(5, "q@example.net")]).tables["entra_user"]
    assert other.fingerprint != first.fingerprint


def test_volatile_columns_are_kept_fresh_without_counting_as_a_change(store):
    load(store, [user(1, onpremiseslastsyncdatetime="2026-01-01 00:00:00.000000")])
    entry = load(store, [user(1, onpremiseslastsyncdatetime="2026-01-02 00:00:00.000000")]).tables["entra_user"]
    assert entry.changed == 0
    with store.read() as connection:
        assert (
            connection.scalar(select(LOADED["entra_user"].c.onpremiseslastsyncdatetime)) == "2026-01-02 00:00:00.000000"
        )


def test_a_row_read_twice_counts_once_and_the_last_one_stands_with_its_children(store):
    result = load(
        store, [user(1, "old@example.net"), user(2), user(1, "new@example.net", displayname="Later")], count=2
    )
    assert result.tables["entra_user"].duplicates == 1
    assert names(store) == ["Later", "User 2"]
    assert [value for _, value in mails(store)] == ["new@example.net"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_read_that_the_server_counts_differently_is_not_published(store, count):
    load(store, [user(1)])
    with pytest.raises(IncompleteError, match=f"2 rows were read, but the server counts {count}"):
        load(store, [user(1), user(2)], count=count)
    assert names(store) == ["User 1"]
    assert [status for status, _ in statuses(store)] == ["published", "failed"]


def test_what_a_load_asks_of_the_collector_ends_with_it(store):
    assert gc.isenabled()
    source_id = register_source(store, "ad", "ad")
    with Load(store, source_id, "ad", ("ad_user",)) as running:
        assert not gc.isenabled()
        running.publish(ReadReport())
    assert gc.isenabled()
    with pytest.raises(SourceError), Load(store, source_id, "ad", ("ad_user",)):
        raise SourceError("lost")
    assert gc.isenabled()


def test_a_load_looks_for_garbage_although_python_does_not(store):
    class Circle:
        """Garbage that only the collector finds."""

    source_id = register_source(store, "entra", "tenant", "t1")
    with Load(store, source_id, "tenant", ("entra_user",)) as running:
        circle = Circle()
        circle.itself = circle
        left = weakref.ref(circle)
        del circle
        for number in range(6_000):
            running.add(user(number))
        assert left() is None


def test_a_read_that_broke_off_publishes_nothing(store):
    load(store, [user(1, "a@example.net")])
    source_id = register_source(store, "entra", "tenant", "t1")

    def broken() -> None:
        with Load(store, source_id, "tenant", USER_TABLES, LoadGuards(batch_rows=1)) as running:
            running.add(user(2))
            raise SourceError("connection reset")

    with pytest.raises(SourceError):
        broken()
    assert names(store) == ["User 1"]
    assert statuses(store)[-1] == ("failed", "connection reset")


def test_a_load_that_shrinks_too_far_is_refused_until_told_the_number(store):
    load(store, [user(n) for n in range(100)])
    with pytest.raises(LoadRefusedError, match="60 of 100 rows would vanish") as caught:
        load(store, [user(n) for n in range(40)])
    assert caught.value.hint is not None
    assert "--accept-rows entra_user=40" in caught.value.hint
    assert len(names(store)) == 100
    with pytest.raises(LoadRefusedError):
        load(store, [user(n) for n in range(40)], accept=Overrides(rows=frozenset({41})))
    load(store, [user(n) for n in range(40)], accept=Overrides(rows=frozenset({40})))
    assert len(names(store)) == 40


def test_the_very_share_may_vanish_and_one_row_more_may_not(store):
    load(store, [user(n) for n in range(100)])
    with pytest.raises(LoadRefusedError, match=r"30 of 100 rows would vanish \(limit 29\)"):
        load(store, [user(n) for n in range(70)], max_shrink_share=0.29)
    load(store, [user(n) for n in range(71)], max_shrink_share=0.29)
    assert len(names(store)) == 71


def test_the_very_share_of_a_column_may_go_empty_and_one_value_more_may_not(store):
    def filled(count: int) -> list[Row]:
        mails = [f"{n}@x.example" for n in range(count)] + [None] * (100 - count)
        return [user(n, *filter(None, [mail]), mail=mail) for n, mail in enumerate(mails)]

    load(store, filled(100))
    with pytest.raises(LoadRefusedError, match=r"entra_user\.mail: filled in 29 of 100"):
        load(store, filled(29), max_fill_loss=0.7)
    load(store, filled(30), max_fill_loss=0.7)
    assert len(mails(store)) == 30


def test_a_number_named_for_one_table_accepts_no_other(store):
    source_id = register_source(store, "entra", "tenant", "t1")

    def both(count: int, *accepted: tuple[str, int]) -> LoadResult:
        with Load(store, source_id, "tenant", ("entra_user", "entra_group")) as running:
            for n in range(count):
                running.add(make_row("entra_user", id=f"u{n}"))
                running.add(make_row("entra_group", id=f"g{n}"))
            return running.publish(ReadReport(), Overrides(tables=frozenset(accepted)))

    both(20)
    with pytest.raises(LoadRefusedError, match="entra_user: 20 of 20 rows would vanish"):
        both(0, ("entra_group", 0))
    with pytest.raises(LoadRefusedError, match="entra_group: 20 of 20 rows would vanish"):
        both(0, ("entra_user", 0), ("entra_group", 1))
    assert len(names(store)) == 20
    both(0, ("entra_user", 0), ("entra_group", 0))
    assert names(store) == []


def test_other_objects_in_equal_number_are_a_loss_too(store):
    load(store, [user(n) for n in range(100)])
    with pytest.raises(LoadRefusedError, match="100 of 100 rows would vanish"):
        load(store, [user(n) for n in range(100, 200)])


def test_small_losses_pass(store):
    load(store, [user(n) for n in range(100)])
    load(store, [user(n) for n in range(80)])
    load(store, [user(n) for n in range(70)])
    assert len(names(store)) == 70


def test_a_column_that_went_empty_is_refused_until_named(store):
    load(store, [user(n, employeeid=str(n)) for n in range(30)])
    with pytest.raises(LoadRefusedError, match=r"entra_user\.employeeid: filled in 0 of 30 rows, before in 30 of 30"):
        load(store, [user(n) for n in range(30)])
    load(store, [user(n) for n in range(30)], accept=Overrides(fills=frozenset({("entra_user.employeeid", 0)})))


def test_an_attribute_of_several_values_that_went_empty_is_refused_until_named(store):
    load(store, [user(n, f"{n}@x.example", "second@x.example") for n in range(30)])
    with pytest.raises(LoadRefusedError, match=r"entra_user_othermail\.value: filled in 5 of 30 rows, before in 30 of"):
        load(store, [user(n, *([f"{n}@x.example"] if n < 5 else [])) for n in range(30)])
    few = [user(n, *([f"{n}@x.example"] if n < 5 else [])) for n in range(30)]
    with pytest.raises(LoadRefusedError):
        load(store, few, accept=Overrides(fills=frozenset({("entra_user_othermail.value", 4)})))
    assert len(mails(store)) == 60
    load(store, few, accept=Overrides(fills=frozenset({("entra_user_othermail.value", 5)})))
    assert len(mails(store)) == 5


def test_each_attribute_of_the_sites_own_is_judged_and_defects_may_go(store):
    source_id = register_source(store, "ad", "corp", "corp.example")

    def people(*children: tuple) -> None:
        with Load(store, source_id, "corp", ("ad_user", "ad_attribute", "ad_value_defect")) as running:
            for n in range(30):
                running.add(make_row("ad_user", *children, guid=f"u{n}"))
            running.publish(ReadReport())

    defect = ("ad_value_defect", ("mail", 0, "space", "x "))
    one, other = (("ad_attribute", (name, 0, "x")) for name in ("extensionattribute1", "extensionattribute2"))
    people(one, other, defect)
    with pytest.raises(LoadRefusedError, match=r"ad_attribute\.extensionattribute2: filled in 0 of 30"):
        people(one, defect)
    people(one, other)


def test_members_that_vanish_from_groups_that_stay_are_refused_until_told_the_number(store):
    source_id = register_source(store, "ad", "corp", "corp.example")

    def groups(sizes: dict[str, int], accept: Overrides | None = None):
        with Load(store, source_id, "corp", ("ad_group", "ad_member")) as running:
            for name, size in sizes.items():
                for n in range(size):
                    running.add(Row("ad_member", (name, f"CN={n}", f"cn={n}")))
                running.add(make_row("ad_group", guid=name, member_count=size))
            return running.publish(ReadReport(), accept).tables["ad_member"]

    groups({"g1": 50, "g2": 50})
    with pytest.raises(LoadRefusedError, match="ad_member: 100 of 100 rows would vanish") as caught:
        groups({"g1": 0, "g2": 0})
    assert caught.value.hint is not None
    assert "--accept-rows ad_member=0" in caught.value.hint
    with pytest.raises(LoadRefusedError):
        groups({"g1": 0, "g2": 0}, Overrides(rows=frozenset({1})))
    assert groups({"g1": 50, "g2": 30}).deleted == 20  # a fifth
    assert groups({"g1": 50}).deleted == 30  # with their group, which is guarded itself
    assert groups({"g1": 0}, Overrides(rows=frozenset({0}))).deleted == 50


def test_duplicate_workers_collapse_when_equal_and_are_held_when_they_differ(store):
    source_id = register_source(store, "workers", "hr")
    rows = [
        make_row("worker", worker_id="1", company="A", source_row=2),
        make_row("worker", worker_id="2", company="A", source_row=3),
        make_row("worker", worker_id="1", company="A", source_row=4),
        make_row("worker", worker_id="2", company="B", source_row=5),
        make_row("worker", worker_id="3", company="C", source_row=6),
    ]
    with Load(store, source_id, "hr", ("worker",)) as running:
        for row in rows:
            running.add(row)
        entry = running.publish(ReadReport()).tables["worker"]
    assert (entry.rows_published, entry.rejected) == (2, 2)
    with store.read() as connection:
        assert list(connection.scalars(select(LOADED["worker"].c.worker_id).order_by("worker_id"))) == [
            "1",
            "3",
        ]
        held = connection.execute(
            select(load_reject.c.object_key, load_reject.c.source_row, load_reject.c.reason)
        ).all()
    assert sorted(map(tuple, held)) == [("2", 3, "duplicate"), ("2", 5, "duplicate")]


def test_rejected_members_are_counted_with_their_reasons(store):
    source_id = register_source(store, "ad", "corp", "corp.example")
    with Load(store, source_id, "corp", ("ad_group", "ad_member")) as running:
        running.add(make_row("ad_group", guid="g"))
        for key, reason in (("a", "bad_dn"), ("b", "too_long"), ("c", "bad_dn")):
            running.add(Row("load_reject", ("ad_member", f"g {key}", None, reason, "member cannot be read")))
        result = running.publish(ReadReport())
    assert result.rejects == {"ad_member": {"bad_dn": 2, "too_long": 1}}
    group, member = last_loads(store)
    assert (group.rejected, group.reasons) == (0, "")
    assert (member.rejected, member.reasons) == (3, "2 bad_dn, 1 too_long")


@pytest.mark.parametrize("batch_rows", [1, 4, 6000])
def test_what_a_source_withdraws_does_not_count(store, batch_rows):
    """The connection was lost: one group is gone since, one lost a member, a third came."""

    def group(key: str, *members: str) -> list[Row]:
        links = [Row("ad_member", (key, member, member.lower())) for member in members]
        proxy = (
            "ad_group_proxyaddress",
            (0, f"SMTP:{key}@x.example", f"smtp:{key}@x.example", "SMTP", f"{key}@x.example"),
        )
        return [*links, make_row("ad_group", proxy, guid=key, member_count=len(members))]

    bad = Row("load_reject", ("ad_group", None, None, "no_objectguid", "CN=bad"))
    before = [make_row("ad_user", guid="u1")]
    abandoned = [*group("g1", "CN=A", "CN=B", "CN=C"), bad, *group("g2", "CN=A")]
    again = [*group("g1", "CN=A", "CN=B"), bad, *group("g3", "CN=C")]
    tables = ("ad_user", "ad_group", "ad_group_proxyaddress", "ad_member")
    found = []
    for name, rows in (
        ("steady", [*before, *again]),
        ("unsteady", [*before, *abandoned, Withdrawn(len(abandoned)), *again]),
    ):
        source_id = register_source(store, "ad", name, f"{name}.example")
        with Load(store, source_id, name, tables, LoadGuards(batch_rows=batch_rows)) as running:
            for row in rows:
                running.add(row)
            result = running.publish(ReadReport())
        with store.read() as connection:
            links = LOADED["ad_member"].c
            stand = connection.execute(
                select(links.guid, links.member_dn)
                .where(links.source_id == source_id)
                .order_by(links.guid, links.member_dn)
            )
            proxies = LOADED["ad_group_proxyaddress"].c
            owners = connection.scalars(select(proxies.guid).where(proxies.source_id == source_id).order_by("guid"))
            numbers = {
                each.table: (each.rows_read, each.rows_published, each.rejected, each.duplicates, each.fingerprint)
                for each in result.tables.values()
            }
            found.append((stand.all(), owners.all(), numbers))
    assert found[0] == found[1]
    assert found[0][0] == [("g1", "CN=A"), ("g1", "CN=B"), ("g3", "CN=C")]
    assert found[0][1] == ["g1", "g3"]


def test_rejects_go_to_the_database_with_the_batches(store):
    """However many records a source holds back, also where no row stands between them, memory stays."""
    source_id = register_source(store, "entra", "tenant", "t1")
    peaks = []
    for number in (12_000, 48_000):
        tracemalloc.start()
        with Load(store, source_id, "tenant", USER_TABLES) as running:
            for place in range(number):
                running.add(Row("load_reject", ("entra_user", None, place, "no_id", f"{place}: {'no id ' * 20}")))
            report = ReadReport()
            report.table("entra_user").server_count = number
            entry = running.publish(report).tables["entra_user"]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (entry.rows_published, entry.rejected) == (0, number)
    with store.read() as connection:
        held = select(func.count(), func.min(load_reject.c.source_row), func.max(load_reject.c.source_row))
        assert connection.execute(held.where(load_reject.c.run_id == running.run_id)).one() == (48_000, 0, 47_999)
    assert peaks[1] < 1.3 * peaks[0] + 1_000_000


def test_members_are_replaced_by_difference(store):
    source_id = register_source(store, "ad", "corp", "corp.example")

    def members(*keys: str):
        with Load(store, source_id, "corp", ("ad_member",)) as running:
            for key in keys:
                running.add(Row("ad_member", ("g1", key.upper(), key)))
            return running.publish(ReadReport()).tables["ad_member"]

    assert members("cn=a", "cn=b", "cn=b").inserted == 2
    entry = members("cn=b", "cn=c")
    assert (entry.inserted, entry.deleted, entry.rows_published) == (1, 1, 2)


def test_two_sources_of_one_kind_do_not_touch_each_other(store):
    load(store, [user(1)])
    other = register_source(store, "entra", "second", "t2")
    with Load(store, other, "second", USER_TABLES) as running:
        running.add(user(1, displayname="Same id, other tenant"))
        running.publish(ReadReport())
    assert sorted(names(store)) == ["Same id, other tenant", "User 1"]
    load(store, [])
    assert names(store) == ["Same id, other tenant"]


def test_a_source_name_cannot_change_its_tenant(store):
    register_source(store, "entra", "tenant", "t1")
    with pytest.raises(StoreError, match="source tenant holds t1; it cannot take t2"):
        register_source(store, "entra", "tenant", "t2")


def test_an_interrupted_load_is_marked_at_the_next_one(store):
    source_id = register_source(store, "entra", "tenant", "t1")
    begin_run(store, source_id)  # and the process dies here
    load(store, [user(1)])
    assert statuses(store) == [("failed", "interrupted"), ("published", None)]


@pytest.mark.parametrize("is_increment", [False, True])
def test_a_load_that_was_overtaken_publishes_nothing(store, is_increment):
    load(store, [user(1)])
    source_id = register_source(store, "entra", "tenant", "t1")

    def overtaken() -> None:
        with Load(store, source_id, "tenant", USER_TABLES) as running:
            running.add(user(1, displayname="Old"))
            load(store, [user(1, displayname="New"), user(2)])
            running.publish(ReadReport(is_increment=is_increment))

    with pytest.raises(StoreError, match="a load of tenant that began later was published meanwhile"):
        overtaken()
    assert names(store) == ["New", "User 2"]
    assert [status for status, _ in statuses(store)] == ["published", "failed", "published"]


def test_a_load_that_another_took_for_dead_is_published_without_a_trace(store):
    source_id = register_source(store, "entra", "tenant", "t1")
    with Load(store, source_id, "tenant", USER_TABLES) as running:
        running.add(user(1))
        begin_run(store, source_id)  # on another machine
        running.publish(ReadReport())
    assert statuses(store) == [("published", None), ("running", None)]


@pytest.mark.postgresql
def test_a_database_that_goes_away_while_rows_are_read(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        source_id = register_source(store, "entra", "tenant", "t1")

        def interrupted() -> None:
            with Load(store, source_id, "tenant", USER_TABLES, LoadGuards(batch_rows=1)) as running:
                running.add(user(1))
                mine = "pid <> pg_backend_pid() and datname = current_database()"
                with store.engine.connect() as connection:
                    connection.execute(text(f"select pg_terminate_backend(pid) from pg_stat_activity where {mine}"))
                running.add(user(2))

        with pytest.raises(StoreError, match=r"the database refused what was read: .*; nothing was published"):
            interrupted()
        ((status, error),) = statuses(store)
        assert (status, error is not None and error.startswith("the database refused")) == ("failed", True)


def test_a_database_that_makes_no_temporary_tables(store):
    source_id = register_source(store, "entra", "tenant", "t1")

    @event.listens_for(store.engine, "before_cursor_execute")
    def refuse(_connection, _cursor, statement, *_):
        if "CREATE TEMPORARY TABLE" in statement:
            raise ProgrammingError(statement, {}, Exception("permission denied to create temporary tables"))

    with (
        pytest.raises(StoreError, match="the database makes no temporary tables: permission denied"),
        Load(store, source_id, "tenant", USER_TABLES),
    ):
        pass
    assert [status for status, _ in statuses(store)] == ["failed"]


def test_what_ended_a_load_is_said_also_where_it_cannot_be_noted(tmp_path):
    url = f"sqlite:///{tmp_path}/recon.db"
    with ExitStack() as blocking, Store.open(url) as store, Store.open(url) as other:
        event.listen(store.engine, "connect", lambda connection, _: connection.execute("pragma busy_timeout = 1"))
        store.engine.dispose()
        source_id = register_source(store, "entra", "tenant", "t1")

        def broken() -> None:
            with Load(store, source_id, "tenant", USER_TABLES):
                blocking.enter_context(other.write())
                raise SourceError("connection reset")

        with pytest.raises(SourceError, match="connection reset"):
            broken()


@pytest.mark.postgresql
def test_two_loads_that_make_the_same_source(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as store, Store.open(url) as other:
        waiting = [True]

        @event.listens_for(store.engine, "before_cursor_execute")
        def overtake(_connection, _cursor, statement, *_):
            if statement.startswith("INSERT INTO source ") and waiting:
                waiting.clear()
                register_source(other, "entra", "tenant", "t1")

        assert register_source(store, "entra", "tenant", "t1") == register_source(other, "entra", "tenant", "t1")


def test_last_loads_say_what_was_read_and_counted(store):
    load(store, [user(1), user(2)], count=2)
    (entry,) = last_loads(store)
    assert (entry.source, entry.table, entry.rows, entry.server_count) == ("tenant", "entra_user", 2, 2)


def test_a_reader_sees_the_old_rows_while_a_load_is_staged(tmp_path):
    path = tmp_path / "x.db"
    with Store.open(f"sqlite:///{path}") as store:
        load(store, [user(1)])
        source_id = register_source(store, "entra", "tenant", "t1")
        with Load(store, source_id, "tenant", USER_TABLES, LoadGuards(batch_rows=1)) as running:
            running.add(user(1, displayname="New"))
            reader = sqlite3.connect(path)
            assert reader.execute("select displayname from entra_user").fetchall() == [("User 1",)]
            running.publish(ReadReport())
            assert reader.execute("select displayname from entra_user").fetchall() == [("New",)]
            reader.close()


def test_a_batch_keeps_the_columns_that_only_some_of_its_rows_fill(store):
    rows = [user(n, jobtitle=None if n % 2 else f"Title {n}", city="Łódź" if n == 59 else None) for n in range(60)]
    load(store, rows)
    load(store, rows)  # the hashes hold too: nothing is replaced
    table = LOADED["entra_user"]
    with store.read() as connection:
        found = connection.execute(
            select(table.c.jobtitle, table.c.city, table.c.department, table.c.run_id).order_by(table.c.id)
        ).all()
    assert [tuple(row) for row in found] == [
        (None if n % 2 else f"Title {n}", "Łódź" if n == 59 else None, None, 1) for n in range(60)
    ]


def test_the_planner_knows_what_a_load_has_brought(store):
    load(store, [user(n, f"p{n}@example.net") for n in range(30)])
    with store.read() as connection:
        if store.dialect == "sqlite":
            known = connection.exec_driver_sql("select distinct tbl from sqlite_stat1 order by tbl").scalars().all()
        else:
            statement = "select relname from pg_class where relkind = 'r' and reltuples > 0 and relname like 'entra%%'"
            known = connection.exec_driver_sql(f"{statement} order by relname").scalars().all()
    assert known == ["entra_user", "entra_user_othermail"]


def test_what_a_load_was_told_to_accept_is_kept_with_it(store):
    def last() -> str | None:
        with store.read() as connection:
            return connection.scalar(select(load_run.c.accepted).order_by(load_run.c.run_id.desc()).limit(1))

    load(store, [user(n, f"{n}@x.example", employeeid=str(n)) for n in range(100)])
    told = Overrides(
        fills=frozenset({("entra_user.employeeid", 0), ("entra_user_othermail.value", 1)}),
        tables=frozenset({("entra_user", 40), ("entra_group", 7)}),
    )
    load(store, [user(n, *(["0@x.example"] if not n else [])) for n in range(40)], accept=told)
    assert last() == "entra_user.employeeid=0, entra_user_othermail.value=1, entra_user=40"
    load(store, [user(n, employeeid="7") for n in range(40)], accept=told)  # nothing that would be refused
    assert last() is None
