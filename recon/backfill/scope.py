"""Who may be written at all: a configured scope, judged on one worker's columns.

As the provisioning service judges it: groups are OR, the clauses of a group AND, comparison is case-sensitive, and
every operator but IS NULL is false on a missing value. Pure: no database, no directory.
"""

import difflib
from collections.abc import Collection, Mapping

from recon.backfill_config import Scope
from recon.config import Config
from recon.errors import ConfigError, UsageError


def chosen_scope(config: Config, name: str | None = None) -> tuple[str, Scope]:
    """The scope to plan for: the given name, else [backfill] scope.

    Raises UsageError when there is none: a plan without a scope would be a plan for everybody.
    """
    known = ", ".join(sorted(config.scope)) or "none"
    wanted = name or config.backfill.scope
    if wanted is None:
        raise UsageError(
            "no scope: without a filter every worker would be written, which is how populations get mixed up",
            hint=f"define [scope.NAME] in recon.toml and give it as --scope or [backfill] scope (defined: {known})",
        )
    if wanted not in config.scope:
        raise UsageError(f"there is no [scope.{wanted}] in recon.toml", hint=f"defined: {known}")
    return wanted, config.scope[wanted]


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


def _holds(op: str, wanted: str | None, value: str | None) -> bool:
    if op == "IS NULL":
        return value is None
    if value is None:
        return False
    if op == "IS NOT NULL":
        return True
    return (value == wanted) is (op == "EQUALS")


def contains(scope: Scope, values: Mapping[str, object]) -> bool:
    """True when the worker is in scope. `values`: column to value; missing, None and '' are the same: null."""

    def text(column: str) -> str | None:
        value = values.get(column)
        return None if value is None or value == "" else str(value)

    return any(all(_holds(clause.op, clause.value, text(clause.column)) for clause in group) for group in scope.groups)


def definition(scope: Scope) -> list[list[dict[str, str]]]:
    """The scope as plain data, for the plan's header."""
    return [[clause.model_dump(exclude_none=True) for clause in group] for group in scope.groups]
