"""Increments of Active Directory: after any step, the tables equal what a full read gives."""

import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from recon.config import AdSource
from recon.decode.guid import guid_text
from recon.decode.keys import EmployeeIdRules
from recon.errors import SourceError, WatermarkError
from recon.lab.adchanges import Changes
from recon.lab.adfaults import AdFault
from recon.lab.adschema import dn_rdns
from recon.lab.adserver import AdServer, AdSettings
from recon.objects import TABLES, Gone, Row
from recon.sources.ldap.exchange import Search
from recon.sources.ldap.reading import AdReading
from recon.sources.ldap.session import Session
from recon.store import Store
from recon.store.check import check
from recon.store.load import Load
from recon.store.runs import register_source
from recon.store.tables import LOADED
from tests.support.adsteps import BASE, Held, Steps, domain

IDS = EmployeeIdRules()
WAYS = {"usn": "reader", "dirsync": "replicator"}
USER = {
    "objectClass": [b"top", b"person", b"user"], "sAMAccountType": [b"805306368"], "userAccountControl": [b"512"]
}  # fmt: skip


def reading(server: AdServer, since: str | None = None, user: str = "reader", **settings: object) -> AdReading:
    given = {
        "url": server.url, "user": f"{user}@contoso.example", "tls": "none", "allow_plain_bind": True, **settings
    }  # fmt: skip
    return AdReading(AdSource(**given), "right", IDS, since=since, pause=[].append)


def full(server: AdServer, user: str = "reader", **settings: object) -> tuple[Held, str | None]:
    held = Held()
    read = reading(server, None, user, **settings)
    held.take(read.rows(), read.report)
    return held, read.report.watermark


ALL: dict[str, object] = {}
CASES = [
    *((way, settings, ()) for way in WAYS for settings in (
        ALL, {"bases": (f"OU=People,{BASE}",)}, {"objects": ("users", "groups")}, {"objects": ("groups",)},
    )),
    ("usn", ALL, ("replpropertymetadata",)),
    ("dirsync", ALL, ("replpropertymetadata",)),
]  # fmt: skip


@pytest.mark.parametrize(("way", "settings", "hidden"), CASES)
def test_after_each_step_the_tables_equal_a_full_read(way: str, settings: dict[str, object], hidden: tuple[str, ...]):
    changes = domain(max_val_range=4)
    server_settings = AdSettings(hidden_attributes=frozenset(hidden), max_dirsync_objects=3)
    with AdServer(changes.directory, settings=server_settings) as server:
        steps = Steps(changes, seed=3)
        for _ in range(30):
            steps.step()
        held, since = full(server, WAYS[way], **settings)
        increments = 0
        for number in range(40):
            for _ in range(number % 3 + 1):
                steps.step()
            read = reading(server, since, WAYS[way], **settings)
            after = Held(held)
            try:
                after.take(read.rows(), read.report)
            except WatermarkError:
                held, since = full(server, WAYS[way], **settings)
                continue
            since, held = read.report.watermark, after
            increments += 1
            expected, _ = full(server, WAYS[way], increment="off", **settings)
            assert held.described() == expected.described(), steps.log[-3:]
        assert increments > 20


# ---- one thing at a time --------------------------------------------------------------------------------


@pytest.fixture
def company() -> Iterator[tuple[Changes, AdServer]]:
    """Ada manages Bob; both are in the group All."""
    changes = domain(max_val_range=3)
    for name in ("Ada", "Bob", "Cleo"):
        changes.add(f"CN={name},OU=People,{BASE}", {**USER, "sAMAccountName": [name.encode()]})
    people = [f"CN={name},OU=People,{BASE}".encode() for name in ("Ada", "Bob")]
    changes.add(f"CN=All,OU=Groups,{BASE}", {"objectClass": [b"top", b"group"], "member": people})
    changes.modify(f"CN=Bob,OU=People,{BASE}", {"manager": people[:1]})
    with AdServer(changes.directory) as server:
        yield changes, server


def full_while(
    server: AdServer, user: str, table: str, act: Callable[[], None], **settings: object
) -> tuple[Held, str]:
    """A full read; `act` is done once, when the first row of `table` has come."""
    read, held, rows = reading(server, None, user, **settings), Held(), []
    for row in read.rows():
        rows.append(row)
        if [one.table for one in rows].count(table) == 1 and row.table == table:
            act()
    held.take(rows, read.report)
    assert read.report.watermark is not None
    return held, read.report.watermark


RENAMES = {
    "between two kinds": ("ad_group", "CN=PC,OU=Sales,OU=People", "CN=PC2,OU=Sales,OU=People"),
    "between two pages": ("ad_user", "CN=Cleo,OU=People", "CN=Cleopatra,OU=People"),
    "its unit": ("ad_group", "OU=Sales,OU=People", "OU=Vendors,OU=People"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", RENAMES)
def test_a_rename_while_everything_is_read_is_followed_by_the_next_increment(
    company: tuple[Changes, AdServer], way: str, what: str
):
    changes, server = company
    table, old, new = RENAMES[what]
    machine = f"CN=PC,OU=Sales,OU=People,{BASE}"
    account = {"sAMAccountType": [b"805306369"], "userAccountControl": [b"4096"]}
    changes.add(machine, {"objectClass": [b"top", b"person", b"user", b"computer"], **account})
    changes.modify(f"CN=All,OU=Groups,{BASE}", {"member": [machine.encode()]})
    changes.modify(f"CN=Ada,OU=People,{BASE}", {"manager": [f"CN=Cleo,OU=People,{BASE}".encode()]})
    rename = partial(changes.rename, f"{old},{BASE}", f"{new},{BASE}")
    held, since = full_while(server, WAYS[way], table, rename, page_size=1)
    expected, _ = full(server, increment="off")
    assert held.described() != expected.described()
    older = {name: value for name, value in json.loads(since).items() if name != "is_after_full"}
    for mark in (since, json.dumps(older)):
        read, after = reading(server, mark, WAYS[way]), Held(held)
        after.take(read.rows(), read.report)
        assert after.described() == expected.described()
    assert read.report.watermark is not None
    assert json.loads(read.report.watermark)["is_after_full"] is False


def guid_of(changes: Changes, dn: str) -> bytes:
    place = changes.directory.find(dn_rdns(dn))
    assert place is not None
    return changes.directory.values(place, "objectGUID")[0]


def told(read: AdReading) -> list[tuple[str, object]]:
    """(table, cn of a row or guid of what is gone), in order."""
    place = TABLES["ad_user"].position["cn"]
    return [
        (f"-{row.table}", row.key[0])
        if isinstance(row, Gone)
        else (row.table, row.values[place if row.table != "ad_member" else 1])
        for row in read.rows()
    ]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_changed_is_nothing_told(company: tuple[Changes, AdServer], way: str):
    _, server = company
    _, since = full(server, WAYS[way])
    read = reading(server, since, WAYS[way])
    assert told(read) == []
    assert read.report.is_increment
    assert read.report.watermark is not None
    assert json.loads(read.report.watermark)["way"] == way


@pytest.mark.parametrize("way", WAYS)
def test_one_changed_user_costs_one_row(company: tuple[Changes, AdServer], way: str):
    changes, server = company
    _, since = full(server, WAYS[way])
    changes.modify(f"CN=Bob,OU=People,{BASE}", {"title": [b"Pilot"]})
    guid = guid_text(
        changes.directory.values(changes.directory.find(dn_rdns(f"CN=Bob,OU=People,{BASE}")), "objectGUID")[0]
    )
    assert told(reading(server, since, WAYS[way])) == [("-ad_computer", guid), ("ad_user", "Bob")]


def test_what_dirsync_tells_is_read_again_in_its_own_table_alone(company: tuple[Changes, AdServer]):
    changes, server = company
    _, since = full(server, WAYS["dirsync"])
    for name in ("Ada", "Cleo"):
        changes.modify(f"CN={name},OU=People,{BASE}", {"description": [b"new"]})
    server.log.searches.clear()
    rows = [row for row in told(reading(server, since, WAYS["dirsync"])) if not row[0].startswith("-")]
    assert sorted(rows) == [("ad_user", "Ada"), ("ad_user", "Cleo")]
    asked = [seen.filter for seen in server.log.searches if "objectguid=" in seen.filter.lower()]
    assert [text.endswith("(sAMAccountType=805306368))") for text in asked] == [False, True]  # a look, and the users


def test_members_of_a_large_group_are_taken_as_dirsync_tells_them(company: tuple[Changes, AdServer]):
    changes, server = company
    group = f"CN=All,OU=Groups,{BASE}"
    everybody = [f"CN={name},OU=People,{BASE}".encode() for name in ("Ada", "Bob", "Cleo")]
    crowd = [f"OU={unit},{BASE}".encode() for unit in ("People", "Groups", "Elsewhere")]
    changes.modify(group, {"member": [*everybody, *crowd]})
    _, since = full(server, "replicator")
    changes.modify(group, {"member": [*everybody[1:], *crowd, f"OU=Sales,OU=People,{BASE}".encode()]})
    server.log.searches.clear()
    rows = list(reading(server, since, "replicator").rows())
    (guid,) = {row.values[0] for row in rows if row.table == "ad_group"}
    assert [row for row in rows if row.table == "ad_member"] == [
        Gone("ad_member", (guid, f"cn=ada,ou=people,{BASE.lower()}")),
        Row("ad_member", (guid, f"OU=Sales,OU=People,{BASE}", f"ou=sales,ou=people,{BASE.lower()}")),
    ]
    assert [row.absent for row in rows if row.table == "ad_group"] == [frozenset({"member_count"})]
    assert not [name for seen in server.log.searches for name in seen.attributes if ";range=" in name]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "is_read"), [("publicFolder", True), ("msExchDynamicDistributionList", True), ("printQueue", False)]
)
def test_a_deleted_member_of_another_class_is_one_no_longer(
    company: tuple[Changes, AdServer], way: str, name: str, is_read: bool
):
    changes, server = company
    dn, group = f"CN=Other,OU=People,{BASE}", f"CN=All,OU=Groups,{BASE}"
    classes = [b"top", *([] if is_read else [b"leaf", b"connectionPoint"]), name.encode()]
    changes.add(dn, {"objectClass": classes})
    if is_read:
        changes.modify(group, {"member": [dn.encode(), f"CN=Ada,OU=People,{BASE}".encode()]})
    held, since = full(server, WAYS[way])
    changes.delete(dn)
    read = reading(server, since, WAYS[way])
    held.take(read.rows(), read.report)
    assert read.report.table("ad_group").is_whole == is_read
    expected, _ = full(server, increment="off")
    assert held.described() == expected.described()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_recycled", [True, False], ids=["recycled", "made and deleted between two loads"])
def test_what_was_no_member_at_the_last_load_reads_no_group_again(
    company: tuple[Changes, AdServer], way: str, is_recycled: bool
):
    changes, server = company
    dn = f"OU=Other,{BASE}"
    unit = {"objectClass": [b"top", b"organizationalUnit"]}
    if is_recycled:
        changes.add(dn, unit)
        changes.delete(dn)
    held, since = full(server, WAYS[way])
    if is_recycled:
        (gone,) = (one.name() for one in changes.directory.entries if one.is_deleted and "Other" in one.name())
        changes.modify(gone, {"isRecycled": [b"TRUE"]})
    else:
        changes.add(dn, unit)
        changes.delete(dn)
    read = reading(server, since, WAYS[way])
    held.take(read.rows(), read.report)
    assert not read.report.table("ad_group").is_whole
    expected, _ = full(server, increment="off")
    assert held.described() == expected.described()


def test_a_number_of_thousands_of_digits_is_refused(company: tuple[Changes, AdServer]):
    changes, server = company
    _, since = full(server)
    changes.modify(f"CN=Bob,OU=People,{BASE}", {"userAccountControl": [b"9" * 5_000]})
    changes.delete(f"CN=Bob,OU=People,{BASE}")
    with pytest.raises(SourceError, match="useraccountcontrol is no number: 5000 characters long"):
        list(reading(server, since).rows())


@pytest.mark.parametrize("was_member", [False, True])
def test_of_a_member_that_dirsync_tells_twice_the_last_word_counts(monkeypatch: pytest.MonkeyPatch, was_member: bool):
    changes = domain(max_val_range=3)
    names = [f"CN=P{number},OU=People,{BASE}" for number in range(6)]
    for name in names:
        changes.add(name, {**USER, "sAMAccountName": [name[3:5].encode()]})
    group, other = f"CN=All,OU=Groups,{BASE}", f"CN=P0,OU=People,{BASE}"
    crowd = [name.encode() for name in names]
    before, meanwhile = (crowd, crowd[:-1]) if was_member else (crowd[:-1], crowd)
    changes.add(group, {"objectClass": [b"top", b"group"], "member": before})
    ask, answers = Session.ask, []

    def asked(self: Session, search: Search) -> object:
        found = ask(self, search)
        if found[0].dirsync is not None and found[1]:
            answers.append(found)
            if len(answers) == 1:  # between the first answer of the call and the second
                changes.modify(group, {"member": before})
        return found

    with AdServer(changes.directory, settings=AdSettings(max_dirsync_objects=1)) as server:
        held, since = full(server, "replicator")
        changes.modify(group, {"member": meanwhile})
        changes.modify(other, {"description": [b"x"]})
        monkeypatch.setattr(Session, "ask", asked)
        read = reading(server, since, "replicator")
        held.take(read.rows(), read.report)
        expected, _ = full(server, increment="off")
    assert len(answers) == 3
    assert held.described() == expected.described()


@pytest.mark.parametrize("reader", ["own", "ldap3"])
@pytest.mark.parametrize("what", ["removed", "deleted", "added"])
def test_members_that_change_between_two_ranges_are_read_once_more(tmp_path: Path, reader: str, what: str):
    changes = domain(max_val_range=4)
    names = [f"CN=m{n:02},OU=People,{BASE}" for n in range(11)]
    for name in names:
        changes.add(name, {**USER, "sAMAccountName": [name.encode()]})
    group = f"CN=Crowd,OU=Groups,{BASE}"
    changes.add(group, {"objectClass": [b"top", b"group"], "member": [name.encode() for name in names[1:]]})
    with AdServer(changes.directory) as server:
        read = reading(server, objects=("groups",), reader=reader)
        held, seen = [], 0
        for row in read.rows():
            held.append(row)
            seen += row.table == "ad_member"
            if seen == 1 and row.table == "ad_member" and isinstance(row, Row):
                match what:
                    case "removed":
                        changes.modify(group, {"member": [name.encode() for name in (names[1], *names[3:])]})
                    case "deleted":
                        changes.delete(names[2])
                    case "added":
                        changes.modify(group, {"member": [name.encode() for name in names]})
    with Store.open(f"sqlite:///{tmp_path / 'x.db'}") as store:
        source_id = register_source(store, "ad", "ad")
        with Load(store, source_id, "ad", ("ad_group", "ad_member")) as load:
            for row in held:
                load.add(row)
            load.publish(read.report)
        members, groups = LOADED["ad_member"].c, LOADED["ad_group"].c
        with store.read() as connection:
            found = set(connection.scalars(select(members.member_key)))
            counts = connection.scalars(select(groups.member_count).where(groups.cn == "Crowd")).all()
        assert all(each.is_intact for each in check(store))
    expected = {name.lower() for name in (names if what == "added" else (names[1], *names[3:]))}
    assert (found, counts) == (expected, [len(expected)])


def test_an_account_that_may_not_see_deletions_gets_no_increment(company: tuple[Changes, AdServer]):
    _, server = company
    read = reading(server, None, "ordinary")
    assert len(list(read.rows())) == 6
    assert read.report.watermark is None
    (warning,) = read.report.warnings
    assert warning.startswith("the next load will be a full one too: deleted objects cannot be read; let the account")
    assert f'dsacls "CN=Deleted Objects,{BASE}" /G' in warning
    _, since = full(server)
    with pytest.raises(WatermarkError, match="deleted objects can no longer be read") as refused:
        list(reading(server, since, "ordinary").rows())
    assert refused.value.hint is not None
    assert "dsacls" in refused.value.hint


def test_dirsync_needs_its_right(company: tuple[Changes, AdServer]):
    _, server = company
    read = reading(server, None, "reader", increment="dirsync")
    list(read.rows())
    assert read.report.watermark is None
    assert "'Replicating Directory Changes'" in read.report.warnings[0]
    _, since = full(server, "replicator")
    with pytest.raises(WatermarkError, match="DirSync is no longer allowed"):
        list(reading(server, since, "reader").rows())


def test_a_restored_or_another_controller_means_a_full_read(company: tuple[Changes, AdServer]):
    changes, server = company
    _, since = full(server)
    for way in WAYS:
        _, since = full(server, WAYS[way])
        changes.directory.add_controller("dc1", uuid.uuid4())
        reason = "was restored or set up anew" if way == "usn" else "does not take the DirSync cookie"
        with pytest.raises(WatermarkError, match=reason):
            list(reading(server, since, WAYS[way]).rows())
    _, since = full(server)
    with (
        AdServer(changes.directory, settings=AdSettings(host="dc2")) as other,
        pytest.raises(WatermarkError, match=r"read dc1\.contoso\.example .* dc2\.contoso\.example is another one"),
    ):
        list(reading(other, since).rows())
    changes.directory.highest_usn -= 1
    with pytest.raises(WatermarkError, match="it was set back"):
        list(reading(server, since).rows())


@pytest.mark.parametrize(
    "settings",
    [{"objects": ("users",)}, {"bases": (f"OU=People,{BASE}",)}, {"attributes": ("wWWHomePage",)}],
)
def test_another_configuration_means_a_full_read(company: tuple[Changes, AdServer], settings: dict[str, object]):
    _, server = company
    _, since = full(server)
    with pytest.raises(WatermarkError, match="what is read, or how, has changed"):
        list(reading(server, since, **settings).rows())


@pytest.mark.parametrize("text", ["", "usn=5", "[]", '{"way": "usn"}', "{" * 5000])
def test_a_watermark_that_is_none_means_a_full_read(company: tuple[Changes, AdServer], text: str):
    _, server = company
    with pytest.raises(WatermarkError, match="cannot be read"):
        list(reading(server, text).rows())


def test_attributes_that_change_without_a_sign_allow_no_increment(company: tuple[Changes, AdServer]):
    _, server = company
    read = reading(server, attributes=("wWWHomePage", "memberOf"))
    list(read.rows())
    assert read.report.watermark is None
    (warning,) = read.report.warnings
    assert "[ad] attributes names memberOf, which can change without a sign at the object" in warning


def test_a_restore_without_the_recycle_bin_means_a_full_read():
    changes = domain(has_recycle_bin=False)
    dn = f"CN=Ada,OU=People,{BASE}"
    changes.add(dn, USER)
    guid = guid_of(changes, dn)
    with AdServer(changes.directory) as server:
        changes.delete(dn)
        _, since = full(server)
        changes.restore(guid)
        with pytest.raises(WatermarkError, match="was restored without the Recycle Bin"):
            list(reading(server, since).rows())


@pytest.mark.parametrize("kind", ["drop", "reset", "truncate"])
@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS)
def test_a_lost_connection_within_an_increment(company: tuple[Changes, AdServer], way: str, page: int, kind: str):
    changes, server = company
    held, since = full(server, WAYS[way])
    changes.rename(f"CN=Ada,OU=People,{BASE}", f"CN=Ada,OU=Elsewhere,{BASE}")
    changes.delete(f"CN=Cleo,OU=People,{BASE}")
    server.faults.add(AdFault(kind, page=server_pages(server) + page))
    read = reading(server, since, WAYS[way])
    held.take(read.rows(), read.report)
    assert read.report.warnings == ["the connection was lost and opened again 1 times"]
    expected, _ = full(server, increment="off")
    assert held.described() == expected.described()


def server_pages(server: AdServer) -> int:
    """Pages answered so far: searches that are no base searches."""
    return sum(seen.scope != "base" for seen in server.log.searches)
