"""The sample company, rehearsed; secrets stand in the environment as at a real site."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recon.cli.main import run
from recon.lab.sample import SampleCompany
from tests.backfill.rehearsal import SECRET, Rehearsal, rehearse
from tests.servers.stores import fresh_database

SECRETS = ("RECON_AD_PASSWORD", "RECON_ENTRA_SECRET", "RECON_ENTRA_WRITER_SECRET")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab's password, where the configuration looks for it."""
    for name in SECRETS:
        monkeypatch.setenv(name, SECRET)


@pytest.fixture
def rehearsal(tmp_path: Path, secrets: None) -> Iterator[Rehearsal]:
    """The sample company loaded and matched, its servers running."""
    with rehearse(SampleCompany(), tmp_path) as running:
        running.load()
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def everywhere(
    request: pytest.FixtureRequest, tmp_path: Path, secrets: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rehearsal]:
    """The same on each engine at hand."""
    with rehearse(SampleCompany(), tmp_path) as running:
        if request.param == "sqlite":
            running.load()
            yield running
            return
        with fresh_database(request.getfixturevalue("postgresql_url")) as url:
            monkeypatch.setenv("RECON_DATABASE_URL", url)
            running.load()
            yield running


@pytest.fixture
def recon(rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `recon backfill …`; returns exit code, stdout and stderr."""
    rehearsal.graph.service.directories[rehearsal.tenant].privileged.clear()

    def call(*arguments: str, config: str = "recon.toml") -> tuple[Any, str, str]:
        with pytest.raises(SystemExit) as ended:
            run(["--config", str(rehearsal.folder / config), "backfill", *arguments])
        streams = capsys.readouterr()
        return ended.value.code, streams.out, streams.err

    call.rehearsal = rehearsal  # type: ignore[attr-defined]
    return call
