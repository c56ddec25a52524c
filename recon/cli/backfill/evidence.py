"""`recon backfill evidence`: one zip for the auditor."""

from pathlib import Path

import typer

from recon.cli.backfill.named import NAMED_PLAN, load, say_plan
from recon.cli.console import FORMAT_OPTION, Format, emit, say, state


def evidence(
    ctx: typer.Context,
    name: str = NAMED_PLAN,
    output: Path | None = typer.Option(
        None, "--output", "-o", metavar="FILE", help="The zip; default evidence-PLAN-TIME.zip in the plan's folder."
    ),
    unmask: bool = typer.Option(False, "--unmask", help="Keep personal addresses in clear."),
    form: Format = FORMAT_OPTION,
) -> None:
    """Put plan, approvals, loads, journal, verification and a report into one zip with the hashes of all."""
    from datetime import UTC, datetime

    from recon.backfill.approval import operating_system_user
    from recon.backfill.evidence import make_evidence

    _, chosen = load(ctx, name)
    now = datetime.now(UTC)
    target = output or chosen.folder / f"evidence-{chosen.short}-{now:%Y%m%dT%H%M%SZ}.zip"
    with state(ctx).store() as store:
        manifest = make_evidence(chosen, store, target, is_unmasked=unmask, user=operating_system_user())
    rows = [(file, facts["bytes"], facts["sha256"]) for file, facts in manifest["files"].items()]
    emit(("file", "bytes", "sha256"), rows, form)
    say_plan(chosen)
    say(f"{target}, addresses {manifest['addresses']}")
