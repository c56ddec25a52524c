"""One load of one source: rows go to a stage, and only a complete and believable read is published.

The stage is made of temporary tables: a load that is killed leaves nothing behind, and no reader ever sees half of
one. Publishing compares stage and tables set by set through a row hash and replaces only what differs, in one
transaction with the load's own record. Rows are never judged here: that is done in SQL, later.
"""

from collections.abc import Callable, Collection
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from types import TracebackType

from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from recon.config import LoadGuards
from recon.decode.times import utc_now_text
from recon.errors import LoadRefusedError, ReconError, StoreError
from recon.objects import Gone, ReadReport, Row, Withdrawn, Yielded
from recon.store import garbage, guards, increment, publish
from recon.store.bulk import insert_rows
from recon.store.check import put_right
from recon.store.engine import WRITES, Store, first_line
from recon.store.history import cutoff, prune
from recon.store.publish import Overrides, Publication, TableResult
from recon.store.references import Moves, find_moves, renamed_rows
from recon.store.rejects import count_rejects, write_rejects
from recon.store.replace import find_difference, publish_objects
from recon.store.rows import chunks, fill_absent
from recon.store.runs import (
    Begin,
    begin_run,
    end_run,
    last_published,
    lock_source,
    record_published,
    record_table,
    reject_reasons,
)
from recon.store.stage import GoneStage, Stage, add_children
from recon.store.withdraw import withdraw


@dataclass(slots=True)
class LoadResult:
    """One published load. `reason`: why it was a full read; `drifted`: rows that increments had left wrong.

    `rejects`: by table, how many records each reason held back.
    """

    run_id: int
    source: str
    tables: dict[str, TableResult] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    is_increment: bool = False
    reason: str | None = None
    drifted: int = 0
    rejects: dict[str, dict[str, int]] = field(default_factory=dict)


class Load:
    """A running load. Use as a context manager; without publish() nothing becomes visible.

    `tables`: the object and link tables that this read covers; their children are covered with them. `begin`: where
    an increment goes on from, and why a full read is one.
    """

    def __init__(
        self,
        store: Store,
        source_id: int,
        name: str,
        tables: Collection[str],
        guards: LoadGuards | None = None,
        begin: Begin | None = None,
    ) -> None:
        self._store = store
        self._source_id = source_id
        self._name = name
        self._guards = guards or LoadGuards()
        self._begin = begin or Begin()
        self._stages = {table: Stage(table, store.dialect) for table in tables}
        self._gone = {
            name: GoneStage(name, store.dialect) for name, stage in self._stages.items() if stage.spec.kind != "child"
        }
        self._partial: dict[str, list[tuple[int, Row]]] = {}
        self._uncounted: dict[str, list[object]] = {}
        self._counting = {
            name: place
            for name, stage in self._stages.items()
            for place, column in enumerate(stage.spec.columns)
            if column.counts in self._stages
        }
        self._rejects = Stage("load_reject", store.dialect)
        self._filled = (*self._stages.values(), self._rejects)
        self._seq = 0
        self._gone_from: set[str] = set()
        self._published = self._was_collecting = False
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
        try:
            self._connection = self._store.engine.connect()
            for stage in self._filled:
                stage.table.create(self._connection)
            self._connection.commit()
        except SQLAlchemyError as error:
            if self._connection is not None:
                self._connection.close()
            refused = StoreError(
                f"the database makes no temporary tables: {first_line(error)}",
                hint="the loader's role needs the right to make them",
            )
            end_run(self._store, self.run_id, "failed", str(refused))
            raise refused from error
        self._was_collecting = garbage.seldom()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        garbage.as_before(self._was_collecting)
        # the temporary tables go with the connection, which is not given back to the pool
        with suppress(SQLAlchemyError):  # where the database has gone
            self.connection.rollback()
        self.connection.invalidate()
        self.connection.close()
        if not self._published:
            status = "refused" if isinstance(error, LoadRefusedError) else "failed"
            reason = str(error) if isinstance(error, ReconError) else type(error).__name__
            if isinstance(error, KeyboardInterrupt):
                reason = "interrupted"
            with suppress(StoreError, SQLAlchemyError) if error is not None else nullcontext():
                end_run(self._store, self.run_id, status, reason)

    def add(self, row: Yielded) -> None:
        """Take one row, or one key that is gone; it reaches the stage with the batch it belongs to."""
        if isinstance(row, Withdrawn):
            self._flush()
            self._on_stage(lambda on: withdraw(on, self._filled, self._seq - row.rows + 1))
            return
        self._seq += 1
        if isinstance(row, Gone):
            self._gone_from.add(row.table)
            self._gone[row.table].add(self._seq, row)
        elif row.table == "load_reject":
            self._rejects.add(self._seq, row)
        elif row.absent:
            self._partial.setdefault(row.table, []).append((self._seq, row))
        else:
            self._stage(self._seq, row)
        if row.table in self._counting and isinstance(row, Row):
            self._note_count(row)
        if self._seq % self._guards.batch_rows == 0:
            self._flush()
        if self._seq % garbage.ROWS == 0:
            garbage.look()

    def _note_count(self, row: Row) -> None:
        """Keep the owners of whose links the source says that they cannot be read."""
        spec, place = self._stages[row.table].spec, self._counting[row.table]
        if row.values[place] is None and spec.columns[place].name not in row.absent:
            self._uncounted.setdefault(row.table, []).append(row.values[0])

    def _stage(self, seq: int, row: Row) -> None:
        self._stages[row.table].add(seq, row)
        if row.children:
            add_children(self._stages, seq, row.children)

    def _flush(self) -> None:
        self._on_stage(self._stage_all)

    def _on_stage(self, change: Callable[[Connection], None]) -> None:
        connection = self.connection
        try:
            if not connection.in_transaction():
                connection.begin()
            change(connection)
            connection.commit()
        except (SQLAlchemyError, connection.dialect.loaded_dbapi.Error) as error:  # rows go past SQLAlchemy
            raise StoreError(
                f"the database refused what was read: {first_line(error)}; nothing was published",
                hint="recon doctor checks it",
            ) from error

    def _stage_all(self, connection: Connection) -> None:
        self._insert()
        for name, rows in self._partial.items():
            stage = self._stages[name]
            for seq, row in fill_absent(connection, self._source_id, stage, self._children(stage), rows):
                self._stage(seq, row)
        self._partial.clear()
        self._insert()

    def _insert(self) -> None:
        for stage in self._filled:
            insert_rows(self.connection, stage.table, stage.buffer)
            stage.buffer.clear()
        if not self._gone_from:
            return
        for gone in self._gone.values():
            gone.make(self.connection)
            insert_rows(self.connection, gone.table, gone.buffer)
            gone.buffer.clear()

    def _children(self, parent: Stage) -> list[Stage]:
        return [
            stage
            for stage in self._stages.values()
            if stage.spec.kind == "child" and stage.spec.parent == parent.spec.name
        ]

    def publish(self, report: ReadReport, accept: Overrides | None = None) -> LoadResult:
        """Make the whole read visible in one transaction, or raise and leave the old rows as they were.

        Raises IncompleteError when the server counts other rows than were read, LoadRefusedError when too many
        rows would vanish or a column went empty, StoreError when the database refuses.
        """
        reason = None if report.is_increment else self._begin.reason
        warnings = list(report.warnings)
        result = LoadResult(self.run_id, self._name, warnings=warnings, is_increment=report.is_increment, reason=reason)
        try:
            self._flush()
            connection = self.connection.execution_options(**{WRITES: True})
            with connection.begin():
                work = Publication(
                    connection, self._source_id, self.run_id, utc_now_text(), self._guards, accept or Overrides()
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
        if (lock_source(work.connection, work.source_id) or 0) > work.run_id:
            raise StoreError(f"a load of {self._name} that began later was published meanwhile", hint="nothing is lost")
        if report.is_increment:
            self._publish_increment(work, report, result)
        elif not self._gone_from <= {stage.spec.name for stage in self._of_kind("link")}:
            raise StoreError("a full read says by itself what is gone")
        else:
            write_rejects(work, self._rejects)
            put_right(work)
            for stage in self._of_kind("object"):
                name, expected = stage.spec.name, report.table(stage.spec.name).server_count
                entry = result.tables[name] = TableResult(name, rows_read=stage.rows, server_count=expected)
                self._judge(work, stage, entry)
                self._replace(work, stage, entry)
            for stage in self._of_kind("link"):
                if stage.spec.name in self._gone_from:
                    increment.settle_links(work, stage, self._gone[stage.spec.name])
                entry = TableResult(stage.spec.name, rows_read=stage.rows)
                publish.publish_links(work, stage, entry)
                result.tables[stage.spec.name] = entry
        for stage in self._of_kind("link"):
            owner = increment.OWNERS[stage.spec.name]
            known = owner if owner in self._stages else None
            guards.check_links(work, stage, known, result.tables[stage.spec.name])
        for (_, name), reasons in reject_reasons(work.connection, [work.run_id]).items():
            result.rejects[name] = reasons
            if name in self._stages and self._stages[name].spec.kind == "link":
                result.tables[name].rejected = sum(reasons.values())
        for name, entry in result.tables.items():
            record_table(work.connection, work.run_id, entry, report.table(name))
        publish.keep_statistics(work, [name for name in self._stages if self._has_changed(name, result)])
        record_published(work.connection, work.run_id, work.source_id, report, self._begin, work.accepted)
        prune(work.connection, cutoff(work.loaded_at, self._guards.history_days), work.source_id)

    def _has_changed(self, name: str, result: LoadResult) -> bool:
        """True when so many rows of a table came or went that its statistics no longer hold."""
        entry = result.tables[self._stages[name].spec.parent or name]
        return 10 * (entry.inserted + entry.changed + entry.deleted) > entry.rows_published

    def _of_kind(self, kind: str) -> list[Stage]:
        return [stage for stage in self._stages.values() if stage.spec.kind == kind]

    # ---- increments ---------------------------------------------------------------------------------

    def _publish_increment(self, work: Publication, report: ReadReport, result: LoadResult) -> None:
        base = self._check_base(work)
        whole = frozenset(name for name in self._gone if report.table(name).is_whole)
        self._gone_from |= self._gone.keys()
        self._insert()
        write_rejects(work, self._rejects)
        increment.carry_rejects(work, base, whole, self._gone)
        objects, links = self._of_kind("object"), self._of_kind("link")
        increment.check_held(work, base, [self._gone[stage.spec.name] for stage in objects])
        for stage in (*objects, *links):
            count = report.table(stage.spec.name).server_count
            result.tables[stage.spec.name] = TableResult(stage.spec.name, rows_read=stage.rows, server_count=count)
        for stage in objects:
            entry = result.tables[stage.spec.name]
            if stage.spec.name in whole:
                self._judge(work, stage, entry)
            elif self._is_touched(stage):
                self._settle(work, stage, entry)
        told = {stage.spec.name: stage for stage in objects if stage.spec.name in whole or self._is_touched(stage)}
        moves = find_moves(work, told, self._gone, whole)
        if moves is not None and not moves.is_empty():
            for stage in objects:
                self._follow(work, moves, stage, is_whole=stage.spec.name in whole)
        touched: dict[str, Table | None] = {}
        for stage in links:
            entry, is_whole = result.tables[stage.spec.name], stage.spec.name in whole
            touched[stage.spec.name] = self._publish_links(work, stage, moves, base, entry, is_whole=is_whole)
        for stage in objects:
            self._publish_changes(work, stage, base, result.tables[stage.spec.name], is_whole=stage.spec.name in whole)
        for name, owners in touched.items():
            if owners is not None:
                owner = increment.OWNERS[name]
                increment.count_links(work, name, owners, self._stages.get(owner), self._uncounted.get(owner, ()))
        for stage in objects:
            guards.check_total(work, result.tables[stage.spec.name])

    def _settle(self, work: Publication, stage: Stage, entry: TableResult) -> None:
        gone, children = self._gone[stage.spec.name], self._children(stage)
        entry.duplicates = increment.settle(work, stage, children, gone)
        guards.check_deletions(work, stage, gone)
        guards.check_changed_fill(work, stage)
        guards.check_changed_values(work, stage, children)

    def _is_touched(self, stage: Stage) -> bool:
        return bool(stage.rows or self._gone[stage.spec.name].rows)

    def _check_base(self, work: Publication) -> int:
        base = last_published(work.connection, work.source_id)
        if base is None:
            raise StoreError("an increment needs a load to go on from")
        if self._begin.run_id not in (None, base):
            raise StoreError("another load was published since this increment was begun", hint="load again")
        return base

    def _follow(self, work: Publication, moves: Moves, stage: Stage, *, is_whole: bool) -> None:
        children, gone = self._children(stage), self._gone[stage.spec.name]
        drop, rows = renamed_rows(work, moves, stage, children, gone, is_whole=is_whole)
        for some in chunks(drop):
            if is_whole:
                kept = select(stage.table.c.row_hash).where(stage.table.c.seq.in_(some))
                stage.hash_sum -= publish.hashes(work.connection, kept)
            for table in (stage, *children):
                work.connection.execute(delete(table.table).where(table.table.c.seq.in_(some)))
        for row in rows:
            self._seq += 1
            self._stage(self._seq, row)
        self._insert()

    def _publish_links(
        self, work: Publication, stage: Stage, moves: Moves | None, base: int, entry: TableResult, *, is_whole: bool
    ) -> Table | None:
        if is_whole:
            if self._gone[stage.spec.name].rows:
                increment.settle_links(work, stage, self._gone[stage.spec.name])
            publish.publish_links(work, stage, entry)
            return None
        owners = self._gone.get(increment.OWNERS[stage.spec.name])
        return increment.publish_links(work, stage, self._gone[stage.spec.name], owners, moves, base, entry)

    def _publish_changes(
        self, work: Publication, stage: Stage, base: int, entry: TableResult, *, is_whole: bool
    ) -> None:
        if is_whole:
            self._replace(work, stage, entry)
        elif self._is_touched(stage):
            found = find_difference(work, stage, increment.gone_objects(work, stage, self._gone[stage.spec.name]))
            publish_objects(work, stage, self._children(stage), found, entry, is_whole=False)
        increment.measure(work, stage, base, entry, is_whole=is_whole)

    # ---- full reads ---------------------------------------------------------------------------------

    def _judge(self, work: Publication, stage: Stage, entry: TableResult) -> None:
        """Settle a table that was read as a whole, and refuse it where it is not believable."""
        entry.duplicates, rejected = publish.settle_duplicates(work, stage, self._children(stage))
        rows = publish.count(work, select(func.count()).select_from(stage.table))
        unusable = count_rejects(work, self._rejects, stage.spec.name)
        guards.check_complete(work, entry, rows + unusable)
        guards.check_fill(work, stage)
        guards.check_values(work, stage, self._children(stage), rows)
        entry.rows_published = rows
        entry.rejected = rejected + unusable
        entry.fingerprint = publish.digits(stage.hash_sum)

    def _replace(self, work: Publication, stage: Stage, entry: TableResult) -> None:
        """Publish a table that was read as a whole."""
        found = find_difference(work, stage)
        guards.check_shrink(work, stage, entry.rows_published, found.gone)
        publish_objects(work, stage, self._children(stage), found, entry, is_whole=True)
