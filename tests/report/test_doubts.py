"""Sources that are old, incomplete or could not be read again are stamped at the head of the report."""

import pytest
from sqlalchemy import insert, update

from recon.report import write_html
from recon.store.closure import closure_state
from recon.store.runs import Doubt, begin_run, doubts, end_run
from recon.store.tables import load_run, load_run_table, setting
from tests.report.conftest import finding

NOW = "2026-03-10 12:00:00.000000"


@pytest.fixture
def store(filled):
    """One source, loaded 25 hours before NOW, with the row that the server counted."""
    store = filled([finding("upn_differs", "Ana")])
    with store.write() as connection:
        connection.execute(update(load_run).values(finished_at="2026-03-09 11:00:00.000000"))
    return store


def test_an_old_load_is_stamped(store):
    why = "was last read at 2026-03-09 11:00 UTC, more than 24 hours ago"
    assert doubts(store, NOW, 24) == [Doubt("entra", why)]
    assert doubts(store, NOW, 26) == []


def test_a_load_that_ended_later_than_now_is_stamped(store):
    with store.write() as connection:
        connection.execute(update(load_run).values(finished_at="2026-03-10 12:05:00.000000"))
    assert doubts(store, NOW, 24) == []  # clocks of two machines differ
    with store.write() as connection:
        connection.execute(update(load_run).values(finished_at="2031-03-10 12:00:00.000000"))
    why = "was last read at 2031-03-10 12:00 UTC, which is yet to come: a clock was wrong"
    assert doubts(store, NOW, 24) == [Doubt("entra", why)]


def test_nested_memberships_that_were_cut_are_stamped(store):
    cut = {"made_of": "", "row_count": 9, "made_at": NOW, "max_depth": 2}
    with store.write() as connection:
        for name, is_complete in (("ad_member_closure", 1), ("entra_member_closure", 0)):
            connection.execute(insert(closure_state).values(table_name=name, is_complete=is_complete, **cut))
    why = "is complete to 2 steps only: deeper nested memberships are not in the findings"
    assert doubts(store, NOW, 48) == [Doubt("entra_member_closure", why)]


def test_any_number_of_hours_is_a_limit(store):
    for hours in (10**7, 10**9, 10**13):
        assert doubts(store, NOW, hours) == []


def test_the_row_in_table_setting_wins(store):
    with store.write() as connection:
        connection.execute(insert(setting).values(name="load_max_age_hours", value_int=48))
    assert doubts(store, NOW, 24) == []


def test_a_load_that_was_accepted_although_incomplete_is_stamped(store):
    with store.write() as connection:
        connection.execute(update(load_run_table).values(server_count=3))
    why = "entra_user holds 1 rows where the server counted 3, accepted by hand"
    assert doubts(store, NOW, 48) == [Doubt("entra", why)]
    with store.write() as connection:
        connection.execute(update(load_run_table).values(rejected=2))
    assert doubts(store, NOW, 48) == []


def test_what_a_load_was_told_to_accept_is_a_stamp_until_the_next_load(store):
    told = "entra_user=1, entra_user_othermail.value=0, entra_group=7"
    with store.write() as connection:
        newest = {"source_id": 1, "status": "published", "started_at": NOW, "finished_at": NOW}
        newest |= {"tool_version": "1", "schema_version": 1}
        connection.execute(insert(load_run).values(run_id=90, accepted=told, **newest))
        connection.execute(insert(load_run_table).values(run_id=90, table_name="entra_user", rows_published=1))
        connection.execute(update(load_run_table).where(load_run_table.c.run_id < 90).values(rows_published=4))
    assert {doubt.why for doubt in doubts(store, NOW, 48)} == {
        "was accepted by hand with 1 rows of entra_user instead of 4",
        "was accepted by hand with entra_user_othermail.value filled in 0 rows only",
    }
    with store.write() as connection:
        connection.execute(insert(load_run).values(run_id=91, **newest))
        connection.execute(insert(load_run_table).values(run_id=91, table_name="entra_user", rows_published=1))
    assert doubts(store, NOW, 48) == []


def test_the_report_names_what_a_load_was_told_to_accept(store, config, tmp_path):
    told = "entra_user=1, entra_user_othermail.value=0, entra_group=7"
    with store.write() as connection:
        connection.execute(update(load_run).values(accepted=told))
    page = write_html(config, store, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "accepted by hand (entra_user=1, entra_user_othermail.value=0)" in page


def test_an_attempt_that_failed_after_the_last_good_load_is_stamped_until_one_succeeds(store):
    run = begin_run(store, 1)
    (doubt,) = doubts(store, NOW, 48)
    assert doubt.why.endswith("UTC and has not ended; older rows are shown")
    end_run(store, run, "failed", "connection reset")
    (doubt,) = doubts(store, NOW, 48)
    assert doubt.why.endswith("UTC (failed: connection reset); older rows are shown")
    with store.write() as connection:
        connection.execute(update(load_run).where(load_run.c.run_id == run).values(status="published"))
    assert doubts(store, NOW, 48) == []


def test_the_page_shows_the_stamps_before_anything_else(store, config, tmp_path):
    page = write_html(config, store, tmp_path / "report.html").read_text(encoding="utf-8")
    stamp = page.index(
        '<ul class="stamps"><li><strong class="warn">entra</strong> was last read at 2026-03-09 11:00 UTC'
    )
    assert stamp < page.index("What was loaded")
