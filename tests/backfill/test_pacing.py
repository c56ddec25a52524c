"""Under the published limit in every window, and slower when asked."""

import pytest

from recon.backfill.pacing import Pacer, Quota, Waiting, read_quota
from tests.backfill.tenant import Clock


def grant(pacer, clock, batches, size=20):
    times = []
    for _ in range(batches):
        take(pacer, clock, size)
        times += [clock.now] * size
    return times


def take(pacer, clock, writes):
    """Wait as long as the pacer says, then take."""
    while pause := pacer.pause(writes):
        clock.wait(pause)
    pacer.take(writes)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_no_window_sees_more_than_the_share(share):
    clock = Clock()
    pacer = Pacer(share, clock=clock)
    times = grant(pacer, clock, 400, pacer.largest)
    most = max(sum(start <= at < start + 150 for at in times) for start in times[:: pacer.largest])
    assert most <= 3000 * share
    rate = (len(times) - pacer.largest) / (times[-1] - times[0])
    assert rate == pytest.approx(20 * share, rel=0.05 if share > 0.2 else 0.08)


def test_the_whole_share_uses_98_percent_of_the_quota():
    clock = Clock()
    pacer = Pacer(1.0, clock=clock)
    times = grant(pacer, clock, 2000)
    assert len(times) / (times[-1] - times[0]) >= 0.98 * 20


def test_a_429_halves_the_rate_and_is_waited_out():
    clock = Clock()
    pacer = Pacer(0.5, clock=clock)
    take(pacer, clock, 20)
    before = pacer.rate
    pacer.refused(7.25)
    assert pacer.rate == pytest.approx(before / 2)
    take(pacer, clock, 1)
    assert 1007.25 <= clock.now < 1007.3
    pacer.refused(None)
    at = clock.now
    take(pacer, clock, 1)
    assert clock.now >= at + 1
    for _ in range(200):
        pacer.refused(0.0)
    assert pacer.rate == pytest.approx(before / 16)  # never to a standstill
    clock.now += 60
    take(pacer, clock, 1)
    assert pacer.rate == pytest.approx(before)
    assert pacer.slowed == 202


def test_what_was_on_its_way_at_a_429_says_nothing_new():
    pacer = Pacer(0.5, clock=Clock())
    before = pacer.rate
    for _ in range(4):
        pacer.refused(2.0)
    assert pacer.rate == pytest.approx(before / 2)


def test_single_429s_do_not_slow_the_whole():
    pacer = Pacer(1.0, clock=Clock())
    before = pacer.rate
    for number in range(200):
        pacer.answered([429 if number % 10 == 0 else 204])
    assert (pacer.refusals, pacer.slowed, pacer.rate) == (20, 0, pytest.approx(before))
    pacer.answered([429] * 20)
    assert pacer.slowed == 1
    assert pacer.rate == pytest.approx(before / 2)


def test_lateness_is_caught_up_within_the_limit():
    clock = Clock()
    pacer = Pacer(1.0, clock=clock)
    times = []
    for number in range(1500):
        while pause := pacer.pause(20):
            clock.wait(pause + 0.05 * (number % 3))  # woken late
        pacer.take(20)
        times += [clock.now] * 20
    assert len(times) / (times[-1] - times[0]) >= 0.99 * 20
    assert max(sum(start <= at < start + 150 for at in times) for start in times[::200]) <= 3000


def test_the_read_quota_goes_by_the_size_of_the_tenant():
    assert [read_quota(users).writes for users in (49, 50, 500, 501)] == [3_500, 5_000, 5_000, 8_000]


@pytest.mark.parametrize(("percentage", "factor"), [(None, 1), (0.5, 1), (0.8, 1), (1.0, 0.8), (1.6, 0.5)])
def test_the_throttle_percentage(percentage, factor):
    clock = Clock()
    pacer = Pacer(0.5, clock=clock)
    before = pacer.rate
    pacer.saw(percentage)
    assert pacer.rate == pytest.approx(before * factor)


def test_what_was_not_sent_is_given_back():
    clock = Clock()
    pacer = Pacer(0.5, clock=clock)
    for _ in range(50):
        take(pacer, clock, 20)
        pacer.give_back(20)
    assert clock.now == 1000.0
    pacer.give_back(500)
    for _ in range(3):
        take(pacer, clock, 20)
    assert clock.now > 1001.9  # the bucket never holds more than two batches


def test_a_small_quota_still_flows():
    clock = Clock()
    pacer = Pacer(0.5, quota=Quota(6, 1.5), clock=clock)
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
