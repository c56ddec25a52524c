"""Did increments drift? A full read just published tells what differed; changes since the last increment explain it.

Every row that the full read replaced, brought or took away, and that is not named by the changes since the watermark
of the increment before, is one that increments had left wrong. What such a change reaches without naming it (names in
other objects, members) is explained too, see recon.store.references. Kept in table load_drift until it is pruned.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    SmallInteger,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from recon.errors import StoreError
from recon.objects import TABLES, Gone, Row, Withdrawn, Yielded
from recon.store.bulk import insert_rows
from recon.store.engine import WRITES, Store, first_line
from recon.store.exact import exact
from recon.store.increment import OWNERS
from recon.store.references import MEMBERS, NAMED
from recon.store.stage import temporary_table
from recon.store.tables import HISTORY, LOADED, load_drift, sql_column

_BATCH = 2_000


class DriftCheck:
    """Takes the changes since a watermark; finish() writes what run `run_id` found beyond them.

    Use as a context manager; it raises StoreError where the database refuses: the load stays published.
    """

    def __init__(self, store: Store, source_id: int, run_id: int, tables: Collection[str]) -> None:
        self._store, self._source_id, self._run_id = store, source_id, run_id
        self._tables = [name for name in tables if TABLES[name].kind != "child"]
        self._named = temporary_table(
            "drift_named",
            store.dialect,
            sql_column("table_name", "key", 64, nullable=False),
            sql_column("object_key", "key", 128, nullable=False),
            sql_column("member", "key", 850),
            Column("is_gone", SmallInteger, nullable=False),
        )
        self._reached = temporary_table(
            "drift_reached", store.dialect, sql_column("member", "key", 850, nullable=False)
        )
        self._rows: list[tuple[object, ...]] = []
        self._names: list[tuple[object, ...]] = []
        self._connection: Connection | None = None

    @property
    def _own(self) -> Connection:
        assert self._connection is not None  # made by __enter__
        return self._connection

    def __enter__(self) -> "DriftCheck":
        try:
            self._connection = self._store.engine.connect()
            self._named.create(self._own)
            self._reached.create(self._own)
            self._own.commit()
        except SQLAlchemyError as error:
            if self._connection is not None:
                self._connection.close()
            raise self._not_made(error) from error
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with suppress(SQLAlchemyError):  # where the database has gone
            self._own.rollback()
        self._own.invalidate()
        self._own.close()
        if isinstance(error, (SQLAlchemyError, self._own.dialect.loaded_dbapi.Error)):  # rows go past SQLAlchemy
            raise self._not_made(error) from error

    def _not_made(self, error: BaseException) -> StoreError:
        return StoreError(
            f"load {self._run_id} is published, but that the increments before it did not drift was not proven: "
            f"the database refused: {first_line(error)}",
            hint="recon doctor checks it",
        )

    def add(self, row: Yielded) -> None:
        """Take one change."""
        if isinstance(row, Withdrawn) or row.table == "load_reject":
            return
        spec = TABLES[row.table]
        is_gone = int(isinstance(row, Gone))
        values = row.key if isinstance(row, Gone) else row.values
        if spec.kind == "link":
            place = 1 if isinstance(row, Gone) else spec.position[spec.key[1]]
            member = values[place] if len(values) > place else None
            self._rows.append((row.table, values[0], member, is_gone))
        else:
            self._rows.append((row.table, values[0], None, is_gone))
            if isinstance(row, Row) and "dn_key" in spec.position:
                name = values[spec.position["dn_key"]]
                self._names += [(name,)] if name is not None else []
        if len(self._rows) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        insert_rows(self._own, self._named, self._rows)
        insert_rows(self._own, self._reached, self._names)
        self._rows.clear()
        self._names.clear()
        self._own.commit()

    def finish(self, whole: Collection[str] = ()) -> int:
        """Write what no change explains to load_drift; returns how many rows.

        `whole`: tables that increments read as a full read does, so that nothing names what left them.
        """
        self._flush()
        connection = self._own.execution_options(**{WRITES: True})
        with connection.begin():
            for statement in self._reaching():
                connection.execute(insert(self._reached).from_select(["member"], statement))
            for name in (each for each in self._tables if each not in whole):
                found = self._links(name) if TABLES[name].kind == "link" else self._objects(name)
                for what, rows in found:
                    columns = ["run_id", "source_id", "table_name", "object_key", "what"]
                    key = rows.selected_columns[0]
                    drifted = rows.with_only_columns(
                        literal(self._run_id), literal(self._source_id), literal(name), key, literal(what)
                    )
                    connection.execute(insert(load_drift).from_select(columns, drifted))
            drifts = select(func.count()).select_from(load_drift).where(load_drift.c.run_id == self._run_id)
            return int(connection.scalar(drifts) or 0)

    def _reaching(self) -> Iterator[Select[Any]]:
        """The names and ids, old and new, under which links show the objects that changed."""
        for name in {each for link in self._tables for each in MEMBERS.get(link, ())} & set(self._tables):
            key = TABLES[name].key[0]
            named = select(self._named.c.object_key).where(self._named.c.table_name == name)
            if not name.startswith("ad_"):
                yield named
                continue
            for table, run in ((LOADED[name], None), (HISTORY[name], "to_run")):
                mine = [table.c.source_id == self._source_id, table.c[key].in_(named), table.c.dn_key.is_not(None)]
                if run is not None:
                    mine.append(table.c[run] == self._run_id)
                yield select(table.c.dn_key).where(*mine)

    def _mine(self, table: FromClause, run: str) -> ColumnElement[bool]:
        return and_(table.c.source_id == self._source_id, table.c[run] == self._run_id)

    def _is_named(self, name: str, key: ColumnElement[Any]) -> ColumnElement[bool]:
        return exists().where(self._named.c.table_name == name, self._named.c.object_key == key)

    def _objects(self, name: str) -> Iterator[tuple[str, Select[Any]]]:
        new, old = LOADED[name], HISTORY[name]
        key = TABLES[name].key[0]
        came, went = self._mine(new, "run_id"), self._mine(old, "to_run")
        both = new.c[key] == old.c[key]
        yield "missing", select(new.c[key]).where(came, ~exists().where(went, both), ~self._is_named(name, new.c[key]))
        yield (
            "left over",
            select(old.c[key]).where(went, ~exists().where(came, both), ~self._is_named(name, old.c[key])),
        )
        differs = select(new.c[key]).join_from(new, old, both).where(came, went, ~self._is_named(name, new.c[key]))
        if name in NAMED:
            text, column = NAMED[name]
            reached = select(self._reached.c.member)
            names = [func.coalesce(table.c[column], "") for table in (new, old)]
            follows = or_(*(each.in_(reached) for each in names))
            texts = [exact(func.coalesce(table.c[text], "")) for table in (new, old)]
            differs = differs.where(~and_(follows, texts[0] != texts[1]))
        yield "other", differs

    def _links(self, name: str) -> Iterator[tuple[str, Select[Any]]]:
        owner, member = TABLES[name].key[:2]
        for what, table, run in (("missing", LOADED[name], "run_id"), ("left over", HISTORY[name], "to_run")):
            single = and_(
                self._named.c.table_name == name,
                self._named.c.object_key == table.c[owner],
                or_(self._named.c.member.is_(None), self._named.c.member == table.c[member]),
            )
            gone = and_(
                self._named.c.table_name == OWNERS[name],
                self._named.c.object_key == table.c[owner],
                self._named.c.is_gone == 1,
            )
            yield (
                what,
                select(table.c[owner] + " " + table.c[member]).where(
                    self._mine(table, run),
                    ~exists().where(or_(single, gone)),
                    table.c[member].not_in(select(self._reached.c.member)),
                ),
            )
