"""Portable by construction: an allow-list over the syntax tree and over the function names in the raw text.

What is not known to be portable is refused. To widen a list, add the node or name together with a statement that runs
on every engine (tests/sql runs them all on SQLite and PostgreSQL).
"""

import re

import pytest
import sqlglot
from sqlglot import exp

from recon.catalog import Statement, read_catalog

NODES = {
    "Add", "Alias", "And", "BitwiseAnd", "CTE", "Case", "Cast", "Coalesce", "Column", "Count", "DataType",
    "DataTypeParam", "Distinct", "EQ", "Escape", "Exists", "From", "GT", "GTE", "Group", "Having", "Identifier", "If",
    "In", "Is", "Join", "LT", "LTE", "Like", "Literal", "Max", "Min", "NEQ", "Not", "Null", "Or", "Order", "Ordered",
    "Paren", "Placeholder", "Rank", "Replace", "RowNumber", "Select", "Star", "Sub", "Subquery", "Substring", "Sum",
    "Table", "TableAlias", "Union", "Upper", "Where", "Window", "With",
}  # fmt: skip
FUNCTIONS = {
    "cast", "coalesce", "count", "max", "min", "rank", "replace", "row_number", "substring", "sum", "upper", "varchar",
}  # fmt: skip
# words that stand before a bracket and are no function
WORDS = {
    "and",
    "as",
    "by",
    "exists",
    "from",
    "in",
    "not",
    "on",
    "or",
    "over",
    "select",
    "then",
    "values",
    "when",
    "where",
}
STATEMENTS = read_catalog(is_judged=True).statements
_CALL = re.compile(r"([a-z_]\w*)\s*\(")
_NO_CODE = re.compile(r"--[^\n]*|'(?:[^']|'')*'")


def code(statement: Statement) -> str:
    """The statement without comments and strings."""
    return _NO_CODE.sub("''", statement.sql("sqlite"))


def nodes(sql: str, dialect: str) -> set[str]:
    """Names of the syntax tree's nodes."""
    return {type(node).__name__ for node in sqlglot.parse_one(sql, dialect=dialect).walk()}


def unknown_nodes(sql: str, dialect: str) -> set[str]:
    """Those that are not on the list."""
    return nodes(sql, dialect) - NODES


def unknown_functions(sql: str) -> set[str]:
    """Words before a bracket that are not on the list; names of WITH stand behind AS and are never called."""
    return set(_CALL.findall(sql.lower())) - FUNCTIONS - WORDS


DIALECTS = ("sqlite", "postgres", "tsql")


def test_the_lists_hold_nothing_that_no_file_uses():
    used = {name for each in STATEMENTS for dialect in DIALECTS for name in nodes(each.sql("sqlite"), dialect)}
    assert sorted(NODES - used) == []
    assert sorted(FUNCTIONS - {name for each in STATEMENTS for name in _CALL.findall(code(each))}) == []


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.name)
class TestEveryFile:
    """Each shipped SELECT."""

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_its_tree_is_on_the_list(self, statement, dialect):
        assert unknown_nodes(statement.sql("sqlite"), dialect) == set()

    def test_its_functions_are_on_the_list(self, statement):
        assert unknown_functions(code(statement)) == set()

    def test_style(self, statement):
        text = code(statement)
        assert not re.search(r"select\s+\*|\w\.\*", text), "no select *"
        assert not re.search(r"\bgroup by\s+\d|\border by\s+\d", text), "no positions"
        assert not re.search(r"(?<!inner )(?<!left )(?<!cross )\bjoin\b", text), "the kind of a join is written"
        assert text == text.lower(), "keywords and names in lower case"
        assert "\t" not in text
        lines = statement.path.read_text(encoding="utf-8").splitlines()
        assert max(len(line) for line in lines if not line.startswith("-- source:")) <= 120

    def test_one_order_by_and_only_in_queries(self, statement):
        tree = sqlglot.parse_one(statement.sql("sqlite"), dialect="sqlite")
        orders = [node for node in tree.find_all(exp.Order) if not isinstance(node.parent, exp.Window)]
        assert len(orders) <= (1 if statement.layer == "queries" else 0)

    def test_keys_are_joined_bare(self, statement):
        tree = sqlglot.parse_one(statement.sql("sqlite"), dialect="sqlite")
        for join in tree.find_all(exp.Join):
            condition = join.args.get("on")
            called = set() if condition is None else {type(node).__name__ for node in condition.find_all(exp.Func)}
            assert called <= {"Upper", "And", "Or"}, "a key in a function is not found by an index"


@pytest.mark.parametrize(
    "sql",
    [
        "select a.x || a.y as z from a",
        "select a.x from a limit 3",
        "select a.x from a where a.x is distinct from 1",
        "select a.x from a intersect select b.x from b",
        "select a.x % 2 as z from a",
        "select a.x from a where (a.x, a.y) in (select b.x, b.y from b) and a.z ilike 'q'",
        "select a.x from a natural join b where a.x between 1 and 2",
    ],
)
def test_what_is_not_portable_is_refused(sql):
    assert unknown_nodes(sql, "sqlite")


@pytest.mark.parametrize("name", ["iif", "strftime", "isnull", "len", "group_concat", "getdate", "now", "lower", "abs"])
def test_unknown_functions_are_refused(name):
    assert unknown_functions(f"select {name}(a.x) as y from a") == {name}
