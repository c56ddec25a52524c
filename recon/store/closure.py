"""Who is a member through nested groups: `ad_member_closure` and `entra_member_closure`, filled by a refresh.

One row per group and member, direct or nested, with the fewest steps between them (1: direct). SQL files know no
recursion, so the nesting is followed here, set by set inside the database: the pairs of groups first, each round from
the pairs of the last one, until a round finds none; then their members in one statement. A cycle ends by itself, since
no pair is found twice; a group of a cycle is a member of itself. A member of another forest, which its group calls by
SID (CN=S-1-5-21-…,CN=ForeignSecurityPrincipals), stands under its own name where that forest is loaded. Nothing is done
while the memberships are those of the last time. An AD user's primary group does not stand in `member`: it is no row
here (see privileged_account).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import InitVar, dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
)

from recon.decode.times import utc_now_text
from recon.store.rows import chunks
from recon.store.tables import LOADED, load_run, load_run_table, metadata, sql_column

_MEMBER_KEYS = {"ad_member": ("guid", "member_key", 850), "entra_member": ("id", "member_id", 36)}


def _closure_table(name: str, grain: str, *further: Column[Any]) -> Table:
    group, member, size = _MEMBER_KEYS[name.removesuffix("_closure")]
    return Table(
        name,
        metadata,
        Column("source_id", Integer, nullable=False),
        sql_column(group, "key", 36, nullable=False),
        sql_column(member, "key", size, nullable=False),
        *further,
        Column("depth", Integer, nullable=False),
        Index(f"{name}_{group}", group, "source_id"),
        Index(f"{name}_{member}", member, *(["source_id"] if size <= 450 else [])),
        comment=f"{grain} depth: 1 is direct, the fewest steps otherwise. Filled by a refresh.",
    )


ad_member_closure = _closure_table(
    "ad_member_closure", "One row per AD group and member, direct or through nested groups, of whatever domain."
)
entra_member_closure = _closure_table(
    "entra_member_closure",
    "One row per Entra group and member, direct or through nested groups.",
    sql_column("member_type", "text", 64),
)
closure_state = Table(
    "closure_state",
    metadata,
    sql_column("table_name", "key", 64, primary_key=True),
    sql_column("made_of", "text", nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("max_depth", Integer, nullable=False),
    Column("is_complete", Integer, nullable=False),
    sql_column("made_at", "time", nullable=False),
    comment="One row per closure: what it was made of, how deep it goes, and whether a limit cut it (is_complete 0).",
)


@dataclass(frozen=True, slots=True)
class Closure:
    """What one closure holds. `is_made`: made now, not kept from the last refresh."""

    table: str
    rows: int
    depth: int
    is_complete: bool
    is_made: bool


@dataclass
class _Side:
    objects: InitVar[str]  # ad or entra
    group: str  # column that names the group, in links, groups and closure
    member: str  # column that names the member, in links and closure
    group_as_member: str  # column of groups that a member is compared with
    same_source: bool  # a member is looked for in the group's own source only
    closure: Table = field(init=False)
    links: Table = field(init=False)
    groups: Table = field(init=False)

    def __post_init__(self, objects: str) -> None:
        self.closure = metadata.tables[f"{objects}_member_closure"]
        self.links, self.groups = LOADED[f"{objects}_member"], LOADED[f"{objects}_group"]


_SIDES = (
    _Side("ad", "guid", "member_key", "dn_key", same_source=False),
    _Side("entra", "id", "member_id", "id", same_source=True),
)


def fill_closures(connection: Connection, max_rows: int, max_depth: int) -> list[Closure]:
    """Make the closures whose memberships changed, inside the caller's transaction.

    A closure of more than `max_rows` rows, or deeper than `max_depth`, is cut at the depth that fits: every row is
    right, deeper memberships are missing, and closure_state says so.
    """
    return [_fill(connection, side, max_rows, max_depth) for side in _SIDES]


def cut_closures(connection: Connection) -> list[tuple[str, int]]:
    """The closures that a limit has cut, each with the number of steps up to which it is complete."""
    state = closure_state.c
    wanted = select(state.table_name, state.max_depth).where(state.is_complete == 0).order_by(state.table_name)
    return [(name, depth) for name, depth in connection.execute(wanted)]


def _foreign_names(connection: Connection, side: _Side) -> dict[str, str]:
    """Members that are called by SID, by the name there: the name of the one loaded object that has the SID."""
    if side.member != "member_key":
        return {}
    name = side.links.c.member_key
    wanted = select(name).where(name > "cn=s-1-5-21-", name < "cn=s-1-5-21.").distinct()  # "." comes behind "-"
    keys = [key for key in connection.scalars(wanted) if ",cn=foreignsecurityprincipals," in key]
    sids = {key: key[3:].partition(",")[0].upper() for key in keys}
    found: dict[str, set[str]] = {}
    for table in (LOADED["ad_user"], LOADED["ad_group"], LOADED["ad_computer"]):
        for some in chunks(sorted(set(sids.values()))):
            for sid, key in connection.execute(select(table.c.sid, table.c.dn_key).where(table.c.sid.in_(some))):
                found.setdefault(sid, set()).add(key)
    # an object that moves stands in two sources until both are loaded: then it is not known by which name
    own = {sid: key for sid, (key, *more) in found.items() if key is not None and not more}
    return {key: own[sid] for key, sid in sorted(sids.items()) if sid in own}


def _made_of(connection: Connection, side: _Side, foreign: Mapping[str, str], limits: str) -> str:
    """The last load of each source that changed groups or members, and how many there are."""
    touched = (
        select(load_run.c.source_id, func.max(load_run.c.run_id))
        .join_from(load_run, load_run_table, load_run.c.run_id == load_run_table.c.run_id)
        .where(
            load_run.c.status == "published",
            load_run_table.c.table_name.in_((side.links.name, side.groups.name)),
            func.coalesce(load_run_table.c.inserted, 0)
            + func.coalesce(load_run_table.c.changed, 0)
            + func.coalesce(load_run_table.c.deleted, 0)
            > 0,
        )
        .group_by(load_run.c.source_id)
        .order_by(load_run.c.source_id)
    )
    loads = [f"source {source_id} load {run_id}" for source_id, run_id in connection.execute(touched)]
    counts = [
        f"{connection.scalar(select(func.count()).select_from(table)) or 0} {table.name}"
        for table in (side.groups, side.links)
    ]
    names = hashlib.sha256(repr(sorted(foreign.items())).encode()).hexdigest()[:16]
    return ", ".join((*loads, *counts, *([f"foreign members {names}"] if foreign else []), limits))


def _fill(connection: Connection, side: _Side, max_rows: int, max_depth: int) -> Closure:
    name = side.closure.name
    foreign = _foreign_names(connection, side)
    made_of = _made_of(connection, side, foreign, f"at most {max_rows} rows and {max_depth} steps")
    known = connection.execute(select(closure_state).where(closure_state.c.table_name == name)).first()
    if known is not None and known.made_of == made_of:
        return Closure(name, known.row_count, known.max_depth, bool(known.is_complete), is_made=False)
    work = _Work(connection, side)
    with _without_indexes(connection, side.closure):
        connection.execute(delete(side.closure))
        work.number_links(foreign)
        work.find_edges()
        rounds, is_whole = work.follow(max_rows, max_depth)
        deepest = work.deepest(rounds, max_rows)
        work.write_members(deepest)
    work.close()
    is_complete = is_whole and deepest == rounds
    rows = _count(connection, side.closure)
    depth = int(connection.scalar(select(func.max(side.closure.c.depth))) or 0)
    connection.execute(delete(closure_state).where(closure_state.c.table_name == name))
    connection.execute(
        insert(closure_state).values(
            table_name=name,
            made_of=made_of,
            row_count=rows,
            max_depth=depth,
            is_complete=int(is_complete),
            made_at=utc_now_text(),
        )
    )
    return Closure(name, rows, depth, is_complete, is_made=True)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


@contextmanager
def _without_indexes(connection: Connection, closure: Table) -> Iterator[None]:
    """An embedded database builds the indexes afterwards, sorted; on a server a loader may not drop them."""
    indexes = closure.indexes if connection.dialect.name == "sqlite" else ()
    for index in indexes:
        index.drop(connection, checkfirst=True)
    yield
    for index in indexes:
        index.create(connection)
    if connection.dialect.name != "mssql":  # keeps its statistics by itself
        connection.exec_driver_sql(f"analyze {closure.name}")


class _Work:
    """The temporary tables of one closure. Long names become numbers first: they are repeated millions of times."""

    def __init__(self, connection: Connection, side: _Side) -> None:
        self._connection, self._side = connection, side
        name = side.closure.name.removesuffix("_member_closure")
        further = [sql_column("kind", "text", 64)] if "member_type" in side.closure.c else []
        key = side.closure.c[side.member].type
        self.member = self._make(f"{name}_member_number", ("number",), Column("name", key, nullable=False), *further)
        Index(f"{name}_member_name", self.member.c.name).create(connection)
        self.foreign = self._make(
            f"{name}_foreign", (), *(Column(each, key, nullable=False) for each in ("name", "own"))
        )
        self.link = self._make(f"{name}_link_number", ("group_id", "number"))
        self.edge = self._make(f"{name}_edge", ("parent", "child"))
        depth = Column("depth", Integer, nullable=False)
        self.reach = self._make(f"{name}_reach", ("top", "nested"), depth)
        Index(f"{name}_reach_depth", self.reach.c.depth).create(connection)

    def _make(self, name: str, keys: tuple[str, ...], *further: Column[Any]) -> Table:
        prefixes, mark = ([], "#") if self._connection.dialect.name == "mssql" else (["TEMPORARY"], "")
        columns = [Column(key, Integer, primary_key=True, autoincrement=False) for key in keys]
        table = Table(f"{mark}{name}", MetaData(), *columns, *further, prefixes=prefixes)
        table.create(self._connection)
        return table

    def _fill(self, table: Table, names: Sequence[str], rows: Select[Any]) -> None:
        self._connection.execute(insert(table).from_select(names, rows))
        if self._connection.dialect.name == "postgresql":  # nobody else ever analyzes a temporary table
            self._connection.exec_driver_sql(f"analyze {table.name}")

    def close(self) -> None:
        """Drop the temporary tables."""
        for table in (self.member, self.foreign, self.link, self.edge, self.reach):
            table.drop(self._connection)

    def number_links(self, foreign: Mapping[str, str]) -> None:
        """(row id of the group, number of the member) for every link of a loaded group. `foreign`: other names."""
        side, link, group = self._side, self._side.links, self._side.groups
        name: ColumnElement[Any] = link.c[side.member]
        links: FromClause = link
        if foreign:
            rows = [{"name": key, "own": own} for key, own in foreign.items()]
            self._connection.execute(insert(self.foreign), rows)
            links = link.outerjoin(self.foreign, self.foreign.c.name == name)
            name = func.coalesce(self.foreign.c.own, name)
        further = [func.min(link.c.member_type)] if "kind" in self.member.c else []
        number = func.row_number().over(order_by=name)
        self._fill(
            self.member,
            ["number", "name", *(["kind"] if further else [])],
            select(number, name, *further).select_from(links).group_by(name),
        )
        of_group = and_(group.c[side.group] == link.c[side.group], group.c.source_id == link.c.source_id)
        numbered = select(group.c.row_id, self.member.c.number).select_from(
            links.join(group, of_group).join(self.member, self.member.c.name == name)
        )
        self._fill(self.link, ["group_id", "number"], numbered.distinct() if foreign else numbered)

    def find_edges(self) -> None:
        """The links of groups in groups, by their row ids; a group that contains itself directly needs none."""
        side, parent, child = self._side, self._side.groups.alias("parent"), self._side.groups.alias("child")
        found = (
            select(self.link.c.group_id, child.c.row_id)
            .join_from(child, self.member, self.member.c.name == child.c[side.group_as_member])
            .join(self.link, self.link.c.number == self.member.c.number)
            .where(self.link.c.group_id != child.c.row_id)
            .distinct()
        )
        if side.same_source:
            found = found.join(parent, parent.c.row_id == self.link.c.group_id).where(
                parent.c.source_id == child.c.source_id
            )
        self._fill(self.edge, ["parent", "child"], found)

    def follow(self, max_rows: int, max_depth: int) -> tuple[int, bool]:
        """Pairs of groups with the steps between them, 0 for itself; (rounds that found some, was the end reached)."""
        group, edge, reach, names = self._side.groups, self.edge, self.reach, ["top", "nested", "depth"]
        self._fill(reach, names, select(group.c.row_id, group.c.row_id, literal(0)))
        known = _count(self._connection, reach)
        before = reach.alias("before")
        seen = exists().where(before.c.top == reach.c.top, before.c.nested == edge.c.child)
        for depth in range(1, max_depth + 1):
            found = (
                select(reach.c.top, edge.c.child, literal(depth))
                .join_from(reach, edge, edge.c.parent == reach.c.nested)
                .where(reach.c.depth == depth - 1, ~seen)
                .distinct()
            )
            if depth == max_depth:
                return depth - 1, self._connection.execute(found.limit(1)).first() is None
            self._fill(reach, names, found)
            now = _count(self._connection, reach)
            if now == known:
                return depth - 1, True
            if now > max_rows:
                return depth, False
            known = now
        return 0, False

    def deepest(self, rounds: int, max_rows: int) -> int:
        """The deepest round whose members, counted before doubles are taken out, fit the limit; at least the direct."""
        sizes = (
            select(self.link.c.group_id, func.count().label("members")).group_by(self.link.c.group_id).subquery("sizes")
        )
        by_depth = (
            # SQL Server's sum of int is an int
            select(self.reach.c.depth, func.sum(cast(sizes.c.members, BigInteger)))
            .join_from(self.reach, sizes, sizes.c.group_id == self.reach.c.nested)
            .group_by(self.reach.c.depth)
            .order_by(self.reach.c.depth)
        )
        total = 0
        for depth, members in self._connection.execute(by_depth).all():
            total += int(members)
            if total > max_rows and depth > 0:
                return int(depth) - 1
        return rounds

    def write_members(self, deepest: int) -> None:
        """The closure's rows, names put back."""
        side, group, reach = self._side, self._side.groups, self.reach
        nearest = (
            select(reach.c.top, self.link.c.number, (func.min(reach.c.depth) + 1).label("depth"))
            .join_from(reach, self.link, self.link.c.group_id == reach.c.nested)
            .where(reach.c.depth <= deepest)
            .group_by(reach.c.top, self.link.c.number)
            .subquery("nearest")
        )
        further = {"member_type": self.member.c.kind} if "kind" in self.member.c else {}
        rows = (
            select(group.c.source_id, group.c[side.group], self.member.c.name, *further.values(), nearest.c.depth)
            .join_from(nearest, group, group.c.row_id == nearest.c.top)
            .join(self.member, self.member.c.number == nearest.c.number)
        )
        names = ["source_id", side.group, side.member, *further, "depth"]
        self._connection.execute(insert(side.closure).from_select(names, rows))
