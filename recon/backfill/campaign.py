"""One apply from the outside: configuration checked, lock held, Graph opened, journal open, run.

What the command line calls; everything that decides stands in recon.backfill.apply and recon.backfill.plan.
"""

import getpass
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from recon.backfill.apply import Apply, Limits, Result
from recon.backfill.build import hours_later, plans_folder
from recon.backfill.journal import Journal
from recon.backfill.pacing import Pacer, Waiting
from recon.backfill.plan import Plan, check_applicable
from recon.backfill.undo import make_undo
from recon.backfill.writer import GraphWriter
from recon.config import Config, EntraSource
from recon.decode.times import utc_now_text
from recon.errors import PlanError
from recon.lock import locked
from recon.sources.graph.client import open_client
from recon.sources.graph.retry import Patience


def entra_of(config: Config, plan: Plan) -> EntraSource:
    """The configured tenant that the plan names. Raises PlanError when there is none to write to."""
    name = plan.header["entra_source"]
    for source in config.entra:
        if source.name == name and source.tenant_id:
            return source
    raise PlanError(f"plan {plan.short} is for {name}, and recon.toml has no such [entra] with a tenant_id to write to")


def check(config: Config, plan: Plan, *, allow_items: int | None = None, now: str | None = None) -> EntraSource:
    """Raise PlanError when the plan may not be applied with this configuration; else the tenant to write to."""
    source = entra_of(config, plan)
    check_applicable(
        plan,
        tenant_id=source.tenant_id,
        now=now or utc_now_text(),
        max_items=config.backfill.max_items,
        max_share=config.backfill.max_share,
        allow_items=allow_items,
    )
    return source


@contextmanager
def open_writer(config: Config, source: EntraSource, *, for_writing: bool) -> Iterator[GraphWriter]:
    """Graph for one tenant: re-reads with the reading application, writes with the writing one, if it has its own.

    A dry run signs in as the reader alone. No request is tried again below us: each needs its own re-read first.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(open_client(source, folder=config.folder, patience=Patience(tries=0)))
        writer = reader
        if for_writing and source.writer_client_id is not None:
            writer = stack.enter_context(
                open_client(source, folder=config.folder, writer=True, patience=Patience(tries=0))
            )
        yield GraphWriter(reader, writer, now=time.time)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def apply_plan(
    config: Config,
    plan: Plan,
    *,
    allow_items: int | None = None,
    waiting: Waiting | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Result:
    """Write what is left of the plan, one process at a time.

    Raises PlanError before anything is sent when the plan may not be applied or the journal cannot be written.
    """
    source = check(config, plan, allow_items=allow_items)
    waiting = waiting or Waiting()
    settings = config.backfill
    busy = PlanError("another apply is under way in this folder", hint="wait for it to end, or stop it with Ctrl-C")
    lock = plans_folder(config) / f".apply-{source.name}.lock"
    with (
        locked(lock, busy),
        Journal(plan.journal_file) as journal,
        open_writer(config, source, for_writing=True) as graph,
    ):
        run = Apply(
            plan,
            journal,
            graph,
            Pacer(settings.write_share, wait=waiting),
            limits=Limits(canary=settings.canary, max_failure_share=settings.max_failure_share),
            waiting=waiting,
            advance=advance,
        )
        return run.run(_user())


def undo_plan(config: Config, plan: Plan) -> Plan:
    """A plan that takes back what `plan` wrote; raises PlanError when it wrote nothing."""
    now = utc_now_text()
    return make_undo(
        plans_folder(config), plan, created_at=now, expires_at=hours_later(now, config.backfill.plan_max_age_hours)
    )
