"""What several processes do at the same moment on a server; SQLite's writers wait for each other anyway."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event, func, select

from recon.config import Config, Settings
from recon.findings import refresh
from recon.objects import ReadReport
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source, write_links
from recon.store.tables import source_link
from tests.servers.stores import fresh_database
from tests.support.rows import make_row

pytestmark = pytest.mark.postgresql


def at_once(do: Callable[[], object]) -> None:
    """Do the same twice at the same moment, each commit late."""
    ready = threading.Barrier(2)

    def late(_connection: object) -> None:
        time.sleep(0.2)

    def run() -> None:
        ready.wait()
        do()

    event.listen(Engine, "commit", late)
    try:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(run) for _ in range(2)]:
                done.result()
    finally:
        event.remove(Engine, "commit", late)


@pytest.fixture
def loaded(postgresql_url: str) -> Iterator[Store]:
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        for kind, row in (("ad", make_row("ad_user", guid="g1")), ("entra", make_row("entra_user", id="u1"))):
            with Load(store, register_source(store, kind, kind), kind, (row.table,)) as running:
                running.add(row)
                running.publish(ReadReport())
        yield store


def test_two_make_the_tables(postgresql_url: str):
    with fresh_database(postgresql_url) as url:
        at_once(lambda: Store.open(url).close())


def test_two_write_the_links(loaded: Store):
    at_once(lambda: write_links(loaded, Config()))
    with loaded.read() as connection:
        assert connection.scalar(select(func.count()).select_from(source_link)) == 1


def test_two_refresh(loaded: Store):
    at_once(lambda: refresh(loaded, Settings()))
