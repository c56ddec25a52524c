"""The notebooks run from top to bottom on the sample company, and are committed without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from recon.lab.sample import SampleCompany
from recon.lab.up import Lab
from tests.support.site import Site

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
# what the results of each must hold
EXPECTED = {
    "campaign": ["hybrid", "done", "otherMails"],
    "first_look": ["entra_user", "One row per user object", "leaver_still_enabled", "NORMAL_ACCOUNT"],
    "one_person": ["record_key", "has_anchor"],
    "own_finding": ["department", "('low', 'site', [])", "delete"],
}


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    with Lab(tmp_path_factory.mktemp("lab"), SampleCompany()) as lab:
        site = Site(lab)
        site.ok("run", "--no-report")
        site.ok("backfill", "plan")
        assert site.recon("backfill", "apply", "latest", "--commit").code == 4  # one of the five is protected
        return site.config


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the kernel's own libraries
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, config, monkeypatch):
    monkeypatch.setenv("RECON_CONFIG", str(config))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = "\n".join(
        output.data["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    )
    for text in EXPECTED[path.stem]:
        assert text in shown
    assert "@home.example" not in shown
