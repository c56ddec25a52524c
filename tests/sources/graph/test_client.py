import time
from itertools import count

import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError

from recon.config import EntraSource
from recon.errors import AccessError, ConfigError, SignInError, SourceError, TransientError
from recon.sources.graph.client import ADVANCED, GraphClient, open_client
from recon.sources.graph.retry import Patience
from tests.servers.certificates import make_authority
from tests.servers.scripted import Reply, ScriptedServer, json_reply


class Tokens:
    """A credential whose tokens are numbered."""

    def __init__(self):
        self.number = 0

    def get_token_info(self, *scopes, options=None):
        self.scopes = scopes
        self.number += 1
        return AccessTokenInfo(f"token-{self.number}", int(time.time()) + 3600)


class Replies:
    """Answers in order; the last one again and again."""

    def __init__(self, *replies):
        self.replies = list(replies)

    def __call__(self, heard):
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


OK = json_reply({"value": []})


@pytest.fixture
def slept():
    return []


@pytest.fixture
def opened(slept):
    """Opens a client for a server; closes it at the end."""
    clients = []

    def make(server, *, tries=3, **options):
        patience = Patience(tries=tries, sleep=slept.append, jitter=lambda: 1.0)
        clients.append(GraphClient(server.url, Tokens(), patience=patience, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_a_request_carries_what_graph_asks_for(opened):
    with ScriptedServer(Replies(json_reply({"id": "1"}))) as server:
        client = opened(server)
        assert client.get("/users", {"$select": "id,mail", "$filter": "employeeId eq 'a&b'"}, ADVANCED) == {"id": "1"}
        client.get("/users")
    first, second = server.heard
    assert first.path == "/v1.0/users?$select=id,mail&$filter=employeeId%20eq%20'a%26b'"
    assert first.headers["authorization"] == "Bearer token-1"
    assert first.headers["consistencylevel"] == "eventual"
    assert first.headers["x-ms-throttle-priority"] == "Low"
    assert first.headers["user-agent"].startswith("directory-recon/")
    assert len(first.headers["client-request-id"]) == 36
    assert first.headers["client-request-id"] != second.headers["client-request-id"]
    assert client.requests == 2
    assert client.bytes_read == 2 * len('{"id": "1"}')


def test_the_scope_is_the_root_of_graph(opened):
    with ScriptedServer(Replies(OK)) as server:
        client = GraphClient(server.url, tokens := Tokens())
        client.get("/users")
        client.close()
        assert tokens.scopes == (f"{server.url}/.default",)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        Reply(429, headers={"Retry-After": "1"}),
        Reply(504),
        json_reply({"error": {"code": "Directory_ConcurrencyViolation"}}, 409),
        Reply(200, b'{"value": [', {"Content-Type": "application/json"}),
        Reply(200, b'{"value": []}', cut=5),
        Reply(reset=True),
    ],
    ids=["503", "429", "504", "409", "cut JSON", "short body", "reset"],
)
def test_what_may_pass_is_tried_again(opened, slept, reply):
    with ScriptedServer(Replies(OK, reply, OK)) as server:
        client = opened(server)
        client.get("/users")
        assert client.get("/users") == {"value": []}
        assert len(server.heard) == 3
    assert slept == [1.0]


def test_a_decimal_retry_after_is_obeyed(opened, slept):
    with ScriptedServer(Replies(Reply(429, headers={"Retry-After": "2.128"}), OK)) as server:
        opened(server).get("/users")
    assert slept == [2.128]


def test_after_503_the_next_try_takes_a_new_connection(opened):
    with ScriptedServer(Replies(OK, OK, Reply(503), OK)) as server:
        client = opened(server)
        client.get("/users")
        client.get("/users")
        assert server.connections == 1
        client.get("/users")
        assert server.connections == 2


def test_gives_up_in_words(opened, slept):
    with (
        ScriptedServer(Replies(Reply(503))) as server,
        pytest.raises(TransientError, match=r"^GET /users: HTTP 503; gave up after 3 tries and 3 s of waiting$"),
    ):
        opened(server, tries=2).get("/users")
    assert slept == [1, 2]


def test_a_slow_answer_is_given_up(opened):
    def slow(heard):
        time.sleep(0.3)
        return OK

    with ScriptedServer(slow) as server, pytest.raises(TransientError, match="no answer in time"):
        opened(server, tries=0, timeout=0.05).get("/users")


def test_a_refused_token_is_renewed_once(opened):
    with ScriptedServer(Replies(OK, Reply(401), OK)) as server:
        client = opened(server)
        client.get("/users")
        client.get("/users")
        assert [one.headers["authorization"] for one in server.heard] == [
            "Bearer token-1",
            "Bearer token-1",
            "Bearer token-2",
        ]


def test_a_second_refusal_is_final(opened, slept):
    with ScriptedServer(Replies(Reply(401))) as server, pytest.raises(SignInError, match=r"GET /users: HTTP 401"):
        opened(server).get("/users")
    assert len(server.heard) == 2
    assert slept == []


def test_403_is_not_repeated_and_names_the_permission(opened, slept):
    body = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
    with ScriptedServer(Replies(json_reply(body, 403))) as server, pytest.raises(AccessError) as caught:
        opened(server).get("/users", permission="User.Read.All")
    assert "User.Read.All" in caught.value.hint
    assert len(server.heard) == 1


def test_no_redirect_takes_the_token_along(opened):
    with ScriptedServer(Replies(OK)) as other:
        moved = Reply(302, headers={"Location": f"{other.url}/v1.0/users"})
        with ScriptedServer(Replies(moved)) as server, pytest.raises(SourceError, match="redirects are not followed"):
            opened(server).get("/users")
        assert other.heard == []


def test_no_next_link_takes_the_token_along(opened):
    with ScriptedServer(Replies(OK)) as other:
        page = json_reply({"value": [], "@odata.nextLink": f"{other.url}/v1.0/users?$skiptoken=1"})
        with ScriptedServer(Replies(page)) as server, pytest.raises(SourceError, match="leads to another host"):
            list(opened(server).pages("/users"))
        assert other.heard == []


def test_pages_are_followed_as_sent_with_the_headers_again(opened):
    with ScriptedServer(lambda heard: replies(heard)) as server:
        link = f"{server.url}/v1.0/users?$skiptoken=a%2Bb&x=1"
        replies = Replies(
            json_reply({"value": [1, 2], "@odata.count": 3, "@odata.nextLink": link}),
            json_reply({"value": [], "@odata.nextLink": link + "2"}),
            json_reply({"value": [3]}),
        )
        pages = list(opened(server).pages("/users", {"$top": "2"}, ADVANCED))
    assert [page.items for page in pages] == [[1, 2], [], [3]]
    assert [page.count for page in pages] == [3, None, None]
    assert [one.path for one in server.heard] == [
        "/v1.0/users?$top=2",
        "/v1.0/users?$skiptoken=a%2Bb&x=1",
        "/v1.0/users?$skiptoken=a%2Bb&x=12",
    ]
    assert all(one.headers["consistencylevel"] == "eventual" for one in server.heard)


def test_a_listing_in_a_circle_ends(opened):
    with ScriptedServer(lambda heard: json_reply({"value": [], "@odata.nextLink": f"{server.url}/v1.0/a"})) as server:
        with pytest.raises(SourceError, match="the same nextLink again"):
            list(opened(server).pages("/users"))
        assert len(server.heard) == 5


@pytest.mark.parametrize("pages", [2, 3, 7])
def test_a_listing_in_a_wide_circle_ends(opened, pages):
    numbers = count()

    def answer(heard):
        assert len(server.heard) < 100, "it would go on for ever"
        return json_reply({"value": [], "@odata.nextLink": f"{server.url}/v1.0/{next(numbers) % pages}"})

    with ScriptedServer(answer) as server, pytest.raises(SourceError, match="the same nextLink again"):
        list(opened(server).pages("/users"))


def test_a_page_that_comes_twice_is_no_circle(opened):
    with ScriptedServer(lambda heard: replies(heard)) as server:
        again = json_reply({"value": [2], "@odata.nextLink": f"{server.url}/v1.0/a"})
        replies = Replies(json_reply({"value": [1], "@odata.nextLink": f"{server.url}/v1.0/a"}), again, OK)
        assert [page.items for page in opened(server).pages("/users")] == [[1], [2], []]


def test_a_listing_without_end_ends(opened):
    numbers = count()

    def answer(heard):
        link = f"{server.url}/v1.0/users?$skiptoken={next(numbers)}"
        return json_reply({"value": [], "@odata.count": 2, "@odata.nextLink": link})

    with ScriptedServer(answer) as server, pytest.raises(SourceError, match="no end after 1003 pages"):
        list(opened(server).pages("/users"))


@pytest.mark.parametrize("body", [{"error": 1}, {"value": None}, {"value": {}}, {"value": [], "@odata.nextLink": 5}])
def test_what_is_no_page_is_an_error(opened, body):
    with ScriptedServer(Replies(json_reply(body))) as server, pytest.raises(SourceError, match=r"GET /users: the "):
        list(opened(server).pages("/users"))


def test_text_is_read_as_text(opened):
    with ScriptedServer(Replies(Reply(200, b"\xef\xbb\xbf20000\r\n"))) as server:
        assert opened(server).get_text("/users/$count") == "20000"


def test_nobody_there_is_said_at_once(slept):
    patience = Patience(sleep=slept.append)
    with (
        GraphClient("http://127.0.0.1:9", Tokens(), patience=patience) as client,
        pytest.raises(SourceError, match=r"^127\.0\.0\.1:9 cannot be reached$"),
    ):
        client.get("/users")
    assert slept == []


def test_an_unknown_host_is_said_at_once(slept):
    patience = Patience(sleep=slept.append)
    with (
        GraphClient("https://graph.invalid", Tokens(), patience=patience) as client,
        pytest.raises(SourceError, match=r"^graph\.invalid cannot be re"),
    ):
        client.get("/users")
    assert slept == []


def test_loopback_never_goes_through_a_proxy(opened, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with ScriptedServer(Replies(OK)) as server:
        assert opened(server).get("/users") == {"value": []}


def test_other_hosts_go_through_the_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with GraphClient("https://192.0.2.1", Tokens(), timeout=0.5) as client, pytest.raises(SourceError) as caught:
        client.get("/users")
    assert "HTTPS_PROXY" in caught.value.hint
    assert "127.0.0.1" in str(caught.value.__cause__)


def test_the_environments_netrc_does_not_replace_the_token(opened, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer(Replies(OK)) as server:
        client = opened(server)
        client._session.trust_env = True
        client.get("/users")
        assert server.heard[0].headers["authorization"] == "Bearer token-1"


def test_tls_is_verified_and_takes_a_ca_file(opened, slept, tmp_path):
    authority = make_authority(tmp_path, addresses=["127.0.0.1"])
    with ScriptedServer(Replies(OK), authority=authority) as server:
        assert opened(server, ca_file=authority.ca_file).get("/users") == {"value": []}
        with pytest.raises(SourceError, match="certificate cannot be verified") as caught:
            opened(server).get("/users")
    assert "ca_file" in caught.value.hint
    assert slept == []


def test_plain_http_is_for_loopback_alone():
    with pytest.raises(ConfigError, match="does not travel over plain http"):
        GraphClient("http://graph.example", Tokens())


def test_a_missing_ca_file_is_a_matter_of_configuration(monkeypatch):
    monkeypatch.setenv("RECON_ENTRA_SECRET", "geheim")
    source = EntraSource(tenant_id="t", client_id="c", credential="secret", ca_file="no.pem")
    with pytest.raises(ConfigError, match=r"\[entra\] ca_file: no file .*no\.pem"):
        open_client(source)


class Refusing:
    """A credential that azure-identity would not sign in."""

    def get_token(self, *scopes, **options):
        raise ClientAuthenticationError("Authentication failed: AADSTS7000215: Invalid client secret.\nTrace ID: 1")

    def get_token_info(self, *scopes, options=None):
        return self.get_token()


def test_a_refused_sign_in_is_one_line(slept):
    with GraphClient("https://graph.example", Refusing(), patience=Patience(sleep=slept.append)) as client:
        for ask in (lambda: client.get("/users"), client.access_token):
            with pytest.raises(SignInError) as caught:
                ask()
            assert str(caught.value) == (
                "sign-in refused: Authentication failed: AADSTS7000215: Invalid client secret."
            )
    assert slept == []


def test_the_token_can_be_looked_at():
    class Plain(Tokens):
        def get_token(self, *scopes, **options):
            return self.get_token_info(*scopes)

    with GraphClient("https://graph.example", Plain()) as client:
        assert client.access_token() == "token-1"
