"""From evidence to an item or a reason: the ladder, rung by rung, the first that holds decides.

Pure functions. LADDER is the one table of what is checked, in which order, and what each code means; the
documentation is held against it. A rung may rely on every rung above it not having held.
Long, because it is one ladder.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from recon.backfill.items import AdAccount, EntraAccount, Evidence, Item, Reason, Value
from recon.decode.country import is_country_code
from recon.decode.keys import fold
from recon.decode.mail import mail_defects
from recon.decode.times import day

_REUSED_DAYS = 60  # an account that is so much older than the hire belonged to somebody else, or to a re-hire
_MOST_MAILS = 250  # of otherMails
_PARTICLES = frozenset(
    {"al", "bin", "da", "de", "del", "den", "der", "di", "do", "dos", "du", "el", "la", "le", "van", "von"}
)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_RULE_NAMES = {1: "anchor", 2: "sid", 3: "employee_id", 4: "upn", 5: "mail"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the judgement is made by. `today`: days since 1970-01-01; domains folded; mode and position as mapped."""

    attribute: str
    today: int
    company_domains: frozenset[str] = frozenset()
    mode: str = "fill"
    position: str = "last"
    settled_at: str | None = None  # the time text: later accounts are left to the connector


@dataclass(frozen=True, slots=True)
class Rung:
    """One check: its code, its meaning for the reader, and a function that gives the detail when it holds."""

    code: str
    meaning: str
    holds: Callable[[Evidence, Rules], str | None]


# ---- names ------------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=65_536)
def _spellings(word: str) -> frozenset[str]:
    """A folded word without accents, with umlauts as one letter and as two."""
    return frozenset({_plain(word.translate(_LETTERS)), _plain(word.translate(_UMLAUTS).translate(_LETTERS))})


@lru_cache(maxsize=65_536)
def _words(part: str) -> frozenset[str]:
    """Every spelling of every word of one name."""
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", part).casefold())
    return frozenset().union(*(_spellings(word) for word in words))


def name_tokens(parts: Iterable[str | None]) -> frozenset[str]:
    """The words of a person's names, folded; Müller gives muller and mueller, so that both spellings meet.

    Initials and particles (van, de …) are left out unless there is nothing else.
    """
    tokens = frozenset[str]().union(*(_words(part) for part in parts if part))
    telling = frozenset(
        token for token in tokens if token not in _PARTICLES and (len(token) > 1 or not token.isascii())
    )
    return telling or tokens


def names_contradict(hr: Iterable[str | None], account: Iterable[str | None]) -> bool:
    """True when both sides have names and share no word of them."""
    ours, theirs = name_tokens(hr), name_tokens(account)
    return bool(ours) and bool(theirs) and not ours & theirs


def _hr_names(evidence: Evidence) -> list[str | None]:
    return [evidence.worker.get(name) for name in ("first_name", "last_name", "display_name")]


def _ad_names(account: AdAccount) -> list[str | None]:
    return [account.givenname, account.sn, account.displayname]


def _entra_names(account: EntraAccount) -> list[str | None]:
    return [account.givenname, account.surname, account.displayname]


def _contradicting_sides(evidence: Evidence) -> list[str]:
    hr = _hr_names(evidence)
    sides = []
    if names_contradict(hr, _ad_names(evidence.ad[0])):
        sides.append("AD")
    if names_contradict(hr, _entra_names(evidence.entra[0])):
        sides.append("Entra")
    return sides


# ---- the scopes ---------------------------------------------------------------------------------------------


def _in_two_scopes(evidence: Evidence, _: Rules) -> str | None:
    return f"also in scope {', '.join(evidence.other_scopes)}" if evidence.other_scopes else None


# ---- the worker in HR -------------------------------------------------------------------------------------


def is_prehire(evidence: Evidence, rules: Rules) -> bool:
    """True when the hire date is today or later: the account may still be disabled."""
    hired = evidence.worker.get("hire_day")
    return hired is not None and hired >= rules.today


def _terminated(evidence: Evidence, rules: Rules) -> str | None:
    worker = evidence.worker
    left, hired = worker.get("termination_day"), worker.get("hire_day")
    if left is not None and left <= rules.today and not (hired is not None and hired > left):
        return "the termination date has come"
    if worker.get("is_active") == 0 and not is_prehire(evidence, rules):
        return "HR does not call the worker active"
    return None


def _stale_load(evidence: Evidence, _: Rules) -> str | None:
    names = ", ".join(evidence.stale_loads)
    return f"the load of {names} is too old to tell" if names else None


# ---- who is who -------------------------------------------------------------------------------------------


def _duplicate_employee_id(evidence: Evidence, _: Rules) -> str | None:
    sides = []
    if evidence.same_id_workers > 1:
        sides.append(f"{evidence.same_id_workers} workers")
    if len(evidence.ad) > 1:
        sides.append(f"{len(evidence.ad)} AD users")
    if len(evidence.entra) > 1:
        sides.append(f"{len(evidence.entra)} Entra users")
    return f"the employee id belongs to {', '.join(sides)}" if sides else None


def _employee_id_differs(evidence: Evidence, _: Rules) -> str | None:
    if evidence.ad and not evidence.entra and evidence.pairings:
        return "the Entra user that belongs to the AD account carries no or another employee id"
    if evidence.entra and not evidence.ad and evidence.pairings:
        return "the AD account that belongs to the Entra user carries no or another employee id"
    return None


def _other_tenant(evidence: Evidence, _: Rules) -> str | None:
    return (
        f"the Entra user is in {', '.join(evidence.other_tenants)}"
        if not evidence.entra and evidence.other_tenants
        else None
    )


def _rehire_new_id(evidence: Evidence, _: Rules) -> str | None:
    if not evidence.ad and not evidence.entra and evidence.prior_accounts:
        return f"an earlier employee id leads to an account ({', '.join(evidence.prior_accounts)})"
    return None


def _not_synced_yet(evidence: Evidence, _: Rules) -> str | None:
    return "an AD account is there, no Entra user yet" if evidence.ad and not evidence.entra else None


def _no_match(evidence: Evidence, _: Rules) -> str | None:
    if evidence.worker.get("employeeid_key") is None:
        return "HR has no employee id for the worker"
    return "no account carries the employee id" if not evidence.entra else None


def _guest(evidence: Evidence, _: Rules) -> str | None:
    return "the Entra user is a guest" if evidence.entra[0].is_guest == 1 else None


def _cloud_only(evidence: Evidence, _: Rules) -> str | None:
    if evidence.entra[0].is_synced == 1:
        return None
    return "the Entra user is not synced" + (
        ", though an AD account carries the same employee id" if evidence.ad else ""
    )


def _anchor_missing(evidence: Evidence, _: Rules) -> str | None:
    return (
        "the Entra user is synced but shows no source anchor" if not evidence.entra[0].onpremisesimmutableid else None
    )


def _is_own_anchor(ad: AdAccount, entra: EntraAccount) -> bool:
    return entra.onpremisesimmutableid in (ad.immutable_id, ad.guid_immutable_id)


def _anchor_contradicts(evidence: Evidence, _: Rules) -> str | None:
    if not evidence.ad:
        return "the source anchor leads to no loaded AD account with this employee id"
    if not _is_own_anchor(evidence.ad[0], evidence.entra[0]):
        return "the source anchor does not lead to the AD account with this employee id"
    return None


def _ambiguous(evidence: Evidence, _: Rules) -> str | None:
    ad, entra = evidence.ad[0], evidence.entra[0]
    if any(pair.ad_row_id == ad.row_id and pair.entra_row_id == entra.row_id for pair in evidence.pairings):
        return None
    if evidence.pairings:
        return "one of the two accounts is matched with another"
    return "the two accounts are not the sole best match of each other"


def _reused_employee_id(evidence: Evidence, _: Rules) -> str | None:
    worker = evidence.worker
    hires = [worker[name] for name in ("hire_day", "original_hire_day") if worker.get(name) is not None]
    created = [day(at) for at in (evidence.ad[0].whencreated, evidence.entra[0].createddatetime) if at is not None]
    if hires and created and min(created) + _REUSED_DAYS < min(hires) and _contradicting_sides(evidence):
        return f"the account is {min(hires) - min(created)} days older than the hire, and the names contradict"
    return None


def _name_contradicts(evidence: Evidence, _: Rules) -> str | None:
    sides = _contradicting_sides(evidence)
    return f"no word of the names in HR and {' and '.join(sides)} agrees" if sides else None


# ---- who is never written ---------------------------------------------------------------------------------


def _privileged(evidence: Evidence, _: Rules) -> str | None:
    if (evidence.ad[0].admincount or 0) > 0:
        return "adminCount is set in AD"
    if evidence.admin_groups:
        return f"member of {', '.join(evidence.admin_groups)} in AD"
    if evidence.roles:
        return f"holds a directory role ({', '.join(evidence.roles)})"
    if evidence.role_groups:
        return f"member or owner of a role-assignable group ({', '.join(evidence.role_groups)})"
    if evidence.entra[0].ismanagementrestricted == 1:
        return "in a restricted management administrative unit"
    return None


def _denied_group(evidence: Evidence, _: Rules) -> str | None:
    return f"member of {', '.join(evidence.denied_groups)}" if evidence.denied_groups else None


def _disabled_held(evidence: Evidence, rules: Rules) -> str | None:
    off = [name for name, account in (("AD", evidence.ad[0]), ("Entra", evidence.entra[0])) if account.is_enabled == 0]
    return f"disabled in {' and '.join(off)}, no hire date ahead" if off and not is_prehire(evidence, rules) else None


# ---- the value --------------------------------------------------------------------------------------------


def _unknown_value(evidence: Evidence, rules: Rules) -> str | None:
    entra = evidence.entra[0]
    if entra.is_enabled is None:
        return "the load's answer did not contain accountEnabled"
    known = evidence.is_loaded
    if rules.attribute == "otherMails":
        known = entra.othermails_count is not None
    elif rules.attribute == "usageLocation":
        known = entra.usagelocation_known == 1
    if not known:
        return f"the load's answer did not contain {rules.attribute}"
    if rules.attribute == "otherMails" and entra.othermails_count != len(evidence.current):
        return "the loaded values do not agree with their number"
    return None


def _too_new(evidence: Evidence, rules: Rules) -> str | None:
    made = evidence.entra[0].createddatetime
    if rules.settled_at is None or evidence.current or made is None or made <= rules.settled_at:
        return None
    return f"made at {made[:16]} UTC: left to the connector for its next cycles"


def _ours_there(evidence: Evidence) -> frozenset[str | None]:
    """Folded: what we wrote last and is there still."""
    return frozenset(fold(value) for value in evidence.ours) & frozenset(fold(value) for value in evidence.current)


def _no_value(evidence: Evidence, rules: Rules) -> str | None:
    if evidence.value is not None:
        return None
    if rules.mode == "owned" and _ours_there(evidence) and rules.attribute != "usageLocation":
        return None  # what we wrote goes; usageLocation cannot be cleared
    return "the source has no value"


def _already_present(evidence: Evidence, rules: Rules) -> str | None:
    wanted = fold(evidence.value)
    there = {fold(value) for value in evidence.current}
    if evidence.value is None or wanted not in there:
        return None
    if rules.mode == "replace" and there != {wanted}:
        return None  # what stands beside it goes
    if rules.mode == "owned" and _ours_there(evidence) - {wanted}:
        return None  # an older value of ours goes
    return "the value is there"


def _would_replace(evidence: Evidence, rules: Rules) -> str | None:
    if not evidence.current or rules.mode in ("merge", "replace"):
        return None
    if rules.mode == "owned" and _ours_there(evidence):
        return None
    return f"{rules.attribute} holds another value"


def _after(evidence: Evidence, rules: Rules) -> Value:
    """The whole value that will stand there."""
    new = (evidence.value,) if evidence.value else ()
    if rules.mode == "merge":
        return (*new, *evidence.current) if rules.position == "first" else (*evidence.current, *new)
    if rules.mode != "owned":
        return new
    ours, wanted = _ours_there(evidence), {fold(value) for value in new}
    kept = [(place, value) for place, value in enumerate(evidence.current) if fold(value) not in ours | wanted]
    first = min((place for place, value in enumerate(evidence.current) if fold(value) in ours), default=0)
    before = tuple(value for place, value in kept if place < first)
    return (*before, *new, *(value for place, value in kept if place >= first))


def _too_many_values(evidence: Evidence, rules: Rules) -> str | None:
    over = rules.attribute == "otherMails" and len(_after(evidence, rules)) > _MOST_MAILS
    return f"otherMails would hold more than {_MOST_MAILS} values" if over else None


def _non_ascii(evidence: Evidence, rules: Rules) -> str | None:
    is_mail = rules.attribute == "otherMails"
    return "characters beyond ASCII: Graph refuses them" if is_mail and not (evidence.value or "").isascii() else None


def _invalid_mail(evidence: Evidence, rules: Rules) -> str | None:
    is_mail = rules.attribute == "otherMails" and evidence.value is not None
    defects = mail_defects(evidence.value or "") if is_mail else ()
    return f"not a mail address that can be written ({', '.join(defects)})" if defects else None


def _invalid_country(evidence: Evidence, rules: Rules) -> str | None:
    bad = (
        rules.attribute == "usageLocation" and evidence.value is not None and not is_country_code(evidence.value or "")
    )
    return "not a country of ISO 3166-1" if bad else None


def _company_domain(evidence: Evidence, rules: Rules) -> str | None:
    if rules.attribute != "otherMails":
        return None
    domain = (evidence.value or "").rpartition("@")[2].casefold()
    labels = domain.split(".")
    parents = {".".join(labels[place:]) for place in range(len(labels))}
    own = sorted(parents & rules.company_domains)
    return f"{own[0]} is the company's own domain" if own else None


def _shared_mail(evidence: Evidence, rules: Rules) -> str | None:
    return "somebody else has the same address" if rules.attribute == "otherMails" and evidence.is_shared else None


def _mail_changed_recently(evidence: Evidence, _: Rules) -> str | None:
    return f"the address is another since {evidence.changed_on}" if evidence.changed_on else None


LADDER: tuple[Rung, ...] = (
    Rung(
        "in_two_scopes",
        "Another scope selects the worker too, so it is not clear whose population it is.",
        _in_two_scopes,
    ),
    Rung("terminated", "The worker has left: by date, or by status.", _terminated),
    Rung("stale_load", "The domain's load is too old, while others are fresh.", _stale_load),
    Rung(
        "duplicate_employee_id",
        "Several workers, AD or Entra users carry the employee id.",
        _duplicate_employee_id,
    ),
    Rung("employee_id_differs", "The account's other half carries no or another employee id.", _employee_id_differs),
    Rung("other_tenant", "The account is in another linked tenant.", _other_tenant),
    Rung("rehire_new_id", "An earlier employee id leads to an account: proposed, never written.", _rehire_new_id),
    Rung("not_synced_yet", "An AD account is there, its Entra user not yet.", _not_synced_yet),
    Rung("no_match", "No account carries the employee id.", _no_match),
    Rung("guest", "The Entra user is a guest.", _guest),
    Rung("cloud_only", "The Entra user is not synced from AD: another connector's population.", _cloud_only),
    Rung("anchor_missing", "The Entra user shows no source anchor.", _anchor_missing),
    Rung("anchor_contradicts", "The source anchor leads to another AD account.", _anchor_contradicts),
    Rung("ambiguous", "The two accounts are not the sole best match of each other.", _ambiguous),
    Rung("reused_employee_id", "The account is much older than the hire and bears another name.", _reused_employee_id),
    Rung("name_contradicts", "HR's names and the account's have no word in common.", _name_contradicts),
    Rung(
        "privileged",
        "An administrator: adminCount, a directory role, a group for roles, or refused by Graph.",
        _privileged,
    ),
    Rung("denied_group", "Member of a group of [backfill] denied_groups.", _denied_group),
    Rung("disabled_held", "Disabled, and no hire date ahead.", _disabled_held),
    Rung("unknown_value", "The answer did not contain the property: absent is not empty.", _unknown_value),
    Rung("too_new", "A campaign leaves a new account to the connector for a few cycles.", _too_new),
    Rung("no_value", "The source has no value for the worker.", _no_value),
    Rung("already_present", "The value is there already.", _already_present),
    Rung("would_replace", "Another value stands there: not overwritten.", _would_replace),
    Rung("non_ascii", "The address has characters that Graph refuses.", _non_ascii),
    Rung("invalid_mail", "Not a mail address, or too long.", _invalid_mail),
    Rung("invalid_country", "Not a country code.", _invalid_country),
    Rung("company_domain", "The address lies in the company's own domains: not a personal one.", _company_domain),
    Rung("shared_mail", "Several people have the same address.", _shared_mail),
    Rung(
        "mail_changed_recently",
        "The address changed in its source a few days ago (held_mail_days): held.",
        _mail_changed_recently,
    ),
    Rung("too_many_values", "otherMails would hold more than 250 values.", _too_many_values),
)

REASON_CODES: tuple[str, ...] = (*(rung.code for rung in LADDER), "over_limit")

# why a planned item is not written after all, by what was loaded since
SINCE_PLANNED = {
    "terminated": "has left since the plan was made",
    "employee_id_changed": "HR has another employee id for the worker than in the plan",
    "source_changed": "the source has another value for the worker than in the plan, or none any more",
    "taken_back": "another undo of the same plan took it back since",
}


def _reason(evidence: Evidence, rung: Rung, detail: str, attribute: str) -> Reason:
    sole = evidence.entra[0] if len(evidence.entra) == 1 else None
    return Reason(
        code=rung.code,
        detail=detail,
        worker_source=evidence.worker_source,
        worker_id=evidence.worker["worker_id"],
        employee_id=evidence.worker.get("employee_id"),
        object_id=sole.id if sole else None,
        upn=sole.userprincipalname if sole else None,
        attribute=attribute,
    )


def _name(parts: Iterable[Any]) -> str:
    return " ".join(part for part in parts if part)


def _item(evidence: Evidence, rules: Rules) -> Item:
    ad, entra = evidence.ad[0], evidence.entra[0]
    rule = min(pair.rule for pair in evidence.pairings)
    return Item(
        object_id=entra.id,
        upn=entra.userprincipalname,
        worker_source=evidence.worker_source,
        worker_id=evidence.worker["worker_id"],
        employee_id=entra.employeeid,
        attribute=rules.attribute,
        before=evidence.current,
        after=_after(evidence, rules),
        rule=_RULE_NAMES.get(rule, str(rule)),
        may_be_disabled=is_prehire(evidence, rules),
        evidence={
            "immutable_id": entra.onpremisesimmutableid,
            "ad_guid": ad.guid,
            "rules_agreeing": max(pair.rules_agreeing for pair in evidence.pairings),
            "hr_name": _name(_hr_names(evidence)[:2]) or evidence.worker.get("display_name"),
            "ad_name": ad.displayname or _name((ad.givenname, ad.sn)),
            "entra_name": entra.displayname,
        },
        mode=rules.mode,
    )


def judge(evidence: Evidence, rules: Rules) -> Item | Reason:
    """What follows from the evidence: the first rung that holds gives the reason; none: an item."""
    for rung in LADDER:
        detail = rung.holds(evidence, rules)
        if detail is not None:
            return _reason(evidence, rung, detail, rules.attribute)
    return _item(evidence, rules)
