"""`recon backfill plan | show`: judge everyone in scope, freeze it, look at it. Nothing is sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from recon.cli.backfill.named import PLAN, counts, load, say_plan
from recon.cli.console import FORMAT_OPTION, Format, emit, say, state


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
    from recon.backfill.page import write_page

    config = state(ctx).config()
    with state(ctx).store() as store:
        made = build_plan(config, store, scope=scope, attribute=attribute, entra=entra, limit=limit)
    page = write_page(made)
    emit(("outcome", "people"), counts(made), output)
    say_plan(made)
    say(f"to be approved: {page}")
    if made.item_count:
        say(f"next: recon backfill show {made.short}, then recon backfill apply {made.short}")
    else:
        say(f"nothing to write; recon backfill show {made.short} --reasons says why")


def _masked(value: Any, *, unmask: bool) -> str:
    from recon.decode.mask import mask_mail

    return ", ".join(entry if unmask or "@" not in entry else mask_mail(entry) for entry in value)


def show(
    ctx: typer.Context,
    name: str = PLAN,
    reasons: bool = typer.Option(False, "--reasons", help="Show who is not written, and why."),
    page: bool = typer.Option(False, "--page", help="Write the page for approval and the CSV files anew instead."),
    out: Path | None = typer.Option(
        None, "--out", metavar="FOLDER", help="With --page: where; default beside the plan."
    ),
    unmask: bool = typer.Option(False, "--unmask", help="Show personal addresses in clear."),
    output: Format = FORMAT_OPTION,
) -> None:
    """List a plan's items, or the reasons of everyone else in scope."""
    _, shown = load(ctx, name)
    if page:
        from recon.backfill.page import write_page

        say(f"written: {write_page(shown, out, unmask=unmask)}")
        return
    if reasons:
        columns: tuple[str, ...] = ("reason", "attribute", "worker_id", "employee_id", "userprincipalname", "detail")
        rows: Iterator[tuple[object, ...]] = (
            (each.code, each.attribute, each.worker_id, each.employee_id, each.upn, each.detail)
            for each in shown.reasons()
        )
    else:
        columns = ("worker_id", "employee_id", "userprincipalname", "object_id", "attribute", "mode")
        columns += ("before", "after", "rule", "prehire")
        rows = (
            (
                item.worker_id,
                item.employee_id,
                item.upn,
                item.object_id,
                item.attribute,
                item.mode,
                _masked(item.before, unmask=unmask),
                _masked(item.after, unmask=unmask),
                item.rule,
                "yes" if item.may_be_disabled and shown.header["kind"] == "fill" else "",
            )
            for item in shown.items()
        )
    emit(columns, rows, output)
    say_plan(shown)
    say(f"next: recon backfill apply {shown.short} shows what it would do now; with --commit it writes")
