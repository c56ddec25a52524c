"""`recon sql`: the catalogue of SELECTs, the install scripts, and the named queries."""

import os
import re
from enum import StrEnum
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
    file: Path | None = typer.Option(
        None, "--output", "-o", metavar="FILE.xlsx", help="Write a workbook instead of printing."
    ),
) -> None:
    """Run one statement of the catalogue and print its rows, or write them to a workbook."""
    from recon.cli.console import emit, say, state
    from recon.errors import UsageError
    from recon.queries import query

    if file is not None and file.suffix.lower() != ".xlsx":
        raise UsageError(f"--output {file}: only .xlsx is written", hint="print CSV or JSON with --format")
    statement = _catalog(ctx).statement(name)
    if statement.layer == "match":
        raise UsageError(f"{name} fills a table", hint=f"recon refresh runs it; recon sql show {name} prints it")
    given = {}
    for pair in param:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--param {pair}: not name=value")
        if key in given:
            raise UsageError(f"--param {key} is given twice")
        given[key] = value
    with state(ctx).store() as store:
        answer = query(store, statement, given, unmask=unmask)
        for note in answer.notes:
            say(f"note: {note}")
        if file is None:
            emit(answer.columns, islice(answer.rows, limit), output)
            return
        from recon.report.sheets import write_rows_xlsx

        rows = write_rows_xlsx(answer.columns, islice(answer.rows, limit), file)
        say(f"{rows} rows written to {file}")


class Script(StrEnum):
    """What `recon sql script` can print."""

    install = "install"
    linked_server = "linked-server"


@app.command("script")
def script(
    ctx: typer.Context,
    what: Script = typer.Argument(
        Script.install,
        help="install: everything a database needs; linked-server: read AD from SQL Server without recon.",
    ),
    engine: str | None = typer.Option(None, "--engine", help="sqlite, postgresql or mssql; for install."),
    schema: str | None = typer.Option(None, "--schema", help="Make everything in this schema; default: see config."),
    create_roles: bool = typer.Option(False, "--create-roles", help="Also make the four roles where they are missing."),
    dictionary: bool = typer.Option(
        True, "--with-data-dictionary/--without-data-dictionary", help="Fill dictionary_table and dictionary_column."
    ),
) -> None:
    """Print a script: tables, indexes, views, dictionary and grants of one engine, the site's own findings included."""
    from recon.catalog import data_folder
    from recon.cli.findings import say_broken
    from recon.deploy import script as install_script
    from recon.deploy import unfit
    from recon.errors import UsageError

    if what is Script.linked_server:
        typer.echo((data_folder("sql") / "linked-server" / "linked-server.sql").read_text(encoding="utf-8"), nl=False)
        return
    if engine is None:
        raise UsageError("--engine is missing", hint="--engine sqlite, postgresql or mssql")
    _engine(engine)
    if schema is not None and not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
        raise UsageError(f"--schema {schema}: lower-case letters, digits and _ alone")
    if create_roles and engine == "sqlite":
        raise UsageError("SQLite has no roles", hint="leave --create-roles away")
    catalog = _catalog(ctx)
    catalog = catalog.without(unfit(engine, catalog))
    text = install_script(engine, catalog, with_dictionary=dictionary, schema=schema, create_roles=create_roles)
    typer.echo(text, nl=False)
    say_broken(catalog.broken)


@app.command("install")
def install(
    ctx: typer.Context,
    create_roles: bool = typer.Option(False, "--create-roles", help="Also make the four roles where they are missing."),
) -> None:
    """Make schema, tables, views and dictionary in the database of the configuration; data stays.

    Needs the right to create tables and views in the schema; says what is missing.
    """
    from recon.cli.console import say, state
    from recon.cli.findings import say_broken
    from recon.deploy import ROLES, refused
    from recon.deploy import install as install_views
    from recon.server_checks import check_server

    with state(ctx).store(create=True) as store:
        for defect in check_server(store):
            say(f"note: {defect.what}; {defect.fix}")
        catalog = _catalog(ctx)
        catalog = catalog.without(refused(store, (each for each in catalog.findings if each.is_own)))
        views = install_views(store, catalog, create_roles=create_roles)
        is_server = store.dialect != "sqlite"
    say(f"{views} views installed")
    if create_roles:
        say(f"roles: {', '.join(ROLES)}; next: grant them to your users" if is_server else "note: SQLite has no roles")
    say_broken(catalog.broken)


@app.command("check")
def check(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """Hold the database against this version: server, tables, columns, views, and every file of the catalogue.

    Exit 2 when a file of the site's own is broken, 1 when the database differs from what recon sql install would make.
    """
    from recon.cli.console import emit, say, state
    from recon.cli.findings import say_broken
    from recon.drift import find_drift
    from recon.queries import prepare
    from recon.server_checks import find_defects

    with state(ctx).store() as store:
        defects = find_defects(store)
        whole = _catalog(ctx, is_judged=True)
        catalog = prepare(store, whole)
        drift = find_drift(store, catalog)
    for defect in defects:
        is_error = defect.is_fatal and not defect.is_right
        say(f"{'error' if is_error else 'note'}: {defect.what}; {defect.fix}")
    if drift or output is not Format.table:
        emit(("kind", "name", "state"), [(each.kind, each.name, each.state) for each in drift], output)
    say_broken(catalog.broken)
    say(f"{len(catalog.statements)} statements hold, {len(catalog.broken)} refused; {len(drift)} differences")
    kept = {each.name for each in catalog.statements}
    if whole.broken or any(each.is_own and each.name not in kept for each in whole.statements):
        raise typer.Exit(2)
    if drift or catalog.broken or any(defect.is_fatal and not defect.is_right for defect in defects):
        say("next: recon sql install")
        raise typer.Exit(1)


def _catalog(ctx: typer.Context, *, is_judged: bool = False) -> "Catalog":
    """The catalogue of the configuration; the shipped one where there is none. `is_judged`: see read_catalog."""
    from recon.catalog import read_catalog
    from recon.cli.console import state
    from recon.cli.findings import catalog_of
    from recon.config import DEFAULT_FILE

    options = state(ctx)
    if options.config_path is None and "RECON_CONFIG" not in os.environ and not Path(DEFAULT_FILE).exists():
        return read_catalog(is_judged=is_judged)
    return catalog_of(options.config(), is_judged=is_judged)


def _engine(engine: str) -> None:
    from recon.catalog import ENGINES
    from recon.errors import UsageError

    if engine not in ENGINES:
        raise UsageError(f"unknown engine {engine}", hint=f"one of {', '.join(ENGINES)}")
