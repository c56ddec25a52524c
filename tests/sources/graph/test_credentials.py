import time
from datetime import UTC, datetime, timedelta

import azure.identity
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from recon.config import EntraSource
from recon.errors import ConfigError, SignInError, SourceError, TransientError
from recon.sources.graph.client import GraphClient
from recon.sources.graph.credentials import CLOUDS, LoopbackCredential, credential_for, graph_root
from recon.sources.graph.retry import Patience
from tests.servers.scripted import Reply, ScriptedServer, json_reply
from tests.sources.graph.test_client import Replies

TENANT = "6b7d2c2e-0000-4000-8000-000000000001"


def source(**options):
    return EntraSource(**{"tenant_id": TENANT, "client_id": "app", "credential": "secret"} | options)


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("RECON_ENTRA_SECRET", "sehr-geheim")


@pytest.mark.parametrize(
    ("cloud", "root", "authority"),
    [
        ("global", "https://graph.microsoft.com", "login.microsoftonline.com"),
        ("usgov", "https://graph.microsoft.us", "login.microsoftonline.us"),
        ("dod", "https://dod-graph.microsoft.us", "login.microsoftonline.us"),
        ("china", "https://microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_hosts(cloud, root, authority):
    assert graph_root(source(cloud=cloud)) == root
    assert CLOUDS[cloud][1] == authority


@pytest.mark.parametrize("url", ["http://127.0.0.1:8", "http://127.0.0.1:8/", "http://127.0.0.1:8/v1.0/"])
def test_another_address_is_taken_without_its_version(url):
    assert graph_root(source(graph_url=url)) == "http://127.0.0.1:8"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"credential": "secret"}, azure.identity.ClientSecretCredential),
        ({"credential": "managed_identity"}, azure.identity.ManagedIdentityCredential),
        ({"credential": "device_code"}, azure.identity.DeviceCodeCredential),
        ({"credential": "default"}, azure.identity.DefaultAzureCredential),
    ],
)
def test_azure_identity_signs_in(options, kind):
    one = source(**options)
    with credential_for(one, graph_root(one)) as credential:
        assert type(credential) is kind


def test_workload_identity_needs_its_token_file(monkeypatch, tmp_path):
    one = source(credential="workload_identity")
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    with pytest.raises(ConfigError, match="AZURE_FEDERATED_TOKEN_FILE"):
        credential_for(one, graph_root(one))
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    with credential_for(one, graph_root(one)) as credential:
        assert type(credential) is azure.identity.WorkloadIdentityCredential


@pytest.mark.parametrize("password", [None, "kennwort"])
def test_a_certificate_is_read_from_its_file(tmp_path, monkeypatch, password):
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    (tmp_path / "app.pem").write_bytes(certificate + private)
    if password:
        monkeypatch.setenv("RECON_ENTRA_CERTIFICATE_PASSWORD", password)
    one = source(credential="certificate", certificate_file="app.pem")
    with credential_for(one, graph_root(one), folder=tmp_path) as credential:
        assert type(credential) is azure.identity.CertificateCredential


def test_a_certificate_that_is_none(tmp_path):
    (tmp_path / "app.pem").write_text("nothing")
    one = source(credential="certificate", certificate_file="app.pem")
    with pytest.raises(ConfigError, match="not a certificate with an RSA private key"):
        credential_for(one, graph_root(one), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"absent\.pem: No such file"):
        credential_for(source(credential="certificate", certificate_file="absent.pem"), "https://x.example")
    with pytest.raises(ConfigError, match="certificate_file is missing"):
        credential_for(source(credential="certificate"), "https://x.example")


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.delenv("RECON_ENTRA_SECRET")
    with pytest.raises(ConfigError, match="RECON_ENTRA_SECRET is not set"):
        credential_for(source(), "https://x.example")
    with pytest.raises(ConfigError, match="client_id is missing"):
        credential_for(source(client_id=None), "https://x.example")


def test_the_writer_signs_in_as_itself(monkeypatch):
    monkeypatch.setenv("RECON_ENTRA_WRITER_SECRET", "anderes")
    with ScriptedServer(Replies(json_reply({"access_token": "t", "expires_in": 3599}))) as server:
        one = source(graph_url=server.url, writer_client_id="writer")
        credential_for(one, server.url, writer=True).get_token_info("s")
        credential_for(one, server.url).get_token_info("s")
        credential_for(source(graph_url=server.url), server.url, writer=True).get_token_info("s")
    forms = [heard.body for heard in server.heard]
    assert b"client_id=writer&client_secret=anderes" in forms[0]
    assert b"client_id=app&client_secret=sehr-geheim" in forms[1]
    assert b"client_id=app&client_secret=sehr-geheim" in forms[2]


def test_a_user_in_the_address_is_not_shown():
    root = "http://app:sehr-geheim@127.0.0.1:9"
    credential = LoopbackCredential(root, TENANT, "app", "s")
    for ask in (credential.get_token, GraphClient(root, credential, patience=Patience(sleep=pytest.fail)).get):
        with pytest.raises(SourceError) as caught:
            ask("/users")
        assert str(caught.value) == "127.0.0.1:9 cannot be reached"


def test_loopback_posts_client_credentials():
    with ScriptedServer(Replies(json_reply({"access_token": "abc", "expires_in": 100}))) as server:
        credential = LoopbackCredential(server.url, TENANT, "app", "sehr-geheim")
        token = credential.get_token(f"{server.url}/.default")
    assert token.token == "abc"
    assert 90 < token.expires_on - time.time() <= 100
    (heard,) = server.heard
    assert heard.path == f"/{TENANT}/oauth2/v2.0/token"
    assert b"grant_type=client_credentials" in heard.body


def test_a_refused_secret_is_final_and_unseen():
    body = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    with ScriptedServer(Replies(json_reply(body, 401))) as server:
        credential = LoopbackCredential(server.url, TENANT, "app", "sehr-geheim")
        patience = Patience(sleep=pytest.fail)
        with GraphClient(server.url, credential, patience=patience) as client, pytest.raises(SignInError) as caught:
            client.get("/users")
    assert str(caught.value) == "sign-in refused: invalid_client"
    assert "sehr-geheim" not in repr(credential) + str(caught.value) + caught.value.hint
    assert len(server.heard) == 1


def test_a_sign_in_that_may_pass_is_tried_again():
    slept = []
    replies = Replies(Reply(503), json_reply({"access_token": "abc"}), json_reply({"value": []}))
    with ScriptedServer(replies) as server:
        credential = LoopbackCredential(server.url, TENANT, "app", "s")
        patience = Patience(sleep=slept.append, jitter=lambda: 1.0)
        with GraphClient(server.url, credential, patience=patience) as client:
            client.get("/users")
    assert slept == [1.0]
    assert [heard.method for heard in server.heard] == ["POST", "POST", "GET"]


def test_nobody_there():
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        LoopbackCredential("http://127.0.0.1:9", TENANT, "app", "s").get_token("x")
    assert not isinstance(caught.value, TransientError)


def test_a_secret_goes_over_http_to_loopback_alone():
    with pytest.raises(ConfigError, match="loopback"):
        LoopbackCredential("http://graph.example", TENANT, "app", "s")
