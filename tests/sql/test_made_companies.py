"""Companies made by hypothesis: every finding has the same rows on SQLite and on PostgreSQL, and many of them those of
a naive oracle in Python that reads the raw records."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from recon.catalog import read_catalog
from recon.config import Settings, Sync
from recon.findings import refresh, rows
from recon.store import Store
from tests.servers.stores import fresh_database
from tests.support import oracle_accounts, oracle_sync
from tests.support.companies import HIRE, MadeCompany, companies, hold, prepare

Found = set[tuple[str, str]]
ORACLES: dict[str, Callable[[MadeCompany], Found]] = {**oracle_accounts.ORACLES, **oracle_sync.ORACLES}
CATALOG = read_catalog()


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
    done = refresh(store, Settings(), CATALOG, sync=Sync(hire_attribute=HIRE))
    assert done.broken == ()
    return {
        each.code: sorted(map(tuple, rows(store, each.code, unmask=True)), key=repr)
        for each in done.counts
        if each.rows
    }


@pytest.mark.postgresql
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(company=companies())
def test_both_engines_and_the_oracle_find_the_same(stores, company):
    sqlite, postgresql = (found(store, company) for store in stores)
    assert sqlite == postgresql
    said = {code: {row[:2] for row in sqlite.get(code, ())} for code in ORACLES}
    assert said == {code: oracle(company) for code, oracle in ORACLES.items()}


def test_every_oracle_is_of_a_finding():
    assert set(ORACLES) <= {statement.name for statement in CATALOG.findings}
