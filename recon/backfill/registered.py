"""Who has registered an Authentication Email: a value of its own, which no undo of otherMails takes back.

At the first registration for self-service password reset a person is shown what stands in otherMails, and keeps it as
Authentication Email ("Pre-populate user authentication contact information for SSPR"). Read from the registration
details that are loaded; they do not give the address, so it is not known whether it is ours.
"""

from sqlalchemy import func, select

from recon.backfill.plan import Plan
from recon.store import Store
from recon.store.tables import LOADED, source


def find_registered(store: Store, plan: Plan) -> frozenset[str] | None:
    """Ids of the plan's users with the method email registered; None when no registration details are loaded."""
    table, method = LOADED["entra_registration"], LOADED["entra_registration_method"]
    name = plan.header["entra_source"]
    with store.read() as connection:
        source_id = connection.scalar(select(source.c.source_id).where(source.c.name == name))
        known = select(func.count()).select_from(table).where(table.c.source_id == source_id)
        if not connection.scalar(known):
            return None
        query = select(method.c.id).where(method.c.source_id == source_id, method.c.value == "email")
        registered = set(connection.scalars(query))
    return frozenset(registered & {item.object_id for item in plan.items()})
