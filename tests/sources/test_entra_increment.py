"""Increments of a tenant: what changed, in every form in which delta tells it, leads to what a full read gives."""

import pytest

from recon.decode.keys import EmployeeIdRules
from recon.errors import SourceError, WatermarkError
from recon.lab.graph import DeltaRules, Fault
from recon.objects import TABLES, Gone, Row
from recon.sources.entra import EntraReading
from recon.sources.entra_rows import USER_PROPERTIES
from tests.servers.scripted import ScriptedServer, json_reply
from tests.support.increments import Rows
from tests.support.tenant import TENANT, Reader, make_tenant, object_id, simulate
from tests.support.tenantsteps import Changes

ALL = ("users", "groups", "members", "deleted")


def read(simulator, since=None, **options):
    reader = Reader(simulator, **options)
    reader.read(since=since)
    return reader


def gone(reader):
    return [row for row in reader.rows if isinstance(row, Gone)]


def rows(reader, table):
    return [row for row in reader.rows if isinstance(row, Row) and row.table == table]


def column(row, name):
    return row.values[TABLES[row.table].position[name]]


def group_id(number):
    return object_id(10**6 + number)


def member(number):
    return {"@odata.type": "#microsoft.graph.user", "id": object_id(number)}


def test_nothing_changed_is_nothing_to_read():
    with simulate(make_tenant()) as simulator:
        first = read(simulator)
        second = read(simulator, first.reading.report.watermark)
    report = second.reading.report
    assert second.rows == []
    assert (first.reading.report.is_increment, report.is_increment) == (False, True)
    assert report.table("entra_user").server_count == 30
    assert report.table("entra_group").server_count == 5
    assert report.requests == 6
    assert report.watermark is not None


def test_a_changed_property_comes_with_what_is_set_and_leaves_the_rest_alone():
    with simulate(make_tenant()) as simulator:
        first = read(simulator, objects=("users",))
        simulator.change_user(TENANT, object_id(3), displayName="Ada", otherMails=[])
        second = read(simulator, first.reading.report.watermark, objects=("users",))
    (row,) = second.rows
    assert (column(row, "id"), column(row, "displayname"), column(row, "othermails_count")) == (object_id(3), "Ada", 0)
    # cleared is not absent; never set is
    assert {"displayname", "othermails_count", "entra_user_othermail", "is_synced"}.isdisjoint(row.absent)
    assert {"department", "employeeid", "employeeid_key", "usagelocation_known", "entra_user_license"} <= row.absent
    assert "entra_value_defect" not in row.absent


def test_a_new_user_looks_as_in_a_listing():
    with simulate(make_tenant()) as simulator:
        first = read(simulator, objects=("users",))
        new = {"id": object_id(99), "userPrincipalName": "new@contoso.example", "accountEnabled": True}
        simulator.create_user(TENANT, new)
        (row,) = read(simulator, first.reading.report.watermark, objects=("users",)).rows
        listed = next(row for row in read(simulator, objects=("users",)).rows if row.values[0] == object_id(99))
    assert row._replace(absent=frozenset()) == listed
    assert (column(row, "usagelocation_known"), column(row, "othermails_count"), column(row, "is_synced")) == (1, 0, 0)


def test_what_may_not_be_read_stays_unknown():
    permissions = ("User.ReadBasic.All",)
    with simulate(make_tenant(), permissions=permissions) as simulator:
        first = read(simulator, objects=("users",))
        simulator.create_user(TENANT, {"id": object_id(99), "userPrincipalName": "new@contoso.example"})
        (row,) = read(simulator, first.reading.report.watermark, objects=("users",)).rows
    assert (column(row, "usagelocation_known"), column(row, "othermails_count"), column(row, "is_guest")) == (
        0,
        None,
        None,
    )


def test_deleted_restored_and_purged():
    with simulate(make_tenant(), permissions=("User.Read.All", "Group.Read.All")) as simulator:
        first = read(simulator, objects=ALL)
        simulator.delete_user(TENANT, object_id(1))
        simulator.remove_user(TENANT, object_id(2))
        second = read(simulator, first.reading.report.watermark, objects=ALL)
        assert {row.key for row in gone(second) if row.table == "entra_user"} == {(object_id(1),), (object_id(2),)}
        assert [column(row, "id") for row in rows(second, "entra_deleted")] == [object_id(1)]
        assert second.reading.report.table("entra_deleted").is_whole
        assert not second.reading.report.table("entra_user").is_whole
        simulator.restore(TENANT, object_id(1))
        third = read(simulator, second.reading.report.watermark, objects=ALL)
    assert [column(row, "userprincipalname") for row in rows(third, "entra_user")] == ["user1@contoso.example"]
    assert rows(third, "entra_deleted") == []


def test_members_of_a_changed_group_are_read_anew_and_of_a_large_one_as_delta_tells():
    with simulate(make_tenant(1_200, 2, (3, 1_100))) as simulator:
        first = read(simulator, objects=("groups", "members"))
        simulator.remove_member(TENANT, group_id(0), object_id(0))
        simulator.remove_member(TENANT, group_id(1), object_id(0))
        simulator.add_member(TENANT, group_id(1), member(1_150))
        second = read(simulator, first.reading.report.watermark, objects=("groups", "members"))
    small, large = rows(second, "entra_group")
    assert (column(small, "member_count"), "member_count" in small.absent) == (2, False)
    assert (column(large, "member_count"), "member_count" in large.absent) == (None, True)
    assert [row.key for row in gone(second)] == [
        (group_id(0), object_id(0)),
        (group_id(1), object_id(0)),
        (group_id(0),),
    ]
    assert [row.values[:2] for row in rows(second, "entra_member")] == [
        (group_id(1), object_id(1_150)),
        (group_id(0), object_id(1)),
        (group_id(0), object_id(2)),
    ]


def test_of_a_large_group_with_another_name_one_member_is_asked_for():
    with simulate(make_tenant(1_200, 1, (1_100,))) as simulator:
        first = read(simulator, objects=("groups", "members"))
        simulator.change_group(TENANT, group_id(0), displayName="Other")
        second = read(simulator, first.reading.report.watermark, objects=("groups", "members"))
    assert [row.table for row in second.rows] == ["entra_group"]
    assert "member_count" in second.rows[0].absent
    assert second.reading.report.table("entra_member").pages == 1
    assert second.reading.report.bytes_read < 4_000


def test_hidden_members_that_may_not_be_read_are_said_again():
    with simulate(make_tenant()) as simulator:
        simulator.change_group(TENANT, group_id(0), visibility="HiddenMembership")
        first = read(simulator, objects=("groups", "members"))
        simulator.change_group(TENANT, group_id(0), displayName="Other")
        second = read(simulator, first.reading.report.watermark, objects=("groups", "members"))
    (row,) = rows(second, "entra_group")
    assert (column(row, "member_count"), "member_count" in row.absent) == (None, False)
    assert [row.values[3] for row in rows(second, "load_reject")] == ["hidden_membership"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("delta-reset"), "HTTP 410"),
        (Fault("expired-delta-token"), "syncStateNotFound"),
        (Fault("expired-delta-token", value=404), "syncStateNotFound"),
    ],
    ids=["410", "400", "404"],
)
def test_a_link_that_serves_no_more_needs_a_full_read(fault, reason):
    with simulate(make_tenant()) as simulator:
        first = read(simulator)
        simulator.add_fault(fault)
        with pytest.raises(WatermarkError, match=rf"GET /users/delta: {reason}.*no longer knows|{reason}"):
            read(simulator, first.reading.report.watermark)


def test_a_watermark_of_other_objects_or_over_seven_days_old_is_none():
    with simulate(make_tenant()) as simulator:
        mark = read(simulator, objects=("users",)).reading.report.watermark
        with pytest.raises(WatermarkError, match="other objects"):
            read(simulator, mark, objects=("users", "groups"))
        reader = Reader(simulator, objects=("users",))
        now = reader.client.patience.clock()
        reader.client.patience.clock = lambda: now + 7 * 86_400 + 60
        with pytest.raises(WatermarkError, match="older than the 7 days"):
            reader.read(since=mark)
    for text in ("", "[]", "{}", '{"format": 2}', "\x00"):
        with pytest.raises(WatermarkError):
            read(simulator, text, objects=("users",))


def test_the_watermark_is_taken_before_the_listing_begins():
    with simulate(make_tenant()) as simulator:
        reader = Reader(simulator, objects=("users",), page_size=10)
        reading = EntraReading(reader.source, reader.client, EmployeeIdRules())
        listed = reading.rows()
        next(listed)
        simulator.change_user(TENANT, object_id(0), displayName="Changed meanwhile")
        list(listed)
        reader.client.close()
        second = read(simulator, reading.report.watermark, objects=("users",))
    assert [column(row, "displayname") for row in second.rows] == ["Changed meanwhile"]


def test_where_delta_is_refused_the_next_load_is_a_full_one():
    def answer(heard):
        if heard.path.endswith("/token"):
            return json_reply({"access_token": "t"})
        if "/delta?" in heard.path:
            return json_reply({"error": {"code": "Request_UnsupportedQuery"}}, 400)
        return json_reply({"@odata.count": 1, "value": [dict.fromkeys(USER_PROPERTIES) | {"id": object_id(1)}]})

    with ScriptedServer(answer) as server:
        reader = read(server, objects=("users",))
    assert len(reader.rows) == 1
    assert reader.reading.report.watermark is None
    assert reader.reading.report.warnings == [
        "the next load will be a full one: GET /users/delta: HTTP 400 Request_UnsupportedQuery"
    ]


def test_a_delta_link_that_leads_elsewhere_is_not_followed():
    with simulate(make_tenant()) as simulator:
        mark = read(simulator, objects=("users",)).reading.report.watermark
        with pytest.raises(SourceError, match="another host"):
            read(simulator, mark.replace(simulator.url, "http://127.0.0.1:9"), objects=("users",))


def differences(one, other):
    found = []
    for name in ("objects", "links"):
        left, right = getattr(one, name), getattr(other, name)
        for table in left.keys() | right.keys():
            mine, theirs = left.get(table, {}), right.get(table, {})
            found += [(table, key, mine.get(key), theirs.get(key)) for key in mine.keys() | theirs.keys()
                      if mine.get(key) != theirs.get(key)]  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(2))
def test_increments_after_random_changes_give_what_a_full_read_gives(seed):
    faults = [
        Fault("duplicated-page", match="/delta", probability=0.2, times=None),
        Fault("empty-page", match="/delta", probability=0.1, times=None),
        Fault("delta-reset", probability=0.03, times=None),
        Fault("503", probability=0.02, times=None),
    ]
    rules = DeltaRules(page=4, members=3, replay=5)
    with simulate(make_tenant(), *faults, delta=rules, seed=seed) as simulator:
        changes = Changes(simulator, seed)
        tables, mark, resets = Rows(), None, 0
        for number in range(25):
            reader = Reader(simulator, objects=ALL)
            try:
                reader.read(since=mark)
            except WatermarkError:
                resets += 1
                reader = read(simulator, objects=ALL)
            report = reader.reading.report
            if not report.is_increment:
                tables = Rows()
            tables.take(reader.rows, report)
            mark = report.watermark
            fresh = read(simulator, objects=ALL)
            full = Rows()
            full.take(fresh.rows, fresh.reading.report)
            assert differences(tables, full) == [], number
            for _ in range(changes.random.choice([1, 1, 1, 4])):
                changes.step()
        assert resets < 20
