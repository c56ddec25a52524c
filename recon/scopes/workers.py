"""The workers that scopes are judged on, read in slices: their own columns and further headers of the HR extract."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Text, select

from recon.backfill_config import Scope
from recon.scopes.judge import check_columns, columns
from recon.store.tables import LOADED

_SLICE = 2_000  # workers looked at in one go


def own_columns() -> list[str]:
    """The columns of table worker that a scope may name."""
    return [column.name for column in LOADED["worker"].c if isinstance(column.type, Text) or column.name == "is_active"]


def check_scopes(
    connection: Connection, source_ids: Collection[int], scopes: Mapping[str, Scope]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The worker columns and the headers that the scopes ask for.

    Raises ConfigError when one names a column that neither has.
    """
    own = own_columns()
    wanted = list(dict.fromkeys(column for scope in scopes.values() for column in columns(scope)))
    headers = [column for column in wanted if column not in own]
    if headers:
        attribute = LOADED["worker_attribute"]
        names = select(attribute.c.attribute).where(attribute.c.source_id.in_(source_ids)).distinct()
        known = sorted(connection.scalars(names))
        for name, scope in scopes.items():
            check_columns(name, scope, own, known)
    return tuple(column for column in wanted if column in own), tuple(headers)


def read_workers(
    connection: Connection, source_id: int, names: Collection[str], headers: Collection[str] = ()
) -> Iterator[list[dict[str, Any]]]:
    """Slices of a source's workers, each as column to value with row_id, in the order of their row ids."""
    worker, attribute = LOADED["worker"], LOADED["worker_attribute"]
    chosen = [worker.c.row_id, *(worker.c[name] for name in dict.fromkeys(names))]
    last = 0
    while True:
        statement = (
            select(*chosen)
            .where(worker.c.source_id == source_id, worker.c.row_id > last)
            .order_by(worker.c.row_id)
            .limit(_SLICE)
        )
        rows = [dict(row._mapping) for row in connection.execute(statement)]
        if not rows:
            return
        first, last = rows[0]["row_id"], rows[-1]["row_id"]
        if headers:
            by_id = {row["row_id"]: row for row in rows}
            more = (
                select(worker.c.row_id, attribute.c.attribute, attribute.c.value)
                .join_from(
                    worker,
                    attribute,
                    (attribute.c.source_id == worker.c.source_id) & (attribute.c.worker_id == worker.c.worker_id),
                )
                .where(
                    worker.c.source_id == source_id,
                    worker.c.row_id.between(first, last),
                    attribute.c.attribute.in_(headers),
                )
            )
            for row in connection.execute(more):
                if row.attribute in headers:  # a database may compare without case
                    by_id[row.row_id][row.attribute] = row.value
        yield rows
