"""Random changes with an increment after each: the tables equal a full read, and as_of equals what stood then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.config import LoadGuards
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import Begin, register_source, standing
from tests.support.drift import Snapshot, assert_as_of, assert_equal_tables, snapshot
from tests.support.scripted import AD_TABLES, ENTRA_TABLES, Scripted, ScriptedAd, ScriptedEntra

LENIENT = LoadGuards(max_shrink_share=1, max_shrink_rows=1000, max_fill_loss=1, batch_rows=5)
KINDS = {"ad": (ScriptedAd, AD_TABLES), "entra": (ScriptedEntra, ENTRA_TABLES)}


def load(store: Store, kind: str, reading: Scripted, base: int | None = None) -> int:
    source_id = register_source(store, kind, kind)
    with Load(store, source_id, kind, KINDS[kind][1], LENIENT, Begin(run_id=base)) as running:
        for row in reading.rows():
            running.add(row)
        running.publish(reading.report)
        return running.run_id


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Store]:
    """A second database, read in full each time: every load of it is compared as if it were the first."""
    with Store.open(f"sqlite:///{tmp_path}/fresh.db") as store:
        yield store


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ad", "entra"])
def test_increments_equal_full_reads_and_history_what_stood(store, fresh, kind):
    make, tables = KINDS[kind]
    directory = make(seed=1)
    steps = 80 if store.dialect == "sqlite" else 12
    states: dict[int, Snapshot] = {load(store, kind, directory.reading()): snapshot(store, tables)}
    source_id = register_source(store, kind, kind)
    for number in range(steps):
        done = [directory.step() for _ in range(directory.random.choice((1, 1, 1, 2, 6)))]
        stood = standing(store, source_id)
        assert stood is not None
        run = load(store, kind, directory.reading(stood.watermark), stood.run_id)
        load(fresh, kind, directory.reading())
        try:
            assert_equal_tables(store, fresh, tables)
        except AssertionError as error:
            raise AssertionError(f"after step {number}: {done}") from error
        states[run] = snapshot(store, tables)
    for run, state in states.items():
        assert_as_of(store, run, state)
