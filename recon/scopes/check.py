"""Scopes held against each other and against the loaded workers: who is in one, in two, in none, and why not."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from recon.backfill_config import Group, Scope
from recon.scope_language import EQUALS, NOT_EQUALS, holds
from recon.scopes.algebra import Relation, bare, relate
from recon.scopes.compiled import MOST_VALUES, Compiler, TooManyValuesError
from recon.scopes.judge import group_holds, text_of
from recon.scopes.workers import check_scopes, read_workers
from recon.store.tables import LOADED, source


@dataclass(frozen=True, slots=True)
class NullGap:
    """Workers that a scope does not select for nothing but missing values in these columns."""

    scope: str
    columns: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class NearLiteral:
    """A literal of a scope, and a value of the data that differs from it only in case or blanks."""

    scope: str
    column: str
    literal: str
    value: str
    people: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scopes by logic and by data. `rivals`: they must not share anybody."""

    first: str
    second: str
    relation: Relation
    people: int
    rivals: bool


@dataclass(frozen=True)
class ScopeCheck:
    """What a check found. `selected`: scope to people; `in_several`: people whom rival scopes select twice."""

    people: int
    selected: Mapping[str, int]
    in_several: int
    in_none: int
    pairs: tuple[Pair, ...]
    gaps: tuple[NullGap, ...]
    near: tuple[NearLiteral, ...]
    by_sql: bool

    @property
    def has_findings(self) -> bool:
        """True when somebody is, or by logic can be, in two rival scopes, or a literal is likely mistyped."""
        overlaps = any(pair.rivals and (pair.relation.verdict == "overlap" or pair.people) for pair in self.pairs)
        return overlaps or bool(self.near)


def worker_sources(connection: Connection) -> list[int]:
    """The ids of all HR sources."""
    return list(connection.scalars(select(source.c.source_id).where(source.c.kind == "workers")))


def check(connection: Connection, scopes: Mapping[str, Scope], *, most_values: int = MOST_VALUES) -> ScopeCheck:
    """Hold the scopes against each other and the data. Raises ConfigError when one names an unknown column.

    `most_values`: how many values of a pattern a statement may list, before workers are counted one by one.
    """
    ids = worker_sources(connection)
    own, headers = check_scopes(connection, ids, scopes)
    compiler = Compiler(connection, ids, most_values)
    try:
        tally, gaps = _by_sql(compiler, connection, ids, scopes), _gaps_by_sql(compiler, connection, ids, scopes)
        by_sql = True
    except TooManyValuesError:
        tally, gaps = _by_python(connection, ids, scopes, (own, headers))
        by_sql = False
    names = list(scopes)
    rivals = [place for place, name in enumerate(names) if not scopes[name].may_overlap]
    return ScopeCheck(
        people=tally.total(),
        selected={name: sum(count for key, count in tally.items() if key[place]) for place, name in enumerate(names)},
        in_several=sum(count for key, count in tally.items() if sum(key[place] for place in rivals) > 1),
        in_none=sum(count for key, count in tally.items() if not any(key)),
        pairs=tuple(_pairs(scopes, tally)),
        gaps=tuple(NullGap(name, columns, count) for (name, columns), count in sorted(gaps.items())),
        near=tuple(_near(compiler, scopes)),
        by_sql=by_sql,
    )


Tally = Counter[tuple[bool, ...]]  # which scopes select a worker, to how many workers are so
Gaps = Counter[tuple[str, tuple[str, ...]]]


def _pairs(scopes: Mapping[str, Scope], tally: Tally) -> Iterator[Pair]:
    for (one, first), (two, second) in combinations(enumerate(scopes), 2):
        yield Pair(
            first,
            second,
            relate(scopes[first].expanded, scopes[second].expanded),
            sum(count for key, count in tally.items() if key[one] and key[two]),
            not (scopes[first].may_overlap or scopes[second].may_overlap),
        )


def _by_sql(compiler: Compiler, connection: Connection, ids: list[int], scopes: Mapping[str, Scope]) -> Tally:
    worker = LOADED["worker"]
    flags = [case((compiler.scope(scope), 1), else_=0).label(f"scope_{n}") for n, scope in enumerate(scopes.values())]
    each = select(*flags).where(worker.c.source_id.in_(ids)).subquery()
    rows = connection.execute(select(*each.c, func.count()).group_by(*each.c))
    return Counter({tuple(bool(flag) for flag in row[:-1]): row[-1] for row in rows})


def _gaps_by_sql(compiler: Compiler, connection: Connection, ids: list[int], scopes: Mapping[str, Scope]) -> Gaps:
    """Groups that hold but for missing values, among those whom the whole scope does not select."""
    worker = LOADED["worker"]
    found: Gaps = Counter()
    for name, scope in scopes.items():
        columns = _gap_columns(scope)
        if not columns:
            continue
        almost = or_(
            *(
                and_(*(or_(compiler.clause(clause), compiler.is_null(clause.column)) for clause in group))
                for group in scope.expanded
            )
        )
        missing: list[ColumnElement[Any]] = [
            case((compiler.is_null(column), 1), else_=0).label(f"c{place}") for place, column in enumerate(columns)
        ]
        each = select(*missing).where(worker.c.source_id.in_(ids), almost, ~compiler.scope(scope)).subquery()
        for row in connection.execute(select(*each.c, func.count()).group_by(*each.c)):
            empty = tuple(column for column, flag in zip(columns, row[:-1], strict=True) if flag)
            found[name, empty] += row[-1]
    return found


def _gap_columns(scope: Scope) -> list[str]:
    return list(dict.fromkeys(clause.column for group in scope.expanded for clause in group if clause.op != "IS NULL"))


def _almost(group: Group, row: Mapping[str, Any]) -> bool:
    return all(
        (value := text_of(row.get(clause.column))) is None or holds(clause.op, clause.value, value) for clause in group
    )


def _by_python(
    connection: Connection,
    ids: Sequence[int],
    scopes: Mapping[str, Scope],
    columns: tuple[Collection[str], Collection[str]],
) -> tuple[Tally, Gaps]:
    """The same two counts, worker by worker."""
    groups = {name: scope.expanded for name, scope in scopes.items()}
    watched = {name: _gap_columns(scope) for name, scope in scopes.items()}
    tally: Tally = Counter()
    gaps: Gaps = Counter()
    for source_id in ids:
        for rows in read_workers(connection, source_id, columns[0], columns[1]):
            for row in rows:
                key = tuple(any(group_holds(group, row) for group in its) for its in groups.values())
                tally[key] += 1
                for (name, its), is_in in zip(groups.items(), key, strict=True):
                    if not is_in and any(_almost(group, row) for group in its):
                        empty = tuple(column for column in watched[name] if text_of(row.get(column)) is None)
                        gaps[name, empty] += 1
    return tally, gaps


def _near(compiler: Compiler, scopes: Mapping[str, Scope]) -> Iterator[NearLiteral]:
    for name, scope in scopes.items():
        literals = dict.fromkeys(
            (clause.column, clause.value)
            for group in scope.expanded
            for clause in group
            if clause.op in (EQUALS, NOT_EQUALS) and clause.value is not None
        )
        own: dict[str, set[str]] = {}
        for column, literal in literals:
            own.setdefault(column, set()).add(literal)
        for column, literal in literals:
            for value, people in sorted(compiler.values(column).items()):
                if value not in own[column] and bare(value) == bare(literal):
                    yield NearLiteral(name, column, literal, value, people)


def people(
    connection: Connection, scopes: Mapping[str, Scope]
) -> Iterator[tuple[str | None, str | None, str | None, tuple[str, ...]]]:
    """Every worker in no scope, or in several that must not share him: worker id, employee id, name, the scopes."""
    ids = worker_sources(connection)
    own, headers = check_scopes(connection, ids, scopes)
    names = ["worker_id", "employee_id", "display_name", *own]
    groups = {name: scope.expanded for name, scope in scopes.items()}
    for source_id in ids:
        for rows in read_workers(connection, source_id, names, headers):
            for row in rows:
                found = tuple(name for name, its in groups.items() if any(group_holds(group, row) for group in its))
                if not found or sum(not scopes[name].may_overlap for name in found) > 1:
                    yield row["worker_id"], row["employee_id"], row["display_name"], found
