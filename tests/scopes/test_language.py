"""The operators as documented: case-sensitive, false on null; and the text form."""

import pytest
from pydantic import ValidationError

from recon.backfill_config import Scope
from recon.scope_language import holds, operator, parse_group
from recon.scopes.judge import contains, definition


@pytest.mark.parametrize(
    ("op", "wanted", "yes", "no"),
    [
        ("EQUALS", "Contoso", ["Contoso"], ["contoso", "Contoso ", "Contos", None]),
        ("NOT EQUALS", "Contoso", ["contoso", "x"], ["Contoso", None]),
        ("IS TRUE", None, ["true", "True", "TRUE", "1"], ["false", "0", "yes", None]),
        ("IS FALSE", None, ["false", "FALSE", "0"], ["true", "1", "no", None]),
        ("IS NULL", None, [None], ["x"]),
        ("IS NOT NULL", None, ["x"], [None]),
        ("REGEX MATCH", "^C[0-9]", ["C1", "C12x"], ["c1", "XC1", None]),
        ("REGEX MATCH", "C", ["AbC"], ["Abc", None]),
        ("NOT REGEX MATCH", "^C", ["xC", "c"], ["C", None]),
        ("Greater_Than", "10", ["11", "0011", "100"], ["10", "9", "-11", "11.5", "x", None]),
        ("Greater_Than_OR_EQUALS", "10", ["10", "11"], ["9", "x", None]),
        ("Includes", "Corp", ["Contoso Corp", "Corp"], ["corp", "Cor", None]),
        ("ENDS_WITH", "LLC", ["Contoso LLC", "LLC"], ["LLC ", "llc", None]),
    ],
)
def test_operators(op, wanted, yes, no):
    assert [value for value in yes if not holds(op, wanted, value)] == []
    assert [value for value in no if holds(op, wanted, value)] == []


@pytest.mark.parametrize(
    ("written", "op"),
    [("equals", "EQUALS"), ("NOT_EQUALS", "NOT EQUALS"), ("not regex_match", "NOT REGEX MATCH"),
     ("is  null", "IS NULL"), ("GREATER THAN", "Greater_Than"),
     ("greaterthanorequals", "Greater_Than_OR_EQUALS"), ("INCLUDES", "Includes"),
     ("Ends With", "ENDS_WITH"), ("member of", "MEMBER_OF")],
)  # fmt: skip
def test_spelling(written, op):
    assert operator(written) == op


@pytest.mark.parametrize(
    ("written", "said"),
    [("&", "also lets fragments in"), ("!&", "does not occur inside"), ("IsMemberOf", "write MEMBER_OF"),
     ("IN", "write MEMBER_OF"), ("STARTS_WITH", 'REGEX MATCH "\\^prefix"'),
     ("LIKE", "unknown operator 'LIKE'; known are IS TRUE")],
)  # fmt: skip
def test_refused_operators(written, said):
    with pytest.raises(ValueError, match=said):
        operator(written)


def test_the_text_form():
    assert parse_group('WorkerType EQUALS "Employee" AND "Cost Center" IS NOT NULL AND grade Greater_Than 7') == [
        {"column": "WorkerType", "op": "EQUALS", "value": "Employee"},
        {"column": "Cost Center", "op": "IS NOT NULL"},
        {"column": "grade", "op": "Greater_Than", "value": "7"},
    ]
    assert parse_group(r'a not equals "say \"AND\" \\"') == [
        {"column": "a", "op": "NOT EQUALS", "value": 'say "AND" \\'}
    ]
    assert parse_group('a MEMBER_OF ("x, y", "z")')[0]["values"] == ["x, y", "z"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a column is expected"),
        ("a", "an operator is expected behind a"),
        ("a EQUALS", "EQUALS takes a value"),
        ('a EQUALS "x" OR b EQUALS "y"', "groups are OR already"),
        ('a EQUALS "x" AND', "a column is expected"),
        ('a EQUALS "x', "not closed"),
        ('a MEMBER_OF "x"', "takes a list"),
        ('a MEMBER_OF ("x" "y")', "takes a list"),
        ("a MEMBER_OF ()", "takes a list"),
        ('a MEMBER_OF ("x",', "takes a list"),
        ('a & "x"', "operator & is refused"),
    ],
)
def test_bad_text(text, said):
    with pytest.raises(ValueError, match=said):
        parse_group(text)


def test_member_of_becomes_groups():
    scope = Scope(
        groups=['type EQUALS "Employee" AND company MEMBER_OF ("Contoso Corp", "Contoso LLC", "Contoso LLC")']
    )
    assert scope.was_expanded
    assert definition(scope) == [
        [{"column": "type", "op": "EQUALS", "value": "Employee"}, {"column": "company", "op": "EQUALS", "value": name}]
        for name in ("Contoso Corp", "Contoso LLC")
    ]
    assert contains(scope, {"type": "Employee", "company": "Contoso LLC"})
    assert not contains(scope, {"type": "Employee", "company": "Contoso llc"})
    assert not contains(scope, {"company": "Contoso LLC"})
    two = Scope(groups=['a MEMBER_OF ("1", "2") AND b MEMBER_OF ("3", "4")', "c IS NULL"])
    assert [[clause.value for clause in group] for group in two.expanded] == [
        ["1", "3"], ["1", "4"], ["2", "3"], ["2", "4"], [None],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ([{"column": "a", "op": "REGEX MATCH", "value": "(x"}], "not a regular expression"),
        ([{"column": "a", "op": "Greater_Than", "value": "-1"}], "takes an integer from 0"),
        ([{"column": "a", "op": "EQUALS", "value": ""}], "a missing one is IS NULL"),
        ([{"column": "a", "op": "MEMBER_OF", "value": "x"}], "takes values"),
        ([{"column": "a", "op": "EQUALS", "values": ["x"]}], "values is for MEMBER_OF"),
        (f"a MEMBER_OF ({', '.join(f'{chr(34)}{n}{chr(34)}' for n in range(501))})", "more than 500 groups"),
    ],
)
def test_clauses_that_cannot_hold_are_refused(group, said):
    with pytest.raises(ValidationError, match=said):
        Scope.model_validate({"groups": [group]})


def test_a_number_needs_no_quotation_marks():
    scope = Scope.model_validate({"groups": [[{"column": "grade", "op": "greater than", "value": 7}]]})
    assert contains(scope, {"grade": "8"})
    assert not contains(scope, {"grade": "7"})
