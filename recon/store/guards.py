"""What is refused before it is published: reads that lack rows, tables that shrink, columns that went empty.

Each refusal names the number with which one run may accept it. Raised inside the publishing transaction, so that
nothing of the load stands.
"""

from collections.abc import Sequence
from fractions import Fraction

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, literal, select

from recon.errors import IncompleteError, LoadRefusedError
from recon.objects import Table as TableSpec
from recon.store.publish import Publication, TableResult, count
from recon.store.stage import GoneStage, Stage
from recon.store.tables import HISTORY, LOADED

_SMALL_LOSS = 10  # rows that a table of any size may lose
_FILL_FROM = 20  # a column must have been filled in so many rows before its fill rate is guarded
_UNGUARDED = frozenset({"lockouttime", "locked_out_at"})  # come and go by nature
# what is wrong with an object may well be mended
_UNGUARDED_VALUES = frozenset({"defect", "propertycausingerror"})


def check_complete(work: Publication, result: TableResult, distinct_rows: int) -> None:
    """Refuse a read that does not hold the rows the server counts. Raises IncompleteError."""
    expected = result.server_count
    if expected is None or distinct_rows == expected or work.takes_rows(result.table, distinct_rows):
        return
    raise IncompleteError(
        f"{result.table}: {distinct_rows} rows were read, but the server counts {expected}; nothing was published",
        hint=f"load again, or accept it once with --accept-rows {result.table}={distinct_rows}",
    )


def _shrink_limit(work: Publication, rows: int) -> int:
    """How many of so many rows a table may lose in one load."""
    share = Fraction(str(work.guards.max_shrink_share))  # 0.29 of 100 is 29, as a float it is less
    return max(_SMALL_LOSS, min(int(rows * share), work.guards.max_shrink_rows))


def check_shrink(work: Publication, stage: Stage, distinct_rows: int, gone: int) -> None:
    """Refuse a load in which too many of the old rows are missing. Raises LoadRefusedError."""
    if stage.spec.passes:
        return
    target = LOADED[stage.spec.name]
    old = count(work, select(func.count()).select_from(target).where(target.c.source_id == work.source_id))
    limit = _shrink_limit(work, old)
    if gone > limit and not work.takes_rows(stage.spec.name, distinct_rows):
        raise LoadRefusedError(
            f"{stage.spec.name}: {gone} of {old} rows would vanish (limit {limit}); nothing was published",
            hint=f"if that is right, run once with --accept-rows {stage.spec.name}={distinct_rows}",
        )


def _is_less(work: Publication, expected: int, filled_before: int, filled: int) -> bool:
    """True when `filled` is less than what was expected by more than the configured share."""
    return filled_before >= _FILL_FROM and expected > 0 and (expected - filled) / expected > work.guards.max_fill_loss


def check_fill(work: Publication, stage: Stage) -> None:
    """Refuse a load in which a column went empty: a read right was lost. Raises LoadRefusedError."""
    target = LOADED[stage.spec.name]
    mine = target.c.source_id == work.source_id
    if work.connection.execute(select(target.c.row_id).where(mine).limit(1)).first() is None:
        return
    names = [c.name for c in stage.spec.columns if not c.volatile and c.name not in _UNGUARDED]
    new_total, filled = _fills(work, stage.table, names)
    # a column that is filled in nearly every row cannot have been filled much better before
    doubtful = [name for name in names if filled[name] < new_total * (1 - work.guards.max_fill_loss)]
    old_total, before = _fills(work, target, doubtful, mine)
    for name in doubtful:
        column = f"{stage.spec.name}.{name}"
        is_less = _is_less(work, before[name] * new_total, before[name], filled[name] * old_total)
        if is_less and not work.takes_fill(column, filled[name]):
            raise LoadRefusedError(
                f"{column}: filled in {filled[name]} of {new_total} rows, before in {before[name]} of {old_total}; "
                "nothing was published",
                hint=f"check the read rights, or accept it once with --accept-fill {column}={filled[name]}",
            )


def check_values(work: Publication, stage: Stage, children: Sequence[Stage], new_total: int) -> None:
    """Refuse a load in which attributes of several values went empty, each judged as a column is.

    `new_total`: the staged objects.
    """
    target = LOADED[stage.spec.name]
    old_total: int | None = None
    for child in children:
        past = LOADED[child.spec.name]
        before = _holders(work, child.spec, past, past.c.source_id == work.source_id)
        if max(before.values(), default=0) < _FILL_FROM:
            continue
        after = _holders(work, child.spec, child.table)
        if old_total is None:
            mine = target.c.source_id == work.source_id
            old_total = count(work, select(func.count()).select_from(target).where(mine))
        for column, held in before.items():
            filled = after.get(column, 0)
            is_less = _is_less(work, held * new_total, held, filled * old_total)
            if is_less and not work.takes_fill(column, filled):
                raise LoadRefusedError(
                    f"{column}: filled in {filled} of {new_total} rows, before in {held} of {old_total}; "
                    "nothing was published",
                    hint=f"check the read rights, or accept it once with --accept-fill {column}={filled}",
                )


def _holders(work: Publication, spec: TableSpec, table: Table, *conditions: ColumnElement[bool]) -> dict[str, int]:
    """How many objects have a value, by the name that --accept-fill takes; {} for tables that are not guarded."""
    if not _UNGUARDED_VALUES.isdisjoint(spec.position):
        return {}
    return {name: int(rows) for name, rows in work.connection.execute(_holding(spec, table).where(*conditions)) if rows}


def _holding(spec: TableSpec, table: Table) -> Select[str, int]:
    """(name, objects that have a value): of a table of several attributes a row for each, else one row."""
    first = [table.c.position == 0] if "position" in spec.position else []
    if "attribute" in spec.position:
        name = literal(f"{spec.name}.") + table.c.attribute
        return select(name, func.count()).select_from(table).where(*first).group_by(table.c.attribute)
    return select(literal(f"{spec.name}.{spec.columns[2].name}"), func.count()).select_from(table).where(*first)


def check_links(work: Publication, stage: Stage, owner: str | None, entry: TableResult) -> None:
    """Refuse a load in which too many links vanish whose owners stay. Raises LoadRefusedError.

    Called after publishing. `owner`: the owners' table, None where it is not loaded. Links that came make up for some
    that went: all members of a renamed domain have other names.
    """
    past, key = HISTORY[stage.spec.name], stage.spec.key[0]
    left = [past.c.to_run == work.run_id, past.c.source_id == work.source_id]
    if owner is not None:
        table = LOADED[owner]
        left.append(exists().where(table.c[key] == past.c[key], table.c.source_id == work.source_id))
    old = entry.rows_published - entry.inserted + entry.deleted
    limit = _shrink_limit(work, old)
    if entry.deleted - entry.inserted <= limit:
        return
    gone = count(work, select(func.count()).select_from(past).where(*left)) - entry.inserted
    if gone > limit and not work.takes_rows(stage.spec.name, entry.rows_published):
        raise LoadRefusedError(
            f"{stage.spec.name}: {gone} of {old} rows would vanish (limit {limit}); nothing was published",
            hint=f"if that is right, run once with --accept-rows {stage.spec.name}={entry.rows_published}",
        )


def _fills(
    work: Publication, table: Table, names: list[str], *conditions: ColumnElement[bool]
) -> tuple[int, dict[str, int]]:
    """The rows of a table, and in how many of them each column is filled."""
    counts = select(func.count(), *(func.count(table.c[name]) for name in names)).select_from(table)
    total, *filled = work.connection.execute(counts.where(*conditions)).one()
    return int(total), dict(zip(names, filled, strict=True))


# ---- increments ----------------------------------------------------------------------------------------


def check_deletions(work: Publication, stage: Stage, gone: GoneStage) -> None:
    """Refuse an increment that takes too many rows away. Raises LoadRefusedError."""
    if stage.spec.passes or not gone.rows:
        return
    target = LOADED[stage.spec.name]
    key = target.c[stage.spec.key[0]]
    mine = target.c.source_id == work.source_id
    leaving = count(work, select(func.count()).select_from(target).where(mine, key.in_(select(gone.key))))
    old = count(work, select(func.count()).select_from(target).where(mine))
    limit = _shrink_limit(work, old)
    if leaving <= limit:
        return
    target_row = exists().where(mine, key == stage.key)
    rows = old - leaving + count(work, select(func.count()).select_from(stage.table).where(~target_row))
    if not work.takes_rows(stage.spec.name, rows):
        raise LoadRefusedError(
            f"{stage.spec.name}: {leaving} of {old} rows would vanish (limit {limit}); nothing was published",
            hint=f"if that is right, run once with --accept-rows {stage.spec.name}={rows}",
        )


def check_changed_fill(work: Publication, stage: Stage) -> None:
    """Refuse an increment in whose objects a column went empty, against the same objects before."""
    target = LOADED[stage.spec.name]
    mine = target.c.source_id == work.source_id
    if work.connection.execute(select(target.c.row_id).where(mine).limit(1)).first() is None:
        return
    names = [c.name for c in stage.spec.columns if not c.volatile and c.name not in _UNGUARDED]
    both = and_(target.c.source_id == work.source_id, target.c[stage.spec.key[0]] == stage.key)
    counts = [func.count(table.c[name]) for table in (target, stage.table) for name in names]
    total, *filled = work.connection.execute(
        select(func.count(), *counts).select_from(stage.table).join(target, both)
    ).one()
    for name, before, after in zip(names, filled[: len(names)], filled[len(names) :], strict=True):
        column = f"{stage.spec.name}.{name}"
        if _is_less(work, before, before, after) and not work.takes_fill(column, after):
            raise LoadRefusedError(
                f"{column}: of {total} changed rows {after} have it, before {before} of the same had; "
                "nothing was published",
                hint=f"check the read rights, or accept it once with --accept-fill {column}={after}",
            )


def check_changed_values(work: Publication, stage: Stage, children: Sequence[Stage]) -> None:
    """Refuse an increment in whose objects an attribute of several values went empty; see check_values."""
    target = LOADED[stage.spec.name]
    both = and_(target.c.source_id == work.source_id, target.c[stage.spec.key[0]] == stage.key)
    for child in children:
        past = LOADED[child.spec.name]
        mine = past.c.source_id == work.source_id
        before = _holders(work, child.spec, past, mine, past.c[stage.spec.key[0]].in_(select(stage.key)))
        if max(before.values(), default=0) < _FILL_FROM:
            continue
        known = select(stage.table.c.seq).join(target, both)
        after = _holders(work, child.spec, child.table, child.table.c.seq.in_(known))
        for column, held in before.items():
            filled = after.get(column, 0)
            if _is_less(work, held, held, filled) and not work.takes_fill(column, filled):
                total = count(work, select(func.count()).select_from(known.subquery()))
                raise LoadRefusedError(
                    f"{column}: of {total} changed rows {filled} have it, before {held} of the same had; "
                    "nothing was published",
                    hint=f"check the read rights, or accept it once with --accept-fill {column}={filled}",
                )


def check_total(work: Publication, entry: TableResult) -> None:
    """Refuse an increment after which the table does not hold the rows the server counts. Raises IncompleteError."""
    expected, rows = entry.server_count, entry.rows_published + entry.rejected
    if expected is None or rows == expected or work.takes_rows(entry.table, rows):
        return
    raise IncompleteError(
        f"{entry.table}: with the increment there would be {rows} rows, but the server counts {expected}; "
        "nothing was published from it",
        hint="a full read is due",
    )
