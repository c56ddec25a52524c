"""Scripted misbehaviour of the lab's AD server: what goes wrong, on which page, how often.

Pages are counted over the whole server, from 1: each answer to a search other than a base search is one page.
"""

import re
import threading
from dataclasses import dataclass

from recon.errors import UsageError

KINDS = ("drop", "reset", "truncate", "garbage", "duplicate", "delay", "busy", "unavailable")
_FORM = re.compile(r"(?P<kind>[a-z]+)(?::(?P<amount>\d+(?:\.\d+)?))?@(?P<page>\d+)(?:x(?P<times>\d+))?")


@dataclass(frozen=True, slots=True)
class AdFault:
    """One fault.

    drop, reset   close (or reset) the connection after `entries` entries of the page
    truncate      the same, in the middle of the next message
    garbage       send bytes that are no BER after `entries` entries
    duplicate     send the page's entries twice
    delay         answer after `seconds`
    busy          answer result 51, unavailable: result 52, without entries
    It happens `times` times, from page `page` on.
    """

    kind: str
    page: int = 1
    entries: int = 0
    seconds: float = 0.0
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"unknown fault {self.kind!r}", hint=f"one of {', '.join(KINDS)}")

    @classmethod
    def parse(cls, text: str) -> "AdFault":
        """Read KIND[:AMOUNT]@PAGE[xTIMES]: `busy@2x3`, `drop:500@3` (entries), `delay:2.5@1` (seconds).

        Raises UsageError.
        """
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise UsageError(f"not a fault: {text!r}", hint="KIND[:AMOUNT]@PAGE[xTIMES], such as drop:500@3")
        amount = float(form["amount"] or 0)
        is_delay = form["kind"] == "delay"
        return cls(
            form["kind"],
            page=int(form["page"]),
            entries=0 if is_delay else int(amount),
            seconds=amount if is_delay else 0.0,
            times=int(form["times"] or 1),
        )


class AdFaults:
    """The faults of one server; `fired` tells what has happened, as (kind, page)."""

    def __init__(self, *faults: AdFault) -> None:
        self._planned = list(faults)
        self._times = [fault.times for fault in faults]
        self._lock = threading.Lock()
        self.fired: list[tuple[str, int]] = []

    def add(self, fault: AdFault) -> None:
        """Plan one more, also while the server runs."""
        with self._lock:
            self._planned.append(fault)
            self._times.append(fault.times)

    def at_page(self, page: int) -> AdFault | None:
        """The fault of this page, which is used up by asking; None when all goes well."""
        with self._lock:
            for place, fault in enumerate(self._planned):
                if self._times[place] and page >= fault.page:
                    self._times[place] -= 1
                    self.fired.append((fault.kind, page))
                    return fault
        return None
