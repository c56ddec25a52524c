"""Records of a Workday report (RaaS, format=json) over HTTPS, in constant memory.

The answer goes to a temporary file that has no name and only this process can read; then its records are parsed
one by one. A report that was cut off is an error, never a shorter list.
"""

import codecs
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

from recon import __version__
from recon.config import WorkerSource, is_loopback
from recon.errors import AccessError, ConfigError, SignInError, SourceError, TransientError
from recon.sources.graph.answer import TRANSIENT_STATUS
from recon.sources.graph.causes import causes_of, was_never_sent
from recon.sources.graph.jsontext import clean_text
from recon.sources.graph.retry import Patience, retry_after
from recon.sources.secrets import read_secret

TIMEOUT = (30, 300)  # seconds to connect, and between two pieces: a report is computed before it is sent
_PIECE = 1 << 20  # bytes
_TOKEN = re.compile(r"[!-~]+")  # printable ASCII without blanks
_NUMBER = re.compile(r"[-+.0-9eE]*")


class RaasReport:
    """One report, downloaded once and read as often as needed. Use it in a with.

    `bytes_read` and `requests` count what was sent for.
    """

    def __init__(self, source: WorkerSource, *, folder: Path = Path(), patience: Patience | None = None) -> None:
        if source.url is None:
            raise ConfigError(f"[workers] {source.name}: no url")
        self.bytes_read = 0
        self.requests = 0
        self._source = source
        self._url = source.url
        self._host = _host(source.url)
        self._folder = folder
        self._patience = patience or Patience()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(record number, header to text) of every record; the first has number 2, as in a file with a header.

        Raises SourceError, SignInError, AccessError, or TransientError when patience ran out.
        """
        if self._file is None:
            self._file = self._patience.call(self._download)
        self._file.seek(0)
        for number, value in enumerate(stream_records(self._file, self._host), 2):
            if not isinstance(value, dict):
                raise SourceError(f"{self._host}: record {number - 1} of the report is not a JSON object")
            yield number, {clean_text(name).strip(): _text(item) for name, item in value.items()}

    def _download(self) -> IO[bytes]:
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            try:
                with self._session() as session:
                    self._fetch(session, file)
            except requests.RequestException as error:
                raise self._no_answer(error) from error
            # whole: from here on __exit__ closes it
            stack.pop_all()
        return file

    def _session(self) -> requests.Session:
        session = requests.Session()
        # the environment carries proxies and a CA bundle; a loopback address never goes through a proxy
        session.trust_env = not is_loopback(urlsplit(self._url).hostname)
        session.headers["User-Agent"] = f"directory-recon/{__version__}"
        if self._source.ca_file is not None:
            ca_file = self._folder / self._source.ca_file.expanduser()
            if not ca_file.is_file():
                raise ConfigError(f"[workers] ca_file: no file {ca_file}")
            session.verify = str(ca_file)
        session.auth = self._auth(session)
        return session

    def _auth(self, session: requests.Session) -> Any:
        source = self._source
        if source.user is None:
            # without this, requests would take a password from ~/.netrc
            return lambda request: request
        secret = read_secret(source.password_env, None, None)
        if not secret:
            raise ConfigError(f"no password for {self._host}: {source.password_env} is not set")
        basic = HTTPBasicAuth(source.user.encode(), secret.encode())
        if source.token_url is None:
            return basic
        return _Bearer(self._token(session, source.token_url, basic))

    def _token(self, session: requests.Session, token_url: str, basic: HTTPBasicAuth) -> str:
        parts = urlsplit(token_url)
        if parts.scheme != "https" and not is_loopback(parts.hostname):
            raise ConfigError("[workers] token_url must be https: a secret would travel in clear")
        self.requests += 1
        answer = session.post(
            token_url,
            data={"grant_type": "client_credentials"},
            auth=basic,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        self._check(answer, "token_url")
        try:
            token = answer.json()["access_token"]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{_host(token_url)}: the answer holds no access token", hint="check token_url"
            ) from error
        # requests would show a header that it cannot send
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise SourceError(f"{_host(token_url)}: the answer holds no usable access token", hint="check token_url")
        return token

    def _fetch(self, session: requests.Session, file: IO[bytes]) -> None:
        self.requests += 1
        with session.get(
            self._url, headers={"Accept": "application/json"}, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            self._check(answer, "url")
            for piece in answer.iter_content(_PIECE):
                self.bytes_read += len(piece)
                file.write(piece)

    def _check(self, answer: requests.Response, key: str) -> None:
        status = answer.status_code
        said = f"{_host(answer.url)}: HTTP {status}"
        if 200 <= status < 300:
            return
        if status in TRANSIENT_STATUS:
            asked = retry_after(answer.headers, datetime.now(UTC).timestamp())
            raise TransientError(said, retry_after=asked)
        if status == 401 or (key == "token_url" and status == 400):
            raise SignInError(
                f"{said}: sign-in refused", hint=f"check user and {self._source.password_env} of [workers]"
            )
        if status == 403:
            raise AccessError(said, hint="the integration user lacks the right to run this report")
        if 300 <= status < 400:
            raise SourceError(f"{said}: redirects are not followed: a password would go elsewhere", hint=f"check {key}")
        raise SourceError(said, hint=f"check {key} in [workers]")

    def _no_answer(self, error: requests.RequestException) -> SourceError:
        if isinstance(error, requests.exceptions.SSLError):
            return SourceError(
                f"{self._host}: the certificate cannot be verified", hint="set ca_file in [workers] to its CA bundle"
            )
        if isinstance(error, ValueError):  # requests' classes for an address that it cannot take
            return SourceError(
                f"[workers] {self._source.name}: url or token_url is no address for HTTPS", hint="or is it HTTPS_PROXY?"
            )
        if was_never_sent(error):
            return SourceError(
                f"{self._host} cannot be reached", hint="check url in [workers], the network and HTTPS_PROXY"
            )
        if any(isinstance(cause, requests.Timeout) for cause in causes_of(error)):
            return TransientError(f"{self._host}: no answer in time")
        return TransientError(f"{self._host}: the connection was lost before the report was whole")


def _host(url: str) -> str:
    """HOST[:PORT] for a message; never a user or password."""
    return urlsplit(url).netloc.rpartition("@")[2]


class _Bearer(requests.auth.AuthBase):
    """The token on the report's request; never shown."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _text(value: Any) -> str:
    """A JSON value as the text a CSV would hold; lists of plain values are joined by semicolons."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ";".join(_text(item) for item in value)
    return clean_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


class _Text:
    """A growing piece of JSON text: what is parsed is forgotten."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._stream = stream
        self._where = where
        self._decoder = json.JSONDecoder(parse_float=str, parse_int=str)
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._place = 0
        self._is_whole = False

    def error(self, reason: str) -> SourceError:
        return SourceError(f"{self._where}: {reason}", hint="the report must answer JSON: add format=json to url")

    def _more(self) -> bool:
        if self._is_whole:
            return False
        data = self._stream.read(_PIECE)
        self._is_whole = not data
        try:
            piece = self._bytes.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise self.error("the report is not UTF-8") from error
        self._text = self._text[self._place :] + piece
        self._place = 0
        return True

    def peek(self) -> str:
        """The next character that is not blank; '' at the end."""
        while True:
            while self._place < len(self._text):
                if self._text[self._place] not in " \t\r\n":
                    return self._text[self._place]
                self._place += 1
            if not self._more():
                return ""

    def take(self, expected: str) -> str:
        """The next character, one of `expected`."""
        found = self.peek()
        if not found or found not in expected:
            raise self.error("the report was cut off" if not found else "the report is not JSON")
        self._place += 1
        return found

    def value(self) -> Any:
        """The next whole value; more is read while it does not end."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except RecursionError as error:
                raise self.error("the report is nested too deeply") from error
            except json.JSONDecodeError as error:
                if not self._more():
                    raise self.error("the report was cut off or is not JSON") from error
                continue
            # a number that reaches to the end of the piece may go on in the next one
            number = _NUMBER.match(self._text, self._place)
            if number is not None and number.end() == len(self._text) and self._more():
                continue
            self._place = end
            return value


def stream_records(stream: IO[bytes], where: str) -> Iterator[Any]:
    """The elements of the report's list: the root itself, or the first list in the root object (Report_Entry).

    Numbers come as the text they were written in. Raises SourceError when the text ends before the root does.
    """
    text = _Text(stream, where)
    if text.take("[{") == "[":
        yield from _elements(text)
    else:
        yield from _first_list(text)
    if text.peek():
        raise text.error("something follows the report")


def _elements(text: _Text) -> Iterator[Any]:
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.take(",]") == "]":
            return


def _first_list(text: _Text) -> Iterator[Any]:
    has_list = False
    if text.peek() == "}":
        text.take("}")
    else:
        while True:
            if not isinstance(text.value(), str):
                raise text.error("the report is not JSON")
            text.take(":")
            if not has_list and text.peek() == "[":
                has_list = True
                text.take("[")
                yield from _elements(text)
            else:
                text.value()
            if text.take(",}") == "}":
                break
    if not has_list:
        raise text.error("the report holds no list of records")
