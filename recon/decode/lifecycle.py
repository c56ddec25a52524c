"""Hire and leave dates as AD must hold them, so that employeeHireDate and employeeLeaveDateTime can be synchronized.

AD has no such attributes: a site keeps them in a text attribute of its own, in the form yyyyMMddHHmmss.fZ (UTC). Any
other form makes the export of the whole user fail with DataValidationFailed. Each refusal here has its reason, and the
corrected value where it can be told without guessing.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from recon.decode.mail import mail_defects
from recon.decode.mask import mask_value
from recon.decode.text import quoted
from recon.decode.times import generalized_time_text, iso_text
from recon.errors import DecodeError

KINDS = ("hire", "leave")
# a date without a time: a hire begins with its day, a leave ends with it (workflows run within hours of the moment)
_CLOCKS = {"hire": "010000", "leave": "230000"}
_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")
# an offset of zero means UTC by Microsoft's rule for offsets and by ISO's
_COMPACT = re.compile(r"([0-9]{8})([0-9]{6})(?:[.,]([0-9]*))?(?:[Zz]|[+-]00(?:00)?)?")
# the year 9999 stands for no end in many HR systems
_DATE_LIKE = re.compile(r"[0-9]{1,4}[-./ ][0-9]{1,2}[-./ ][0-9]{1,4}.*|(?:1[6-9]|2[0-9]|99(?=99))[0-9]{6}.*", re.DOTALL)
_MESSAGE = "not a generalized time: "


class LifecycleDate(NamedTuple):
    """One value. `content`: date, mail or text; `at`: the time as the store has it, None where the value is refused.

    `reason`: why it is refused, '' where it is not; `proposed`: what to write instead, None where nobody can tell.
    """

    content: str
    at: str | None
    reason: str
    proposed: str | None


def read_lifecycle_date(text: str, kind: str = "hire") -> LifecycleDate:
    """What a value of the attribute says; never raises. `kind`: hire or leave, for dates without a time."""
    try:
        return LifecycleDate("date", generalized_time_text(text), "", None)
    except DecodeError as error:
        reason = str(error).removeprefix(_MESSAGE).removeprefix(f"{quoted(text)} ")
    bare = text.strip()
    if not bare:
        return LifecycleDate("text", None, "the value is empty", None)
    if not mail_defects(bare):
        return LifecycleDate("mail", None, "the value is a mail address, no date", None)
    if not _DATE_LIKE.fullmatch(bare):
        return LifecycleDate("text", None, "the value is no date", None)
    return LifecycleDate("date", None, reason, _corrected(bare, kind))


def _corrected(text: str, kind: str) -> str | None:
    """The value in the right form, where text can mean one moment alone."""
    day = _DAY.fullmatch(text)
    if day:
        return _checked(f"{''.join(day.groups())}{_CLOCKS[kind]}.0Z")
    compact = _COMPACT.fullmatch(text)
    if compact:
        date, clock, fraction = compact.groups()
        if clock == "240000":
            return _next_day(date)
        return _checked(f"{date}{clock}.{(fraction or '0')[:7]}Z")
    try:
        at = iso_text(text.replace(" ", "T", 1).replace("z", "Z"))
    except DecodeError:
        return None
    return at[:19].replace("-", "").replace(" ", "").replace(":", "") + "." + (at[20:].rstrip("0") or "0") + "Z"


def _checked(value: str) -> str | None:
    try:
        generalized_time_text(value)
    except DecodeError:
        return None
    return value


def _next_day(date: str) -> str | None:
    """Midnight at the end of a day, which AD writes as the beginning of the next."""
    if _checked(f"{date}000000.0Z") is None or date == "99991231":
        return None
    following = datetime.strptime(date, "%Y%m%d") + timedelta(days=1)
    return f"{following:%Y%m%d}000000.0Z" if following.year > 999 else None


def advice(value: str, found: LifecycleDate) -> str:
    """The value with its reason and what to write, in one line; what may be an address is masked."""
    proposal = f"; write {found.proposed}" if found.proposed else ""
    shown = mask_value(value) if "@" in value else value
    return f"{shown} ({found.reason}{proposal})" if found.reason else shown
