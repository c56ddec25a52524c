"""A scope as SQL: a plain condition over table worker and worker_attribute, every value a bound parameter.

Regular expressions and numbers are no business of SQL on three engines: for such a clause the values that stand in
the column are judged in Python, and the condition lists those that hold.
"""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, exists, func, or_, select

from recon.backfill_config import Clause, Scope
from recon.errors import UsageError
from recon.scope_language import (
    ENDS_WITH,
    EQUALS,
    FALSE_TEXTS,
    INCLUDES,
    IS_FALSE,
    IS_NOT_NULL,
    IS_NULL,
    IS_TRUE,
    NOT_EQUALS,
    TRUE_TEXTS,
    holds,
)
from recon.scopes.workers import own_columns
from recon.store.exact import ends_with, exact_text, includes, is_one_of, is_text
from recon.store.tables import LOADED

MOST_VALUES = 1_000  # in one list; SQL Server takes 2,100 parameters in all


class TooManyValuesError(UsageError):
    """A regular expression or number holds for more values than a condition can list."""


class Compiler:
    """Makes conditions for the workers of some sources; reads a column's values once."""

    def __init__(self, connection: Connection, source_ids: Collection[int], most_values: int = MOST_VALUES) -> None:
        self._connection, self._source_ids, self._most_values = connection, list(source_ids), most_values
        self._values: dict[str, dict[str, int]] = {}

    def scope(self, scope: Scope) -> ColumnElement[bool]:
        """True for the workers that the scope selects; never null."""
        return or_(*(and_(*(self.clause(clause) for clause in group)) for group in scope.expanded))

    def clause(self, clause: Clause) -> ColumnElement[bool]:
        """True where one clause holds; never null. Raises TooManyValuesError."""
        if clause.op == IS_NULL:
            return ~self._some(clause.column, lambda column: column.is_not(None))
        return self._some(clause.column, lambda column: self._holds(clause, column))

    def is_null(self, column: str) -> ColumnElement[bool]:
        """True where the column has no value."""
        return ~self._some(column, lambda found: found.is_not(None))

    def _some(self, name: str, condition: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> ColumnElement[bool]:
        worker, attribute = LOADED["worker"], LOADED["worker_attribute"]
        if name in own_columns():
            column: ColumnElement[str] = worker.c[name]
            if not isinstance(worker.c[name].type, Text):
                column = cast(column, Text)
            # a comparison with null is null, and its contrary too: exclude it by name
            return and_(column.is_not(None), condition(column))
        return exists(
            select(1).where(
                attribute.c.source_id == worker.c.source_id,
                attribute.c.worker_id == worker.c.worker_id,
                is_text(attribute.c.attribute, name),
                attribute.c.value.is_not(None),
                condition(attribute.c.value),
            )
        )

    def _holds(self, clause: Clause, column: ColumnElement[str]) -> ColumnElement[bool]:
        value = clause.value or ""
        if clause.op == IS_NOT_NULL:
            return column.is_not(None)
        if clause.op == EQUALS:
            return is_text(column, value)
        if clause.op == NOT_EQUALS:
            return ~is_text(column, value)
        if clause.op == INCLUDES:
            return includes(column, value)
        if clause.op == ENDS_WITH:
            return ends_with(column, value)
        if clause.op in (IS_TRUE, IS_FALSE):
            return is_one_of(func.lower(column), TRUE_TEXTS if clause.op == IS_TRUE else FALSE_TEXTS)
        found = [text for text in self.values(clause.column) if holds(clause.op, clause.value, text)]
        if len(found) > self._most_values:
            raise TooManyValuesError(f"{clause.column} {clause.op} {value} holds for {len(found)} values")
        return is_one_of(column, found)

    def values(self, name: str) -> dict[str, int]:
        """The values of a column with how many workers have them."""
        if name not in self._values:
            worker, attribute = LOADED["worker"], LOADED["worker_attribute"]
            if name in own_columns():
                column: ColumnElement[str] = worker.c[name]
                if not isinstance(worker.c[name].type, Text):
                    column = cast(column, Text)
                text = exact_text(column)
                statement = select(text, func.count()).where(
                    worker.c.source_id.in_(self._source_ids), column.is_not(None)
                )
            else:
                text = exact_text(attribute.c.value)
                statement = select(text, func.count()).where(
                    attribute.c.source_id.in_(self._source_ids),
                    is_text(attribute.c.attribute, name),
                    attribute.c.value.is_not(None),
                )
            self._values[name] = {row[0]: row[1] for row in self._connection.execute(statement.group_by(text))}
        return self._values[name]


def as_sql(condition: ColumnElement[bool], connection: Connection, source_ids: Sequence[int]) -> str:
    """The condition inside a SELECT of the workers that it selects, with its values written out, to be read and run."""
    worker = LOADED["worker"]
    statement = select(worker.c.worker_id, worker.c.employee_id, worker.c.display_name).where(
        worker.c.source_id.in_(source_ids), condition
    )
    return str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
