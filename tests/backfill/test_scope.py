"""A scope is judged as the provisioning service judges it."""

import pytest

from recon.backfill.scope import chosen_scope
from recon.backfill_config import Scope
from recon.config import Config
from recon.errors import ConfigError, UsageError
from recon.scopes.judge import check_columns, columns, contains, definition


def scope(*groups):
    return Scope.model_validate({"groups": groups})


def clause(column, op, value=None):
    return {"column": column, "op": op} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("entry", "value", "holds"),
    [
        (clause("company", "EQUALS", "Contoso"), "Contoso", True),
        (clause("company", "EQUALS", "Contoso"), "contoso", False),
        (clause("company", "EQUALS", "Contoso"), "Contoso ", False),
        (clause("company", "EQUALS", "Contoso"), None, False),
        (clause("company", "NOT EQUALS", "Contoso"), "contoso", True),
        (clause("company", "NOT EQUALS", "Contoso"), "Contoso", False),
        (clause("company", "NOT EQUALS", "Contoso"), None, False),
        (clause("company", "IS NULL"), None, True),
        (clause("company", "IS NULL"), "", True),
        (clause("company", "IS NULL"), "x", False),
        (clause("company", "IS NOT NULL"), "x", True),
        (clause("company", "IS NOT NULL"), None, False),
        (clause("is_active", "EQUALS", "1"), 1, True),
        (clause("is_active", "EQUALS", "1"), 0, False),
    ],
)
def test_operators(entry, value, holds):
    assert contains(scope([entry]), {entry["column"]: value}) is holds
    if value is None:
        assert contains(scope([entry]), {}) is holds


def test_groups_are_or_and_clauses_are_and():
    both = scope(
        [clause("company", "EQUALS", "Contoso"), clause("Site", "EQUALS", "Bonn")], [clause("country", "EQUALS", "AT")]
    )
    assert contains(both, {"company": "Contoso", "Site": "Bonn"})
    assert not contains(both, {"company": "Contoso", "Site": "Ulm"})
    assert contains(both, {"company": "Fabrikam", "country": "AT"})
    assert columns(both) == ("company", "Site", "country")
    assert definition(both)[1] == [{"column": "country", "op": "EQUALS", "value": "AT"}]


def test_unknown_columns_are_named_with_what_is_known():
    wanted = scope([clause("Sitte", "EQUALS", "Bonn")])
    with pytest.raises(ConfigError, match=r"\[scope.x\] names column Sitte, .*did you mean Site\?") as caught:
        check_columns("x", wanted, ["company", "country"], ["Site"])
    assert caught.value.hint == "worker columns: company, country; headers of the HR extract: Site"
    check_columns("x", scope([clause("Site", "IS NULL")]), ["company"], ["Site"])
    with pytest.raises(ConfigError):  # headers are taken as written
        check_columns("x", scope([clause("site", "IS NULL")]), ["company"], ["Site"])


def test_without_a_scope_nothing_is_planned():
    config = Config.model_validate({"scope": {"hybrid": {"groups": [[clause("company", "EQUALS", "Contoso")]]}}})
    with pytest.raises(UsageError, match="without a filter every worker would be written") as caught:
        chosen_scope(config)
    assert "defined: hybrid" in (caught.value.hint or "")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=r"no \[scope.hibrid\]"):
        chosen_scope(config, "hibrid")
    assert chosen_scope(config, "hybrid")[0] == "hybrid"
