"""Two scopes by logic: disjoint, overlap with a witness that both select, or unknown, which is never safe."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.backfill_config import Scope
from recon.errors import DecodeError
from recon.scope_language import holds
from recon.scopes.algebra import relate
from recon.scopes.filter_json import FilterClause, from_filter, same_filter, to_filter

FIXTURES = Path(__file__).parent.parent / "data" / "connectors"


def groups(*texts):
    return Scope(groups=texts).expanded if texts else ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('x EQUALS "a"', 'x EQUALS "b"'),
        ('x EQUALS "a"', 'x NOT EQUALS "a"'),
        ("x IS NULL", 'x NOT EQUALS "a"'),
        ('x REGEX MATCH "^C"', 'x EQUALS "Abc"'),
        ('x REGEX MATCH "^C[0-9]+"', 'x NOT REGEX MATCH "^C[0-9]+"'),
        ("x Greater_Than 10", 'x EQUALS "9"'),
        ("x Greater_Than 10", "x IS NULL"),
        ("x IS TRUE", "x IS FALSE"),
        ("x IS NULL", "x IS NOT NULL"),
        ('x EQUALS "a" AND y EQUALS "1"', 'x EQUALS "a" AND y EQUALS "2"'),
        ('x REGEX MATCH "^(a|b)$"', 'x REGEX MATCH "^(c|d)$"'),
        ('x MEMBER_OF ("a", "b")', 'x MEMBER_OF ("c", "d")'),
        ('x EQUALS "Contoso Corp"', 'x Includes "LLC"'),
    ],
)
def test_disjoint(first, second):
    for one, two in ((first, second), (second, first)):
        assert relate(groups(one), groups(two)).verdict == "disjoint"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (('x NOT EQUALS "a"',), ('x NOT EQUALS "b"',)),
        (('x EQUALS "a"',), ('y EQUALS "b"',)),
        ((), ('x EQUALS "a"',)),
        ((), ()),
        (('x REGEX MATCH "C"',), ('x EQUALS "AbC"',)),
        (('x EQUALS "a"', 'x EQUALS "b"'), ('x EQUALS "c"', 'x EQUALS "b" AND y IS NULL')),
        (('x Includes "ab"',), ('x ENDS_WITH "cd"',)),
        (("x Greater_Than 10",), ("x Greater_Than_OR_EQUALS 20",)),
        (('x REGEX MATCH "^(a|b)$"',), ('x REGEX MATCH "^(b|c)$"',)),
        (('x MEMBER_OF ("a", "b")',), ('x MEMBER_OF ("b", "c")',)),
    ],
)
def test_overlap_with_a_witness(first, second):
    one, two = groups(*first), groups(*second)
    relation = relate(one, two)
    assert relation.verdict == "overlap"
    for its in (one, two):
        assert not its or any(
            all(holds(clause.op, clause.value, relation.witness.get(clause.column)) for clause in group)
            for group in its
        )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('x REGEX MATCH "^C[0-9]{4}$"', 'x REGEX MATCH "^E[0-9]{4}$"'),
        ('x REGEX MATCH "^a|b$"', 'x REGEX MATCH "^c|d$"'),
        ('x EQUALS "Contoso LLC"', 'x ENDS_WITH "llc"'),  # its case rule is not documented
    ],
)
def test_unknown(first, second):
    assert relate(groups(first), groups(second)).verdict == "unknown"
    assert relate(groups(first), groups(second)).doubts == ("x",)


@pytest.mark.parametrize("op", ["MEMBER_OF", "Something", "EQUALS with several values"])
def test_an_operator_of_an_export_that_nobody_knows_is_unknown(op):
    strange = ((FilterClause("x", op, None),),)
    assert relate(strange, groups('x EQUALS "a"')).verdict == "unknown"
    # another column that contradicts decides all the same
    both = ((FilterClause("x", op, None), FilterClause("y", "EQUALS", "1")),)
    assert relate(both, groups('y EQUALS "2"')).verdict == "disjoint"


def test_literals_that_differ_only_in_case_or_blanks():
    relation = relate(groups('x EQUALS "Employee"'), groups('x EQUALS "employee"'))
    assert (relation.verdict, relation.near) == ("disjoint", (("x", "Employee", "employee"),))
    assert relate(groups('x EQUALS "a  b"'), groups('x NOT EQUALS "a b "')).near == (("x", "a  b", "a b "),)
    assert relate(groups('x EQUALS "a"'), groups('x EQUALS "b"')).near == ()


TEXT_OPS = ["EQUALS", "NOT EQUALS", "Includes", "ENDS_WITH"]
OTHERS = ["x IS NULL", "x IS NOT NULL", "x IS TRUE", "x IS FALSE"]
OTHERS += [f'x {op} "{pattern}"' for op in ("REGEX MATCH", "NOT REGEX MATCH") for pattern in ("^a", "^(a|b)$")]
CLAUSES = st.one_of(
    st.builds('x {} "{}"'.format, st.sampled_from(TEXT_OPS), st.sampled_from("ab1")),
    st.builds("x {} {}".format, st.sampled_from(["Greater_Than", "Greater_Than_OR_EQUALS"]), st.sampled_from("012")),
    st.sampled_from(OTHERS),
)
VALUES = [None, *"ab012", "ab", "ba", "aa", "true", "False", "c", "A", "12", "1a", "xx"]


@settings(max_examples=300, deadline=None)
@given(first=st.lists(CLAUSES, min_size=1, max_size=3), second=st.lists(CLAUSES, min_size=1, max_size=3))
def test_disjoint_scopes_share_no_value(first, second):
    one, two = groups(" AND ".join(first)), groups(" AND ".join(second))
    relation = relate(one, two)
    shared = [value for value in VALUES if all(holds(clause.op, clause.value, value) for clause in (*one[0], *two[0]))]
    if relation.verdict == "disjoint":
        assert shared == []
    if relation.verdict == "overlap":
        value = relation.witness["x"]
        assert all(holds(clause.op, clause.value, value) for clause in (*one[0], *two[0]))
    assert relate(two, one).verdict == relation.verdict


def read(name):
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


HYBRID = Scope.model_validate(
    {
        "groups": ['worker_type EQUALS "Employee" AND company MEMBER_OF ("Contoso Corp", "Contoso LLC")'],
        "attributes": {"worker_type": "WorkerType", "company": "Company"},
    }
)


def test_the_services_filter_both_ways():
    connector1 = from_filter(read("connector1_scope"))
    made = to_filter("hybrid", HYBRID)
    assert [group["name"] for group in made["groups"]] == ["hybrid-1", "hybrid-2"]
    assert same_filter(from_filter(made), connector1)
    assert {**made, "groups": [group["clauses"] for group in made["groups"]]} == {
        **read("connector1_scope"), "groups": [group["clauses"] for group in read("connector1_scope")["groups"]],
    }  # fmt: skip
    cloud = from_filter(read("cloud_only_scope"))
    assert not same_filter(connector1, cloud)
    assert relate(connector1, cloud).verdict == "disjoint"
    assert to_filter("x", Scope(groups=["a IS NULL"]))["groups"] == [
        {"name": "x", "clauses": [{"operatorName": "IS NULL", "sourceOperandName": "a", "targetOperand": None}]}
    ]


def test_no_filter_is_everybody_and_a_broken_one_is_refused():
    assert from_filter(None) == from_filter({"groups": []}) == ()
    for bad in ([], {"groups": [1]}, {"groups": {}}, {"groups": [{"clauses": [{"operatorName": "EQUALS"}]}]}):
        with pytest.raises(DecodeError):
            from_filter(bad)
    clause = {"operatorName": "not_equals", "sourceOperandName": "a", "targetOperand": {"values": ["1", "2"]}}
    assert from_filter({"groups": [{"clauses": [clause]}]})[0][0].op == "not_equals with several values"
