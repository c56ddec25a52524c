"""Taking rows out of a stage again, where a source begins to read anew what they were read from."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from recon.store.publish import hashes, link_hashes
from recon.store.stage import Stage


def withdraw(connection: Connection, stages: Iterable[Stage], first: int) -> None:
    """Take out the rows numbered `first` and above, with their children; nothing may wait in a buffer."""
    for stage in stages:
        table = stage.table
        gone = connection.execute(
            delete(table).where(table.c.seq >= first), execution_options={"preserve_rowcount": True}
        )
        stage.rows -= gone.rowcount
        if gone.rowcount and stage.spec.kind == "object":
            stage.hash_sum = hashes(connection, select(table.c.row_hash))
        elif gone.rowcount and stage.spec.kind == "link":
            stage.hash_sum = link_hashes(connection, stage.spec, table)
