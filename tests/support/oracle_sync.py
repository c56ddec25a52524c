"""What must be found about synchronization and certificate mappings, said naively: whole rows by code, of one made
company.
"""

import contextlib
import re
from collections.abc import Callable
from datetime import datetime

from recon.decode.guid import guid_text
from recon.decode.lifecycle import advice, read_lifecycle_date
from recon.decode.sid import sid_text
from tests.support.companies import MadeCompany, number, same, shared, text_of, value
from tests.support.company_sync import HIRE, LEAVE
from tests.support.oracle_accounts import agreeing

Found = set[tuple[str | None, ...]]


def _accounts(company: MadeCompany) -> list[tuple[str, str, dict[str, list[bytes]], list[str]]]:
    """Table, guid, attributes and certificate mappings of users and computers."""
    return [
        (table, guid_text(raw["objectguid"][0]), raw, [one.decode() for one in raw.get("altsecurityidentities", ())])
        for table in ("ad_user", "ad_computer")
        for _, raw in company.ad[table]
    ]


def certificate_mapping_duplicate(company: MadeCompany) -> Found:
    """One value, several accounts; the same value twice at one account is none."""
    held = [(table, guid, one) for table, guid, _, values in _accounts(company) for one in values]
    return {
        (table, guid, "altSecurityIdentities", None, one, None)
        for table, guid, one in held
        if guid in shared((owner, same(its)) for _, owner, its in held if same(its) == same(one))
    }


def lifecycle_date_invalid(company: MadeCompany) -> Found:
    """Fourteen digits that are a moment, a point, one to seven digits, Z; nothing else.

    Why, and what to write instead, is tested beside recon.decode.lifecycle.
    """
    found: Found = set()
    kinds = ((HIRE, "hire"), (LEAVE, "leave"))
    for guid, raw, attribute, kind in [(*user, *kind) for user in company.users() for kind in kinds]:
        text = value(raw, attribute)
        if text is None:
            continue
        with contextlib.suppress(ValueError):
            if re.fullmatch(r"[0-9]{14}\.[0-9]{1,7}Z", text) and datetime.strptime(text[:14], "%Y%m%d%H%M%S"):
                continue
        found.add(("ad_user", guid, attribute, None, advice(text, read_lifecycle_date(text, kind)), None))
    return found


def _cloud(attribute: str, wanted: Callable[[list[int]], bool], *, guests: bool) -> Callable[[MadeCompany], Found]:
    """Users who are not synchronized and whom these rules join with an AD user."""

    def oracle(company: MadeCompany) -> Found:
        return {
            ("entra_user", str(user["id"]), attribute, None, dn, text_of(user, attribute))
            for user in company.entra_users
            for dn, raw in company.ad["ad_user"]
            if user["onPremisesSyncEnabled"] is not True
            and (guests or user["userType"] != "Guest")
            and wanted(agreeing(raw, user))
        }

    return oracle


def entra_formerly_synced(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], "onPremisesSyncEnabled", None, None, text_of(user, "onPremisesDistinguishedName"))
        for user in company.entra_users
        if user["onPremisesSyncEnabled"] is False
    }


def provisioning_error(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], error.get("propertyCausingError") or "onPremisesProvisioningErrors", None, None,
         error.get("value") or error["category"])
        for user in company.entra_users
        for error in user["onPremisesProvisioningErrors"]
    }  # fmt: skip


def ad_privileged_delegable(company: MadeCompany) -> Found:
    return {
        ("ad_user", guid, "userAccountControl", None, value(raw, "userAccountControl"), None)
        for guid, raw in company.users()
        if not (number(raw, "userAccountControl") or 0) & (2 | 1048576)
        and value(raw, "adminCount") == "1"
        and value(raw, "isCriticalSystemObject") != "TRUE"
    }


def ad_sid_history(company: MadeCompany) -> Found:
    return {
        ("ad_user", guid, "sIDHistory", None, sid_text(one), None)
        for guid, raw in company.users()
        for one in raw.get("sidhistory", ())
        if not (number(raw, "userAccountControl") or 0) & 2
    }


def ad_sid_history_privileged(company: MadeCompany) -> Found:
    found = set()
    for guid, raw in company.users():
        for one in raw.get("sidhistory", ()):
            authority, *subs = sid_text(one).split("-")[2:]
            is_domains = len(subs) == 5 and subs[0] == "21" and subs[4] in _DOMAIN_RIDS
            is_builtin = len(subs) == 2 and subs[0] == "32" and subs[1] in _BUILTIN_RIDS
            if authority == "5" and (is_domains or is_builtin):
                found.add(("ad_user", guid, "sIDHistory", None, sid_text(one), None))
    return found


_DOMAIN_RIDS = {"500", "512", "516", "518", "519", "520", "526", "527"}
_BUILTIN_RIDS = {"544", "548", "549", "550", "551", "552"}

ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "certificate_mapping_duplicate": certificate_mapping_duplicate,
    "lifecycle_date_invalid": lifecycle_date_invalid,
    "hard_match_candidate": _cloud("onPremisesImmutableId", lambda rules: 1 in rules, guests=True),
    "cloud_only_twin": _cloud("employeeId", lambda rules: rules == [3], guests=False),
    "entra_formerly_synced": entra_formerly_synced,
    "provisioning_error": provisioning_error,
    "ad_privileged_delegable": ad_privileged_delegable,
    "ad_sid_history": ad_sid_history,
    "ad_sid_history_privileged": ad_sid_history_privileged,
}
