"""A Workday report over real sockets: sign-in, retries, cut-off answers, and the same rows as a CSV."""

import base64
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.config import WorkerSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError, ConfigError, SignInError, SourceError, TransientError
from recon.sources.graph.retry import Patience
from recon.sources.workers import WorkerReading
from recon.sources.workers_raas import stream_records
from tests.servers.certificates import make_authority
from tests.servers.scripted import Reply, ScriptedServer, json_reply
from tests.sources.graph.test_client import Replies

WORKERS = {
    "Report_Entry": [
        {"Worker_ID": "00042", "First_Name": "Zoë", "Hire_Date": "2024-02-29", "Shoe_Size": 43},
        {
            "Worker_ID": "7",
            "Home_Email": "jane@example.net",
            "Remote": True,
            "Prior_IDs": ["5", "6"],
            "X": {"a": [1.50]},
        },
    ]
}  # fmt: skip


def make_reading(server, folder, slept=None, **options):
    source = WorkerSource(url=f"{server.url}/ccx/service/customreport2/x/y?format=json", **options)
    patience = Patience(tries=2, sleep=pytest.fail if slept is None else slept.append, jitter=lambda: 1.0)
    return WorkerReading(source, None, EmployeeIdRules(), folder=folder, patience=patience)


@pytest.fixture
def read(tmp_path):
    def run(replies, slept=None, **options):
        with ScriptedServer(replies) as server:
            run.reading = make_reading(server, tmp_path, slept, **options)
            run.server = server
            return list(run.reading.rows())

    return run


def test_the_same_rows_as_a_csv(read, tmp_path):
    rows = read(Replies(json_reply(WORKERS)))
    file = tmp_path / "w.csv"
    file.write_text(
        "Worker_ID,First_Name,Hire_Date,Shoe_Size,Home_Email,Remote,Prior_IDs,X\n"
        "00042,Zoë,2024-02-29,43,,,,\n"
        '7,,,,jane@example.net,true,5;6,"{""a"":[""1.5""]}"\n',
        encoding="utf-8",
    )
    assert rows == list(WorkerReading(WorkerSource(file=file), file, EmployeeIdRules()).rows())
    assert read.reading.report.requests == len(read.server.heard) == 1
    assert read.reading.report.bytes_read == len(json.dumps(WORKERS))
    assert read.server.heard[0].path == "/ccx/service/customreport2/x/y?format=json"


def test_basic_sign_in(read, monkeypatch):
    monkeypatch.setenv("RECON_HR_PASSWORD", "gehëim")
    read(Replies(json_reply(WORKERS)), user="isu")
    kind, _, text = read.server.heard[0].headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(text).decode()) == ("Basic", "isu:gehëim")


def test_no_user_no_password(read, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    read(Replies(json_reply(WORKERS)))
    assert "authorization" not in read.server.heard[0].headers


def test_oauth_sign_in(read, monkeypatch):
    monkeypatch.setenv("RECON_HR_PASSWORD", "geheim")
    with ScriptedServer(Replies(json_reply({"access_token": "abc", "token_type": "Bearer"}))) as office:
        read(Replies(json_reply(WORKERS)), user="client", token_url=f"{office.url}/token")
        assert office.heard[0].body == b"grant_type=client_credentials"
        assert base64.b64decode(office.heard[0].headers["authorization"].partition(" ")[2]) == b"client:geheim"
    assert [heard.headers["authorization"] for heard in read.server.heard] == ["Bearer abc"]
    assert read.reading.report.requests == 2


def test_sign_in_that_is_refused_is_not_repeated(read, monkeypatch):
    monkeypatch.setenv("RECON_HR_PASSWORD", "geheim")
    with pytest.raises(SignInError, match="HTTP 401: sign-in refused") as caught:
        read(Replies(Reply(401)), user="isu")
    assert len(read.server.heard) == 1
    assert "geheim" not in str(caught.value) + str(caught.value.hint)
    with (
        ScriptedServer(Replies(json_reply({"error": "invalid_client"}, 400))) as office,
        pytest.raises(SignInError, match="HTTP 400"),
    ):
        read(Replies(json_reply(WORKERS)), user="isu", token_url=office.url)
    with ScriptedServer(Replies(json_reply([]))) as office, pytest.raises(SourceError, match="no access token"):
        read(Replies(json_reply(WORKERS)), user="isu", token_url=office.url)
    with pytest.raises(ConfigError, match="token_url must be https"):
        read(Replies(json_reply(WORKERS)), user="isu", token_url="http://login.example/token")


@pytest.mark.parametrize("token", ["a\nSEKRET", "SEKRET b", "SEKRETä", "", None, 5, ["SEKRET"]])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(read, monkeypatch, token):
    monkeypatch.setenv("RECON_HR_PASSWORD", "geheim")
    replies = Replies(json_reply({"access_token": token}))
    with (
        ScriptedServer(replies) as office,
        pytest.raises(SourceError, match="the answer holds no usable access token") as caught,
    ):
        read(Replies(json_reply(WORKERS)), user="client", token_url=office.url)
    assert "SEKRET" not in str(caught.value)
    assert not read.server.heard


def test_a_missing_password_is_named(read, monkeypatch):
    monkeypatch.delenv("RECON_HR_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="RECON_HR_PASSWORD is not set"):
        read(Replies(json_reply(WORKERS)), user="isu")


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(429), Reply(reset=True), Reply(200, json.dumps(WORKERS).encode(), cut=30)],
    ids=["503", "429", "reset", "cut"],
)
def test_what_may_pass_is_tried_again(read, reply):
    slept = []
    assert len(read(Replies(reply, json_reply(WORKERS)), slept)) == 2
    assert slept == [1.0]


def test_retry_after_is_obeyed(read):
    slept = []
    read(Replies(Reply(503, headers={"Retry-After": "2.5"}), json_reply(WORKERS)), slept)
    assert slept == [2.5]


def test_gives_up_in_words(read):
    slept = []
    with pytest.raises(TransientError, match="HTTP 503; gave up after 3 tries"):
        read(Replies(Reply(503)), slept)


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (Reply(403), AccessError, "HTTP 403"),
        (Reply(404), SourceError, "HTTP 404"),
        (Reply(302, headers={"Location": "http://127.0.0.1:9/"}), SourceError, "redirects are not followed"),
        (Reply(200, b"<wd:Report_Data/>"), SourceError, "the report is not JSON"),
        (Reply(200, b""), SourceError, "the report was cut off"),
        (Reply(200, b'{"Report_Entry": [{"Worker_ID": "1"}, '), SourceError, "cut off"),
        (Reply(200, b'{"Report_Entry": [{"Worker_ID": "1"}]'), SourceError, "cut off"),
        (Reply(200, b'{"Report_Entry": []}'), SourceError, "the report holds no workers"),
        (Reply(200, b"[]"), SourceError, "the report holds no workers"),
        (Reply(200, b'{"fault": "x"}'), SourceError, "holds no list of records"),
        (Reply(200, b"{}"), SourceError, "holds no list of records"),
        (Reply(200, b"[5]"), SourceError, "record 1 of the report is not a JSON object"),
        (Reply(200, b'[{"Name": "x"}]'), ConfigError, "no column with worker ids; the headers are Name"),
        (Reply(200, b"\xff\xfe[]"), SourceError, "not UTF-8"),
        (Reply(200, b'[{"a": ' + b"[" * 100_000), SourceError, "nested too deeply"),
    ],
)
def test_what_is_no_report_is_refused(read, reply, kind, message):
    with pytest.raises(kind, match=message):
        read(Replies(reply))


def test_nobody_there(tmp_path):
    source = WorkerSource(url="http://127.0.0.1:9/x")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9 cannot be reached"):
        list(WorkerReading(source, None, EmployeeIdRules(), patience=Patience(sleep=pytest.fail)).rows())


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "https://h h/x", "https://*.example/x"])
@pytest.mark.parametrize("key", ["url", "token_url"])
def test_an_address_that_cannot_be_asked_is_not_tried_again(monkeypatch, key, url):
    monkeypatch.setenv("RECON_HR_PASSWORD", "geheim")
    source = WorkerSource(url="https://127.0.0.1:9/x", user="isu").model_copy(update={key: url})
    with pytest.raises(SourceError, match="no address for HTTPS"):
        list(WorkerReading(source, None, EmployeeIdRules(), patience=Patience(sleep=pytest.fail)).rows())


def test_a_user_in_the_address_is_not_shown():
    source = WorkerSource(url="http://127.0.0.1:9/x").model_copy(update={"url": "http://isu:geheim@127.0.0.1:9/x"})
    with pytest.raises(SourceError) as caught:
        list(WorkerReading(source, None, EmployeeIdRules(), patience=Patience(sleep=pytest.fail)).rows())
    assert str(caught.value) == "127.0.0.1:9 cannot be reached"


def test_tls_is_verified_and_takes_a_ca_file(tmp_path):
    authority = make_authority(tmp_path, addresses=["127.0.0.1"])
    with ScriptedServer(Replies(json_reply(WORKERS)), authority=authority) as server:
        assert len(list(make_reading(server, tmp_path, ca_file=authority.ca_file.name).rows())) == 2
        with pytest.raises(SourceError, match="the certificate cannot be verified"):
            list(make_reading(server, tmp_path).rows())
        with pytest.raises(ConfigError, match="ca_file: no file"):
            list(make_reading(server, tmp_path, ca_file="absent.pem").rows())


def test_the_columns_can_be_asked_for_alone(tmp_path):
    with ScriptedServer(Replies(json_reply(WORKERS))) as server:
        columns = make_reading(server, tmp_path).columns()
    assert columns["worker_id"] == "Worker_ID"
    assert columns["personal_mail"] == "Home_Email"


class Drops(io.BytesIO):
    """Gives one byte a read, whatever is asked for."""

    def read(self, size=-1):
        return super().read(1)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def as_text(value):
    return json.loads(json.dumps(value), parse_int=str, parse_float=str)


@settings(max_examples=40)
@given(
    st.lists(VALUES),
    st.dictionaries(st.text(), VALUES.filter(lambda value: not isinstance(value, list))),
    st.booleans(),
)
def test_records_are_the_same_however_they_arrive(records, others, is_ascii):
    others.pop("Report_Entry", None)
    for body in (records, {**others, "Report_Entry": records}, {"Report_Entry": records, **others, "z": [9]}):
        data = json.dumps(body, ensure_ascii=is_ascii, indent=1).encode()
        assert list(stream_records(Drops(data), "x")) == as_text(records)
        assert list(stream_records(io.BytesIO(data), "x")) == as_text(records)


@given(st.lists(st.dictionaries(st.text(), st.text(), min_size=1), min_size=1), st.data())
def test_a_report_that_is_cut_off_is_never_shorter(records, data):
    whole = json.dumps({"Report_Entry": records}).encode()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(SourceError):
        list(stream_records(io.BytesIO(whole[:cut]), "x"))
    with pytest.raises(SourceError):
        list(stream_records(io.BytesIO(whole + b"}"), "x"))
