"""The lab's domain changes at random: increments over LDAP, published, equal a full read, and as_of what stood."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recon.config import AdSource, LoadGuards
from recon.decode.keys import EmployeeIdRules
from recon.errors import WatermarkError
from recon.lab.adserver import AdServer, AdSettings
from recon.objects import TABLES, Gone, Row
from recon.sources.ldap.reading import AdReading
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import Begin, register_source, standing
from tests.support.adsteps import BASE, Steps, domain
from tests.support.drift import Snapshot, assert_as_of, assert_equal_tables, snapshot, steps

LENIENT = LoadGuards(max_shrink_share=1, max_shrink_rows=1000, max_fill_loss=1)
AD = tuple(name for name in TABLES if name.startswith("ad_"))
STEPS = steps(25)


def load(store: Store, server: AdServer, user: str, *, full: bool = False, **settings: object) -> int:
    """An increment, a full read where the source asks for one; as recon.pipeline.loads does it."""
    try:
        return read(store, server, user, full=full, **settings)
    except WatermarkError:
        return read(store, server, user, full=True, **settings)


def read(
    store: Store,
    server: AdServer,
    user: str,
    *,
    full: bool,
    seen: Callable[[Row | Gone], None] = lambda _row: None,
    **settings: object,
) -> int:
    given = {"url": server.url, "user": f"{user}@contoso.example", "tls": "none", "allow_plain_bind": True}
    source = AdSource.model_validate(given | settings)
    source_id = register_source(store, "ad", "ad")
    stood = None if full else standing(store, source_id)
    since, base = (stood.watermark, stood.run_id) if stood is not None else (None, None)
    reading = AdReading(source, "right", EmployeeIdRules(), since=since, pause=[].append)
    with Load(store, source_id, "ad", AD, LENIENT, Begin(run_id=base)) as running:
        for row in reading.rows():
            running.add(row)
            seen(row)
        assert reading.report.is_increment == (since is not None)
        running.publish(reading.report)
        return running.run_id


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One that takes increments, and one that is read in full each time."""
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, Store.open(f"sqlite:///{tmp_path}/fresh.db") as fresh:
        yield store, fresh


@pytest.mark.parametrize("user", ["reader", "replicator"])
def test_increments_of_a_domain_equal_full_reads(stores, user):
    store, fresh = stores
    changes = domain()
    walk = Steps(changes, seed=7)
    with AdServer(changes.directory) as server:
        states: dict[int, Snapshot] = {load(store, server, user): snapshot(store, AD)}
        for _ in range(STEPS):
            walk.step()
            run = load(store, server, user)
            load(fresh, server, user, full=True)
            try:
                assert_equal_tables(store, fresh, AD)
            except AssertionError as error:
                raise AssertionError(f"after {walk.log[-3:]}") from error
            states[run] = snapshot(store, AD)
    for run, state in states.items():
        assert_as_of(store, run, state)


CONTACT = {"objectClass": [b"top", b"person", b"contact"]}
PEOPLE, ELSEWHERE = f"OU=People,{BASE}", f"OU=Elsewhere,{BASE}"


@pytest.mark.parametrize("user", ["reader", "replicator"])
@pytest.mark.parametrize("further", [(), ("deleted",)])
@pytest.mark.parametrize("is_moved", [False, True], ids=["deleted while everything is read", "moved in and deleted"])
def test_who_named_an_object_that_no_load_held_is_read_in_full(stores, user, is_moved, further):
    store, fresh = stores
    changes = domain()
    changes.add(f"CN=Cy,{ELSEWHERE if is_moved else PEOPLE}", CONTACT)
    member = f"CN=Cy,{ELSEWHERE if is_moved else PEOPLE}".encode()
    changes.add(f"CN=All,{PEOPLE}", {"objectClass": [b"top", b"group"], "member": [member]})
    settings: dict[str, object] = {"objects": ("users", "groups", "computers", "contacts", *further)}
    settings |= {"bases": (PEOPLE,)} if is_moved else {}

    def delete_once(row: Row | Gone) -> None:
        if row.table == "ad_group":
            changes.delete(f"CN=Cy,{PEOPLE}")

    with AdServer(changes.directory) as server:
        if is_moved:
            read(store, server, user, full=True, **settings)
            changes.rename(f"CN=Cy,{ELSEWHERE}", f"CN=Cy,{PEOPLE}")
            changes.delete(f"CN=Cy,{PEOPLE}")
        else:
            read(store, server, user, full=True, seen=delete_once, **settings)
        stood = snapshot(store, AD)
        assert len(stood["ad_member"]) == 1
        with pytest.raises(WatermarkError, match="ad_contact: 1 deleted objects that others may name were not"):
            read(store, server, user, full=False, **settings)
        assert snapshot(store, AD) == stood
        load(store, server, user, **settings)
        load(fresh, server, user, full=True, **settings)
    assert_equal_tables(store, fresh, AD)


@pytest.mark.parametrize("user", ["reader", "replicator"])
@pytest.mark.parametrize("bases", [(), (PEOPLE,)])
def test_an_object_that_no_load_held_and_nobody_names_needs_no_full_read(stores, user, bases):
    """Deleted while everything was read: there is one in every long read of a large domain."""
    store, fresh = stores
    changes = domain()
    changes.add(f"CN=Cy,{PEOPLE}", CONTACT)
    changes.add(f"CN=All,{PEOPLE}", {"objectClass": [b"top", b"group"]})

    def delete_once(row: Row | Gone) -> None:
        if row.table == "ad_group":
            changes.delete(f"CN=Cy,{PEOPLE}")

    with AdServer(changes.directory) as server:
        if bases:  # an object of which no load knows a name may have had one outside
            read(store, server, user, full=True, bases=bases)
        read(store, server, user, full=True, seen=delete_once, bases=bases)
        read(store, server, user, full=False, bases=bases)
        read(fresh, server, user, full=True, bases=bases)
    assert_equal_tables(store, fresh, AD)


@pytest.mark.parametrize("hidden", [(), ("replpropertymetadata",)])
@pytest.mark.parametrize("user", ["reader", "replicator"])
def test_what_was_gone_at_the_last_load_needs_no_full_read(stores, user, hidden):
    store, _ = stores
    changes = domain()
    for name in ("Cy", "Di", "Ed"):
        changes.add(f"CN={name},{PEOPLE}", CONTACT)
    changes.delete(f"CN=Cy,{PEOPLE}")
    (gone,) = (one.name() for one in changes.directory.entries if one.is_deleted and "Cy" in one.name())
    with AdServer(changes.directory, settings=AdSettings(hidden_attributes=frozenset(hidden))) as server:
        read(store, server, user, full=True)
        changes.modify(gone, {"isRecycled": [b"TRUE"]})
        changes.delete(f"CN=Di,{PEOPLE}")
        changes.add(f"CN=Flo,{PEOPLE}", CONTACT)
        changes.delete(f"CN=Flo,{PEOPLE}")
        read(store, server, user, full=False)
    assert len(snapshot(store, AD)["ad_contact"]) == 1
