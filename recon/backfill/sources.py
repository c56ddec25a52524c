"""Which sources a plan stands on: one tenant, the domains and HR systems linked with it, and how fresh they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from recon.backfill.plan import Plan
from recon.decode.times import earlier
from recon.errors import PlanError, UsageError
from recon.store.closure import cut_closures
from recon.store.match_tables import clock
from recon.store.runs import CLOCK_MINUTES
from recon.store.settings import read_setting
from recon.store.tables import load_run, load_run_table, source, source_link
from recon.store.verified import broken_tables, found_broken

Link = tuple[int | None, int | None, int | None]  # ad, entra, workers


@dataclass(frozen=True, slots=True)
class Source:
    """One loaded source. `run_id`: its last published load."""

    source_id: int
    kind: str
    name: str
    domain: str | None
    finished_at: str | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class Sources:
    """A tenant with what is linked to it."""

    entra: Source
    ad: tuple[Source, ...]
    workers: tuple[Source, ...]
    other_tenants: tuple[Source, ...]
    links: frozenset[Link]

    @property
    def all(self) -> tuple[Source, ...]:
        """Those the plan stands on."""
        return (self.entra, *self.ad, *self.workers)

    def ad_of(self, worker: Source) -> list[Source]:
        """The domains linked with a worker source and the tenant."""
        ids = {ad for ad, entra, hr in self.links if entra == self.entra.source_id and hr == worker.source_id}
        return [source for source in self.ad if source.source_id in ids]

    def other_tenants_of(self, worker: Source) -> list[Source]:
        """The other tenants linked with a worker source."""
        ids = {entra for _, entra, hr in self.links if hr == worker.source_id}
        return [source for source in self.other_tenants if source.source_id in ids]

    @property
    def run_ids(self) -> tuple[int | None, ...]:
        """The loads the plan stands on: another load changes them."""
        return tuple(source.run_id for source in (*self.all, *self.other_tenants))


def _read(connection: Connection) -> dict[int, Source]:
    runs = (
        select(load_run.c.source_id, func.max(load_run.c.run_id).label("run_id"))
        .where(load_run.c.status == "published")
        .group_by(load_run.c.source_id)
        .subquery()
    )
    statement = select(
        source.c.source_id, source.c.kind, source.c.name, source.c.domain, source.c.load_finished_at, runs.c.run_id
    ).join_from(source, runs, runs.c.source_id == source.c.source_id, isouter=True)
    return {row.source_id: Source(*row) for row in connection.execute(statement)}


def find_sources(connection: Connection, entra_name: str | None = None) -> Sources:
    """The tenant of that name (the only one without a name) and what is linked with it.

    Raises UsageError when the name is unknown or needed, PlanError when nothing is linked.
    """
    known = _read(connection)
    tenants = {each.name: each for each in known.values() if each.kind == "entra"}
    if not tenants:
        raise PlanError("Entra ID has not been loaded", hint="recon load entra")
    if entra_name is None and len(tenants) > 1:
        raise UsageError(f"there are {len(tenants)} tenants: say which with --entra ({', '.join(sorted(tenants))})")
    if entra_name is not None and entra_name not in tenants:
        raise UsageError(f"no tenant is called {entra_name}", hint=f"there are {', '.join(sorted(tenants))}")
    entra = tenants[entra_name] if entra_name is not None else next(iter(tenants.values()))
    links = frozenset(
        (row.ad_source_id, row.entra_source_id, row.worker_source_id) for row in connection.execute(select(source_link))
    )
    own = [link for link in links if link[1] == entra.source_id]

    def linked(ids: Sequence[int | None]) -> tuple[Source, ...]:
        return tuple(known[key] for key in sorted({key for key in ids if key is not None}) if key in known)

    ad, workers = linked([link[0] for link in own]), linked([link[2] for link in own])
    if not ad or not workers:
        missing = "no domain" if not ad else "no HR source"
        raise PlanError(f"{missing} is linked with {entra.name}", hint="load them, see [[link]], then recon refresh")
    others = linked([link[1] for link in links if link[1] != entra.source_id])
    return Sources(entra, ad, workers, others, links)


def check_fresh(connection: Connection, sources: Sources, *, now: str, max_age_hours: int) -> frozenset[int]:
    """The source ids of domains whose load is too old while another domain's is fresh: their people are held.

    Raises PlanError when a load is missing or too old otherwise, a table is not what was loaded, the matches are older
    than a load, or nested memberships were cut.

    `max_age_hours`: of the configuration; a row load_max_age_hours in table setting wins. `now`: the time text.
    """
    hours = read_setting(connection, "load_max_age_hours", max_age_hours)
    oldest, newest = earlier(now, hours=hours), earlier(now, minutes=-CLOCK_MINUTES)
    for each in sources.all:
        if each.finished_at is None:
            raise PlanError(f"{each.name} has not been loaded", hint=f"recon load {each.kind}")
        if each.finished_at > newest:
            ended = each.finished_at[:16]
            raise PlanError(
                f"the load of {each.name} ended at {ended} UTC, which is yet to come: a clock was wrong",
                hint=f"recon load {each.kind}",
            )
    for broken in broken_tables(connection):
        its = next((each for each in sources.all if each.source_id == broken.source_id), None)
        if its is not None:
            raise PlanError(f"{broken.source}: {broken.why}", hint=f"recon load {its.kind}, then recon refresh")
    stale = frozenset(each.source_id for each in sources.ad if str(each.finished_at) < oldest)
    if len(stale) == len(sources.ad):
        stale = frozenset()
    for each in sources.all:
        if str(each.finished_at) < oldest and each.source_id not in stale:
            ended = str(each.finished_at)[:16]
            raise PlanError(
                f"the load of {each.name} is stale: it ended at {ended} UTC, over {hours} hours ago",
                hint=f"recon load {each.kind}",
            )
    refreshed = connection.scalar(select(clock.c.refreshed_at))
    if refreshed is None or any(each.finished_at is not None and each.finished_at > refreshed for each in sources.all):
        raise PlanError("the matches are older than the loads", hint="recon refresh")
    for name, depth in cut_closures(connection):
        raise PlanError(
            f"{name} is complete to {depth} steps only: who is privileged through deeper groups is not known",
            hint="raise closure_max_rows or closure_max_depth in table setting, then recon refresh",
        )
    return stale


def check_intact(connection: Connection, plan: Plan) -> None:
    """Raise PlanError when a load that the plan stands on, or one since, is known not to be what was loaded.

    An undo stands on its journal alone, and always passes.
    """
    if plan.header["kind"] == "undo":
        return
    now = {broken.source: broken for broken in broken_tables(connection)}
    for each in plan.header["sources"]:
        name, run_id = str(each["name"]), each.get("load_run")
        broken = now.get(name)
        if broken is None and run_id is not None:
            broken = found_broken(connection, name, int(run_id), str(plan.header["created_at"]))
        if broken is not None:
            raise PlanError(
                f"plan {plan.short} stands on {name}: {broken.why}",
                hint=f"recon load {each['kind']}, recon refresh, then make a new plan",
            )


def describe(connection: Connection, sources: Sources) -> list[dict[str, object]]:
    """The sources as they stand in a plan's header: each with its last load, and the fingerprint of each table."""
    found = []
    for each in sources.all:
        is_increment = connection.scalar(select(load_run.c.is_increment).where(load_run.c.run_id == each.run_id))
        tables = select(load_run_table.c.table_name, load_run_table.c.fingerprint).where(
            load_run_table.c.run_id == each.run_id, load_run_table.c.fingerprint.is_not(None)
        )
        found.append(
            {
                "name": each.name,
                "kind": each.kind,
                "source_id": each.source_id,
                "load_run": each.run_id,
                "load_finished_at": each.finished_at,
                "read": "increment" if is_increment else "full",
                "fingerprints": {row.table_name: row.fingerprint for row in connection.execute(tables)},
            }
        )
    return found
