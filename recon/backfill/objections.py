"""What speaks against a plan's items by the data that is loaded now: who has left, who has another id or value.

Read once, before anything is written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from recon.backfill.items import Item
from recon.backfill.plan import Plan
from recon.backfill.values import ValueSource, Wanted
from recon.backfill_config import Mapping as Mapped
from recon.decode.keys import EmployeeIdRules, employee_id_key, fold
from recon.store import Store
from recon.store.tables import LOADED, source

Person = tuple[str, str]  # name of the workers source, worker id
Row = Mapping[str, Any]  # the columns that matter, by name


def find_objections(store: Store, plan: Plan, today: int, ids: EmployeeIdRules) -> Callable[[Item], str | None]:
    """Why an item of the plan may not be written any more, a code of reasons.SINCE_PLANNED, or None.

    Left has whose termination date has come, whom HR calls inactive, or who is no longer in HR; somebody whose hire
    date is ahead has not. What only takes away is done all the same. An undo needs no value in the source: it stands
    on its journal. `today`: days since 1970-01-01. Held in memory: one row for each of the plan's people.
    """
    wanted = _wanted(plan)
    people: set[Person] = set()
    guids: set[str] = set()
    for item in plan.items():
        people.add(person(item))
        guids.add(str(item.evidence.get("ad_guid")))
    with store.read() as connection:
        staying = _read_staying(connection, people, today, _columns(wanted, "worker"))
        accounts = _read_accounts(connection, guids, _columns(wanted, "ad_user"))

    def objection(item: Item) -> str | None:
        if item.only_takes_away:
            return None
        worker = staying.get(person(item))
        if worker is None:
            return "terminated"
        if employee_id_key(item.employee_id, ids) != worker["employeeid_key"]:
            return "employee_id_changed"
        its = wanted.get(item.attribute)
        if item.mode == "undo" or its is None:
            return None
        rows = [worker] if its.source.table == "worker" else accounts.get(str(item.evidence.get("ad_guid")), [{}])
        stands = all(_still_wants(item, its.value(row.get(its.source.column))) for row in rows)
        return None if stands else "source_changed"

    return objection


def _wanted(plan: Plan) -> dict[str, Wanted]:
    """Where each attribute's value comes from, by the plan's header."""
    return {
        mapping["attribute"]: Wanted(Mapped(attribute=mapping["attribute"]), ValueSource.parse(mapping["source"]))
        for mapping in plan.header["mappings"]
        if "source" in mapping
    }


def _columns(wanted: Mapping[str, Wanted], table: str) -> list[str]:
    return sorted({each.source.column for each in wanted.values() if each.source.table == table})


def _read_staying(connection: Connection, people: Set[Person], today: int, columns: list[str]) -> dict[Person, Row]:
    """Those of the people who have not left."""
    worker = LOADED["worker"]
    names = ["worker_id", "is_active", "hire_day", "termination_day", "employeeid_key"]
    kept = sorted({"employeeid_key", *columns})
    chosen = [worker.c[name] for name in dict.fromkeys([*names, *kept])]
    query = select(source.c.name.label("source_name"), *chosen).join(source, source.c.source_id == worker.c.source_id)
    staying: dict[Person, Row] = {}
    for row in _rows(connection, query):
        who, hired, left = (row["source_name"], row["worker_id"]), row["hire_day"], row["termination_day"]
        is_ahead = hired is not None and hired >= today
        is_gone = left is not None and left <= today and not (hired is not None and hired > left)
        if who in people and not is_gone and (row["is_active"] != 0 or is_ahead):
            staying[who] = {name: row[name] for name in kept}
    return staying


def _read_accounts(connection: Connection, guids: Set[str], columns: list[str]) -> dict[str, list[Row]]:
    """The AD accounts by GUID; one that moved between domains may stand in two sources until both are loaded."""
    accounts: dict[str, list[Row]] = defaultdict(list)
    if columns:
        user = LOADED["ad_user"]
        for row in _rows(connection, select(user.c.guid, *(user.c[name] for name in columns if name != "guid"))):
            if row["guid"] in guids:
                accounts[row["guid"]].append({name: row[name] for name in columns})
    return accounts


def _rows(connection: Connection, query: Any) -> Iterator[RowMapping]:
    yield from connection.execution_options(yield_per=5_000).execute(query).mappings()


def _still_wants(item: Item, value: str | None) -> bool:
    """True when the source's value is the one that the item adds; or, of a removal, nothing that it takes away."""
    now = fold(value)
    before, after = {fold(old) for old in item.before}, {fold(new) for new in item.after}
    return now in after - before if after - before else now is None or now in after


def person(item: Item) -> Person:
    """Whom the item is about."""
    return item.worker_source, item.worker_id
