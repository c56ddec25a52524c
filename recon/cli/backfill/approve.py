"""`recon backfill approve`: say yes to a plan under a change number."""

import typer

from recon.cli.backfill.named import NAMED_PLAN, load, say_plan
from recon.cli.console import FORMAT_OPTION, Format, emit, say


def approve(
    ctx: typer.Context,
    name: str = NAMED_PLAN,
    change: str = typer.Option(..., "--change", metavar="NUMBER", help="Number of the change in your change system."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Record your approval of a plan: who (of the operating system), when, under which change."""
    from recon.backfill.approval import approve as record
    from recon.backfill.approval import missing_approvals, read_approvals

    config, chosen = load(ctx, name)
    record(chosen, change=change)
    rows = [(each.user, each.change, each.at[:19]) for each in read_approvals(chosen)]
    emit(("approved_by", "change", "approved_at"), rows, output)
    say_plan(chosen)
    missing = missing_approvals(chosen, config.backfill)
    if missing is not None:
        say(missing)
    else:
        say(f"next: recon backfill apply {chosen.short} --commit")
