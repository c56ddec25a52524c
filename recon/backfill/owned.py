"""What we wrote last and have not taken back: read from the journals, which are the truth. Mode owned lives on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recon.backfill.items import Value
from recon.backfill.journal import DONE, read_entries
from recon.backfill.plan import JOURNAL_FILE, plan_folders
from recon.decode.keys import fold


def _writes(path: Path, tenant_id: str, attribute: str) -> Iterator[dict[str, Any]]:
    """The intents of one journal that were carried out, each with `done_at`."""
    intents: dict[int, dict[str, Any]] = {}
    for entry in read_entries(path):
        if entry["type"] == "run" and str(entry.get("tenant", "")).lower() != tenant_id.lower():
            return
        if entry["type"] == "intent":
            intents[entry["item"]] = entry
        elif entry["type"] == "outcome":
            intent = intents.pop(entry["item"], None)
            if intent is not None and entry["outcome"] == DONE and intent["attribute"] == attribute:
                yield {**intent, "done_at": entry["at"]}


def read_owned(plans: Path, tenant_id: str, attribute: str) -> dict[str, Value]:
    """Object id to the values of the attribute that are ours: what we added, less what we took away since.

    Held in memory: one entry for each user ever written. Raises PlanError when a journal is damaged.
    """
    writes = [write for folder in plan_folders(plans) for write in _writes(folder / JOURNAL_FILE, tenant_id, attribute)]
    owned: dict[str, dict[str, str]] = {}
    for write in sorted(writes, key=lambda each: str(each["done_at"])):
        before = {fold(value): value for value in write["before"]}
        after = {fold(value): value for value in write["after"]}
        ours = owned.setdefault(write["object_id"], {})
        for key in before.keys() - after.keys():
            ours.pop(key or "", None)
        for key in after.keys() - before.keys():
            ours[key or ""] = after[key]
    return {object_id: tuple(values.values()) for object_id, values in owned.items() if values}
