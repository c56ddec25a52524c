"""Each scripted fault: the load recovers with every row right, or nothing is published and the old rows stand."""

from datetime import UTC, datetime

import pytest

from recon.lab.graph import parse_fault
from recon.lab.sample import SampleCompany
from recon.lab.up import Lab
from tests.support.site import Site, snapshot

TODAY = datetime.now(UTC).date()  # one for all of them: they may run over midnight


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> dict[str, list[tuple]]:
    """What a load without faults publishes."""
    with Lab(tmp_path_factory.mktemp("truth"), SampleCompany(today=TODAY)) as lab:
        site = Site(lab)
        site.ok("load", "entra", "--no-refresh")
        return snapshot(site.database, "entra_")


RECOVERS = [
    "503@1",
    "503@2",
    "503-mid@1",
    "503-mid@3",
    "reset@1",
    "reset@2",
    "truncated@1",
    "truncated@2",
    "429-decimal@2",
    "429:1@2",
    "429-none@2",
    "504@2",
    "409@2",
    "401@2",
    "504-after@2",
    "reset-after@2",
    "424@/batch/",
    "empty-page@1",
    "slow:0.2@1",
    "duplicated-page@2",
    "shifted-page@2",
    "expired-page-token@2",
]


def small_pages(site: Site) -> None:
    site.edit('graph_url = "', 'page_size = 20\ngraph_url = "')


@pytest.mark.parametrize("fault", RECOVERS)
def test_a_fault_is_survived_with_every_row_right(tmp_path, truth, fault):
    with Lab(tmp_path, SampleCompany(today=TODAY), faults=[parse_fault(fault)]) as lab:
        site = Site(lab)
        small_pages(site)
        outcome = site.ok("load", "entra", "--no-refresh")
        assert snapshot(site.database, "entra_") == truth, outcome.err


LASTING = ["503@p1x*", "reset@p1x*", "truncated@p1x*", "shifted-page@p1x*", "expired-page-token@p1x*"]


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_leaves_the_old_rows_and_says_why(tmp_path, truth, fault):
    with Lab(tmp_path, SampleCompany(today=TODAY)) as lab:
        site = Site(lab)
        small_pages(site)
        site.edit("page_size", "retries = 1\npage_size")
        site.ok("load", "entra", "--no-refresh")
        lab.graph.add_fault(parse_fault(fault))
        outcome = site.recon("load", "entra", "--full", "--no-refresh")
        assert outcome.code == 1
        said = [line for line in outcome.err.splitlines() if line.startswith("recon: ")]
        assert len(said) == 1
        assert snapshot(site.database, "entra_") == truth
        assert site.query("select status from load_run order by run_id desc limit 1") == [("failed",)]
