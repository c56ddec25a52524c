"""The text of an export error of Entra Connect: which object, which attribute, why, and what to do.

People copy these texts out of windows and mails: quotation marks are curly, lines are broken, the block of details is
cut off or missing. Whatever is there is read; what is not there is None. `InvalidAttributeName` is a label: its value
names the attribute, and may itself be "None".
"""

import html
import json
import re
from typing import NamedTuple

from recon.errors import DecodeError

_LONGEST = 100_000
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("“”„‟″«»＂", '"'),
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),  # soft hyphen and what has no width
        "\u00a0": " ",
    }
)
_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_TRACKING = re.compile(rf"Tracking\s*Id\s*[:=]?\s*\{{?({_GUID})", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"attributes?\s*\[([^\]\n]{0,256})\]", re.IGNORECASE)
_BLOCK = re.compile(r"ExtraErrorDetails\s*[:=]?", re.IGNORECASE)
# [ProxyAddresses SMTP:jane@contoso.com;Mail jane@contoso.com;] of an error that names no "attribute [X]"
_CONFLICT = re.compile(r"\[([A-Za-z][A-Za-z0-9_-]{0,63}) ([^\]\n]{1,2000})\]")
_KEY = r'"Key"\s*:\s*"([^"]{1,200})"'
_LIST = r'"Value"\s*:\s*(?:\[\s*)?("[^"]*"(?:\s*,\s*"[^"]*")*|null)?'
_PAIR = re.compile(rf"{_KEY}\s*,\s*{_LIST}")
_TURNED_PAIR = re.compile(rf"{_LIST}\s*\]?\s*,\s*{_KEY}")
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
    if '"Key"' not in rest:
        rest = rest.replace("'", '"')
    pairs = _PAIR.findall(rest) or [(key, listed) for listed, key in _TURNED_PAIR.findall(rest)]
    return [(key, _values(re.findall(r'"([^"]*)"', listed))) for key, listed in pairs]


def _guid(value: str | None) -> str | None:
    """An object id in lower case, line breaks inside removed; None for anything else."""
    bare = re.sub(r"\s", "", value or "")
    return bare.lower() if re.fullmatch(_GUID, bare) else None


def _named(details: list[tuple[str, tuple[str, ...]]], *endings: str) -> str | None:
    for key, values in details:
        if key.lower().endswith(endings) and values and values[0].lower() != "none":
            return values[0]
    return None


def _code(text: str, details: list[tuple[str, tuple[str, ...]]]) -> str | None:
    for code in _CODES:
        if re.search(rf"\b{code}\b", text, re.IGNORECASE):
            return code
    for code, (pattern, _, _) in _CODES.items():
        if pattern and re.search(pattern, text, re.IGNORECASE):
            return code
    keys = {key.lower() for key, _ in details}
    if "invalidattributename" in keys:
        return "DataValidationFailed"
    return "AttributeValueMustBeUnique" if "attributeconflictname" in keys else None


def _conflict(text: str) -> tuple[str | None, str | None]:
    """Attribute and value of the first pair of [ProxyAddresses SMTP:…;Mail …;]."""
    found = _CONFLICT.search(text)
    return (found.group(1), found.group(2).partition(";")[0].strip() or None) if found else (None, None)


def _plain(text: str) -> str:
    """The text with straight quotes and hyphens, whatever a mail, a web page or a log in JSON made of them."""
    plain = html.unescape(text).translate(_TYPOGRAPHY)
    return plain.replace('\\"', '"') if '\\"Key' in plain else plain


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
    plain = _plain(text)
    details = _details(plain)
    attributes = [one.strip() for one in _ATTRIBUTE.findall(plain) if one.strip()]
    in_text = next((one for one in attributes if one.lower() != "none"), None)
    tracking, result, code = _TRACKING.search(plain), _RESULT.search(plain), _code(plain, details)
    value = _named(details, "values", "attributevalue", "conflictvalue")
    if code == "AttributeValueMustBeUnique":
        named, its = _conflict(plain)
        in_text, value = in_text if named is None else named, value or its
    attribute = _named(details, "attributename", "conflictname") or in_text
    ids = [(key.lower(), found) for key, values in details for one in values if (found := _guid(one))]
    own = next((found for key, found in ids if key == "objectid"), None)
    other = next((found for key, found in ids if "objectid" in key and "conflict" in key), None)
    if not (details or attributes or tracking or code):
        raise DecodeError(
            "no export error in the text: neither attribute, tracking id, ExtraErrorDetails nor a known name",
            hint="copy all of the text from Synchronization Service Manager, Detail",
        )
    cause, advice = _advice(code, attribute)
    return SyncError(
        code=code,
        object_id=own,
        attribute=attribute,
        value=value,
        other_object_id=other,
        tracking_id=tracking.group(1).lower() if tracking else None,
        result=result.group().lower() if result else None,
        cause=cause,
        advice=advice,
        details=tuple(details),
    )
