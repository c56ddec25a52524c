"""`recon groups deleted | lint | critical`: the recycle bin, and the list of groups whose loss would hurt."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format, Severity, emit, say, state

if TYPE_CHECKING:
    from recon.store import Store
    from recon.store.critical_groups import CriticalGroup

app = typer.Typer(help="Deleted groups, and the list of groups whose loss would hurt.", no_args_is_help=True)
critical = typer.Typer(help="The list of critical groups (table critical_group).", no_args_is_help=True)
app.add_typer(critical, name="critical")

_AT_OR_ABOVE = 3  # the exit code
_GROUP = typer.Argument(metavar="GROUP", help="Object id, or the name of exactly one loaded group.")


def _answer(ctx: typer.Context, store: "Store", name: str) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Columns and rows of a named query about groups that are loaded and refreshed."""
    from recon.cli.findings import catalog_of
    from recon.queries import query
    from recon.store.critical_groups import check_loaded

    with store.read() as connection:
        check_loaded(connection)
    found = query(store, catalog_of(state(ctx).config()).statement(name, "queries"), {})
    return found.columns, list(found.rows)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


@app.command("deleted")
def deleted(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """List deleted groups: kind, days left, restorable or not, name taken again; critical ones first."""
    with state(ctx).store() as store:
        columns, rows = _answer(ctx, store, "deleted_groups")
    emit(columns, rows, output)
    restorable = columns.index("is_restorable")
    say(
        f"{_counted(len(rows), 'deleted group')}: {sum(row[restorable] == 1 for row in rows):,} can be restored, "
        f"{sum(row[columns.index('is_critical')] == 1 for row in rows):,} critical; days count from the last refresh"
    )


@app.command("lint")
def lint(
    ctx: typer.Context,
    fail_on: Severity = typer.Option(
        Severity.low, "--fail-on", help="Exit 3 when a problem of this severity or a worse one was found."
    ),
    output: Format = FORMAT_OPTION,
) -> None:
    """Check the list of critical groups: unknown ids, deleted, not kept by a deletion, nobody named; 3 on problems."""
    from recon.store.critical_groups import listed

    with state(ctx).store() as store:
        with store.read() as connection:
            number = len(listed(connection))
        columns, rows = _answer(ctx, store, "critical_group_check")
    emit(columns, rows, output)
    if not number:
        say("no group is listed as critical: recon groups critical add GROUP")
    else:
        wrong = len({row[columns.index("id")] for row in rows})
        say(f"{_counted(number, 'critical group')}, {wrong:,} with {_counted(len(rows), 'problem')}")
    order = list(Severity)
    if any(order.index(Severity(str(row[0]))) <= order.index(fail_on) for row in rows):
        raise typer.Exit(_AT_OR_ABOVE)


@critical.command("list")
def list_critical(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """List the critical groups."""
    from recon.store.critical_groups import listed

    with state(ctx).store() as store, store.read() as connection:
        _print(listed(connection), output)


def _print(groups: "Iterable[CriticalGroup]", output: Format) -> None:
    emit(("id", "owner", "contact", "note"), ((one.id, one.owner, one.contact, one.note) for one in groups), output)


@critical.command("add")
def add(
    ctx: typer.Context,
    group: str = _GROUP,
    owner: str | None = typer.Option(None, "--owner", help="Who answers for the group."),
    contact: str | None = typer.Option(None, "--contact", help="Whom to call, by mail or telephone."),
    note: str | None = typer.Option(None, "--note", help="What depends on the group."),
) -> None:
    """Put a group on the list, in place of the row that it had."""
    from recon.store.critical_groups import CriticalGroup, checked, find_group, put

    given = (("--owner", owner), ("--contact", contact), ("--note", note))
    values = [checked("recon groups critical add", name, value) for name, value in given]
    with state(ctx).store() as store, store.write() as connection:
        key = find_group(connection, group)
        put(connection, [CriticalGroup(key, *values)])
    say(f"{key} is listed as critical; recon groups lint checks the list")


@critical.command("remove")
def remove(ctx: typer.Context, group: str = _GROUP) -> None:
    """Take a group off the list."""
    from recon.store.critical_groups import find_group, take_off

    with state(ctx).store() as store, store.write() as connection:
        key = find_group(connection, group)
        take_off(connection, key)
    say(f"{key} is listed no more")


@critical.command("import")
def import_critical(
    ctx: typer.Context, file: Path = typer.Argument(help="CSV in UTF-8 with the header id, owner, contact, note.")
) -> None:
    """Put the groups of a CSV file on the list, all or none; what is listed besides stays."""
    from recon.store.critical_groups import put, read_csv

    groups = list(read_csv(file))
    with state(ctx).store() as store, store.write() as connection:
        put(connection, groups)
    say(f"{_counted(len(groups), 'group')} listed as critical from {file}; recon groups lint checks the list")
