"""Token buckets: published numbers, what is charged, when to come back."""

import pytest

from recon.lab.graph.throttle import Cost, Limits, Throttle, tenant_size
from tests.support.graph import ADA, READER, TENANT, WRITER, code


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(verdict):
    return (
        verdict.refused,
        verdict.headers.get("x-ms-throttle-scope"),
        verdict.headers.get("x-ms-throttle-information"),
    )


def test_sizes():
    assert [tenant_size(n) for n in (0, 49, 50, 500, 501)] == ["S", "S", "M", "M", "L"]


@pytest.mark.parametrize(("users", "quota"), [(10, 3500), (100, 5000), (1000, 8000)])
def test_units_of_ten_seconds_by_tenant_size(users, quota):
    clock = Clock()
    throttle = Throttle(Limits(), clock)
    verdicts = [throttle.judge("app", "tenant", users, Cost(1)) for _ in range(quota + 1)]
    assert not any(verdict.refused for verdict in verdicts[:-1])
    assert refused(verdicts[-1]) == (True, "Tenant_Application/Read/app/tenant", "ResourceUnitLimitExceeded")
    assert throttle.judge("other app", "tenant", users, Cost(1)).refused is False
    clock.now += 10
    assert sum(not throttle.judge("app", "tenant", users, Cost(1)).refused for _ in range(quota + 10)) >= quota - 1


def test_writes_of_one_application():
    clock = Clock()
    throttle = Throttle(Limits(), clock)
    verdicts = [throttle.judge("app", "tenant", 1000, Cost(1, 1)) for _ in range(3001)]
    assert [place for place, verdict in enumerate(verdicts) if verdict.refused] == [3000]
    assert refused(verdicts[-1]) == (True, "Tenant_Application/Write/app/tenant", "WriteLimitExceeded")
    assert verdicts[-1].headers["Retry-After"] == "1"
    clock.now += 1
    again = [throttle.judge("app", "tenant", 1000, Cost(1, 1)).refused for _ in range(21)]
    assert again.count(False) == 19  # 20 a second, less the tenth of a call that was refused


def test_all_applications_share_the_writes_of_a_tenant():
    throttle = Throttle(Limits(app_tenant_read=None, app_tenant_write=None), Clock())
    verdicts = [throttle.judge(f"app{n % 2}", "tenant", 1000, Cost(1, 1)) for n in range(18001)]
    assert [place for place, verdict in enumerate(verdicts) if verdict.refused] == [18000]
    assert refused(verdicts[-1]) == (True, "Tenant/Write/app0/tenant", "WriteLimitExceeded")
    assert throttle.judge("app1", "another", 1000, Cost(1, 1)).refused is False


def test_percentage_shows_above_four_fifths_only():
    throttle = Throttle(Limits(app_tenant_write=(10, 100)), Clock())
    shown = [throttle.judge("a", "t", 1, Cost(1, 1)).headers.get("x-ms-throttle-limit-percentage") for _ in range(10)]
    assert shown == [None] * 8 + ["0.90", "1.00"]
    beyond = throttle.judge("a", "t", 1, Cost(1, 1)).headers["x-ms-throttle-limit-percentage"]
    assert 1.0 <= float(beyond) <= 1.8


def test_waiting_as_told_is_enough():
    clock = Clock()
    throttle = Throttle(Limits(app_tenant_write=(20, 10)), clock)
    for _ in range(20):
        assert throttle.judge("a", "t", 1, Cost(1, 1)).refused is False
    for _ in range(30):
        verdicts = [throttle.judge("a", "t", 1, Cost(1, 1)) for _ in range(20)]
        waits = [float(verdict.headers["Retry-After"]) for verdict in verdicts if verdict.refused]
        if not waits:
            break
        clock.now += max(waits)
        assert throttle.judge("a", "t", 1, Cost(1, 1)).refused is False


def test_time_can_be_scaled():
    clock = Clock()
    throttle = Throttle(Limits(app_tenant_write=(1, 60)), clock, scale=60)
    assert throttle.judge("a", "t", 1, Cost(1, 1)).refused is False
    wait = float(throttle.judge("a", "t", 1, Cost(1, 1)).headers["Retry-After"])
    assert 1.0 <= wait <= 1.2
    clock.now += wait
    assert throttle.judge("a", "t", 1, Cost(1, 1)).refused is False


def test_limits_can_be_off():
    throttle = Throttle(None, Clock())
    assert not any(throttle.judge("a", "t", 1, Cost(5, 1)).refused for _ in range(20_000))


def test_429_over_http(start):
    graph = start(WRITER, limits=Limits(app_tenant_write=(1, 3600)))
    assert graph.patch(ADA, otherMails=[]).status_code == 204
    answer = graph.patch(ADA, otherMails=["a@example.net"])
    assert code(answer) == (429, "TooManyRequests")
    assert int(answer.headers["Retry-After"]) >= 3600
    assert answer.headers["x-ms-throttle-scope"] == f"Tenant_Application/Write/{WRITER}/{TENANT}"
    assert answer.headers["x-ms-resource-unit"] == "1"
    assert graph.get("/users").status_code == 200
    assert len(graph.simulator.writes) == 1


def test_reads_of_sign_in_activity_are_ten_a_minute(start):
    graph = start(READER, limits=Limits())
    statuses = [graph.get("/users?$select=id,signInActivity").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert graph.get("/users?$select=id").status_code == 200
