"""`recon backfill plan | show | apply | status | undo`: fill what is missing in Entra ID, safely."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from recon.cli.console import FORMAT_OPTION, Format, counter, emit, say, state

if TYPE_CHECKING:
    from recon.backfill.apply import Result
    from recon.backfill.pacing import Waiting
    from recon.backfill.plan import Plan
    from recon.config import Config

app = typer.Typer(help="Plan, show, write and take back missing otherMails or usageLocation.", no_args_is_help=True)

_PLAN = typer.Argument("latest", metavar="PLAN", help="First characters of the plan's hash, or latest.")
_NAMED_PLAN = typer.Argument(..., metavar="PLAN", help="First characters of the plan's hash, or latest.")
_ALLOW = typer.Option(
    None, "--allow-items", metavar="N", help="Go over the thresholds once; N is the plan's number of items."
)


def _load(ctx: typer.Context, name: str) -> "tuple[Config, Plan]":
    from recon.backfill.build import plans_folder
    from recon.backfill.plan import load_plan

    config = state(ctx).config()
    return config, load_plan(plans_folder(config), name)


def _counts(plan: "Plan") -> list[tuple[str, int]]:
    rows = [("item", plan.item_count)]
    rows += sorted(plan.header["reasons"].items(), key=lambda pair: (-pair[1], pair[0]))
    return [*rows, ("in scope", plan.scope_count), ("out of scope", int(plan.header["out_of_scope"]))]


def _say_plan(plan: "Plan") -> None:
    say(f"plan {plan.hash}")
    say(
        f"{plan.item_count} to write + {plan.scope_count - plan.item_count} with a reason = {plan.scope_count} in scope"
        f"; {plan.header['attribute']} in tenant {plan.tenant_id}; good until {plan.header['expires_at'][:16]} UTC"
    )


@app.command("plan")
def plan(
    ctx: typer.Context,
    scope: str | None = typer.Option(None, "--scope", metavar="NAME", help="The [scope.NAME] whose workers are meant."),
    attribute: str | None = typer.Option(None, "--attribute", help="otherMails or usageLocation."),
    entra: str | None = typer.Option(None, "--entra", metavar="NAME", help="Which tenant, where there are several."),
    limit: int | None = typer.Option(None, "--limit", min=1, metavar="N", help="No more than N items; the rest later."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Judge everyone in scope and freeze what would be written. Nothing is sent."""
    from recon.backfill.build import build_plan

    config = state(ctx).config()
    with state(ctx).store() as store:
        made = build_plan(config, store, scope=scope, attribute=attribute, entra=entra, limit=limit)
    emit(("outcome", "people"), _counts(made), output)
    _say_plan(made)
    if made.item_count:
        say(f"next: recon backfill show {made.short}, then recon backfill apply {made.short}")
    else:
        say(f"nothing to write; recon backfill show {made.short} --reasons says why")


def _masked(value: Any, *, unmask: bool) -> str:
    from recon.decode.mask import mask_mail

    return ", ".join(entry if unmask or "@" not in entry else mask_mail(entry) for entry in value)


@app.command("show")
def show(
    ctx: typer.Context,
    name: str = _PLAN,
    reasons: bool = typer.Option(False, "--reasons", help="Show who is not written, and why."),
    unmask: bool = typer.Option(False, "--unmask", help="Show personal addresses in clear."),
    output: Format = FORMAT_OPTION,
) -> None:
    """List a plan's items, or the reasons of everyone else in scope."""
    _, shown = _load(ctx, name)
    if reasons:
        columns: tuple[str, ...] = ("reason", "worker_id", "employee_id", "userprincipalname", "detail")
        rows: Iterator[tuple[object, ...]] = (
            (each.code, each.worker_id, each.employee_id, each.upn, each.detail) for each in shown.reasons()
        )
    else:
        columns = ("worker_id", "employee_id", "userprincipalname", "object_id", "before", "after", "rule", "prehire")
        rows = (
            (
                item.worker_id,
                item.employee_id,
                item.upn,
                item.object_id,
                _masked(item.before, unmask=unmask),
                _masked(item.after, unmask=unmask),
                item.rule,
                "yes" if item.may_be_disabled and shown.header["kind"] == "fill" else "",
            )
            for item in shown.items()
        )
    emit(columns, rows, output)
    _say_plan(shown)
    say(f"next: recon backfill apply {shown.short} shows what it would do now; with --commit it writes")


@contextmanager
def _stopped_by_signals(waiting: "Waiting") -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) lets what is in flight end; the second is as usual."""

    def stop(number: int, _frame: object) -> None:
        waiting.stop()
        signal.signal(number, before[signal.Signals(number)])
        say("stopping: what is in flight ends first")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _dry_run(config: "Config", shown: "Plan", *, offline: bool, allow_items: int | None, output: Format) -> None:
    from recon.backfill.apply import preview
    from recon.backfill.campaign import check, open_writer

    source = check(config, shown, allow_items=allow_items)
    columns = ("decision", "items")
    if offline:
        emit(columns, [("in the plan", shown.item_count)], output)
    else:
        counts: dict[str, int] = {"would be written": 0}
        with open_writer(config, source, for_writing=False) as graph, counter("re-reading") as count:
            for _, skip in preview(shown, graph):
                decision = "would be written" if skip is None else f"skipped: {skip.reason}"
                counts[decision] = counts.get(decision, 0) + 1
                count.advance(1)
        emit(columns, counts.items(), output)
    allowed = "" if allow_items is None else f" --allow-items {allow_items}"
    say("nothing was written")
    say(f"next: recon backfill apply {shown.short} --commit{allowed}")


@app.command("apply")
def apply(
    ctx: typer.Context,
    name: str = _NAMED_PLAN,
    commit: bool = typer.Option(False, "--commit", help="Write. Without it, only show what would be written."),
    allow_items: int | None = _ALLOW,
    offline: bool = typer.Option(False, "--offline", help="Without --commit: do not re-read the users either."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Carry a plan out; called again it goes on where it stopped."""
    config, chosen = _load(ctx, name)
    if not commit:
        _dry_run(config, chosen, offline=offline, allow_items=allow_items, output=output)
        return
    from recon.backfill.campaign import apply_plan
    from recon.backfill.pacing import Waiting

    waiting = Waiting()
    _say_plan(chosen)
    with _stopped_by_signals(waiting), counter("writing") as count:
        result = apply_plan(config, chosen, allow_items=allow_items, waiting=waiting, advance=count.advance)
    rows = [("done", "", result.counts["done"])]
    rows += [("not written", reason, number) for reason, number in sorted(result.reasons.items())]
    emit(("outcome", "reason", "items"), [*rows, ("left", "", result.left)], output)
    _conclude(chosen, result, allow_items)


def _conclude(chosen: "Plan", result: "Result", allow_items: int | None) -> None:
    """Say what happened and what comes next; end with the exit code that fits."""
    from recon.errors import PartialError, PlanError

    if result.window_text is not None:
        say(f"between sending a re-read and the answer to its write: {result.window_text}")
    allowed = "" if allow_items is None else f" --allow-items {allow_items}"
    again = f"recon backfill apply {chosen.short} --commit{allowed}"
    if result.is_interrupted:
        say(f"interrupted: {result.left} items are left; {again} goes on from there")
        raise typer.Exit(130)
    if result.stopped is not None:
        raise PlanError(
            f"stopped: {result.stopped}; {result.left} items are left", hint=f"find the cause; {again} goes on"
        )
    if result.left:
        raise PartialError(f"{result.left} items got no answer that decides", hint=f"{again} goes on with them")
    if result.troubles:
        raise PartialError(
            f"{result.troubles} items were refused or failed", hint=f"recon backfill status {chosen.short} counts them"
        )
    say(f"next: recon load entra, then recon findings; recon backfill undo {chosen.short} takes it back")


@app.command("status")
def status(
    ctx: typer.Context,
    name: str | None = typer.Argument(None, metavar="[PLAN]", help="A plan; without one, all of them."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Count a plan's items by outcome, or list all plans."""
    from recon.backfill.journal import read_journal

    if name is None:
        _list_plans(ctx, output)
        return
    _, chosen = _load(ctx, name)
    journal = read_journal(chosen.journal_file)
    rows = [(outcome, reason, count) for (outcome, reason), count in sorted(journal.reasons.items())]
    left = chosen.item_count - len(journal.outcomes)
    if journal.intents:
        rows.append(("in doubt", "sent, no answer known", len(journal.intents)))
    rows.append(("open", "", left - len(journal.intents)))
    emit(("outcome", "reason", "items"), rows, output)
    _say_plan(chosen)
    if journal.torn:
        say("the journal's last line is torn: a run was cut off while it wrote; the next apply goes on before it")
    if left:
        say(f"next: recon backfill apply {chosen.short} --commit")
    else:
        say(f"complete; recon backfill undo {chosen.short} takes it back")


def _list_plans(ctx: typer.Context, output: Format) -> None:
    from recon.backfill.build import plans_folder
    from recon.backfill.journal import read_journal
    from recon.backfill.plan import load_plan, plan_folders

    plans = plans_folder(state(ctx).config())
    rows = []
    for folder in plan_folders(plans):
        found = load_plan(plans, folder.name)
        journal = read_journal(found.journal_file)
        done = sum(outcome == "done" for outcome in journal.outcomes.values())
        rows.append(
            (
                found.short,
                found.header["created_at"][:19],
                found.header["kind"],
                found.header["attribute"],
                found.header["scope"]["name"],
                found.item_count,
                done,
                found.item_count - len(journal.outcomes),
            )
        )
    rows.sort(key=lambda row: row[1])
    emit(("plan", "created_at", "kind", "attribute", "scope", "items", "done", "open"), rows, output)
    say("next: recon backfill show PLAN" if rows else "next: recon backfill plan")


@app.command("undo")
def undo(ctx: typer.Context, name: str = _NAMED_PLAN, output: Format = FORMAT_OPTION) -> None:
    """Make a plan that takes back what a plan wrote, where it still stands. Nothing is sent."""
    from recon.backfill.campaign import undo_plan

    config, chosen = _load(ctx, name)
    made = undo_plan(config, chosen)
    emit(("outcome", "people"), _counts(made), output)
    _say_plan(made)
    say(f"next: recon backfill show {made.short}, then recon backfill apply {made.short} --commit")
