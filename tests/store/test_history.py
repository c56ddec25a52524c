"""History: what was replaced or deleted can be read as it was, at every load that is kept, and nothing else is kept."""

import random
import re
from collections.abc import Iterable

import pytest
from sqlalchemy import func, select, update

from recon.config import LoadGuards
from recon.decode.times import utc_now_text
from recon.errors import LoadRefusedError, SourceError, UsageError
from recon.history_queries import generated
from recon.objects import TABLES, Row
from recon.queries import query
from recon.sources.entra_increment import Watermark
from recon.store import Store
from recon.store.history import Removed, cutoff, prune
from recon.store.tables import HISTORY, LOADED, load_reject, load_run, source
from tests.support.loads import CATALOG, LENIENT, ask, load
from tests.support.rows import make_row


def kept(store: Store) -> dict[str, int]:
    """Rows of each history table that has any."""
    with store.read() as connection:
        counts = {
            name: connection.scalar(select(func.count()).select_from(table)) or 0 for name, table in HISTORY.items()
        }
    return {name: rows for name, rows in counts.items() if rows}


def entra(number: int, *mails: str, **values: object) -> Row:
    children = [
        ("entra_user_othermail", (place, mail, mail.lower(), f"{mail[0]}***")) for place, mail in enumerate(mails)
    ]
    values.setdefault("displayname", f"User {number}")
    return make_row("entra_user", *children, id=f"id-{number:03d}", othermails_count=len(mails), **values)


# ---- written with each load -----------------------------------------------------------------------------


def test_the_first_load_and_an_unchanged_one_write_none(store):
    rows = [entra(1, "a@example.net"), entra(2)]
    load(store, "entra", rows)
    assert kept(store) == {}
    load(store, "entra", rows)
    assert kept(store) == {}


def test_volatile_columns_write_none(store):
    load(store, "entra", [entra(1, onpremiseslastsyncdatetime="2026-01-01 00:00:00.000000")])
    load(store, "entra", [entra(1, onpremiseslastsyncdatetime="2026-01-02 00:00:00.000000")])
    assert kept(store) == {}


def test_a_replaced_row_is_kept_with_the_values_that_went_and_its_runs(store):
    first = load(store, "entra", [entra(1, "a@example.net", "b@example.net", "c@example.net"), entra(2)])
    second = load(store, "entra", [entra(1, "a@example.net", "c@example.net"), entra(2)])
    assert kept(store) == {"entra_user": 1, "entra_user_othermail": 2}
    past = HISTORY["entra_user_othermail"]
    with store.read() as connection:
        found = connection.execute(select(past.c.value, past.c.from_run, past.c.to_run).order_by(past.c.position))
        # what moved up has another position: a row of its own
        assert [tuple(row) for row in found] == [("b@example.net", first, second), ("c@example.net", first, second)]
        now = LOADED["entra_user_othermail"]
        standing = connection.execute(select(now.c.value, now.c.run_id).order_by(now.c.position)).all()
        assert [tuple(row) for row in standing] == [("a@example.net", first), ("c@example.net", second)]
        runs = connection.execute(select(LOADED["entra_user"].c.id, LOADED["entra_user"].c.run_id).order_by("id")).all()
    assert [tuple(row) for row in runs] == [("id-001", second), ("id-002", first)]


def test_a_refused_load_and_one_that_broke_off_write_none(store):
    load(store, "entra", [entra(n) for n in range(40)])
    with pytest.raises(LoadRefusedError):
        load(store, "entra", [entra(n) for n in range(5)], guards=LoadGuards())

    def broken() -> Iterable[Row]:
        yield entra(1, displayname="Other")
        raise SourceError("connection reset")

    with pytest.raises(SourceError):
        load(store, "entra", broken())
    assert kept(store) == {}


def test_history_that_is_not_wanted_is_gone_with_the_next_load(store):
    guards = LENIENT.model_copy(update={"history_days": 0})
    load(store, "entra", [entra(1)], guards=guards)
    second = load(store, "entra", [entra(1, displayname="Other")], guards=guards)
    third = load(store, "entra", [entra(1, displayname="Third")], guards=guards)
    with store.read() as connection:
        found = connection.execute(select(HISTORY["entra_user"].c.to_run)).scalars().all()
    assert second not in found
    assert set(found) <= {third}


# ---- a random walk --------------------------------------------------------------------------------------


class Walk:
    """Small directories that change at random; `states` is what each published load read."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.now: dict[str, dict[str, Row]] = {"ad": {}, "ad2": {}, "entra": {}, "workers": {}}
        self.members: dict[str, set[tuple[str, str]]] = {"ad": set(), "ad2": set()}
        self.states: dict[int, dict[str, list[Row]]] = {}

    def row(self, source: str, number: int) -> Row:
        pick = self.random
        words = [f"v{pick.randrange(3)}" for _ in range(pick.randrange(3))]
        if source == "entra":
            licences = [("entra_user_license", (place, word)) for place, word in enumerate(words[:1])]
            mails = [("entra_user_othermail", (place, word, word, "*")) for place, word in enumerate(words)]
            return make_row(
                "entra_user", *mails, *licences, id=f"e{number}", department=pick.choice([None, "A", "Ä", "a"]),
                onpremiseslastsyncdatetime=f"2026-01-{pick.randrange(10, 29)} 00:00:00.000000",
                createddatetime=f"2025-01-{pick.randrange(10, 12)} 00:00:00.000001",
            )  # fmt: skip
        if source == "workers":
            prior = [("worker_prior_id", (place, word, word)) for place, word in enumerate(words)]
            return make_row("worker", *prior, worker_id=f"w{number}", hire_date=f"2026-03-0{pick.randrange(1, 3)}")
        proxies = [("ad_user_proxyaddress", (place, word, word, "smtp", word)) for place, word in enumerate(words)]
        return make_row(
            "ad_user", *proxies, guid=f"g{number}", objectsid=bytes([pick.randrange(2)]), whenchanged=utc_now_text(),
            useraccountcontrol=pick.choice([512, 514]),
        )  # fmt: skip

    def step(self) -> None:
        source = self.random.choice(list(self.now))
        rows = self.now[source]
        for number in range(8):
            key = str(number)
            chance = self.random.random()
            if chance < 0.15:
                rows.pop(key, None)
            elif chance < 0.35 or (chance < 0.5 and key not in rows):
                rows[key] = self.row(source, number)
        given = [*rows.values()]
        if source in self.members:
            for place in range(6):
                if self.random.random() < 0.2:
                    self.members[source] ^= {("g0", f"cn=m{place}")}
            given += [Row("ad_member", (group, key.upper(), key)) for group, key in sorted(self.members[source])]
        self.random.shuffle(given)
        kind = "ad" if source.startswith("ad") else source
        if self.random.random() < 0.15:
            with pytest.raises(SourceError):
                load(self.store, kind, self.broken(given), name=source)
            return
        run = load(self.store, kind, given, name=source)
        before = self.states[max(self.states)] if self.states else {}
        self.states[run] = before | {source: given}

    def broken(self, rows: list[Row]) -> Iterable[Row]:
        yield from rows[: len(rows) // 2]
        raise SourceError("connection reset")


def wanted(state: dict[str, list[Row]], name: str) -> list[str]:
    """The rows of one table in a state, volatile columns left out, in any order."""
    table = TABLES[name]
    found = []
    for row in (row for rows in state.values() for row in rows):
        if row.table == name:
            found.append(row.values)
        found += [(row.values[0], *values) for child, values in row.children if child == name]
    places = [place for place, column in enumerate(table.columns) if not column.volatile]
    return sorted(repr([row[place] for place in places]) for row in found)


def seen(store: Store, name: str, **given: object) -> list[str]:
    names = [column.name for column in TABLES[name].columns if not column.volatile]
    return sorted(repr([plain(row[each]) for each in names]) for row in ask(store, f"as_of_{name}", **given))


def plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


CHECKED = ("ad_user", "ad_user_proxyaddress", "ad_member", "entra_user", "entra_user_othermail", "entra_user_license",
           "worker", "worker_prior_id")  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_as_of_each_kept_load_equals_what_was_read_then(store, seed):
    walk = Walk(store, seed)
    for _ in range(60):
        walk.step()
    assert len(walk.states) > 40
    assert set(kept(store)) == {*CHECKED}
    for run, state in walk.states.items():
        for name in CHECKED:
            assert seen(store, name, run=run) == wanted(state, name), (run, name)

    # a load by its time is the load itself
    some = sorted(walk.states)[20]
    with store.read() as connection:
        finished = connection.scalar(select(load_run.c.finished_at).where(load_run.c.run_id == some))
    assert seen(store, "entra_user", at=finished) == wanted(walk.states[some], "entra_user")

    # what ended before the thirtieth load of each source is pruned, and nothing else
    published = sorted(walk.states)
    edge = published[30]
    with store.write() as connection:
        connection.execute(
            update(load_run).where(load_run.c.run_id <= edge).values(finished_at="2026-01-01 00:00:00.000000")
        )
    reached = {row["source_name"]: row["run_id"] for row in ask(store, "kept_loads") if row["run_id"] <= edge}
    before = kept(store)
    with store.write() as connection:
        dry = prune(connection, "2026-02-01 00:00:00.000000", is_dry=True)
    assert kept(store) == before
    with store.write() as connection:
        done = prune(connection, "2026-02-01 00:00:00.000000")
    assert done == dry
    after = kept(store)
    assert {each.table: each.rows for each in done} == {
        f"{name}_history": rows - after.get(name, 0) for name, rows in before.items() if rows != after.get(name, 0)
    }
    for run in (run for run in published if run >= edge):
        for name in CHECKED:
            assert seen(store, name, run=run) == wanted(walk.states[run], name), (run, name)
    assert len(reached) == 4
    for name in CHECKED:  # an earlier past is left out, not shown in part
        assert seen(store, name, run=min(published)) == []
    with store.write() as connection:
        assert prune(connection, "2026-02-01 00:00:00.000000") == []


# ---- what changed, who came and went ----------------------------------------------------------------------


def test_changes_of_entra_users_attribute_by_attribute(store):
    first = load(store, "entra", [
        entra(1, "a@example.net", "b@example.net", department="Sales", accountenabled=1), entra(2), entra(3),
    ])  # fmt: skip
    load(store, "entra", [entra(1, department="Interim"), entra(2, jobtitle="x"), entra(3)])
    last = load(store, "entra", [
        entra(1, "b@example.net", "c@example.net", "d@example.net", department="Support", accountenabled=0), entra(2),
        entra(4),
    ])  # fmt: skip
    found = ask(store, "changes_entra_user", before=first, after=last)
    rows = sorted((row["id"], row["attribute"], row["before_value"] or "", row["after_value"] or "") for row in found)
    assert rows == [
        ("id-001", "accountenabled", "1", "0"),
        ("id-001", "department", "Sales", "Support"),
        ("id-001", "othermails", "", "c***"),
        ("id-001", "othermails", "", "d***"),
        ("id-001", "othermails", "a***", ""),
        ("id-001", "othermails_count", "2", "3"),
    ]
    assert {row["run_id"] for row in found} == {last}
    assert ask(store, "changes_entra_user", before=last, after=last) == []


def test_changes_of_values_that_changed_at_other_loads_than_the_first_and_the_last(store):
    first = load(store, "entra", [entra(1, "a@example.net", "b@example.net", jobtitle="x")])
    second = load(store, "entra", [entra(1, "a@example.net", "b@example.net", jobtitle="y")])
    third = load(store, "entra", [entra(1, "a@example.net", "c@example.net", jobtitle="y")])
    last = load(store, "entra", [entra(1, "a@example.net", "c@example.net", jobtitle="z")])

    def mails(before: int, after: int) -> list[tuple[str, str]]:
        found = ask(store, "changes_entra_user", before=before, after=after)
        mine = [row for row in found if row["attribute"] == "othermails"]
        return sorted((row["before_value"] or "", row["after_value"] or "") for row in mine)

    assert mails(first, last) == mails(second, last) == mails(first, third) == [("", "c***"), ("b***", "")]
    assert mails(first, second) == mails(third, last) == []


@pytest.mark.parametrize(
    ("table", "kind", "key", "column", "child"),
    [
        ("ad_group", "ad", "guid", "managedby", "ad_group_proxyaddress"),
        ("ad_computer", "ad", "guid", "dnshostname", "ad_computer_serviceprincipalname"),
        ("ad_contact", "ad", "guid", "targetaddress", "ad_contact_proxyaddress"),
        ("entra_group", "entra", "id", "membershiprule", "entra_group_proxyaddress"),
    ],
)
def test_changes_of_other_objects_attribute_by_attribute(store, table, kind, key, column, child):
    def row(value: str, *values: str) -> Row:
        rest = len(TABLES[child].columns) - 3
        children = [(child, (place, each, *[None] * rest)) for place, each in enumerate(values)]
        return make_row(table, *children, **{key: "k1", column: value})

    covered = (table, *(each.name for each in TABLES.values() if each.parent == table))
    first = load(store, kind, [row("a", "x", "y")], tables=covered)
    last = load(store, kind, [row("b", "y", "z")], tables=covered)
    attribute = {"serviceprincipalname": "serviceprincipalname"}.get(child.rsplit("_", 1)[1], "proxyaddresses")
    found = ask(store, f"changes_{table}", before=first, after=last)
    assert sorted(
        (each["attribute"], each["before_value"] or "", each["after_value"] or "") for each in found
    ) == sorted([(column, "a", "b"), (attribute, "x", ""), (attribute, "", "z")])


def test_who_joined_and_left_a_role(store):
    covered = ("entra_role", "entra_role_member")
    role = make_row("entra_role", id="r", displayname="Helpdesk")
    links = [Row("entra_role_member", ("r", key, "user", 0)) for key in ("a", "b", "c")]
    first = load(store, "entra", [role, *links[:2]], tables=covered)
    last = load(store, "entra", [role, *links[1:]], tables=covered)
    found = ask(store, "changes_entra_role_member", before=first, after=last)
    assert sorted((row["group_name"], row["member_id"], row["change"]) for row in found) == [
        ("Helpdesk", "a", "left"), ("Helpdesk", "c", "joined"),
    ]  # fmt: skip


def test_who_became_an_owner_and_who_is_one_no_more(store):
    covered = ("entra_group", "entra_group_owner")
    group = make_row("entra_group", id="g", displayname="Team")
    links = [Row("entra_group_owner", ("g", key, "user")) for key in ("a", "b", "c")]
    first = load(store, "entra", [group, *links[:2]], tables=covered)
    last = load(store, "entra", [group, *links[1:]], tables=covered)
    found = ask(store, "changes_entra_group_owner", before=first, after=last)
    assert sorted((row["group_name"], row["owner_id"], row["change"]) for row in found) == [
        ("Team", "a", "left"), ("Team", "c", "joined"),
    ]  # fmt: skip
    before = ask(store, "as_of_entra_group_owner", run=first)
    assert sorted(row["owner_id"] for row in before) == ["a", "b"]


def test_changes_are_not_asked_backwards(store):
    first, last = load(store, "entra", [entra(1)]), load(store, "entra", [entra(1, displayname="Zoë")])
    with store.write() as connection:
        for run, day in ((first, 1), (last, 2)):
            at = f"2026-03-0{day} 05:00:00.000000"
            connection.execute(update(load_run).where(load_run.c.run_id == run).values(finished_at=at))
    for wrong in (
        {"before": last, "after": first},
        {"before_at": "2026-03-02", "after_at": "2026-03-01"},
        {"before_at": "2026-03-02T00:00+02:00", "after_at": "2026-03-01 21:59"},
        {"before": last, "after_at": "2026-03-01"},
        {"before_at": "2026-03-02", "after": first},
    ):
        for name in ("changes_entra_user", "changes_anchor", "vanished"):
            with pytest.raises(UsageError, match=f"{name}: before .* is later than after") as refused:
                ask(store, name, **wrong)
            assert refused.value.hint == "give the earlier one as before"
    for right in (
        {"before": first, "after": last},
        {"before_at": "2026-03-01 05:00", "after_at": "2026-03-02 05:00"},
        {"before": first, "after_at": "2026-03-03"},
        {"before_at": "2026-03-01 05:00", "after": last},
    ):
        assert [row["after_value"] for row in ask(store, "changes_entra_user", **right)] == ["Zoë"]
    assert ask(store, "changes_entra_user", before=last, after=last) == []
    assert ask(store, "changes_entra_user", before=last, after=99) == []
    assert ask(store, "changes_entra_user", before=99, after_at="2026-03-01") == []  # no such load, no time of it


def test_loads_show_the_beginning_of_a_watermark(store):
    load(store, "entra", [entra(1)])
    link = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=opaque"
    text = Watermark({"users": link}, {"users": []}, 1767225600.123456, "0123456789abcdef").text()
    with store.write() as connection:
        connection.execute(update(load_run).values(watermark=text, watermark_from=text))
    (row, *_) = ask(store, "loads")
    for name in ("watermark", "watermark_from"):
        assert row[name].startswith('{"format":')
        assert "0123456789abcdef" in row[name]
        assert "https" not in row[name]
        assert "opaque" not in row[name]


def test_changes_of_workers_mask_the_private_address(store):
    def worker(**values: object) -> Row:
        return make_row("worker", worker_id="w1", display_name="Ana Example", **values)

    first = load(store, "workers", [worker(
        personal_mail="ana@home.example", personal_mail_key="ana@home.example",
        personal_mail_masked="a***@h***.example", termination_date=None,
    )])  # fmt: skip
    last = load(store, "workers", [worker(
        personal_mail="anna@home.example", personal_mail_key="anna@home.example",
        personal_mail_masked="a***@h***.example", termination_date="2026-05-31",
    )])  # fmt: skip
    found = ask(store, "changes_worker", before=first, after=last)
    assert sorted((row["attribute"], row["before_value"], row["after_value"]) for row in found) == [
        ("personal_mail", "a***@h***.example", "a***@h***.example"),
        ("termination_date", None, "2026-05-31"),
    ]


def test_changes_of_ad_users_times_anchors_and_values(store):
    def user(sid: str, *proxies: str, **values: object) -> Row:
        children = [("ad_user_proxyaddress", (n, p, p.lower(), "smtp", p)) for n, p in enumerate(proxies)]
        return make_row("ad_user", *children, guid="g1", sid=sid, displayname="Ana", immutable_id="AbC=", **values)

    first = load(store, "ad", [user("S-1-5-21-1", "smtp:a@example.com", is_enabled=1)])
    last = load(store, "ad", [
        user("S-1-5-21-2", "smtp:b@example.com", is_enabled=0, account_expires_at="2026-05-01 00:00:00.000000")
    ])  # fmt: skip
    found = ask(store, "changes_ad_user", before=first, after=last)
    assert sorted((row["attribute"], row["before_value"] or "", row["after_value"] or "") for row in found) == [
        ("account_expires_at", "", "2026-05-01 00:00:00"),
        ("is_enabled", "1", "0"),
        ("proxyaddresses", "", "smtp:b@example.com"),
        ("proxyaddresses", "smtp:a@example.com", ""),
    ]
    found = ask(store, "changes_anchor", before=first, after=last)
    assert [(row["object_key"], row["attribute"], row["before_anchor"], row["after_anchor"]) for row in found] == [
        ("g1", "sid", "S-1-5-21-1", "S-1-5-21-2")
    ]


def test_who_appeared_vanished_and_came_back(store):
    runs = [
        load(store, "entra", [entra(n) for n in present]) for present in ((1, 2), (2, 3), (2, 3), (1, 2, 3), (1, 3))
    ]
    load(store, "entra", [entra(1, jobtitle="x"), entra(3)])

    def events(name: str, before: int, after: int) -> list[tuple[object, object]]:
        return sorted((row["object_key"], row["run_id"]) for row in ask(store, name, before=before, after=after))

    everything = (0, 100)
    assert events("appeared", *everything) == [("id-001", runs[0]), ("id-002", runs[0]), ("id-003", runs[1])]
    assert events("vanished", *everything) == [("id-001", runs[1]), ("id-002", runs[4])]
    assert events("came_back", *everything) == [("id-001", runs[3])]
    assert events("appeared", runs[0], runs[3]) == [("id-003", runs[1])]
    assert events("vanished", runs[1], runs[4]) == [("id-002", runs[4])]
    assert events("came_back", runs[3], runs[4]) == []


@pytest.mark.parametrize("pruned", [0, 2, 3, 4])
def test_who_was_there_before_history_begins_did_not_appear(store, pruned):
    def load_both(*titles: str) -> int:
        return load(store, "entra", [entra(n, jobtitle=title) for n, title in enumerate(titles)])

    runs = [load_both(*titles) for titles in ("aa", "aa", "ba", "ba", "bac", "ac")]
    with store.write() as connection:
        connection.execute(
            update(load_run).where(load_run.c.run_id <= pruned).values(finished_at="2020-01-01 00:00:00.000000")
        )
        prune(connection, "2026-01-01 00:00:00.000000")

    def events(name: str) -> list[tuple[object, object]]:
        return sorted((row["object_key"], row["run_id"]) for row in ask(store, name, before=0, after=runs[-1]))

    beginning = [("id-000", runs[0]), ("id-001", runs[0])] if not pruned else []
    assert events("appeared") == [*beginning, ("id-002", runs[4])]
    assert events("vanished") == [("id-002", runs[5])]
    assert events("came_back") == []


def test_where_the_key_is_the_name_no_name_is_repeated(store):
    rows = [make_row("mim_role", role="admin", sid="S-1-5-32-544"), make_row("mim_run", run_history_id="r")]
    run = load(store, "mim", rows, tables=("mim_role", "mim_run"))
    found = {row["object_key"]: row["object_name"] for row in ask(store, "appeared", before=0, after=run)}
    assert found == {"admin": None, "r": None}


def test_members_that_joined_and_left(store):
    def members(*names: str) -> list[Row]:
        group = make_row("ad_group", guid="g1", name="Staff")
        return [group, *(Row("ad_member", ("g1", name.upper(), name)) for name in names)]

    first = load(store, "ad", members("cn=a", "cn=b"))
    second = load(store, "ad", members("cn=b", "cn=c"))
    third = load(store, "ad", members("cn=a", "cn=b"))
    found = ask(store, "changes_ad_member", before=first, after=third)
    assert sorted((row["member_dn"], row["change"], row["run_id"], row["group_name"]) for row in found) == [
        ("CN=A", "joined", third, "Staff"),
        ("CN=A", "left", second, "Staff"),
        ("CN=C", "joined", second, "Staff"),
        ("CN=C", "left", third, "Staff"),
    ]


# ---- parameters -----------------------------------------------------------------------------------------


def test_a_load_is_named_by_number_or_by_time_not_both_and_not_neither(store):
    load(store, "entra", [entra(1)])
    with pytest.raises(UsageError, match="as_of_entra_user needs the parameter run or at"):
        ask(store, "as_of_entra_user")
    with pytest.raises(UsageError, match="takes run or at, not both"):
        ask(store, "as_of_entra_user", run=1, at="2026-01-01")
    with pytest.raises(UsageError, match="parameter at is time, not 'yesterday'"):
        ask(store, "as_of_entra_user", at="yesterday")
    for given, why in (
        ({"run": "99999999999999999999"}, "parameter run is int, not '99999999999999999999'"),
        ({"run": "1_0"}, "parameter run is int, not '1_0'"),
        ({"run": ""}, "parameter run is int, not ''"),
        ({"at": "0001-01-01T00:00+14:00"}, "parameter at is time, not '0001-01-01T00:00"),
        ({"at": "9999-12-31T23:59-14:00"}, "parameter at is time, not '9999-12-31T23:59-14:00'"),
    ):
        with pytest.raises(UsageError, match=re.escape(why)):
            ask(store, "as_of_entra_user", **given)
    for nothing in ("", "  "):
        with pytest.raises(UsageError, match="parameter who is empty"):
            ask(store, "one_person", who=nothing)
    assert ask(store, "as_of_entra_user", at="2020-01-01T00:00:00Z") == []
    assert len(ask(store, "as_of_entra_user", at="2099-01-01")) == 1


def test_private_addresses_are_masked_unless_told(store):
    run = load(store, "entra", [entra(1, "ana@home.example")])
    statement = CATALOG.statement("as_of_entra_user_othermail")
    answer = query(store, statement, {"run": str(run)})
    (row,) = answer.rows
    assert "ana@home.example" not in row


@pytest.mark.parametrize("name", sorted(generated()))
def test_the_committed_queries_are_current(name):
    from recon.catalog import data_folder

    assert (data_folder("sql") / "queries" / name).read_text(encoding="utf-8") == generated()[name], "run: make sql"


def test_every_loaded_table_has_an_as_of_query_with_its_columns(store):
    for name, table in LOADED.items():
        answer = query(store, CATALOG.statement(f"as_of_{name}"), {"run": "1"})
        assert list(answer.rows) == []
        lost = {column.name for column in table.columns} - set(answer.columns)
        assert lost <= {"run_id", "row_hash", "loaded_at"}, name


def test_retention_counts_from_the_end_of_a_version():
    assert cutoff("2026-04-01 00:00:00.000000", 90) == "2026-01-01 00:00:00.000000"


def test_retention_reaches_no_further_back_than_time_itself():
    assert cutoff("2026-04-01 00:00:00.000000", 100_000) > "1752-01-01"
    for days in (740_000, 10**7, 10**12):
        assert cutoff("2026-04-01 00:00:00.000000", days) == "0001-01-01 00:00:00.000000"


@pytest.mark.parametrize(
    ("ended", "pruned", "reaches"),
    [
        (("2020-01-01", "2026-03-01", "2026-03-02", "2026-03-03"), 0, 1),
        (("2025-01-01", "2025-01-02", "2026-03-02", "2026-03-03"), 1, 2),
        # a clock that was years behind, or ahead, for one load
        (("2026-03-01", "2026-03-02", "2020-01-01", "2026-03-03"), 0, None),
        (("2026-03-01", "2026-03-02", "2026-03-03", "2020-01-01"), 0, None),
        (("2099-01-01", "2025-01-02", "2025-01-03", "2026-03-03"), 2, 3),
    ],
)
def test_a_clock_that_was_wrong_for_one_load_takes_no_younger_versions(store, ended, pruned, reaches):
    for number, day in enumerate(ended, 1):
        run = load(store, "entra", [entra(1, jobtitle=f"t{number}")], guards=LoadGuards(history_days=100_000))
        with store.write() as connection:
            connection.execute(
                update(load_run).where(load_run.c.run_id == run).values(finished_at=f"{day} 00:00:00.000000")
            )
            connection.execute(update(source).values(history_run=None))
    with store.write() as connection:
        removed = prune(connection, "2026-01-01 00:00:00.000000")
        assert removed == ([Removed("entra_user_history", pruned)] if pruned else [])
        assert connection.scalar(select(source.c.history_run)) == reaches


def test_rejects_are_kept_no_longer_than_history(store):
    bad = Row("load_reject", ("entra_user", None, 7, "no_id", "a user without a usable id"))
    runs = [load(store, "entra", [entra(1, jobtitle=f"t{number}"), bad]) for number in range(4)]
    ended = update(load_run).values(finished_at="2026-01-01 00:00:00.000000")
    with store.write() as connection:
        connection.execute(ended.where(load_run.c.run_id.in_(runs[:3])))
        dry = prune(connection, "2026-02-01 00:00:00.000000", is_dry=True)
        assert dry == prune(connection, "2026-02-01 00:00:00.000000")
        assert dry == [Removed("entra_user_history", 2), Removed("load_reject", 2)]
        left = connection.scalars(select(load_reject.c.run_id).order_by("run_id")).all()
    # history reaches back to the third load, so its rejects are told of with it
    assert left == runs[2:]


def test_prune_of_one_source_leaves_the_others(store):
    for name in ("one", "two"):
        load(store, "entra", [entra(1)], name=name)
        load(store, "entra", [entra(1, jobtitle="x")], name=name)
    with store.write() as connection:
        assert prune(connection, "2099-01-01 00:00:00.000000", 1) == [Removed("entra_user_history", 1)]
    assert kept(store) == {"entra_user": 1}
