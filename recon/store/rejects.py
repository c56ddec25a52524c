"""Records that a source yielded and nobody can use: they wait in a stage, and stand in load_reject once published."""

from sqlalchemy import func, insert, literal, select

from recon.store.publish import Publication, count
from recon.store.stage import Stage
from recon.store.tables import load_reject


def write_rejects(work: Publication, stage: Stage) -> None:
    """Copy what waits into load_reject, in the order it was read."""
    columns = [stage.table.c[column.name] for column in stage.spec.columns]
    rows = select(literal(work.run_id), literal(work.source_id), *columns).order_by(stage.table.c.seq)
    names = ["run_id", "source_id", *(column.name for column in columns)]
    work.connection.execute(insert(load_reject).from_select(names, rows))


def count_rejects(work: Publication, stage: Stage, name: str) -> int:
    """How many of one table wait."""
    return count(work, select(func.count()).select_from(stage.table).where(stage.table.c.object == name))
