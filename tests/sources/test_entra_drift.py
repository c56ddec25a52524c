"""A tenant that changes at random, loaded after each step: the tables equal a full read, and as_of what stood then."""

from recon.config import load_config
from recon.lab.graph import DeltaRules, Fault
from recon.pipeline.loads import load_source
from recon.sources.entra import tables_of
from recon.store import Store
from tests.support.drift import Snapshot, assert_as_of, assert_equal_tables, fresh_store, snapshot, steps
from tests.support.tenant import TENANT, make_tenant, simulate
from tests.support.tenantsteps import Changes

CONFIG = """
[[entra]]
tenant_id = "{tenant}"
client_id = "app"
credential = "secret"
graph_url = "{url}"
objects = ["users", "groups", "members", "deleted"]

[load]
max_shrink_share = 1.0
max_fill_loss = 1.0
"""
STEPS = steps(16)


def test_increments_of_a_tenant_equal_full_reads_and_history_what_stood(tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_ENTRA_SECRET", "geheim")
    faults = [
        Fault("duplicated-page", match="/delta", probability=0.2, times=None),
        Fault("empty-page", match="/delta", probability=0.1, times=None),
    ]
    rules = DeltaRules(page=4, members=3, replay=5)
    with simulate(make_tenant(), *faults, delta=rules) as simulator, Store.open(f"sqlite:///{tmp_path}/r.db") as store:
        file = tmp_path / "recon.toml"
        file.write_text(CONFIG.format(tenant=TENANT, url=simulator.url))
        config = load_config(file)
        (source,) = config.entra
        tables = tables_of(source)
        changes = Changes(simulator, 7)
        states: dict[int, Snapshot] = {}
        increments, said = 0, []
        for number in range(STEPS):
            if number == 5:
                simulator.add_fault(Fault("delta-reset"))
            if number == 11:
                simulator.reset_deltas(TENANT)
            result = load_source(config, store, source, warn=said.append)
            increments += result.is_increment
            assert result.drifted == 0, number
            states[result.run_id] = snapshot(store, tables)
            with fresh_store(tmp_path) as fresh:
                load_source(config, fresh, source)
                assert_equal_tables(store, fresh, tables)
            for _ in range(changes.random.choice((1, 1, 2, 5))):
                changes.step()
        for run, state in states.items():
            assert_as_of(store, run, state)
    # the first load and two resets: all but the last of these, whose old link serves no more, were proven
    assert increments == STEPS - 3
    assert [line.partition("; ")[2] for line in said] == ["a full read follows"] * 2
