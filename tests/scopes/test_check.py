"""Scopes over loaded workers: SQL and Python select the same people, on each engine."""

from collections import Counter

import pytest
from sqlalchemy import create_mock_engine, select
from sqlalchemy.dialects import mssql

from recon.backfill_config import Scope
from recon.errors import ConfigError
from recon.scopes import check as checks
from recon.scopes.check import check, people
from recon.scopes.compiled import Compiler, as_sql
from recon.scopes.judge import contains
from recon.scopes.workers import read_workers
from recon.store.tables import LOADED

WORKERS = [
    {"company": "Contoso Corp", "worker_type": "Employee", "Site": "Bonn", "Grade": "9"},
    {"company": "Contoso corp", "worker_type": "Employee", "Grade": "10"},
    {"company": "Contoso Corp ", "worker_type": "employee", "Grade": "11"},
    {"company": "Contoso LLC", "worker_type": "Contingent Worker", "Site": "bonn", "Grade": "eleven"},
    {"company": None, "worker_type": "Employee", "Remote": "True"},
    {"company": "Fabrikam", "worker_type": None, "Remote": "0"},
    {"company": "Ünal & Söhne 100%", "worker_type": "Employee", "is_active": 0, "Site": "a_b'c"},
    {"company": None, "worker_type": None, "is_active": None},
]


def fill(estate):
    for number, values in enumerate(WORKERS):
        own = {name: value for name, value in values.items() if name[0].islower()}
        worker_id = f"W{number}"
        estate.worker(worker_id, **own)
        for name, value in values.items():
            if name not in own:
                estate._insert(
                    "worker_attribute", "workers", {"worker_id": worker_id, "attribute": name, "value": value}
                )


CLAUSES = [
    'company EQUALS "Contoso Corp"', 'company NOT EQUALS "Contoso Corp"', "company IS NULL", "company IS NOT NULL",
    'company Includes "Corp"', 'company Includes "&"', 'company Includes "%"', 'company Includes "_"',
    'company ENDS_WITH "Corp"', 'company ENDS_WITH "corp"', 'company ENDS_WITH " "', 'company REGEX MATCH "^C"',
    'company NOT REGEX MATCH "^Contoso (Corp|LLC)$"', 'company MEMBER_OF ("Contoso Corp", "Fabrikam")',
    'Site EQUALS "Bonn"', 'Site NOT EQUALS "Bonn"', "Site IS NULL", "Site IS NOT NULL", 'Site Includes "_"',
    "Site EQUALS \"a_b'c\"", 'Site ENDS_WITH "onn"', "Grade Greater_Than 9", "Grade Greater_Than_OR_EQUALS 9",
    "Remote IS TRUE", "Remote IS FALSE", "Remote IS NULL", "is_active IS TRUE", "is_active IS FALSE",
    "is_active IS NULL", 'is_active EQUALS "1"', 'company EQUALS "Contoso Corp" AND worker_type EQUALS "Employee"',
    'Site IS NULL AND worker_type NOT EQUALS "Employee"',
]  # fmt: skip


def test_sql_selects_whom_python_selects(estate):
    fill(estate)
    worker = LOADED["worker"]
    with estate.store.read() as connection:
        ids = checks.worker_sources(connection)
        names = ["worker_id", "company", "worker_type", "is_active"]
        rows = [row for part in read_workers(connection, ids[0], names, ["Site", "Grade", "Remote"]) for row in part]
        assert len(rows) == len(WORKERS)
        compiler = Compiler(connection, ids)
        for text in CLAUSES:
            scope = Scope(groups=[text])
            wanted = [row["worker_id"] for row in rows if contains(scope, row)]
            found = connection.scalars(
                select(worker.c.worker_id).where(compiler.scope(scope)).order_by(worker.c.worker_id)
            )
            assert list(found) == wanted, text
            without = connection.scalars(select(worker.c.worker_id).where(~compiler.scope(scope)))
            assert len(list(without)) == len(WORKERS) - len(wanted), text  # never null


HYBRID = Scope(groups=['worker_type EQUALS "Employee" AND company MEMBER_OF ("Contoso Corp", "Contoso LLC")'])
CLOUD = Scope(groups=['worker_type EQUALS "Contingent Worker"', 'company NOT EQUALS "Contoso Corp"'])
MANY = Scope(groups=['worker_id REGEX MATCH "^W"'])


def gap(found, scope):
    return {each.columns: each.people for each in found.gaps if each.scope == scope}


def test_a_check(estate):
    fill(estate)
    with estate.store.read() as connection:
        found = check(connection, {"hybrid": HYBRID, "cloud": CLOUD})
        named = list(people(connection, {"hybrid": HYBRID, "cloud": CLOUD}))
    assert found.by_sql
    assert (found.people, found.selected) == (8, {"hybrid": 1, "cloud": 5})
    assert (found.in_several, found.in_none) == (0, 2)
    # Contoso LLC is NOT EQUALS Contoso Corp
    (pair,) = found.pairs
    assert (pair.relation.verdict, pair.people, pair.rivals) == ("overlap", 0, True)
    assert pair.relation.witness == {"worker_type": "Employee", "company": "Contoso LLC"}
    assert gap(found, "hybrid") == {("company",): 1, ("worker_type", "company"): 1}
    assert gap(found, "cloud") == {("company",): 1, ("worker_type", "company"): 1}
    near = {(each.scope, each.column, each.literal, each.value): each.people for each in found.near}
    assert near == {
        ("hybrid", "worker_type", "Employee", "employee"): 1,
        ("hybrid", "company", "Contoso Corp", "Contoso corp"): 1,
        ("hybrid", "company", "Contoso Corp", "Contoso Corp "): 1,
        ("cloud", "company", "Contoso Corp", "Contoso corp"): 1,
        ("cloud", "company", "Contoso Corp", "Contoso Corp "): 1,
    }
    assert found.has_findings
    assert [(row[0], row[3]) for row in named] == [("W4", ()), ("W7", ())]


def test_people_in_two_scopes(estate):
    fill(estate)
    contoso = Scope(groups=['company REGEX MATCH "^Contoso Corp$"'])
    pattern = Scope(groups=['company REGEX MATCH "^Cont.*Corp$"'])
    with estate.store.read() as connection:
        found = check(connection, {"one": contoso, "two": pattern})
        named = list(people(connection, {"one": contoso, "two": pattern}))
    assert found.in_several == 1
    assert found.pairs[0].people == 1
    assert [row for row in named if row[3]] == [("W0", "W0", "Worker W0", ("one", "two"))]
    # a scope that mirrors another connector's takes nobody away
    mirror = pattern.model_copy(update={"may_overlap": True})
    with estate.store.read() as connection:
        found = check(connection, {"one": contoso, "two": mirror})
    assert (found.in_several, found.has_findings) == (0, False)


def test_unknown_falls_back_to_the_data(estate):
    fill(estate)
    one, two = (Scope(groups=[f'worker_id REGEX MATCH "^{letter}[0-9]$"']) for letter in "WX")
    with estate.store.read() as connection:
        found = check(connection, {"one": one, "two": two})
    assert (found.pairs[0].relation.verdict, found.pairs[0].relation.doubts) == ("unknown", ("worker_id",))
    assert (found.pairs[0].people, found.in_several, found.has_findings) == (0, 0, False)


def test_without_a_listable_condition_python_counts_the_same(estate):
    fill(estate)
    scopes = {"hybrid": HYBRID, "cloud": CLOUD, "many": MANY}
    with estate.store.read() as connection:
        by_sql = check(connection, scopes)
        by_python = check(connection, scopes, most_values=1)
    assert (by_sql.by_sql, by_python.by_sql) == (True, False)
    for name in ("people", "selected", "in_several", "in_none", "pairs", "near"):
        assert getattr(by_sql, name) == getattr(by_python, name)
    assert Counter(by_sql.gaps) == Counter(by_python.gaps)


def test_unknown_columns(estate):
    fill(estate)
    with estate.store.read() as connection, pytest.raises(ConfigError, match=r"\[scope.x\] names column site"):
        check(connection, {"x": Scope(groups=['site EQUALS "Bonn"'])})


def test_the_sql_of_a_scope_runs_as_it_stands(estate):
    fill(estate)
    with estate.store.read() as connection:
        ids = checks.worker_sources(connection)
        text = as_sql(Compiler(connection, ids).scope(Scope(groups=['Site EQUALS "a_b\'c"'])), connection, ids)
        assert [row[0] for row in connection.exec_driver_sql(text.replace("%", "%%"))] == ["W6"]


def test_on_sql_server_a_binary_collation_decides():
    engine = create_mock_engine("mssql+pyodbc://", None)
    condition = Compiler(engine, [1]).scope(Scope(groups=['company EQUALS "a" AND company ENDS_WITH "b"']))
    text = str(condition.compile(dialect=mssql.dialect()))
    assert text.count("COLLATE Latin1_General_100_BIN2") == 3
