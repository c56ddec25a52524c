"""Every kind of answer is held against the published description of Microsoft Graph (tests/data)."""

from pathlib import Path

import pytest
import requests
import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from recon.lab.graph import parse_fault
from recon.lab.graph.schema import GROUP as GROUP_KIND
from recon.lab.graph.schema import USER as USER_KIND
from tests.support.graph import ADA, CLOUD, GROUP, HIDDEN, JUERGEN, KEEPER, TENANT, WRITER, user_id

FILE = Path(__file__).parents[2] / "data" / "graph-subset.openapi.yaml"
ALL_USER = ",".join(name for name in USER_KIND.columns)
LISTED = ",".join(name for name in (*USER_KIND.columns, *USER_KIND.apart) if name not in USER_KIND.single_only)
ALL_GROUP = ",".join(GROUP_KIND.columns)


def published(description, url):
    """The description for one address; openapi-core knows no client credentials, so tokens are tested elsewhere."""
    return OpenAPI.from_dict(description | {"servers": [{"url": f"{url}/v1.0"}], "security": []})


@pytest.fixture(scope="module")
def description():
    return yaml.load(FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.fixture(scope="module")
def openapi(description, shared):
    return published(description, shared.url)


def test_property_names_are_the_published_ones(description):
    schemas = description["components"]["schemas"]
    for kind in (USER_KIND, GROUP_KIND):
        published = schemas[f"microsoft.graph.{kind.name}"]["allOf"][1]["properties"]
        navigation = {name for name, value in published.items() if value.get("x-ms-navigationProperty")}
        known = {*kind.columns, *kind.apart}
        assert known - published.keys() <= {"id", "deletedDateTime", "mailboxSettings"}
        arrays = {name for name, value in published.items() if value.get("type") == "array"} - navigation
        assert arrays & set(kind.columns) == kind.arrays
        booleans = {name for name, value in published.items() if value.get("type") == "boolean"}
        assert booleans & set(kind.columns) == kind.booleans
        assert set(kind.defaults) <= known
        assert set(kind.filters) <= set(kind.columns)
    user = schemas["microsoft.graph.user"]["allOf"][1]["properties"]
    assert {name for name, value in user.items() if not value.get("x-ms-navigationProperty")} <= {
        *USER_KIND.columns,
        *USER_KIND.apart,
    }


@pytest.mark.parametrize(
    ("path", "advanced", "status"),
    [
        ("/users", False, 200),
        (f"/users?$select={LISTED}&$top=10", False, 200),
        ("/users?$count=true&$top=5", True, 200),
        ("/users?$filter=otherMails/$count eq 0&$count=true", True, 200),
        ("/users/$count", True, 200),
        (f"/users/{ADA}", False, 200),
        (f"/users/{ADA}?$select={ALL_USER},aboutMe,birthday,skills", False, 200),
        (f"/users/{JUERGEN}?$select={ALL_USER}", False, 200),
        (f"/users/{user_id(99)}", False, 404),
        ("/users?$select=nosuch", False, 400),
        ("/users?$select=aboutMe", False, 501),
        ("/groups", False, 200),
        (f"/groups?$select={ALL_GROUP}", False, 200),
        ("/groups/$count", True, 200),
        (f"/groups/{GROUP}", False, 200),
        (f"/groups/{GROUP}/members", False, 200),
        (f"/groups/{GROUP}/members?$select=id,displayName&$top=2&$count=true", True, 200),
        (f"/groups/{GROUP}/members/$count", True, 200),
        (f"/groups/{GROUP}/members/microsoft.graph.user?$select=id,mail", True, 200),
    ],
)
def test_reads(openapi, graph, path, advanced, status):
    answer = graph.get(path, advanced=advanced)
    assert answer.status_code == status
    openapi.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/users/delta()", 200),
        (f"/users/delta()?$select={ALL_USER}", 200),
        ("/users/delta()?$deltatoken=latest", 200),
        ("/users/delta()?$deltatoken=abc", 400),
        ("/groups/delta()", 200),
        (f"/groups/delta()?$select={ALL_GROUP},members", 200),
        (f"/directory/deletedItems/microsoft.graph.user?$select={ALL_USER}", 200),
        (f"/directory/deletedItems/microsoft.graph.group?$select={ALL_GROUP}", 200),
        (f"/directory/deletedItems/{JUERGEN}", 200),
        (f"/directory/deletedItems/{ADA}", 404),
        ("/reports/authenticationMethods/userRegistrationDetails", 200),
        (f"/reports/authenticationMethods/userRegistrationDetails/{ADA}", 200),
        (f"/reports/authenticationMethods/userRegistrationDetails/{user_id(99)}", 404),
    ],
)
def test_delta_deleted_items_and_reports(description, start, path, status):
    graph = start(KEEPER)
    graph.simulator.delete_user(TENANT, JUERGEN)
    graph.simulator.remove_user(TENANT, user_id(20))
    graph.simulator.delete_group(TENANT, GROUP)
    answer = graph.get(path)
    assert answer.status_code == status
    api = published(description, graph.simulator.url)
    api.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))


def test_later_rounds_and_restoring(description, start):
    graph = start(KEEPER)
    api = published(description, graph.simulator.url)
    links = [graph.round(f"/{kind}/delta()")[1] for kind in ("users", "groups")]
    for key in (JUERGEN, ADA):
        graph.simulator.delete_user(TENANT, key)
    graph.simulator.change_user(TENANT, CLOUD, mail=None, displayName="Renamed")
    answers = [
        *(graph.get(link.replace("/delta?", "/delta()?")) for link in links),
        graph.send("POST", f"/directory/deletedItems/{JUERGEN}/restore"),
        graph.send("DELETE", f"/directory/deletedItems/{ADA}"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 204]
    assert [item["id"] for item in answers[1].json()["value"]] == [GROUP, HIDDEN]
    for answer in answers:
        api.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))


def test_a_batch(openapi, graph):
    answer = graph.batch({"url": f"/users/{ADA}"}, {"url": "/users?$select=id"}, {"url": f"/users/{user_id(99)}"})
    openapi.validate_request(RequestsOpenAPIRequest(answer.request))
    openapi.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))
    for item in answer.json()["responses"]:
        if item["id"] == "1":
            assert item["body"]["id"] == ADA


def test_writes_and_throttling(description, start):
    graph = start(WRITER, faults=[parse_fault("429@4"), parse_fault("503:2@5")])
    openapi = published(description, graph.simulator.url)
    answers: list[requests.Response] = [
        graph.patch(CLOUD, otherMails=["cloud@example.net"], usageLocation="DE"),
        graph.patch(ADA, department="IT"),
        graph.patch(user_id(99), otherMails=[]),
        graph.get("/users"),
        graph.get("/users"),
    ]
    assert [answer.status_code for answer in answers] == [204, 400, 404, 429, 503]
    for answer in answers:
        openapi.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))
