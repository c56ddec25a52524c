"""`recon run`: load all, match, find, report; what a scheduler calls."""

import typer

from recon.cli.console import FORMAT_OPTION, Format, Severity, emit, say, state
from recon.errors import ConfigError


def run(
    ctx: typer.Context,
    fail_on: Severity | None = typer.Option(
        None, "--fail-on", help="Exit 3 when findings of this severity or a worse one exist."
    ),
    full: bool = typer.Option(False, "--full", help="Read everything, not only what changed since the last load."),
    no_report: bool = typer.Option(False, "--no-report", help="Write no report."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Load every source, match, find and write the report. One at a time: a second one exits 1."""
    from recon.findings import worst
    from recon.pipeline.steps import run_all

    config = state(ctx).config()
    if not (config.ad or config.entra or config.workers or config.mim):
        raise ConfigError("no source is configured", hint="recon init writes a commented recon.toml")
    with state(ctx).store(create=True) as store:
        result = run_all(config, store, say, write_report=not no_report, full=full)
    rows = [(c.severity, c.code, c.rows, c.previous_rows, c.title) for c in result.counts]
    emit(("severity", "finding", "rows", "before", "title"), rows, output)
    if result.report is not None:
        say(f"report: {result.report}")
    say("next: recon findings CODE shows the rows of one finding")
    if fail_on is not None and worst(result.counts, fail_on.value):
        raise typer.Exit(3)
