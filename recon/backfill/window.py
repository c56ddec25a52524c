"""A maintenance window's end: a wall-clock time in a place, as the change request says it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from recon.errors import UsageError

_TEXT = re.compile(r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)\s+(?P<zone>\S+)")


def window_end(text: str, now: datetime) -> datetime:
    """The next time that clocks in that place show so much, in UTC. `text`: '06:00 Europe/Zurich'; `now`: aware.

    A time that does not exist on that night (clocks go forward) is the moment at which they jump; one that comes
    twice is the first of the two: the earlier end is the safe one. Raises UsageError for anything else.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"not the end of a window: {text}", hint='give a time and an IANA zone: "06:00 Europe/Zurich"')
    try:
        zone = ZoneInfo(found["zone"])
    except (ValueError, OSError, LookupError) as error:
        raise UsageError(f"unknown time zone {found['zone']}", hint="IANA names, such as Europe/Zurich") from error
    today = now.astimezone(zone).date()
    for days in range(3):
        day = today + timedelta(days=days)
        wall = datetime(day.year, day.month, day.day, int(found["hour"]), int(found["minute"]), tzinfo=zone)
        end = _instant(wall)
        if end > now:
            return end
    raise UsageError(f"no such time within two days: {text}")


def _instant(wall: datetime) -> datetime:
    """UTC of a wall-clock time, the first of two, or the jump over one that does not exist."""
    at = wall.replace(fold=0).astimezone(UTC)
    if at.astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return at
    # in a gap, fold 0 reads the time with the offset before it, which leads past the jump by what is missing
    before, after = wall.replace(fold=0).utcoffset(), wall.replace(fold=1).utcoffset()
    if before is None or after is None:
        return at
    low, high = at - abs(after - before), at
    offset = low.astimezone(wall.tzinfo).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(wall.tzinfo).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
