"""`recon load`: what is said about overrides, and `--verify`."""

import csv
import io
import json
import os
import re
import subprocess
import sys

import pytest
from sqlalchemy import update

from recon.cli.main import run
from recon.objects import ReadReport
from recon.store import Store
from recon.store.load import Load
from recon.store.overrides import accepted_overrides
from recon.store.runs import register_source
from recon.store.tables import LOADED
from tests.support.rows import make_row
from tests.support.site import invoke


@pytest.fixture
def recon(tmp_path, capsys):
    (tmp_path / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n[ad]\nldif = "x.ldif"\n', "utf-8")
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        source_id = register_source(store, "ad", "ad", "contoso.example")
        with Load(store, source_id, "ad", ("ad_user", "ad_user_proxyaddress")) as load:
            load.add(make_row("ad_user", guid="g1", cn="Ana"))
            load.publish(ReadReport())

    def call(*arguments: str) -> tuple[int, list[dict[str, str]], str]:
        try:
            run(["--config", str(tmp_path / "recon.toml"), *arguments])
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        streams = capsys.readouterr()
        return code, list(csv.DictReader(io.StringIO(streams.out))), streams.err

    return call


def test_verify_says_of_each_table_whether_it_holds(recon, tmp_path):
    code, rows, _ = recon("load", "--verify", "--format", "csv")
    assert (code, [(row["table"], row["intact"]) for row in rows]) == (0, [("ad_user", "yes")])
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.write() as connection:
        connection.execute(update(LOADED["ad_user"]).values(cn="edited"))
    code, rows, said = recon("load", "--verify", "--format", "csv")
    assert (code, [(row["table"], row["intact"]) for row in rows]) == (1, [("ad_user", "NO")])
    assert "not what was loaded: ad_user of ad" in said


@pytest.mark.parametrize("digits", [19, 5_000])
@pytest.mark.parametrize(
    ("option", "form"), [("--accept-rows", "{}"), ("--accept-rows", "ad_user={}"), ("--accept-fill", "ad_user.cn={}")]
)
def test_a_number_that_is_too_long_is_a_wrong_use(recon, option, form, digits):
    code, _, said = recon("load", "ad", option, form.format("9" * digits))
    assert (code, "no table has so many rows" in said) == (2, True)
    assert len(said) < 200


def test_what_was_rejected_is_said_with_reasons_and_shown_in_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("RECON_CONFIG", "RECON_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "recon.toml").write_text('[workers]\nfile = "hr.csv"\n')
    (tmp_path / "hr.csv").write_text("WorkerID,Company\n1,A\n1,B\n,C\n2,D\n")
    done = invoke("load", "workers", "--format", "csv")
    assert done.code == 0, done.err
    assert "rejected: hr: worker: 2 duplicate, 1 no_id\n" in done.err
    report = invoke("report", "--out", tmp_path)
    assert report.code == 0, report.err
    assert "(2 duplicate, 1 no_id)" in next(tmp_path.glob("*.html")).read_text(encoding="utf-8")


@pytest.mark.parametrize("header", ["FTE (1=full)", "Cost centre, old", "Cost\u200bcentre", "FTE\u2028rate"])
def test_a_column_of_hr_that_went_empty_is_accepted_as_the_refusal_says(tmp_path, monkeypatch, header):
    monkeypatch.chdir(tmp_path)
    for name in ("RECON_CONFIG", "RECON_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "recon.toml").write_text('[workers]\nfile = "hr.csv"\n')
    for value in ("x", ""):
        lines = [f'WorkerID,"{header}"', *(f"{n},{value}" for n in range(30))]
        (tmp_path / "hr.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = invoke("load", "workers", "--no-refresh")
    assert done.code != 0
    told = re.search(r"--accept-fill (\S.*=0)", done.err)
    assert told is not None
    done = invoke("load", "workers", "--no-refresh", "--accept-fill", told[1])
    assert done.code == 0, done.err
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.read() as connection:
        found = list(accepted_overrides(connection))
    assert found == [("hr", f"was accepted by hand with worker_attribute.{header} filled in 0 rows only")]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            '[[entra]]\nname = "a"\nndjson = "a"\n[[entra]]\nname = "b"\nndjson = "b"\n',
            "--save takes one tenant. Name one: a, b",
        ),
        ('[entra]\nndjson = "a"\n', "entra is read from files: there is nothing to save"),
    ],
)
def test_a_folder_takes_one_tenant_of_a_server(tmp_path, monkeypatch, config, said):
    monkeypatch.chdir(tmp_path)
    for name in ("RECON_CONFIG", "RECON_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "recon.toml").write_text(config)
    done = invoke("load", "entra", "--save", tmp_path / "out")
    assert (done.code, said in done.err) == (2, True), done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_data_in_a_pipe_is_utf_8_whatever_the_locale(tmp_path, encoding):
    (tmp_path / "recon.toml").write_text('[workers]\nfile = "hr.csv"\n')
    (tmp_path / "hr.csv").write_text("WorkerID,Company\n本社,A\n本社,B\n1,C\n", encoding="utf-8")
    there = {**os.environ, "PYTHONIOENCODING": encoding, "RECON_CONFIG": str(tmp_path / "recon.toml")}
    for words in (["load", "workers", "--no-refresh"], ["sql", "run", "rejects", "--format", "json"]):
        done = subprocess.run([sys.executable, "-m", "recon", *words], env=there, capture_output=True, check=True)
    assert "本社" in {row["object_key"] for row in json.loads(done.stdout.decode())}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("load", "--verify", "ad"), "--verify stands alone"),
        (("load", "--format", "csv"), "say what to load"),
        (("load", "ad", "--accept-fill", "ad_user.cn"), "--accept-fill ad_user.cn: not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-fill", "ad_user.cn=x"), "not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-fill", "cn=0"), "not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-fill", "ad_usr.cn=0"), "not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-rows", "ad_usr=0"), "--accept-rows ad_usr=0: not TABLE=N"),
        (("load", "ad", "--accept-rows", "ad_user.cn=0"), "not TABLE=N"),
        (("load", "ad", "--accept-rows", "-1"), "--accept-rows -1: not TABLE=N"),
    ],
)
def test_what_cannot_be_meant_is_refused(recon, arguments, said):
    code, rows, err = recon(*arguments)
    assert (code, rows) == (2, [])
    assert said in err
