"""What must be found about values that synchronization refuses, said naively from docs/idfix.md: whole rows by code."""

import re
import unicodedata
from collections.abc import Callable, Iterator

from recon.decode.guid import guid_text
from tests.support.companies import MadeCompany, number, same, shared, value

Raw = dict[str, list[bytes]]
Found = set[tuple[str | None, ...]]
_TEXTS = {
    "ad_user": ("userPrincipalName", "mail", "mailNickname", "targetAddress", "sAMAccountName", "displayName",
                "givenName", "sn"),
    "ad_group": ("mail", "mailNickname", "sAMAccountName", "displayName"),
    "ad_contact": ("mail", "mailNickname", "targetAddress", "displayName", "givenName", "sn"),
}  # fmt: skip
_SCHEMA = {"mail": 256, "mailNickname": 64, "sAMAccountName": 256, "displayName": 256, "givenName": 64, "sn": 64}
_PRIVATE = ("corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "mail",
            "private", "test")  # fmt: skip
_NOT_IN_NICKNAME = "\\!#$%&*+/=?^`{}|~<>()';:,[]\"@"
_IN_UPN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'.-_!#^~@"
_IN_LOCAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_`{|}~-."


def _objects(company: MadeCompany, *tables: str) -> Iterator[tuple[str, str, Raw]]:
    """Table, guid and attributes of what is no critical system object."""
    for table in tables or ("ad_user", "ad_group", "ad_contact"):
        for _, raw in company.ad[table]:
            if value(raw, "isCriticalSystemObject") != "TRUE":
                yield table, guid_text(raw["objectguid"][0]), raw


def _proxies(raw: Raw) -> list[str]:
    return [one.decode() for one in sorted(raw.get("proxyaddresses", ())) if one]


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _shown(text: str) -> str:
    """Control characters as they are shown."""
    return text.replace("\t", "\\t").replace("\u0007", "\\x07")


# ---- what is wrong with one value -------------------------------------------------------------------------


def _any_text(text: str) -> set[str]:
    found = {"character"} if any(map(_is_control, text)) else set()
    return found | ({"blanks"} if text != text.strip() else set())


def _has_dot_and_ends_private(domain: str) -> bool:
    labels = domain.strip().rstrip(".").split(".")
    return len(labels) > 1 and labels[-1].lower() in _PRIVATE


def _is_label(label: str) -> bool:
    return bool(re.fullmatch("[A-Za-z0-9-]+", label)) and label[0] != "-" and label[-1] != "-"


def _of_upn(upn: str) -> set[str]:
    found = _any_text(upn)
    if any(one not in _IN_UPN for one in upn.strip()):
        found.add("character")
    if upn.count("@") != 1:
        found.add("format")
    local, domain = upn.rsplit("@", 1) if "@" in upn else (upn, "")
    if not local or local[-1] == ".":
        found.add("local")
    if len(upn) > 113 or len(local) > 64 or len(domain) > 48:
        found.add("length")
    if "@" in upn:
        labels = "".join(one if one in _IN_UPN else "x" for one in domain.strip()).split(".")
        if not all(map(_is_label, labels)):
            found.add("domain")
        elif len(labels) == 1 or labels[-1].lower() in _PRIVATE:
            found.add("top")
    return found


def _of_address(address: str) -> set[str]:
    """A mail address; its length is asked of the whole value. What is named once is not named again as a bad part.

    A tab inside a value is a control character, and no blank.
    """
    found = set()
    if not address.isascii() or any(map(_is_control, address)):
        found.add("character")
    if any(one.isspace() for one in address if not _is_control(one)):
        found.add("blanks")
    plain = "".join("x" if one > "\x7f" else one for one in address if not _is_control(one) and not one.isspace())
    if _has_dot_and_ends_private(address.rsplit("@", 1)[-1]):
        found.add("top")
    if plain.count("@") != 1:
        return found | {"format"}
    local, domain = plain.split("@")
    atoms = local.split(".")
    if not all(atoms) or len(local) > 64 or any(one not in _IN_LOCAL for one in local):
        found.add("local")
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(_is_label(one) and len(one) <= 63 for one in labels):
        found.add("domain")
    return found


def _of_typed(text: str) -> set[str]:
    """A value of proxyAddresses or targetAddress."""
    kind, colon, address = text.partition(":")
    has_type = colon and re.fullmatch("[A-Za-z][A-Za-z0-9]{0,31}", kind)
    if has_type and kind.upper() in ("X400", "X500"):
        return set()
    found = _any_text(text) | ({"length"} if len(text) > 256 else set())
    if not has_type:
        return found | {"format"}
    if kind.upper() == "SMTP":
        return found | _of_address(address)
    return found | ({"character"} if any(one.isspace() or one in '<>(),[]"' for one in address) else set())


def _of(table: str, attribute: str, text: str) -> set[str]:
    """The causes of one value."""
    found = _any_text(text)
    if _units(text) > _SCHEMA.get(attribute, 1024):
        found.add("length")
    if attribute == "userPrincipalName":
        found |= _of_upn(text)
    elif attribute == "mail":
        found |= _of_address(text) | ({"length"} if len(text) > 250 else set())
    elif attribute == "targetAddress":
        found |= _of_typed(text)
    elif attribute == "mailNickname":
        if any(one.isspace() or one in _NOT_IN_NICKNAME for one in text.strip()):
            found.add("character")
        if text[0] == "." or text[-1] == ".":
            found.add("format")
    elif attribute == "sAMAccountName" and table == "ad_user":
        found |= {"character"} if any(one in '"\\/[]:;|=,+*?<>' for one in text) else set()
        found |= {"length"} if len(text) > 20 else set()
    return found


def _values(company: MadeCompany) -> Iterator[tuple[str, str, str, str, set[str]]]:
    """Table, guid, attribute, value and its causes."""
    for table, guid, raw in _objects(company):
        for attribute in _TEXTS[table]:
            text = value(raw, attribute)
            if text is not None:
                yield table, guid, attribute, text, _of(table, attribute, text)
        for text in _proxies(raw):
            yield table, guid, "proxyAddresses", text, _of_typed(text)


def _refused(cause: str, wanted: Callable[[str], bool] = lambda _: True) -> Callable[[MadeCompany], Found]:
    return lambda company: {
        (table, guid, attribute, None, _shown(text), None)
        for table, guid, attribute, text, causes in _values(company)
        if cause in causes and wanted(attribute)
    }


# ---- blanks, primary addresses, duplicates ----------------------------------------------------------------


def _smtp(raw: Raw) -> list[str]:
    return [one[5:] for one in _proxies(raw) if one[:5].upper() == "SMTP:"]


def _primary(raw: Raw) -> list[str]:
    return [one[5:] for one in _proxies(raw) if one[:5] == "SMTP:"]


def several_primary_smtp(company: MadeCompany) -> Found:
    return {
        (table, guid, "proxyAddresses", None, _shown(", ".join(_primary(raw))), None)
        for table, guid, raw in _objects(company)
        if len(_primary(raw)) > 1
    }


def _has_mail_among(raw: Raw) -> bool:
    """mail is one of the SMTP addresses; a blank between the type and the address is part of the address."""
    wanted = same(f"smtp:{(value(raw, 'mail') or '').strip()}")
    return any(same(f"smtp:{one}") == wanted for one in _smtp(raw))


def mail_not_in_proxyaddresses(company: MadeCompany) -> Found:
    return {
        (table, guid, "mail", None, value(raw, "mail"), None)
        for table, guid, raw in _objects(company)
        if same(value(raw, "mail")) and _smtp(raw) and not _has_mail_among(raw)
    }


def mail_not_primary(company: MadeCompany) -> Found:
    return {
        (table, guid, "mail", None, value(raw, "mail"), None)
        for table, guid, raw in _objects(company, "ad_user")
        if same(value(raw, "mail"))
        and _has_mail_among(raw)
        and len(_primary(raw)) == 1
        and same(_primary(raw)[0]) not in (None, same(value(raw, "mail")))
    }


def _missing(
    attribute: str, wanted: Callable[[Raw], object], *tables: str, shows: str = ""
) -> Callable[[MadeCompany], Found]:
    """The objects without the attribute. `shows`: the attribute that stands as AD value."""
    return lambda company: {
        (table, guid, attribute, None, value(raw, shows), None)
        for table, guid, raw in _objects(company, *tables)
        if value(raw, attribute) is None and wanted(raw)
    }


def _is_enabled(raw: Raw) -> bool:
    flags = number(raw, "userAccountControl")
    return flags is not None and not flags & 2


def target(raw: Raw) -> str | None:
    """targetAddress as it is compared; with smtp: or without is one, X400 and X500 are never compared."""
    text = value(raw, "targetAddress") or ""
    if text[:5].upper() in ("X400:", "X500:"):
        return None
    return same(text[5:] if text[:5].upper() == "SMTP:" else text)


def _twice(attribute: str, key: Callable[[Raw], str | None], *tables: str) -> Callable[[MadeCompany], Found]:
    """Critical system objects count, and are not shown."""

    def oracle(company: MadeCompany) -> Found:
        twice = shared((guid_text(raw["objectguid"][0]), key(raw)) for table in tables for _, raw in company.ad[table])
        return {
            (table, guid, attribute, None, value(raw, attribute), None)
            for table, guid, raw in _objects(company, *tables)
            if guid in twice
        }

    return oracle


def _nickname(raw: Raw) -> str | None:
    """Names that the attribute cannot hold are not compared."""
    key = same(value(raw, "mailNickname"))
    return key if key is not None and _units(key) <= 64 else None


def contact_targetaddress_differs(company: MadeCompany) -> Found:
    found: Found = set()
    for table, guid, raw in _objects(company, "ad_contact"):
        mail, text = same(value(raw, "mail")), value(raw, "targetAddress")
        if mail is None or text is None:
            continue
        if text[:5].upper() != "SMTP:" or same(text[5:]) != mail:
            found.add((table, guid, "targetAddress", None, text, None))
    return found


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "sync_bad_character": _refused("character"),
    "sync_blanks": _refused("blanks"),
    "sync_bad_format": _refused("format"),
    "sync_bad_local_part": _refused("local"),
    "sync_bad_domain_part": _refused("domain"),
    "sync_too_long": _refused("length"),
    "upn_not_routable": _refused("top", lambda attribute: attribute == "userPrincipalName"),
    "address_not_routable": _refused("top", lambda attribute: attribute != "userPrincipalName"),
    "several_primary_smtp": several_primary_smtp,
    "mail_not_in_proxyaddresses": mail_not_in_proxyaddresses,
    "mail_not_primary": mail_not_primary,
    "mailnickname_missing": _missing("mailNickname", _smtp, "ad_user", "ad_contact"),
    "displayname_missing": _missing("displayName", lambda raw: value(raw, "mail"), "ad_user", "ad_group"),
    "upn_missing": _missing("userPrincipalName", _is_enabled, "ad_user"),
    "contact_targetaddress_missing": _missing(
        "targetAddress", lambda raw: value(raw, "mail"), "ad_contact", shows="mail"
    ),
    "contact_targetaddress_differs": contact_targetaddress_differs,
    "duplicate_targetaddress": _twice("targetAddress", target, "ad_user", "ad_contact"),
    "duplicate_mailnickname": _twice("mailNickname", _nickname, "ad_user", "ad_group", "ad_contact"),
    "duplicate_samaccountname": _twice(
        "sAMAccountName",
        lambda raw: None if value(raw, "userPrincipalName") else same(value(raw, "sAMAccountName")),
        "ad_user",
    ),
}
