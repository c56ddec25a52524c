"""Fixture `site`: the sample company, running."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.lab.sample import SampleCompany
from recon.lab.up import SECRETS, Lab
from tests.support.site import Site


@pytest.fixture(autouse=True)
def _no_secrets_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands read the lab's env_file into the environment; each test starts without."""
    for name in SECRETS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Lab(tmp_path / "lab", SampleCompany()) as lab:
        yield Site(lab)
