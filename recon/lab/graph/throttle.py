"""Token buckets with the published numbers ("Microsoft Graph service-specific throttling limits", identity and access).

Resource units and writes are counted apart; several limits are judged at once and the first hit refuses. Refused
calls still count, as the guidance says; how much it does not say: here a tenth of their cost. Clocks are handed in,
so that tests need not wait.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

REFUSED_SHARE = 0.1
_ROUNDING = 1e-6  # of a unit: who waited as told is not refused for a last bit

Quota = tuple[float, float]  # units, seconds


@dataclass(frozen=True)
class Limits:
    """Quotas as (units, seconds). None: that limit is off. Defaults are the published numbers."""

    app_tenant_read: dict[str, Quota] | None = field(
        default_factory=lambda: {"S": (3_500.0, 10.0), "M": (5_000.0, 10.0), "L": (8_000.0, 10.0)}
    )
    app_read: Quota | None = (150_000, 20)
    app_tenant_write: Quota | None = (3_000, 150)
    app_write: Quota | None = (35_000, 300)
    tenant_write: Quota | None = (18_000, 300)
    app_requests: Quota | None = (130_000, 10)
    sign_in_activity: Quota | None = (10, 60)
    reports: Quota | None = (5, 10)
    uploads: Quota | None = (40, 5)
    uploads_a_day: Quota | None = (2_000, 86_400)


def tenant_size(users: int) -> str:
    """S below 50 users, M 50 to 500, L above."""
    return "S" if users < 50 else "M" if users <= 500 else "L"


class Bucket:
    """One token bucket: full at the start, refilled evenly."""

    def __init__(self, quota: Quota, now: float) -> None:
        self.capacity, seconds = quota
        self.rate = self.capacity / seconds
        self.tokens = self.capacity
        self._at = now

    def refill(self, now: float) -> None:
        """Bring the level to `now`."""
        self.tokens = min(self.capacity, self.tokens + (now - self._at) * self.rate)
        self._at = now

    def wait(self, cost: float) -> float:
        """Seconds until `cost` is there; 0 when it is."""
        return max(0.0, (cost - self.tokens) / self.rate)

    @property
    def used(self) -> float:
        """Share of the quota in use: 1.0 is empty; above it, refused calls weigh in, at most 1.8."""
        return min(1.8, 1 - self.tokens / self.capacity)


@dataclass(frozen=True)
class Verdict:
    """`headers` go on the answer; with `refused` it is a 429."""

    refused: bool
    headers: dict[str, str]


@dataclass(frozen=True)
class Cost:
    """What one call costs: resource units, writes, reads of signInActivity, reads of reports, bulk uploads."""

    units: int
    writes: int = 0
    sign_ins: int = 0
    reports: int = 0
    uploads: int = 0


class Throttle:
    """All buckets of all applications and tenants. `scale`: simulated seconds per second of `clock`."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float], scale: float = 1.0) -> None:
        self._limits = limits
        self._clock = clock
        self._scale = scale
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def judge(self, app: str, tenant: str, users: int, cost: Cost) -> Verdict:
        """Take the cost from every bucket, or refuse and say how long to wait."""
        if self._limits is None:
            return Verdict(False, {})
        now = self._clock() * self._scale
        charges = self._charges(app, tenant, users, cost, now)
        for bucket, amount, scope, information in charges:
            if bucket.tokens + _ROUNDING < amount:
                bucket.tokens = max(bucket.tokens - amount * REFUSED_SHARE, -0.8 * bucket.capacity)
                headers = {
                    "Retry-After": self._seconds(bucket.wait(amount)),
                    "x-ms-throttle-scope": f"{scope}/{app}/{tenant}",
                    "x-ms-throttle-information": information,
                    "x-ms-throttle-limit-percentage": f"{max(1.0, bucket.used):.2f}",
                }
                return Verdict(True, headers)
        for bucket, amount, _, _ in charges:
            bucket.tokens -= amount
        used = max((bucket.used for bucket, _, _, _ in charges), default=0.0)
        return Verdict(False, {"x-ms-throttle-limit-percentage": f"{used:.2f}"} if used > 0.8 else {})

    def _charges(
        self, app: str, tenant: str, users: int, cost: Cost, now: float
    ) -> list[tuple[Bucket, float, str, str]]:
        limits = self._limits
        if limits is None:
            return []
        reads = limits.app_tenant_read[tenant_size(users)] if limits.app_tenant_read else None
        units, writes = "ResourceUnitLimitExceeded", "WriteLimitExceeded"
        plan: list[tuple[tuple[str, ...], Quota | None, float, str, str]] = [
            (("requests", app), limits.app_requests, 1, "Application/ReadWrite", "RequestLimitExceeded"),
            (("read", app), limits.app_read, cost.units, "Application/Read", units),
            (("read", app, tenant), reads, cost.units, "Tenant_Application/Read", units),
            (("write", app), limits.app_write, cost.writes, "Application/Write", writes),
            (("write", app, tenant), limits.app_tenant_write, cost.writes, "Tenant_Application/Write", writes),
            (("write", tenant), limits.tenant_write, cost.writes, "Tenant/Write", writes),
            (("sign-in", app, tenant), limits.sign_in_activity, cost.sign_ins, "Tenant_Application/Read", units),
            (("reports", app, tenant), limits.reports, cost.reports, "Tenant_Application/Read", units),
            (("uploads", tenant), limits.uploads, cost.uploads, "Tenant/Write", writes),
            (("uploads-a-day", tenant), limits.uploads_a_day, cost.uploads, "Tenant/Write", writes),
        ]
        charges = []
        for key, quota, amount, scope, information in plan:
            if quota is None or not amount:
                continue
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = Bucket(quota, now)
            bucket.refill(now)
            charges.append((bucket, float(amount), scope, information))
        return charges

    def _seconds(self, wait: float) -> str:
        """Whole seconds as the service sends them; thousandths when time is scaled, so that a test waits little."""
        if self._scale == 1:
            return str(max(1, math.ceil(wait)))
        return f"{max(0.001, math.ceil(wait / self._scale * 1000) / 1000):.3f}"
