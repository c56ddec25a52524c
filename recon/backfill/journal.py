"""What apply meant to do and what came of it: append-only JSON lines, synced to disk before anything depends on them.

    run      one apply began: plan, tenant, tool version, user of the operating system; `way`, unless it is PATCH
    intent   a write is about to be sent: object, attribute, before, after, client-request-id
    attempt  a write was answered with something that decides nothing (429, 503, no answer; 202 to a bulk upload)
    outcome  the one final word on an item: done, skipped or failed
    verify   what a later look found of an item that was done: consistent, drifted, deleted, unreadable

Every line carries a chain: SHA-256 over the line before and its own content, so that a line changed, taken out or
put in shows. Only the end may be torn, by a crash in mid-write: a last line without its line feed is cut off when the
journal is opened for writing. Anything else that does not fit is damage, and nothing more is written.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recon.errors import PlanError

PATCH, BULK_UPLOAD = "patch", "bulk-upload"  # ways of writing
DONE, SKIPPED, FAILED = "done", "skipped", "failed"
OUTCOMES = (DONE, SKIPPED, FAILED)

# what an attempt says when nothing was done: never sent, refused, too many, overtaken
_NOT_DONE = frozenset({-1, 400, 409, 429})

_ON_ITEMS = ("intent", "attempt", "outcome", "verify")
_CHAIN = 32  # hexadecimal digits of the chain kept in a line


def _chained(previous: str, content: bytes) -> str:
    return hashlib.sha256(previous.encode() + content).hexdigest()[:_CHAIN]


def _canonical(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def may_have_landed(intent: Mapping[str, Any]) -> bool:
    """Whether a write of this item in doubt (see JournalState.intents), the last or an earlier one, may be in effect.

    One without any answer may: the process ended before it came.
    """
    return bool(intent.get("lost")) or intent.get("answered") not in _NOT_DONE


@dataclass
class JournalState:
    """What a journal says, replayed: per item (its number in the plan) whether it is in doubt, or its final outcome."""

    plan: str | None = None
    chain: str = ""
    size: int = 0  # bytes of whole lines; what lies behind is torn
    torn: int = 0
    runs: int = 0
    way: str | None = None  # in which the plan is written, once it is
    # in doubt: no outcome yet; `answered` is the status of the attempt, where there was an answer to this intent;
    # `lost`: an earlier write of the item may have landed
    intents: dict[int, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)  # (outcome, reason)
    windows_ms: list[float] = field(default_factory=list)  # between re-read and write, of each write
    verified: dict[int, str] = field(default_factory=dict)  # what the last look found

    def take(self, entry: Mapping[str, Any]) -> None:
        """Follow one entry. Raises PlanError when it contradicts what stands before it."""
        kind = entry.get("type")
        if kind == "run":
            if self.plan is not None and entry.get("plan") != self.plan:
                raise PlanError("the journal belongs to another plan")
            self.plan = str(entry.get("plan"))
            if entry.get("kind") != "verify":
                self.runs += 1
                self.way = self.way or str(entry.get("way", PATCH))
            return
        item = entry.get("item")
        if not isinstance(item, int) or kind not in _ON_ITEMS or self.plan is None:
            raise PlanError("the journal is damaged: an entry that cannot stand there")
        if kind == "verify":
            if self.outcomes.get(item) != DONE:
                raise PlanError(f"the journal is damaged: item {item} was verified and never done")
            self.verified[item] = str(entry.get("verdict"))
            return
        if item in self.outcomes:
            raise PlanError(f"the journal is damaged: item {item} goes on after its outcome")
        if kind == "intent":
            earlier = self.intents.get(item)
            self.intents[item] = {**entry, "lost": earlier is not None and may_have_landed(earlier)}
        elif kind == "attempt" and item in self.intents:
            self.intents[item]["answered"] = entry.get("status")
        elif kind == "outcome":
            self._take_outcome(item, entry)

    def _take_outcome(self, item: int, entry: Mapping[str, Any]) -> None:
        outcome, window = str(entry.get("outcome")), entry.get("window_ms")
        if outcome not in OUTCOMES:
            raise PlanError(f"the journal is damaged: item {item} has an unknown outcome")
        self.intents.pop(item, None)
        self.outcomes[item] = outcome
        self.reasons[outcome, str(entry.get("reason"))] += 1
        if isinstance(window, int | float):
            self.windows_ms.append(float(window))


def _entry(line: bytes, number: int, chain: str) -> tuple[dict[str, Any], str]:
    damaged = PlanError(
        f"the journal is damaged at line {number}", hint="nothing more is written; keep the file and make a new plan"
    )
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise damaged from error
    if not isinstance(entry, dict):
        raise damaged
    stored = entry.pop("chain", None)
    if not isinstance(stored, str) or stored != _chained(chain, _canonical(entry)):
        raise damaged
    return entry, stored


def _checked_lines(path: Path) -> Iterator[tuple[dict[str, Any], str, int]]:
    """Entry, chain and length of every whole line; none when there is no file."""
    chain = ""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):  # only the last line can lack it
                    return
                entry, chain = _entry(line, number, chain)
                yield entry, chain, len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise PlanError(f"the journal {path} cannot be read: {error.strerror}") from error


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole entry of a journal, checked against the chain; none when there is no file."""
    for entry, _, _ in _checked_lines(path):
        yield entry


def read_journal(path: Path) -> JournalState:
    """Replay a journal; an empty state when there is none. Raises PlanError when it is damaged."""
    state = JournalState()
    for entry, state.chain, length in _checked_lines(path):
        state.take(entry)
        state.size += length
    state.torn = (path.stat().st_size if path.exists() else 0) - state.size
    return state


@dataclass(frozen=True, slots=True)
class Written:
    """What an item was given: the value before and the one that was sent."""

    before: tuple[str, ...]
    after: tuple[str, ...]


def read_written(path: Path) -> tuple[dict[int, Written], set[int]]:
    """What was done, by item number; and the numbers of the items in doubt."""
    intents: dict[int, Written] = {}
    done: dict[int, Written] = {}
    for entry in read_entries(path):
        if entry["type"] == "intent":
            intents[entry["item"]] = Written(tuple(entry["before"]), tuple(entry["after"]))
        elif entry["type"] == "outcome":
            images = intents.pop(entry["item"], None)
            if entry["outcome"] == DONE and images is not None:
                done[entry["item"]] = images
    return done, set(intents)


class Journal:
    """A journal opened for appending. One process at a time (apply holds the lock).

    `add` collects entries, `sync` brings them to the disk: what was not synced did not happen.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = read_journal(path)
        self._waiting: list[bytes] = []
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if self.state.torn:
                    os.ftruncate(self._handle, self.state.size)
                os.lseek(self._handle, 0, os.SEEK_END)
                os.fsync(self._handle)
                _sync_folder(path.parent)
            except OSError:
                os.close(self._handle)
                raise
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> PlanError:
        return PlanError(
            f"the journal {self.path} cannot be written: {error.strerror}",
            hint="nothing more was sent; make room or give the right to write, then apply again: it goes on from here",
        )

    def add(self, entry: Mapping[str, Any]) -> None:
        """Collect one entry; it follows the state at once."""
        content = _canonical(entry)
        self.state.take(entry)
        self.state.chain = _chained(self.state.chain, content)
        self._waiting.append(content[:-1] + f',"chain":"{self.state.chain}"}}\n'.encode())

    def extend(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Collect several."""
        for entry in entries:
            self.add(entry)

    def sync(self) -> None:
        """Write what was collected and wait until the disk has it. Raises PlanError when it cannot."""
        if not self._waiting:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]
            os.fsync(self._handle)
        except OSError as error:
            raise self._refused(error) from error
        self.state.size += len(data)

    def close(self) -> None:
        """Close the file; what was collected and not synced is dropped."""
        self._waiting.clear()
        os.close(self._handle)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot sync a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
