"""Application permissions: the call beyond them is refused, the property beyond them is absent."""

import pytest

from recon.lab.graph import App, GraphSimulator
from tests.support.graph import (
    ADA,
    APPS,
    BASIC,
    GROUP,
    HIDDEN,
    MAILER,
    NOBODY,
    READER,
    WRITER,
    Graph,
    code,
    tenant,
)

DENIED = (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("path", ["/users", f"/users/{ADA}", "/groups", f"/groups/{GROUP}", f"/groups/{GROUP}/members"])
def test_no_permission_reads_nothing(as_app, path):
    answer = as_app(NOBODY).get(path)
    assert code(answer) == DENIED
    assert answer.json()["error"]["message"] == "Insufficient privileges to complete the operation."


def test_basic_reads_basic_properties_only(as_app):
    found = as_app(BASIC).get(f"/users/{ADA}?$select=id,displayName,mail,employeeId,otherMails").json()
    assert {name for name in found if "@" not in name} == {"id", "displayName", "mail"}


def test_leave_date_needs_its_own_permission(as_app):
    query = f"/users/{ADA}?$select=id,employeeLeaveDateTime,employeeId"
    assert as_app(READER).get(query).json()["employeeLeaveDateTime"] == "2030-06-30T00:00:00Z"
    without = as_app(WRITER).get(query).json()
    assert "employeeLeaveDateTime" not in without
    assert without["employeeId"] == "1001"


def test_sign_in_activity_needs_the_audit_log(as_app):
    assert code(as_app(WRITER).get("/users?$select=signInActivity")) == DENIED
    assert as_app(READER).get("/users?$select=signInActivity").status_code == 200


def test_a_filter_cannot_ask_what_may_not_be_read(as_app):
    assert code(as_app(BASIC).get("/users", {"$filter": "employeeId eq '1001'"})) == DENIED
    assert as_app(BASIC).get("/users", {"$filter": "displayName eq 'Ada Stone'"}).status_code == 200


def test_groups_need_more_than_basic_membership(as_app):
    assert code(as_app(BASIC).get("/groups")) == DENIED
    assert code(as_app(MAILER).get("/groups")) == DENIED
    assert as_app(READER).get("/groups").status_code == 200


def test_hidden_membership_needs_its_own_permission(as_app):
    assert code(as_app(READER).get(f"/groups/{HIDDEN}/members")) == DENIED
    apps = {READER: App(APPS[READER].secret, ["User.Read.All", "GroupMember.Read.All", "Member.Read.Hidden"])}
    with GraphSimulator([tenant()], apps=apps) as simulator:
        graph = Graph(simulator)
        assert [item["id"] for item in graph.get(f"/groups/{HIDDEN}/members").json()["value"]] == [ADA]
        graph.session.close()


@pytest.mark.parametrize(
    ("client", "changes", "allowed"),
    [
        (READER, {"otherMails": ["a@example.net"]}, False),
        (BASIC, {"otherMails": ["a@example.net"]}, False),
        (MAILER, {"otherMails": ["a@example.net"]}, True),
        (MAILER, {"usageLocation": "DE"}, False),
        (MAILER, {"otherMails": ["a@example.net"], "usageLocation": "DE"}, False),
        (WRITER, {"otherMails": ["a@example.net"], "usageLocation": "DE"}, True),
    ],
)
def test_who_may_write(start, client, changes, allowed):
    graph = start(client)
    answer = graph.patch(ADA, **changes)
    if allowed:
        assert answer.status_code == 204
        assert len(graph.simulator.writes) == len(changes)
    else:
        assert code(answer) == DENIED
        assert graph.simulator.writes == []
