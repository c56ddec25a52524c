"""Text compared to the byte, whatever the database's collation: what a scope's clauses and a load's changes need.

SQLite and PostgreSQL compare so by themselves. SQL Server compares by the column's collation, mostly without case,
so the column is given a binary one; and it leaves blanks at the end out of account, so a mark stands behind both.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, String, Text, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from recon.store.tables import BIN2

_MARK = "\x1f|"  # a control character that no value has


class exact_text(FunctionElement[str]):  # noqa: N801 - it reads as the function it is
    """A text column under a binary collation."""

    type = String()
    inherit_cache = True


@compiles(exact_text)
def _plain(element: exact_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


@compiles(exact_text, "mssql")
def _collated(element: exact_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} COLLATE {BIN2})"


class exact_value(FunctionElement[str]):  # noqa: N801
    """A text column to be held against another one, exact on both sides: as it stands where engines compare so."""

    type = String()
    inherit_cache = True


@compiles(exact_value)
def _as_it_stands(element: exact_value, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(exact_value, "mssql")
def _with_mark(element: exact_value, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} COLLATE {BIN2} + N'|')"


def exact(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column for = and <> with one of another table: texts by byte, temporary tables' with no collation of theirs.

    What is not text stays as it is.
    """
    return exact_value(column) if isinstance(column.type, Text) else column


def _marked(column: ColumnElement[Any]) -> ColumnElement[str]:
    return exact_text(column) + literal(_MARK, String())


def is_text(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """True for that very text; null for null."""
    return _marked(column) == literal(value + _MARK, String())


def is_one_of(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """True for one of these very texts."""
    return _marked(column).in_([value + _MARK for value in values])


def includes(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """True when the part stands somewhere in the text: without it, the text is another."""
    without = func.replace(exact_text(column), literal(part, String()), literal("", String()), type_=String())
    return without + literal(_MARK, String()) != _marked(column)


def ends_with(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """True when the part stands at the end of the text."""
    end = literal(part + _MARK, String())
    without = func.replace(_marked(column), end, literal("", String()), type_=String())
    return without != _marked(column)
