"""Following names: what a renamed, moved or deleted object changes in objects that an increment does not name.

Active Directory keeps links by object and shows them by name. A new name of a user stands at once in `member` of
every group and in `manager` of others, and a deletion takes it away, without their uSNChanged moving ([MS-ADTS]
3.1.1.1.6). Entra's members are ids: only a deletion takes them away.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    SmallInteger,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    update,
)

from recon.objects import TABLES, Row
from recon.store.exact import exact
from recon.store.publish import Publication, count, temporary
from recon.store.rows import chunks, current_rows, staged_rows
from recon.store.stage import GoneStage, Stage, make_index
from recon.store.tables import LOADED, sql_column

# object table: the column with another object's name, and its key
NAMED = {
    "ad_user": ("manager", "manager_key"),
    "ad_group": ("managedby", "managedby_key"),
    "ad_computer": ("managedby", "managedby_key"),
}
# link table: the tables whose keys its members are; Active Directory's members are names of any object
MEMBERS: dict[str, tuple[str, ...]] = {
    "ad_member": ("ad_user", "ad_group", "ad_computer", "ad_contact"),
    "entra_member": ("entra_user", "entra_group"),
    "entra_group_owner": ("entra_user",),
    "entra_role_member": ("entra_user", "entra_group"),
}


class Moves:
    """Temporary table `moved`: the old key of each object that has another name now, or none, and the new one.

    `is_taken`: another object has the old name now, so that what was read under that name means the other one.
    `gone_seq`: where the increment said that the object is gone; a name read after that is one that was read again (an
    object that left the bases or the kinds that are read, and still exists).
    """

    def __init__(self, work: Publication, kind: str) -> None:
        self._work = work
        self.kind = kind
        self.table: Table = temporary(
            work,
            f"moved_{kind}",
            sql_column("old_key", "key", 850, nullable=False),
            sql_column("new_name", "text"),
            sql_column("new_key", "key", 850),
            Column("is_taken", SmallInteger, nullable=False),
            Column("gone_seq", Integer, nullable=False),
        )

    def is_stale(self, seq: ColumnElement[int]) -> ColumnElement[bool]:
        """An old name in a row staged under this number means the object that had it, which nobody else has now."""
        moved = self.table
        known = true() if self.kind == "entra" else or_(moved.c.new_name.is_not(None), moved.c.gone_seq > seq)
        return and_(moved.c.is_taken == 0, known)

    def is_empty(self) -> bool:
        """True when no object was renamed or went away."""
        return not count(self._work, select(func.count()).select_from(self.table))


def find_moves(
    work: Publication, stages: Mapping[str, Stage], gone: Mapping[str, GoneStage], whole: frozenset[str]
) -> Moves | None:
    """The names that changed, from settled stages; None where the source has nothing that others name."""
    names = [name for name, stage in stages.items() if stage.spec.kind == "object" and name in _all_members()]
    if not names:
        return None
    is_ad = names[0].startswith("ad_")
    moves = Moves(work, "ad" if is_ad else "entra")
    for name in names:
        target, stage = LOADED[name], stages[name]
        key = target.c[stage.spec.key[0]]
        mine = target.c.source_id == work.source_id
        old = target.c.dn_key if is_ad else key
        left = select(old, null(), null(), literal(0))
        if name in whole:
            left = left.add_columns(literal(0)).select_from(target)
        else:
            its = gone[name]
            last = select(its.key.label("key"), func.max(its.table.c.seq).label("seq")).group_by(its.key).subquery()
            left = left.add_columns(last.c.seq).join_from(last, target, key == last.c.key)
        left = left.where(mine, old.is_not(None), ~exists().where(stage.key == key))
        work.connection.execute(insert(moves.table).from_select(_NAMES, left))
        if is_ad:
            staged = stage.table
            renamed = (
                select(old, staged.c.distinguishedname, staged.c.dn_key, literal(0), literal(0))
                .join_from(staged, target, and_(key == stage.key, mine))
                .where(old.is_not(None), exact(target.c.distinguishedname) != exact(staged.c.distinguishedname))
            )
            work.connection.execute(insert(moves.table).from_select(_NAMES, renamed))
    make_index(work.connection, moves.table, "old_key")
    if is_ad:
        for name in names:
            taken = select(stages[name].table.c.dn_key).where(stages[name].table.c.dn_key.is_not(None))
            work.connection.execute(update(moves.table).where(moves.table.c.old_key.in_(taken)).values(is_taken=1))
    return moves


_NAMES = ["old_key", "new_name", "new_key", "is_taken", "gone_seq"]


def _all_members() -> frozenset[str]:
    return frozenset(name for names in MEMBERS.values() for name in names)


def renamed_rows(
    work: Publication,
    moves: Moves,
    stage: Stage,
    children: Sequence[Stage],
    gone: GoneStage,
    *,
    is_whole: bool,
) -> tuple[list[int], list[Row]]:
    """Rows of one table that name an object by its old name, with the new one: (staged ones to drop, rows to stage)."""
    if moves.kind != "ad" or stage.spec.name not in NAMED:
        return [], []
    _, key_column = NAMED[stage.spec.name]
    moved = moves.table
    stale = select(stage.key).join(
        moved, and_(moved.c.old_key == stage.table.c[key_column], moves.is_stale(stage.table.c.seq))
    )
    keys = list(work.connection.execute(stale).scalars())
    versions = staged_rows(work.connection, stage, children, keys)
    drop = [seq for found in versions.values() for seq, _ in found]
    rows = [row for found in versions.values() for _, row in found]
    if not is_whole:
        target = LOADED[stage.spec.name]
        own = target.c[stage.spec.key[0]]
        standing = (
            select(own)
            .join_from(
                moved, target, and_(moved.c.old_key == target.c[key_column], target.c.source_id == work.source_id)
            )
            .where(~exists().where(stage.key == own), ~exists().where(gone.key == own))
        )
        keys = list(work.connection.execute(standing).scalars())
        own_values = dict.fromkeys(children, keys)
        rows += current_rows(work.connection, stage, work.source_id, keys, own_values).values()
    return drop, _with_new_names(work, moves, rows)


def _with_new_names(work: Publication, moves: Moves, rows: list[Row]) -> list[Row]:
    if not rows:
        return []
    column, key_column = NAMED[rows[0].table]
    position = TABLES[rows[0].table].position
    place, key_place = position[column], position[key_column]
    moved = moves.table
    new: dict[object, tuple[str | None, str | None]] = {}
    for some in chunks(sorted({str(row.values[key_place]) for row in rows})):
        found = select(moved.c.old_key, moved.c.new_name, moved.c.new_key).where(moved.c.old_key.in_(some))
        new |= {old: (name, key) for old, name, key in work.connection.execute(found)}
    done = []
    for row in rows:
        values = list(row.values)
        values[place], values[key_place] = new[values[key_place]]
        done.append(row._replace(values=tuple(values)))
    return done
