"""`recon findings`: lists with families, accepts by name or key, and judges what is open."""

import json

import pytest
from sqlalchemy import select

from recon.store import Store
from recon.store.acceptance import finding_acceptance
from tests.support.estate import Estate
from tests.support.site import invoke


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call `recon …` in a folder with two users without usageLocation; gives exit code and JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECON_CONFIG", raising=False)
    monkeypatch.delenv("RECON_DATABASE_URL", raising=False)
    (tmp_path / "recon.toml").write_text(
        "[findings]\ndefault = false\ncodes = ['usagelocation_missing', 'mail_differs']\n"
    )
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        estate = Estate(store)
        for key in ("k1", "k2"):
            estate.entra(id=key, userprincipalname=f"{key}@example.com", usagelocation=None)

    def run(*words, code=0, says=""):
        result = invoke(*words)
        assert result.code == code, result.err
        assert says in result.err
        return json.loads(result.out) if "json" in words else result.out

    run("refresh")
    return run


def test_counts_families_and_what_did_not_run(call):
    rows = {row["finding"]: row for row in call("findings", "--format", "json")}
    assert set(rows) == {"usagelocation_missing", "mail_differs"}
    found = rows["usagelocation_missing"]
    assert (found["family"], found["rows"], found["open"], found["accepted"]) == ("lifecycle", 2, 2, 0)
    assert [row["finding"] for row in call("findings", "--family", "match", "--format", "json")] == ["mail_differs"]
    every = {row["finding"]: row["rows"] for row in call("findings", "--all", "--format", "json")}
    assert (every["usagelocation_missing"], every["upn_differs"], len(every) > 60) == (2, "", True)
    call("findings", "--family", "grups", code=2, says="--family grups: no such family")


def test_accepting_and_withdrawing(call):
    accept = ("findings", "accept", "usagelocation_missing")
    call(*accept, "K1@example.com", "--until", "2199-12-31", "--why", "no licence yet", "--by", "Ada")
    rows = call("findings", "usagelocation_missing", "--format", "json")
    assert [(row["object_key"], row["state"], row["why"]) for row in rows] == [
        ("k1", "accepted", "until 2199-12-31 by Ada: no licence yet"), ("k2", "still", None),
    ]  # fmt: skip
    call("findings", "--fail-on", "info", code=3)
    call(*accept, "k2", "--until", "2199-12-31", "--why", "same")
    call("findings", "--fail-on", "info")
    listed = call("findings", "accepted", "--format", "json")
    assert [(row["object_key"], row["until"], row["state"]) for row in listed] == [
        ("k1", "2199-12-31", "accepted"), ("k2", "2199-12-31", "accepted"),
    ]  # fmt: skip
    call("findings", "unaccept", "usagelocation_missing", "k1@example.com")
    call("findings", "--fail-on", "info", code=3)
    again = "nothing is accepted for k1 in usagelocation_missing"
    call("findings", "unaccept", "usagelocation_missing", "k1", code=2, says=again)


@pytest.mark.parametrize(
    ("wanted", "until", "why", "message"),
    [
        ("nobody", "2199-12-31", "x", "no row of usagelocation_missing is about nobody"),
        ("k1", "2020-01-01", "x", "--until 2020-01-01 has passed"),
        ("k1", "soon", "x", "--until soon: not a day"),
        ("k1", "2199-12-31", " ", "--why is empty"),
    ],
)
def test_a_bad_acceptance_writes_nothing(call, tmp_path, wanted, until, why, message):
    words = ("findings", "accept", "usagelocation_missing", wanted, "--until", until, "--why", why)
    call(*words, code=2, says=message)
    assert accepted_in(tmp_path) == []


def accepted_in(folder) -> list[str | None]:
    """The attributes of what is accepted."""
    with Store.open(f"sqlite:///{folder}/recon.db") as store, store.read() as connection:
        return list(connection.scalars(select(finding_acceptance.c.attribute)))


def test_an_attribute_that_no_row_has_is_not_accepted(call, tmp_path):
    words = ("findings", "accept", "usagelocation_missing", "k1", "--until", "2199-12-31", "--why", "x", "--attribute")
    call(
        *words, "usageLokation", code=2, says="no row of usagelocation_missing about k1 has the attribute usageLokation"
    )
    assert accepted_in(tmp_path) == []
    call(*words, "USAGELOCATION")
    assert accepted_in(tmp_path) == ["usageLocation"]  # as the rows spell it, or it would cover none


def test_a_value_is_accepted_where_an_object_has_several_rows(call, tmp_path):
    words = ("findings", "accept", "usagelocation_missing", "k1", "--until", "2199-12-31", "--why", "x", "--value")
    call(*words, "nothing", code=2, says="no row of usagelocation_missing about k1 shows the value nothing")
    assert accepted_in(tmp_path) == []


def test_what_covers_nothing_or_an_unknown_finding_is_told(call, tmp_path):
    row = {"object_key": "k1", "accepted_until": "2199-12-31", "accepted_by": "dba", "why": "by hand"}
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.write() as connection:
        for code, key in (("usagelocation_missing", "gone"), ("usagelocation_missing", "k1"), ("of_before", "k1")):
            connection.execute(finding_acceptance.insert().values({**row, "code": code, "object_key": key}))
    listed = call("findings", "accepted", "--format", "json")
    assert [(each["object_key"], each["rows"], each["state"]) for each in listed] == [
        ("k1", 0, "unknown finding"), ("gone", 0, "covers nothing"), ("k1", 1, "accepted"),
    ]  # fmt: skip


def test_the_value_of_a_finding_that_is_personal_or_unknown_is_masked(call, tmp_path):
    row = {
        "object_key": "k1",
        "accepted_until": "2199-12-31",
        "accepted_by": "dba",
        "why": "x",
        "detail": "jo@home.example",
    }
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.write() as connection:
        for code in ("of_before", "usagelocation_missing"):
            connection.execute(finding_acceptance.insert().values({**row, "code": code}))
    unknown, shown = call("findings", "accepted", "--format", "json")
    assert "jo@home" not in unknown["value"]
    assert shown["value"] == "jo@home.example"
