"""What must be found about synchronization and certificate mappings, said naively: by code, of one made company."""

import contextlib
import re
from collections.abc import Callable
from datetime import datetime

from recon.decode.guid import guid_text
from tests.support.companies import MadeCompany, number, same, shared, value
from tests.support.company_sync import HIRE, LEAVE
from tests.support.oracle_accounts import agreeing

Found = set[tuple[str, str]]
_WEAK = re.compile(r"X509:(?:<I>[^<]+)?<S>[^<]+|X509:<RFC822>[^<]+", re.IGNORECASE)
_STRONG = re.compile(
    r"X509:<I>[^<]+<SR>(?:[0-9A-F]{2})+|X509:<SKI>(?:[0-9A-F]{2})+|X509:<SHA1-PUKEY>[0-9A-F]{40}", re.IGNORECASE
)


def _accounts(company: MadeCompany) -> list[tuple[str, str, dict[str, list[bytes]], list[str]]]:
    """Table, guid, attributes and certificate mappings of users and computers."""
    return [
        (table, guid_text(raw["objectguid"][0]), raw, [one.decode() for one in raw.get("altsecurityidentities", ())])
        for table in ("ad_user", "ad_computer")
        for _, raw in company.ad[table]
    ]


def _is_domain_controller(table: str, raw: dict[str, list[bytes]]) -> bool:
    return table == "ad_computer" and bool((number(raw, "userAccountControl") or 0) & 8192)


def _weak_only(*, privileged: bool) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        return {
            (table, guid)
            for table, guid, raw, values in _accounts(company)
            if any(map(_WEAK.fullmatch, values))
            and not any(map(_STRONG.fullmatch, values))
            and not (number(raw, "userAccountControl") or 0) & 2
            and privileged is (value(raw, "adminCount") == "1" or _is_domain_controller(table, raw))
        }

    return oracle


def certificate_mapping_duplicate(company: MadeCompany) -> Found:
    """One value, several accounts; the same value twice at one account is none."""
    held = [(table, guid, same(one)) for table, guid, _, values in _accounts(company) for one in values]
    twice = shared((guid, key) for _, guid, key in held)
    return {(table, guid) for table, guid, _ in held if guid in twice}


def lifecycle_date_invalid(company: MadeCompany) -> Found:
    """Fourteen digits that are a moment, a point, one to seven digits, Z; nothing else."""
    found = set()
    for guid, raw, attribute in [(*user, name) for user in company.users() for name in (HIRE, LEAVE)]:
        text = value(raw, attribute)
        if text is None:
            continue
        with contextlib.suppress(ValueError):
            if re.fullmatch(r"[0-9]{14}\.[0-9]{1,7}Z", text) and datetime.strptime(text[:14], "%Y%m%d%H%M%S"):
                continue
        found.add(("ad_user", guid))
    return found


def _cloud(wanted: Callable[[list[int]], bool], *, guests: bool) -> Callable[[MadeCompany], Found]:
    """Users who are not synchronized and whom these rules join with an AD user."""

    def oracle(company: MadeCompany) -> Found:
        return {
            ("entra_user", str(user["id"]))
            for user in company.entra_users
            for _, raw in company.users()
            if user["onPremisesSyncEnabled"] is not True
            and (guests or user["userType"] != "Guest")
            and wanted(agreeing(raw, user))
        }

    return oracle


def _entra(wanted: Callable[[dict[str, object]], object]) -> Callable[[MadeCompany], Found]:
    return lambda company: {("entra_user", str(user["id"])) for user in company.entra_users if wanted(user)}


def _users(wanted: Callable[[dict[str, list[bytes]], int], object]) -> Callable[[MadeCompany], Found]:
    return lambda company: {
        ("ad_user", guid) for guid, raw in company.users() if wanted(raw, number(raw, "userAccountControl") or 0)
    }


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "certificate_weak_only": _weak_only(privileged=False),
    "certificate_weak_only_privileged": _weak_only(privileged=True),
    "certificate_mapping_duplicate": certificate_mapping_duplicate,
    "lifecycle_date_invalid": lifecycle_date_invalid,
    "hard_match_candidate": _cloud(lambda rules: 1 in rules, guests=True),
    "cloud_only_twin": _cloud(lambda rules: rules == [3], guests=False),
    "entra_formerly_synced": _entra(lambda user: user["onPremisesSyncEnabled"] is False),
    "provisioning_error": _entra(lambda user: user["onPremisesProvisioningErrors"]),
    "ad_privileged_delegable": _users(
        lambda raw, flags: (
            not flags & 2
            and value(raw, "adminCount") == "1"
            and not flags & 1048576
            and value(raw, "isCriticalSystemObject") != "TRUE"
        )
    ),
    "ad_sid_history": _users(lambda raw, flags: not flags & 2 and raw.get("sidhistory")),
}
