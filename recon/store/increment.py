"""Publishing an increment: what it names is brought up to date, everything else stays as it is.

The rows are few and the tables large, so every statement starts from what was staged and finds the published rows
by index. What the increment does not name but changes by what it says (names in other objects, counts of members) is
staged as well; from there on history, hashes and children go the way of a full read. Runs inside the one transaction
of Load.publish.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from recon.errors import WatermarkError
from recon.objects import TABLES
from recon.store.exact import exact_text
from recon.store.publish import (
    Publication,
    TableResult,
    count,
    digits,
    hashes,
    link_hashes,
    other_values,
    retire,
    run,
    temporary,
)
from recon.store.references import NAMED, Moves
from recon.store.rows import chunks
from recon.store.stage import GoneStage, Stage, make_index
from recon.store.tables import HISTORY, LOADED, load_reject, load_run_table, sql_column

# link table: the table whose key its rows begin with
OWNERS = {
    "ad_member": "ad_group",
    "entra_member": "entra_group",
    "entra_group_owner": "entra_group",
    "entra_role_member": "entra_role",
}


def keep_statistics(work: Publication, *tables: Table) -> None:
    """Tell the planner how few rows a temporary table holds, or it starts from the published ones.

    SQLite keeps nothing of an empty table, and takes it for a large one: that is written for it. SQL Server finds out
    by itself.
    """
    if work.dialect == "mssql":
        return
    for table in tables:
        work.connection.exec_driver_sql(f"analyze {table.name}")
        if work.dialect == "sqlite":
            work.connection.exec_driver_sql(_EMPTY, (table.name,))
    if work.dialect == "sqlite":
        work.connection.exec_driver_sql("analyze temp.sqlite_master")  # takes in what was written


_EMPTY = """insert into temp.sqlite_stat1 (tbl, idx, stat)
select tbl_name, name, '1 1' from temp.sqlite_master
where type = 'index' and tbl_name = ? and name not in (select idx from temp.sqlite_stat1 where idx is not null)"""


# ---- objects ------------------------------------------------------------------------------------------


def check_held(work: Publication, base: int, gone: Sequence[GoneStage]) -> None:
    """Raise WatermarkError where an object went that the last load `base` should have held, and that others may name.

    It was deleted before it was read, or came from outside first: they would name it for good. Where that load itself
    took it out, it is told a second time, and history has its name.
    """
    told = [its for its in gone if its.held]  # without ad_deleted, whose keys are the same
    tables = [LOADED[its.spec.name] for its in told]
    naming = [LOADED["ad_member"].c.member_key, *(LOADED[name].c[key] for name, (_, key) in NAMED.items())]

    def is_named(name: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(*(exists().where(_of(work, column.table), column == name) for column in naming))

    for its in told:
        last = its.table.c.last_name
        held, left, left_named = [], [], []
        for table in tables:
            key, past = TABLES[table.name].key[0], HISTORY[table.name]
            went = (_of(work, past), past.c[key] == its.key, past.c.to_run == base)
            held.append(exists().where(_of(work, table), table.c[key] == its.key))
            left.append(exists().where(*went))
            left_named.append(exists().where(*went, is_named(past.c.dn_key)))
        had_any_name = and_(last == "", or_(~or_(*left), *left_named))
        which = (last.is_not(None), ~or_(*held), or_(had_any_name, is_named(last)))
        unknown = count(work, select(func.count()).select_from(its.table).where(*which))
        if unknown:
            raise WatermarkError(
                f"{its.spec.name}: {unknown} deleted objects that others may name were not in the last load"
            )


def _of(work: Publication, table: Any) -> ColumnElement[bool]:
    its: ColumnElement[bool] = table.c.source_id == work.source_id
    return its


def settle(work: Publication, stage: Stage, children: Sequence[Stage], gone: GoneStage) -> int:
    """Leave the last word on each key, a row or that it is gone; returns how many rows were spoken over."""
    table = stage.table
    stage.index(work.connection)
    keep_statistics(work, table, gone.table)
    last = select(func.max(table.c.seq)).group_by(stage.key)
    taken = run(work, delete(table).where(table.c.seq.not_in(last)))
    later = exists().where(gone.key == stage.key, gone.table.c.seq > table.c.seq)
    taken += run(work, delete(table).where(later))
    work.connection.execute(delete(gone.table).where(exists().where(stage.key == gone.key)))
    for child in children if taken else ():
        work.connection.execute(delete(child.table).where(child.table.c.seq.not_in(select(table.c.seq))))
    return taken


def gone_objects(work: Publication, stage: Stage, gone: GoneStage) -> Select[Any]:
    """(key, row_id) of the published rows that are gone."""
    target = LOADED[stage.spec.name]
    key = target.c[stage.spec.key[0]]
    return select(key, target.c.row_id).where(target.c.source_id == work.source_id, key.in_(select(gone.key)))


def measure(work: Publication, stage: Stage, base: int, entry: TableResult, *, is_whole: bool) -> None:
    """After publishing: the rows that stand now, those held back, and the fingerprint, from the last one."""
    target = LOADED[stage.spec.name]
    mine = target.c.source_id == work.source_id
    entry.rows_published = count(work, select(func.count()).select_from(target).where(mine))
    held = (load_reject.c.run_id == work.run_id, load_reject.c.object == stage.spec.name)
    entry.rejected = count(work, select(func.count()).select_from(load_reject).where(*held))
    if is_whole:  # the stage is the table, with names that followed since it was judged
        entry.fingerprint = digits(stage.hash_sum)
        return
    last = _last_fingerprint(work, base, stage.spec.name)
    total = hashes(work.connection, select(target.c.row_hash).where(mine)) if last is None else last + entry.hash_change
    entry.fingerprint = digits(total)


def _last_fingerprint(work: Publication, base: int, name: str) -> int | None:
    """What the load `base` recorded for a table, as a number."""
    last = select(load_run_table.c.fingerprint).where(
        load_run_table.c.run_id == base, load_run_table.c.table_name == name
    )
    found = work.connection.scalar(last)
    return None if found is None else int(found, 16)


def carry_rejects(work: Publication, base: int, whole: frozenset[str], gone: Mapping[str, GoneStage]) -> None:
    """Records that the last load held back are held back still, where the increment does not name them.

    Those of links go with their owner, and are told anew where its links were read again. `gone`: by table.
    """
    known = load_reject.alias("known")
    again = exists().where(
        known.c.run_id == work.run_id,
        known.c.object == load_reject.c.object,
        known.c.object_key == load_reject.c.object_key,
    )
    settled = [
        _is_rejected_of(link, its)
        for link, owner in OWNERS.items()
        for its in (gone.get(link), gone.get(owner))
        if link in gone and its is not None and its.rows
    ]
    names = [column.name for column in load_reject.columns if column.name != "run_id"]
    kept = select(literal(work.run_id), *(load_reject.c[name] for name in names)).where(
        load_reject.c.run_id == base, ~again, load_reject.c.object.not_in(sorted(whole)), ~or_(false(), *settled)
    )
    work.connection.execute(insert(load_reject).from_select(["run_id", *names], kept))


def _is_rejected_of(link: str, gone: GoneStage) -> ColumnElement[bool]:
    """The rejected links of the owners that are gone, or whose links all are; never NULL.

    Such a record's key is the owner's, alone or with a blank and the other end behind.
    """
    its, rest = func.coalesce(load_reject.c.object_key, ""), gone.spec.key[1:]
    start = func.substring(its, 1, func.char_length(gone.key) + 1)
    # exact on both sides: SQL Server compares no two columns of different collations
    named = or_(exact_text(its) == exact_text(gone.key), exact_text(start) == exact_text(gone.key + " "))
    all_of_it = [gone.table.c[name].is_(None) for name in rest]
    return and_(load_reject.c.object == link, exists().where(named, *all_of_it))


# ---- links --------------------------------------------------------------------------------------------


def _named(gone: GoneStage, other: Table) -> ColumnElement[bool]:
    """What is gone names this link, or all of its owner."""
    owner, *rest = gone.spec.key
    single = and_(*(gone.table.c[name] == other.c[name] for name in rest))
    return and_(gone.key == other.c[owner], or_(gone.table.c[rest[0]].is_(None), single))


def _equal(one: Table, other: Table, names: Iterable[str]) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in names))


def settle_links(work: Publication, stage: Stage, gone: GoneStage) -> None:
    """Take out of a full read the links that it read once more later, because they changed meanwhile."""
    later = exists().where(_named(gone, stage.table), gone.table.c.seq > stage.table.c.seq)
    stage.hash_sum -= link_hashes(work.connection, stage.spec, stage.table, later)
    stage.rows -= run(work, delete(stage.table).where(later))


def publish_links(
    work: Publication,
    stage: Stage,
    gone: GoneStage,
    owners_gone: GoneStage | None,
    moves: Moves | None,
    base: int,
    result: TableResult,
) -> Table:
    """Bring one link table up to date; returns a temporary table of the owners that had a link come or go.

    `base`: the load that this one goes on from.
    """
    spec, target, staged = stage.spec, LOADED[stage.spec.name], stage.table
    key = spec.key
    mine = target.c.source_id == work.source_id
    if owners_gone is not None:
        every = select(owners_gone.table.c.seq, owners_gone.key)
        work.connection.execute(insert(gone.table).from_select(["seq", key[0]], every))
    make_index(work.connection, staged, *key)
    keep_statistics(work, staged, gone.table)
    result.duplicates = _last_of_each(work, staged, key)
    work.connection.execute(delete(staged).where(exists().where(_named(gone, staged), gone.table.c.seq > staged.c.seq)))
    leaving = temporary(
        work, f"leaving_{spec.name}", *(Column(name, staged.c[name].type, nullable=False) for name in key)
    )
    if moves is not None and not moves.is_empty():
        _follow(work, stage, gone, moves, leaving)
    keys = [target.c[name] for name in key]
    named = select(*keys).join_from(gone.table, target, and_(mine, _named(gone, target)))
    work.connection.execute(insert(leaving).from_select(list(key), named))
    others = [column.name for column in spec.columns if column.name not in key]
    work.connection.execute(delete(leaving).where(exists().where(_equal(leaving, staged, key))))
    if others:
        differing = (
            select(*keys)
            .join_from(staged, target, and_(mine, _equal(staged, target, key)))
            .where(other_values(staged, target, others))
        )
        work.connection.execute(insert(leaving).from_select(list(key), differing))
    make_index(work.connection, leaving, *key)
    keep_statistics(work, leaving, staged)
    result.deleted = retire(
        work,
        target,
        mine,
        target.c[key[1]].in_(select(leaving.c[key[1]])),
        exists().where(_equal(leaving, target, key)),
    )
    work.connection.execute(delete(staged).where(exists().where(mine, _equal(target, staged, key))))
    names = [column.name for column in spec.columns]
    extra = [literal(work.source_id), literal(work.run_id)]
    coming = select(*extra, *(staged.c[name] for name in names))
    result.inserted = run(work, insert(target).from_select(["source_id", "run_id", *names], coming))
    result.rows_published = count(work, select(func.count()).select_from(target).where(mine))
    result.fingerprint = digits(_links_after(work, stage, base))
    touched = temporary(work, f"touched_{spec.name}", sql_column("owner", "key", 128, nullable=False))
    for table in (leaving, staged):
        work.connection.execute(insert(touched).from_select(["owner"], select(table.c[key[0]]).distinct()))
    return touched


def _links_after(work: Publication, stage: Stage, base: int) -> int:
    """The sum of the link hashes that stand now: the last one, with what came (it is staged) and what left."""
    spec, past = stage.spec, HISTORY[stage.spec.name]
    last = _last_fingerprint(work, base, spec.name)
    if last is None:
        target = LOADED[spec.name]
        return link_hashes(work.connection, spec, target, target.c.source_id == work.source_id)
    left = link_hashes(work.connection, spec, past, past.c.to_run == work.run_id, past.c.source_id == work.source_id)
    return last + link_hashes(work.connection, spec, stage.table) - left


def _last_of_each(work: Publication, staged: Table, key: Sequence[str]) -> int:
    last = select(func.max(staged.c.seq)).group_by(*(staged.c[name] for name in key))
    return run(work, delete(staged).where(staged.c.seq.not_in(last)))


def _follow(work: Publication, stage: Stage, gone: GoneStage, moves: Moves, leaving: Table) -> None:
    """Links to objects that were renamed or are gone: the old ones leave, those under the new name are staged."""
    spec, target, staged, moved = stage.spec, LOADED[stage.spec.name], stage.table, moves.table
    owner, member = spec.key[0], spec.key[1]
    mine = target.c.source_id == work.source_id
    # read under the old name, which nobody has any more
    stale = select(moved.c.old_key).where(moved.c.is_taken == 0, moved.c.new_key.is_not(None))
    lost = exists().where(moved.c.old_key == staged.c[member], moved.c.new_key.is_(None), moves.is_stale(staged.c.seq))
    work.connection.execute(delete(staged).where(lost, staged.c[member].not_in(stale)))
    links = select(*(target.c[name] for name in spec.key)).join_from(
        moved, target, and_(mine, target.c[member] == moved.c.old_key)
    )
    if moves.kind == "ad":
        new = {
            name: select(func.max(moved.c[column])).where(moved.c.old_key == staged.c[member]).scalar_subquery()
            for name, column in (("member_dn", "new_name"), (member, "new_key"))
        }
        work.connection.execute(update(staged).where(staged.c[member].in_(stale)).values(new))
        _last_of_each(work, staged, spec.key)
        told = exists().where(
            gone.key == target.c[owner],
            or_(
                gone.table.c[member].is_(None),
                gone.table.c[member] == moved.c.old_key,
                gone.table.c[member] == moved.c.new_key,
            ),
        )
        other = staged.alias("other")
        read = exists().where(other.c[owner] == target.c[owner], other.c[member] == moved.c.new_key)
        coming = (
            select(literal(0), target.c[owner], moved.c.new_name, moved.c.new_key)
            .join_from(moved, target, and_(mine, target.c[member] == moved.c.old_key))
            .where(moved.c.new_key.is_not(None), ~told, ~read)
        )
        work.connection.execute(insert(staged).from_select(["seq", owner, "member_dn", member], coming))
    work.connection.execute(insert(leaving).from_select(list(spec.key), links))


def count_links(work: Publication, link: str, touched: Table, stage: Stage | None, known: Sequence[object]) -> None:
    """Write the number of links into the column that counts them, for each owner that is new or had one come or go.

    `stage`: the owners' stage, after it was published. `known`: owners whose number the source itself said; NULL is
    that their links cannot be read.
    """
    name = OWNERS[link]
    counting = next((column.name for column in TABLES[name].columns if column.counts == link), None)
    if counting is None:
        return
    owner, target = LOADED[name], LOADED[link]
    key = owner.c[TABLES[name].key[0]]
    if stage is not None:
        staged = and_(owner.c.source_id == work.source_id, key == stage.key, owner.c[counting].is_(None))
        fresh = select(key).join_from(stage.table, owner, staged).where(owner.c.run_id == work.run_id)
        fresh = fresh.where(~_stood_before(work, owner, key))
        work.connection.execute(insert(touched).from_select(["owner"], fresh))
    for some in chunks(known):
        work.connection.execute(delete(touched).where(touched.c.owner.in_(some)))
    links = (
        select(func.count())
        .select_from(target)
        .where(target.c.source_id == work.source_id, target.c[TABLES[link].key[0]] == key)
        .scalar_subquery()
    )
    work.connection.execute(
        update(owner)
        .where(owner.c.source_id == work.source_id, key.in_(select(touched.c.owner)))
        .values({counting: links})
    )


def _stood_before(work: Publication, owner: Table, key: Column[Any]) -> ColumnElement[bool]:
    past = HISTORY[owner.name]
    return exists().where(past.c.source_id == work.source_id, past.c[key.name] == key, past.c.to_run == work.run_id)
