"""Eventual consistency: the truth at once in the journal, later in reads, later still in $filter."""

from recon.lab.graph.filters import parse_filter
from recon.lab.graph.schema import USER
from recon.lab.graph.store import LagDraw, Objects
from tests.support.graph import ADA, TENANT, WRITER


def test_reads_and_index_lag_and_arrive():
    users = Objects(USER, [{"id": "a", "otherMails": ["old@example.net"]}])
    missing = parse_filter("otherMails/$count eq 0", USER, users.columns, is_advanced=True, missing="")
    mails = users.columns["otherMails"]
    before = users.replace(0, {"otherMails": []}, (100.0, 2.0, 5.0))
    assert before == {"otherMails": ["old@example.net"]}

    def seen(now):
        row = users.row(0, now)
        return list(row[mails]), users.matches(missing, now)

    assert seen(101.9) == (["old@example.net"], 0)
    assert seen(102.0) == ([], 0)
    assert seen(104.9) == ([], 0)
    assert seen(105.0) == ([], 1)
    assert users.json(0)["otherMails"] == []


def test_several_writes_arrive_one_after_the_other():
    users = Objects(USER, [{"id": "a", "otherMails": []}])
    mails = users.columns["otherMails"]
    users.replace(0, {"otherMails": ["1@example.net"]}, (100.0, 2.0, 2.0))
    users.replace(0, {"otherMails": ["2@example.net"]}, (101.0, 3.0, 3.0))
    assert [users.row(0, now)[mails] for now in (101.5, 103.0, 104.0)] == [(), ("1@example.net",), ("2@example.net",)]


def test_the_draw_is_seeded_and_bounded():
    first = [LagDraw(4.0, 1).draw(0.0) for _ in range(1)]
    draw, again = LagDraw(4.0, 1), LagDraw(4.0, 1)
    lags = [draw.draw(0.0) for _ in range(50)]
    assert lags == [again.draw(0.0) for _ in range(50)]
    assert lags[0] == first[0]
    assert all(0 <= reads <= index <= 4.0 for _, reads, index in lags)
    assert LagDraw(None, 1).draw(0.0) is None


def test_a_stale_read_over_http(start):
    now = [1_000.0]
    graph = start(WRITER, eventual=0.8, seed=3, monotonic=lambda: now[0])
    assert graph.patch(ADA, otherMails=["new@example.net"]).status_code == 204
    assert graph.simulator.user(TENANT, ADA)["otherMails"] == ["new@example.net"]
    path = f"/users/{ADA}?$select=otherMails"
    values = []
    for _ in range(10):
        values.append(graph.get(path).json()["otherMails"])
        now[0] += 0.1
    assert values[0] == []
    assert values[-1] == ["new@example.net"]
    assert values == sorted(values)
