"""`recon sql`: the catalogue of SELECTs, the install scripts, and the named queries."""

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format

if TYPE_CHECKING:
    from recon.catalog import Catalog

app = typer.Typer(help="The SQL that recon runs: list, show, run, install.", no_args_is_help=True)

_NAME = typer.Argument(help="Name of a statement (recon sql list).")


@app.command("list")
def list_statements(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """List the views, matches, findings and queries."""
    from recon.cli.console import emit
    from recon.cli.findings import say_broken

    catalog = _catalog(ctx)
    rows = [
        (each.layer, each.name, each.severity, "own" if each.is_own else "", each.title) for each in catalog.statements
    ]
    emit(("layer", "name", "severity", "origin", "title"), rows, output)
    say_broken(catalog.broken)


@app.command("show")
def show(
    ctx: typer.Context,
    name: str = _NAME,
    engine: str = typer.Option("sqlite", "--engine", help="sqlite, postgresql or mssql."),
) -> None:
    """Print the SELECT of one statement; its header goes to stderr."""
    from recon.cli.console import say

    statement = _catalog(ctx).statement(name)
    _engine(engine)
    say(f"{statement.title}: {statement.meaning}")
    for parameter in statement.parameters:
        say(f"--param {parameter.name}=… ({parameter.type}) {parameter.note}")
    typer.echo(statement.sql(engine))


@app.command("run")
def run(
    ctx: typer.Context,
    name: str = _NAME,
    param: list[str] = typer.Option([], "--param", "-p", help="name=value, once for each parameter."),
    limit: int | None = typer.Option(None, "--limit", min=1, help="At most so many rows."),
    unmask: bool = typer.Option(False, "--unmask", help="Let a finding show personal values in full."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Run one statement of the catalogue and print its rows."""
    from recon.cli.console import emit, state
    from recon.errors import UsageError
    from recon.queries import query

    statement = _catalog(ctx).statement(name)
    if statement.layer == "match":
        raise UsageError(f"{name} fills a table", hint=f"recon refresh runs it; recon sql show {name} prints it")
    given = {}
    for pair in param:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--param {pair}: not name=value")
        given[key] = value
    with state(ctx).store() as store:
        answer = query(store, statement, given, unmask=unmask)
        emit(answer.columns, islice(answer.rows, limit), output)


@app.command("script")
def script(
    ctx: typer.Context, engine: str = typer.Option(..., "--engine", help="sqlite, postgresql or mssql.")
) -> None:
    """Print the install script of one engine: tables, indexes, views, grants; the site's own findings included."""
    from recon.cli.findings import say_broken
    from recon.deploy import script as install_script

    _engine(engine)
    catalog = _catalog(ctx)
    typer.echo(install_script(engine, catalog), nl=False)
    say_broken(catalog.broken)


@app.command("install")
def install(ctx: typer.Context) -> None:
    """Make tables and views in the database of the configuration; what is there stays."""
    from recon.cli.console import say, state
    from recon.cli.findings import say_broken
    from recon.deploy import install as install_views
    from recon.queries import prepare

    with state(ctx).store(create=True) as store:
        catalog = prepare(store, _catalog(ctx))
        views = install_views(store, catalog)
    say(f"{views} views installed")
    say_broken(catalog.broken)


@app.command("check")
def check(ctx: typer.Context) -> None:
    """Read every file of the catalogue and let the database prepare it; exit 2 when one is broken."""
    from recon.cli.console import say, state
    from recon.cli.findings import say_broken
    from recon.queries import prepare

    with state(ctx).store() as store:
        catalog = prepare(store, _catalog(ctx))
    say_broken(catalog.broken)
    say(f"{len(catalog.statements)} statements hold, {len(catalog.broken)} refused")
    if catalog.broken:
        raise typer.Exit(catalog.broken[0].exit_code)


def _catalog(ctx: typer.Context) -> "Catalog":
    """The catalogue of the configuration; the shipped one where there is none."""
    from recon.catalog import read_catalog
    from recon.cli.console import state
    from recon.cli.findings import catalog_of
    from recon.config import DEFAULT_FILE

    options = state(ctx)
    if options.config_path is None and "RECON_CONFIG" not in os.environ and not Path(DEFAULT_FILE).exists():
        return read_catalog()
    return catalog_of(options.config())


def _engine(engine: str) -> None:
    from recon.catalog import ENGINES
    from recon.errors import UsageError

    if engine not in ENGINES:
        raise UsageError(f"unknown engine {engine}", hint=f"one of {', '.join(ENGINES)}")
