"""What is wrong with the second connector, from its exported synchronizationSchema alone: no tenant is asked.

The second connector updates otherMails and usageLocation of users whom another connector makes: it must neither create
nor delete, map nothing else, match on the employee id alone, and have the first connector's population. Names and flow
types are compared without case; the source directory is the one that is not Entra ID.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recon.errors import DecodeError
from recon.scope_language import BINARY, REGEX, UNARY
from recon.scopes.algebra import relate
from recon.scopes.filter_json import FilterGroups, from_filter, same_filter

_ENTRA = ("azure active directory", "microsoft entra id")
_ALLOWED = {"employeeid", "othermails", "usagelocation"}
_WORK_MAIL = {"emailaddress", "email", "workemail"}
_ALPHA3 = {"countryreference", "countryreferencenumeric", "countryreferencefriendly"}
_KNOWN_FLOWS = {"always", "objectaddonly", "multivalueaddonly", "valueaddonly", "attributeaddonly"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `level`: critical, high or medium; `where`: mapping or attribute."""

    level: str
    code: str
    where: str
    detail: str


def audit(schema: Any, *, same_as: FilterGroups | None = None, apart_from: FilterGroups | None = None) -> list[Fault]:
    """Everything wrong with a schema. `same_as`: the first connector's scope; `apart_from`: the cloud-only one's.

    Raises DecodeError when it is no synchronization schema.
    """
    mappings = [mapping for rule in _list(schema, "synchronizationRules") if _is_inbound(rule)
                for mapping in _list(rule, "objectMappings")]  # fmt: skip
    if not mappings:
        raise DecodeError("no object mapping to Microsoft Entra ID in the schema")
    faults = []
    enabled = [mapping for mapping in mappings if mapping.get("enabled") is not False]
    if not enabled:
        faults.append(Fault("medium", "mapping-disabled", _name(mappings[0]), "no object mapping is enabled"))
    faults += [Fault("high", "extra-mapping", _name(extra), "a second mapping is enabled") for extra in enabled[1:]]
    for mapping in enabled[:1]:
        faults += _flow_faults(mapping)
        faults += _attribute_faults(mapping)
        faults += _scope_faults(mapping, same_as, apart_from)
    faults += _null_flow_faults(schema)
    return faults


def scope_of(data: Any) -> FilterGroups:
    """The scope of a schema's first enabled object mapping, or of an exported filter. Raises DecodeError."""
    if isinstance(data, Mapping) and "synchronizationRules" in data:
        for rule in _list(data, "synchronizationRules"):
            for mapping in _list(rule, "objectMappings"):
                if mapping.get("enabled") is not False:
                    return from_filter(mapping.get("scope"))
        raise DecodeError("no enabled object mapping in the schema")
    return from_filter(data)


def enabled_mapping(schema: Any) -> Mapping[str, Any] | None:
    """The first enabled object mapping to Entra ID: the one that runs. Raises DecodeError."""
    for rule in _list(schema, "synchronizationRules"):
        for mapping in _list(rule, "objectMappings") if _is_inbound(rule) else ():
            if mapping.get("enabled") is not False:
                return mapping
    return None


def _list(data: Any, name: str) -> list[Mapping[str, Any]]:
    found = data.get(name) if isinstance(data, Mapping) else None
    if found is None and isinstance(data, Mapping) and name != "synchronizationRules":
        return []
    if not isinstance(found, list) or not all(isinstance(entry, Mapping) for entry in found):
        raise DecodeError(f"not a synchronization schema: {name} is no list of objects")
    return found


def _is_inbound(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("targetDirectoryName", "")).strip().lower() in _ENTRA


def _name(mapping: Mapping[str, Any]) -> str:
    return str(mapping.get("name") or "object mapping")


def _text(value: Any) -> str:
    return str(value or "").strip().lower()


def _flow_faults(mapping: Mapping[str, Any]) -> Iterator[Fault]:
    written = mapping.get("flowTypes")
    # missing means all three
    flows = {part.strip().lower() for part in str(written).split(",")} if written else {"add", "update", "delete"}
    if "add" in flows:
        yield Fault("critical", "create-on", _name(mapping), "it creates users: twins of those that AD brings")
    if "delete" in flows:
        yield Fault("critical", "delete-on", _name(mapping), "it deletes users")
    if "update" not in flows:
        yield Fault("high", "update-off", _name(mapping), "it does nothing: Update is off")


def _source(attribute: Mapping[str, Any]) -> tuple[str, str]:
    """Name and type of an attribute mapping's source."""
    source = attribute.get("source")
    if not isinstance(source, Mapping):
        return "", ""
    return _text(source.get("name")), _text(source.get("type"))


def _attribute_faults(mapping: Mapping[str, Any]) -> Iterator[Fault]:
    attributes = _list(mapping, "attributeMappings")
    yield from _match_faults(mapping, attributes)
    targets = [_text(attribute.get("targetAttributeName")) for attribute in attributes]
    if "othermails" not in targets:
        yield Fault("high", "othermails-missing", _name(mapping), "otherMails is not mapped")
    for target, attribute in zip(targets, attributes, strict=True):
        where = str(attribute.get("targetAttributeName"))
        name, _ = _source(attribute)
        if target not in _ALLOWED:
            is_worst = target in ("accountenabled", "issoftdeleted")
            why = "terminations would flow" if is_worst else "only otherMails and usageLocation may be mapped"
            yield Fault("critical" if is_worst else "high", "extra-target", where, why)
        if target == "othermails" and name in _WORK_MAIL:
            yield Fault("high", "work-email", where, f"{name} is the work mail, no personal one")
        if target == "usagelocation" and name in _ALPHA3:
            yield Fault("high", "alpha3", where, f"{name} is no two-letter code")
        if attribute.get("defaultValue"):
            yield Fault("medium", "default-value", where, "a default is for creating, which must be off")
        flow = _text(attribute.get("flowType")) or "always"
        if target in _ALLOWED and flow != "always":
            known = "keeps old values or fills only" if flow in _KNOWN_FLOWS else "is not a documented flow type"
            yield Fault("medium", "flow-type", where, f"{attribute.get('flowType')} {known}")
        if _text(attribute.get("flowBehavior")) == "flowalways":
            yield Fault("medium", "flow-always", where, "written in each cycle, changed or not")


def _priority(attribute: Mapping[str, Any]) -> int:
    found = attribute.get("matchingPriority")
    return found if isinstance(found, int) else 0


def _match_faults(mapping: Mapping[str, Any], attributes: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    matching = [attribute for attribute in attributes if _priority(attribute) > 0]
    targets = [_text(attribute.get("targetAttributeName")) for attribute in matching]
    if targets != ["employeeid"]:
        said = ", ".join(str(each.get("targetAttributeName")) for each in matching) or "nothing"
        yield Fault("high", "match", _name(mapping), f"it matches on {said}, not on employeeId alone")
    elif _priority(matching[0]) != 1:
        yield Fault("high", "match", _name(mapping), "employeeId must have matching priority 1")
    elif _source(matching[0])[1] != "attribute":
        yield Fault("high", "match-source", _name(mapping), "employeeId comes from an expression: check what it makes")


def _scope_faults(
    mapping: Mapping[str, Any], same_as: FilterGroups | None, apart_from: FilterGroups | None
) -> Iterator[Fault]:
    where = f"{_name(mapping)}: scope"
    groups = from_filter(mapping.get("scope"))
    if not groups:
        yield Fault("critical", "no-scope", where, "without a filter everybody is in scope")
    for group in groups:
        if not group:
            yield Fault("high", "empty-group", where, "a group without clauses selects everybody")
    scope = mapping.get("scope")
    if isinstance(scope, Mapping) and not groups and scope.get("inputFilterGroups"):
        yield Fault("high", "input-filter-only", where, "only the experimental inputFilterGroups are filled")
    yield from _clause_faults(groups, where)
    if same_as is not None and not same_filter(groups, same_as):
        yield Fault("high", "scope-differs", where, "it is not the first connector's scope")
    if apart_from is not None:
        relation = relate(groups, apart_from)
        if relation.verdict == "overlap":
            shown = ", ".join(f"{name}={value!r}" for name, value in relation.witness.items()) or "anybody"
            yield Fault("critical", "scope-overlap", where, f"the cloud-only connector selects some too: {shown}")
        elif relation.verdict == "unknown":
            doubts = ", ".join(relation.doubts)
            yield Fault("high", "scope-unknown", where, f"logic cannot tell whether it is apart: {doubts}")


def _clause_faults(groups: FilterGroups, where: str) -> Iterator[Fault]:
    for clause in (clause for group in groups for clause in group):
        if clause.op not in (*UNARY, *BINARY):
            yield Fault("high", "unknown-operator", where, f"{clause.column}: nobody documents {clause.op}")
        if clause.op == REGEX and clause.value and not (clause.value.startswith("^") and clause.value.endswith("$")):
            yield Fault("medium", "unanchored", where, f"{clause.column}: {clause.value} also matches inside a value")
        if clause.value is not None and clause.value != clause.value.strip():
            yield Fault("medium", "blanks", where, f"{clause.column}: {clause.value!r} has blanks at an end")


def _null_flow_faults(schema: Mapping[str, Any]) -> Iterator[Fault]:
    for directory in _list(schema, "directories"):
        for entry in _list(directory, "objects"):
            for attribute in _list(entry, "attributes"):
                if attribute.get("flowNullValues") is True:
                    yield Fault("high", "null-flow", str(attribute.get("name")), "a missing value clears the target")
