"""`recon decode error`: from stdin, a file or the text itself, with the loaded user."""

import json

import pytest
from typer.testing import CliRunner

from recon.cli.decode import app
from recon.config import Settings, Sync
from recon.errors import DecodeError
from recon.findings import refresh
from recon.store import Store
from tests.decode.test_syncerror import CURLY, OBJECT, TRACKING
from tests.support.estate import Estate
from tests.support.site import invoke


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*arguments, stdin=None):
    """stdout as an object."""
    result = CliRunner().invoke(app, ["error", *map(str, arguments), "-f", "json"], input=stdin, catch_exceptions=False)
    (row,) = json.loads(result.stdout)
    return row


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_stdin_file_and_text(folder, encoding):
    file = folder / "error.txt"
    file.write_bytes(CURLY.encode(encoding))
    for row in (shown(file), shown(stdin=file.read_bytes()), shown("-", stdin=CURLY), shown(CURLY)):
        assert (row["object_id"], row["attribute"], row["tracking_id"]) == (OBJECT, "employeeHireDate", TRACKING)
        assert row["user"] is None


@pytest.mark.parametrize("text", [f"Tracking Id: {TRACKING}", f"Tracking Id: {TRACKING}{' and more' * 200}"])
def test_a_line_of_the_text(folder, text):
    assert shown(text)["tracking_id"] == TRACKING
    (folder / "an error").write_text(text, encoding="utf-8")
    assert shown(folder / "an error")["tracking_id"] == TRACKING


def test_the_loaded_user(folder):
    with Store.open(f"sqlite:///{folder}/recon.db") as store:
        estate = Estate(store)
        estate.ad(immutable_id="AA==", distinguishedname="CN=Jané,DC=x", extensionattribute1="20230212")
        estate.entra(id=OBJECT, onpremisesimmutableid="AA==", userprincipalname="jane@contoso.com")
        refresh(store, Settings(), sync=Sync(hire_attribute="extensionAttribute1"))
    (folder / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n', encoding="utf-8")
    row = shown(CURLY)
    assert (row["source"], row["user"], row["ad_user"]) == ("entra", "jane@contoso.com", "CN=Jané,DC=x")
    assert row["ad_values"] == "extensionAttribute1 = 20230212 (is a date without a time; write 20230212010000.0Z)"
    outcome = invoke("decode", "error", CURLY.replace(OBJECT.upper(), TRACKING))
    assert (outcome.code, outcome.err) == (0, f"note: no loaded user has the object id {TRACKING}\n")


@pytest.mark.parametrize("text", ['[database]\nurl = "sqlite:///none.db"\n', "[database\n"])
def test_a_database_that_cannot_be_asked(folder, text):
    (folder / "recon.toml").write_text(text, encoding="utf-8")
    outcome = invoke("decode", "error", CURLY)
    assert outcome.code == 0
    assert "employeeHireDate" in outcome.out
    assert outcome.err.startswith("note: the database is not asked: ")
    assert not (folder / "none.db").exists()


def test_refusals(folder):
    for arguments in (("nowhere.txt",), ("no error in here",)):
        outcome = invoke("decode", "error", *arguments)
        assert outcome.code == DecodeError.exit_code
        assert len(outcome.err.splitlines()) == 1
