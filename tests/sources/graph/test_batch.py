import json

import pytest

from recon.errors import AccessError, SourceError, TransientError
from recon.sources.graph.batch import LOST, NOT_DONE, BatchItem
from recon.sources.graph.client import GraphClient
from recon.sources.graph.retry import Patience
from tests.servers.scripted import Reply, ScriptedServer, json_reply
from tests.sources.graph.test_client import Replies, Tokens

CONCURRENCY = {"error": {"code": "Directory_ConcurrencyViolation"}}


class Batches:
    """Answers each item of a $batch by a function of its url and how often it came."""

    def __init__(self, item):
        self.item = item
        self.tries = {}
        self.rounds = []

    def __call__(self, heard):
        requests = json.loads(heard.body)["requests"]
        self.rounds.append([request["url"] for request in requests])
        responses = []
        for request in reversed(requests):
            number = self.tries[request["url"]] = self.tries.get(request["url"], 0) + 1
            responses.append({"id": request["id"], **self.item(request["url"], number)})
        return json_reply({"responses": responses})


def ok(url):
    return {"status": 200, "headers": {}, "body": {"id": url}}


def run(answer, items, *, tries=3):
    slept = []
    with ScriptedServer(answer) as server:
        patience = Patience(tries=tries, sleep=slept.append, jitter=lambda: 1.0)
        with GraphClient(server.url, Tokens(), patience=patience) as client:
            return client.batch(items), slept, server


def reads(number):
    return [BatchItem(f"/users/{place}") for place in range(number)]


def test_answers_stand_in_the_order_of_the_items_in_batches_of_twenty():
    batches = Batches(lambda url, number: ok(url))
    answers, slept, _ = run(batches, reads(45))
    assert [answer.body["id"] for answer in answers] == [f"/users/{place}" for place in range(45)]
    assert [len(one) for one in batches.rounds] == [20, 20, 5]
    assert slept == []


def test_no_items_no_request():
    answers, _, server = run(Replies(Reply(500)), [])
    assert answers == []
    assert server.heard == []


def test_a_request_is_written_as_graph_wants_it():
    items = [BatchItem("/users/1", "PATCH", {"x": "y"}, {"otherMails": ["a@example.net"]}), BatchItem("/users/2")]
    _, _, server = run(Batches(lambda url, number: {"status": 204}), items)
    assert server.heard[0].path == "/v1.0/$batch"
    assert server.heard[0].headers["content-type"] == "application/json"
    assert json.loads(server.heard[0].body) == {
        "requests": [
            {
                "id": "0",
                "method": "PATCH",
                "url": "/users/1",
                "headers": {"x": "y", "Content-Type": "application/json"},
                "body": {"otherMails": ["a@example.net"]},
            },
            {"id": "1", "method": "GET", "url": "/users/2"},
        ]
    }


def test_only_what_failed_is_sent_again_after_the_longest_wait():
    def item(url, number):
        if url == "/users/1" and number == 1:
            return {"status": 429, "headers": {"retry-after": "3"}}
        if url == "/users/2" and number <= 2:
            return {"status": 503, "headers": {"Retry-After": "1.5"}}
        return ok(url)

    batches = Batches(item)
    answers, slept, _ = run(batches, reads(4))
    assert [answer.status for answer in answers] == [200, 200, 200, 200]
    assert [answer.tries for answer in answers] == [1, 2, 3, 1]
    assert batches.rounds[1:] == [["/users/1", "/users/2"], ["/users/2"]]
    assert slept == [3.0, 1.5]


def test_an_item_without_retry_after_waits_the_longer_of_back_off_and_what_others_ask():
    def item(url, number):
        if number == 1:
            return {"status": 429, "headers": {"Retry-After": "0.2"} if url == "/users/0" else {}}
        return ok(url)

    _, slept, _ = run(Batches(item), reads(2))
    assert slept == [1.0]


def test_after_the_last_try_the_status_stands():
    answers, slept, _ = run(
        Batches(lambda url, number: {"status": 429, "body": {"error": {"code": "T"}}}), reads(1), tries=2
    )
    assert (answers[0].status, answers[0].tries, answers[0].codes) == (429, 3, ("T",))
    assert slept == [1, 2]


def test_refusals_are_not_sent_again():
    answers, slept, server = run(
        Batches(lambda url, number: {"status": int(url[-3:])}), [BatchItem("/400"), BatchItem("/404")]
    )
    assert [answer.status for answer in answers] == [400, 404]
    assert len(server.heard) == 1
    assert slept == []


def write(number=0):
    return BatchItem(f"/users/{number}", "PATCH", body={"usageLocation": "DE"})


@pytest.mark.parametrize(("status", "body"), [(429, None), (409, CONCURRENCY)])
def test_a_write_that_was_not_done_is_sent_again(status, body):
    def item(url, number):
        return {"status": status, "body": body} if number == 1 else {"status": 204}

    answers, _, _ = run(Batches(item), [write()])
    assert (answers[0].status, answers[0].tries) == (204, 2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_that_may_have_been_done_is_not_sent_again(status):
    answers, slept, server = run(Batches(lambda url, number: {"status": status}), [write()])
    assert answers[0].status == status
    assert len(server.heard) == 1
    assert slept == []


@pytest.mark.parametrize(
    "reply", [Reply(reset=True), Reply(503), Reply(200, b'{"responses": ['), Reply(200, b"{}xx", cut=2)]
)
def test_a_write_whose_answer_is_lost_is_marked_and_not_sent_again(reply):
    answers, slept, server = run(Replies(reply), [write(1), write(2)])
    assert [answer.status for answer in answers] == [LOST, LOST]
    assert len(server.heard) == 1
    assert slept == []


def test_a_write_that_the_answer_forgot_is_marked():
    answers, _, _ = run(Replies(json_reply({"responses": [{"id": "1", "status": 204}]})), [write(1), write(2)])
    assert [answer.status for answer in answers] == [LOST, 204]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((204, 429), LOST), ((429, 204), LOST), ((204, 429, 204), LOST), ((429, 429, 400), LOST), ((204, 204), 204)],
)
def test_a_write_that_was_answered_twice_and_not_alike_is_marked_and_not_sent_again(statuses, expected):
    twice = json_reply({"responses": [{"id": "0", "status": status} for status in statuses]})
    answers, _, server = run(Replies(twice), [write()])
    assert [answer.status for answer in answers] == [expected]
    assert len(server.heard) == 1


def test_a_batch_of_writes_refused_with_429_as_a_whole_is_sent_again():
    fine = json_reply({"responses": [{"id": "0", "status": 204}]})
    answers, slept, _ = run(Replies(Reply(429, headers={"Retry-After": "4"}), fine), [write()])
    assert (answers[0].status, answers[0].tries) == (204, 2)
    assert slept == [4.0]


def test_writes_that_never_left_are_marked_as_not_done():
    with ScriptedServer(Replies(json_reply({}))) as server:
        client = GraphClient(server.url, Tokens(), patience=Patience(tries=1, sleep=lambda seconds: None))
        client.get("/organization")
    client.close()
    assert [answer.status for answer in client.batch([write()])] == [NOT_DONE]


def test_what_a_first_round_did_stands_when_a_second_is_refused():
    first = json_reply({"responses": [{"id": "0", "status": 204}, {"id": "1", "status": 429}]})
    answers, _, _ = run(Replies(first, Reply(403)), [write(1), write(2)])
    assert [answer.status for answer in answers] == [204, 429]


def test_a_refused_batch_is_an_error_when_nothing_was_done():
    with pytest.raises(AccessError):
        run(Replies(Reply(403)), [write(1)])
    with pytest.raises(SourceError, match="no list of responses"):
        run(Replies(json_reply({"value": []})), reads(1))


def test_a_batch_answered_424_as_a_whole_still_answers_its_items():
    body = {"responses": [{"id": "1", "status": 200, "body": 1}, {"id": "0", "status": 429}]}
    fine = json_reply({"responses": [{"id": "0", "status": 200, "body": 0}]})
    answers, _, _ = run(Replies(json_reply(body, 424), fine), reads(2))
    assert [answer.body for answer in answers] == [0, 1]


def test_reads_without_any_answer_are_an_error():
    with pytest.raises(TransientError, match="no answer to 2 requests after 3 tries"):
        run(Replies(Reply(reset=True)), reads(2), tries=2)


@pytest.mark.parametrize("response", [None, 5, {}, {"id": "0"}, {"id": "7", "status": 200}, {"id": "²", "status": 200}])
def test_a_response_that_is_none_is_left_out(response):
    fine = json_reply({"responses": [{"id": "0", "status": 200}]})
    answers, _, server = run(Replies(json_reply({"responses": [response]}), fine), reads(1))
    assert answers[0].status == 200
    assert len(server.heard) == 2


def test_more_than_twenty_writes_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="at most 20"):
        run(Replies(json_reply({})), [write(number) for number in range(21)])
