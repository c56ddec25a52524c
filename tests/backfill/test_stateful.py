"""Stopped anywhere and gone on with: a thousand crashes inside the process, and twenty by kill -9."""

import multiprocessing
import os
import signal
import time
from collections import Counter

import pytest

from recon.backfill.journal import read_entries, read_journal
from recon.lab.graph import App, GraphSimulator, Tenant
from tests.backfill.killed import apply_in_child
from tests.backfill.make import TENANT, plan_of
from tests.backfill.stateful import crash_campaigns
from tests.backfill.tenant import user_of

STEPS = {
    "before a re-read", "after a re-read", "between intent and write", "between write and answer",
    "between answer and outcome", "before a sync", "in the middle of a sync", "after a sync",
}  # fmt: skip


@pytest.mark.slow
def test_a_thousand_crashes():
    kinds = crash_campaigns(1_000)
    assert set(kinds) == STEPS
    assert min(kinds.values()) >= 20


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_twenty_times_kill_9(tmp_path, secrets):
    """Each process is killed after some more requests than the last; others change users in between."""
    plan = plan_of(tmp_path, 700)
    items = list(plan.items())
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.backfill.killed"])
    tenants = [Tenant(TENANT, [user_of(item) for item in items])]
    app = {"app": App("lab-secret", ("User.ReadWrite.All",))}
    with GraphSimulator(tenants, apps=app, latency=0.02) as graph:
        changed = set()
        for number in range(20):
            asked = len(graph.requests)
            child = context.Process(target=apply_in_child, args=(str(plan.folder), graph.url), daemon=True)
            child.start()
            while len(graph.requests) < asked + 1 + number % 5 and child.is_alive():
                time.sleep(0.001)
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            assert child.exitcode == -signal.SIGKILL
            open_ones = set(range(700)) - set(read_journal(plan.journal_file).outcomes)
            victim = items[max(open_ones)]
            graph.change_user(TENANT, victim.object_id, employeeId="99999")
            changed.add(victim.object_id)
        last = context.Process(target=apply_in_child, args=(str(plan.folder), graph.url), daemon=True)
        last.start()
        last.join(60)
        assert last.exitcode == 0
        writes = graph.writes
    state = read_journal(plan.journal_file)
    assert (set(state.outcomes), state.intents) == (set(range(700)), {})
    effective = Counter(write.user_id for write in writes if write.before != write.after)
    assert set(effective.values()) == {1}
    done = {items[number].object_id for number, outcome in state.outcomes.items() if outcome == "done"}
    assert done == set(effective)
    assert done.isdisjoint(changed)
    assert len(done) + len(changed) == 700
    sent = {entry["client_request_id"] for entry in read_entries(plan.journal_file) if entry["type"] == "intent"}
    assert {write.client_request_id for write in writes} <= sent
