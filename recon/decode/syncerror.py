"""The text of an export error of Entra Connect: which object, which attribute, why, and what to do.

People copy these texts out of windows and mails: quotation marks are curly, lines are broken, the block of details is
cut off or missing. Whatever is there is read; what is not there is None. `InvalidAttributeName` is a label: its value
names the attribute, and may itself be "None".
"""

import json
import re
from typing import NamedTuple

from recon.errors import DecodeError

_LONGEST = 100_000
_QUOTES = str.maketrans({**dict.fromkeys("“”„‟″«»＂", '"'), **dict.fromkeys("‘’‚‛′", "'"), "\u00a0": " "})
_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_TRACKING = re.compile(rf"Tracking\s*Id\s*[:=]?\s*\{{?({_GUID})", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"attributes?\s*\[([^\]\n]{0,256})\]", re.IGNORECASE)
_BLOCK = re.compile(r"ExtraErrorDetails\s*[:=]?", re.IGNORECASE)
_PAIR = re.compile(r'"Key"\s*:\s*"([^"]{1,200})"\s*,\s*"Value"\s*:\s*(?:\[\s*)?("[^"]*"(?:\s*,\s*"[^"]*")*|null)?')
_RESULT = re.compile(r"\b0x8[0-9A-Fa-f]{7}\b")

# code: (how a text without it is known, cause, what to do)
_CODES: dict[str, tuple[str, str, str]] = {
    "DataValidationFailed": (
        r"attribute\s*\[[^\]]*\]\s*,?\s*is\s+not\s+valid",
        "Entra does not accept the value of an attribute",
        "correct the value in AD and let the next synchronization export it",
    ),
    "AttributeValueMustBeUnique": (
        r"may\s+already\s+be\s+associated|already\s+(?:exists|in\s+use)|proxy\s*address\s+.*\s+is\s+being\s+used",
        "another object already has the value",
        "find the other object (the findings duplicate_… and provisioning_error) and leave the value at one of the two",
    ),
    "InvalidSoftMatch": (
        "",
        "a soft match failed: a cloud object with the same address or UPN has another source anchor",
        "look at the finding anchor_differs; one of the two objects must give up the address or the anchor",
    ),
    "InvalidHardMatch": (
        "",
        "a hard match was refused: the cloud object may not be taken over",
        "look at the finding hard_match_candidate and at the tenant's settings for takeovers",
    ),
    "ObjectTypeMismatch": (
        "",
        "the value belongs to a cloud object of another type (a group where this is a user)",
        "remove the value from one of the two objects",
    ),
    "LargeObject": ("", "an attribute has more or longer values than Entra takes", "shorten it or remove values"),
    "FederatedDomainChangeError": (
        "",
        "the UPN suffix changes from one federated domain to another",
        "change the UPN in two steps, over a domain that is not federated",
    ),
    "ExistingAdminRoleConflict": (
        "",
        "the cloud user holds a directory role: it is not taken over",
        "take the role away, synchronize, and give it again",
    ),
}
_DATES = frozenset({"employeehiredate", "employeeleavedatetime"})


_UNNAMED = (
    "Entra does not accept the value of an attribute, and does not say of which",
    "look at the attributes of the pending export one by one: certificateUserIds, hire dates, values of custom rules",
)


class SyncError(NamedTuple):
    """One error. Ids in lower case; `attribute` is None where the text says "None" or nothing.

    `details`: every key of the block with its values, as they stand there.
    """

    code: str | None
    object_id: str | None
    attribute: str | None
    value: str | None
    other_object_id: str | None
    tracking_id: str | None
    result: str | None
    cause: str
    advice: str
    details: tuple[tuple[str, tuple[str, ...]], ...]


def _values(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(str(one).strip() for one in listed if one is not None and str(one).strip())


def _details(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Key and values of the block; of a damaged one the pairs that can still be told."""
    found = _BLOCK.search(text)
    rest = text[found.end() :] if found else text
    start = rest.find("[")
    if found and start >= 0:
        try:
            block, _ = json.JSONDecoder(strict=False).raw_decode(rest[start:])
        except (ValueError, RecursionError):
            block = None
        if isinstance(block, list) and all(isinstance(one, dict) for one in block):
            return [(str(one["Key"]), _values(one.get("Value"))) for one in block if one.get("Key")]
    return [(match.group(1), _values(re.findall(r'"([^"]*)"', match.group(2) or ""))) for match in _PAIR.finditer(rest)]


def _named(details: list[tuple[str, tuple[str, ...]]], *endings: str) -> str | None:
    for key, values in details:
        if key.lower().endswith(endings) and values and values[0].lower() != "none":
            return values[0]
    return None


def _code(text: str) -> str | None:
    for code in _CODES:
        if re.search(rf"\b{code}\b", text, re.IGNORECASE):
            return code
    for code, (pattern, _, _) in _CODES.items():
        if pattern and re.search(pattern, text, re.IGNORECASE):
            return code
    return None


def _advice(code: str | None, attribute: str | None) -> tuple[str, str]:
    if code == "DataValidationFailed" and attribute is None:
        return _UNNAMED
    if code in (None, "DataValidationFailed") and (attribute or "").lower() in _DATES:
        return (
            f"the AD attribute that feeds {attribute} does not hold a time of the form yyyyMMddHHmmss.fZ",
            "see the finding lifecycle_date_invalid: the value, and what to write ([sync] names the attribute)",
        )
    if code is None:
        return "the text names no cause that is known", "search for the tracking id in the tenant's audit log"
    _, cause, advice = _CODES[code]
    return cause, advice


def read_sync_error(text: str) -> SyncError:
    """What the whole text of an export error says. Raises DecodeError when it is none."""
    if len(text) > _LONGEST:
        raise DecodeError(f"no export error: over {_LONGEST:,} characters", hint="give the text of one error")
    plain = text.translate(_QUOTES).replace("&quot;", '"')
    details = _details(plain)
    attributes = [one.strip() for one in _ATTRIBUTE.findall(plain) if one.strip()]
    in_text = next((one for one in attributes if one.lower() != "none"), None)
    tracking, result, code = _TRACKING.search(plain), _RESULT.search(plain), _code(plain)
    value = _named(details, "values", "attributevalue", "conflictvalue")
    if in_text is not None and re.search(r"[\s;]", in_text):  # [UserPrincipalName jane@contoso.com;]
        first, _, its = in_text.partition(" ")
        in_text, value = first.strip(";"), value or its.strip("; ") or None
    attribute = _named(details, "attributename", "conflictname") or in_text
    own = next((values[0] for key, values in details if key.lower() == "objectid" and values), None)
    other = next(
        (values[0] for key, values in details if "objectid" in key.lower() and "conflict" in key.lower() and values),
        None,
    )
    if not (details or attributes or tracking or code):
        raise DecodeError(
            "no export error in the text: neither attribute, tracking id, ExtraErrorDetails nor a known name",
            hint="copy all of the text from Synchronization Service Manager, Detail",
        )
    cause, advice = _advice(code, attribute)
    return SyncError(
        code=code,
        object_id=own and own.lower(),
        attribute=attribute,
        value=value,
        other_object_id=other and other.lower(),
        tracking_id=tracking.group(1).lower() if tracking else None,
        result=result.group().lower() if result else None,
        cause=cause,
        advice=advice,
        details=tuple(details),
    )
