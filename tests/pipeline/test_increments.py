"""When an increment is taken, why a full read is, and what the full read proves of the increments before it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from recon.catalog import read_catalog
from recon.config import AdSource, Config, EntraSource, LoadGuards, WorkerSource
from recon.errors import LoadRefusedError, StoreError
from recon.lab.graph import Fault, GraphSimulator
from recon.pipeline.increments import basis, where_to_begin
from recon.pipeline.loads import load_source, sources, summary
from recon.queries import query
from recon.sources.graph.delta import DeltaRound
from recon.sources.graph.paging import Page
from recon.store import Store
from recon.store.load import LoadResult
from recon.store.runs import Standing
from recon.store.tables import LOADED, load_run
from tests.support.drift import assert_equal_tables
from tests.support.tenant import TENANT, make_tenant, object_id, simulate

CATALOG = read_catalog()
NOW = datetime(2026, 3, 9, 1, 0)


class Desk:
    """One tenant, its simulator and a database; `load` is `recon load entra`."""

    def __init__(self, simulator: GraphSimulator, store: Store, folder: Path) -> None:
        self.simulator, self.store = simulator, store
        self.said: list[str] = []
        self.config = Config.model_validate(
            {"entra": {"tenant_id": TENANT, "client_id": "app", "credential": "secret", "graph_url": simulator.url}}
        )
        self.config._folder = folder

    def load(self, *, full: bool = False, **load: object) -> LoadResult:
        if load:
            self.config = self.config.model_copy(update={"load": LoadGuards.model_validate(load)})
        (source,) = sources(self.config, "entra")
        return load_source(self.config, self.store, source, warn=self.said.append, full=full)

    def names(self) -> list[str | None]:
        table = LOADED["entra_user"]
        with self.store.read() as connection:
            return list(connection.scalars(select(table.c.displayname).order_by(table.c.id)))

    def drift(self) -> list[tuple[object, ...]]:
        answer = query(self.store, CATALOG.statement("drift"), {})
        places = [answer.columns.index(name) for name in ("run_id", "table_name", "object_key", "what")]
        return [tuple(row[place] for place in places) for row in answer.rows]

    def attempts(self) -> list[tuple[object, ...]]:
        columns = (load_run.c.status, load_run.c.is_increment, load_run.c.reason)
        with self.store.read() as connection:
            return [tuple(row) for row in connection.execute(select(*columns).order_by(load_run.c.run_id))]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("RECON_ENTRA_SECRET", "geheim")
    with simulate(make_tenant()) as simulator, Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        yield Desk(simulator, store, tmp_path)


def test_the_first_load_is_full_and_the_next_reads_what_changed(desk, tmp_path):
    first = desk.load()
    assert (first.is_increment, first.reason) == (False, "the first load")
    desk.simulator.change_user(TENANT, object_id(3), displayName="Ada")
    desk.simulator.delete_user(TENANT, object_id(4))
    desk.simulator.create_user(TENANT, {"id": object_id(99), "userPrincipalName": "new@contoso.example"})
    second = desk.load()
    assert second.is_increment
    assert summary(second) == f"entra: increment, {sum_of(second)} rows changed"
    assert desk.names()[3] == "Ada"
    assert len(desk.names()) == 30
    with Store.open(f"sqlite:///{tmp_path}/fresh.db") as fresh:
        Desk(desk.simulator, fresh, tmp_path).load()
        assert_equal_tables(desk.store, fresh)
    third = desk.load()
    assert (third.is_increment, sum_of(third)) == (True, 0)


@pytest.mark.parametrize("is_back", [True, False])
def test_a_user_who_comes_back_or_goes_between_two_delta_rounds(desk, tmp_path, monkeypatch, is_back):
    desk.load()
    if is_back:
        desk.simulator.delete_user(TENANT, object_id(2))
    pages, rounds = DeltaRound.pages, []

    def paged(self: DeltaRound) -> Iterator[Page]:
        yield from pages(self)
        rounds.append(self)
        if len(rounds) == 1:
            (desk.simulator.restore if is_back else desk.simulator.delete_user)(TENANT, object_id(2))

    monkeypatch.setattr(DeltaRound, "pages", paged)
    assert [desk.load().is_increment, desk.load().is_increment] == [True, True]
    assert len(rounds) == 4
    with Store.open(f"sqlite:///{tmp_path}/fresh.db") as fresh:
        Desk(desk.simulator, fresh, tmp_path).load()
        assert_equal_tables(desk.store, fresh)


@pytest.mark.parametrize(("size", "left"), [(3, 0), (3, 1), (3, 2), (1_100, 1_098)])
def test_a_restored_group_has_no_members_that_left_it_before(tmp_path, monkeypatch, size, left):
    monkeypatch.setenv("RECON_ENTRA_SECRET", "geheim")
    group = object_id(10**6)
    with (
        simulate(make_tenant(size, 1, (size,))) as simulator,
        Store.open(f"sqlite:///{tmp_path}/recon.db") as store,
        Store.open(f"sqlite:///{tmp_path}/fresh.db") as fresh,
    ):
        desk = Desk(simulator, store, tmp_path)
        desk.load()
        for number in range(left, size):
            simulator.remove_member(TENANT, group, object_id(number))
        simulator.delete_group(TENANT, group)
        simulator.restore(TENANT, group)
        assert desk.load().is_increment
        Desk(simulator, fresh, tmp_path).load()
        assert_equal_tables(store, fresh)


def test_a_first_load_without_anybody_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_ENTRA_SECRET", "geheim")
    with simulate(make_tenant(0, 0)) as simulator, Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        result = Desk(simulator, store, tmp_path).load()
    assert result.warnings[-1] == "entra_user is empty: check what may be read, and from where"


def sum_of(result: LoadResult) -> int:
    return sum(entry.inserted + entry.changed + entry.deleted for entry in result.tables.values())


def test_a_token_that_no_longer_serves_means_a_full_read_and_says_so(desk):
    desk.load()
    desk.simulator.change_user(TENANT, object_id(3), displayName="Ada")
    desk.simulator.add_fault(Fault("delta-reset"))
    result = desk.load()
    assert not result.is_increment
    assert result.reason is not None
    assert result.reason.startswith("no increment: ")
    assert len(desk.said) == 1
    assert desk.said[0].startswith("entra: ")
    assert desk.said[0].endswith("; a full read follows")
    assert desk.names()[3] == "Ada"
    assert [status for status, *_ in desk.attempts()] == ["published", "failed", "published"]
    assert desk.load().is_increment


def test_another_total_than_the_servers_means_a_full_read_that_shows_the_drift(desk):
    desk.load()
    desk.load()
    with desk.store.write() as connection:  # as if an increment had lost a row
        connection.execute(delete(LOADED["entra_user"]).where(LOADED["entra_user"].c.id == object_id(5)))
    desk.simulator.change_user(TENANT, object_id(3), displayName="Ada")
    result = desk.load()
    assert not result.is_increment
    assert "with the increment there would be 29 rows, but the server counts 30" in desk.said[0]
    assert len(desk.names()) == 30
    assert result.drifted == 1
    assert desk.drift() == [(result.run_id, "entra_user", object_id(5), "missing")]


def test_a_full_read_tells_drift_from_what_changed_since(desk):
    desk.load()
    desk.load()
    users, members = LOADED["entra_user"], LOADED["entra_member"]
    group = object_id(10**6)
    with desk.store.write() as connection:  # increments that went wrong
        connection.execute(
            update(users).where(users.c.id == object_id(5)).values(displayname="Wrong", row_hash=bytes(16))
        )
        extra = dict(connection.execute(select(users).where(users.c.id == object_id(6))).mappings().one())
        del extra["row_id"]
        connection.execute(users.insert().values(extra | {"id": object_id(77), "row_hash": bytes(16)}))
        connection.execute(delete(members).where(members.c.id == group, members.c.member_id == object_id(0)))
    # and what happened since
    desk.simulator.change_user(TENANT, object_id(7), displayName="Ada")
    desk.simulator.delete_user(TENANT, object_id(20))
    desk.simulator.remove_member(TENANT, object_id(10**6 + 1), object_id(2))
    result = desk.load(full=True)
    assert (result.is_increment, result.reason) == (False, "asked for")
    assert sorted(desk.drift()) == sorted(
        [
            (result.run_id, "entra_user", object_id(5), "other"),
            (result.run_id, "entra_user", object_id(77), "left over"),
            (result.run_id, "entra_member", f"{group} {object_id(0)}", "missing"),
        ]
    )
    assert result.warnings[-1].startswith("3 rows were not as increments had left them")
    assert desk.names()[5] == "Person 5"


def test_a_database_that_refuses_the_proof_leaves_the_load_published_and_says_so(desk):
    desk.load()
    desk.load()
    users = LOADED["entra_user"]
    with desk.store.write() as connection:
        wrong = {"displayname": "Wrong", "row_hash": bytes(16)}
        connection.execute(update(users).where(users.c.id == object_id(5)).values(wrong))
        connection.exec_driver_sql(
            "create trigger full_disk before insert on load_drift begin select raise(abort, 'disk is full'); end"
        )
    said = r"load 3 is published, but .* drift was not proven: the database refused: .*disk is full"
    with pytest.raises(StoreError, match=said):
        desk.load(full=True)
    assert (desk.names()[5], desk.drift()) == ("Person 5", [])
    with desk.store.read() as connection:
        assert connection.scalar(select(load_run.c.status).where(load_run.c.run_id == 3)) == "published"


def test_increments_that_hold_leave_no_drift(desk):
    desk.load()
    desk.simulator.change_user(TENANT, object_id(3), displayName="Ada")
    desk.load()
    desk.simulator.change_user(TENANT, object_id(4), displayName="Bo")
    desk.simulator.delete_user(TENANT, object_id(0))
    result = desk.load(full=True)
    assert sum_of(result) > 0
    assert (result.drifted, desk.drift()) == (0, [])


def test_a_full_read_after_a_full_read_has_nothing_to_prove(desk):
    desk.load()
    with desk.store.write() as connection:
        connection.execute(delete(LOADED["entra_user"]).where(LOADED["entra_user"].c.id == object_id(5)))
    assert desk.load(full=True).drifted == 0


def test_a_refused_increment_leaves_rows_and_watermark(desk):
    desk.load()
    for number in range(12):
        desk.simulator.delete_user(TENANT, object_id(number))
    with pytest.raises(LoadRefusedError, match="12 of 30 rows would vanish"):
        desk.load()
    assert len(desk.names()) == 30
    result = desk.load(max_shrink_share=1)
    assert result.is_increment
    assert len(desk.names()) == 18


# ---- where a load begins ----------------------------------------------------------------------------------


def entra(**values: object) -> EntraSource:
    return EntraSource.model_validate({"tenant_id": TENANT, **values})


def stood(config: Config, source: EntraSource, **values: object) -> Standing:
    given = {"watermark": "w", "basis": basis(config, source), "full_at": str(NOW - timedelta(days=2)), **values}
    return Standing(7, False, given["watermark"], given["basis"], given["full_at"])  # type: ignore[arg-type]


def reason(config: Config, source: EntraSource, last: Standing | None, **options: object) -> str | None:
    begin = where_to_begin(config, source, last, now=NOW, **options)  # type: ignore[arg-type]
    assert begin.basis == basis(config, source)
    if begin.watermark is not None:
        assert (begin.run_id, begin.watermark) == (7, "w")
        return None
    assert begin.run_id is None
    return begin.reason


def test_reasons_for_a_full_read():
    config, source = Config(), entra()
    last = stood(config, source)
    assert reason(config, source, last) is None
    assert reason(config, source, None) == "the first load"
    assert reason(config, source, last, full=True) == "asked for"
    assert reason(config, source, last, save=Path("x")) == "for a whole export"
    assert reason(config, source, stood(config, source, watermark=None)) == "the last load left no watermark"
    changed = "configuration, tables or version of recon changed since the last load"
    assert reason(config, source, stood(config, source, basis="other")) == changed
    assert reason(config, entra(ndjson="folder"), last) == "HR, MIM and files have no increments"
    never = Config.model_validate({"load": {"full_every_days": 0}})
    assert reason(never, source, stood(never, source)) == "[load] full_every_days is 0"
    workers = WorkerSource.model_validate({"file": "x.csv"})
    assert where_to_begin(config, workers, last).reason == "HR, MIM and files have no increments"


@pytest.mark.parametrize(
    ("age", "is_due"),
    [
        (timedelta(days=6, hours=22), False),
        (timedelta(days=6, hours=23, minutes=30), True),
        (timedelta(days=8), True),
        (-timedelta(days=1), True),
    ],
)
def test_a_full_read_is_due_by_the_days_since_the_last_one_began(age, is_due):
    config, source = Config(), entra()
    found = reason(config, source, stood(config, source, full_at=str(NOW - age)))
    assert found == ("due every 7 days" if is_due else None)


def test_what_the_rows_depend_on_changes_the_basis_and_how_a_server_is_reached_does_not():
    config = Config()
    assert basis(config, entra()) == basis(config, entra(timeout=5, retries=1, page_size=100, secret_env="X"))
    for other in (entra(objects=["users"]), entra(client_id="other")):
        assert basis(config, other) != basis(config, entra())
    ids = Config.model_validate({"employee_id": {"strip_prefix": ["WD-"]}})
    assert basis(ids, entra()) != basis(config, entra())
    ad = AdSource.model_validate({"url": "ldaps://dc1.example"})
    assert basis(config, ad) == basis(config, ad.model_copy(update={"url": ("ldaps://dc2.example",)}))
    assert basis(config, ad) != basis(config, ad.model_copy(update={"url": ("ldap://dc1.example:3268",)}))
    assert basis(config, ad) != basis(config, ad.model_copy(update={"bases": ("ou=x",)}))
    assert basis(config, ad) != basis(config, ad.model_copy(update={"attributes": ("room",)}))
