"""A tenant read over sockets from the simulator, faults included: all rows right, or an error."""

import json

import pytest

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError, SignInError, SourceError, TransientError
from recon.lab.graph import Fault
from recon.objects import TABLES, Gone
from recon.sources.entra import EntraReading, tables_of
from recon.sources.entra_ndjson import NdjsonReading
from recon.sources.entra_rows import USER_PROPERTIES
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source
from tests.servers.scripted import Reply, ScriptedServer, json_reply
from tests.support.tenant import Reader, make_tenant, object_id, simulate

USERS = [(object_id(place),) for place in range(30)]
GROUPS = sorted((object_id(10**6 + n),) for n in range(5))
MEMBERS = sorted((object_id(10**6 + n), object_id(place)) for n in range(5) for place in range(3))


def column(row, name):
    return row.values[TABLES[row.table].position[name]]


def test_reads_users_groups_and_members():
    with simulate(make_tenant()) as simulator:
        reader = Reader(simulator)
        reader.read()
        requests = simulator.requests
    assert reader.keys("entra_user") == USERS
    assert reader.keys("entra_group") == GROUPS
    assert reader.keys("entra_member") == MEMBERS
    assert [column(row, "member_count") for row in reader.rows if row.table == "entra_group"] == [3] * 5
    assert {row.values[2] for row in reader.rows if row.table == "entra_member"} == {"user"}
    report = reader.reading.report
    assert report.warnings == []
    assert report.requests == len(requests) == 5
    assert report.bytes_read > 1000
    assert {name: proof.server_count for name, proof in report.tables.items()} == {
        "entra_user": 30,
        "entra_group": 5,
        "entra_member": None,
    }
    assert len(requests[4].items) == 5


def test_pages_of_any_size_give_the_same():
    with simulate(make_tenant()) as simulator:
        reader = Reader(simulator, page_size=7)
        reader.read()
        assert len(simulator.requests) == 2 + 5 + 1 + 1
    assert reader.keys("entra_user") == USERS
    assert reader.reading.report.table("entra_user").pages == 5


def test_large_groups_are_followed_among_the_small_ones():
    with simulate(make_tenant(2_500, 45, (2_500, 1, 0))) as simulator:
        reader = Reader(simulator, objects=("groups", "members"))
        reader.read()
        batches = [len(request.items) for request in simulator.requests[2:]]
    assert max(batches) == 20
    assert len(reader.keys("entra_member")) == len(set(reader.keys("entra_member"))) == 15 * 2_501
    counts = [column(row, "member_count") for row in reader.rows if row.table == "entra_group"]
    assert counts == [2_500, 1, 0] * 15


def test_only_what_is_wanted_is_read():
    with simulate(make_tenant()) as simulator:
        users = Reader(simulator, objects=("users",))
        users.read()
        groups = Reader(simulator, objects=("groups",))
        groups.read()
        members = Reader(simulator, objects=("members",))
        members.read()
    assert {row.table for row in users.rows} == {"entra_user"}
    assert {row.table for row in groups.rows} == {"entra_group"}
    assert {column(row, "member_count") for row in groups.rows} == {None}
    assert {row.table for row in members.rows} == {"entra_member"}
    assert "entra_user_othermail" in tables_of(users.source)
    assert tables_of(groups.source) == ("entra_group", "entra_group_proxyaddress")
    assert tables_of(members.source) == ("entra_member",)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("503", at=4),
        Fault("503", at=5, value=5),
        Fault("503-mid", at=4),
        Fault("504", at=4),
        Fault("429", at=4, value=7),
        Fault("429-decimal", at=4),
        Fault("429-none", at=4, times=3),
        Fault("409", at=4),
        Fault("401", at=4),
        Fault("reset", at=4),
        Fault("reset-after", at=4),
        Fault("truncated", at=4),
        Fault("424", match="batch"),
        Fault("429", match="/members", times=4),
        Fault("503", match="/members", times=2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.match or fault.at}",
)
def test_what_passes_leaves_no_trace_in_the_rows(fault):
    with simulate(make_tenant(), fault) as simulator:
        reader = Reader(simulator, page_size=10)
        reader.read()
        assert any(request.fault for request in simulator.requests) or fault.match
    assert reader.keys("entra_user") == USERS
    assert reader.keys("entra_group") == GROUPS
    assert reader.keys("entra_member") == MEMBERS
    assert reader.reading.report.table("entra_user").server_count == 30


@pytest.mark.parametrize("kind", ["empty-page", "duplicated-page"])
def test_odd_pages_are_followed(kind):
    with simulate(make_tenant(), Fault(kind, at=4)) as simulator:
        reader = Reader(simulator, page_size=10)
        reader.read()
    assert sorted(set(reader.keys("entra_user"))) == USERS
    assert reader.reading.report.table("entra_user").server_count == 30


def test_a_shifted_page_is_told_by_the_count():
    with simulate(make_tenant(), Fault("shifted-page", at=2)) as simulator:
        reader = Reader(simulator, page_size=10, objects=("users",))
        reader.read()
    assert len(reader.keys("entra_user")) == 30
    assert len(set(reader.keys("entra_user"))) == 29
    # 29 distinct rows against 30 counted ones: the store refuses this read
    assert reader.reading.report.table("entra_user").server_count == 30


@pytest.mark.parametrize("kind", ["shifted-page", "duplicated-page", "expired-page-token", "empty-page"])
def test_odd_pages_of_members_are_read_again(kind):
    with simulate(make_tenant(2_500, 1, (2_500,)), Fault(kind, match="/members")) as simulator:
        reader = Reader(simulator, objects=("groups", "members"))
        reader.read()
    assert len(set(reader.keys("entra_member"))) == 2_500
    assert [column(row, "member_count") for row in reader.rows if row.table == "entra_group"] == [2_500]
    assert reader.reading.report.warnings == []


def test_an_expired_page_token_begins_the_listing_again():
    with simulate(make_tenant(), Fault("expired-page-token", at=4)) as simulator:
        reader = Reader(simulator, page_size=10, objects=("users",))
        reader.read()
        assert len(simulator.requests) == 1 + 3 + 3
    assert sorted(set(reader.keys("entra_user"))) == USERS
    assert reader.reading.report.table("entra_user").server_count == 30
    assert reader.reading.report.warnings == ["the listing of users was begun again: its page token had expired"]


def test_a_token_that_always_expires_ends_the_read():
    with simulate(make_tenant(), Fault("expired-page-token", times=None)) as simulator:
        reader = Reader(simulator, page_size=10)
        with pytest.raises(SourceError, match=r"GET /users: the page token expired 4 times"):
            reader.read()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Fault("503", match="users\\?", times=None),
            r"GET /users: HTTP 503.*; gave up after 4 tries and 7 s of waiting",
        ),
        (Fault("reset", at=4, times=None), r"GET /users: the connection was lost.*gave up after 4 tries"),
        (Fault("truncated", at=4, times=None), r"the answer was cut off or is not JSON; gave up"),
        (Fault("429", match="/members", times=None, value=2), r"GET /groups/.*/members: HTTP 429"),
    ],
    ids=["503", "reset", "truncated", "429 member"],
)
def test_what_does_not_pass_ends_the_read(fault, message):
    with simulate(make_tenant(), fault) as simulator:
        reader = Reader(simulator, page_size=10)
        with pytest.raises(TransientError, match=message):
            reader.read()


def test_waiting_is_said():
    with simulate(make_tenant(), Fault("429", at=1, value=7, times=2)) as simulator:
        reader = Reader(simulator)
        reader.read()
    assert reader.slept == [7, 7]
    assert reader.reading.report.warnings == ["Graph asked to wait 2 times, 14 s in all"]


def test_a_right_that_is_missing_for_a_property_leaves_it_unknown():
    permissions = ("User.ReadBasic.All", "GroupMember.Read.All")
    with simulate(make_tenant(), permissions=permissions) as simulator:
        reader = Reader(simulator)
        reader.read()
    user = next(row for row in reader.rows if row.table == "entra_user")
    assert column(user, "othermails_count") is None
    assert column(user, "usagelocation_known") == 0
    assert column(user, "is_enabled") is None
    (warning,) = reader.reading.report.warnings
    assert warning.startswith("in no user, so unknown and not empty (no right to read?): accountEnabled, ageGroup,")
    assert "otherMails" in warning
    assert "displayName" not in warning


def test_the_leave_date_alone_is_missing_without_its_own_right():
    with simulate(make_tenant(), permissions=("User.Read.All", "Group.Read.All")) as simulator:
        reader = Reader(simulator)
        reader.read()
    assert reader.reading.report.warnings == [
        "in no user, so unknown and not empty (no right to read?): employeeLeaveDateTime"
    ]


@pytest.mark.parametrize(
    ("permissions", "needed"),
    [((), "User.Read.All"), (("Group.Read.All",), "User.Read.All"), (("User.Read.All",), "Group.Read.All")],
)
def test_a_right_that_is_missing_for_a_listing_is_named(permissions, needed):
    with simulate(make_tenant(), permissions=permissions) as simulator:
        reader = Reader(simulator)
        with pytest.raises(AccessError) as caught:
            reader.read()
    assert needed in caught.value.hint


def test_a_wrong_secret_is_refused_once():
    with simulate(make_tenant()) as simulator:
        reader = Reader(simulator)
        reader.client._credential._secret = "falsch"
        with pytest.raises(SignInError, match="sign-in refused: invalid_client"):
            reader.read()
        assert simulator.token_requests == 1
    assert reader.slept == []


def test_an_empty_tenant_is_read_to_its_end():
    with simulate(make_tenant(0, 0)) as simulator:
        reader = Reader(simulator)
        assert reader.read() == []
    assert reader.reading.report.table("entra_user").server_count == 0
    assert reader.reading.report.warnings == []


def test_a_user_who_comes_while_we_read_is_no_loss():
    with simulate(make_tenant()) as simulator:
        reader = Reader(simulator, page_size=10, objects=("users",))
        reading = EntraReading(reader.source, reader.client, EmployeeIdRules())
        rows = reading.rows()
        seen = [next(rows) for _ in range(5)]
        simulator.remove_user(reader.source.tenant_id, object_id(29))
        seen += list(rows)
        reader.client.close()
    assert len(seen) == 29
    assert reading.report.table("entra_user").server_count == 29


def test_twenty_thousand_users_take_at_most_twenty_five_requests():
    with simulate(make_tenant(20_000, 0)) as simulator:
        reader = Reader(simulator, objects=("users",))
        assert len(reader.read()) == 20_000
        assert len(simulator.requests) == 22


class Graph:
    """Answers by path; the members of each group by a list of answers, the last one again and again."""

    def __init__(self, groups, members):
        self.groups = groups
        self.members = {group_id: list(answers) for group_id, answers in members.items()}
        self.asked = []

    def __call__(self, heard):
        if heard.path.endswith("/token"):
            return json_reply({"access_token": "t"})
        if "/delta?" in heard.path:
            return json_reply({"@odata.deltaLink": "link", "value": []})
        if heard.path.startswith("/v1.0/groups?"):
            return json_reply({"@odata.count": len(self.groups), "value": self.groups})
        responses = []
        for item in json.loads(heard.body)["requests"]:
            self.asked.append(item["url"])
            answers = self.members[item["url"].split("/")[2]]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            responses.append({"id": item["id"], **answer})
        return json_reply({"responses": responses})


def page(count, *numbers, link=None):
    body = {"@odata.count": count, "value": [{"id": object_id(number)} for number in numbers]}
    return {"status": 200, "body": body if link is None else {**body, "@odata.nextLink": link}}


def read_groups(members, groups=None, save=None):
    graph = Graph(groups or [{"id": group_id} for group_id in members], members)
    with ScriptedServer(graph) as server:
        reader = Reader(server, objects=("groups", "members"))
        reader.graph = graph
        reader.read(save=save)
    return reader


def test_a_group_that_vanished_is_rejected_and_the_rest_read():
    gone = {"status": 404, "body": {"error": {"code": "Request_ResourceNotFound"}}}
    reader = read_groups({"g1": [page(1, 1)], "g2": [gone], "g3": [page(2, 1, 2)]})
    assert reader.keys("entra_member") == [("g1", object_id(1)), ("g3", object_id(1)), ("g3", object_id(2))]
    assert [column(row, "member_count") for row in reader.rows if row.table == "entra_group"] == [1, None, 2]
    (rejected,) = [row.values for row in reader.rows if row.table == "load_reject"]
    assert rejected == ("entra_member", "g2", None, "group_gone", "deleted while the tenant was read")
    assert reader.reading.report.warnings[0] == ("members of group g2 are not read: deleted while the tenant was read")


def test_hidden_membership_is_rejected_and_other_refusals_end_the_read():
    refused = {"status": 403, "body": {"error": {"code": "Authorization_RequestDenied"}}}
    hidden = [{"id": "g1", "visibility": "HiddenMembership"}]
    reader = read_groups({"g1": [refused]}, hidden)
    (rejected,) = [row.values for row in reader.rows if row.table == "load_reject"]
    assert rejected[3:] == ("hidden_membership", "reading it needs Member.Read.Hidden")
    with pytest.raises(AccessError, match="GET /groups/g1/members: HTTP 403") as caught:
        read_groups({"g1": [refused]})
    assert "GroupMember.Read.All" in caught.value.hint


def test_a_group_with_another_number_is_read_again():
    reader = read_groups({"g1": [page(3, 1, 2), page(3, 1, 2, 3)]})
    assert sorted(set(reader.keys("entra_member"))) == [("g1", object_id(number)) for number in (1, 2, 3)]
    assert [column(row, "member_count") for row in reader.rows if row.table == "entra_group"] == [3]
    assert len(reader.graph.asked) == 2


EXPIRED = {"status": 400, "body": {"error": {"code": "Directory_ExpiredPageToken"}}}
VANISHED = {"status": 404, "body": {"error": {"code": "Request_ResourceNotFound"}}}


@pytest.mark.parametrize(
    ("answers", "left"),
    [
        ([page(2, 1, 2, 3), page(2, 1, 2)], [1, 2]),
        ([page(3, 1, 2, link="/groups/g1/members?$skiptoken=1"), EXPIRED, page(1, 1)], [1]),
        ([page(3, 1, 2, link="/groups/g1/members?$skiptoken=1"), VANISHED], []),
    ],
    ids=["another number", "an expired page token", "a group that goes"],
)
def test_members_that_left_before_they_are_read_again_do_not_stand(answers, left, tmp_path):
    reader = read_groups({"g1": answers, "g2": [page(1, 9)]}, save=tmp_path)
    saved = NdjsonReading(EntraSource(ndjson=tmp_path, objects=("groups", "members")), tmp_path, EmployeeIdRules())
    for rows in (reader.rows, list(saved.rows())):
        links = []
        for row in rows:
            if isinstance(row, Gone):
                links = [each for each in links if each[0] != row.key[0]]
            elif row.table == "entra_member":
                links.append(row.values[:2])
        assert sorted(links) == [*(("g1", object_id(number)) for number in left), ("g2", object_id(9))]


def test_a_number_that_never_fits_is_said():
    # service principals are counted and not listed
    reader = read_groups({"g1": [page(3, 1, 2)]})
    assert [column(row, "member_count") for row in reader.rows if row.table == "entra_group"] == [2]
    assert reader.reading.report.warnings[0] == "group g1: 2 members read, the server counts 3"
    assert len(reader.graph.asked) == 3


def test_pages_of_members_that_repeat_end_the_read():
    with pytest.raises(SourceError, match="GET /groups/g1/members: pages repeat each other after 3 tries"):
        read_groups({"g1": [page(2, 1, 1)]})


@pytest.mark.parametrize(
    "link", ["https://other.example/v1.0/groups/g1/members?$skiptoken=1", "http://127.0.0.1:9/v1.0/x"]
)
def test_no_next_link_of_members_leads_elsewhere(link):
    with pytest.raises(SourceError, match="leads to another host"):
        read_groups({"g1": [page(2, 1, link=link)]})


@pytest.mark.parametrize("body", [None, "dGV4dA==", {"value": 5}, []])
def test_members_that_are_no_page(body):
    with pytest.raises(SourceError, match="GET /groups/g1/members: the answer holds no list of values"):
        read_groups({"g1": [{"status": 200, "body": body}]})


def test_the_leave_date_is_left_out_where_it_is_refused():
    refused = json_reply({"error": {"code": "Authorization_RequestDenied"}}, 403)

    def answer(heard):
        if heard.path.endswith("/token"):
            return json_reply({"access_token": "t"})
        if "employeeLeaveDateTime" in heard.path:
            return refused
        if "/delta?" in heard.path:
            return json_reply({"@odata.deltaLink": "link", "value": []})
        return json_reply({"@odata.count": 1, "value": [dict.fromkeys(USER_PROPERTIES) | {"id": object_id(1)}]})

    with ScriptedServer(answer) as server:
        reader = Reader(server, objects=("users",))
        assert len(reader.read()) == 1
    assert reader.reading.report.warnings == [
        "employeeLeaveDateTime is left out: reading it needs User-LifeCycleInfo.Read.All"
    ]


def test_a_listing_without_a_count_asks_for_it_and_what_is_rejected_is_counted(tmp_path):
    def answer(heard):
        if heard.path.endswith("/token"):
            return json_reply({"access_token": "t"})
        if "/delta?" in heard.path:
            return json_reply({"@odata.deltaLink": "link", "value": []})
        if heard.path == "/v1.0/users/$count":
            assert heard.headers["consistencylevel"] == "eventual"
            return Reply(200, b"2")
        return json_reply({"value": [{"id": object_id(1)}, {"name": "no id"}]})

    with ScriptedServer(answer) as server:
        reader = Reader(server, objects=("users",))
        rows = reader.read()
    assert [row.table for row in rows] == ["entra_user", "load_reject"]
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        source_id = register_source(store, "entra", "tenant")
        with Load(store, source_id, "tenant", tables_of(reader.source)) as running:
            for row in rows:
                running.add(row)
            entry = running.publish(reader.reading.report).tables["entra_user"]
    assert (entry.server_count, entry.rows_published, entry.rejected) == (2, 1, 1)
