"""What must be found about dates, places and anchors that synchronization carries, said naively: whole rows by code."""

import base64
import contextlib
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from recon.decode.guid import guid_text
from tests.support.companies import MadeCompany, same, value
from tests.support.company_groups import NO_END
from tests.support.company_sync import HIRE, LEAVE
from tests.support.oracle_accounts import pairs, settled

Raw = dict[str, list[bytes]]
Found = set[tuple[str | None, ...]]


def _moment(text: str | None) -> datetime | None:
    """What AD holds in the one form that synchronizes."""
    match = re.fullmatch(r"([0-9]{14})\.([0-9]{1,7})Z", text or "")
    if match:
        with contextlib.suppress(ValueError):
            return datetime.strptime(match[1], "%Y%m%d%H%M%S") + timedelta(microseconds=int(f"{match[2]:0<6}"[:6]))
    return None


def _worker(company: MadeCompany, user: dict[str, Any]) -> dict[str, str]:
    """The only worker with the employee id of the only member who has it."""
    key = same(user["employeeId"])
    members = [one for one in company.entra_users if one["userType"] != "Guest" and same(one["employeeId"]) == key]
    workers = [one for one in company.workers if same(one["EmployeeID"]) == key]
    is_sole = key is not None and len(workers) == 1 and members == [user]
    return workers[0] if is_sole else {}


def _day(text: str | None) -> date | None:
    with contextlib.suppress(ValueError):
        return date.fromisoformat(text or "") if text != NO_END else None
    return None


def _differs(attribute: str, entra: str, column: str, *, asks_ad: bool) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        found: Found = set()
        entra_has = any(user.get(entra) for user in company.entra_users)
        ad_has = any(_moment(value(raw, attribute)) for _, raw in company.users())
        for raw, user in settled(company):
            written, there = value(raw, attribute), user.get(entra)
            here = _moment(written)
            if written is not None and here is None:
                continue
            at = None if there is None else datetime.strptime(str(there), "%Y-%m-%dT%H:%M:%SZ")
            worker = _worker(company, user)
            hired = _day(worker.get(column))
            if column == "TerminationDate" and hired and (_day(worker["HireDate"]) or hired) > hired:
                hired = None  # hired again since
            days = [one.date() for one in (here, at) if one is not None]
            if (
                (here and at and here != at)
                or (here and not at and entra_has)
                or (hired and any(abs(one - hired) > timedelta(days=1) for one in days))
                or (asks_ad and hired and not here and ad_has)
            ):
                said = None if hired is None else hired.isoformat()
                found.add(("entra_user", str(user["id"]), entra, said, written, there and str(there)))
        return found

    return oracle


def lifecycle_attribute_mixed(company: MadeCompany) -> Found:
    """Hardly a digit: no date."""
    return {
        ("ad_user", guid, attribute, None, value(raw, attribute), None)
        for attribute in (HIRE, LEAVE)
        if any(_moment(value(raw, attribute)) for _, raw in company.users())
        for guid, raw in company.users()
        if value(raw, attribute) and sum(one.isdigit() for one in value(raw, attribute) or "") < 6
    }


def _alone(values: list[str]) -> str | None:
    """The one primary address; of several none is known."""
    primary = [one[5:] for one in values if one.startswith("SMTP:")]
    return same(primary[0]) if len(primary) == 1 else None


def _first(values: list[str]) -> str | None:
    primary = [one[5:] for one in values if one.startswith("SMTP:") and one[5:]]
    return same(primary[0]) if primary else None


def soft_match_candidate(company: MadeCompany) -> Found:
    found: Found = set()
    taken = [id(raw) for raw, user in pairs(company) if user["onPremisesSyncEnabled"] is True]
    for user in company.entra_users:
        if user["onPremisesSyncEnabled"] is True or user["userType"] == "Guest" or user["onPremisesImmutableId"]:
            continue
        upn = same(user["userPrincipalName"])
        primary = _first(user["proxyAddresses"]) or same(user["mail"])
        for dn, raw in company.ad["ad_user"]:
            its = _alone([one.decode() for one in raw.get("proxyaddresses", ())]) or same(value(raw, "mail"))
            is_one = (upn and upn == same(value(raw, "userPrincipalName"))) or (primary and primary == its)
            if is_one and id(raw) not in taken:
                shown = user["userPrincipalName"] or None
                found.add(("entra_user", user["id"], "userPrincipalName", None, dn, shown))
    return found


def _place(dn: str) -> str | None:
    return same(re.sub(" *, *", ",", dn))


def synced_not_following(company: MadeCompany) -> Found:
    names = {id(raw): dn for dn, raw in company.ad["ad_user"]}
    return {
        ("entra_user", str(user["id"]), "onPremisesDistinguishedName", None, names[id(raw)], str(there))
        for raw, user in settled(company)
        for there in [user.get("onPremisesDistinguishedName")]
        if user["onPremisesSyncEnabled"] is True
        and there is not None
        and "=" in str(there)
        and _place(str(there)) != _place(names[id(raw)])
    }


def anchor_changed(company: MadeCompany) -> Found:
    now: dict[str, str] = {}
    for _, raw in company.ad["ad_user"]:
        held = raw.get("ms-ds-consistencyguid", raw["objectguid"])[0]
        now[guid_text(raw["objectguid"][0])] = base64.b64encode(held).decode()
    now |= {user["id"]: user["onPremisesImmutableId"] or "" for user in company.entra_users}
    return {
        (table, key, "mS-DS-ConsistencyGuid", None, former, None)
        if table == "ad_user"
        else (table, key, "onPremisesImmutableId", None, None, former)
        for table, key, former in company.anchors_before
        if former is not None and key in now and former != now[key]
    }


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "hire_date_differs": _differs(HIRE, "employeeHireDate", "HireDate", asks_ad=False),
    "leave_date_differs": _differs(LEAVE, "employeeLeaveDateTime", "TerminationDate", asks_ad=True),
    "lifecycle_attribute_mixed": lifecycle_attribute_mixed,
    "soft_match_candidate": soft_match_candidate,
    "synced_not_following": synced_not_following,
    "anchor_changed": anchor_changed,
}
