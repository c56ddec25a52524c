"""What must be found about password reset and MIM, said naively: by code, of one made company."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from recon.decode.mask import mask_value
from recon.decode.sid import sid_text
from recon.decode.wellknown import well_known
from tests.support.companies import MadeCompany, same, shared, text_of, value
from tests.support.company_groups import NO_END
from tests.support.oracle_groups import TODAY, entra_inside, refused, steps_to

Found = set[tuple[str | None, ...]]
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def is_mail(text: str) -> bool:
    """Something that Graph takes as a mail address."""
    local, at, domain = text.partition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text) <= 250
        and all(_LOCAL.fullmatch(atom) for atom in local.split("."))
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
    )


def _members(company: MadeCompany) -> list[dict[str, Any]]:
    return [user for user in company.entra_users if user["userType"] != "Guest"]


def _held(company: MadeCompany) -> list[tuple[str, str, str]]:
    """(user id, address as written, address as compared) of members."""
    return [
        (user["id"], mail, key)
        for user in _members(company)
        for mail in user.get("otherMails", ())
        if (key := same(mail)) is not None
    ]


# ---- otherMails -----------------------------------------------------------------------------------------


def othermails_shared(company: MadeCompany) -> Found:
    """The value shown is the first spelling in the order of its characters."""
    held = _held(company)
    return {
        ("entra_user", user, "otherMails", None, None, min(one for who, one, its in held if (who, its) == (user, key)))
        for user, _, key in held
        if user in shared((who, its) for who, _, its in held if its == key)
    }


def othermails_company_domain(company: MadeCompany) -> Found:
    own = {same(user["userPrincipalName"].rpartition("@")[2]) for user in _members(company)
           if user["userPrincipalName"] and "@" in user["userPrincipalName"]}  # fmt: skip
    return {
        ("entra_user", user, "otherMails", None, None, mail)
        for user, mail, key in _held(company)
        if "@" in key and any(f".{key.rpartition('@')[2]}".endswith(f".{domain}") for domain in own)
    }


def _defects(mail: str) -> set[str]:
    """The causes, as docs/value-defects.md names them; made addresses have no control characters and are short."""
    if not mail:
        return {"empty"}
    found = {"non_ascii"} if not mail.isascii() else set()
    found |= {"blanks"} if any(map(str.isspace, mail)) else set()
    bare = "".join(one if one.isascii() else "x" for one in mail if not one.isspace())
    if bare.count("@") != 1:
        return found | {"several_ats" if "@" in bare else "no_at"}
    local, domain = bare.split("@")
    if not local or not is_mail(f"{local}@x.example"):
        found.add("bad_local" if local else "empty_local")
    return found if is_mail(f"x@{domain}") else found | {"bad_domain"}


def _shown(mail: str) -> str | None:
    return (mask_value(mail) if mail.strip() else "***") if mail else None


def othermails_invalid(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], cause, None, None, _shown(mail))
        for user in _members(company)
        for mail in user.get("otherMails", ())
        if not is_mail(mail)
        for cause in _defects(mail)
    }


# ---- workers and their users ----------------------------------------------------------------------------


def day_of(text: str) -> date | None:
    """A date of the extract; None for what is none, and for the last day there is, which ends nothing."""
    is_date = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and text != NO_END
    return date.fromisoformat(text) if is_date else None


def id_of(worker: dict[str, str]) -> str | None:
    """The id that a worker's accounts carry: the employee id, or the worker id where HR has no other."""
    return same(worker["EmployeeID"]) or same(worker["WorkerID"])


def users_of(company: MadeCompany, worker: dict[str, str]) -> list[dict[str, Any]]:
    """The Entra users that carry a worker's id; guests count for nothing."""
    return [user for user in _members(company) if same(user["employeeId"]) == id_of(worker)]


_ACTIVE = {"active", "a", "1", "true", "yes", "on leave", "onleave"}


def is_active(worker: dict[str, str]) -> bool | None:
    status = same(worker["WorkerStatus"])
    return None if status is None else status in _ACTIVE


def _staff(company: MadeCompany) -> Iterator[tuple[dict[str, str], dict[str, Any], str]]:
    """Workers who have not left, whose only Entra user is known, with the personal address of HR."""
    for worker in company.workers:
        users = users_of(company, worker)
        mail = worker["PersonalEmail"].strip()
        hired, left = day_of(worker["HireDate"]), day_of(worker["TerminationDate"])
        is_leaver = left is not None and left < TODAY and (hired is None or hired <= left)
        is_leaver |= left is None and is_active(worker) is False and (hired is None or hired <= TODAY)
        if len(users) == 1 and mail and not is_leaver:
            yield worker, users[0], mail


def othermails_missing(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], "otherMails", mail, None, None)
        for worker, user, mail in _staff(company)
        if user.get("otherMails") == []
        and user["onPremisesSyncEnabled"] is True
        and is_mail(mail)
        and (user["accountEnabled"] or (day_of(worker["HireDate"]) or TODAY) > TODAY)
    }


def othermails_differ_from_hr(company: MadeCompany) -> Found:
    return {
        ("entra_user", user["id"], "otherMails", mail, None, user["otherMails"][0] or None)
        for _, user, mail in _staff(company)
        if user.get("otherMails") and same(mail) not in map(same, user["otherMails"])
    }


def othermails_refused(company: MadeCompany) -> Found:
    bare = {user["id"] for user in _members(company) if user["accountEnabled"] and user.get("otherMails") == []}
    return {("entra_user", key, "otherMails", None, None, name) for key, _, name in refused(company) if key in bare}


# ---- hires and the policy -------------------------------------------------------------------------------


def _hires(company: MadeCompany) -> list[dict[str, str]]:
    """Who starts today or within 14 days; who ends on the very day never starts."""
    return [
        worker
        for worker in company.workers
        if (hired := day_of(worker["HireDate"])) is not None
        and TODAY <= hired <= TODAY + timedelta(days=14)
        and day_of(worker["TerminationDate"]) != hired
    ]


def _policy_group(company: MadeCompany) -> str | None:
    """The id of the one group that [sspr] names by id or by name."""
    wanted = company.sspr.group or ""
    found = {
        group["id"].lower()
        for group in company.entra_groups
        if group["id"].lower() == wanted.lower() or same(group["displayName"]) == same(wanted)
    }
    return found.pop() if len(found) == 1 else None


def _stage(company: MadeCompany, worker: dict[str, str]) -> str | None:
    accounts = sum(same(value(raw, "employeeID")) == id_of(worker) for _, raw in company.users())
    users = users_of(company, worker)
    policy, group = company.sspr, None
    if not users:
        return "several accounts" if accounts > 1 else "no Entra user" if accounts else "no account"
    if accounts > 1 or len(users) > 1:
        return "several accounts"
    user = users[0]
    if "otherMails" not in user:
        return "otherMails unknown"
    if not user["otherMails"]:
        return "no otherMails"
    if policy.email_method is False:
        return "e-mail method off"
    if policy.methods_required == 2:
        return "more methods required"
    if policy.password_writeback is False and user["onPremisesSyncEnabled"] is True:
        return "no password writeback"
    if policy.group is not None and policy.group != "Everybody":
        group = _policy_group(company)
    if group is not None and user["id"] not in steps_to(group, entra_inside(company)):
        return "not in the group"
    return None


def sspr_hire_not_ready(company: MadeCompany) -> Found:
    found: Found = set()
    for worker in _hires(company):
        stage = _stage(company, worker)
        if stage is not None:
            accounts = [raw for _, raw in company.users() if same(value(raw, "employeeID")) == id_of(worker)]
            users = users_of(company, worker)
            ad = accounts[0] if len(accounts) == 1 else {}
            found.add((
                "worker", worker["WorkerID"], stage, worker["HireDate"],
                value(ad, "userPrincipalName") or value(ad, "sAMAccountName"),
                text_of(users[0], "userPrincipalName") if len(users) == 1 else None,
            ))  # fmt: skip
    return found


def sspr_policy_undeclared(company: MadeCompany) -> Found:
    """A group that nobody can tell is as good as none."""
    hires, policy = len(_hires(company)), company.sspr
    missing = {name for name in ("email_method", "methods_required", "password_writeback")
               if getattr(policy, name) is None}  # fmt: skip
    if policy.group is None or (policy.group != "Everybody" and _policy_group(company) is None):
        missing.add("group")
    return {("sspr_policy", name, name, str(hires), None, None) for name in missing if hires}


# ---- the synchronization service ------------------------------------------------------------------------


def mim_role_of_everybody(company: MadeCompany) -> Found:
    """Everyone, Authenticated Users, Users, Guests, Anonymous; Domain Users and Domain Guests of any domain."""
    wide = {"Everyone", "Authenticated Users", "Users", "Guests", "Anonymous", "Domain Users", "Domain Guests"}
    return {
        ("mim_role", role, "sid", None, sid_text(data), None)
        for role, data in company.mim_roles.items()
        if (known := well_known(sid_text(data))) is not None and known.name in wide
    }


def mim_group_unknown(company: MadeCompany) -> Found:
    known = {
        sid_text(raw["objectsid"][0])
        for table in ("ad_user", "ad_group")
        for _, raw in company.ad[table]
        if "objectsid" in raw
    }
    return {
        ("mim_role", role, "sid", None, sid_text(data), None)
        for role, data in company.mim_roles.items()
        if sid_text(data) not in known and well_known(sid_text(data)) is None
    }


def mim_last_run_failed(company: MadeCompany) -> Found:
    """By agent and profile, the last of the runs that came to an end."""
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for run in sorted(company.mim_runs, key=lambda run: run["run_number"]):  # type: ignore[no-any-return]
        if run["is_run_complete"]:
            last[run["ma_id"].strip().lower(), run["run_profile_name"].strip()] = run
    return {
        ("mim_agent", agent, profile, None, (run["run_result"] or "").strip() or None, None)
        for (agent, profile), run in last.items()
        if (run["run_result"] or "").strip() != "success"
    }


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "othermails_shared": othermails_shared,
    "othermails_company_domain": othermails_company_domain,
    "othermails_invalid": othermails_invalid,
    "othermails_missing": othermails_missing,
    "othermails_differ_from_hr": othermails_differ_from_hr,
    "othermails_refused": othermails_refused,
    "sspr_hire_not_ready": sspr_hire_not_ready,
    "sspr_policy_undeclared": sspr_policy_undeclared,
    "mim_role_of_everybody": mim_role_of_everybody,
    "mim_group_unknown": mim_group_unknown,
    "mim_last_run_failed": mim_last_run_failed,
}
