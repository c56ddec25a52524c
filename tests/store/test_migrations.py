"""A database of version 1 is brought up to this version when it is opened, or by the script of a DBA."""

import pytest
from sqlalchemy import inspect, select, text

from recon.catalog import read_catalog
from recon.deploy import install
from recon.objects import TABLES, ReadReport
from recon.queries import query
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source
from recon.store.tables import HISTORY, LOADED, SCHEMA_VERSION, metadata, source
from tests.support.rows import make_row


def load(store: Store, *mails: str) -> int:
    source_id = register_source(store, "entra", "tenant")
    children = [("entra_user_othermail", (n, mail, mail, "*")) for n, mail in enumerate(mails)]
    with Load(store, source_id, "tenant", ("entra_user", "entra_user_othermail")) as running:
        running.add(make_row("entra_user", *children, id="u1", othermails_count=len(mails)))
        running.publish(ReadReport())
        return running.run_id


def make_old(store: Store) -> None:
    """Take away what versions 2 and 4 added."""
    with store.write() as connection:
        for history in HISTORY.values():
            connection.execute(text(f"drop table {history.name}"))
        for name, spec in TABLES.items():
            if spec.kind in ("child", "link"):
                connection.execute(text(f"alter table {name} drop column run_id"))
        connection.execute(text("alter table source drop column history_run"))
        connection.execute(text("drop index entra_user_upn_key"))
        connection.execute(text("alter table load_run drop column accepted"))
        connection.execute(text("alter table load_run_table drop column is_intact"))
        connection.execute(text("update schema_version set version = 1"))


def assert_whole(store: Store) -> None:
    with store.read() as connection:
        looked = inspect(connection)
        for table in metadata.sorted_tables:
            assert {column["name"] for column in looked.get_columns(table.name)} == {c.name for c in table.columns}
            made = {index["name"] for index in looked.get_indexes(table.name)}
            assert made >= {index.name for index in table.indexes}


@pytest.fixture
def old(store: Store) -> tuple[Store, int]:
    load(store, "a@example.net")
    run = load(store, "a@example.net", "b@example.net")
    make_old(store)
    return store, run


def reopened(store: Store) -> Store:
    return Store.open(store.engine.url.render_as_string(hide_password=False), create=False)


@pytest.mark.parametrize("script_first", [False, True])
def test_history_of_version_2_and_later_is_kept(store, script_first):
    runs = [load(store, "a@example.net"), load(store, "b@example.net"), load(store, "c@example.net")]
    with store.write() as connection:
        connection.execute(text("drop table match_crowd"))
        connection.execute(text("update schema_version set version = 2"))
    if script_first:
        install(store)
    with reopened(store) as opened:
        assert_whole(opened)
        with opened.read() as connection:
            assert connection.scalar(select(source.c.history_run)) is None
        answer = query(
            opened, read_catalog().statement("as_of_entra_user_othermail"), {"run": str(runs[0])}, unmask=True
        )
        assert [row[answer.columns.index("value")] for row in answer.rows] == ["a@example.net"]


def test_opening_it_adds_what_is_missing_and_history_begins_at_the_last_load(old):
    with reopened(old[0]) as store:
        assert_whole(store)
        with store.read() as connection:
            assert connection.scalar(select(source.c.history_run)) == old[1]
            assert set(connection.scalars(select(LOADED["entra_user_othermail"].c.run_id))) == {old[1]}
            versions = connection.execute(text("select version from schema_version order by version")).scalars().all()
        assert versions == [1, SCHEMA_VERSION]
        third = load(store, "b@example.net")
        past = HISTORY["entra_user_othermail"]
        with store.read() as connection:
            found = connection.execute(select(past.c.value, past.c.from_run, past.c.to_run).order_by(past.c.position))
            assert [tuple(row) for row in found] == [
                ("a@example.net", old[1], third),
                ("b@example.net", old[1], third),
            ]
    with reopened(old[0]) as again:
        assert_whole(again)


def test_the_install_script_does_so_on_a_server_and_leaves_sqlite_to_recon(old):
    store, run = old
    install(store)
    with store.read() as connection:
        versions = connection.execute(text("select version from schema_version order by version")).scalars().all()
    assert versions == ([1] if store.dialect == "sqlite" else [1, SCHEMA_VERSION])
    with reopened(store) as opened:
        assert_whole(opened)
        with opened.read() as connection:
            assert connection.scalar(select(source.c.history_run)) == run
        install(opened)
        load(opened, "c@example.net")
        install(opened)
        with opened.read() as connection:
            assert connection.scalar(select(source.c.history_run)) == run
