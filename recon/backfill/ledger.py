"""The journals as tables: backfill_plan and backfill_item, made anew from what the files say.

Derived after each run, and whenever somebody asks for it; a store that cannot be written to never stops a campaign.
"""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert

from recon.backfill.journal import read_entries, read_journal
from recon.backfill.plan import Plan
from recon.decode.mask import mask_value
from recon.decode.times import utc_now_text
from recon.store import Store
from recon.store.backfill_tables import DERIVED, backfill_item, backfill_plan

_CHUNK = 2_000


@dataclass
class _Course:
    """What the journal says of one item."""

    facts: dict[str, Any] = field(default_factory=lambda: {"outcome": "open", "attempts": 0})

    def take(self, entry: dict[str, Any]) -> None:
        facts = self.facts
        kind = entry["type"]
        if kind == "intent":
            facts["outcome"] = "in_doubt"
            facts["attempts"] += 1
            facts |= {"client_request_id": entry["client_request_id"], "intent_at": entry["at"]}
            facts |= {"before_masked": masked(entry["before"]), "after_masked": masked(entry["after"])}
        elif kind == "verify":
            facts |= {"verdict": entry["verdict"], "verified_at": entry["at"]}
        else:
            names = ("status", "code", "request_id")
            facts |= {name: entry[name] for name in names if entry.get(name) is not None}
            if kind == "outcome":
                facts |= {"outcome": entry["outcome"], "reason": entry["reason"], "outcome_at": entry["at"]}
                facts["window_ms"] = entry.get("window_ms")


def masked(values: Iterable[str]) -> str:
    """Values as one text, addresses masked; '' for none."""
    return ", ".join(mask_value(value) for value in values)


def item_rows(plan: Plan) -> Iterator[dict[str, Any]]:
    """The rows of backfill_item of one plan."""
    courses: dict[int, _Course] = {}
    for entry in read_entries(plan.journal_file):
        if isinstance(number := entry.get("item"), int):
            courses.setdefault(number, _Course()).take(entry)
    names = [column.name for column in backfill_item.columns]
    for number, item in enumerate(plan.items()):
        row: dict[str, Any] = dict.fromkeys(names)
        row |= {
            "plan": plan.hash,
            "item_number": number,
            "object_id": item.object_id,
            "userprincipalname": item.upn,
            "worker_source": item.worker_source,
            "worker_id": item.worker_id,
            "employee_id": item.employee_id,
            "attribute": item.attribute,
            "before_masked": masked(item.before),
            "after_masked": masked(item.after),
        }
        row |= courses.get(number, _Course()).facts
        # missing is NULL, never ''
        yield {name: None if value == "" else value for name, value in row.items()}


def derive(store: Store, plan: Plan) -> int:
    """Make the plan's rows anew from its journal; how many items. A plan without a journal has none."""
    state = read_journal(plan.journal_file)
    windows = state.windows_ms
    with store.write() as connection:
        for table in DERIVED:
            connection.execute(delete(table).where(table.c.plan == plan.hash))
        if state.plan is None:
            return 0
        connection.execute(
            insert(backfill_plan),
            {
                "plan": plan.hash,
                "kind": plan.header["kind"],
                "undoes": plan.header.get("undoes"),
                "way": state.way,
                "tenant_id": plan.tenant_id,
                "scope_name": plan.header["scope"].get("name"),
                "created_at": plan.header["created_at"],
                "expires_at": plan.header["expires_at"],
                "item_count": plan.item_count,
                "run_count": state.runs,
                "window_median_ms": statistics.median(windows) if windows else None,
                "window_longest_ms": max(windows, default=None),
                "journal_chain": state.chain,
                "derived_at": utc_now_text(),
            },
        )
        rows: list[dict[str, Any]] = []
        for row in item_rows(plan):
            rows.append(row)
            if len(rows) == _CHUNK:
                connection.execute(insert(backfill_item), rows)
                rows.clear()
        if rows:
            connection.execute(insert(backfill_item), rows)
    return plan.item_count
