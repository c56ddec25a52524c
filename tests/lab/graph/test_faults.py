"""Scripted faults: the text form, and what each does to the one request it strikes."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from recon.errors import UsageError
from recon.lab.graph import KINDS, Fault, parse_fault
from tests.support.graph import ADA, GROUP, TENANT, WRITER, Graph, code, user_id

ALL = [user_id(n) for n in range(1, 26)]
PAGED = {"$select": "id", "$top": "10"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503")),
        ("503@50", Fault("503", at=50)),
        ("429@10x3", Fault("429", at=10, times=3)),
        ("429:2.5@10x*", Fault("429", at=10, times=None, value=2.5)),
        ("reset@p0.05", Fault("reset", probability=0.05, times=None)),
        ("reset@p1x2", Fault("reset", probability=1.0, times=2)),
        ("503-mid@/users/[0-9]x/", Fault("503-mid", match="users/[0-9]x")),
        ("429-none@/groups/x5", Fault("429-none", match="groups", times=5)),
        ("slow:0.5@1", Fault("slow", at=1, value=0.5)),
        ("expired-page-token@3", Fault("expired-page-token", at=3)),
    ],
)
def test_text_form(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written(kind):
    assert parse_fault(f"{kind}@7x2") == Fault(kind, at=7, times=2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "500@1",
        "503@",
        "503@x3",
        "503@0",
        "503@1x0",
        "503@p0",
        "503@p2",
        "503@p1.2.3",
        "503@/(/",
        "reset:3",
        "@5",
        "503 @5",
    ],
)
def test_what_is_no_fault(text):
    with pytest.raises(UsageError) as caught:
        parse_fault(text)
    assert caught.value.exit_code == 2


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(UsageError) as caught:
        parse_fault("flood@5")
    assert "flood" in str(caught.value)
    assert all(kind in (caught.value.hint or "") for kind in KINDS)


@pytest.mark.parametrize(
    ("text", "status", "error", "retry_after"),
    [
        ("503@2", 503, "serviceNotAvailable", None),
        ("503:7@2", 503, "serviceNotAvailable", "7"),
        ("504@2", 504, "UnknownError", None),
        ("409@2", 409, "Directory_ConcurrencyViolation", None),
        ("401@2", 401, "InvalidAuthenticationToken", None),
        ("429@2", 429, "TooManyRequests", "1"),
        ("429:5@2", 429, "TooManyRequests", "5"),
        ("429-decimal@2", 429, "TooManyRequests", "0.25"),
        ("429-decimal:2.128@2", 429, "TooManyRequests", "2.128"),
        ("429-none@2", 429, "TooManyRequests", None),
    ],
)
def test_answers_in_place_of_the_page(start, text, status, error, retry_after):
    graph = start(faults=[parse_fault(text)])
    assert graph.get("/users").status_code == 200
    answer = graph.get("/users")
    assert code(answer) == (status, error)
    assert answer.headers.get("Retry-After") == retry_after
    assert graph.get("/users").status_code == 200
    assert [record.status for record in graph.simulator.requests] == [200, status, 200]


def test_the_body_of_429_has_its_published_shape(start):
    error = start(faults=[Fault("429")]).get("/users").json()["error"]
    assert error["message"] == "Please retry again later."
    inner = error["innerError"]
    assert (inner["code"], inner["message"], inner["status"]) == ("429", "Please retry after", "429")


def test_half_a_page_then_the_connection_closes(start):
    graph = start(faults=[parse_fault("503-mid@1")])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        graph.get("/users")
    assert graph.listing("/users") == ALL


def test_a_reset_before_and_after_the_work(start):
    graph = start(WRITER, faults=[parse_fault("reset@1"), parse_fault("reset-after@2")])
    with pytest.raises(requests.exceptions.ConnectionError):
        graph.patch(ADA, otherMails=["first@example.net"])
    assert graph.simulator.writes == []
    with pytest.raises(requests.exceptions.ConnectionError):
        graph.patch(ADA, otherMails=["second@example.net"])
    assert [write.after for write in graph.simulator.writes] == [["second@example.net"]]
    assert [record.status for record in graph.simulator.requests] == [0, 0]
    assert graph.get("/users").status_code == 200


def test_a_late_504_after_the_work(start):
    graph = start(WRITER, faults=[parse_fault("504-after")])
    assert graph.patch(ADA, otherMails=["a@example.net"]).status_code == 504
    assert graph.simulator.user(TENANT, ADA)["otherMails"] == ["a@example.net"]


def test_truncated_json_has_a_length_that_fits(start):
    graph = start(faults=[Fault("truncated")])
    answer = graph.get("/users")
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_an_expired_page_token_waits_for_a_following_page(start):
    graph = start(faults=[parse_fault("expired-page-token@1")])
    first = graph.get("/users", PAGED)
    assert first.status_code == 200
    link = first.json()["@odata.nextLink"]
    assert code(graph.get(link)) == (400, "Directory_ExpiredPageToken")
    assert graph.get(link).status_code == 200


def test_a_duplicated_page(start):
    graph = start(faults=[parse_fault("duplicated-page@2")])
    assert graph.listing("/users", PAGED) == ALL[:10] + ALL[10:20] * 2 + ALL[20:]


def test_a_shifted_page_repeats_one_and_loses_one(start):
    graph = start(faults=[parse_fault("shifted-page@1")])
    found = graph.listing("/users", PAGED)
    assert found == ALL[:10] + ALL[9:19] + ALL[20:]
    assert set(ALL) - set(found) == {ALL[19]}


def test_a_shifted_last_page(start):
    graph = start(faults=[parse_fault("shifted-page@3")])
    assert graph.listing("/users", PAGED) == ALL[:20] + ALL[19:24]


def test_an_empty_page_with_a_next_link(start):
    graph = start(faults=[parse_fault("empty-page@2x2")])
    pages = [graph.get("/users", PAGED).json()]
    while link := pages[-1].get("@odata.nextLink"):
        pages.append(graph.get(link).json())
    assert [len(page["value"]) for page in pages] == [10, 0, 0, 10, 5]
    assert [item["id"] for page in pages for item in page["value"]] == ALL


def test_page_faults_on_members_and_filters(start):
    graph = start(faults=[parse_fault("duplicated-page@/members/"), parse_fault("shifted-page@/filter/")])
    query = {"$select": "id", "$top": "2"}
    found = graph.listing(f"/groups/{GROUP}/members", query, advanced=True)
    assert found[:4] == [user_id(1), user_id(2), user_id(1), user_id(2)]
    query = {"$filter": "userType eq 'Member'", "$select": "id", "$top": "10"}
    members = [key for key in ALL if key != user_id(3)]
    assert graph.listing("/users", query) == members[:10] + members[9:19] + members[20:]


def test_a_slow_answer_holds_up_nobody_else(start):
    is_held, waits = threading.Event(), []

    async def hold(seconds):
        waits.append(seconds)
        is_held.set()
        await asyncio.to_thread(is_over.wait, 60)

    is_over = threading.Event()
    graph = start(faults=[parse_fault("slow:0.4@1")], sleep=hold)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Graph(graph.simulator).get, "/users")
        assert is_held.wait(60)
        assert graph.get("/users").status_code == 200
        assert not slow.done()
        is_over.set()
        assert slow.result(60).status_code == 200
    assert waits == [0.4]


def test_a_batch_may_fail_as_a_whole(start):
    graph = start(faults=[Fault("424")])
    assert graph.get("/users").status_code == 200
    assert graph.batch({"url": "/users"}).status_code == 424
    assert graph.batch({"url": "/users"}).status_code == 200


def test_probability_is_seeded(start):
    def statuses():
        graph = start(faults=[parse_fault("503@p0.3")], seed=7)
        return [graph.get("/groups").status_code for _ in range(30)]

    first, second = statuses(), statuses()
    assert first == second
    assert 3 <= first.count(503) <= 18


def test_token_requests_are_not_counted_and_faults_are_shown(start):
    graph = start(faults=[parse_fault("503@1"), parse_fault("409@9")])
    assert graph.simulator.token_requests == 1
    assert graph.get("/users").status_code == 503
    shown = graph.session.get(f"{graph.simulator.url}/_lab/faults").json()["value"]
    assert [(fault["kind"], fault["fired"]) for fault in shown] == [("503", 1), ("409", 0)]
    graph.simulator.add_fault(Fault("504"))
    assert graph.get("/users").status_code == 504
