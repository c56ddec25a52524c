"""$filter: what the support table serves, with and without advanced query, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.lab.graph.errors import GraphError
from recon.lab.graph.filters import parse_filter
from recon.lab.graph.schema import USER, words
from recon.lab.graph.store import Objects
from tests.support.graph import ADA, ADMIN, CLOUD, GROUP, GUEST, JUERGEN, code, people

BOTH = [
    ("employeeId eq '1001'", [ADA]),
    ("employeeId in ('1002','1001','9')", [ADA, JUERGEN]),
    ("employeeId eq '100'", []),
    ("(employeeId eq '1001')", [ADA]),
    ("employeeId eq '1001' or employeeId eq '1002'", [ADA, JUERGEN]),
    ("employeeId eq '1001' and userType eq 'Member'", [ADA]),
    ("employeeId eq '1001' and userType eq 'Guest'", []),
    ("displayName eq 'Admin O''Hara'", [ADMIN]),
    ("displayName eq 'jürgen müller'", [JUERGEN]),
    ("startsWith(displayName,'ada')", [ADA]),
    ("startswith(userPrincipalName, 'ADA.')", [ADA]),
    ("userType eq 'Guest'", [GUEST]),
    ("usageLocation eq 'DE'", [JUERGEN]),
    ("onPremisesSyncEnabled eq true", [ADA, JUERGEN]),
    ("onPremisesSyncEnabled eq false", []),
    ("onPremisesImmutableId eq 'AbCd+w=='", [ADA]),
    ("onPremisesImmutableId eq 'abcd+w=='", []),
    ("onPremisesLastSyncDateTime ge 2026-01-02T03:04:05Z", [ADA]),
    ("onPremisesLastSyncDateTime le 2026-01-02T03:04:04Z", []),
    ("otherMails/any(p:p eq 'JM@example.net')", [JUERGEN]),
    ("otherMails/any(x:startsWith(x,'jm@'))", [JUERGEN]),
    ("proxyAddresses/any(p:p eq 'smtp:ada.stone@contoso.example')", [ADA]),
    ("mailNickname eq 'cloud'", [CLOUD]),
]
ADVANCED = [
    ("otherMails/$count ne 0", [JUERGEN]),
    ("employeeId eq null and userType eq 'Guest'", [GUEST]),
    ("employeeHireDate ge 2020-01-15T00:00:00Z", [ADA]),
    ("employeeHireDate le 2020-01-14", []),
    ("onPremisesExtensionAttributes/extensionAttribute1 eq 'ada@example.net'", [ADA]),
    ("startsWith(onPremisesExtensionAttributes/extensionAttribute1,'ada')", [ADA]),
    ("endsWith(mail,'contoso.example')", [ADA]),
    ("usageLocation eq null and displayName eq 'Ada Stone'", [ADA]),
]
NEVER = [
    ("department eq 'IT'", "Request_UnsupportedQuery"),
    ("accountEnabled eq true", "Request_UnsupportedQuery"),
    ("employeeId ne '1001'", "Request_UnsupportedQuery"),
    ("startsWith(employeeId,'10')", "Request_UnsupportedQuery"),
    ("not(employeeId eq '1')", "Request_UnsupportedQuery"),
    ("otherMails/$count eq 1", "Request_UnsupportedQuery"),
    ("otherMails/$count gt 0", "Request_UnsupportedQuery"),
    ("businessPhones/any(p:p eq '1')", "Request_UnsupportedQuery"),
    ("onPremisesLastSyncDateTime eq 2026-01-02T03:04:05Z", "Request_UnsupportedQuery"),
    ("employeeHireDate eq null", "Request_UnsupportedQuery"),
    ("signInActivity eq null", "Request_UnsupportedQuery"),
    ("onPremisesExtensionAttributes eq 'x'", "Request_UnsupportedQuery"),
    ("onPremisesExtensionAttributes/extensionAttribute16 eq 'x'", "Request_UnsupportedQuery"),
    ("employeeOrgData/division eq 'x'", "Request_UnsupportedQuery"),
    ("nosuch eq '1'", "Request_BadRequest"),
    ("employeeId eq", "Request_BadRequest"),
    ("employeeId eq 1001", "Request_BadRequest"),
    ("employeeId eq '1001", "Request_BadRequest"),
    ("employeeId eq '1' '2'", "Request_BadRequest"),
    ("employeeId in ()", "Request_BadRequest"),
    ("employeeId in ('1'", "Request_BadRequest"),
    ("onPremisesSyncEnabled eq 'true'", "Request_BadRequest"),
    ("otherMails/any(p:q eq 'x')", "Request_BadRequest"),
    ("employeeHireDate ge 2020-13-45", "Request_BadRequest"),
    ("employeeId;drop", "Request_BadRequest"),
    ("", "Request_BadRequest"),
]
COUNTED = {"$count": "true"}


@pytest.mark.parametrize(("text", "expected"), BOTH)
def test_served_by_default_and_advanced(graph, text, expected):
    query = {"$filter": text, "$select": "id"}
    assert graph.listing("/users", query) == expected
    assert graph.listing("/users", query | COUNTED, advanced=True) == expected


@pytest.mark.parametrize(("text", "expected"), ADVANCED)
def test_served_in_advanced_queries_only(graph, text, expected):
    query = {"$filter": text, "$select": "id"}
    assert code(graph.get("/users", query)) == (400, "Request_UnsupportedQuery")
    assert code(graph.get("/users", query, advanced=True)) == (400, "Request_UnsupportedQuery")
    assert code(graph.get("/users", query | COUNTED)) == (400, "Request_UnsupportedQuery")
    answer = graph.get("/users", query | COUNTED, advanced=True)
    assert [item["id"] for item in answer.json()["value"]] == expected
    assert answer.json()["@odata.count"] == len(expected)


@pytest.mark.parametrize(("text", "error"), NEVER)
def test_refused_always(graph, text, error):
    query = {"$filter": text} | COUNTED
    assert code(graph.get("/users", query, advanced=True)) == (400, error)


def test_the_refusal_names_operator_and_header(graph):
    message = graph.get("/users", {"$filter": "otherMails/$count eq 0"}).json()["error"]["message"]
    for part in ("$count", "otherMails", "$count=true", "ConsistencyLevel"):
        assert part in message


def test_missing_other_mails_over_pages(graph):
    query = {"$filter": "otherMails/$count eq 0", "$select": "id", "$top": "10"} | COUNTED
    found = graph.listing("/users", query, advanced=True)
    assert len(found) == 24
    assert JUERGEN not in found


def test_fifteen_values_by_default_more_when_advanced(graph):
    def values(count):
        return {"$filter": "employeeId in (" + ",".join(f"'{1000 + n}'" for n in range(count)) + ")", "$select": "id"}

    assert graph.listing("/users", values(15)) == [ADA, JUERGEN]
    assert code(graph.get("/users", values(16))) == (400, "Request_UnsupportedQuery")
    assert graph.listing("/users", values(16) | COUNTED, advanced=True) == [ADA, JUERGEN]


def test_long_values(graph):
    short, long = {"$filter": f"employeeId eq '{'1' * 120}'"}, {"$filter": f"employeeId eq '{'1' * 121}'"}
    assert graph.get("/users", short).status_code == 200
    assert code(graph.get("/users", long)) == (400, "Request_BadRequest")
    assert graph.get("/users", long | COUNTED, advanced=True).status_code == 200


def test_identities_are_basic_only(graph):
    query = {"$filter": "identities/any(i:i/issuer eq 'contoso.example')"}
    assert graph.get("/users", query).json()["value"] == []
    assert code(graph.get("/users", query | COUNTED, advanced=True)) == (400, "Request_UnsupportedQuery")


def test_groups(graph):
    assert graph.listing("/groups", {"$filter": "groupTypes/any(c:c eq 'Unified')"}) == [GROUP]
    assert graph.listing("/groups", {"$filter": "mailEnabled eq true"}) == [GROUP]
    assert code(graph.get("/groups", {"$filter": "createdDateTime ge 2020-01-01"})) == (400, "Request_UnsupportedQuery")


WORDS = st.sampled_from(
    words("""
        and or not eq ne ge in null true startsWith endsWith ( ) , : otherMails/any otherMails/$count p:p p 'x'
        identities/any i:i/issuer onPremisesExtensionAttributes/extensionAttribute1 2020-01-01 2020-99-99 0 1 ' / é
    """)
    + tuple(USER.filters)
)
CLAUSES = st.sampled_from([text for text, _ in BOTH + ADVANCED] + [text for text, _ in NEVER])
TEXTS = (
    st.lists(WORDS, max_size=12).map(" ".join) | st.lists(CLAUSES, max_size=4).map(" or ".join) | st.text(max_size=30)
)


@given(TEXTS, st.booleans())
def test_any_text_is_a_filter_or_a_refusal(text, is_advanced):
    users = Objects(USER, people()[:3])
    try:
        found = parse_filter(text, USER, users.columns, is_advanced=is_advanced, missing="something is missing")
    except GraphError as error:
        refusal = (error.status, error.code)
    else:
        assert 0 <= users.matches(found, 0.0) <= 3
        return
    assert refusal in ((400, "Request_BadRequest"), (400, "Request_UnsupportedQuery"))
