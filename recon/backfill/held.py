"""Addresses that changed a short while ago: a reset credential that somebody may just have made their own."""

from sqlalchemy import Connection, select

from recon.backfill.sources import Sources
from recon.backfill.values import Wanted
from recon.decode.keys import fold
from recon.store.history import cutoff
from recon.store.settings import read_setting
from recon.store.tables import HISTORY, LOADED, load_run


def find_changed(
    connection: Connection, sources: Sources, wanted: Wanted, *, now: str, held_days: int
) -> dict[int, str]:
    """row_id of worker (or ad_user, as the mapping has it) to the day its address changed from another one.

    Only changes that a load saw within the last `held_days` (a row held_mail_days in table setting wins) and kept in
    the history. A first address is none. Only otherMails is looked at.
    """
    days = read_setting(connection, "held_mail_days", held_days)
    if wanted.attribute != "otherMails" or days == 0:
        return {}
    table, history = LOADED[wanted.source.table], HISTORY[wanted.source.table]
    key = "worker_id" if wanted.source.table == "worker" else "guid"
    of = sources.workers if wanted.source.table == "worker" else sources.ad
    now_there, then = table.c[wanted.source.column], history.c[wanted.source.column]
    statement = (
        select(table.c.row_id, now_there.label("now"), then.label("then"), load_run.c.finished_at)
        .join_from(history, table, (table.c.source_id == history.c.source_id) & (table.c[key] == history.c[key]))
        .join(load_run, load_run.c.run_id == history.c.to_run)
        .where(
            history.c.source_id.in_([source.source_id for source in of]),
            load_run.c.finished_at >= cutoff(now, days),
            now_there.is_not(None),
            then.is_not(None),
            now_there != then,
        )
        .order_by(load_run.c.finished_at)
    )
    rows = connection.execution_options(yield_per=5_000).execute(statement)
    return {row.row_id: row.finished_at[:10] for row in rows if fold(row.now) != fold(row.then)}
