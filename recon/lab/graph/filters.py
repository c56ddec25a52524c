"""The $filter language, as far as the directory serves it: parsed, held against the support table, made a test.

What the table (recon.lab.graph.schema) does not list is refused as Graph refuses it, with and without advanced query.
Text is compared without regard to case, onPremisesImmutableId byte by byte. Comparing with a null never holds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recon.lab.graph.errors import GraphError, bad_request, unknown_property, unsupported_query
from recon.lab.graph.schema import ADVANCED, BASIC_ONLY, Kind

MAX_IN = 15
MAX_TEXT = 120
EXTENSIONS = "onPremisesExtensionAttributes"
_EXTENSION_NAMES = frozenset(f"extensionAttribute{number}" for number in range(1, 16))
_EXACT = frozenset({"onPremisesImmutableId"})

Row = tuple[Any, ...]
Test = Callable[[Row], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})?)?)|(?P<number>\d+)"
    r"|(?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:/\$?[A-Za-z_][A-Za-z0-9_]*)*)|(?P<sign>[(),:]))"
)


@dataclass(frozen=True)
class Filter:
    """A parsed $filter. `lookup`: (property, folded values) where one index look-up finds every candidate.

    `beginning`: (property, folded text) where the values that begin with it are all there is to the filter.
    """

    test: Test
    properties: frozenset[str]
    lookup: tuple[str, tuple[str, ...]] | None = None
    beginning: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def parse_filter(text: str, kind: Kind, columns: Mapping[str, int], *, is_advanced: bool, missing: str) -> Filter:
    """Parse and check one $filter. `missing` says what an advanced clause would need here.

    Raises GraphError 400: Request_BadRequest for what is no filter, Request_UnsupportedQuery for what is not served.
    """
    parser = _Parser(_tokens(text), kind, columns, is_advanced=is_advanced, missing=missing)
    found = parser.disjunction()
    parser.end()
    return found


def fold(value: str) -> str:
    """How text is compared."""
    return value.casefold()


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None or match.lastgroup is None:
            raise _invalid(f"syntax error at position {at} in '{text}'")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


def _invalid(why: str) -> GraphError:
    return bad_request(f"Invalid filter clause: {why}.")


def _instant(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(f"not a date and time: '{text}'") from error
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class _Parser:
    """Recursive descent over the tokens: or, and, clause."""

    def __init__(
        self, tokens: list[_Token], kind: Kind, columns: Mapping[str, int], *, is_advanced: bool, missing: str
    ) -> None:
        self._tokens = tokens
        self._at = 0
        self._kind = kind
        self._columns = columns
        self._is_advanced = is_advanced
        self._missing = missing

    # ---- tokens

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _Token("end", "")

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        if (token := self._next()).text != text:
            raise _invalid(f"'{text}' expected, '{token.text}' found")

    def end(self) -> None:
        """Nothing may be left over."""
        if self._peek().kind != "end":
            raise _invalid(f"unexpected '{self._peek().text}'")

    # ---- grammar

    def disjunction(self) -> Filter:
        """clause and clause or clause …"""
        parts = [self._conjunction()]
        while self._peek() == _Token("name", "or"):
            self._next()
            parts.append(self._conjunction())
        if len(parts) == 1:
            return parts[0]
        if len(parts) > MAX_IN and not self._is_advanced:
            raise self._too_many(len(parts))
        tests = [part.test for part in parts]
        return Filter(lambda row: any(test(row) for test in tests), frozenset().union(*(p.properties for p in parts)))

    def _conjunction(self) -> Filter:
        parts = [self._clause()]
        while self._peek() == _Token("name", "and"):
            self._next()
            parts.append(self._clause())
        if len(parts) == 1:
            return parts[0]
        tests = [part.test for part in parts]
        lookup = next((part.lookup for part in parts if part.lookup), None)
        return Filter(
            lambda row: all(test(row) for test in tests), frozenset().union(*(p.properties for p in parts)), lookup
        )

    def _clause(self) -> Filter:
        token = self._next()
        if token.text == "(" and token.kind == "sign":
            inner = self.disjunction()
            self._expect(")")
            return inner
        if token.kind != "name":
            raise _invalid(f"a property expected, '{token.text}' found")
        if token.text == "not":
            raise unsupported_query("The 'not' operator is not supported by the simulator's support table.")
        if token.text.lower() in ("startswith", "endswith"):
            return self._function(token.text)
        if token.text.endswith("/any"):
            return self._any(token.text.removesuffix("/any"))
        if token.text.endswith("/$count"):
            return self._count(token.text.removesuffix("/$count"))
        return self._comparison(token.text)

    # ---- what the table allows

    def _column(self, path: str) -> tuple[str, Callable[[Row], Any]]:
        """The property a path names, and how its value is taken from a row."""
        name, _, member = path.partition("/")
        if name not in self._columns:
            if name in self._kind.apart:
                raise self._unsupported(name)
            raise unknown_property(name, self._kind.name)
        place = self._columns[name]
        if not member and name != EXTENSIONS:
            return name, lambda row: row[place]
        if name != EXTENSIONS or member not in _EXTENSION_NAMES:
            raise self._unsupported(path)
        return name, lambda row: (row[place] or {}).get(member)

    def _unsupported(self, name: str) -> GraphError:
        return unsupported_query(
            f"Unsupported or invalid query filter clause specified for property '{name}' "
            f"of resource '{self._kind.label}'."
        )

    def _allow(self, name: str, operator: str, shown: str) -> None:
        level = self._kind.filters.get(name, {}).get(operator)
        if level is None:
            raise self._unsupported(name)
        if level == ADVANCED and not self._is_advanced:
            raise unsupported_query(
                f"Operator '{shown}' on property '{name}' is not supported because {self._missing}. "
                "Use the $count=true parameter and the ConsistencyLevel: eventual header."
            )
        if level == BASIC_ONLY and self._is_advanced:
            raise self._unsupported(name)

    def _too_many(self, count: int) -> GraphError:
        return unsupported_query(
            "Too many child clauses specified in search filter expression containing 'OR' operators: "
            f"{count}. Max allowed: {MAX_IN}."
        )

    # ---- literals

    def _text(self, name: str) -> str:
        token = self._next()
        if token.kind != "text":
            raise _invalid(f"a quoted value expected for '{name}', '{token.text}' found")
        value = token.text[1:-1].replace("''", "'")
        if len(value) > MAX_TEXT and not self._is_advanced:
            raise bad_request(
                f"The value specified for property '{name}' is too long: {len(value)} characters, at most {MAX_TEXT}."
            )
        return value if name in _EXACT else fold(value)

    # ---- clauses

    def _function(self, function: str) -> Filter:
        operator = function.lower()
        self._expect("(")
        path = self._next().text
        name, value_of = self._column(path)
        self._expect(",")
        wanted = self._text(name)
        self._expect(")")
        self._allow(name, operator, function)
        beginning = (name, wanted) if operator == "startswith" and path == name else None
        return Filter(_text_test(operator, value_of, wanted), frozenset({name}), beginning=beginning)

    def _comparison(self, path: str) -> Filter:
        name, value_of = self._column(path)
        operator = self._next().text
        if operator == "in":
            return self._in(name, value_of)
        if operator in ("ge", "le"):
            self._allow(name, "range", operator)
            return self._range(name, value_of, operator)
        if operator not in ("eq", "ne", "gt", "lt"):
            raise _invalid(f"an operator expected after '{path}', '{operator}' found")
        if operator != "eq":
            raise self._unsupported(name)
        if self._peek() == _Token("name", "null"):
            self._next()
            self._allow(name, "null", "eq null")
            return Filter(lambda row: value_of(row) is None, frozenset({name}))
        self._allow(name, "eq", "eq")
        if name in self._kind.booleans:
            token = self._next()
            if token.text not in ("true", "false"):
                raise _invalid(f"true or false expected for '{name}', '{token.text}' found")
            wanted = token.text == "true"
            return Filter(lambda row: value_of(row) is wanted, frozenset({name}))
        return self._equal(name, value_of, (self._text(name),))

    def _in(self, name: str, value_of: Callable[[Row], Any]) -> Filter:
        self._allow(name, "eq", "in")
        self._expect("(")
        values = [self._text(name)]
        while self._peek().text == "," and self._peek().kind == "sign":
            self._next()
            values.append(self._text(name))
        self._expect(")")
        if len(values) > MAX_IN and not self._is_advanced:
            raise self._too_many(len(values))
        return self._equal(name, value_of, tuple(values))

    def _equal(self, name: str, value_of: Callable[[Row], Any], values: tuple[str, ...]) -> Filter:
        wanted = frozenset(values)
        lookup = (name, values) if name in self._kind.indexed else None
        if name in _EXACT:
            return Filter(lambda row: value_of(row) in wanted, frozenset({name}), lookup)

        def test(row: Row) -> bool:
            value = value_of(row)
            return value is not None and fold(value) in wanted

        return Filter(test, frozenset({name}), lookup)

    def _range(self, name: str, value_of: Callable[[Row], Any], operator: str) -> Filter:
        token = self._next()
        if token.kind != "time":
            raise _invalid(f"a date and time expected for '{name}', '{token.text}' found")
        bound = _instant(token.text)

        def test(row: Row) -> bool:
            value = value_of(row)
            if value is None:
                return False
            return _instant(value) >= bound if operator == "ge" else _instant(value) <= bound

        return Filter(test, frozenset({name}))

    def _count(self, name: str) -> Filter:
        _, value_of = self._column(name)
        operator, bound = self._next().text, self._next()
        self._allow(name, "count", "$count")
        if operator not in ("eq", "ne") or bound.text != "0":
            raise self._unsupported(f"{name}/$count")
        is_empty = operator == "eq"
        return Filter(lambda row: (not value_of(row)) is is_empty, frozenset({name}))

    def _any(self, name: str) -> Filter:
        """name/any(v:v eq 'x'), name/any(v:startsWith(v,'x')), name/any(v:v/member eq 'x')."""
        _, value_of = self._column(name)
        self._expect("(")
        variable = self._next().text
        self._expect(":")
        subject = self._next().text
        operator, member = "eq", ""
        if subject.lower() in ("startswith", "endswith"):
            operator = subject.lower()
            self._expect("(")
            subject = self._next().text
            self._expect(",")
        else:
            self._expect("eq")
        wanted = self._text(name)
        if operator != "eq":
            self._expect(")")
        self._expect(")")
        root, _, member = subject.partition("/")
        if root != variable:
            raise _invalid(f"'{variable}' expected, '{subject}' found")
        rule = f"any/{member}" if member else "any" if operator == "eq" else f"any/{operator}"
        if member and operator != "eq":
            raise self._unsupported(name)
        self._allow(name, rule, "any")
        test = _text_test(operator, lambda item: item.get(member) if member else item, wanted)
        return Filter(lambda row: any(test(item) for item in value_of(row)), frozenset({name}))


def _text_test(operator: str, value_of: Callable[[Any], Any], wanted: str) -> Callable[[Any], bool]:
    """eq, startswith or endswith of folded text."""

    def test(row: Any) -> bool:
        value = value_of(row)
        if value is None:
            return False
        if operator == "eq":
            return fold(value) == wanted
        return fold(value).startswith(wanted) if operator == "startswith" else fold(value).endswith(wanted)

    return test
