"""The running lab: what it writes, what every command then finds, how it starts and ends."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest
from sqlalchemy import text

from recon.backfill.build import build_plan
from recon.config import load_config
from recon.errors import ReconError, UsageError
from recon.lab.company import DOMAINS, TENANTS
from recon.lab.defects import BY_CODE, RATES
from recon.lab.generator import GeneratedCompany
from recon.lab.graph import Fault
from recon.lab.rendering import WORKER_COLUMNS
from recon.lab.sample import PEOPLE, SampleCompany, expected
from recon.lab.up import MARK, Lab, parse_duration
from recon.pipeline.steps import run_all
from recon.store import Store


def _found(store):
    rows = {}
    with store.engine.connect() as connection:
        for code, kind, key in connection.execute(text("select code, object_type, object_key from finding_row")):
            rows.setdefault(code, Counter())[kind, key] += 1
    return rows


def _loaded(lab):
    config = load_config(lab.config_path)
    with Store.open(config.database_url, create=True) as store:
        with store.write() as connection:  # as the site's database administrator would
            connection.exec_driver_sql((lab.folder / "critical_group.sql").read_text(encoding="utf-8"))
        run_all(config, store, lambda _: None, write_report=False)
    return config


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("sample"), SampleCompany()) as lab:
        yield lab, _loaded(lab)


# ---- the files --------------------------------------------------------------------------------------------------


def test_configuration_names_every_part(sample):
    lab, config = sample
    assert [source.url for source in config.ad] == [(lab.ad[0].ldaps_url,)]
    assert config.ad[0].user == "svc-recon@contoso.example"
    assert [source.graph_url for source in config.entra] == [lab.graph.url]
    assert [source.tenant_id for source in config.entra] == [TENANTS[0].tenant_id]
    assert (config.workers[0].file, config.backfill.scope) == (type(lab.folder)("workers.csv"), "hybrid")
    assert [(link.ad, link.entra, link.workers) for link in config.link] == [("contoso", "entra", "hr")]
    assert config.database_url == f"sqlite:///{lab.folder}/recon.db"


def test_secrets_are_for_their_owner_alone_and_not_in_the_configuration(sample):
    lab, _ = sample
    assert (lab.folder / ".secrets.env").stat().st_mode & 0o777 == 0o600
    assert (lab.folder / "server.key").stat().st_mode & 0o077 == 0
    written = lab.config_path.read_text(encoding="utf-8")
    for line in (lab.folder / ".secrets.env").read_text(encoding="utf-8").splitlines():
        name, _, secret = line.partition("=")
        assert name in written
        assert secret
        assert secret not in written


def test_workers_file_holds_every_record(sample):
    lab, _ = sample
    with lab.workers_path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == WORKER_COLUMNS
    assert rows == list(lab.company.workers())


# ---- what is planted is found, and nothing else ----------------------------------------------------------------------


def test_sample_company_shows_what_is_planted(sample):
    lab, config = sample
    with Store.open(config.database_url) as store:
        found = _found(store)
    planted = lab.company.planted_rows()
    assert {code: set(rows) for code, rows in found.items()} == planted


def test_sample_company_is_planned_as_expected(sample):
    lab, config = sample
    with Store.open(config.database_url) as store:
        plan = build_plan(config, store)
    said = {item.worker_id: "item" for item in plan.items()}
    said |= {reason.worker_id: reason.code for reason in plan.reasons()}
    for named, person in zip(PEOPLE, lab.company.people(), strict=True):
        outcome = expected(named)[1].removesuffix(" x2")
        for worker in person.workers:
            assert said.get(worker.worker_id, "-") == outcome, named.name


def test_generated_company_shows_what_is_planted(tmp_path):
    company = GeneratedCompany(1000, seed=3, domains=2, tenants=2)
    with Lab(tmp_path, company) as lab:
        config = _loaded(lab)
        assert len(lab.ad) == 2
        assert [link.entra for link in config.link] == ["entra", "entra2"]
        with Store.open(config.database_url) as store:
            found = _found(store)
    assert {code: set(rows) for code, rows in found.items()} == company.planted_rows()
    assert sum(found["othermails_missing"].values()) == RATES["othermails_missing"] + sum(
        BY_CODE[code].per_mille * (2 if BY_CODE[code].findings.endswith("x2") else 1)
        for code in BY_CODE
        if "othermails_missing" in BY_CODE[code].findings
    )


def test_generated_company_is_planned_as_stated(tmp_path):
    company = GeneratedCompany(1000, seed=4)
    with Lab(tmp_path, company) as lab:
        config = _loaded(lab)
    with Store.open(config.database_url) as store:
        plan = build_plan(config, store)
    said = {item.worker_id: "item" for item in plan.items()}
    said |= {reason.worker_id: reason.code for reason in plan.reasons()}
    for person in company.people():
        for worker in person.workers:
            stated = "already_present" if person.defect is None else BY_CODE[person.defect].backfill
            if worker.kind != "Employee":
                stated = "-"
            assert said.get(worker.worker_id, "-") == stated.removesuffix(" x2"), person.defect


# ---- start and end -------------------------------------------------------------------------------------------------


def test_simulator_is_behind_the_switches(tmp_path):
    with Lab(tmp_path, SampleCompany(), faults=[Fault("503", at=2)], latency=0.01, eventual=1.0) as lab:
        assert [fault["kind"] for fault in lab.graph.service.faults.state()] == ["503"]
        assert [what for what, _ in lab.addresses()] == [
            f"ad {DOMAINS[0].name}",
            f"entra {TENANTS[0].tenant_id}",
            "workers",
            "config",
        ]


def test_a_lab_can_be_started_again_in_its_folder(tmp_path):
    for _ in range(2):
        with Lab(tmp_path, SampleCompany()) as lab:
            assert lab.config_path.read_text(encoding="utf-8").startswith(MARK)


def test_stopped_lab_has_no_listener(tmp_path):
    with Lab(tmp_path, SampleCompany()) as lab:
        port = lab.ad[0].port
        socket.create_connection(("127.0.0.1", port), 5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_lab_before_its_start(tmp_path):
    with pytest.raises(UsageError, match="not been started"):
        _ = Lab(tmp_path, SampleCompany()).graph


def test_configuration_of_somebody_else_is_kept(tmp_path):
    (tmp_path / "recon.toml").write_text("# ours\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a lab's"):
        Lab(tmp_path, SampleCompany()).start()
    assert (tmp_path / "recon.toml").read_text(encoding="utf-8") == "# ours\n"


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot write to .*file"):
        Lab(tmp_path / "file", SampleCompany()).start()


@pytest.mark.parametrize("option", ["ad_port", "graph_port"])
def test_busy_port(tmp_path, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        lab = Lab(tmp_path, SampleCompany(), **{option: taken.getsockname()[1]})
        with pytest.raises(ReconError, match="cannot listen"):
            lab.start()
    assert not (tmp_path / "recon.toml").exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("50ms", 0.05), ("5s", 5.0), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), ("0", 0.0)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "5 s", "1d", "1e3s", "５s"])
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match="not a duration"):
        parse_duration(text)


# ---- the command line ------------------------------------------------------------------------------------------------


def _recon(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "recon", "lab", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_up_ends_by_itself(tmp_path):
    ended = _recon("up", "--dir", str(tmp_path), "--people", "10", "--domains", "2", "--tenants", "2", "--for", "0")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "ready")
    assert [line.split("\t")[0].split()[0] for line in ended.stdout.splitlines()[:-1]] == [
        "ad", "ad", "entra", "entra", "workers", "config",
    ]  # fmt: skip
    assert f"recon --config {tmp_path}/recon.toml run" in ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_ends_well_when_asked_to(tmp_path, number):
    command = [sys.executable, "-m", "recon", "lab", "up", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        deadline = time.monotonic() + 30
        while running.stdout.readline() != "ready\n":
            assert time.monotonic() < deadline
            assert running.poll() is None
        running.send_signal(number)
        assert running.wait(20) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--people", "9"], 2, "10 to 2,000,000"),
        (["--fault", "nonsense@5"], 2, "unknown fault 'nonsense'"),
        (["--latency", "fast"], 2, "not a duration: 'fast'"),
        (["--tenants", "2"], 2, "two tenants need two domains"),
        (["--limits", "some"], 2, "--limits is real or off"),
        (["--sample", "--people", "10"], 2, "exclude each other"),
    ],
)
def test_mistakes_are_one_clear_line(tmp_path, arguments, code, message):
    ended = _recon("up", "--dir", str(tmp_path / "lab"), "--for", "0", *arguments)
    assert ended.returncode == code
    assert message in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""


def test_rates_are_shown():
    shown = json.loads(_recon("rates", "--format", "json").stdout)
    assert {row["class"]: row["per_mille"] for row in shown} == RATES


def test_people_are_shown():
    shown = json.loads(_recon("people", "--format", "json").stdout)
    assert len(shown) == len(PEOPLE)
    assert shown[1]["person"] == "Jörg Müller"
    assert (shown[1]["findings"], shown[1]["backfill"]) == ("othermails_missing", "item")
