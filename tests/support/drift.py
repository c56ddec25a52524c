"""Do increments hold? What stands after them is compared with a full read into a fresh database, and with what stood.

`assert_equal_tables(store, fresh)` after each increment, where `fresh` was loaded in full from the same directory at
the same moment (`fresh_store` makes one); `snapshot(store)` after each load and `assert_as_of(store, run_id, snapshot)`
at the end. For tests of sources too: nothing here knows where rows come from.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from recon.catalog import read_catalog
from recon.objects import TABLES
from recon.queries import query
from recon.store import Store
from recon.store.check import check
from recon.store.tables import LOADED, source

Snapshot = dict[str, list[str]]

STEPS_VARIABLE = "DRIFT_STEPS"  # of the environment: a longer walk than the suite's

_CATALOG = read_catalog()
# brought up to date in place where an answer happens to carry them; a count of links must be right nevertheless
_COUNTS = frozenset(column.name for table in TABLES.values() for column in table.columns if column.counts)


def steps(usual: int) -> int:
    """How many steps a random walk takes: as many as DRIFT_STEPS says, else `usual`."""
    return int(os.environ.get(STEPS_VARIABLE) or usual)


def _names(table: str, *, ignore: Iterable[str]) -> list[str]:
    return [
        column.name
        for column in TABLES[table].columns
        if (not column.volatile or column.name in _COUNTS) and column.name not in ignore
    ]


def _shown(values: Iterable[object]) -> str:
    return repr([bytes(value) if isinstance(value, memoryview) else value for value in values])


def rows(store: Store, table: str, *, ignore: Iterable[str] = ()) -> list[str]:
    """The rows of one loaded table in any order, without bookkeeping and volatile columns."""
    loaded = LOADED[table]
    names = ["name", *_names(table, ignore=ignore)]
    statement = select(source.c.name, *(loaded.c[name] for name in names[1:])).join_from(
        loaded, source, source.c.source_id == loaded.c.source_id
    )
    with store.read() as connection:
        return sorted(_shown(row) for row in connection.execute(statement))


def snapshot(store: Store, tables: Iterable[str] = tuple(LOADED), *, ignore: Iterable[str] = ()) -> Snapshot:
    """What stands now in each table; counts of links left out, because history does not keep them."""
    return {table: rows(store, table, ignore={*ignore, *_COUNTS}) for table in tables}


def assert_equal_tables(
    store: Store, fresh: Store, tables: Iterable[str] = tuple(LOADED), *, ignore: Iterable[str] = ()
) -> None:
    """The tables hold what a full read into `fresh` holds, value by value, and their fingerprints still prove it."""
    for table in tables:
        stands, wanted = rows(store, table, ignore=ignore), rows(fresh, table, ignore=ignore)
        only, missing = sorted(set(stands) - set(wanted)), sorted(set(wanted) - set(stands))
        assert (only, missing) == ([], []), f"{table}: wrong {only[:3]}, missing {missing[:3]}"
        assert stands == wanted, f"{table}: rows stand twice"
    checked = list(check(store))
    assert [f"{each.table} of {each.source}" for each in checked if not each.is_intact] == []
    if not ignore:
        made = {(each.source, each.table): (each.rows, each.loaded_fingerprint) for each in checked}
        full = {(each.source, each.table): (each.rows, each.loaded_fingerprint) for each in check(fresh)}
        assert {key: made[key] for key in full} == full


def as_of(store: Store, table: str, run_id: int, *, ignore: Iterable[str] = ()) -> list[str]:
    """What the named query as_of_<table> shows at one load, as `rows` shows a table."""
    answer = query(store, _CATALOG.statement(f"as_of_{table}"), {"run": str(run_id)}, unmask=True)
    place = {name: number for number, name in enumerate(answer.columns)}
    wanted = _names(table, ignore={*ignore, *_COUNTS})
    with store.read() as connection:
        sources = {row.source_id: row.name for row in connection.execute(select(source))}
    return sorted(
        _shown([sources[int(str(row[place["source_id"]]))], *(row[place[name]] for name in wanted)])
        for row in answer.rows
    )


def assert_as_of(store: Store, run_id: int, wanted: Snapshot, *, ignore: Iterable[str] = ()) -> None:
    """`as_of` at a load shows what stood after it."""
    for table, expected in wanted.items():
        found = as_of(store, table, run_id, ignore=ignore)
        assert found == expected, (
            f"{table} as of load {run_id}: wrong {sorted(set(found) - set(expected))[:3]}, "
            f"missing {sorted(set(expected) - set(found))[:3]}"
        )


@contextmanager
def fresh_store(folder: Path) -> Iterator[Store]:
    """An empty database in a folder, gone after the block."""
    file = folder / "fresh.db"
    with Store.open(f"sqlite:///{file}") as store:
        yield store
    for each in folder.glob("fresh.db*"):
        each.unlink()
