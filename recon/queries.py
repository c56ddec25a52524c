"""Named queries: run one SELECT of the catalogue with its parameters, or let the database read them all.

Reads only. Values travel as bound parameters; keys are folded before they are compared.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from recon.catalog import Catalog, Parameter, Statement, escape_colons
from recon.decode.keys import fold
from recon.decode.text import quoted
from recon.decode.times import date_text, from_datetime
from recon.deploy import refused
from recon.errors import DecodeError, StoreError, UsageError
from recon.findings import masked
from recon.objects import TABLES
from recon.store import Store
from recon.store.engine import first_line, is_denied
from recon.store.history import out_of_reach
from recon.store.tables import load_run

# columns that hold personal data in one table or another; hidden where a statement is marked personal
_PERSONAL = frozenset(column.name for table in TABLES.values() for column in table.columns if column.personal)

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # every engine takes these


def _time(given: str) -> str:
    """A UTC time in the one text form: a date (its beginning), date and time with blank or T, or with zone."""
    found = datetime.fromisoformat(given.strip())
    return from_datetime(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))


def _bound(statement: Statement, given: Mapping[str, str]) -> dict[str, object]:
    """Every parameter with its value; NULL where another stands for it."""
    for parameter in statement.parameters:
        if parameter.instead_of:
            continue
        ways = [parameter, *(each for each in statement.parameters if each.instead_of == parameter.name)]
        chosen = [each.name for each in ways if each.name in given]
        if not chosen:
            names = " or ".join(each.name for each in ways)
            raise UsageError(
                f"{statement.name} needs the parameter {names}: {parameter.note}", hint=f"--param {parameter.name}=…"
            )
        if len(chosen) > 1:
            raise UsageError(f"{statement.name} takes {' or '.join(chosen)}, not both")
    return {each.name: _value(each, given[each.name]) if each.name in given else None for each in statement.parameters}


def _value(parameter: Parameter, given: str) -> object:
    try:
        if parameter.type == "int":
            if not _INTEGER.fullmatch(given.strip()):
                raise ValueError(given)
            return int(given)
        if parameter.type == "date":
            return date_text(given)
        if parameter.type == "time":
            return _time(given)
    except (ValueError, OverflowError, DecodeError) as error:
        raise UsageError(f"parameter {parameter.name} is {parameter.type}, not {quoted(given)}") from error
    if fold(given) is None:
        raise UsageError(f"parameter {parameter.name} is empty", hint=parameter.note)
    return fold(given) if parameter.type == "key" else given


def _ended(store: Store, run: object) -> object:
    """When a load ended; None for one that did not, or is not known."""
    with store.read() as connection:
        return _plain(connection.scalar(select(load_run.c.finished_at).where(load_run.c.run_id == run)))


def _check_order(store: Store, statement: Statement, values: Mapping[str, object]) -> None:
    """Raise UsageError where two instants are compared backwards: that finds nothing, or nonsense."""
    if not {"before", "before_at", "after", "after_at"} <= values.keys():
        return
    runs, times = (values["before"], values["after"]), (values["before_at"], values["after_at"])
    if isinstance(runs[0], int) and isinstance(runs[1], int):
        is_backwards = runs[0] > runs[1]
    else:
        before, after = (at or _ended(store, run) for run, at in zip(runs, times, strict=True))
        is_backwards = before is not None and after is not None and str(before) > str(after)
    if is_backwards:
        shown = [str(at or f"load {run}") for run, at in zip(runs, times, strict=True)]
        raise UsageError(
            f"{statement.name}: before ({shown[0]}) is later than after ({shown[1]})",
            hint="give the earlier one as before",
        )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return from_datetime(value.replace(tzinfo=value.tzinfo or UTC))
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True, slots=True)
class Answer:
    """What a named query returned: the column names and the rows, streamed. `notes`: what is left out, for people."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[object, ...]]
    notes: tuple[str, ...] = ()


def query(store: Store, statement: Statement, given: Mapping[str, str], *, unmask: bool = False) -> Answer:
    """Run one SELECT of the catalogue with its parameters; a finding's personal values are masked.

    Raises UsageError for a parameter that is missing, unknown or of the wrong type, StoreError when the database
    refuses. The rows are read while they are iterated.
    """
    names = {parameter.name for parameter in statement.parameters}
    for name in given:
        if name not in names:
            raise UsageError(
                f"{statement.name} has no parameter {name}", hint=f"it takes {', '.join(sorted(names)) or 'none'}"
            )
    values = _bound(statement, given)
    _check_order(store, statement, values)
    sql = text(escape_colons(statement.sql(store.dialect), statement.parameters))
    stream = _stream(store, statement, sql, values)
    columns = tuple(str(column) for column in next(stream))
    notes = _notes(store, values)
    if statement.is_personal and not unmask:
        hidden = [column.endswith("_value") or column in _PERSONAL for column in columns]
        return Answer(columns, (_masked_row(row, hidden) for row in stream), notes)
    return Answer(columns, stream, notes)


def _notes(store: Store, values: Mapping[str, object]) -> tuple[str, ...]:
    """What those who ask for a moment should know: sources whose history does not reach back to it."""
    for run, at in (("run", "at"), ("before", "before_at")):
        if run in values and at in values:
            with store.read() as connection:
                return tuple(out_of_reach(connection, cast("int | None", values[run]), cast("str | None", values[at])))
    return ()


def _masked_row(row: Sequence[object], hidden: Sequence[bool]) -> tuple[object, ...]:
    return tuple(
        masked(str(value)) if hide and value is not None else value for value, hide in zip(row, hidden, strict=True)
    )


def _stream(store: Store, statement: Statement, sql: Any, values: Mapping[str, object]) -> Iterator[tuple[object, ...]]:
    with store.read() as connection:
        try:
            result = connection.execution_options(yield_per=2000).execute(sql, values)
        except SQLAlchemyError as error:
            if not (is_denied(error) and statement.layer == "decoded"):
                raise _refused(statement, error) from error
            connection.rollback()  # a reader may not read the tables; the view is made for it
            try:
                result = connection.execution_options(yield_per=2000).execute(text(f"select * from {statement.name}"))
            except SQLAlchemyError as again:
                raise _refused(statement, again) from again
        yield tuple(result.keys())
        for row in result:
            yield tuple(_plain(value) for value in row)


def _refused(statement: Statement, error: SQLAlchemyError) -> StoreError:
    hint = (
        "see docs/databases.md for what each role may" if is_denied(error) else "recon sql check says what is missing"
    )
    return StoreError(f"{statement.name}: the database refuses it: {first_line(error)}", hint=hint)


def prepare(store: Store, catalog: Catalog) -> Catalog:
    """Let the database read every SELECT without running it; what it refuses moves to the catalogue's `broken`."""
    return catalog.without(refused(store, catalog.statements))
