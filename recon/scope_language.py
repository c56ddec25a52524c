"""The operators of the provisioning service's scoping filters: their names, how they judge one value, their text form.

As documented ("Scoping users or groups to be provisioned with scoping filters", entra-docs): comparison is
case-sensitive, and every operator but IS NULL is false on a missing value. Pure; nothing here knows a database.
"""

import re
from functools import lru_cache

EQUALS, NOT_EQUALS = "EQUALS", "NOT EQUALS"
IS_TRUE, IS_FALSE, IS_NULL, IS_NOT_NULL = "IS TRUE", "IS FALSE", "IS NULL", "IS NOT NULL"
REGEX, NOT_REGEX = "REGEX MATCH", "NOT REGEX MATCH"
GREATER, GREATER_OR_EQUAL = "Greater_Than", "Greater_Than_OR_EQUALS"
INCLUDES, ENDS_WITH = "Includes", "ENDS_WITH"
MEMBER_OF = "MEMBER_OF"  # ours: one group per value

UNARY = (IS_TRUE, IS_FALSE, IS_NULL, IS_NOT_NULL)
BINARY = (EQUALS, NOT_EQUALS, REGEX, NOT_REGEX, GREATER, GREATER_OR_EQUAL, INCLUDES, ENDS_WITH)
TRUE_TEXTS, FALSE_TEXTS = ("true", "1"), ("false", "0")  # case does not count; a flag column holds 1 or 0


def _bare(name: str) -> str:
    return re.sub(r"[\s_]+", "", name).casefold()


_KNOWN = {_bare(name): name for name in (*UNARY, *BINARY, MEMBER_OF)}
_REFUSED = {
    "&": "it holds when the attribute occurs inside the given value, which also lets fragments in: write EQUALS, or "
    "MEMBER_OF for several values",
    "ismemberof": "the service does not support it in scoping filters: write MEMBER_OF for a list of values",
    "in": "there is no such operator: write MEMBER_OF (one group per value)",
    "startswith": 'there is no such operator: write REGEX MATCH "^prefix"',
}
_REFUSED["!&"] = _REFUSED["&"].replace("occurs", "does not occur")


def known_operator(name: str) -> str | None:
    """The documented spelling of an operator, whatever its blanks, underscores and case; None when there is none."""
    return _KNOWN.get(_bare(name))


def operator(name: str) -> str:
    """The same for a configuration; raises ValueError with the reason, or with those that are known."""
    bare = _bare(name)
    if bare in _REFUSED:
        raise ValueError(f"operator {name} is refused: {_REFUSED[bare]}")
    if bare not in _KNOWN:
        raise ValueError(f"unknown operator {name!r}; known are {', '.join(_KNOWN.values())}")
    return _KNOWN[bare]


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    """A regular expression, compiled; raises ValueError with the place of the fault."""
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {text!r}: {error}") from error


def number(text: str) -> int | None:
    """An integer from 0, as Greater_Than takes it; None for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def check_value(op: str, value: str | None) -> None:
    """Raise ValueError when an operator does not take this value."""
    if (op in UNARY) != (value is None):
        raise ValueError(f"{op} takes {'no value' if op in UNARY else 'a value'}")
    if value == "":
        raise ValueError(f"{op} takes a value that is not empty; a missing one is IS NULL")
    if value is not None and op in (REGEX, NOT_REGEX):
        pattern(value)
    if value is not None and op in (GREATER, GREATER_OR_EQUAL) and number(value) is None:
        raise ValueError(f"{op} takes an integer from 0, not {value!r}")


def holds(op: str, wanted: str | None, value: str | None) -> bool:
    """True when one value fulfils a clause. None is null. Patterns are searched for, not anchored."""
    if op == IS_NULL:
        return value is None
    if value is None:
        return False
    if op in UNARY:
        texts = TRUE_TEXTS if op == IS_TRUE else FALSE_TEXTS
        return op == IS_NOT_NULL or value.lower() in texts
    assert wanted is not None
    if op in (EQUALS, NOT_EQUALS):
        return (value == wanted) is (op == EQUALS)
    if op in (REGEX, NOT_REGEX):
        return (pattern(wanted).search(value) is not None) is (op == REGEX)
    if op in (GREATER, GREATER_OR_EQUAL):
        ours, bound = number(value), number(wanted)
        return ours is not None and bound is not None and (ours > bound or (op == GREATER_OR_EQUAL and ours == bound))
    return wanted in value if op == INCLUDES else value.endswith(wanted)


# ---- the text form ----------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([(),])|([^\s"(),]+))')


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"a quotation mark is not closed: {text[place:].strip()[:40]}")
        quoted, mark, word = match.groups()
        kind = "text" if quoted is not None else "mark" if mark else "word"
        found.append((kind, re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else mark or word))
        place = match.end()
    return found


def parse_group(text: str) -> list[dict[str, object]]:
    """The clauses of `WorkerType EQUALS "Employee" AND Company MEMBER_OF ("Contoso Corp", "Contoso LLC")`.

    Values stand in quotation marks (numbers need none), column names with blanks too. Raises ValueError.
    """
    tokens = _tokens(text)
    clauses = []
    place = 0
    while True:
        clause, place = _parse_clause(tokens, place)
        clauses.append(clause)
        if place == len(tokens):
            return clauses
        if tokens[place] != ("word", "AND"):
            more = "; groups are OR already: write another group" if tokens[place][1].upper() == "OR" else ""
            raise ValueError(f"AND is expected, not {tokens[place][1]!r}{more}")
        place += 1


def _parse_clause(tokens: list[tuple[str, str]], place: int) -> tuple[dict[str, object], int]:
    if place >= len(tokens) or tokens[place][0] == "mark":
        raise ValueError("a column is expected")
    column = tokens[place][1]
    place += 1
    words: list[str] = []
    while place < len(tokens) and tokens[place][0] == "word" and tokens[place][1] != "AND":
        if words and tokens[place][1].isdigit():
            break
        words.append(tokens[place][1])
        place += 1
    if not words:
        raise ValueError(f"an operator is expected behind {column}")
    op = operator(" ".join(words))
    if op in UNARY:
        return {"column": column, "op": op}, place
    if op == MEMBER_OF:
        values, place = _parse_list(tokens, place)
        return {"column": column, "op": op, "values": values}, place
    if place >= len(tokens) or tokens[place][0] == "mark" or tokens[place] == ("word", "AND"):
        raise ValueError(f"{op} takes a value in quotation marks")
    return {"column": column, "op": op, "value": tokens[place][1]}, place + 1


def _parse_list(tokens: list[tuple[str, str]], place: int) -> tuple[list[str], int]:
    values: list[str] = []
    wanted = "("
    while place < len(tokens):
        kind, part = tokens[place]
        place += 1
        if wanted == "text":
            if kind != "text":
                break
            values.append(part)
            wanted = ",)"
        elif kind == "mark" and part in wanted:
            if part == ")":
                return values, place
            wanted = "text"
        else:
            break
    raise ValueError(f'{MEMBER_OF} takes a list: ("one", "two")')
