"""How many bulk uploads a tenant still takes: counted in the store, because every run and every plan shares them.

The documentation says a number in 24 hours and not when they begin: counted by hours over the last 24, so that it holds
whenever the service begins to count. A call is counted before it goes out; one that never went stays counted.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from recon.decode.times import from_datetime
from recon.store import Store
from recon.store.backfill_tables import bulk_upload_hour

_DAY = timedelta(hours=24)


class Allowance:
    """The count of one tenant. `calls`: what it may use in 24 hours."""

    def __init__(
        self, store: Store, tenant_id: str, calls: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store, self._tenant, self._now = store, tenant_id.lower(), now
        self.calls = calls

    def take(self) -> bool:
        """Count one call, persisted; False, and nothing counted, when they are used up. Raises StoreError."""
        table, hour = bulk_upload_hour, self._now().replace(minute=0, second=0, microsecond=0)
        this_hour, first = from_datetime(hour), from_datetime(hour - _DAY)
        own = table.c.tenant_id == self._tenant
        with self._store.write() as connection:
            connection.execute(delete(table).where(own, table.c.hour < from_datetime(hour - 2 * _DAY)))
            # whoever updates first holds the row to the end of the transaction
            counted = update(table).where(own, table.c.hour == this_hour)
            if not connection.execute(counted.values(calls=table.c.calls + 1)).rowcount:
                connection.execute(insert(table), {"tenant_id": self._tenant, "hour": this_hour, "calls": 1})
            used = connection.scalar(select(func.sum(table.c.calls)).where(own, table.c.hour >= first)) or 0
            if used > self.calls:
                connection.execute(counted.values(calls=table.c.calls - 1))
                connection.execute(delete(table).where(own, table.c.calls == 0))
                return False
        return True
