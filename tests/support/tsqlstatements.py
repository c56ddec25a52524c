"""Statements that recon makes in Python, as SQL Server would be sent them: taken down while a store runs on SQLite."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, Delete, Engine, Insert, Select, Table, TextClause, Update, event
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import NullType

from recon.deploy import _sql_server
from recon.store.tables import metadata

_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")


@dataclass
class Taken:
    """`temporary`: the temporary tables, without #. `statements`: each text with its parameters (@name) and types."""

    temporary: dict[str, Table] = field(default_factory=dict)
    statements: dict[str, dict[str, str]] = field(default_factory=dict)


@contextmanager
def statements_of(engine: Engine) -> Iterator[Taken]:
    """Take down what is executed in the block, each text once; not raw driver calls, and no DDL but its tables."""
    taken = Taken()

    def before(_connection: Any, clause: Any, many: Any, values: Any, _options: Any) -> None:
        if isinstance(clause, CreateTable) and clause.element.metadata is not metadata:
            taken.temporary[clause.element.name] = clause.element
        if isinstance(clause, Select | CompoundSelect | Insert | Update | Delete | TextClause):
            sql, types = _compiled(clause, values or (many or [{}])[0])
            if "sqlite_master" not in sql:
                taken.statements[sql] = types

    event.listen(engine, "before_execute", before)
    try:
        yield taken
    finally:
        event.remove(engine, "before_execute", before)


def _compiled(clause: Any, values: dict[str, object]) -> tuple[str, dict[str, str]]:
    keys = list(values) if isinstance(clause, Insert) and values else None
    made = clause.compile(dialect=_sql_server(), column_keys=keys, compile_kwargs={"render_postcompile": True})
    types = {}
    for name in _PARAMETER.findall(str(made)):
        kind = made.binds[name if name in made.binds else re.sub(r"_\d+$", "", name)].type  # of an IN: x_1_3 of x_1
        plain = "nvarchar(max)" if isinstance(values.get(name), str) else "int"
        written = plain if isinstance(kind, NullType) else str(kind.compile(dialect=_sql_server()))
        types[name] = "nvarchar(max)" if "CHAR" in written or written == "TEXT" else written
    return _PARAMETER.sub(r"@\1", str(made)), types


def procedure(name: str, sql: str, types: Mapping[str, str]) -> str:
    """A procedure of that statement: nothing binds its names otherwise."""
    declared = ", ".join(f"@{each} {kind}" for each, kind in types.items())
    return f"create procedure [{name}] {f'({declared})' if declared else ''} as begin\n{sql}\nend\ngo\n"
