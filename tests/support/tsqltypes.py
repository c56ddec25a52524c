"""What SQL Server would make of a statement's expressions: the kind of each, the collation of each text.

Nobody else says so without a server: a text column has a collation, the database's or the binary one of keys, and two
that meet in a comparison, a union, a CASE or a select list are refused (messages 451 and 468); a text that meets a
number is converted to a number, row by row, until one cannot be. NULL that leaves a subquery is an int.
Collation Precedence and Data Type Precedence, learn.microsoft.com/sql/t-sql.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Column, Table
from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import Scope, traverse_scope

from recon.deploy import _sql_server
from recon.store.tables import BIN2

DATABASE, TEMPDB, BINARY = "database", "tempdb", "binary"
LITERAL, EXPLICIT, CONFLICT = "literal", "explicit", "conflict"
_TEXTS = {"VARCHAR", "NVARCHAR", "CHAR", "NCHAR", "TEXT"}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like)


class Kind(NamedTuple):
    """`family`: text, number, time, bytes, null or any (a parameter). `collation`: of a text; '' otherwise."""

    family: str
    collation: str = ""


NULL, NUMBER, TIME, BYTES, ANY = Kind("null"), Kind("number"), Kind("time"), Kind("bytes"), Kind("any", LITERAL)
LITERAL_TEXT = Kind("text", LITERAL)
Columns = dict[str, Kind]


def column_kind(column: Column[Any], plain: str = DATABASE) -> Kind:
    """The kind of a table's column as SQL Server has it; `plain`: the collation of texts without COLLATE."""
    written = str(column.type.compile(dialect=_sql_server())).upper()
    if "CHAR" in written:
        return Kind("text", {"": plain, BIN2.upper(): BINARY}[written.partition("COLLATE ")[2]])
    if "DATE" in written:
        return TIME
    return BYTES if "BINARY" in written else NUMBER


def schema_of(tables: Mapping[str, Table], plain: str = DATABASE) -> dict[str, Columns]:
    """Kind of each column by table; `plain`: TEMPDB where the tables are temporary."""
    return {
        name.lower(): {column.name.lower(): column_kind(column, plain) for column in table.columns}
        for name, table in tables.items()
    }


def _collation(kinds: Iterable[Kind]) -> str:
    """Of what is made of several texts. A column's wins over a literal's, a COLLATE clause over both."""
    found = {kind.collation for kind in kinds} - {"", LITERAL}
    if EXPLICIT in found:
        return EXPLICIT
    if len(found) > 1:
        return CONFLICT
    return found.pop() if found else LITERAL


def _together(kinds: Iterable[Kind]) -> Kind:
    """The kind of what is made of several; 'mixed' where a text would be converted to what another is."""
    known = [kind for kind in kinds if kind.family != "null"]
    families = {kind.family for kind in known} - {"any"}
    if len(families) > 1:
        return Kind("mixed")
    if families == {"text"}:
        return Kind("text", _collation(known))
    if families:
        return Kind(families.pop())
    return ANY if known else NULL


def _as_select(tree: exp.Expression) -> exp.Expression:
    """The SELECT that reads what an INSERT, UPDATE or DELETE reads."""
    where = tree.args.get("where")
    match tree:
        case exp.Insert():
            chosen = tree.expression
            if tree.args.get("with_"):
                chosen.set("with_", tree.args["with_"])
            return chosen
        case exp.Delete():
            read = exp.select("1").from_(tree.this)
        case exp.Update():
            source = tree.args.get("from_")
            read = exp.select(*(each.expression for each in tree.expressions)).from_(
                source.this if source else tree.this
            )
        case _:
            return tree
    return read.where(where.this) if where else read


class Reader:
    """Reads statements against the tables known so far; what SQL Server would refuse is collected in `refused`."""

    def __init__(self, schema: Mapping[str, Columns]) -> None:
        self.schema = dict(schema)
        self.refused: list[str] = []
        self._made: dict[int, Columns] = {}
        self._where = ""

    def read(self, sql: str, where: str) -> Columns:
        """The columns that a SELECT (or the SELECT of an INSERT) returns."""
        self._where = where
        tree = _as_select(parse_one(sql, dialect="tsql"))
        columns: Columns = {}
        for scope in traverse_scope(tree):
            columns = self._scope(scope)
        return columns

    def view(self, name: str, sql: str) -> None:
        """Read a view's SELECT, and let later statements use it."""
        self.schema[name] = self.read(sql, name)

    # ---- scopes -------------------------------------------------------------------------------------

    def _scope(self, scope: Scope) -> Columns:
        tree = scope.expression
        if isinstance(tree, exp.SetOperation):
            columns = self._union(tree)
        else:
            columns = self._selected(tree, scope)
            for condition in self._conditions(tree):
                self._kind(condition, scope)
            self._check_groups(tree, scope)
        if tree.args.get("order") and (isinstance(tree, exp.SetOperation) or tree.args.get("distinct")):
            self._check_order(tree, columns)
        self._made[id(tree)] = columns
        return columns

    def _union(self, tree: exp.SetOperation) -> Columns:
        left, right = self._made[id(tree.left.unnest())], self._made[id(tree.right.unnest())]
        assert len(left) == len(right), f"{self._where}: {list(left)} and {list(right)}"
        columns = {}
        for (name, one), other in zip(left.items(), right.values(), strict=True):
            columns[name] = self._agreeing([one, other], f"union of {name}")
        return columns

    def _selected(self, tree: exp.Expression, scope: Scope) -> Columns:
        columns: Columns = {}
        for place, selected in enumerate(tree.expressions):
            kind = self._kind(selected.unalias(), scope)
            if kind.collation == CONFLICT:
                self._refuse(f"select {selected.sql('tsql')}")
            name = selected.alias_or_name.lower()
            is_first = not isinstance(tree.parent, exp.SetOperation) or tree.parent.left is tree
            if is_first and (scope.is_cte or scope.is_derived_table) and (not name or name in columns):
                self._refuse(f"column {place + 1} of a table has {'a name of another' if name else 'no name'}")
            columns[name if name and name not in columns else f"{name}:{place}"] = kind
        return columns

    # ---- rules that only SQL Server has, or that SQLite and PostgreSQL take less strictly --------------

    def _check_groups(self, tree: exp.Expression, scope: Scope) -> None:
        """What is selected from groups is grouped, also beside a primary key; aggregates hold no SELECT."""
        group = tree.args.get("group")
        grouped = {each.sql("tsql").lower() for each in group.expressions} if group else set()
        having = [tree.args["having"].this] if tree.args.get("having") else []
        chosen = [each.unalias() for each in tree.expressions]
        aggregates = [
            each
            for one in (*chosen, *having)
            for each in one.find_all(exp.AggFunc)
            if not isinstance(each.parent, exp.Window) and each.parent_select is tree
        ]
        for each in aggregates:
            if any(inner is not each for inner in each.find_all(exp.Select, exp.AggFunc)):
                self._refuse(f"an aggregate of a SELECT or an aggregate: {each.sql('tsql')}")
            if isinstance(each.this, exp.Distinct) and len(each.this.expressions) > 1:
                self._refuse(f"several columns: {each.sql('tsql')}")
        if not group and not aggregates:
            return
        ordered = [each.this for each in tree.args["order"].expressions] if tree.args.get("order") else []
        names = {each.alias_or_name for each in tree.expressions}
        free = [each for each in ordered if not (isinstance(each, exp.Column) and each.name in names)]
        for each in (*chosen, *having, *free):
            self._check_grouped(each, grouped, scope)

    def _check_grouped(self, tree: exp.Expression, grouped: set[str], scope: Scope) -> None:
        if tree.sql("tsql").lower() in grouped or (
            isinstance(tree, exp.AggFunc) and not isinstance(tree.parent, exp.Window)
        ):
            return
        if isinstance(tree, exp.Column):
            if not tree.table or tree.table.lower() in {alias.lower() for alias in scope.selected_sources}:
                self._refuse(f"{tree.sql('tsql')} is selected and not grouped")
            return
        for each in tree.iter_expressions():
            if not isinstance(each, exp.Query):
                self._check_grouped(each, grouped, scope)

    def _check_order(self, tree: exp.Expression, columns: Columns) -> None:
        """A union, or a SELECT of distinct rows, is ordered by what it returns."""
        chosen = {each.unalias().sql("tsql").lower() for each in tree.selects} | set(columns)
        for each in tree.args["order"].expressions:
            if each.this.sql("tsql").lower() not in chosen:
                self._refuse(f"ordered by what is not returned: {each.this.sql('tsql')}")

    # ---- scopes, columns ------------------------------------------------------------------------------

    @staticmethod
    def _conditions(tree: exp.Expression) -> Iterator[exp.Expression]:
        for part in ("where", "having"):
            if tree.args.get(part):
                yield tree.args[part].this
        for join in tree.args.get("joins") or ():
            if join.args.get("on"):
                yield join.args["on"]
        for part in ("group", "order"):
            listed = tree.args[part].expressions if tree.args.get(part) else ()
            names = {each.alias_or_name for each in tree.expressions} if part == "order" else set()
            for each in listed:
                inner = each.this if isinstance(each, exp.Ordered) else each
                if not (isinstance(inner, exp.Column) and not inner.table and inner.name in names):
                    yield inner

    def _column(self, column: exp.Column, scope: Scope | None) -> Kind:
        table, name = column.table.lower(), column.name.lower()
        while scope is not None:
            for alias, source in scope.sources.items():
                if table and alias.lower() != table:
                    continue
                if isinstance(source, Scope):
                    columns = self._made[id(source.expression)]
                else:
                    columns = self.schema[source.name.lower()]
                if name in columns:
                    is_int = isinstance(source, Scope) and columns[name] == NULL
                    return NUMBER if is_int else columns[name]
            scope = scope.parent
        raise LookupError(f"{self._where}: no column {column.sql()}")

    # ---- expressions --------------------------------------------------------------------------------

    def _refuse(self, what: str) -> None:
        self.refused.append(f"{self._where}: {what}")

    def _agreeing(self, kinds: Iterable[Kind], what: str) -> Kind:
        kinds = list(kinds)
        kind = _together(kinds)
        if kind.family == "mixed" or kind.collation == CONFLICT:
            self._refuse(f"{what}: {' and '.join(' '.join(each).strip() for each in kinds)}")
        return kind

    def _kind(self, tree: exp.Expression | None, scope: Scope) -> Kind:  # noqa: C901 - one branch an expression
        def of(each: exp.Expression | None) -> Kind:
            return self._kind(each, scope)

        match tree:
            case None | exp.Null():
                return NULL
            case exp.Paren() | exp.Alias() | exp.Escape() | exp.Upper() | exp.Lower() | exp.Substring() | exp.Trim():
                return of(tree.this)
            case exp.Column():
                return self._column(tree, scope)
            case exp.Literal() | exp.National():
                return LITERAL_TEXT if isinstance(tree, exp.National) or tree.is_string else NUMBER
            case exp.Parameter() | exp.Placeholder():
                return ANY
            case exp.Collate():
                of(tree.this)
                return Kind("text", EXPLICIT)
            case exp.Cast():
                inner = of(tree.this)
                return self._cast(inner, tree.to.this.name)
            case exp.Case():
                results = [of(each.args["true"]) for each in tree.args["ifs"]] + [of(tree.args.get("default"))]
                asked = [of(each.this) for each in tree.args["ifs"]]
                if tree.this is not None:
                    self._agreeing([of(tree.this), *asked], tree.sql("tsql"))
                return self._made_of(results, tree)
            case exp.Coalesce():
                return self._made_of([of(tree.this), *map(of, tree.expressions)], tree)
            case exp.Max() | exp.Min():
                return self._agreeing([of(tree.this)], tree.sql("tsql"))
            case exp.Window():
                for each in (*(tree.args.get("partition_by") or ()), *tree.find_all(exp.Ordered)):
                    of(each.this if isinstance(each, exp.Ordered) else each)
                return of(tree.this)
            case exp.In():
                query = tree.args.get("query")
                chosen = list(self._made[id(query.unnest())].values()) if query else []
                self._agreeing([of(tree.this), *chosen, *map(of, tree.expressions)], tree.sql("tsql"))
                return NUMBER
            case exp.Between():
                self._agreeing([of(tree.this), of(tree.args["low"]), of(tree.args["high"])], tree.sql("tsql"))
                return NUMBER
            case exp.Subquery():
                return next(iter(self._made[id(tree.unnest())].values()))
            case exp.Exists():
                return NUMBER
            case _ if isinstance(tree, _COMPARISONS):
                self._agreeing([of(tree.left), of(tree.right)], tree.sql("tsql"))
                return NUMBER
            case exp.And() | exp.Or() | exp.Not() | exp.Is() | exp.Count() | exp.Sum() | exp.RowNumber() | exp.Rank():
                for each in tree.iter_expressions():
                    of(each)
                return NUMBER
            case exp.Add() | exp.Sub() | exp.BitwiseAnd() | exp.Replace():
                return self._made_of([of(each) for each in tree.iter_expressions()], tree)
            case exp.Distinct():
                return self._made_of([of(each) for each in tree.expressions], tree)
            case exp.Star():
                return NUMBER
        raise NotImplementedError(f"{self._where}: {type(tree).__name__} in {tree.sql('tsql')}")

    def _made_of(self, kinds: list[Kind], tree: exp.Expression) -> Kind:
        """A conflict of collations is refused only where the value is used."""
        kind = _together(kinds)
        if kind.family == "mixed":
            self._refuse(f"{tree.sql('tsql')}: {' and '.join(each.family for each in kinds)}")
        return kind

    @staticmethod
    def _cast(inner: Kind, to: str) -> Kind:
        if to in _TEXTS:
            return Kind("text", inner.collation or LITERAL)
        return TIME if "DATE" in to else BYTES if "BINARY" in to else NUMBER
