"""Whether a provisioning job may take bulk uploads: the audit of its schema, and what our operations need.

The service decides by itself whether an operation creates, updates or disables: the schema is the only guard.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from recon.connector.audit import Fault, audit, enabled_mapping, scope_of

EXTERNAL_ID = "externalId"


def audit_upload(schema: Any, *, sources: Mapping[str, str], carried: Collection[str]) -> list[Fault]:
    """Everything that forbids uploads through this job; the audit of the second connector included.

    `sources`: target attribute to the source it must come from. `carried`: what every operation carries beside them.
    Raises DecodeError when it is no synchronization schema.
    """
    faults = audit(schema)
    mapping = enabled_mapping(schema)
    if mapping is not None:
        faults += _source_faults(mapping, {"employeeId": EXTERNAL_ID, **sources})
        faults += _scope_faults(schema, {EXTERNAL_ID, *carried})
    return faults


def _source_faults(mapping: Mapping[str, Any], sources: Mapping[str, str]) -> Iterator[Fault]:
    for target, wanted in sources.items():
        found = [
            attribute.get("source")
            for attribute in mapping.get("attributeMappings") or ()
            if str(attribute.get("targetAttributeName", "")).strip().lower() == target.lower()
        ]
        if not found:
            yield Fault("high", "source", target, f"it is not mapped; it must come from {wanted}")
        for source in found:
            name = source.get("name") if isinstance(source, Mapping) else None
            kind = str(source.get("type", "")).lower() if isinstance(source, Mapping) else ""
            if name != wanted or kind != "attribute":
                yield Fault(
                    "high", "source", target, f"it comes from {name or 'a constant'}, not straight from {wanted}"
                )


def _scope_faults(schema: Any, carried: Collection[str]) -> Iterator[Fault]:
    for name in sorted({clause.column for group in scope_of(schema) for clause in group} - set(carried)):
        yield Fault("high", "scope-attribute", "scope", f"the filter asks for {name}, which no operation carries")
