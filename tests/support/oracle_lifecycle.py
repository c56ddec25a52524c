"""What must be found about states, times and people who come and go, said naively: whole rows by code, of one made
company.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from recon.decode.guid import guid_text, immutable_id
from recon.decode.sid import sid_text
from tests.support.companies import MadeCompany, number, same, shared, text_of, value
from tests.support.oracle_accounts import agreeing, pairs, settled
from tests.support.oracle_groups import PRIVILEGED, TODAY, ad_groups, ad_inside, is_off, name_of, steps_to, with_id
from tests.support.oracle_sspr import day_of, id_of, is_active, users_of

Found = set[tuple[str | None, ...]]
Raw = dict[str, list[bytes]]
STALE = datetime(2025, 12, 2)
_NOW = datetime(2026, 3, 2, 5, 20)
# ISO 3166-1 codes among those of the made companies
_COUNTRIES = {"DE", "FI"}


def _is_critical(raw: Raw) -> bool:
    return value(raw, "isCriticalSystemObject") == "TRUE"


def _of_filetime(raw: Raw, attribute: str) -> datetime | None:
    """The moment, or None for none, never, and what is no time."""
    ticks = number(raw, attribute)
    if ticks is None or not 0 < ticks < 2**63 - 1:
        return None
    return datetime(1601, 1, 1) + timedelta(microseconds=ticks // 10)


def _created(raw: Raw) -> datetime | None:
    text = value(raw, "whenCreated")
    return None if text is None else datetime.strptime(text, "%Y%m%d%H%M%S.0Z")


def _of_graph(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except (AttributeError, ValueError):
        return None


# ---- one account --------------------------------------------------------------------------------------


def _accounts(company: MadeCompany, *tables: str) -> Iterator[tuple[str, str, Raw]]:
    for table in tables:
        yield from ((table, guid_text(raw["objectguid"][0]), raw) for _, raw in company.ad[table])


def _day(at: datetime | None) -> str | None:
    return None if at is None else at.date().isoformat()


def _state(
    wanted: Callable[[Raw, int], object],
    *tables: str,
    attribute: str = "userAccountControl",
    shows: Callable[[Raw], str | None] = lambda raw: value(raw, "userAccountControl"),
) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        return {
            (table, guid, attribute, None, shows(raw), None)
            for table, guid, raw in _accounts(company, *tables or ("ad_user",))
            if wanted(raw, number(raw, "userAccountControl") or 0)
        }

    return oracle


def _enabled(bit: int) -> Callable[[Raw, int], object]:
    return lambda _raw, flags: flags & bit and not flags & 2


def ad_privileged_with_spn(company: MadeCompany) -> Found:
    return {
        ("ad_user", guid, "servicePrincipalName", None, one.decode(), None)
        for _, guid, raw in _accounts(company, "ad_user")
        if not is_off(raw) and value(raw, "adminCount") == "1" and not _is_critical(raw)
        for one in raw.get("serviceprincipalname", ())
        if one
    }


def _in_privileged(company: MadeCompany) -> set[tuple[str, str | None]]:
    """(guid, group) of users in a privileged group: in any number of steps, or by their primary group."""
    inside, groups = ad_inside(company), ad_groups(company)
    rids = {
        name: int(sid_text(raw["objectsid"][0]).rpartition("-")[2]) for _, name, raw in groups if "objectsid" in raw
    }
    found = set()
    for key, name, raw in groups:
        if rids.get(name) not in PRIVILEGED:
            continue
        steps = steps_to(name, inside)
        primary = {rids[one] for one in (name, *steps) if one in rids}
        for dn, user in company.ad["ad_user"]:
            if name_of(dn) in steps or number(user, "primaryGroupID") in primary:
                label = with_id(value(raw, "sAMAccountName") or value(raw, "cn"), key)
                found.add((guid_text(user["objectguid"][0]), label))
    return found


def ad_disabled_privileged(company: MadeCompany) -> Found:
    off = {guid for _, guid, raw in _accounts(company, "ad_user") if is_off(raw) and not _is_critical(raw)}
    return {("ad_user", guid, "memberOf", None, name, None) for guid, name in _in_privileged(company) if guid in off}


def ad_admincount_left(company: MadeCompany) -> Found:
    privileged = {guid for guid, _ in _in_privileged(company)}
    return {
        ("ad_user", guid, "adminCount", None, "1", None)
        for _, guid, raw in _accounts(company, "ad_user")
        if value(raw, "adminCount") == "1" and not _is_critical(raw) and guid not in privileged
    }


def manager_missing(company: MadeCompany) -> Found:
    known = {name_of(dn) for table in ("ad_user", "ad_contact") for dn, _ in company.ad[table]}
    return {
        ("ad_user", guid, "manager", None, manager, None)
        for _, guid, raw in _accounts(company, "ad_user")
        if not is_off(raw)
        and (manager := value(raw, "manager")) is not None
        and ("=" not in manager or name_of(manager) not in known)
    }


def _never_came(raw: Raw, _flags: int) -> bool:
    created = _created(raw)
    no_logon = _of_filetime(raw, "lastLogonTimestamp") is None
    return not is_off(raw) and no_logon and created is not None and created < STALE and not _is_critical(raw)


def _is_stale(raw: Raw, _flags: int) -> bool:
    last = _of_filetime(raw, "lastLogonTimestamp")
    return not is_off(raw) and last is not None and last < STALE and not _is_critical(raw)


def _last_logon(raw: Raw) -> str | None:
    return _day(_of_filetime(raw, "lastLogonTimestamp"))


# ---- sign-ins to Entra --------------------------------------------------------------------------------


def _silent(company: MadeCompany) -> dict[str, str | None]:
    """Enabled users who are old enough and have not signed in for long, of those of whom sign-ins are known.

    With the day of the last sign-in in person.
    """
    users = {user["id"]: user for user in company.entra_users}
    found: dict[str, str | None] = {}
    for activity in company.sign_ins:
        user = users[activity["id"]]
        created = _of_graph(user["createdDateTime"])
        times = [_of_graph(text) for text in (activity["signInActivity"] or {}).values()]
        is_recent = any(at is not None and at >= STALE for at in times)
        if user["accountEnabled"] and created is not None and created < STALE and not is_recent:
            found[user["id"]] = _day(_of_graph((activity["signInActivity"] or {}).get("lastSignInDateTime")))
    return found


def entra_stale_account(company: MadeCompany) -> Found:
    return {("entra_user", key, "signInActivity", None, None, day) for key, day in _silent(company).items()}


def stale_on_both_sides(company: MadeCompany) -> Found:
    silent = _silent(company)
    return {
        ("entra_user", str(user["id"]), "signInActivity", None, _day(_of_filetime(raw, "lastLogonTimestamp")),
         silent[str(user["id"])])
        for raw, user in pairs(company)
        if user["id"] in silent
        and not is_off(raw)
        and (
            last < STALE
            if (last := _of_filetime(raw, "lastLogonTimestamp")) is not None
            else (created := _created(raw)) is not None and created < STALE
        )
    }  # fmt: skip


def entra_guest_pending(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], "externalUserState", None, None, _day(created))
        for user in company.entra_users
        if user["externalUserState"] == "PendingAcceptance"
        and (created := _of_graph(user["createdDateTime"])) is not None
        and created < STALE
    }


def ad_expired_entra_enabled(company: MadeCompany) -> Found:
    return {
        ("entra_user", str(user["id"]), "accountExpires", None, _day(end), "true")
        for raw, user in settled(company)
        if (end := _of_filetime(raw, "accountExpires")) is not None
        and end <= _NOW
        and not is_off(raw)
        and user["accountEnabled"]
    }


# ---- HR -----------------------------------------------------------------------------------------------


def _came_back(worker: dict[str, str]) -> bool:
    """Hired after the day of leaving."""
    hired, left = day_of(worker["HireDate"]), day_of(worker["TerminationDate"])
    return hired is not None and left is not None and hired > left


def _leavers(company: MadeCompany) -> Iterator[tuple[dict[str, str], str]]:
    """Workers who have left, with what says so: more than a day ago by date, or by a status without a date."""
    limit = TODAY - timedelta(days=1)
    for worker in company.workers:
        hired, left = day_of(worker["HireDate"]), day_of(worker["TerminationDate"])
        by_date = left is not None and left < limit and (hired is None or hired <= left)
        by_status = is_active(worker) is False and left is None and (hired is None or hired <= TODAY)
        others = [
            other
            for other in company.workers
            if other is not worker
            and id_of(other) == id_of(worker)
            and (
                is_active(other) is not False or ((begins := day_of(other["HireDate"])) is not None and begins > TODAY)
            )
            and ((ends := day_of(other["TerminationDate"])) is None or ends >= limit or _came_back(other))
        ]
        if (by_date or by_status) and not others:
            yield worker, left.isoformat() if left is not None else worker["WorkerStatus"]


def leaver_still_enabled(company: MadeCompany) -> Found:
    """Of several that left with one id, the last date."""
    here: dict[str, str] = {}
    there: dict[str, str] = {}
    for worker, said in _leavers(company):
        key = id_of(worker)
        mine = [raw for _, _, raw in _accounts(company, "ad_user") if same(value(raw, "employeeID")) == key]
        theirs = [
            raw for raw, user in pairs(company) if same(user["employeeId"]) == key and user["userType"] != "Guest"
        ]
        for raw in (*mine, *theirs):
            guid = guid_text(raw["objectguid"][0])
            here[guid] = max(said, here.get(guid, ""))
        matched = [user["id"] for raw, user in pairs(company) if any(raw is one for one in mine)]
        for user in company.entra_users:
            if same(user["employeeId"]) == key or user["id"] in matched:
                there[user["id"]] = max(said, there.get(user["id"], ""))
    found: Found = {
        ("ad_user", guid, "userAccountControl", here[guid], value(raw, "userAccountControl"), None)
        for guid, raw in company.users()
        if guid in here and not is_off(raw)
    }
    return found | {
        ("entra_user", user["id"], "accountEnabled", there[user["id"]], None, "true")
        for user in company.entra_users
        if user["id"] in there and user["accountEnabled"] and user["userType"] != "Guest"
    }


def leaver_in_privileged_group(company: MadeCompany) -> Found:
    """Of several that left with one id, the last date."""
    left: dict[str | None, list[str]] = {}
    for worker, said in _leavers(company):
        left.setdefault(id_of(worker), []).append(said)
    ids = {guid: same(value(raw, "employeeID")) for _, guid, raw in _accounts(company, "ad_user")}
    return {
        ("ad_user", guid, "memberOf", max(left[key]), group, None)
        for guid, group in _in_privileged(company)
        if (key := ids[guid]) is not None and key in left
    }


def _shown_id(worker: dict[str, str]) -> str:
    """The employee id as HR writes it, or the worker id where HR has no other."""
    return worker["EmployeeID"].strip() or worker["WorkerID"]


def joiner_without_account(company: MadeCompany) -> Found:
    held = {same(value(raw, "employeeID")) for _, _, raw in _accounts(company, "ad_user")}
    held |= {same(user["employeeId"]) for user in company.entra_users if user["userType"] != "Guest"}
    found: Found = set()
    for worker in company.workers:
        hired, left = day_of(worker["HireDate"]), day_of(worker["TerminationDate"])
        if hired is None or hired > TODAY + timedelta(days=14) or id_of(worker) in held:
            continue
        is_leaver = left is not None and hired <= left < TODAY
        if not is_leaver and (is_active(worker) is not False or hired > TODAY):
            found.add(("worker", worker["WorkerID"], "employeeId", _shown_id(worker), None, None))
    return found


def _country(company: MadeCompany, user: dict[str, Any]) -> str | None:
    """The country of the only worker whose only user this is."""
    workers = [worker for worker in company.workers if users_of(company, worker) == [user]]
    return workers[0]["CountryCode"] or None if len(workers) == 1 else None


def usagelocation_missing(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], "usageLocation", _country(company, user), None, None)
        for user in company.entra_users
        if user["usageLocation"] in (None, "") and user["userType"] != "Guest"
    }


def usagelocation_not_iso(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], "usageLocation", _country(company, user), None, user["usageLocation"])
        for user in company.entra_users
        if user["usageLocation"]
        and not (user["usageLocation"].isascii() and user["usageLocation"].upper() in _COUNTRIES)
    }


# ---- who is who ---------------------------------------------------------------------------------------


def _candidates(company: MadeCompany) -> list[tuple[str, str, tuple[int, int], int]]:
    """(guid, id, how good, lowest rule) of whoever may be one."""
    return [
        (guid, str(user["id"]), (-rules[0], len(rules)), rules[0])
        for guid, raw in company.users()
        for user in company.entra_users
        if (rules := agreeing(raw, user))
    ]


def _best(company: MadeCompany) -> list[tuple[str, str, int, bool]]:
    """(guid, id, lowest rule, is a tie) of the candidates that nobody beats on either side."""
    every = _candidates(company)
    found = []
    for guid, key, score, rule in every:
        rivals = [its for one, other, its, _ in every if (one == guid) != (other == key)]
        if all(its <= score for its in rivals):
            found.append((guid, key, rule, score in rivals))
    return found


def ambiguous_match(company: MadeCompany) -> Found:
    name = {1: "onPremisesImmutableId", 2: "onPremisesSecurityIdentifier", 3: "employeeId", 4: "userPrincipalName",
            5: "mail"}  # fmt: skip
    users = {user["id"]: user for user in company.entra_users}
    dns = {guid_text(raw["objectguid"][0]): dn for dn, raw in company.ad["ad_user"]}
    return {
        (
            "entra_user", key, name[rule], None, dns[guid], users[key]["userPrincipalName"] or None,
        )
        for guid, key, rule, is_tie in _best(company)
        if is_tie
    }  # fmt: skip


def _without_user(*, enabled: bool) -> Callable[[MadeCompany], Found]:
    def oracle(company: MadeCompany) -> Found:
        known = {guid for guid, *_ in _best(company)}
        return {
            ("ad_user", guid_text(raw["objectguid"][0]), "distinguishedName", None, dn, None)
            for dn, raw in company.ad["ad_user"]
            if is_off(raw) is not enabled
            and guid_text(raw["objectguid"][0]) not in known
            and not _is_critical(raw)
            and (value(raw, "whenChanged") or "") <= "20260302030000.0Z"
        }

    return oracle


def entra_synced_not_in_ad(company: MadeCompany) -> Found:
    known = {key for _, key, *_ in _best(company)}
    return {
        ("entra_user", user["id"], "onPremisesDistinguishedName", None, None,
         text_of(user, "onPremisesDistinguishedName"))
        for user in company.entra_users
        if user["onPremisesSyncEnabled"] is True
        and user["id"] not in known
        and str(user["onPremisesLastSyncDateTime"] or "") <= "2026-03-02T01:00:00Z"
    }  # fmt: skip


def anchor_differs(company: MadeCompany) -> Found:
    return {
        ("entra_user", str(user["id"]), "onPremisesImmutableId", None, ours, str(its))
        for raw, user in settled(company)
        if (its := user["onPremisesImmutableId"])
        and its != (ours := immutable_id(raw.get("ms-ds-consistencyguid", raw["objectguid"])[0]))
    }


def sid_differs(company: MadeCompany) -> Found:
    return {
        ("entra_user", str(user["id"]), "onPremisesSecurityIdentifier", None, ours, str(its))
        for raw, user in settled(company)
        if (its := user["onPremisesSecurityIdentifier"])
        and "objectsid" in raw
        and its != (ours := sid_text(raw["objectsid"][0]))
    }


def duplicate_employeeid_entra(company: MadeCompany) -> Found:
    members = [user for user in company.entra_users if user["userType"] != "Guest"]
    twice = shared((user["id"], same(user["employeeId"])) for user in members)
    return {
        ("entra_user", user["id"], "employeeId", None, None, user["employeeId"])
        for user in members
        if user["id"] in twice
    }


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "ad_des_only": _state(_enabled(2097152)),
    "ad_reversible_password": _state(_enabled(128)),
    "ad_protocol_transition": _state(_enabled(16777216), "ad_user", "ad_computer"),
    "ad_unconstrained_delegation": _state(
        lambda _raw, flags: flags & 524288 and not flags & (2 | 8192 | 67108864), "ad_user", "ad_computer"
    ),
    "ad_computed_bit_stored": _state(lambda _raw, flags: flags & (16 | 8388608 | 134217728), "ad_user", "ad_computer"),
    "ad_privileged_with_spn": ad_privileged_with_spn,
    "ad_disabled_privileged": ad_disabled_privileged,
    "ad_admincount_left": ad_admincount_left,
    "ad_never_logged_on": _state(_never_came, attribute="lastLogonTimestamp", shows=lambda raw: _day(_created(raw))),
    "ad_stale_account": _state(_is_stale, attribute="lastLogonTimestamp", shows=_last_logon),
    "ad_stale_computer": _state(_is_stale, "ad_computer", attribute="lastLogonTimestamp", shows=_last_logon),
    "ad_expired_entra_enabled": ad_expired_entra_enabled,
    "manager_missing": manager_missing,
    "entra_stale_account": entra_stale_account,
    "stale_on_both_sides": stale_on_both_sides,
    "entra_guest_pending": entra_guest_pending,
    "leaver_still_enabled": leaver_still_enabled,
    "leaver_in_privileged_group": leaver_in_privileged_group,
    "joiner_without_account": joiner_without_account,
    "usagelocation_missing": usagelocation_missing,
    "usagelocation_not_iso": usagelocation_not_iso,
    "ambiguous_match": ambiguous_match,
    "ad_enabled_not_in_entra": _without_user(enabled=True),
    "ad_disabled_not_in_entra": _without_user(enabled=False),
    "entra_synced_not_in_ad": entra_synced_not_in_ad,
    "anchor_differs": anchor_differs,
    "sid_differs": sid_differs,
    "duplicate_employeeid_entra": duplicate_employeeid_entra,
}
