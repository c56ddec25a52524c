"""Under the published limit in every window, and slower when asked."""

import pytest

from recon.backfill.pacing import Pacer, Quota, Waiting
from tests.backfill.tenant import Clock


def grant(pacer, clock, batches, size=20):
    times = []
    for _ in range(batches):
        pacer.take(size)
        times += [clock.now] * size
    return times


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_no_window_sees_more_than_the_share(share):
    clock = Clock()
    pacer = Pacer(share, wait=clock.wait, clock=clock)
    times = grant(pacer, clock, 400, pacer.largest)
    most = max(sum(start <= at < start + 150 for at in times) for start in times[:: pacer.largest])
    assert most <= 3000 * share
    rate = (len(times) - pacer.largest) / (times[-1] - times[0])
    assert rate == pytest.approx(20 * share, rel=0.05 if share > 0.2 else 0.08)


def test_the_whole_share_uses_98_percent_of_the_quota():
    clock = Clock()
    pacer = Pacer(1.0, wait=clock.wait, clock=clock)
    times = grant(pacer, clock, 2000)
    assert len(times) / (times[-1] - times[0]) >= 0.98 * 20


def test_a_429_halves_the_rate_and_is_waited_out():
    clock = Clock()
    pacer = Pacer(0.5, wait=clock.wait, clock=clock)
    pacer.take(20)
    before = pacer.rate
    pacer.refused(7.25)
    assert pacer.rate == pytest.approx(before / 2)
    pacer.take(1)
    assert 1007.25 <= clock.now < 1007.3
    pacer.refused(None)
    at = clock.now
    pacer.take(1)
    assert clock.now >= at + 1
    for _ in range(200):
        pacer.refused(0.0)
    assert pacer.rate == pytest.approx(before / 16)  # never to a standstill
    clock.now += 60
    pacer.take(1)
    assert pacer.rate == pytest.approx(before)
    assert pacer.refusals == 202


@pytest.mark.parametrize(("percentage", "factor"), [(None, 1), (0.5, 1), (0.8, 1), (1.0, 0.8), (1.6, 0.5)])
def test_the_throttle_percentage(percentage, factor):
    clock = Clock()
    pacer = Pacer(0.5, wait=clock.wait, clock=clock)
    before = pacer.rate
    pacer.saw(percentage)
    assert pacer.rate == pytest.approx(before * factor)


def test_what_was_not_sent_is_given_back():
    clock = Clock()
    pacer = Pacer(0.5, wait=clock.wait, clock=clock)
    for _ in range(50):
        pacer.take(20)
        pacer.give_back(20)
    assert clock.now == 1000.0
    pacer.give_back(500)
    pacer.take(20)
    pacer.take(20)
    assert clock.now > 1001.9  # the bucket never holds more than one batch


def test_a_small_quota_still_flows():
    clock = Clock()
    pacer = Pacer(0.5, quota=Quota(6, 1.5), wait=clock.wait, clock=clock)
    assert pacer.largest == 1
    grant(pacer, clock, 3, 1)
    assert clock.now < 1003


def test_waiting_ends_when_stopped():
    waiting = Waiting()
    waiting(0)
    assert not waiting.is_stopped
    waiting.stop()
    waiting(3600)
    assert waiting.is_stopped
    pacer = Pacer(0.001, wait=waiting)
    for _ in range(20):
        pacer.take(1)  # would take hours
