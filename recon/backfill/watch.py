"""The watch list: people of a scope who wait for an account or for otherMails, by stage and age.

A connector that skips a worker once may never look at him again, so waiting itself must be watched.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from recon.backfill.scope import chosen_scope
from recon.catalog import read_catalog
from recon.config import Config
from recon.queries import query
from recon.scopes.check import worker_sources
from recon.scopes.judge import Judge
from recon.scopes.workers import check_scopes, read_workers
from recon.store import Store

# the stage reached, and what the person waits for
STAGES: Mapping[str, str] = {"hr": "an AD account", "ad": "an Entra user", "entra": "otherMails"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One person on the list. `hours`: since the stage began, until the newest load; None when nobody knows."""

    source: str
    worker_id: str
    employee_id: str | None
    name: str | None
    stage: str
    since: str | None
    hours: float | None


def read_watch(config: Config, store: Store, scope: str | None = None) -> Iterator[Waiting]:
    """The people of a scope who wait, longest first. Raises UsageError without a scope."""
    name, chosen = chosen_scope(config, scope)
    judge = Judge(chosen)
    members: set[int] = set()
    with store.read() as connection:
        ids = worker_sources(connection)
        own, headers = check_scopes(connection, ids, {name: chosen})
        for source_id in ids:
            for rows in read_workers(connection, source_id, own, headers):
                members.update(row["row_id"] for row in rows if judge(row))
    answer = query(store, read_catalog().statement("watch_list", "queries"), {})
    for row in answer.rows:
        values = dict(zip(answer.columns, row, strict=True))
        if values["worker_row_id"] in members:
            since = None if values["since_at"] is None else str(values["since_at"])
            yield Waiting(
                str(values["source_name"]),
                str(values["worker_id"]),
                _text(values["employee_id"]),
                _text(values["display_name"]),
                str(values["stage"]),
                since,
                None if since is None else _hours(since, str(values["as_of"])),
            )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _hours(since: str, until: str) -> float:
    return max((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds() / 3600, 0.0)


@dataclass
class StageAge:
    """One stage in numbers. `late`: people older than the alarm."""

    people: int = 0
    oldest_hours: float = 0.0
    late: int = 0


def by_stage(waiting: Iterator[Waiting], alarms: Mapping[str, float]) -> dict[str, StageAge]:
    """Count people by stage; `alarms`: hours by stage."""
    found = {stage: StageAge() for stage in STAGES}
    for person in waiting:
        age = found[person.stage]
        age.people += 1
        age.oldest_hours = max(age.oldest_hours, person.hours or 0.0)
        age.late += person.hours is not None and person.hours > alarms[person.stage]
    return found
