"""40,000 items at the published limits, in virtual time: the quota is used and not overrun, every item is decided."""

import tempfile
from pathlib import Path

import pytest

from recon.backfill.journal import read_journal
from tests.bench.backfill import campaign_at_the_limit, side_by_side


@pytest.mark.slow
@pytest.mark.parametrize(("count", "is_faulty"), [(6_000, False), (40_000, True)], ids=["calm", "5 percent faults"])
def test_the_quota_is_used_and_not_overrun(tmp_path, count, is_faulty):
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else tmp_path) as folder:
        run = campaign_at_the_limit(Path(folder), count, is_faulty=is_faulty)
        state = read_journal(run.plan.journal_file)
    assert (len(state.outcomes), state.intents, run.result.left) == (count, {}, 0)
    assert set(state.outcomes.values()) == {"done"}
    assert run.quota_used >= 0.98
    assert run.refused_share <= 0.005
    assert run.effective_writes == count


def test_ours_is_as_fast_as_the_fastest_that_respects_the_limit():
    """Re-read, journal and outcome included; the others read nothing and would lose their place."""
    ways = side_by_side(4_500)
    ours = ways[-1]
    assert (ours.respects_the_limit, ours.done, ours.refused) == (True, 4_500, 0)
    respectful = [way.seconds for way in ways[:-1] if way.respects_the_limit]
    assert ours.seconds <= 1.05 * min(respectful)
