"""Companies made by hypothesis: every finding has the same rows on SQLite and on PostgreSQL, and many of them those of
a naive oracle in Python that reads the raw records.

An oracle says rows as (object type, key, attribute, HR value, AD value, Entra value).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from sqlalchemy import func, select

from recon.catalog import read_catalog
from recon.config import Settings, Sync
from recon.findings import refresh, rows
from recon.store import Store
from recon.store.match_tables import finding_row
from tests.servers.stores import fresh_database
from tests.support import (
    oracle_accounts,
    oracle_certificates,
    oracle_groups,
    oracle_idfix,
    oracle_lifecycle,
    oracle_lifecycle_dates,
    oracle_names,
    oracle_sspr,
    oracle_sync,
)
from tests.support.companies import MadeCompany, companies, hold, prepare
from tests.support.company_sync import HIRE, LEAVE

ORACLES: Mapping[str, Callable[[MadeCompany], set[Any]]] = {
    **oracle_accounts.ORACLES,
    **oracle_sync.ORACLES,
    **oracle_groups.ORACLES,
    **oracle_sspr.ORACLES,
    **oracle_lifecycle.ORACLES,
    **oracle_idfix.ORACLES,
    **oracle_certificates.ORACLES,
    **oracle_lifecycle_dates.ORACLES,
}
CATALOG = read_catalog()
BATCH, BATCHES = 100, 20


@pytest.fixture(scope="module")
def stores(postgresql_url: str, installed_database: str, tmp_path_factory) -> Iterator[tuple[Store, Store]]:
    """The same empty estate on both engines."""
    file = tmp_path_factory.mktemp("made") / "recon.db"
    with (
        fresh_database(postgresql_url, installed_database) as url,
        Store.open(f"sqlite:///{file}") as sqlite,
        Store.open(url) as postgresql,
    ):
        for store in (sqlite, postgresql):
            prepare(store)
        yield sqlite, postgresql


def found(store: Store, company: MadeCompany) -> dict[str, list[tuple]]:
    """Every row of every finding, by code."""
    hold(store, company)
    done = refresh(store, Settings(), CATALOG, sync=Sync(hire_attribute=HIRE, leave_attribute=LEAVE), sspr=company.sspr)
    assert done.broken == ()
    return {
        each.code: sorted(map(tuple, rows(store, each.code, unmask=True)), key=repr)
        for each in done.counts
        if each.rows
    }


def as_said(listed: list[tuple]) -> set[tuple]:
    """Rows of a finding as its oracle says them: without the object's name."""
    return {row[:2] + row[3:] for row in listed}


def called(company: MadeCompany, listed: Mapping[str, list[tuple]]) -> list[tuple]:
    """Code and row of those that call their object by another name, or stand twice."""
    names = oracle_names.names(company)
    return [
        (code, row)
        for code, its in listed.items()
        for row in its
        if row[2] != names.get(row[:2], row[2]) or its.count(row) > 1
    ]


def alike(store: Store) -> list[tuple]:
    """Rows that cannot be followed apart; values that are personal tell nothing apart."""
    row = finding_row.c
    identity = (row.code, row.object_type, row.object_key, row.attribute, row.detail)
    followed = row.is_personal == 0, row.object_key.is_not(None)
    with store.read() as connection:
        repeated = select(*identity).where(*followed).group_by(*identity).having(func.count() > 1)
        return [tuple(each) for each in connection.execute(repeated)]


@pytest.mark.postgresql
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(company=companies())
def test_both_engines_and_the_oracle_find_the_same(stores, company):
    sqlite, postgresql = (found(store, company) for store in stores)
    assert sqlite == postgresql
    said = {code: oracle(company) for code, oracle in ORACLES.items()}
    assert {code: as_said(sqlite.get(code, [])) for code in said} == said
    assert called(company, sqlite) == []
    assert [alike(store) for store in stores] == [[], []]


def test_every_oracle_is_of_a_finding():
    assert set(ORACLES) <= {statement.name for statement in CATALOG.findings}


def made(number: int) -> Counter[str]:
    """Which oracles have rows for how many of a batch of companies; the same number makes the same batch."""
    heard: Counter[str] = Counter()

    @seed(number)
    @settings(max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(company=companies())
    def listen(company):
        heard["companies"] += 1
        heard.update(code for code, oracle in ORACLES.items() if oracle(company))

    listen()
    return heard


def test_every_oracle_is_heard_and_is_silent():
    heard: Counter[str] = Counter()
    for number in range(
        BATCHES
    ):  # usually three; a change of the strategies may need more, and fails no test by chance
        heard.update(made(number))
        if all(0 < heard[code] < heard["companies"] for code in ORACLES):
            break
    assert {code for code in ORACLES if not heard[code]} == set()
    assert {code for code in ORACLES if heard[code] == heard["companies"]} == set()
