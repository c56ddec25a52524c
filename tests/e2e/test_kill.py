"""kill -9 at any moment: the database opens, no half load shows, apply goes on without a second or a lost write."""

import signal
import sys
import time
from collections import Counter

import psycopg
import pytest

from recon.lab.generator import GeneratedCompany
from recon.lab.graph import parse_fault
from recon.lab.up import Lab
from tests.servers.stores import fresh_database
from tests.support.site import Site, snapshot, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")

PEOPLE = 400


@pytest.fixture
def site(tmp_path):
    with Lab(tmp_path, GeneratedCompany(PEOPLE), latency=0.02) as lab:
        yield Site(lab)


def killed(site: Site, delay: float, *arguments: object) -> bool:
    """Start a command and kill it after `delay` seconds; False when it ended before."""
    process = start(site.config, *arguments)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def test_a_killed_load_shows_nothing_or_everything(site):
    site.ok("load", "ad", "--no-refresh")
    site.ok("load", "entra", "--no-refresh")
    before = snapshot(site.database, "entra_")
    user = site.query("select id from entra_user order by id limit 1")[0][0]
    site.lab.graph.change_user(site.lab.company.tenants[0].tenant_id, user, displayName="Changed")
    after = None
    kills = 0
    for step in range(8):
        kills += killed(site, 0.15 + 0.12 * step, "load", "entra", "--no-refresh")
        seen = snapshot(site.database, "entra_")
        assert site.query("pragma integrity_check") == [("ok",)]
        if seen != before:
            after = after or seen
            assert seen == after
    assert kills > 0
    site.ok("load", "entra", "--no-refresh")
    assert site.query("select displayname from entra_user where id = ?", user) == [("Changed",)]
    assert site.query("select count(*) from load_run where status = 'running'") == [(0,)]


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["entra_user", "entra_user_history", "entra_member", "load_run_table", "source"])
def test_a_load_killed_while_it_publishes(site, postgresql_url, installed_database, monkeypatch, table):
    """Another session holds a table, so that the load is killed at a known statement of its transaction."""
    with fresh_database(postgresql_url, installed_database) as url:
        monkeypatch.setenv("RECON_DATABASE_URL", url)
        site.ok("load", "entra", "--no-refresh")
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(plain, autocommit=True) as looking, psycopg.connect(plain) as holding:

            def names() -> list[tuple]:
                return looking.execute("select id, displayname, run_id from entra_user order by id").fetchall()

            before = names()
            tenant = site.lab.company.tenants[0].tenant_id
            site.lab.graph.change_user(tenant, before[0][0], displayName="Changed")
            holding.execute(f"lock table {table} in share row exclusive mode")
            process = start(site.config, "load", "entra", "--no-refresh")
            waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            while not (found := looking.execute(waiting).fetchall()) and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            holding.rollback()
            while looking.execute("select 1 from pg_stat_activity where pid = %s", found[0]).fetchall():
                time.sleep(0.01)
            assert names() == before
            site.ok("load", "--verify")
            site.ok("load", "entra", "--no-refresh")
            assert names()[0][:2] == (before[0][0], "Changed")
            status = looking.execute("select status from load_run order by run_id").fetchall()
            assert status in ([("published",), ("failed",), ("published",)], [("published",)] * 2)


def test_ctrl_c_says_one_line_and_the_next_load_works(site):
    site.ok("load", "entra", "--no-refresh")
    before = snapshot(site.database, "entra_")
    asked = len(site.lab.graph.requests)
    site.lab.graph.add_fault(parse_fault(f"slow:600@{asked + 2}"))
    process = start(site.config, "load", "entra", "--full")
    while len(site.lab.graph.requests) < asked + 2 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err.decode().splitlines()) == (130, ["loading entra ...", "recon: interrupted"])
    assert snapshot(site.database, "entra_") == before
    assert site.query("select status, error from load_run order by run_id") == [
        ("published", None),
        ("failed", "interrupted"),
    ]
    site.ok("load", "entra", "--no-refresh")


def test_a_killed_apply_goes_on_without_a_second_or_a_lost_write(site):
    site.ok("run", "--no-report")
    site.ok("backfill", "plan")
    plan = next((site.lab.folder / "plans").glob("*/plan.json")).parent
    items = (plan / "items.jsonl").read_text(encoding="utf-8").count('"object_id"')
    kills = sum(killed(site, 0.3 + 0.05 * step, "backfill", "apply", "latest", "--commit") for step in range(6))
    assert kills > 0
    assert site.recon("backfill", "apply", "latest", "--commit").code in (0, 4)
    writes = Counter(write.user_id for write in site.lab.graph.writes)
    assert set(writes.values()) <= {1}
    status = site.ok("backfill", "status", "latest", "--format", "csv").out.splitlines()[1:]
    counts = Counter()
    for line in status:
        outcome, _, number = line.split(",")
        counts[outcome] += int(number)
    assert counts["open"] == 0
    assert counts["done"] == len(writes)
    assert sum(counts.values()) == items
