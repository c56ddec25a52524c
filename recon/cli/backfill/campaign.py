"""`recon backfill run | watch`: a named campaign for schedulers, and who waits for what."""

from typing import TYPE_CHECKING

import typer

from recon.cli.backfill.apply import VIA_OPTION, Via, stopped_by_signals
from recon.cli.backfill.named import counts, say_plan
from recon.cli.console import FORMAT_OPTION, Format, counter, emit, say, state

if TYPE_CHECKING:
    from recon.backfill.scheduled import Outcome

_LATE = 3
_CAMPAIGN = typer.Argument(..., metavar="CAMPAIGN", help="The [campaign.NAME].")


def run(
    ctx: typer.Context,
    name: str = _CAMPAIGN,
    commit: bool = typer.Option(False, "--commit", help="Write. Without it, only plan."),
    until: str | None = typer.Option(
        None, "--until", metavar="'HH:MM ZONE'", help="Begin nothing after this time, such as '06:00 Europe/Zurich'."
    ),
    patience: int = typer.Option(
        120, "--patience", min=0, metavar="SECONDS", help="How long verification waits for the directory to agree."
    ),
    via: Via | None = VIA_OPTION,
    output: Format = FORMAT_OPTION,
) -> None:
    """Plan a campaign, apply and verify it, or go on with what is unfinished. One at a time."""
    from datetime import UTC, datetime

    from recon.backfill.campaign import Choices
    from recon.backfill.journal import PATCH
    from recon.backfill.pacing import Waiting
    from recon.backfill.scheduled import run_campaign
    from recon.backfill.window import window_end

    end = None if until is None else window_end(until, datetime.now(UTC))
    waiting = Waiting()
    with state(ctx).store() as store, stopped_by_signals(waiting), counter("writing") as count:
        outcome = run_campaign(
            state(ctx).config(),
            store,
            name,
            commit=commit,
            patience=patience,
            choices=Choices(after_canary="go", until=end, via=PATCH if via is None else via.value),
            waiting=waiting,
            say=say,
            advance=count.advance,
        )
    rows: list[tuple[str, str, int]] = [("plan", outcome_name, number) for outcome_name, number in counts(outcome.plan)]
    if outcome.result is not None:
        rows += [("apply", outcome_name, number) for outcome_name, number in sorted(outcome.result.counts.items())]
        rows += [("apply", f"not written: {why}", number) for why, number in sorted(outcome.result.reasons.items())]
        rows.append(("apply", "left", outcome.result.left))
    if outcome.verified is not None:
        rows += [("verify", verdict, number) for verdict, number in sorted(outcome.verified.counts.items())]
    emit(("step", "outcome", "people"), rows, output)
    say_plan(outcome.plan)
    again = f"recon backfill run {name} --commit{'' if via is None else f' --via {via.value}'}"
    _conclude(outcome, again, commit=commit)


def _conclude(outcome: "Outcome", again: str, *, commit: bool) -> None:
    from recon.errors import PartialError, PlanError

    plan, result = outcome.plan, outcome.result
    if outcome.waits_for is not None:
        raise PartialError(
            f"nothing was written: {outcome.waits_for}",
            hint=f"recon backfill approve {plan.short} --change NUMBER, then {again}",
        )
    if result is None:
        say("nothing to write" if not plan.item_count else f"nothing was written; {again} writes")
        return
    if result.is_interrupted:
        say(f"interrupted: {result.left} items are left; {again} goes on from there")
        raise typer.Exit(130)
    if result.stopped is not None:
        raise PlanError(f"stopped: {result.stopped}; {result.left} items are left", hint=f"find the cause; {again}")
    drifted = 0 if outcome.verified is None else len(outcome.verified.drifts)
    if result.troubles or drifted or (result.left and not result.is_window_over):
        raise PartialError(
            f"{result.troubles} items were refused or failed, {result.left} are left, {drifted} drifted",
            hint=f"recon backfill status {plan.short} counts them",
        )
    if result.left:
        say(f"the window is over: {result.left} items are left; {again} goes on in the next one")
    else:
        say(f"complete; recon backfill undo {plan.short} takes it back")


def watch(
    ctx: typer.Context,
    name: str = _CAMPAIGN,
    who: bool = typer.Option(False, "--who", help="List the people, longest waiting first, instead of counting."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Show how long people wait for an AD account, an Entra user or otherMails. Ends with 3 over the alarm."""
    from recon.backfill.scheduled import campaign_of
    from recon.backfill.watch import STAGES, by_stage, read_watch

    config = state(ctx).config()
    campaign = campaign_of(config, name)
    alarms = {stage: float(getattr(campaign, f"alarm_{stage}_hours")) for stage in STAGES}
    with state(ctx).store() as store:
        if who:
            columns = ("stage", "waits_for", "hours", "since", "source", "worker_id", "employee_id", "display_name")
            rows = (
                (
                    each.stage,
                    STAGES[each.stage],
                    _whole(each.hours),
                    (each.since or "")[:16],
                    each.source,
                    each.worker_id,
                    each.employee_id,
                    each.name,
                )
                for each in read_watch(config, store, campaign.scope)
            )
            emit(columns, rows, output)
            return
        found = by_stage(read_watch(config, store, campaign.scope), alarms)
    emit(
        ("stage", "waits_for", "people", "oldest_hours", "alarm_hours", "late"),
        [
            (stage, STAGES[stage], age.people, _whole(age.oldest_hours), _whole(alarms[stage]), age.late)
            for stage, age in found.items()
        ],
        output,
    )
    late = sum(age.late for age in found.values())
    if late:
        say(f"{late} people wait longer than the alarm; recon backfill watch {name} --who lists them")
        raise typer.Exit(_LATE)


def _whole(hours: float | None) -> int | None:
    return None if hours is None else int(hours)
