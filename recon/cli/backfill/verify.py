"""`recon backfill verify`: whether what a plan wrote stands."""

import typer

from recon.cli.backfill.apply import stopped_by_signals
from recon.cli.backfill.named import NAMED_PLAN, load, note_ledger, say_plan
from recon.cli.console import FORMAT_OPTION, Format, counter, emit, say


def verify(
    ctx: typer.Context,
    name: str = NAMED_PLAN,
    patience: int = typer.Option(
        120, "--patience", min=0, metavar="SECONDS", help="How long to wait for the directory to agree with itself."
    ),
    unmask: bool = typer.Option(False, "--unmask", help="Show personal addresses in clear."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Read what a plan wrote until it shows everywhere; lists what has drifted. Writes to the journal alone."""
    from recon.backfill.campaign import verify_plan
    from recon.backfill.ledger import masked
    from recon.backfill.pacing import Waiting
    from recon.errors import PartialError

    config, chosen = load(ctx, name)
    waiting = Waiting()
    with stopped_by_signals(waiting), counter("verifying") as count:
        result = verify_plan(config, chosen, patience=patience, waiting=waiting, advance=count.advance)
    note_ledger(config, chosen)

    def shown(values: tuple[str, ...] | None) -> str:
        if values is None:
            return ""
        return ", ".join(values) if unmask else masked(values)

    columns = ("verdict", "worker_id", "userprincipalname", "object_id", "attribute", "written", "found")
    rows = (
        (
            drift.verdict,
            drift.item.worker_id,
            drift.item.upn,
            drift.item.object_id,
            drift.item.attribute,
            shown(drift.expected),
            shown(drift.found),
        )
        for drift in result.drifts
    )
    emit(columns, rows, output)
    say_plan(chosen)
    say(
        f"{result.counts['consistent']} of {result.counts.total()} stand as written; "
        f"read {result.rounds} times in {result.waited:.0f} s"
    )
    if result.is_interrupted:
        say(f"interrupted; recon backfill verify {chosen.short} begins anew")
        raise typer.Exit(130)
    if result.drifts:
        raise PartialError(
            f"{len(result.drifts)} items are not as they were written",
            hint="look at them; an undo leaves them as they are now",
        )
    say(f"next: recon load entra, then recon findings; recon backfill evidence {chosen.short}")
