"""A scope judged on one worker's columns. Pure: no database, no directory."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from recon.backfill_config import Group, Scope
from recon.errors import ConfigError
from recon.scope_language import holds


def columns(scope: Scope) -> tuple[str, ...]:
    """The columns a scope asks for, each once, in the order of their first use."""
    return tuple(dict.fromkeys(clause.column for group in scope.groups for clause in group))


def check_columns(name: str, scope: Scope, worker_columns: Collection[str], headers: Collection[str]) -> None:
    """Raise ConfigError when the scope names a column that neither table worker nor the HR extract has.

    `headers`: those further columns of the extract that hold a value somewhere. Names are taken as written.
    """
    for column in columns(scope):
        if column in worker_columns or column in headers:
            continue
        every = [*worker_columns, *headers]
        folded = {entry.casefold(): entry for entry in every}
        near = difflib.get_close_matches(column.casefold(), list(folded), n=1)
        meant = f"; did you mean {folded[near[0]]}?" if near else ""
        raise ConfigError(
            f"[scope.{name}] names column {column}, which no worker has{meant}",
            hint=f"worker columns: {', '.join(sorted(worker_columns))}; headers of the HR extract: "
            f"{', '.join(sorted(headers)) or 'none further'}",
        )


def text_of(value: object) -> str | None:
    """A column's value as clauses see it: missing, None and '' are the same: null."""
    return None if value is None or value == "" else str(value)


def group_holds(group: Group, values: Mapping[str, Any]) -> bool:
    """True when every clause of the group holds."""
    return all(holds(clause.op, clause.value, text_of(values.get(clause.column))) for clause in group)


class Judge:
    """One scope, made ready to judge many workers."""

    def __init__(self, scope: Scope) -> None:
        self.columns = columns(scope)
        self._groups = scope.expanded

    def __call__(self, values: Mapping[str, Any]) -> bool:
        """True when the worker is in scope. `values`: column to value."""
        return any(group_holds(group, values) for group in self._groups)


def contains(scope: Scope, values: Mapping[str, Any]) -> bool:
    """True when the worker is in scope."""
    return Judge(scope)(values)


def definition(scope: Scope) -> list[list[dict[str, str]]]:
    """The scope as plain data, for the plan's header: the groups as the service knows them."""
    return [[clause.model_dump(exclude_none=True, exclude={"values"}) for clause in group] for group in scope.expanded]
