"""One apply from the outside: configuration checked, lock held, Graph opened, journal open, run.

What the command line calls; everything that decides stands in recon.backfill.apply and recon.backfill.plan.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from recon.backfill.allowance import Allowance
from recon.backfill.apply import Apply
from recon.backfill.approval import check_approved, operating_system_user
from recon.backfill.build import hours_later, plans_folder
from recon.backfill.items import Item
from recon.backfill.journal import BULK_UPLOAD, DONE, PATCH, Journal, JournalState, read_journal, read_written
from recon.backfill.lanes import Threads
from recon.backfill.ledger import derive
from recon.backfill.objections import find_objections
from recon.backfill.pacing import READ_SECONDS, Pacer, Quota, Waiting, read_quota
from recon.backfill.plan import Plan, check_applicable
from recon.backfill.precondition import Skip
from recon.backfill.registered import find_registered
from recon.backfill.reread import preview, reread
from recon.backfill.result import Result
from recon.backfill.revoked import check_not_taken_back
from recon.backfill.sources import check_intact
from recon.backfill.stops import Limits
from recon.backfill.undo import make_undo, taken_back
from recon.backfill.upload import Upload
from recon.backfill.upload_plan import check_schema, checked_settings, maker, open_uploader, read_columns
from recon.backfill.verify import Verified, judge_written, verify
from recon.backfill.ways import check_way
from recon.backfill.writer import GraphWriter
from recon.config import Backfill, Config, EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.decode.times import day, utc_now_text
from recon.errors import PlanError, StoreError, UsageError
from recon.lock import locked
from recon.sources.graph.client import open_client
from recon.sources.graph.retry import Patience
from recon.store import Store


@dataclass(frozen=True, slots=True)
class Choices:
    """What one run may choose. `until`: the end of its window, aware; `after_canary`: stop, go or as configured.

    `via`: the way of writing, PATCH or BULK_UPLOAD.
    """

    allow_items: int | None = None
    after_canary: str | None = None
    until: datetime | None = None
    allow_replace: int | None = None
    via: str = PATCH

    def is_over(self) -> bool:
        """True when the window has ended."""
        return self.until is not None and datetime.now(UTC) >= self.until


def entra_of(config: Config, plan: Plan) -> EntraSource:
    """The configured tenant that the plan names. Raises PlanError when there is none to write to."""
    name = plan.header["entra_source"]
    for source in config.entra:
        if source.name == name and source.tenant_id:
            return source
    raise PlanError(f"plan {plan.short} is for {name}, and recon.toml has no such [entra] with a tenant_id to write to")


def check(
    config: Config,
    plan: Plan,
    *,
    allow_items: int | None = None,
    allow_replace: int | None = None,
    now: str | None = None,
) -> EntraSource:
    """Raise PlanError when the plan may not be applied with this configuration; else the tenant to write to.

    Approvals are not looked at here: a dry run needs none.
    """
    source = entra_of(config, plan)
    check_applicable(
        plan,
        tenant_id=source.tenant_id,
        now=now or utc_now_text(),
        max_items=config.backfill.max_items,
        max_share=config.backfill.max_share,
        max_replaced=config.backfill.max_replaced,
        allow_items=allow_items,
        allow_replace=allow_replace,
    )
    return source


def limits_of(settings: Backfill, after_canary: str | None = None) -> Limits:
    """When a run stops, by configuration."""
    return Limits(
        canary=settings.canary,
        stop_after_canary=(after_canary or settings.after_canary) == "stop",
        max_failure_share=settings.max_failure_share,
        max_equal_errors=settings.max_equal_errors,
    )


def read_pacer(plan: Plan, share: float) -> Pacer:
    """The pace of re-reads: resource units, by the size that the tenant has at least."""
    quota = read_quota(plan.item_count)
    return Pacer(share, quota=quota, burst=int(quota.writes / READ_SECONDS))


@contextmanager
def open_lanes(
    config: Config,
    source: EntraSource,
    *,
    for_writing: bool,
    width: int | None = None,
    attributes: Collection[str] = (),
) -> Iterator[Threads]:
    """Graph for one tenant: re-reads with the reading application, writes with the writing one, if it has its own.

    `attributes`: of the plan. A dry run signs in as the reader alone. No request is tried again below
    us: each needs its own re-read first.
    """
    with ExitStack() as stack:

        def client(*, writer: bool) -> GraphWriter:
            once = Patience(tries=0)
            reader = stack.enter_context(open_client(source, folder=config.folder, patience=once))
            if not writer or source.writer_client_id is None:
                return GraphWriter(reader, reader, now=time.time, attributes=attributes)
            opened = open_client(source, folder=config.folder, writer=True, patience=Patience(tries=0))
            return GraphWriter(reader, stack.enter_context(opened), now=time.time, attributes=attributes)

        writers = [client(writer=for_writing) for _ in range(width or config.backfill.lanes)]
        yield stack.enter_context(Threads(writers))


@contextmanager
def held(config: Config, source: EntraSource) -> Iterator[None]:
    """One process at a time writes to a tenant. Raises PlanError when another one does."""
    busy = PlanError("another apply is under way in this folder", hint="wait for it to end, or stop it with Ctrl-C")
    with locked(plans_folder(config) / f".apply-{source.tenant_id.lower()}.lock", busy):
        yield


def objections(config: Config, plan: Plan) -> Callable[[Item], str | None]:
    """Why an item is not to be written by what is loaded now, or None; see find_objections.

    Raises PlanError when a load that the plan stands on is not what was loaded.
    """
    with Store.configured(config) as store:
        with store.read() as connection:
            check_intact(connection, plan)
        ids = EmployeeIdRules(config.employee_id.strip_prefix, config.employee_id.strip_leading_zeros)
        objection = find_objections(store, plan, day(utc_now_text()), ids)
    undone = plan.header.get("undoes")
    taken = taken_back(plans_folder(config), str(undone)) if undone else frozenset()
    return lambda item: "taken_back" if (item.object_id, item.attribute) in taken else objection(item)


def _check_others(config: Config, plan: Plan, state: JournalState, way: str) -> None:
    """Raise PlanError when the plan was begun in another way, was taken back, or another's upload is open on its users.

    Before a write under the lock of the tenant: an undo may begin at any other moment.
    """
    check_not_taken_back(plan)
    check_way(plans_folder(config), plan, state, way)


def preview_plan(
    config: Config,
    plan: Plan,
    *,
    allow_items: int | None = None,
    allow_replace: int | None = None,
    via: str = PATCH,
    waiting: Waiting | None = None,
) -> Iterator[tuple[Item, Skip | None]]:
    """Every item with why it would be skipped now, or None. Reads only; raises as apply_plan does."""
    source = check(config, plan, allow_items=allow_items, allow_replace=allow_replace)
    _check_others(config, plan, read_journal(plan.journal_file), via)
    if via == BULK_UPLOAD:
        with open_uploader(config, source, checked_settings(config, source, plan)) as uploader:
            check_schema(uploader.schema(), checked_settings(config, source, plan), plan.attributes)
    objection = objections(config, plan)
    with open_lanes(config, source, for_writing=False, attributes=plan.attributes) as lanes:
        yield from preview(
            plan, lanes, read_pacer(plan, config.backfill.write_share), waiting=waiting, objection=objection
        )


def apply_plan(
    config: Config,
    plan: Plan,
    choices: Choices | None = None,
    *,
    waiting: Waiting | None = None,
    advance: Callable[[int], None] = lambda _: None,
    limits: Limits | None = None,
    quota: Quota | None = None,
) -> Result:
    """Write what is left of the plan, one process at a time.

    `limits`, `quota`: others than the configured and published ones, for a laboratory in scaled time.
    Raises PlanError before anything is sent when the plan may not be applied or the journal cannot be written.
    """
    choices = choices or Choices()
    source = check(config, plan, allow_items=choices.allow_items, allow_replace=choices.allow_replace)
    check_approved(plan, config.backfill)
    facts: dict[str, object] = {}
    if choices.allow_items is not None:
        facts["allow_items"] = choices.allow_items
    if choices.allow_replace is not None:
        facts["allow_replace"] = choices.allow_replace
    if choices.until is not None:
        facts["until"] = choices.until.isoformat()
    options: dict[str, Any] = {
        "limits": limits or limits_of(config.backfill, choices.after_canary),
        "waiting": waiting,
        "is_over": choices.is_over,
        "objection": objections(config, plan),
        "advance": advance,
    }
    if choices.via == BULK_UPLOAD:
        return _upload(config, source, plan, facts, options)
    with (
        held(config, source),
        Journal(plan.journal_file) as journal,
        open_lanes(config, source, for_writing=True, attributes=plan.attributes) as lanes,
    ):
        _check_others(config, plan, journal.state, PATCH)
        run = Apply(plan, journal, lanes, Pacer(config.backfill.write_share, quota=quota), **options)
        return run.run(operating_system_user(), **facts)


def _upload(
    config: Config, source: EntraSource, plan: Plan, facts: dict[str, object], options: dict[str, Any]
) -> Result:
    """The same by bulk upload: the plan, the schema and the workers are looked at before anything is sent."""
    settings = checked_settings(config, source, plan)
    with (
        held(config, source),
        open_uploader(config, source, settings) as uploader,
        Store.configured(config) as store,
        Journal(plan.journal_file) as journal,
        open_lanes(config, source, for_writing=False, attributes=plan.attributes) as lanes,
    ):
        _check_others(config, plan, journal.state, BULK_UPLOAD)
        schema = uploader.schema()
        check_schema(schema, settings, plan.attributes)
        run = Upload(
            plan,
            journal,
            lanes,
            read_pacer(plan, config.backfill.write_share),
            uploader,
            maker(schema, settings, read_columns(store, plan, settings)),
            Allowance(store, plan.tenant_id, settings.daily_calls).take,
            log_seconds=settings.log_minutes * 60.0,
            **options,
        )
        return run.run(operating_system_user(), **facts)


def verify_plan(
    config: Config,
    plan: Plan,
    *,
    patience: float,
    waiting: Waiting | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Read what the plan wrote until it shows, and note in the journal what was found.

    Raises PlanError when it wrote nothing, is of another tenant, or the journal cannot be written.
    """
    source = entra_of(config, plan)
    if source.tenant_id.lower() != plan.tenant_id.lower():
        raise PlanError(f"plan {plan.short} is for tenant {plan.tenant_id}; the configuration names {source.tenant_id}")
    if DONE not in read_journal(plan.journal_file).outcomes.values():
        raise PlanError(f"plan {plan.short} has written nothing: there is nothing to verify")
    with (
        held(config, source),
        Journal(plan.journal_file) as journal,
        open_lanes(config, source, for_writing=False, attributes=plan.attributes) as lanes,
    ):
        return verify(
            plan,
            journal,
            lanes,
            read_pacer(plan, config.backfill.write_share),
            patience=patience,
            user=operating_system_user(),
            waiting=waiting,
            advance=advance,
        )


def undo_plan(config: Config, plan: Plan, *, is_offline: bool = False) -> Plan:
    """A plan that takes back what `plan` wrote and still stands; raises PlanError when it wrote nothing.

    Each user is read first; offline, that is left to the re-read before each write.
    """
    fresh: dict[int, str] | None = None
    if not is_offline:
        source = entra_of(config, plan)
        written, _ = read_written(plan.journal_file)
        numbered = ((number, item) for number, item in enumerate(plan.items()) if number in written)
        pacer = read_pacer(plan, config.backfill.write_share)
        with open_lanes(config, source, for_writing=False, attributes=plan.attributes) as lanes:
            fresh = {
                number: judge_written(item, written[number], reply).verdict
                for number, item, reply in reread(numbered, lanes, pacer)
            }
    now = utc_now_text()
    expires = hours_later(now, config.backfill.plan_max_age_hours)
    return make_undo(plans_folder(config), plan, created_at=now, expires_at=expires, fresh=fresh)


def registered_of(config: Config, undo: Plan) -> list[Item] | None:
    """The undo's items whose users have an Authentication Email, which it does not reach; None when not known."""
    with Store.open(config.database_url, create=False, password_env=config.database.password_env) as store:
        registered = find_registered(store, undo)
    if registered is None:
        return None
    return [item for item in undo.items() if item.attribute == "otherMails" and item.object_id in registered]


def refresh_ledger(config: Config, plan: Plan) -> str | None:
    """Make the plan's rows in the store anew from its journal; why that was not possible, or None."""
    try:
        with Store.configured(config) as store:
            derive(store, plan)
    except (StoreError, UsageError, SQLAlchemyError) as error:
        return str(error)
    return None
