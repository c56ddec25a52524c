"""`recon load ad | entra | workers | mim`: read a source to its end and publish it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format, counter, emit, say, state
from recon.errors import UsageError

if TYPE_CHECKING:
    from recon.pipeline.loads import Source
    from recon.store.load import LoadResult
    from recon.store.publish import Overrides

app = typer.Typer(help="Load Active Directory, Entra ID, HR and MIM into the database.", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def load(
    ctx: typer.Context,
    verify: bool = typer.Option(
        False,
        "--verify",
        help="Load nothing; make the fingerprint of every loaded table again and say whether it holds.",
    ),
    output: Format = FORMAT_OPTION,
) -> None:
    """Load Active Directory, Entra ID and HR into the database."""
    from recon.cli.store import print_check

    if verify and ctx.invoked_subcommand is not None:
        raise UsageError("--verify stands alone: recon load --verify")
    if verify:
        print_check(ctx, output)
    elif ctx.invoked_subcommand is None:
        raise UsageError("say what to load: recon load ad, entra or workers; or --verify")


_SOURCE = typer.Argument(None, metavar="[SOURCE]...", help="Names of configured sources; default: all of this kind.")
_ACCEPT_ROWS = typer.Option(
    None,
    "--accept-rows",
    metavar="TABLE=N",
    help="Publish this once although the row count is refused; TABLE=N stands in the message. N alone: any table.",
)
_ACCEPT_FILL = typer.Option(
    None,
    "--accept-fill",
    metavar="TABLE.COLUMN=N",
    help="Publish this once although this column went empty; N is the number in the message.",
)
_FULL = typer.Option(False, "--full", help="Read everything, not only what changed since the last load.")
_NO_REFRESH = typer.Option(False, "--no-refresh", help="Do not match and find afterwards.")
_MOST_DIGITS = 18  # as a bigint holds

_COLUMNS = (
    "source",
    "table",
    "read",
    "published",
    "new",
    "changed",
    "gone",
    "server_count",
    "duplicates",
    "rejected",
)


def load_kinds(
    ctx: typer.Context,
    kinds: tuple[str, ...],
    names: tuple[str, ...] = (),
    *,
    accept_rows: list[str] | None = None,
    accept_fill: list[str] | None = None,
    save: Path | None = None,
    full: bool = False,
) -> "list[LoadResult]":
    """Load every configured source of the kinds, in order, saying what happens."""
    from recon.pipeline.loads import load_source, sources, summary

    config = state(ctx).config()
    accept = _overrides(accept_rows or (), accept_fill or ())
    results = []
    chosen = [source for kind in kinds for source in sources(config, kind, names)]
    if save is not None:
        _check_saving(chosen)
    with state(ctx).store(create=True) as store:
        for source in chosen:
            say(f"loading {source.name} ...")
            with counter(source.name) as count:
                result = load_source(
                    config, store, source, accept=accept, progress=count.advance, warn=say, save=save, full=full
                )
            say(summary(result))
            for warning in result.warnings:
                say(f"warning: {source.name}: {warning}")
            results.append(result)
    return results


def _check_saving(chosen: "list[Source]") -> None:
    """One folder takes one tenant, read from Graph."""
    if len(chosen) > 1:
        raise UsageError("--save takes one tenant", hint=f"name one: {', '.join(source.name for source in chosen)}")
    if getattr(chosen[0], "ndjson", None) is not None:
        raise UsageError(f"{chosen[0].name} is read from files: there is nothing to save")


def _overrides(rows: Iterable[str], fills: Iterable[str]) -> "Overrides":
    from recon.store.publish import Overrides

    numbers = frozenset(_number("--accept-rows", given) for given in rows if given.isdecimal())
    tables = frozenset(_named("--accept-rows", "TABLE=N", given) for given in rows if not given.isdecimal())
    return Overrides(numbers, frozenset(_named("--accept-fill", "TABLE.COLUMN=N", given) for given in fills), tables)


def _named(option: str, form: str, given: str) -> tuple[str, int]:
    from recon.objects import TABLES

    name, _, number = given.rpartition("=")  # a header of HR may have one
    table, dot, _ = name.partition(".")
    if (dot != "") != ("." in form) or not number.isdecimal() or table not in TABLES:
        raise UsageError(f"{option} {given}: not {form}", hint="copy it from the message of the refusal")
    return name, _number(option, number)


def _number(option: str, digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise UsageError(
            f"{option} {digits[:_MOST_DIGITS]}…: no table has so many rows", hint="copy it from the message"
        )
    return int(digits)


def print_results(results: "list[LoadResult]", output: Format) -> None:
    """One row per table that was loaded; then what was rejected, by reason."""
    from recon.store.runs import reasons_text

    rows = [
        (
            result.source,
            entry.table,
            entry.rows_read,
            entry.rows_published,
            entry.inserted,
            entry.changed,
            entry.deleted,
            entry.server_count,
            entry.duplicates,
            entry.rejected,
        )
        for result in results
        for entry in result.tables.values()
    ]
    emit(_COLUMNS, rows, output)
    for result in results:
        for table, reasons in sorted(result.rejects.items()):
            say(f"rejected: {result.source}: {table}: {reasons_text(reasons)}")
    if any(result.rejects for result in results):
        say("some records were read and not published: recon sql run rejects")


def _finish(ctx: typer.Context, results: "list[LoadResult]", output: Format, *, refresh: bool) -> None:
    print_results(results, output)
    if not refresh:
        say("next: recon refresh")
        return
    from recon.pipeline.steps import refresh_findings

    say("matching and finding ...")
    with state(ctx).store() as store:
        refreshed = refresh_findings(state(ctx).config(), store)
    for broken in refreshed.broken:
        say(f"warning: {broken}")
    say("next: recon findings, or recon report")


@app.command("ad")
def ad(
    ctx: typer.Context,
    source: list[str] | None = _SOURCE,
    accept_rows: list[str] | None = _ACCEPT_ROWS,
    accept_fill: list[str] | None = _ACCEPT_FILL,
    full: bool = _FULL,
    no_refresh: bool = _NO_REFRESH,
    output: Format = FORMAT_OPTION,
) -> None:
    """Load users, groups with members, computers and contacts from Active Directory or an LDIF export."""
    results = load_kinds(ctx, ("ad",), tuple(source or ()), accept_rows=accept_rows, accept_fill=accept_fill, full=full)
    _finish(ctx, results, output, refresh=not no_refresh)


@app.command("entra")
def entra(
    ctx: typer.Context,
    source: list[str] | None = _SOURCE,
    save: Path | None = typer.Option(
        None, "--save", metavar="FOLDER", help="Also write users, groups and members as NDJSON."
    ),
    accept_rows: list[str] | None = _ACCEPT_ROWS,
    accept_fill: list[str] | None = _ACCEPT_FILL,
    full: bool = _FULL,
    no_refresh: bool = _NO_REFRESH,
    output: Format = FORMAT_OPTION,
) -> None:
    """Load users, groups and members from Microsoft Graph or NDJSON files."""
    results = load_kinds(
        ctx, ("entra",), tuple(source or ()), accept_rows=accept_rows, accept_fill=accept_fill, save=save, full=full
    )
    _finish(ctx, results, output, refresh=not no_refresh)


@app.command("workers")
def workers(
    ctx: typer.Context,
    source: list[str] | None = _SOURCE,
    accept_rows: list[str] | None = _ACCEPT_ROWS,
    accept_fill: list[str] | None = _ACCEPT_FILL,
    no_refresh: bool = _NO_REFRESH,
    output: Format = FORMAT_OPTION,
) -> None:
    """Load workers from the HR extract: a CSV file or a Workday report (RaaS)."""
    results = load_kinds(ctx, ("workers",), tuple(source or ()), accept_rows=accept_rows, accept_fill=accept_fill)
    _finish(ctx, results, output, refresh=not no_refresh)


@app.command("mim")
def mim(
    ctx: typer.Context,
    source: list[str] | None = _SOURCE,
    accept_rows: list[str] | None = _ACCEPT_ROWS,
    no_refresh: bool = _NO_REFRESH,
    output: Format = FORMAT_OPTION,
) -> None:
    """Load role groups and run history of a synchronization service (MIM, FIM, Entra Connect) from its database.

    Reads five columns of mms_server_configuration and the run history, nothing else: that row holds key material too.
    """
    results = load_kinds(ctx, ("mim",), tuple(source or ()), accept_rows=accept_rows)
    _finish(ctx, results, output, refresh=not no_refresh)
    say("the groups: recon sql run mim_groups")
