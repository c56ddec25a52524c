"""One Entra user by its object id, as it is loaded, with the AD user that it is matched with. Reads, never writes."""

from typing import NamedTuple

from sqlalchemy import and_, select

from recon.store.engine import Store
from recon.store.lifecycle import lifecycle_date
from recon.store.match_tables import pair
from recon.store.tables import LOADED, source


class SyncedUser(NamedTuple):
    """Who it is. `dates`: the AD values that feed hire and leave date, with what is wrong about them."""

    source: str
    user: str | None
    ad_user: str | None
    dates: tuple[str, ...]


def synced_user(store: Store, object_id: str) -> SyncedUser | None:
    """The user with this id; None when no load has seen it. Matches are those of the last refresh."""
    users = LOADED["entra_user"].c
    with store.read() as connection:
        found = connection.execute(
            select(users.row_id, users.userprincipalname, users.displayname, source.c.name)
            .join_from(LOADED["entra_user"], source, source.c.source_id == users.source_id)
            .where(users.id == object_id)
        ).first()
        if found is None:
            return None
        matched = connection.execute(
            select(pair.c.ad_source_id, pair.c.ad_guid, pair.c.ad_distinguishedname).where(
                pair.c.entra_row_id == found.row_id
            )
        ).first()
        dates: tuple[str, ...] = ()
        if matched is not None:
            its = lifecycle_date.c
            rows = connection.execute(
                select(its.attribute, its.advice)
                .where(and_(its.object_type == "ad_user", its.source_id == matched.ad_source_id))
                .where(its.object_key == matched.ad_guid)
                .order_by(its.kind)
            )
            dates = tuple(f"{row.attribute} = {row.advice}" for row in rows)
    return SyncedUser(
        found.name, found.userprincipalname or found.displayname, matched and matched.ad_distinguishedname, dates
    )
