"""One tenant's Microsoft Graph over HTTP: signed in, patient, and honest about answers that were cut off.

Requests go through azure-core's pipeline (its bearer-token policy and its requests transport), so that proxies,
TLS and tokens behave as in Microsoft's own clients. Models are not used: an answer is plain JSON.
A token never leaves the scheme and host it was asked for: redirects and foreign nextLinks are refused.
"""

import ssl
import threading
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse

from recon import __version__
from recon.config import EntraSource, is_loopback
from recon.decode.text import printable
from recon.errors import ConfigError, ReconError, SignInError, SourceError, TransientError
from recon.sources.graph.answer import Answer, NotDoneError, failure
from recon.sources.graph.batch import BatchAnswer, BatchItem, run_batch
from recon.sources.graph.causes import causes_of, was_never_sent
from recon.sources.graph.credentials import credential_for, graph_root
from recon.sources.graph.jsontext import read_json
from recon.sources.graph.paging import Page, read_pages
from recon.sources.graph.retry import Patience

VERSION = "/v1.0"
ADVANCED = {"ConsistencyLevel": "eventual"}  # with $count=true: the header that advanced queries need

_SAFE_IN_QUERY = "$,()'/:@"


def open_client(
    source: EntraSource, *, folder: Path = Path(), writer: bool = False, patience: Patience | None = None
) -> "GraphClient":
    """The client of one [entra] section. `folder`: where its relative paths start (Config.folder).

    `writer`: sign in as the application for writing, where the section names one of its own.
    Raises ConfigError when a secret or a file is missing; nothing is sent yet.
    """
    root = graph_root(source)
    ca_file = _existing(source.ca_file, folder, "ca_file")
    credential = credential_for(source, root, folder=folder, writer=writer)
    return GraphClient(
        root, credential, timeout=source.timeout, ca_file=ca_file, patience=patience or Patience(tries=source.retries)
    )


def _existing(file: Path | None, folder: Path, key: str) -> Path | None:
    if file is None:
        return None
    path = folder / file.expanduser()
    if not path.is_file():
        raise ConfigError(f"[entra] {key}: no file {path}")
    return path


class GraphClient:
    """Reads pages and sends batches; counts requests and bytes. Threads may share it. Close it, or use it in a with.

    `root`: scheme and host, without /v1.0. A credential over plain http is for loopback alone.
    """

    def __init__(
        self,
        root: str,
        credential: TokenCredential,
        *,
        timeout: float = 60,
        ca_file: Path | None = None,
        patience: Patience | None = None,
    ) -> None:
        parts = urlsplit(root)
        is_local = is_loopback(parts.hostname)
        if parts.scheme != "https" and not is_local:
            raise ConfigError(
                f"{parts.hostname}: a token does not travel over plain http", hint="use https or loopback"
            )
        self.root = root
        self.patience = patience or Patience()
        self.requests = 0
        self.bytes_read = 0
        self._credential = credential
        self._is_plain = parts.scheme != "https"
        self.is_near_limit = False  # by the last answer: 80 % of a limit is used, or more
        self._has_answered = False
        self._counting = threading.Lock()
        self._session = requests.Session()
        # the environment carries proxies and a CA bundle; a loopback address never goes through a proxy
        self._session.trust_env = not is_local
        # without this, requests would put a password from ~/.netrc in the place of the token
        self._session.auth = _leave_alone
        transport = RequestsTransport(
            session=self._session,
            use_env_settings=not is_local,
            connection_timeout=min(timeout, 30),
            read_timeout=timeout,
            connection_verify=str(ca_file) if ca_file else True,
        )
        self._pipeline: Pipeline[HttpRequest, HttpResponse] = Pipeline(
            transport, policies=[BearerTokenCredentialPolicy(credential, f"{root}/.default")]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> dict[str, Any]:
        """The JSON object at `path` (below /v1.0, or a whole nextLink), tried again while that may help.

        `permission` is named when the answer is 403. Raises TransientError when patience ran out, RestartError,
        SignInError, AccessError, or SourceError for any other refusal.
        """
        value = self.patience.call(lambda: self._json("GET", path, params, headers, permission=permission))
        if not isinstance(value, dict):
            raise SourceError(f"GET {_shown(path)}: the answer is not a JSON object")
        return value

    def get_text(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> str:
        """The plain text at `path`, such as the number behind /users/$count. Raises as get does."""
        answer = self.patience.call(lambda: self.send("GET", path, params, headers, permission=permission))
        try:
            return answer.body.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise SourceError(f"GET {_shown(path)}: the answer is not text") from error

    def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> Iterator[Page]:
        """Every page of a listing; nextLinks are followed unchanged and with the same headers. Raises as get does."""
        return read_pages(self, path, params, headers, permission=permission)

    def batch(self, items: Sequence[BatchItem]) -> list[BatchAnswer]:
        """The answers to `items`, in their order; see recon.sources.graph.batch for what is tried again."""
        return run_batch(self, items)

    def access_token(self) -> str:
        """A token as Graph would get it, for a look at the permissions it carries. Raises as get does.

        It is a secret: for its payload only, never for an output.
        """
        try:
            return self._credential.get_token(f"{self.root}/.default").token
        except ClientAuthenticationError as error:
            raise _refused(error) from error
        except AzureError as error:
            raise self._no_answer("sign-in", error) from error

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        permission: str | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One request, once: the answer when it is a success, else the error of its class (never waits).

        `accept`: further statuses that are an answer. NotDoneError is the TransientError that had no effect.
        """
        url = self.url(path, params)
        what = f"{method} {_shown(path)}"
        answer = self._once(method, url, headers, body, what)
        if answer.status == 401:
            # the policy has dropped its token: one more try signs in anew
            answer = self._once(method, url, headers, body, what)
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer
        if answer.status in (502, 503, 504):
            # the next try must reach another front end, over a new connection
            self._session.close()
        raise failure(what, answer, self.patience.clock(), permission=permission)

    def url(self, path: str, params: Mapping[str, str] | None = None) -> str:
        """The whole address; a nextLink is taken as it is, when it stays on this scheme and host.

        Raises SourceError for a link that leads elsewhere: the token would go with it.
        """
        if "://" not in path.split("?", 1)[0]:
            url = f"{self.root}{VERSION}/{path.lstrip('/')}"
            return f"{url}?{urlencode(params, safe=_SAFE_IN_QUERY, quote_via=quote)}" if params else url
        ours, theirs = urlsplit(self.root), urlsplit(path)
        if (ours.scheme, ours.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
            raise SourceError(f"the answer's link leads to another host: {printable(theirs.netloc[:80])}")
        return path

    def _json(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        *,
        permission: str | None = None,
    ) -> Any:
        answer = self.send(method, path, params, headers, permission=permission)
        try:
            return read_json(answer.body)
        except ValueError as error:
            raise TransientError(f"{method} {_shown(path)}: the answer was cut off or is not JSON") from error

    def _once(self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, what: str) -> Answer:
        request = HttpRequest(method, url, headers=self._headers(headers, body), content=body)
        options: dict[str, Any] = {"enforce_https": False} if self._is_plain else {}
        with self._counting:
            self.requests += 1
        try:
            response = self._pipeline.run(request, **options).http_response
        except ClientAuthenticationError as error:
            raise _refused(error) from error
        except ReconError:
            raise
        except AzureError as error:
            raise self._no_answer(what, error) from error
        data = response.content
        self._has_answered = True
        with self._counting:
            self.bytes_read += len(data)
            self.is_near_limit = response.status_code == 429 or "x-ms-throttle-limit-percentage" in response.headers
        return Answer(response.status_code, response.headers, data)

    def _headers(self, headers: Mapping[str, str] | None, body: bytes | None) -> dict[str, str]:
        own = {
            "Accept": "application/json",
            "User-Agent": f"directory-recon/{__version__}",
            "client-request-id": str(uuid.uuid4()),
            "x-ms-throttle-priority": "Low",
        }
        if body is not None:
            own["Content-Type"] = "application/json"
        return own | dict(headers or {})

    def _no_answer(self, what: str, error: AzureError) -> SourceError:
        """The error for a request that got no whole answer. What was never reachable is not tried again."""
        causes = tuple(causes_of(error))
        host = urlsplit(self.root).netloc.rpartition("@")[2]
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return SourceError(
                f"{host}: the certificate cannot be verified",
                hint="behind an inspecting proxy, set ca_file in [entra] to its CA bundle",
            )
        if was_never_sent(error):
            reason = "cannot be resolved" if _is_unknown_host(causes) else "cannot be reached"
            said = f"{host} {reason}"
            if not self._has_answered:
                return SourceError(said, hint="check the cloud or graph_url in [entra], the network and HTTPS_PROXY")
            return NotDoneError(f"{what}: {said}")
        if not self._has_answered and any(isinstance(cause, ssl.SSLError) for cause in causes):
            return SourceError(f"{host}: no TLS connection", hint="check graph_url in [entra] and HTTPS_PROXY")
        if any(isinstance(cause, requests.Timeout | urllib3.exceptions.TimeoutError) for cause in causes):
            return TransientError(f"{what}: no answer in time")
        return TransientError(f"{what}: the connection was lost before the answer was whole")


def _is_unknown_host(causes: Sequence[object]) -> bool:
    return any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in causes)


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _refused(error: ClientAuthenticationError) -> SignInError:
    reason = printable(str(error).strip().split("\n", 1)[0][:300])
    return SignInError(f"sign-in refused: {reason}", hint="check tenant_id, client_id and the credential of [entra]")


def _shown(path: str) -> str:
    """The path without its query: a skip token is long, and a filter may name a person."""
    return printable(urlsplit(path).path.removeprefix(VERSION)[:120])
