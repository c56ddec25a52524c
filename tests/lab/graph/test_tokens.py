"""The sign-in side: what a token holds, which requests are refused and how."""

import base64
import json
import time

import pytest
import requests

from recon.errors import UsageError
from recon.lab.graph import App
from tests.support.graph import READER, SECRET, TENANT, code, sign_in


def test_a_token_shows_its_permissions(shared):
    answer = sign_in(shared)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    payload = body["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["tid"] == TENANT
    assert claims["appid"] == READER
    assert claims["roles"] == [
        "AuditLog.Read.All",
        "Device.Read.All",
        "GroupMember.Read.All",
        "User-LifeCycleInfo.Read.All",
        "User.Read.All",
    ]


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000215),
        ({"client_id": "99999999-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"tenant_id": "elsewhere.example"}, 400, "invalid_request", 90002),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "User.Read"}, 400, "invalid_scope", 70011),
        ({"scope": ""}, 400, "invalid_request", 900144),
    ],
)
def test_sign_in_is_refused(shared, changes, status, error, number):
    answer = sign_in(shared, **changes)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert SECRET not in answer.text


def test_a_tenant_is_known_by_its_domains_too(start):
    from recon.lab.graph import Tenant

    graph = start(tenants=[Tenant(TENANT, [], domains=("contoso.example",))])
    assert sign_in(graph.simulator, tenant_id="Contoso.example").status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x", "Bearer a.b.c", "Basic dTpw", "Bearer ä.b.c"])
def test_graph_refuses_what_is_no_token(shared, header):
    headers = {} if header is None else {"Authorization": header.encode("utf-8")}
    answer = requests.get(f"{shared.url}/v1.0/users", headers=headers)
    assert code(answer) == (401, "InvalidAuthenticationToken")


def test_a_changed_token_is_refused(graph):
    head, payload, mac = graph.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["roles"].append("User.ReadWrite.All")
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    answer = graph.get("/users", Authorization=f"Bearer {head}.{forged}.{mac}")
    assert code(answer) == (401, "InvalidAuthenticationToken")


def test_a_token_expires(start):
    graph = start(token_lifetime=1)
    assert graph.get("/users").status_code == 200
    time.sleep(1.1)
    assert code(graph.get("/users")) == (401, "InvalidAuthenticationToken")


def test_an_unknown_permission_is_named():
    with pytest.raises(UsageError, match=r"User\.Reed\.All"):
        App("x", ["User.Reed.All"])
    assert "x-secret" not in repr(App("x-secret", []))
