"""What the loads that stand were told to let pass, for those who read a report or approve a plan."""

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, func, select

from recon.objects import TABLES
from recon.store.tables import load_run, load_run_table, source


def to_text(told: Iterable[str]) -> str | None:
    """What was accepted (TABLE=N, TABLE.COLUMN=N) as load_run.accepted keeps it; None for nothing.

    Columns of HR are headers with whatever is in them, so that a comma inside of one is marked.
    """
    return ", ".join(each.replace(",", "\\,") for each in told) or None


def from_text(accepted: str | None) -> list[str]:
    """The parts of load_run.accepted, each TABLE=N or TABLE.COLUMN=N."""
    # a part ends with its number: no comma between two of them is marked
    return [each.replace("\\,", ",") for each in re.split(r"(?<!\\), ", accepted)] if accepted else []


def _owner(name: str) -> str:
    """The table that a name in load_run.accepted is about: of a child table its parent."""
    table = name.partition(".")[0]
    spec = TABLES.get(table)
    return spec.parent or table if spec is not None else table


def accepted_overrides(connection: Connection) -> Iterator[tuple[str, str]]:
    """Name of the source and what was accepted, for people: of the last published load of each table alone."""
    its = load_run_table.c
    newest = (
        select(load_run.c.source_id, its.table_name, func.max(load_run.c.run_id).label("run_id"))
        .join_from(load_run, load_run_table, its.run_id == load_run.c.run_id)
        .where(load_run.c.status == "published")
        .group_by(load_run.c.source_id, its.table_name)
        .subquery()
    )
    loads = (
        select(source.c.name, newest.c.source_id, newest.c.table_name, newest.c.run_id, load_run.c.accepted)
        .join_from(newest, load_run, load_run.c.run_id == newest.c.run_id)
        .join(source, source.c.source_id == newest.c.source_id)
        .where(load_run.c.accepted.is_not(None))
        .order_by(source.c.name, newest.c.table_name)
    )
    for load in connection.execute(loads).all():
        for told in from_text(load.accepted):
            name, _, number = told.rpartition("=")
            if _owner(name) != load.table_name:
                continue
            if "." in name:
                yield load.name, f"was accepted by hand with {name} filled in {number} rows only"
                continue
            before = _rows_before(connection, load.source_id, name, load.run_id)
            instead = "" if before is None else f" instead of {before}"
            yield load.name, f"was accepted by hand with {number} rows of {name}{instead}"


def _rows_before(connection: Connection, source_id: int, table: str, run_id: int) -> int | None:
    """Rows of the table after the published load before that one; None when there was none."""
    rows: int | None = connection.scalar(
        select(load_run_table.c.rows_published)
        .join_from(load_run_table, load_run, load_run.c.run_id == load_run_table.c.run_id)
        .where(load_run.c.source_id == source_id, load_run.c.status == "published", load_run.c.run_id < run_id)
        .where(load_run_table.c.table_name == table)
        .order_by(load_run.c.run_id.desc())
        .limit(1)
    )
    return rows
