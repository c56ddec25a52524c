"""A scope as the provisioning service's filter: `scope` of an objectMapping in a synchronizationSchema, both ways.

Groups are OR, clauses AND; a clause without a value has targetOperand null (synchronization-filter in the Graph
reference). Only `groups` is written: the experimental lists stay empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recon.backfill_config import Scope
from recon.errors import DecodeError
from recon.scope_language import UNARY, known_operator


@dataclass(frozen=True, slots=True)
class FilterClause:
    """One clause of an exported filter. `op`: the documented spelling where it is known, else as written."""

    column: str
    op: str
    value: str | None


FilterGroups = tuple[tuple[FilterClause, ...], ...]


def to_filter(name: str, scope: Scope) -> dict[str, Any]:
    """The filter, its columns under the service's names where [scope.NAME] attributes gives them."""
    return {
        "categoryFilterGroups": [],
        "groups": [
            {
                "name": name if len(scope.expanded) == 1 else f"{name}-{number}",
                "clauses": [
                    {
                        "operatorName": clause.op,
                        "sourceOperandName": scope.attributes.get(clause.column, clause.column),
                        "targetOperand": None if clause.value is None else {"values": [clause.value]},
                    }
                    for clause in group
                ],
            }
            for number, group in enumerate(scope.expanded, 1)
        ],
        "inputFilterGroups": [],
    }


def from_filter(data: Any) -> FilterGroups:
    """The groups of an exported filter; none for null or an empty one, which selects everybody.

    Raises DecodeError when it is no filter.
    """
    if data is None:
        return ()
    if not isinstance(data, Mapping):
        raise DecodeError("a scope is an object with groups, or null")
    return tuple(_group(group) for group in _list(data, "groups"))


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = [] if data.get(name) is None else data[name]
    if not isinstance(found, list) or not all(isinstance(entry, Mapping) for entry in found):
        raise DecodeError(f"a scope's {name} is a list of objects")
    return found


def _group(group: Mapping[str, Any]) -> tuple[FilterClause, ...]:
    return tuple(_clause(clause) for clause in _list(group, "clauses"))


def _clause(clause: Mapping[str, Any]) -> FilterClause:
    column, written, operand = (clause.get(name) for name in ("sourceOperandName", "operatorName", "targetOperand"))
    if not isinstance(column, str) or not isinstance(written, str):
        raise DecodeError("a clause names a sourceOperandName and an operatorName")
    values = operand.get("values") if isinstance(operand, Mapping) else None
    op = known_operator(written) or written
    if op in UNARY:
        return FilterClause(column, op, None)
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        # several values: nobody documents what they mean, so the operator counts as unknown
        return FilterClause(column, f"{written} with several values", None)
    return FilterClause(column, op, values[0])


def same_filter(first: FilterGroups, second: FilterGroups) -> bool:
    """True when both have the same groups of the same clauses, in any order, names aside."""
    return {frozenset(group) for group in first} == {frozenset(group) for group in second}
