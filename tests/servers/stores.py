"""Fixture `store`: an empty Store, once on SQLite and once on PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from recon.store import Store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty database on each engine at hand."""
    if request.param == "sqlite":
        with Store.open(f"sqlite:///{tmp_path}/recon.db") as opened:
            yield opened
        return
    template = request.getfixturevalue("installed_database")
    with fresh_database(request.getfixturevalue("postgresql_url"), template) as url, Store.open(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def installed_database(postgresql_url: str) -> Iterator[str]:
    """Name of a PostgreSQL database with our tables: the others are copies of it, which is much faster."""
    with fresh_database(postgresql_url) as url:
        Store.open(url).close()
        yield url.partition("?")[0].rsplit("/", 1)[1]


class fresh_database:  # noqa: N801 - reads as the verb it is
    """A new PostgreSQL database for the block, empty or a copy of `template`; dropped at its end."""

    def __init__(self, url: str, template: str = "template1") -> None:
        self._template = template
        self._plain = url.replace("postgresql+psycopg://", "postgresql://")
        self._name = f"t{uuid.uuid4().hex}"

    def __enter__(self) -> str:
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute(f"create database {self._name} template {self._template}")
        head, _, query = self._plain.partition("?")
        base = head.rsplit("/", 1)[0]
        return f"{base}/{self._name}{'?' + query if query else ''}".replace("postgresql://", "postgresql+psycopg://")

    def __exit__(self, *_: object) -> None:
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute(f"drop database {self._name} with (force)")
