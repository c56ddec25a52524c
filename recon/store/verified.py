"""What a verification found, kept with the load that the table was held against.

A table that was not what was loaded stays in doubt through increments, which take the rest as it stands: a later full
load puts it right (recon.store.check.put_right), or a later verification finds it right.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, exists, func, select, update

from recon.store.tables import load_run, load_run_table, source

if TYPE_CHECKING:
    from recon.store.check import Checked


@dataclass(frozen=True, slots=True)
class Broken:
    """One table of one source that is not what was loaded. `verified_at`: when that was found, UTC."""

    source_id: int
    source: str
    table: str
    verified_at: str

    @property
    def why(self) -> str:
        """For people, after the name of the source."""
        return f"{self.table} is not what was loaded: a verification found it at {self.verified_at[:16]} UTC"


def record_checks(connection: Connection, found: Iterable["Checked"], now: str) -> None:
    """Keep what was found with each load, except where a later one was published meanwhile. `now`: the time text."""
    later, table = load_run.alias("later"), load_run_table.alias("later_table")
    for each in found:
        mine = select(load_run.c.source_id).where(load_run.c.run_id == each.run_id).scalar_subquery()
        newer = (
            exists()
            .where(later.c.source_id == mine, later.c.status == "published", later.c.run_id > each.run_id)
            .where(table.c.run_id == later.c.run_id, table.c.table_name == each.table)
        )
        connection.execute(
            update(load_run_table)
            .where(load_run_table.c.run_id == each.run_id, load_run_table.c.table_name == each.table, ~newer)
            .values(verified_at=now, is_intact=int(each.is_intact))
        )


def found_broken(connection: Connection, name: str, run_id: int, since: str) -> Broken | None:
    """A table of the source as it stood at that load, which a verification found broken later than `since`.

    A later load mends the table, and nothing that was made of it before. `since`: the time text.
    """
    its = load_run_table.c
    row = connection.execute(
        select(source.c.source_id, source.c.name, its.table_name, its.verified_at)
        .join_from(load_run_table, load_run, load_run.c.run_id == its.run_id)
        .join(source, source.c.source_id == load_run.c.source_id)
        .where(source.c.name == name, load_run.c.run_id <= run_id, its.is_intact == 0, its.verified_at > since)
        .order_by(its.verified_at.desc(), its.table_name)
    ).first()
    return None if row is None else Broken(*tuple(row))


def broken_tables(connection: Connection) -> list[Broken]:
    """The tables whose last verification found something else than was loaded, and that no full load brought since."""
    its = load_run_table
    last = (
        select(load_run.c.source_id, its.c.table_name, func.max(load_run.c.run_id).label("run_id"))
        .join_from(load_run, its, its.c.run_id == load_run.c.run_id)
        .where(load_run.c.status == "published", its.c.is_intact.is_not(None))
        .group_by(load_run.c.source_id, its.c.table_name)
        .subquery()
    )
    later, table = load_run.alias("later"), load_run_table.alias("later_table")
    full = (
        exists()
        .where(later.c.source_id == last.c.source_id, later.c.status == "published", later.c.run_id > last.c.run_id)
        .where(func.coalesce(later.c.is_increment, 0) == 0)
        .where(table.c.run_id == later.c.run_id, table.c.table_name == last.c.table_name)
    )
    statement = (
        select(source.c.source_id, source.c.name, last.c.table_name, its.c.verified_at)
        .join_from(last, source, source.c.source_id == last.c.source_id)
        .join(its, (its.c.run_id == last.c.run_id) & (its.c.table_name == last.c.table_name))
        .where(its.c.is_intact == 0, ~full)
        .order_by(source.c.name, last.c.table_name)
    )
    return [Broken(*tuple(row)) for row in connection.execute(statement)]
