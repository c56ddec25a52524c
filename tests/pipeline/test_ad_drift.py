"""The lab's domain changes at random: increments over LDAP, published, equal a full read, and as_of what stood."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.config import AdSource, LoadGuards
from recon.decode.keys import EmployeeIdRules
from recon.errors import WatermarkError
from recon.lab.adserver import AdServer
from recon.objects import TABLES
from recon.sources.ldap.reading import AdReading
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import Begin, register_source, standing
from tests.support.adsteps import Steps, domain
from tests.support.drift import Snapshot, assert_as_of, assert_equal_tables, snapshot, steps

LENIENT = LoadGuards(max_shrink_share=1, max_shrink_rows=1000, max_fill_loss=1)
AD = tuple(name for name in TABLES if name.startswith("ad_"))
STEPS = steps(25)


def load(store: Store, server: AdServer, user: str, *, full: bool = False) -> int:
    """An increment, a full read where the source asks for one; as recon.pipeline.loads does it."""
    try:
        return read(store, server, user, full=full)
    except WatermarkError:
        return read(store, server, user, full=True)


def read(store: Store, server: AdServer, user: str, *, full: bool) -> int:
    source = AdSource.model_validate(
        {"url": server.url, "user": f"{user}@contoso.example", "tls": "none", "allow_plain_bind": True}
    )
    source_id = register_source(store, "ad", "ad")
    stood = None if full else standing(store, source_id)
    since, base = (stood.watermark, stood.run_id) if stood is not None else (None, None)
    reading = AdReading(source, "right", EmployeeIdRules(), since=since, pause=[].append)
    with Load(store, source_id, "ad", AD, LENIENT, Begin(run_id=base)) as running:
        for row in reading.rows():
            running.add(row)
        assert reading.report.is_increment == (since is not None)
        running.publish(reading.report)
        return running.run_id


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One that takes increments, and one that is read in full each time."""
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, Store.open(f"sqlite:///{tmp_path}/fresh.db") as fresh:
        yield store, fresh


@pytest.mark.parametrize("user", ["reader", "replicator"])
def test_increments_of_a_domain_equal_full_reads(stores, user):
    store, fresh = stores
    changes = domain()
    walk = Steps(changes, seed=7)
    with AdServer(changes.directory) as server:
        states: dict[int, Snapshot] = {load(store, server, user): snapshot(store, AD)}
        for _ in range(STEPS):
            walk.step()
            run = load(store, server, user)
            load(fresh, server, user, full=True)
            try:
                assert_equal_tables(store, fresh, AD)
            except AssertionError as error:
                raise AssertionError(f"after {walk.log[-3:]}") from error
            states[run] = snapshot(store, AD)
    for run, state in states.items():
        assert_as_of(store, run, state)
