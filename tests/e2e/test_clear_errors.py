"""What goes wrong at a site: one clear line, the right exit code, nothing half-written, no secret in it."""

import sqlite3

import pytest

from recon.lab.certificates import make_tls_files
from tests.support.site import Site, invoke


def refused(site: Site, code: int, said: str, *arguments: object) -> str:
    outcome = site.recon(*arguments)
    lines = [line for line in outcome.err.splitlines() if line.startswith("recon: ")]
    assert outcome.code == code, outcome.err
    assert len(lines) == 1, outcome.err
    assert said in lines[0]
    assert "Traceback" not in outcome.err
    for secret in ("lab-reader-1", "lab-reader-2", "lab-writer-3", "wrong-password"):
        assert secret not in outcome.err + outcome.out
    return lines[0]


def test_no_configuration(tmp_path):
    outcome = invoke("--config", tmp_path / "none.toml", "load", "ad")
    assert outcome.code == 2
    assert "no configuration file" in outcome.err


def test_a_configuration_that_does_not_hold(site):
    site.edit("[database]", "[databse]")
    refused(site, 2, "databse: unknown key", "load", "ad")


def test_a_wrong_password_is_sent_once(site, monkeypatch):
    monkeypatch.setenv("RECON_LAB_AD_PASSWORD", "wrong-password")
    refused(site, 1, "52e", "load", "ad")
    assert len([bind for bind in site.lab.ad[0].log.binds if bind]) == 1


def test_no_password(site):
    site.edit("RECON_LAB_AD_PASSWORD", "RECON_NOT_SET")
    line = refused(site, 2, "no password for", "load", "ad")
    assert "RECON_NOT_SET" in line
    assert len(site.lab.ad[0].log.binds) == 0


def test_a_wrong_secret(site, monkeypatch):
    monkeypatch.setenv("RECON_LAB_READER_SECRET", "wrong-password")
    refused(site, 1, "invalid_client", "load", "entra")


def test_a_host_that_is_not_there(site):
    site.edit('url = "ldaps://127.0.0.1:[0-9]+"', 'url = "ldaps://127.0.0.1:1"', pattern=True)
    refused(site, 1, "127.0.0.1:1", "load", "ad")


def test_a_name_that_does_not_resolve(site):
    site.edit('url = "ldaps://127.0.0.1:[0-9]+"', 'url = "ldaps://dc.invalid"', pattern=True)
    refused(site, 1, "dc.invalid", "load", "ad")


def test_a_certificate_that_cannot_be_verified(site, tmp_path):
    other = make_tls_files(tmp_path, names=("localhost",), addresses=("127.0.0.1",))
    site.edit('ca_file = "ca.pem"', f'ca_file = "{other.ca_file}"')
    refused(site, 1, "certificate", "load", "ad")
    assert len(site.lab.ad[0].log.binds) == 0


def test_an_empty_extract(site):
    site.lab.workers_path.write_text("")
    refused(site, 1, "workers.csv", "load", "workers")


def test_an_extract_without_workers(site):
    header = site.lab.workers_path.read_text(encoding="utf-8").splitlines()[0]
    site.lab.workers_path.write_text(header + "\n")
    refused(site, 1, "no workers", "load", "workers")


def test_an_extract_without_an_id_column(site):
    site.lab.workers_path.write_text("FirstName,LastName\nJo,Doe\n")
    line = refused(site, 2, "FirstName", "load", "workers")
    assert "worker_id" in line


def test_a_missing_extract(site):
    site.lab.workers_path.unlink()
    refused(site, 1, "workers.csv", "load", "workers")


def test_a_folder_that_cannot_be_written(site, tmp_path):
    (tmp_path / "file").write_text("")
    site.edit("sqlite:///recon.db", f"sqlite:///{tmp_path}/file/recon.db")
    refused(site, 1, "cannot make the database", "load", "workers")


def test_an_unknown_finding_names_the_nearest(site):
    site.ok("run", "--no-report")
    line = refused(site, 2, "othermails_mising", "findings", "othermails_mising")
    assert "othermails_missing" in line


def test_no_database_yet(site):
    refused(site, 2, "no database", "findings")


def test_a_database_of_a_newer_version(site):
    site.ok("load", "workers")
    with sqlite3.connect(site.database) as connection:
        connection.execute("insert into schema_version values (99, '9.9', '2030-01-01 00:00:00.000000')")
    connection.close()
    refused(site, 1, "newer version", "load", "workers")
    refused(site, 1, "newer version", "findings")


def test_an_unknown_source(site):
    refused(site, 2, "unknown ad source nowhere", "load", "ad", "nowhere")


def test_a_plan_without_a_scope(site):
    site.ok("run", "--no-report")
    site.edit('scope = "hybrid"\n', "")
    line = refused(site, 2, "scope", "backfill", "plan")
    assert "every worker" in line


@pytest.mark.parametrize("arguments", [("nonsense",), ("load",), ("findings", "--format", "yaml")])
def test_wrong_usage(site, arguments):
    assert site.recon(*arguments).code == 2
