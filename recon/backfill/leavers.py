"""Who has left since a plan was made, by the HR data that is loaded now. Read once, before anything is written."""

from sqlalchemy import select

from recon.backfill.items import Item
from recon.backfill.plan import Plan
from recon.store import Store
from recon.store.tables import LOADED, source

Person = tuple[str, str]  # name of the workers source, worker id


def find_leavers(store: Store, plan: Plan, today: int) -> frozenset[Person]:
    """The plan's people whose termination date has come, whom HR calls inactive, or who are no longer in HR.

    Somebody whose hire date is ahead is none. `today`: days since 1970-01-01.
    """
    planned = {(item.worker_source, item.worker_id) for item in plan.items()}
    worker = LOADED["worker"]
    columns = (source.c.name, worker.c.worker_id, worker.c.is_active, worker.c.hire_day, worker.c.termination_day)
    query = select(*columns).join(source, source.c.source_id == worker.c.source_id)
    staying = set()
    with store.read() as connection:
        for name, worker_id, is_active, hired, left in connection.execution_options(yield_per=5_000).execute(query):
            is_ahead = hired is not None and hired >= today
            is_gone = left is not None and left <= today and not (hired is not None and hired > left)
            if not is_gone and (is_active != 0 or is_ahead):
                staying.add((name, worker_id))
    return frozenset(planned - staying)


def person(item: Item) -> Person:
    """Whom the item is about."""
    return item.worker_source, item.worker_id
