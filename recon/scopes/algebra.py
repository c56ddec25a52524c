"""What two scopes have in common by logic alone: disjoint, overlap with a witness, or unknown.

Two groups can select one worker unless, for some column, their joined clauses hold for no single value. Columns are
independent, so a value for each column is a worker that both select: the witness. What cannot be decided is `unknown`,
which never counts as safe: then the data must tell. Clauses may come from an exported schema, with operators that
nobody knows. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Literal, Protocol

from recon.decode.keys import fold
from recon.scope_language import (
    BINARY,
    ENDS_WITH,
    EQUALS,
    FALSE_TEXTS,
    GREATER,
    GREATER_OR_EQUAL,
    INCLUDES,
    IS_FALSE,
    IS_NULL,
    IS_TRUE,
    NOT_EQUALS,
    NOT_REGEX,
    REGEX,
    TRUE_TEXTS,
    UNARY,
    holds,
    number,
    pattern,
)

Verdict = Literal["disjoint", "overlap", "unknown"]
_FRESH = "~any other value~"
_LIST = re.compile(r"\^(?:\(\?:|\()?((?:[\w @/,&'-]+\|?)+)\)?\$")
_MOST = 4096  # candidates for one column


class Condition(Protocol):
    """One clause, of a scope of ours or of an exported filter."""

    @property
    def column(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def value(self) -> str | None: ...


Groups = Sequence[Sequence[Condition]]


@dataclass(frozen=True, slots=True)
class Relation:
    """What two scopes have in common. `witness`: column to a value (None is null) that both select."""

    verdict: Verdict
    witness: Mapping[str, str | None] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()  # columns that could not be decided
    near: tuple[tuple[str, str, str], ...] = ()  # column and two literals that differ only in case or blanks


def relate(first: Groups, second: Groups) -> Relation:
    """Compare two scopes; no group at all selects everybody."""
    left, right = list(first) or [()], list(second) or [()]
    near = _near_literals([*left, *right])
    doubts: dict[str, None] = {}
    for ours, theirs in product(left, right):
        verdict, witness, columns = _pair([*ours, *theirs])
        if verdict == "overlap":
            return Relation("overlap", witness, near=near)
        doubts.update(dict.fromkeys(columns))
    return Relation("unknown" if doubts else "disjoint", doubts=tuple(doubts), near=near)


def _pair(clauses: Sequence[Condition]) -> tuple[Verdict, dict[str, str | None], list[str]]:
    witness: dict[str, str | None] = {}
    doubts = []
    for column in dict.fromkeys(clause.column for clause in clauses):
        verdict, value = decide([clause for clause in clauses if clause.column == column])
        if verdict == "disjoint":
            return "disjoint", {}, []
        if verdict == "unknown":
            doubts.append(column)
        else:
            witness[column] = value
    return ("unknown", {}, doubts) if doubts else ("overlap", witness, [])


def decide(clauses: Sequence[Condition]) -> tuple[Verdict, str | None]:
    """Whether clauses on one column can hold together: overlap with a value, disjoint, or unknown."""
    if any(not _is_known(clause) for clause in clauses):
        return "unknown", None
    loosely = False
    for value in _candidates(clauses):
        if all(holds(clause.op, clause.value, value) for clause in clauses):
            return "overlap", value
        loosely = loosely or all(_holds_loosely(clause, value) for clause in clauses)
    if loosely:  # the case rule of ENDS_WITH is not documented
        return "unknown", None
    return ("disjoint" if _is_exhausted(clauses) else "unknown"), None


def _is_known(clause: Condition) -> bool:
    if clause.op not in (*UNARY, *BINARY) or (clause.op in UNARY) != (clause.value is None):
        return False
    if clause.op in (REGEX, NOT_REGEX):
        try:
            pattern(clause.value or "")
        except ValueError:
            return False
    if clause.op in (GREATER, GREATER_OR_EQUAL):
        return number(clause.value or "") is not None
    return True


def _holds_loosely(clause: Condition, value: str | None) -> bool:
    if clause.op == ENDS_WITH and value is not None and clause.value is not None:
        return value.casefold().endswith(clause.value.casefold())
    return holds(clause.op, clause.value, value)


def _listed(clause: Condition) -> list[str] | None:
    """The values of a pattern that is a plain list, ^(one|two)$; None for any other clause."""
    found = _LIST.fullmatch(clause.value or "") if clause.op == REGEX else None
    if found is None:
        return None
    values = found[1].split("|")
    # alternation binds weaker than the anchors: ^one|two$ is no list
    return values if len(values) == 1 or "(" in (clause.value or "") else None


def _candidates(clauses: Sequence[Condition]) -> Iterable[str | None]:
    texts: dict[str | None, None] = {None: None, _FRESH: None}
    literals = [clause.value for clause in clauses if clause.value is not None]
    listed = [value for clause in clauses for value in _listed(clause) or ()]
    if any(clause.op in (IS_TRUE, IS_FALSE) for clause in clauses):
        for word in (*TRUE_TEXTS, *FALSE_TEXTS):
            texts.update(
                dict.fromkeys("".join(letters) for letters in product(*({c.lower(), c.upper()} for c in word)))
            )
    for literal in [*literals, *listed]:
        texts.update(dict.fromkeys((literal, f"{literal}{_FRESH}", f"{_FRESH}{literal}")))
        if (count := number(literal)) is not None:
            texts.update(dict.fromkeys(str(each) for each in range(max(0, count - 1), count + 3)))
    parts = [clause.value for clause in clauses if clause.op in (INCLUDES, ENDS_WITH) and clause.value is not None]
    for one, two in combinations(parts, 2):
        texts.update(dict.fromkeys((one + two, two + one)))
    # as many values that no NOT EQUALS names as there may be
    texts.update(dict.fromkeys(str(each) for each in range(10)))
    return list(texts)[:_MOST]


def _is_exhausted(clauses: Sequence[Condition]) -> bool:
    """True when the candidates were all that could hold: the clauses name their values, or only exclude some."""
    ops = {clause.op for clause in clauses}
    if ops & {EQUALS, IS_NULL} or any(_listed(clause) is not None for clause in clauses):
        return True
    if ops <= {NOT_EQUALS, *UNARY}:
        return True
    patterns = {clause.value for clause in clauses if clause.op == REGEX}
    return any(clause.op == NOT_REGEX and clause.value in patterns for clause in clauses)


def _near_literals(groups: Sequence[Sequence[Condition]]) -> tuple[tuple[str, str, str], ...]:
    by_column: dict[str, dict[str, None]] = {}
    for group in groups:
        for clause in group:
            if clause.op in (EQUALS, NOT_EQUALS) and clause.value is not None:
                by_column.setdefault(clause.column, {})[clause.value] = None
    return tuple(
        (column, one, two)
        for column, values in by_column.items()
        for one, two in combinations(values, 2)
        if differs_only_in_form(one, two)
    )


def differs_only_in_form(one: str, two: str) -> bool:
    """True for two texts that are different and mean the same but for case and blanks."""
    return one != two and bare(one) == bare(two)


def bare(text: str) -> str:
    """Folded, every run of blanks one blank."""
    return fold(" ".join(text.split())) or ""
