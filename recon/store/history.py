"""The versions of rows that no longer hold: written while a load is published, pruned when they are old.

A version was current from load run `from_run` up to, not including, `to_run`; what is current stands in the table
itself, with the run that brought it in `run_id`. Values that are brought up to date in place (last logon,
whenChanged …) make no version: a version carries them as they were last. Reading is done by the named queries
as_of_*, changes_*, appeared, vanished and came_back.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Insert, Table, delete, exists, func, insert, literal, select, update

from recon.decode.times import earlier, utc_now_text
from recon.store.tables import HISTORY, LOADED, load_drift, load_reject, load_run, source


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows that were removed from one table, or would be."""

    table: str
    rows: int


def versions(run_id: int, name: str, *conditions: ColumnElement[bool]) -> Insert:
    """Copies the rows of a loaded table that run `run_id` is about to replace or delete into its history."""
    table, history = LOADED[name], HISTORY[name]
    names = [column.name for column in table.columns if column.name != "run_id"]
    leaving = select(*(table.c[each] for each in names), table.c.run_id, literal(run_id)).where(*conditions)
    return insert(history).from_select([*names, "from_run", "to_run"], leaving)


def out_of_reach(connection: Connection, run: int | None, at: str | None) -> list[str]:
    """One line for each source whose history no longer reaches back to a load, named by number or by time."""
    reached = load_run.alias("reached")
    until = load_run.c.run_id <= run if run is not None else load_run.c.finished_at <= at
    statement = (
        select(source.c.name, source.c.history_run, reached.c.finished_at)
        .join(load_run, load_run.c.source_id == source.c.source_id)
        .join(reached, reached.c.run_id == source.c.history_run)
        .where(load_run.c.status == "published", until)
        .group_by(source.c.name, source.c.history_run, reached.c.finished_at)
        .having(func.max(load_run.c.run_id) < source.c.history_run)
        .order_by(source.c.name)
    )
    return [
        f"the history of {name} reaches back to load {first} only ({at[:16]} UTC); what was before is not shown"
        for name, first, at in connection.execute(statement)
    ]


def remove(connection: Connection, table: Table, *conditions: ColumnElement[bool], is_dry: bool = False) -> int:
    """Delete rows, or only count them; returns how many."""
    if is_dry:
        return int(connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0)
    return connection.execute(delete(table).where(*conditions), execution_options={"preserve_rowcount": True}).rowcount


def cutoff(now: str, days: int) -> str:
    """The time so many days before `now`, both in the one text form."""
    return earlier(now, days=days)


def prune(connection: Connection, before: str, source_id: int | None = None, *, is_dry: bool = False) -> list[Removed]:
    """Delete the versions that ended at a load finished before that time; of one source, or of all.

    With them goes what such loads noted: rows that had drifted, and rejects except those of the load that history
    still reaches back to, which an increment carries on.
    A load that ended earlier than those before it was timed by a wrong clock: it takes none of their versions.
    Notes on each source how far its history still reaches, so that no query shows a past that is only partly there.
    `is_dry`: only count. Returns the tables that lost rows.
    """
    last_run = func.max(load_run.c.run_id)
    younger = load_run.alias("younger")
    reached = func.coalesce(func.max(source.c.history_run), 0)
    statement = (
        select(load_run.c.source_id, last_run.label("run_id"))
        .join(source, source.c.source_id == load_run.c.source_id)
        .where(
            load_run.c.status == "published",
            load_run.c.finished_at < before,
            ~exists().where(
                younger.c.source_id == load_run.c.source_id,
                younger.c.run_id < load_run.c.run_id,
                younger.c.status == "published",
                younger.c.finished_at >= before,
                younger.c.finished_at <= utc_now_text(),
            ),
        )
        .group_by(load_run.c.source_id)
        .having(last_run > reached)  # what ended before that run has gone already
    )
    if source_id is not None:
        statement = statement.where(load_run.c.source_id == source_id)
    removed: dict[str, int] = {}
    for owner, run_id in connection.execute(statement).all():
        old = [(history, history.c.to_run <= run_id) for history in HISTORY.values()]
        old += [(load_drift, load_drift.c.run_id <= run_id), (load_reject, load_reject.c.run_id < run_id)]
        for table, is_old in old:
            rows = remove(connection, table, table.c.source_id == owner, is_old, is_dry=is_dry)
            removed[table.name] = removed.get(table.name, 0) + rows
        if not is_dry:
            connection.execute(update(source).where(source.c.source_id == owner).values(history_run=run_id))
    return [Removed(name, rows) for name, rows in removed.items() if rows]
