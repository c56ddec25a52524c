"""The audit of the second connector: none on the good schema, each finding on a bad one."""

import copy
import json
from collections import Counter
from pathlib import Path

import pytest

from recon.cli.main import run
from recon.connector.audit import audit, scope_of
from recon.errors import DecodeError

FIXTURES = Path(__file__).parent.parent / "data" / "connectors"


def read(name):
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def faults(schema, **scopes):
    return audit(schema, same_as=scope_of(read("connector1_scope")), apart_from=scope_of(read("cloud_only_scope")))


def codes(schema):
    return [fault.code for fault in faults(schema)]


def test_the_good_one_has_none():
    assert faults(read("good_second_connector")) == []


def test_the_bad_one_has_seventeen():
    found = faults(read("bad_second_connector"))
    assert Counter(fault.code for fault in found) == {
        "create-on": 1, "delete-on": 1, "match": 1, "extra-target": 8, "work-email": 1, "alpha3": 1,
        "default-value": 1, "no-scope": 1, "scope-differs": 1, "scope-overlap": 1,
    }  # fmt: skip
    levels = {fault.where: fault.level for fault in found if fault.code == "extra-target"}
    assert levels.pop("accountEnabled") == "critical"
    assert set(levels.values()) == {"high"}


def changed(path, value):
    """The good schema with one thing changed; path into its object mapping."""
    schema = copy.deepcopy(read("good_second_connector"))
    place = schema["synchronizationRules"][0]["objectMappings"][0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return schema


@pytest.mark.parametrize(
    ("path", "value", "wanted"),
    [
        (("flowTypes",), None, ["create-on", "delete-on"]),
        (("flowTypes",), "Add,update", ["create-on"]),
        (("flowTypes",), "Delete", ["delete-on", "update-off"]),
        (("enabled",), False, ["mapping-disabled"]),
        (("attributeMappings", 0, "matchingPriority"), 0, ["match"]),
        (("attributeMappings", 0, "matchingPriority"), 2, ["match"]),
        (("attributeMappings", 1, "matchingPriority"), 2, ["match"]),
        (("attributeMappings", 0, "source", "type"), "Function", ["match-source"]),
        (("attributeMappings", 1, "targetAttributeName"), "mail", ["othermails-missing", "extra-target"]),
        (("attributeMappings", 1, "flowType"), "AttributeAddOnly", ["flow-type"]),
        (("attributeMappings", 1, "flowBehavior"), "FlowAlways", ["flow-always"]),
        (("scope", "groups", 0, "clauses"), [], ["empty-group", "scope-differs", "scope-overlap"]),
        (("scope", "groups", 0, "clauses", 0, "operatorName"), "MEMBER_OF",
         ["unknown-operator", "scope-differs", "scope-unknown"]),
        (("scope", "groups", 0, "clauses", 1, "targetOperand", "values"), ["Contoso Corp "],
         ["blanks", "scope-differs", "scope-overlap"]),
    ],
)  # fmt: skip
def test_each_finding(path, value, wanted):
    assert codes(changed(path, value)) == wanted


def test_names_and_case_do_not_matter():
    text = json.dumps(read("good_second_connector"))
    other = text.replace("Microsoft Entra ID", "Azure Active Directory").replace('"otherMails"', '"OtherMails"')
    assert faults(json.loads(other)) == []


def test_flow_of_nulls():
    schema = read("good_second_connector")
    schema["directories"][0]["objects"][0]["attributes"][1]["flowNullValues"] = True
    assert [(fault.code, fault.where) for fault in faults(schema)] == [("null-flow", "PersonalEmail")]


@pytest.mark.parametrize("bad", [[], {}, {"synchronizationRules": []}, {"synchronizationRules": [1]}, None])
def test_no_schema(bad):
    with pytest.raises(DecodeError):
        audit(bad)


def test_the_command(capsys, tmp_path):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            run(["connector", "audit", *map(str, arguments)])
        return ended.value.code, *capsys.readouterr()

    scopes = ("--same-as", FIXTURES / "connector1_scope.json", "--apart-from", FIXTURES / "cloud_only_scope.json")
    code, out, err = call(FIXTURES / "bad_second_connector.json", *scopes, "--format", "json")
    assert (code, len(json.loads(out))) == (3, 17)
    assert err == "17 findings in bad_second_connector.json\n"
    assert call(FIXTURES / "good_second_connector.json", *scopes)[0] == 0
    (tmp_path / "x.json").write_text("{")
    assert call(tmp_path / "x.json")[0] == 2
    assert call(tmp_path / "none.json")[0] == 2
