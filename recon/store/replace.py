"""Bring one object table and its values up to date from the stage: what differs is noted, and only that is touched.

An object is changed when its row hash differs. Its version goes to the history and the row is written anew in place, so
that its row_id stays; a row none of whose indexed columns changed touches no index. Of its values (addresses,
licences …) those that differ leave and come, by their whole row: no object has two that are equal. Columns marked
volatile (last logon, whenChanged …) are brought up to date without a version. Everything here runs inside the one
transaction of Load.publish.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from recon.store.history import versions
from recon.store.indexes import indexes_at_the_end
from recon.store.publish import (
    Publication,
    TableResult,
    count,
    hashes,
    other_values,
    retire,
    run,
    same_values,
    temporary,
)
from recon.store.stage import Stage, make_index
from recon.store.tables import LOADED, sql_column

# how a staged row differs from the published one
_NEW = 0  # there is none
_VOLATILE = 1  # in volatile columns alone
_PLAIN = 2  # in columns that no index has
_INDEXED = 3  # in a column that an index has


@dataclass(frozen=True, slots=True)
class Difference:
    """What a load changes in one object table, noted in temporary tables.

    `coming`: (seq, object_key, row_id, kind) of the staged rows that are not published as they are; row_id is that of
    the published row, NULL where there is none. `vanishing`: (object_key, row_id) of the published rows that are gone.
    `kinds`: rows of `coming` by their kind.
    """

    coming: Table
    vanishing: Table
    kinds: Mapping[int, int]
    gone: int

    @property
    def new(self) -> int:
        """Objects that come."""
        return self.kinds.get(_NEW, 0)

    @property
    def changed(self) -> int:
        """Objects of which another version comes."""
        return self.kinds.get(_PLAIN, 0) + self.kinds.get(_INDEXED, 0)

    def is_changed(self) -> ColumnElement[bool]:
        """The rows of `coming` that replace a version."""
        return self.coming.c.kind >= _PLAIN


def find_difference(work: Publication, stage: Stage, gone: Select[Any] | None = None) -> Difference:
    """Hold the stage against the table. `gone`: (key, row_id) of what vanishes; None: all that is not staged."""
    target, staged, name = LOADED[stage.spec.name], stage.table, stage.spec.name
    key = target.c[stage.spec.key[0]]
    mine = target.c.source_id == work.source_id
    coming = temporary(
        work,
        f"coming_{name}",
        Column("seq", Integer, primary_key=True, autoincrement=False),
        sql_column("object_key", "key", 128, nullable=False),
        Column("row_id", Integer),
        Column("kind", SmallInteger, nullable=False),
    )
    volatile = [column.name for column in stage.spec.columns if column.volatile]
    is_stale = other_values(target, staged, volatile) if volatile else false()
    is_other = target.c.row_hash != staged.c.row_hash
    indexed = _indexed(stage)
    kind = case(
        (target.c.row_id.is_(None), _NEW),
        (~is_other, _VOLATILE),
        *([(other_values(target, staged, indexed), _INDEXED)] if indexed else []),
        else_=_PLAIN,
    )
    differing = (
        select(staged.c.seq, stage.key, target.c.row_id, kind)
        .outerjoin_from(staged, target, and_(key == stage.key, mine))
        .where(or_(target.c.row_id.is_(None), is_other, is_stale))
    )
    work.connection.execute(insert(coming).from_select(["seq", "object_key", "row_id", "kind"], differing))
    vanishing = temporary(
        work,
        f"vanishing_{name}",
        sql_column("object_key", "key", 128, nullable=False),
        Column("row_id", Integer, primary_key=True, autoincrement=False),
    )
    if gone is None:
        gone = select(key, target.c.row_id).where(mine, ~exists().where(stage.key == key))
    work.connection.execute(insert(vanishing).from_select(["object_key", "row_id"], gone))
    counted = select(coming.c.kind, func.count()).group_by(coming.c.kind)
    kinds: dict[int, int] = dict(work.connection.execute(counted).all())
    return Difference(coming, vanishing, kinds, count(work, select(func.count()).select_from(vanishing)))


def _indexed(stage: Stage) -> list[str]:
    """The columns beside the key that an index of the published table has."""
    target = LOADED[stage.spec.name]
    indexed = {column.name for index in target.indexes for column in index.columns}
    return [column.name for column in stage.spec.columns if column.name in indexed - set(stage.spec.key)]


def publish_objects(
    work: Publication, stage: Stage, children: list[Stage], found: Difference, result: TableResult, *, is_whole: bool
) -> None:
    """Replace what differs in one object table and its children; `result` receives the counts.

    `is_whole`: the stage holds the whole table, which has a fingerprint already.
    """
    target, staged, coming = LOADED[stage.spec.name], stage.table, found.coming
    replaced = select(coming.c.row_id).where(found.is_changed())
    gone = select(found.vanishing.c.row_id)
    if not is_whole:
        for rows in (replaced, gone):
            result.hash_change -= hashes(work.connection, select(target.c.row_hash).where(target.c.row_id.in_(rows)))
        seqs = select(coming.c.seq).where(coming.c.kind != _VOLATILE)
        result.hash_change += hashes(work.connection, select(staged.c.row_hash).where(staged.c.seq.in_(seqs)))
    for child in children:
        _replace_values(work, child, found)
    if found.gone:
        retire(work, target, target.c.row_id.in_(gone))
    if found.changed:
        run(work, versions(work.run_id, target.name, target.c.row_id.in_(replaced)))
    _rewrite(work, stage, found)
    names = [column.name for column in stage.spec.columns]
    tables = [target, *(LOADED[child.spec.name] for child in children)]
    with indexes_at_the_end(work.connection, tables, found.new):
        for child in children if found.new else ():
            _insert_values(work, child, found)
        if found.new:
            arriving = staged.c.seq.in_(select(coming.c.seq).where(coming.c.kind == _NEW))
            rows = select(*_of_this_run(work, target), *(staged.c[name] for name in names), staged.c.row_hash)
            into = insert(target).from_select([*_RUN, *names, "row_hash"], rows.where(arriving))
            work.connection.execute(into)
    coming.drop(work.connection)
    found.vanishing.drop(work.connection)
    result.inserted, result.changed, result.deleted = found.new, found.changed, found.gone


_RUN = ("source_id", "run_id", "loaded_at")


def _of_this_run(work: Publication, target: Table) -> list[ColumnElement[Any]]:
    return [literal(work.source_id), literal(work.run_id), literal(work.loaded_at, target.c.loaded_at.type)]


def _rewrite(work: Publication, stage: Stage, found: Difference) -> None:
    """Write the staged values into the rows that stand: each row once, indexed columns where one of them differs."""
    target, staged, coming = LOADED[stage.spec.name], stage.table, found.coming
    indexed = set(_indexed(stage))
    values = {column.name: staged.c[column.name] for column in stage.spec.columns if column.name not in stage.spec.key}
    plain = {name: value for name, value in values.items() if name not in indexed}
    volatile = {column.name: values[column.name] for column in stage.spec.columns if column.volatile}
    of_this_run = dict(zip(_RUN[1:], _of_this_run(work, target)[1:], strict=True)) | {"row_hash": staged.c.row_hash}
    for kind, written in ((_VOLATILE, volatile), (_PLAIN, plain | of_this_run), (_INDEXED, values | of_this_run)):
        if found.kinds.get(kind):
            # by key and seq: that index the stage has
            its = (stage.key == coming.c.object_key, staged.c.seq == coming.c.seq)
            which = (target.c.row_id == coming.c.row_id, coming.c.kind == kind, *its)
            work.connection.execute(update(target).where(*which).values(written))


# ---- values: rows of an object's child tables ---------------------------------------------------------


def _replace_values(work: Publication, child: Stage, found: Difference) -> None:
    """Take out the values of what vanishes, and exchange those that differ of what changed."""
    target, coming = LOADED[child.spec.name], found.coming
    owner = target.c[child.spec.key[0]]
    mine = target.c.source_id == work.source_id
    if found.gone:
        retire(work, target, mine, owner.in_(select(found.vanishing.c.object_key)))
    if not found.changed:
        return
    changed = select(coming.c.object_key).where(found.is_changed())
    if not child.rows:
        retire(work, target, mine, owner.in_(changed))
        return
    names = [column.name for column in child.spec.columns[1:]]
    fresh = temporary(
        work,
        f"fresh_{child.spec.name}",
        sql_column("object_key", "key", 128, nullable=False),
        *(Column(name, child.table.c[name].type) for name in names),
    )
    rows = select(coming.c.object_key, *(child.table.c[name] for name in names))
    rows = rows.join_from(child.table, coming, coming.c.seq == child.table.c.seq).where(found.is_changed())
    work.connection.execute(insert(fresh).from_select(["object_key", *names], rows))
    make_index(work.connection, fresh, "object_key")
    same = and_(fresh.c.object_key == owner, same_values(target, fresh, names))
    retire(work, target, mine, owner.in_(changed), ~exists().where(same))
    others = select(literal(work.source_id), literal(work.run_id), *fresh.c).where(~exists().where(mine, same))
    into = ["source_id", "run_id", owner.name, *names]
    work.connection.execute(insert(target).from_select(into, others))
    fresh.drop(work.connection)


def _insert_values(work: Publication, child: Stage, found: Difference) -> None:
    """Bring the values of what is new."""
    names = [column.name for column in child.spec.columns[1:]]
    values = [found.coming.c.object_key, *(child.table.c[name] for name in names)]
    rows = (
        select(literal(work.source_id), literal(work.run_id), *values)
        .join_from(child.table, found.coming, found.coming.c.seq == child.table.c.seq)
        .where(found.coming.c.kind == _NEW)
    )
    into = ["source_id", "run_id", child.spec.key[0], *names]
    work.connection.execute(insert(LOADED[child.spec.name]).from_select(into, rows))
