"""One load of one source: rows go to a stage, and only a complete and believable read is published.

The stage is made of temporary tables: a load that is killed leaves nothing behind, and no reader ever sees half of
one. Publishing compares stage and tables set by set through a row hash and replaces only what differs, in one
transaction with the load's own record. Rows are never judged here: that is done in SQL, later.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from types import TracebackType

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from recon.config import LoadGuards
from recon.decode.times import utc_now_text
from recon.errors import LoadRefusedError, ReconError, StoreError
from recon.objects import Gone, ReadReport, Row
from recon.store import publish
from recon.store.bulk import insert_rows
from recon.store.engine import WRITES, Store, first_line
from recon.store.history import cutoff, prune
from recon.store.publish import Overrides, Publication, TableResult
from recon.store.runs import begin_run, end_run
from recon.store.stage import Stage
from recon.store.tables import load_reject, load_run, load_run_table, source


@dataclass(slots=True)
class LoadResult:
    """One published load."""

    run_id: int
    source: str
    tables: dict[str, TableResult] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Load:
    """A running load. Use as a context manager; without publish() nothing becomes visible.

    `tables`: the object and link tables that this read covers; their children are covered with them.
    """

    def __init__(
        self,
        store: Store,
        source_id: int,
        name: str,
        tables: Collection[str],
        guards: LoadGuards | None = None,
    ) -> None:
        self._store = store
        self._source_id = source_id
        self._name = name
        self._guards = guards or LoadGuards()
        self._stages = {table: Stage(table, store.dialect) for table in tables}
        self._rejects: list[tuple[object, ...]] = []
        self._seq = 0
        self._published = False
        self._connection: Connection | None = None
        self.run_id = 0

    @property
    def connection(self) -> Connection:
        """The connection that owns the stage."""
        if self._connection is None:
            raise StoreError("the load has not begun")
        return self._connection

    def __enter__(self) -> "Load":
        self.run_id = begin_run(self._store, self._source_id)
        self._connection = self._store.engine.connect()
        for stage in self._stages.values():
            stage.table.create(self._connection)
        self._connection.commit()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # the temporary tables go with the connection, which is not given back to the pool
        self.connection.rollback()
        self.connection.invalidate()
        self.connection.close()
        if not self._published:
            status = "refused" if isinstance(error, LoadRefusedError) else "failed"
            reason = str(error) if isinstance(error, ReconError) else type(error).__name__
            end_run(self._store, self.run_id, status, reason)

    def add(self, row: Row | Gone) -> None:
        """Take one row; it reaches the stage with the batch it belongs to."""
        if isinstance(row, Gone):
            raise StoreError(f"{row.table}: a full read says by itself what is gone")
        if row.table == "load_reject":
            self._rejects.append(row.values)
            return
        self._seq += 1
        self._stages[row.table].add(self._seq, row)
        for child, values in row.children:
            stage = self._stages[child]
            stage.buffer.append((self._seq, *values))
            stage.rows += 1
        if self._seq % self._guards.batch_rows == 0:
            self._flush()

    def _flush(self) -> None:
        connection = self.connection
        if not connection.in_transaction():
            connection.begin()
        for stage in self._stages.values():
            insert_rows(connection, stage.table, stage.buffer)
            stage.buffer.clear()
        connection.commit()

    def publish(self, report: ReadReport, accept: Overrides | None = None) -> LoadResult:
        """Make the whole read visible in one transaction, or raise and leave the old rows as they were.

        Raises IncompleteError when the server counts other rows than were read, LoadRefusedError when too many
        rows would vanish or a column went empty, StoreError when the database refuses.
        """
        result = LoadResult(self.run_id, self._name, warnings=list(report.warnings))
        try:
            self._flush()
            connection = self.connection.execution_options(**{WRITES: True})
            with connection.begin():
                work = Publication(
                    connection,
                    self._source_id,
                    self.run_id,
                    utc_now_text(),
                    self._guards,
                    accept or Overrides(),
                )
                self._publish(work, report, result)
        except SQLAlchemyError as error:
            raise StoreError(
                f"the load could not be published: {first_line(error)}; the old rows stand",
                hint="another load or refresh may be running; try again",
            ) from error
        self._published = True
        return result

    def _publish(self, work: Publication, report: ReadReport, result: LoadResult) -> None:
        self._write_rejects(work)
        links = [stage for stage in self._stages.values() if stage.spec.kind == "link"]
        for stage in self._stages.values():
            if stage.spec.kind == "object":
                result.tables[stage.spec.name] = self._publish_objects(work, stage, report)
        for stage in links:
            entry = TableResult(stage.spec.name, rows_read=stage.rows)
            publish.publish_links(work, stage, entry)
            result.tables[stage.spec.name] = entry
        for name, entry in result.tables.items():
            read = report.table(name)
            work.connection.execute(
                insert(load_run_table).values(
                    run_id=work.run_id,
                    table_name=name,
                    filter=read.filter,
                    pages=read.pages,
                    watermark=read.watermark,
                    rows_read=entry.rows_read,
                    rows_published=entry.rows_published,
                    inserted=entry.inserted,
                    changed=entry.changed,
                    deleted=entry.deleted,
                    server_count=entry.server_count,
                    duplicates=entry.duplicates,
                    rejected=entry.rejected,
                    fingerprint=entry.fingerprint or None,
                )
            )
        publish.keep_statistics(work, [name for name in self._stages if self._has_changed(name, result)])
        self._end(work, report)
        prune(work.connection, cutoff(work.loaded_at, self._guards.history_days), work.source_id)

    def _has_changed(self, name: str, result: LoadResult) -> bool:
        """True when so many rows of a table came or went that its statistics no longer hold."""
        entry = result.tables[self._stages[name].spec.parent or name]
        return 10 * (entry.inserted + entry.changed + entry.deleted) > entry.rows_published

    def _publish_objects(self, work: Publication, stage: Stage, report: ReadReport) -> TableResult:
        children = [
            child
            for child in self._stages.values()
            if child.spec.kind == "child" and child.spec.parent == stage.spec.name
        ]
        entry = TableResult(
            stage.spec.name, rows_read=stage.rows, server_count=report.table(stage.spec.name).server_count
        )
        entry.duplicates, rejected = publish.settle_duplicates(work, stage, children)
        rows = int(work.connection.scalar(select(func.count()).select_from(stage.table)) or 0)
        unusable = sum(values[0] == stage.spec.name for values in self._rejects)
        publish.check_complete(work, entry, rows + unusable)
        publish.check_shrink(work, stage, rows)
        publish.check_fill(work, stage)
        entry.fingerprint = publish.fingerprint(work, stage, settled=entry.duplicates > 0)
        publish.publish_objects(work, stage, children, entry)
        entry.rows_published = rows
        entry.rejected = rejected + unusable
        return entry

    def _write_rejects(self, work: Publication) -> None:
        if not self._rejects:
            return
        names = ("object", "object_key", "source_row", "reason", "detail")
        work.connection.execute(
            insert(load_reject),
            [
                {"run_id": work.run_id, "source_id": work.source_id, **dict(zip(names, values, strict=True))}
                for values in self._rejects
            ],
        )

    def _end(self, work: Publication, report: ReadReport) -> None:
        started = work.connection.scalar(select(load_run.c.started_at).where(load_run.c.run_id == work.run_id))
        work.connection.execute(
            update(load_run)
            .where(load_run.c.run_id == work.run_id)
            .values(
                status="published",
                finished_at=work.loaded_at,
                requests=report.requests,
                bytes_read=report.bytes_read,
                is_increment=int(report.is_increment),
                watermark=report.watermark,
            )
        )
        work.connection.execute(
            update(source)
            .where(source.c.source_id == work.source_id)
            .values(load_started_at=started, load_finished_at=work.loaded_at)
        )
