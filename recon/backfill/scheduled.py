"""A campaign from plan to verification, for schedulers: one call, one lock, one honest result.

A campaign is a scope, mappings and thresholds under a name. Nobody is forgotten: each run plans anew from the loads,
so who got an account since, or whose otherMails a connector left empty, is in the next plan. What an earlier run left
open, and what waited for approval, is carried out before anything is planned.
"""

from collections.abc import Callable
from dataclasses import dataclass

from recon.backfill.approval import missing_approvals
from recon.backfill.build import build_plan, plans_folder
from recon.backfill.campaign import Choices, apply_plan, refresh_ledger, verify_plan
from recon.backfill.journal import read_journal
from recon.backfill.pacing import Waiting
from recon.backfill.page import write_page
from recon.backfill.plan import Plan, load_plan, plan_folders
from recon.backfill.result import Result
from recon.backfill.revoked import check_not_taken_back, check_still_meant
from recon.backfill.sources import check_intact
from recon.backfill.verify import Verified
from recon.backfill_config import Campaign
from recon.config import Config
from recon.decode.times import utc_now_text
from recon.errors import PlanError, UsageError
from recon.lock import locked
from recon.store import Store


@dataclass
class Outcome:
    """What one run of a campaign came to. `waits_for`: approvals that are missing, in words."""

    plan: Plan
    is_new: bool
    waits_for: str | None = None
    result: Result | None = None
    verified: Verified | None = None


def campaign_of(config: Config, name: str) -> Campaign:
    """The campaign of that name. Raises UsageError when there is none."""
    if name not in config.campaign:
        known = ", ".join(sorted(config.campaign)) or "none"
        raise UsageError(f"there is no [campaign.{name}] in recon.toml", hint=f"defined: {known}")
    return config.campaign[name]


def settings_of(config: Config, name: str) -> Config:
    """The configuration with the campaign's scope, mappings and thresholds in place of those of [backfill]."""
    campaign = campaign_of(config, name)
    own = {"max_items": campaign.max_items, "max_share": campaign.max_share, "max_replaced": campaign.max_replaced}
    changes: dict[str, object] = {key: value for key, value in own.items() if value is not None}
    changes |= {"scope": campaign.scope, "mapping": campaign.mapping or config.backfill.mappings}
    return config.model_copy(update={"backfill": config.backfill.model_copy(update=changes)})


def _unfinished(config: Config, store: Store, name: str, now: str, say: Callable[[str], None]) -> Plan | None:
    """The campaign's newest plan that is still good and has items without an outcome.

    One that was taken back, was made for other settings, or stands on a load found broken since is left: a new one
    takes its place.
    """
    plans = plans_folder(config)
    found: list[Plan] = []
    for folder in plan_folders(plans):
        plan = load_plan(plans, folder.name)
        is_good = plan.header.get("campaign") == name and now <= str(plan.header["expires_at"])
        if is_good and len(read_journal(plan.journal_file).outcomes) < plan.item_count:
            found.append(plan)
    newest = max(found, key=lambda plan: str(plan.header["created_at"]), default=None)
    try:
        if newest is not None:
            newest.check_age(now)
            check_not_taken_back(newest)
            check_still_meant(config, newest)
            with store.read() as connection:
                check_intact(connection, newest)
    except PlanError as error:
        say(f"{error}; it is left unfinished")
        return None
    return newest


def run_campaign(
    config: Config,
    store: Store,
    name: str,
    *,
    commit: bool,
    patience: float = 120.0,
    choices: Choices | None = None,
    waiting: Waiting | None = None,
    say: Callable[[str], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Plan, or go on with what is unfinished; apply and verify with `commit`.

    Raises what planning and applying raise: thresholds, stale loads, a run that is under way already.
    """
    campaign = campaign_of(config, name)
    own = settings_of(config, name)
    plans = plans_folder(config)
    plans.mkdir(mode=0o700, parents=True, exist_ok=True)
    busy = PlanError(f"a run of campaign {name} is under way", hint="wait for it to end")
    with locked(plans / f".run-{name}.lock", busy):
        unfinished = _unfinished(own, store, name, utc_now_text(), say) if commit else None
        if unfinished is not None:
            say(f"going on with plan {unfinished.short} of {unfinished.header['created_at'][:16]} UTC")
        plan = unfinished or build_plan(
            own, store, entra=campaign.entra, campaign=name, settle_minutes=campaign.settle_minutes
        )
        outcome = Outcome(plan, is_new=unfinished is None)
        if outcome.is_new:
            say(f"to be approved: {write_page(plan)}")
        if not commit or not plan.item_count:
            return outcome
        outcome.waits_for = missing_approvals(plan, own.backfill)
        if outcome.waits_for is not None:
            return outcome
        say(f"applying plan {plan.short}: {plan.item_count} items")
        try:
            outcome.result = apply_plan(own, plan, choices, waiting=waiting, advance=advance)
        finally:
            if plan.journal_file.exists() and (trouble := refresh_ledger(own, plan)):
                say(f"backfill_item could not be brought up to date ({trouble})")
        ended = outcome.result.stopped is None and not outcome.result.is_interrupted
        if ended and read_journal(plan.journal_file).windows_ms:
            say(f"verifying plan {plan.short}")
            outcome.verified = verify_plan(own, plan, patience=patience, waiting=waiting)
        return outcome
