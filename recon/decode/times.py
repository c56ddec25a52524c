"""Times of AD, Graph and HR as the one text that the store knows: UTC 'YYYY-MM-DD HH:MM:SS.ffffff'.

Dates are 'YYYY-MM-DD', days are whole days since 1970-01-01. Finer fractions than a microsecond are cut off.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from recon.decode.text import quoted
from recon.errors import DecodeError

NEVER = (1 << 63) - 1  # accountExpires and others: no such moment

_TICKS_A_DAY = 864_000_000_000  # FILETIME counts 100 ns
_ORDINAL_1601 = date(1601, 1, 1).toordinal()
_ORDINAL_1970 = date(1970, 1, 1).toordinal()
_FILETIME_END = (date.max.toordinal() - _ORDINAL_1601 + 1) * _TICKS_A_DAY

_GENERALIZED = re.compile(r"([0-9]{8})([0-9]{2})([0-9]{2})([0-9]{2})\.([0-9]{1,7})Z")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,12}))?)?(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))"
)
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?)?{_ZONE}"
)
_STORED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})?")


@lru_cache(maxsize=65536)
def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@lru_cache(maxsize=86400)
def _clock_text(second: int) -> str:
    """'HH:MM:SS' of a second of the day."""
    minutes, second = divmod(second, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}"


@lru_cache(maxsize=65536)
def _ordinal(text: str) -> int:
    """Ordinal of 'YYYY-MM-DD'; raises ValueError when the calendar has no such day."""
    return date.fromisoformat(text).toordinal()


@lru_cache(maxsize=65536)
def _is_day(text: str) -> bool:
    """Whether the calendar has this 'YYYY-MM-DD'."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def filetime_text(value: int) -> str | None:
    """A FILETIME (100 ns since 1601-01-01 UTC) as text; None for 0 and 2^63-1, which mean never.

    Raises DecodeError below 0 and beyond the year 9999.
    """
    if value == 0 or value == NEVER:
        return None
    if not 0 < value < _FILETIME_END:
        raise DecodeError(f"not a FILETIME: {value} is {'below 0' if value < 0 else 'beyond the year 9999'}")
    days, ticks = divmod(value, _TICKS_A_DAY)
    second, ticks = divmod(ticks, 10_000_000)
    return f"{_day_text(_ORDINAL_1601 + days)} {_clock_text(second)}.{ticks // 10:06}"


def generalized_time_text(text: str) -> str:
    """AD's generalized time yyyyMMddHHmmss.fZ (one to seven digits of fraction) as text.

    Strict, each with its own reason: no fraction, no Z, an offset, a date alone, ISO form, a day or hour that
    does not exist. Offsets are refused: Microsoft's formula for them is the opposite of ISO 8601's.
    """
    if len(text) == _USUAL_LENGTH and text.endswith(".0Z") and text.isascii() and text[:14].isdigit():
        usual = _usual_clock(text[8:14])
        day_text = _usual_day(text[:8])
        if usual and day_text:
            return f"{day_text} {usual}"
    match = _GENERALIZED.fullmatch(text)
    if match is None:
        raise DecodeError(f"not a generalized time: {_generalized_defect(text)}")
    day_digits, hour, minute, second, fraction = match.groups()
    day_text = f"{day_digits[:4]}-{day_digits[4:6]}-{day_digits[6:]}"
    return _joined(day_text, hour, minute, second, fraction, text, "generalized time")


# what a domain controller writes: whole seconds; '' where there is no such day or time of day
_USUAL_LENGTH = len("yyyyMMddHHmmss.0Z")


@lru_cache(maxsize=65536)
def _usual_day(digits: str) -> str:
    text = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return text if _is_day(text) else ""


@lru_cache(maxsize=86400)
def _usual_clock(digits: str) -> str:
    hour, minute, second = digits[:2], digits[2:4], digits[4:]
    return f"{hour}:{minute}:{second}.000000" if hour <= "23" and minute <= "59" and second <= "59" else ""


def _generalized_defect(text: str) -> str:
    for pattern, reason in _GENERALIZED_DEFECTS:
        if pattern.fullmatch(text):
            return reason.format(quoted(text))
    return f"{quoted(text)} does not have the form yyyyMMddHHmmss.fZ"


_GENERALIZED_DEFECTS = tuple(
    (re.compile(pattern, re.DOTALL), reason)
    for pattern, reason in (
        ("", "the value is empty"),
        (r"\s.*|.*\s", "{} has blanks around it"),
        (r"[0-9]{8}", "{} is a date without a time"),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", "{} is an ISO date, the form is yyyyMMddHHmmss.fZ"),
        (r"[0-9]{14}Z", "{} has no fraction (.0 before the Z)"),
        (r"[0-9]{14}(?:\.[0-9]*)?[+-][0-9]{2,4}", "{} has an offset, only Z is accepted"),
        (r"[0-9]{14}(?:\.[0-9]*)?", "{} has no Z at its end"),
        (r"[0-9]{14}\.Z", "{} has no digit behind the point"),
        (r"[0-9]{14}\.[0-9]{8,}Z", "{} has more than seven digits of fraction"),
    )
)


def _joined(day_text: str, hour: str, minute: str, second: str, fraction: str, source: str, what: str) -> str:
    try:
        _ordinal(day_text)
    except ValueError as error:
        raise DecodeError(f"not a {what}: {quoted(source)} names a day that does not exist") from error
    if hour > "23" or minute > "59" or second > "59":
        raise DecodeError(f"not a {what}: {quoted(source)} names a time of day that does not exist")
    return f"{day_text} {hour}:{minute}:{second}.{fraction[:6]:0<6}"


# the form that nearly all of them have, with an hour and a minute that exist
_ISO_SECONDS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])Z")


@lru_cache(maxsize=65536)
def iso_text(text: str) -> str:
    """Graph's DateTimeOffset as text in UTC: any fraction, Z or an offset (OData ABNF dateTimeOffsetValue).

    Raises DecodeError without a zone, for days and times that do not exist, and where UTC leaves years 1 to 9999.
    """
    usual = _ISO_SECONDS.fullmatch(text)
    if usual is not None and _is_day(usual[1]):
        return f"{usual[1]} {usual[2]}.000000"
    match = _ISO.fullmatch(text)
    if match is None:
        raise DecodeError(f"not a date and time: {quoted(text)} does not have the form YYYY-MM-DDThh:mm:ssZ")
    day_text, clock, second, fraction, zulu, sign, zone_hour, zone_minute = match.groups()
    plain = _joined(day_text, clock[:2], clock[3:], second or "00", fraction or "", text, "date and time")
    if zulu:
        return plain
    if zone_hour > "14" or zone_minute > "59":
        raise DecodeError(f"not a date and time: {quoted(text)} has an offset that does not exist")
    offset = timedelta(hours=int(zone_hour), minutes=int(zone_minute))
    try:
        moment = datetime.fromisoformat(plain) + (offset if sign == "-" else -offset)
    except OverflowError as error:
        raise DecodeError(f"not a date and time: {quoted(text)} is outside the years 1 to 9999 in UTC") from error
    return moment.isoformat(sep=" ", timespec="microseconds")


@lru_cache(maxsize=65536)
def date_text(text: str, format: str | None = None) -> str:  # noqa: A002  the contract's name, as in strptime
    """An HR date as 'YYYY-MM-DD', the day as written: HR dates are those of the worker's own zone.

    Without `format` ISO 8601 with hyphens, a time or zone behind it ignored (Workday writes 2023-02-12-08:00).
    With one, exactly that strptime format. Raises DecodeError; 03/04/2023 is never guessed.
    """
    if format is not None:
        try:
            return datetime.strptime(text, format).date().isoformat()
        except ValueError as error:
            raise DecodeError(f"not a date: {quoted(text)} does not have the format {quoted(format)}") from error
    match = _DATE.fullmatch(text)
    if match is None:
        raise DecodeError(f"not a date: {quoted(text)} does not have the form YYYY-MM-DD", hint="set date_format")
    try:
        _ordinal(match.group(1))
    except ValueError as error:
        raise DecodeError(f"not a date: {quoted(text)} names a day that does not exist") from error
    return match.group(1)


def day(text: str) -> int:
    """Days since 1970-01-01 of a stored date or time text. Raises DecodeError for any other form."""
    if not _STORED.fullmatch(text):
        raise DecodeError(f"not a stored date or time: {quoted(text)}")
    try:
        return _ordinal(text[:10]) - _ORDINAL_1970
    except ValueError as error:
        raise DecodeError(f"not a stored date or time: {quoted(text)} names a day that does not exist") from error


def filetime(at: str) -> int:
    """A stored time as Active Directory counts: 100 ns since 1601 (FILETIME)."""
    since = datetime.fromisoformat(at) - datetime(1601, 1, 1)
    return (since.days * 86_400 + since.seconds) * 10**7 + since.microseconds * 10


def from_datetime(value: datetime) -> str:
    """A datetime with a zone as stored text in UTC. Raises DecodeError without a zone."""
    if value.utcoffset() is None:
        raise DecodeError(f"a time without a zone: {value.isoformat()}")
    try:
        moment = value.astimezone(UTC)
    except OverflowError as error:
        raise DecodeError(f"outside the years 1 to 9999 in UTC: {value.isoformat()}") from error
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def utc_now_text() -> str:
    """The present moment as stored text."""
    return from_datetime(datetime.now(UTC))


def earlier(at: str, *, days: int = 0, hours: int = 0, minutes: int = 0) -> str:
    """The stored time so long before `at`; the first moment of the year 1 where that is before all time."""
    try:
        return from_datetime(
            datetime.fromisoformat(at).replace(tzinfo=UTC) - timedelta(days=days, hours=hours, minutes=minutes)
        )
    except OverflowError:
        return from_datetime(datetime.min.replace(tzinfo=UTC))
