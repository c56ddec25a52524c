"""The notebooks run from top to bottom on the sample company, and are committed without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from recon.lab.sample import SampleCompany
from recon.lab.up import Lab
from tests.support.site import Site

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    with Lab(tmp_path_factory.mktemp("lab"), SampleCompany()) as lab:
        site = Site(lab)
        site.ok("run", "--no-report")
        return site.database


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the kernel's own libraries
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, database, monkeypatch):
    monkeypatch.setenv("RECON_DATABASE_URL", f"sqlite:///{database}")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    tables = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    assert len(tables) == 4
    assert "leaver_still_enabled" in tables[1].data["text/plain"]
