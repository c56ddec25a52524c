"""What must be found about accounts and addresses, said naively: whole rows by code, of one made company."""

from collections.abc import Callable

from recon.decode.guid import guid_text, immutable_id
from recon.decode.sid import sid_text
from tests.support.companies import MadeCompany, number, same, shared, text_of, value

Found = set[tuple[str | None, ...]]


def _flag(bit: int, *, critical_too: bool) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        return {
            ("ad_user", guid, "userAccountControl", None, value(raw, "userAccountControl"), None)
            for guid, raw in company.users()
            if (number(raw, "userAccountControl") or 0) & (bit | 2) == bit
            and (critical_too or value(raw, "isCriticalSystemObject") != "TRUE")
        }

    return oracle


def _is_critical(raw: dict[str, list[bytes]]) -> bool:
    return value(raw, "isCriticalSystemObject") == "TRUE"


def _objects(company: MadeCompany) -> list[tuple[str, str, dict[str, list[bytes]]]]:
    return [
        (table, guid_text(raw["objectguid"][0]), raw)
        for table in ("ad_user", "ad_group", "ad_contact")
        for _, raw in company.ad[table]
    ]


def _duplicate(attribute: str, *, users_only: bool) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        held = [one for one in _objects(company) if one[0] == "ad_user" or not users_only]
        twice = shared((guid, same(value(raw, attribute))) for _, guid, raw in held)
        return {
            (table, guid, attribute, None, value(raw, attribute), None)
            for table, guid, raw in held
            if guid in twice and not _is_critical(raw)
        }

    return oracle


def duplicate_employeeid_ad(company: MadeCompany) -> Found:
    """Nobody is left out."""
    twice = shared((guid, same(value(raw, "employeeID"))) for guid, raw in company.users())
    return {
        ("ad_user", guid, "employeeID", None, value(raw, "employeeID"), None)
        for guid, raw in company.users()
        if guid in twice
    }


def duplicate_proxyaddress(company: MadeCompany) -> Found:
    held = [
        (table, guid, raw, one.decode(), same(one))
        for table, guid, raw in _objects(company)
        for one in raw.get("proxyaddresses", ())
        if one.decode().partition(":")[0].upper() not in ("X400", "X500")
    ]
    return {
        (table, guid, "proxyAddresses", None, text, None)
        for table, guid, raw, text, key in held
        if guid in shared((owner, its) for _, owner, _, _, its in held if its == key) and not _is_critical(raw)
    }


def manager_disabled(company: MadeCompany) -> Found:
    off = {dn.lower(): (number(raw, "userAccountControl") or 0) & 2 for dn, raw in company.ad["ad_user"]}
    return {
        ("ad_user", guid, "manager", None, value(raw, "manager"), None)
        for guid, raw in company.users()
        if not (number(raw, "userAccountControl") or 0) & 2
        and off.get((value(raw, "manager") or "").lower().replace(", ", ","))
    }


# ---- who is who, by the five rules --------------------------------------------------------------------


def agreeing(raw: dict[str, list[bytes]], user: dict[str, object]) -> list[int]:
    """The rules by which an AD user and an Entra user may be one, lowest first."""
    anchor = raw.get("ms-ds-consistencyguid", raw["objectguid"])[0]
    sid = sid_text(raw["objectsid"][0]) if "objectsid" in raw else None
    rules = [1] if user["onPremisesImmutableId"] == immutable_id(anchor) else []
    rules += [2] if sid is not None and user["onPremisesSecurityIdentifier"] == sid else []
    if user["userType"] != "Guest":
        for rule, ours, its in ((3, "employeeID", "employeeId"), (4, "userPrincipalName", "userPrincipalName"),
                                (5, "mail", "mail")):  # fmt: skip
            key = same(value(raw, ours))
            rules += [rule] if key is not None and key == same(user[its]) else []  # type: ignore[arg-type]
    return rules


def pairs(company: MadeCompany) -> list[tuple[dict[str, list[bytes]], dict[str, object]]]:
    """The accepted matches: sole best of both sides, by lowest rule, then by how many agree."""
    users = [raw for _, raw in company.users()]
    score = {
        (one, other): (-rules[0], len(rules))
        for one, raw in enumerate(users)
        for other, user in enumerate(company.entra_users)
        if (rules := agreeing(raw, user))
    }
    return [
        (users[one], company.entra_users[other])
        for (one, other), its in score.items()
        if not any(
            rival >= its
            for place, rival in score.items()
            if place != (one, other) and (place[0] == one or place[1] == other)
        )
    ]


def settled(company: MadeCompany) -> list[tuple[dict[str, list[bytes]], dict[str, object]]]:
    """The pairs that no side changed between the loads: AD was read at one, Entra at five, with two hours' grace."""
    return [
        (raw, user)
        for raw, user in pairs(company)
        if (value(raw, "whenChanged") or "") <= "20260302030000.0Z"
        and str(user["onPremisesLastSyncDateTime"] or "") <= "2026-03-02T01:00:00Z"
    ]


def _differs(attribute: str, of_entra: str) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        return {
            ("entra_user", str(user["id"]), of_entra, None, value(raw, attribute), text_of(user, of_entra))
            for raw, user in settled(company)
            if same(value(raw, attribute)) != same(user[of_entra])  # type: ignore[arg-type]
        }

    return oracle


def _state(*, ad: bool, entra: bool) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        return {
            (
                "entra_user",
                str(user["id"]),
                "accountEnabled",
                None,
                value(raw, "userAccountControl"),
                str(entra).lower(),
            )
            for raw, user in settled(company)
            if bool((number(raw, "userAccountControl") or 0) & 2) is not ad and user["accountEnabled"] is entra
        }

    return oracle


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "ad_password_never_expires": _flag(65536, critical_too=False),
    "ad_password_not_required": _flag(32, critical_too=False),
    "ad_preauth_not_required": _flag(4194304, critical_too=True),
    "duplicate_mail_ad": _duplicate("mail", users_only=False),
    "duplicate_upn_ad": _duplicate("userPrincipalName", users_only=True),
    "duplicate_employeeid_ad": duplicate_employeeid_ad,
    "duplicate_proxyaddress": duplicate_proxyaddress,
    "manager_disabled": manager_disabled,
    "upn_differs": _differs("userPrincipalName", "userPrincipalName"),
    "mail_differs": _differs("mail", "mail"),
    "employeeid_differs": _differs("employeeID", "employeeId"),
    "ad_disabled_entra_enabled": _state(ad=False, entra=True),
    "ad_enabled_entra_disabled": _state(ad=True, entra=False),
}
