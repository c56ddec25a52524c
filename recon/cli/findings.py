"""`recon refresh` and `recon findings`: make the findings again, count them, show the rows of one."""

import logging
from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format

if TYPE_CHECKING:
    from recon.catalog import Catalog
    from recon.config import Config
    from recon.errors import CatalogError

FINDINGS_AT_OR_ABOVE = 3  # the exit code


def catalog_of(config: "Config") -> "Catalog":
    """The shipped catalogue with the site's own folders of findings."""
    from recon.catalog import read_catalog

    return read_catalog([config.path(folder) for folder in config.catalogue.findings])


def say_broken(broken: "tuple[CatalogError, ...]") -> None:
    """Name each file that was refused; the others stand."""
    from recon.cli.console import say

    for error in broken:
        say(f"left out: {error}", level=logging.WARNING)


def check_severity(threshold: str | None) -> None:
    """Raise UsageError when the threshold is no severity."""
    from recon.catalog import SEVERITIES
    from recon.errors import UsageError

    if threshold is not None and threshold not in SEVERITIES:
        raise UsageError(f"--fail-on {threshold}: no such severity", hint=f"one of {', '.join(SEVERITIES)}")


def refresh(
    ctx: typer.Context,
    run_all: bool = typer.Option(False, "--all", help="Run every finding, whatever [findings] chooses."),
) -> None:
    """Match what is loaded and make the findings again that [findings] chooses."""
    from recon.cli.console import say, state
    from recon.pipeline.steps import refresh_findings

    with state(ctx).store() as store:
        done = refresh_findings(state(ctx).config(), store, run_all=run_all)
    rows = sum(each.rows for each in done.counts)
    say_broken(done.broken)
    for warning in done.warnings:
        say(warning, level=logging.WARNING)
    say(f"refresh {done.refresh_id} as of {done.as_of[:19]} UTC: {done.matches:,} matches, {rows:,} rows of findings")
    say("next: recon findings, or recon report")
    if done.broken:
        raise typer.Exit(done.broken[0].exit_code)


def findings(
    ctx: typer.Context,
    code: str | None = typer.Argument(None, help="One finding: show its rows."),
    output: Format = FORMAT_OPTION,
    fail_on: str | None = typer.Option(
        None, "--fail-on", help="Exit 3 when a finding of this severity or a worse one has rows."
    ),
    unmask: bool = typer.Option(False, "--unmask", help="Show personal values in full."),
) -> None:
    """Count the findings of the last refresh, or show the rows of one."""
    from recon.catalog import FINDING_COLUMNS
    from recon.cli.console import emit, say, state
    from recon.findings import counts, rows, worst

    check_severity(fail_on)
    catalog = catalog_of(state(ctx).config())
    finding = catalog.statement(code, "findings") if code is not None else None
    with state(ctx).store() as store:
        found = counts(store)
        if not found:
            say("no refresh yet: recon refresh makes the findings")
        if finding is None:
            table = [
                (
                    each.severity,
                    each.code,
                    each.rows,
                    "" if each.previous_rows is None else each.previous_rows,
                    each.title,
                )
                for each in found
            ]
            emit(("severity", "finding", "rows", "before", "title"), table, output)
        else:
            say(f"{finding.title} ({finding.severity}). {finding.meaning}")
            emit(FINDING_COLUMNS, rows(store, finding.name, unmask=unmask), output)
            say(f"Fix: {finding.fix}")
            found = tuple(each for each in found if each.code == finding.name)
    if fail_on is not None and worst(found, fail_on):
        raise typer.Exit(FINDINGS_AT_OR_ABOVE)
