"""recon browse: Datasette on the database; masked unless told otherwise."""

import json
import socket
import time
import urllib.error
import urllib.request

import pytest

from recon.store import Store
from tests.support.estate import Estate
from tests.support.site import invoke, start


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browse")
    (folder / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n', encoding="utf-8")
    with Store.open(f"sqlite:///{folder}/recon.db") as store:
        estate = Estate(store)
        estate.worker("E1", personal_mail="jane.doe@home.example")
        estate.entra(id="user-1", employeeid="E1", userprincipalname="jane@example.com")
    assert invoke("--config", folder / "recon.toml", "refresh").code == 0
    return folder / "recon.toml"


class Browser:
    def __init__(self, port):
        self.root = f"http://127.0.0.1:{port}"

    def get(self, path):
        """(status, text)"""
        try:
            with urllib.request.urlopen(self.root + path, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def browsing(config, *options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(config, "browse", "--port", port, *options)
    browser = Browser(port)
    until = time.monotonic() + 60
    while True:
        try:
            browser.get("/")
            return process, browser
        except OSError:  # not there yet
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.fixture(scope="module", params=[(), ("--unmask",)], ids=["masked", "unmasked"])
def browser(config, request):
    process, browser = browsing(config, *request.param)
    yield browser, bool(request.param)
    process.terminate()
    process.communicate(timeout=20)


def test_findings_are_described_and_faceted(browser):
    its, _ = browser
    status, text = its.get("/recon/finding.json?_facet=code&_shape=array")
    assert status == 200
    assert {row["code"] for row in json.loads(text)} >= {"othermails_missing"}
    assert "jane.doe@home.example" not in text
    status, text = its.get("/recon/finding")
    assert status == 200
    assert "facet-code" in text
    assert 'class="metadata-description"' in text


def test_personal_tables_and_free_sql_need_unmask(browser):
    its, unmasked = browser
    status, text = its.get("/recon/worker.json?_shape=array")
    assert (status, "jane.doe@home.example" in text) == ((200, True) if unmasked else (403, False))
    assert its.get("/recon.json?sql=select+personal_mail+from+worker")[0] == (200 if unmasked else 403)
    assert its.get("/recon/entra_user_history")[0] == (200 if unmasked else 403)


@pytest.mark.parametrize("name", ["as_of_ad_attribute", "as_of_entra_user_othermail", "othermails_missing"])
def test_queries_of_whole_tables_need_unmask(browser, name):
    its, unmasked = browser
    assert its.get(f"/recon/{name}.json?_shape=array&run=1")[0] == (200 if unmasked else 404)


def test_a_table_made_meanwhile_needs_unmask(browser, config):
    its, unmasked = browser
    with Store.open(f"sqlite:///{config.parent}/recon.db") as store, store.write() as connection:
        for name in ("stage_1", 'it\'s 100% "odd"/x.json', "Größe"):
            quoted = name.replace('"', '""')
            connection.exec_driver_sql(f"create table if not exists \"{quoted}\" as select 'SECRET' as x")
    for path in ("stage_1", "it~27s+100~25+~22odd~22~2Fx~2Ejson", "Gr~C3~B6~C3~9Fe"):
        status, text = its.get(f"/recon/{path}?_format=json")
        assert (status, "SECRET" in text) == ((200, True) if unmasked else (403, False)), path
    status, text = its.get("/recon")
    assert status == 200
    assert ("stage_1" in text) == unmasked


def test_what_is_not_there_is_a_page_of_its_own(browser):
    its, _ = browser
    assert its.get("/recon/nowhere")[0] == 404
    assert its.get("/nowhere")[0] == 404


def test_named_queries_are_ready(browser):
    its, _ = browser
    status, text = its.get("/recon/loads.json?_shape=array")
    assert status == 200
    status, text = its.get("/recon/one_person.json?_shape=array&who=e1")
    assert (status, [row["record_key"] for row in json.loads(text)]) == (200, ["E1", "user-1"])


def test_a_name_that_datasette_cannot_quote_is_told(tmp_path):
    (tmp_path / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n', encoding="utf-8")
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.write() as connection:
        connection.exec_driver_sql('create table "[x]" (y text)')
    outcome = invoke("--config", tmp_path / "recon.toml", "browse")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (
        1, "recon: Datasette cannot read a database with a table named '[x]'. Rename it."
    )  # fmt: skip


def test_only_sqlite(tmp_path, postgresql_url):
    (tmp_path / "recon.toml").write_text(f'[database]\nurl = "{postgresql_url}"\n', encoding="utf-8")
    with Store.open(postgresql_url):
        outcome = invoke("--config", tmp_path / "recon.toml", "browse")
    assert outcome.code == 2
    assert (
        outcome.err == "recon: browse shows SQLite databases; this one is postgresql. Open it with your SQL client.\n"
    )
