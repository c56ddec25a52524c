"""The generated company as rows, straight into a store: no servers, so that a million people take minutes.

The rows are those that the loaders make of the same company: AD entries through RowMaker, Graph objects through
UserRows, HR records through WorkerRows. They are made once and kept in a file of pickled batches, so that what is
measured later is the store alone.
"""

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recon.config import WorkerSource
from recon.decode.keys import EmployeeIdRules
from recon.lab.company import Company
from recon.objects import TABLES, ReadReport, Row
from recon.sources.ad import RowMaker, member_row, table_of, with_member_count
from recon.sources.entra_rows import GroupRows, UserRows, object_id
from recon.sources.entra_rows import member_row as entra_member_row
from recon.sources.ldif import raw_attributes
from recon.sources.worker_columns import map_columns
from recon.sources.worker_rows import WorkerRows
from recon.store import Store
from recon.store.load import Load, LoadResult
from recon.store.runs import register_source, write_links

BATCH = 1_000
_clock = time.perf_counter
_IDS = EmployeeIdRules()
_READ = {"ad": ("ad_user", "ad_group", "ad_member", "ad_computer", "ad_contact"),
         "entra": ("entra_user", "entra_group", "entra_member"),
         "workers": ("worker",)}  # fmt: skip
_CHANGED = {"ad_user": "title", "entra_user": "jobtitle", "worker": "job_title"}


def tables_of(kind: str) -> tuple[str, ...]:
    """The tables that a full read of this kind covers."""
    read = _READ[kind]
    return (*read, *(name for name, table in TABLES.items() if table.parent in read))


def ad_rows(company: Company) -> Iterator[Row]:
    """Every row of the company's first domain."""
    makers: dict[str, RowMaker] = {}
    for dn, spelled in company.ad_entries(company.domains[0].name):
        attributes = raw_attributes(spelled)
        table = table_of(attributes)
        if table is None:
            continue
        if table not in makers:
            makers[table] = RowMaker(table, _IDS)
        row = makers[table].row(dn, attributes)
        if table == "ad_group":
            members = attributes.get("member", ())
            yield from (member_row(str(row.values[0]), member) for member in members)
            row = with_member_count(row, len(members))
        yield row


def entra_rows(company: Company) -> Iterator[Row]:
    """Every row of the company's first tenant."""
    tenant = company.tenants[0].tenant_id
    users, groups = UserRows(_IDS), GroupRows()
    yield from map(users.row, company.graph_users(tenant))
    counts: dict[str, int] = {}
    for group_id, member in company.graph_members(tenant):
        counts[group_id] = counts.get(group_id, 0) + 1
        yield entra_member_row(group_id, member)
    for group in company.graph_groups(tenant):
        yield groups.row(group, counts.get(object_id(group) or "", 0))


def worker_rows(company: Company) -> Iterator[Row]:
    """Every row of the HR extract."""
    reader: WorkerRows | None = None
    source = WorkerSource.model_validate({"file": "workers.csv"})
    for number, record in enumerate(company.workers(), 2):
        if reader is None:
            reader = WorkerRows(source, map_columns(list(record), {}, "the company"), _IDS)
        yield reader.row(record, number)


ROWS = {"ad": ad_rows, "entra": entra_rows, "workers": worker_rows}


def keep_rows(company: Company, kind: str, path: Path) -> Path:
    """Write the rows of one kind to a file, unless it is there."""
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            batch: list[Row] = []
            for row in ROWS[kind](company):
                batch.append(row)
                if len(batch) == BATCH:
                    pickle.dump([tuple(each) for each in batch], file, pickle.HIGHEST_PROTOCOL)
                    batch.clear()
            pickle.dump([tuple(each) for each in batch], file, pickle.HIGHEST_PROTOCOL)
        part.rename(path)
    return path


def kept_rows(path: Path, *, change_every: int = 0) -> Iterator[list[Row]]:
    """The rows of a file, batch by batch; with `change_every` n each nth main object has another job title."""
    place = {table: TABLES[table].position[name] for table, name in _CHANGED.items()}
    count = 0
    with path.open("rb") as file:
        while True:
            try:
                batch = [Row(*each) for each in pickle.load(file)]
            except EOFError:
                return
            if change_every:
                for number, row in enumerate(batch):
                    if row.table not in place:
                        continue
                    count += 1
                    if count % change_every == 0:
                        values = list(row.values)
                        values[place[row.table]] = "Changed"
                        batch[number] = row._replace(values=tuple(values))
            yield batch


@dataclass(frozen=True, slots=True)
class Filled:
    """One load. Seconds of this process; `stage` begins with rows in memory and ends with the staged table."""

    rows: int
    stage: float
    publish: float
    result: LoadResult


def load_rows(store: Store, kind: str, batches: Iterator[list[Row]]) -> Filled:
    """Load these rows as source `kind`; measures stage and publishing apart."""
    source_id = register_source(store, kind, kind)
    rows, stage = 0, 0.0
    with Load(store, source_id, kind, tables_of(kind)) as load:
        for batch in batches:
            began = _clock()
            for row in batch:
                load.add(row)
            stage += _clock() - began
            rows += len(batch)
        began = _clock()
        result = load.publish(ReadReport())
        publish = _clock() - began
    return Filled(rows, stage, publish, result)


def link_all(store: Store) -> None:
    """All sources hold the same people."""
    from recon.config import Config

    write_links(store, Config.model_validate({}))
