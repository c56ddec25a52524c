"""Scripted faults: what goes wrong, at which request, how often.

Text form, for the command line: KIND[:VALUE][@WHERE][xTIMES]
    503@50          the 50th Graph request is answered 503
    429:2@10x3      requests 10 to 12 get 429 with Retry-After: 2
    reset@p0.05     each request with probability 0.05, without end
    503-mid@/users/ the first request whose path and query match the regular expression
    slow:1.5@7x*    every request from the 7th on waits 1.5 s
Requests are counted from 1; token requests are not. A fault that fits no page (a page kind, a request that is none)
waits for the next request that it fits.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from recon.errors import UsageError

KINDS = {
    "503": "503 instead of the answer; VALUE: Retry-After in seconds, none by default",
    "503-mid": "half of the body of a good answer, then the connection closes",
    "504": "504 instead of the answer",
    "504-after": "504, although the request was carried out",
    "409": "409 Directory_ConcurrencyViolation",
    "401": "401 as for an expired token",
    "424": "424 for a whole $batch",
    "429": "429 with Retry-After: VALUE seconds (1)",
    "429-decimal": "429 with a decimal Retry-After: VALUE (0.25)",
    "429-none": "429 without Retry-After",
    "reset": "the connection is reset before the request is carried out",
    "reset-after": "the connection is reset although the request was carried out",
    "truncated": "half of the JSON, with a Content-Length that fits",
    "expired-page-token": "400 Directory_ExpiredPageToken on a following page",
    "duplicated-page": "the nextLink leads to the same page once more",
    "shifted-page": "a following page repeats one object of the page before and loses one of its own",
    "empty-page": "no object, but a nextLink that goes on where this page would have begun",
    "expired-delta-token": "400 syncStateNotFound for a deltaLink; VALUE: another status",
    "delta-reset": "410 with a Location for a deltaLink",
    "slow": "the answer comes VALUE seconds late (1)",
}

PAGE = frozenset({"duplicated-page", "empty-page"})
FOLLOWING_PAGE = frozenset({"expired-page-token", "shifted-page"})
DELTA_LINK = frozenset({"expired-delta-token", "delta-reset"})
ITEM = frozenset({"503", "504", "504-after", "409", "401", "429", "429-decimal", "429-none"}) | PAGE | FOLLOWING_PAGE
_TAKES_VALUE = frozenset({"503", "429", "429-decimal", "slow", "expired-delta-token"})

_TEXT = re.compile(
    r"(?P<kind>[a-z0-9-]+)(?::(?P<value>[0-9]+(?:\.[0-9]+)?))?"
    r"(?:@(?:(?P<at>[0-9]+)|p(?P<probability>[0-9.]+)|/(?P<match>.*)/))?(?:x(?P<times>[0-9]+|\*))?"
)


@dataclass(frozen=True)
class Fault:
    """One scripted fault. Without at, match or probability: the first request it fits. times None: without end."""

    kind: str
    at: int | None = None
    match: str | None = None
    probability: float | None = None
    times: int | None = 1
    value: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"unknown fault {self.kind!r}", hint=f"known: {', '.join(KINDS)}")
        if self.value is not None and self.kind not in _TAKES_VALUE:
            raise UsageError(f"fault {self.kind} takes no value")
        if (self.at is not None and self.at < 1) or (self.times is not None and self.times < 1):
            raise UsageError(f"fault {self.kind}: requests and times are counted from 1")
        if self.probability is not None and not 0 < self.probability <= 1:
            raise UsageError(f"fault {self.kind}: a probability lies above 0 and is at most 1")
        if self.match is not None:
            try:
                re.compile(self.match)
            except re.error as error:
                raise UsageError(f"fault {self.kind}: not a regular expression: {error}") from error


def parse_fault(text: str) -> Fault:
    """Read the text form. Raises UsageError, naming the known kinds, for anything else."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise UsageError(
            f"not a fault: {text!r}",
            hint=f"KIND[:VALUE][@WHERE][xTIMES], for example 503@50; kinds: {', '.join(KINDS)}",
        )
    probability = None
    if found["probability"] is not None:
        try:
            probability = float(found["probability"])
        except ValueError as error:
            raise UsageError(f"not a probability in fault: {text!r}") from error
    times: int | None = 1 if probability is None else None
    if found["times"] is not None:
        times = None if found["times"] == "*" else int(found["times"])
    return Fault(
        kind=found["kind"],
        at=int(found["at"]) if found["at"] else None,
        match=found["match"],
        probability=probability,
        times=times,
        value=float(found["value"]) if found["value"] else None,
    )


class FaultScript:
    """Faults with their counts. Seeded: the same requests meet the same faults."""

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._faults: list[tuple[Fault, list[int]]] = [(fault, [0]) for fault in faults]
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """One more, at the end of the script."""
        self._faults.append((fault, [0]))

    def pick(
        self, number: int, target: str, *, is_page: bool, is_following: bool, is_batch: bool, is_delta: bool = False
    ) -> Fault | None:
        """The fault that hits request `number` for `target` (path and query below /v1.0), if any."""
        for fault, fired in self._faults:
            if fault.kind in PAGE and not is_page:
                continue
            if fault.kind in FOLLOWING_PAGE and not is_following:
                continue
            if (fault.kind == "424" and not is_batch) or (fault.kind in DELTA_LINK and not is_delta):
                continue
            if self._hits(fault, fired[0], number, target):
                fired[0] += 1
                return fault
        return None

    def pick_item(self, target: str, *, is_page: bool, is_following: bool) -> Fault | None:
        """The fault that hits one item of a batch: only those scripted by path, and only what an item can suffer."""
        for fault, fired in self._faults:
            if fault.match is None or fault.kind not in ITEM:
                continue
            if (fault.kind in PAGE and not is_page) or (fault.kind in FOLLOWING_PAGE and not is_following):
                continue
            if self._hits(fault, fired[0], 0, target):
                fired[0] += 1
                return fault
        return None

    def _hits(self, fault: Fault, fired: int, number: int, target: str) -> bool:
        if fault.times is not None and fired >= fault.times:
            return False
        if fault.at is not None and number < fault.at:
            return False
        if fault.match is not None and not re.search(fault.match, target):
            return False
        return fault.probability is None or self._random.random() < fault.probability

    def state(self) -> list[dict[str, object]]:
        """Each fault and how often it has struck, for tests and the demo."""
        return [
            {
                "kind": fault.kind,
                "at": fault.at,
                "match": fault.match,
                "probability": fault.probability,
                "times": fault.times,
                "value": fault.value,
                "fired": fired[0],
            }
            for fault, fired in self._faults
        ]
