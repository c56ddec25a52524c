"""A plan as frozen data: a header, its items, the reasons of everyone else, under a hash that names the folder.

    plans/<hash>/plan.json      the header, with the hash
    plans/<hash>/items.jsonl    one item a line, canonical JSON
    plans/<hash>/reasons.jsonl  one reason a line; its digest stands in the header
    plans/<hash>/journal.jsonl  made by apply

The hash is SHA-256 over the header's canonical JSON (sorted keys, no blanks, UTF-8, without the hash itself) and the
item lines, each followed by a line feed. Whoever changes a byte has another plan. Files are 0600, folders 0700.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from recon.backfill.items import Item, Reason
from recon.backfill.pacing import QUOTA_SECONDS, QUOTA_WRITES
from recon.decode.times import earlier
from recon.errors import PlanError, UsageError
from recon.store.runs import CLOCK_MINUTES

FORMAT = 1
HEADER_FILE, ITEMS_FILE, REASONS_FILE, JOURNAL_FILE = "plan.json", "items.jsonl", "reasons.jsonl", "journal.jsonl"
LATEST = "latest"
_ITEM = "item"  # beside the reason codes, in counts

_BLOCK = 1_000  # item lines under one digest
_HASH = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"[0-9a-f]{4,64}")


def canonical(data: Mapping[str, Any]) -> bytes:
    """The one JSON form that is hashed: sorted keys, no blanks, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class Plan:
    """A frozen plan whose hash was verified. Items are read from its folder, never held.

    `blocks`: a digest of each 1,000 item lines, taken with the hash, so that a later change shows before it is used.
    """

    folder: Path
    hash: str
    header: Mapping[str, Any]
    blocks: tuple[bytes, ...]

    @property
    def short(self) -> str:
        """The first characters of the hash: enough to name the plan."""
        return self.hash[:12]

    @property
    def tenant_id(self) -> str:
        """The tenant the plan may be applied to."""
        return str(self.header["tenant_id"])

    @property
    def item_count(self) -> int:
        """How many items the plan has."""
        return int(self.header["items"])

    @property
    def scope_count(self) -> int:
        """How many people were in scope."""
        return int(self.header["in_scope"])

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes the plan writes: one item for each of them and each user."""
        return tuple(dict.fromkeys(str(mapping["attribute"]) for mapping in self.header["mappings"]))

    @property
    def replaced_count(self) -> int:
        """How many items take away a value that is not known to be ours."""
        return int(self.header["replaced"])

    def expiry(self, now: str) -> str | None:
        """That the plan has expired, in words; None when it has not. `now`: the time text."""
        expires = str(self.header["expires_at"])
        return f"plan {self.short} expired at {expires[:19]} UTC" if now > expires else None

    def check_age(self, now: str) -> None:
        """Raise PlanError when the plan has expired or, beyond what two clocks may differ, is of a time yet to come."""
        if (why := self.expiry(now)) is not None:
            raise PlanError(why, hint="make a new plan from fresh loads")
        made = str(self.header["created_at"])
        if made > earlier(now, minutes=-CLOCK_MINUTES):
            raise PlanError(
                f"plan {self.short} was made at {made[:16]} UTC, which is yet to come: a clock was wrong",
                hint="set the clock right, then make a new plan from fresh loads",
            )

    @property
    def journal_file(self) -> Path:
        """Where apply writes what it did."""
        return self.folder / JOURNAL_FILE

    def items(self) -> Iterator[Item]:
        """The items in their order. Raises PlanError when one is damaged, or not what was hashed."""
        lines = _lines(self.folder / ITEMS_FILE)
        for digest in self.blocks:
            block = list(islice(lines, _BLOCK))
            if _digest(block) != digest:
                raise self._changed()
            for line in block:
                yield Item.from_dict(_object(line, ITEMS_FILE))
        if next(lines, None) is not None:
            raise self._changed()

    def _changed(self) -> PlanError:
        return PlanError(
            f"plan {self.short}: {ITEMS_FILE} was changed while it was carried out", hint="make a new plan"
        )

    def reasons(self) -> Iterator[Reason]:
        """Everyone in scope who is no item, and why."""
        for line in _lines(self.folder / REASONS_FILE):
            try:
                yield Reason(**_object(line, REASONS_FILE))
            except TypeError as error:
                raise PlanError(f"plan {self.short}: {REASONS_FILE} is damaged") from error


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise PlanError(f"plan {path.parent.name[:12]}: {path.name} cannot be read: {error.strerror}") from error


def _object(line: bytes, name: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise PlanError(f"{name} is damaged: a line is not JSON") from error
    if not isinstance(data, dict):
        raise PlanError(f"{name} is damaged: a line is not an object")
    return data


def _digest(lines: list[bytes]) -> bytes:
    return hashlib.blake2b(b"".join(lines), digest_size=16).digest()


def _hash(header: Mapping[str, Any], items_file: Path) -> tuple[str, tuple[bytes, ...]]:
    """The plan's hash, and the digests of the blocks of items."""
    digest = hashlib.sha256(canonical({key: value for key, value in header.items() if key != "hash"}) + b"\n")
    lines, blocks = _lines(items_file), []
    while block := list(islice(lines, _BLOCK)):
        digest.update(b"".join(block))
        blocks.append(_digest(block))
    return digest.hexdigest(), tuple(blocks)


# ---- writing ----------------------------------------------------------------------------------------------


def _make_folder(plans: Path) -> Path:
    try:
        plans.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".making-", dir=plans))  # mode 0700
    except OSError as error:
        raise PlanError(
            f"the plan cannot be written to {plans}: {error.strerror}", hint="choose a folder you may write to"
        ) from error


def _open_new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def freeze(plans: Path, header: Mapping[str, Any], outcomes: Iterable[Item | Reason]) -> Plan:
    """Write a plan's files and name its folder by their hash; counts and digests are added to the header.

    The folder appears whole or not at all. Raises PlanError when it cannot be written.
    """
    folder = _make_folder(plans)
    try:
        return _freeze(plans, folder, header, outcomes)
    except OSError as error:
        raise PlanError(f"the plan cannot be written to {plans}: {error.strerror}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # gone already when the plan got its name


class _Items:
    """Items as they come, kept apart by attribute, so that a user's several items stand far from each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, tuple[Path, BinaryIO]] = {}

    def add(self, attribute: str, line: bytes) -> None:
        if attribute not in self._files:
            path = self._folder / f"{len(self._files)}-{ITEMS_FILE}"
            self._files[attribute] = path, _open_new(path)
        self._files[attribute][1].write(line)

    def __enter__(self) -> "_Items":
        return self

    def __exit__(self, *_: object) -> None:
        for _path, file in self._files.values():
            file.close()

    def join(self, target: BinaryIO) -> None:
        """Bring all of them into one file."""
        for path, file in self._files.values():
            file.close()
            with path.open("rb") as part:
                shutil.copyfileobj(part, target, 1 << 20)
            path.unlink()


def _adds_up(header: Mapping[str, Any], by_attribute: Mapping[str, Counter[str]]) -> int:
    """How many people were in scope: each attribute's items and reasons must come to the same number."""
    totals = {counts.total() for counts in by_attribute.values()}
    if len(totals) > 1 and header["kind"] == "fill":
        raise PlanError(f"the plan does not add up: its attributes count {sorted(totals)} people in scope")
    return max(totals, default=0)


def _freeze(plans: Path, folder: Path, header: Mapping[str, Any], outcomes: Iterable[Item | Reason]) -> Plan:
    by_attribute: dict[str, Counter[str]] = {str(each["attribute"]): Counter() for each in header["mappings"]}
    first = next(iter(by_attribute))
    replaced = 0
    reasons_digest = hashlib.sha256()
    with (
        _Items(folder) as items,
        _open_new(folder / ITEMS_FILE) as items_file,
        _open_new(folder / REASONS_FILE) as reasons_file,
    ):
        for outcome in outcomes:
            line = canonical(outcome.as_dict()) + b"\n"
            if isinstance(outcome, Item):
                by_attribute[outcome.attribute][_ITEM] += 1
                replaced += outcome.is_replacing
                items.add(outcome.attribute, line)
            else:
                by_attribute[outcome.attribute or first][outcome.code] += 1
                reasons_digest.update(line)
                reasons_file.write(line)
        items.join(items_file)
        _sync(items_file)
        _sync(reasons_file)
    total = sum(by_attribute.values(), Counter())
    whole: dict[str, Any] = {
        **header,
        "format": FORMAT,
        "items": total[_ITEM],
        "replaced": replaced,
        "predicted_seconds": round(total[_ITEM] * QUOTA_SECONDS / QUOTA_WRITES / float(header["write_share"])),
        "reasons": {code: count for code, count in sorted(total.items()) if code != _ITEM},
        "by_attribute": {name: dict(sorted(counts.items())) for name, counts in by_attribute.items()},
        "in_scope": _adds_up(header, by_attribute),
        "reasons_sha256": reasons_digest.hexdigest(),
    }
    digest, blocks = _hash(whole, folder / ITEMS_FILE)
    with _open_new(folder / HEADER_FILE) as header_file:
        text = json.dumps({**whole, "hash": digest}, sort_keys=True, indent=2, ensure_ascii=False)
        header_file.write(text.encode() + b"\n")
        _sync(header_file)
    final = plans / digest
    folder.rename(final)
    return Plan(final, digest, whole, blocks)


# ---- reading ----------------------------------------------------------------------------------------------


def read_header(folder: Path) -> dict[str, Any]:
    """The header as it stands in the folder, its hash not verified. Raises PlanError when it cannot be read."""
    try:
        text = (folder / HEADER_FILE).read_bytes()
    except OSError as error:
        raise PlanError(f"plan {folder.name[:12]}: {HEADER_FILE} cannot be read: {error.strerror}") from error
    return _object(text, HEADER_FILE)


def plan_folders(plans: Path) -> list[Path]:
    """The folders of all plans, by name."""
    if not plans.is_dir():
        return []
    return sorted(entry for entry in plans.iterdir() if _HASH.fullmatch(entry.name) and entry.is_dir())


def find_plan(plans: Path, name: str) -> Path:
    """The folder of a plan named by its hash, a unique beginning of it (4 characters or more), or `latest`.

    Raises UsageError when there is none or the beginning fits several.
    """
    folders = plan_folders(plans)
    if not folders:
        raise UsageError(f"there is no plan in {plans}", hint="recon backfill plan makes one")
    if name == LATEST:
        return max(folders, key=lambda folder: (str(read_header(folder).get("created_at", "")), folder.name))
    if not _PREFIX.fullmatch(name.lower()):
        raise UsageError(f"{name} is not a plan: give the first characters of its hash (4 or more), or latest")
    found = [folder for folder in folders if folder.name.startswith(name.lower())]
    if not found:
        raise UsageError(f"no plan begins with {name}", hint="recon backfill status lists them")
    if len(found) > 1:
        raise UsageError(f"{len(found)} plans begin with {name}: give more of the hash")
    return found[0]


def load_plan(plans: Path, name: str) -> Plan:
    """Read a plan and verify that nothing in it was changed. Raises PlanError when something was."""
    folder = find_plan(plans, name)
    header = read_header(folder)
    changed = PlanError(
        f"plan {folder.name[:12]} was changed after it was made: its hash does not fit", hint="make a new plan"
    )
    stored = header.pop("hash", None)
    if header.get("format") != FORMAT:
        raise PlanError(f"plan {folder.name[:12]} has format {header.get('format')}; this recon knows {FORMAT}")
    found, blocks = _hash(header, folder / ITEMS_FILE)
    if stored != folder.name or found != stored:
        raise changed
    digest = hashlib.sha256()
    for line in _lines(folder / REASONS_FILE):
        digest.update(line)
    if digest.hexdigest() != header.get("reasons_sha256"):
        raise changed
    return Plan(folder, found, header, blocks)


def check_applicable(
    plan: Plan,
    *,
    tenant_id: str,
    now: str,
    max_items: int,
    max_share: float,
    max_replaced: int = 0,
    allow_items: int | None = None,
    allow_replace: int | None = None,
) -> None:
    """Raise PlanError when the plan may not be applied: other tenant, expired, of the future, over a threshold.

    Thresholds: the stricter of those frozen in the plan and those of today's settings. `allow_items` and
    `allow_replace` lift them for this run when they name the number exactly. `now`: the time text.
    """
    if plan.tenant_id.lower() != tenant_id.lower():
        raise PlanError(f"plan {plan.short} is for tenant {plan.tenant_id}; the configuration names {tenant_id}")
    plan.check_age(now)
    _check_replaced(plan, max_replaced, allow_replace)
    if allow_items is not None:
        if allow_items != plan.item_count:
            raise PlanError(f"--allow-items {allow_items} does not name the plan's number of items, {plan.item_count}")
        return
    frozen = plan.header["thresholds"]
    most = min(max_items, int(frozen["max_items"]))
    if plan.item_count > most:
        raise PlanError(
            f"plan {plan.short} has {plan.item_count} items, over max_items {most}",
            hint=f"look at them, then --allow-items {plan.item_count}",
        )
    if frozen["max_share"] is None:  # an undo: its scope is what was written
        return
    share = min(max_share, float(frozen["max_share"]))
    largest = max((int(counts.get(_ITEM, 0)) for counts in plan.header["by_attribute"].values()), default=0)
    if largest > share * plan.scope_count:
        raise PlanError(
            f"plan {plan.short} would write {largest} of {plan.scope_count} in scope, over max_share {share}",
            hint=f"look at them, then --allow-items {plan.item_count}",
        )


def _check_replaced(plan: Plan, max_replaced: int, allow_replace: int | None) -> None:
    count = plan.replaced_count
    if allow_replace is not None:
        if allow_replace != count:
            raise PlanError(f"--allow-replace {allow_replace} does not name the number of replaced values, {count}")
        return
    most = min(max_replaced, int(plan.header["thresholds"].get("max_replaced", 0)))
    if count > most:
        raise PlanError(
            f"plan {plan.short} would replace {count} values that are not ours, over max_replaced {most}",
            hint=f"look at them, then --allow-replace {count}",
        )
