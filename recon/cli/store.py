"""`recon store prune | forget | check`: how long history is kept, who is removed from it, whether the tables hold."""

from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format

if TYPE_CHECKING:
    from recon.store.history import Removed

app = typer.Typer(help="The database itself: what history keeps, and whether the tables hold.", no_args_is_help=True)

_DRY_RUN = typer.Option(False, "--dry-run", help="Say what would be removed; remove nothing.")


def _print_removed(removed: "list[Removed]", output: Format, *, is_dry: bool) -> None:
    from recon.cli.console import emit, say

    emit(("table", "would_remove" if is_dry else "removed"), [(each.table, each.rows) for each in removed], output)
    rows = sum(each.rows for each in removed)
    say(f"{rows:,} rows would be removed" if is_dry else f"{rows:,} rows removed")


@app.command("prune")
def prune(ctx: typer.Context, dry_run: bool = _DRY_RUN, output: Format = FORMAT_OPTION) -> None:
    """Remove the versions that ended more than [load] history_days ago; every load does so for its own source."""
    from recon.cli.console import state
    from recon.decode.times import utc_now_text
    from recon.store.history import cutoff
    from recon.store.history import prune as prune_history

    days = state(ctx).config().load.history_days
    with state(ctx).store() as store, store.write() as connection:
        removed = prune_history(connection, cutoff(utc_now_text(), days), is_dry=dry_run)
    _print_removed(removed, output, is_dry=dry_run)


@app.command("forget")
def forget(
    ctx: typer.Context,
    person: str = typer.Argument(help="Worker id, employee id, UPN, mail address or object id, whole, in any case."),
    source: str | None = typer.Option(
        None, "--source", help="The person has an object of this source that is called so; an object's id comes first."
    ),
    dry_run: bool = _DRY_RUN,
    output: Format = FORMAT_OPTION,
) -> None:
    """Remove a person from history, findings and rejected records; what a source still has stays."""
    from recon.cli.console import say, state
    from recon.pipeline.loads import id_rules
    from recon.store.forget import forget as forget_person

    config = state(ctx).config()
    with state(ctx).store() as store:
        done = forget_person(store, person, id_rules(config), source_name=source, is_dry=dry_run)
    _print_removed(done.removed, output, is_dry=dry_run)
    for each in done.stays:
        say(f"stays: {each.table} {each.key}: the source {each.source} still has it")
    for employee_id in done.not_followed:
        say(f"not followed: many objects of one table carry the employee id {employee_id}")
    if done.planned:
        say(f"stays: {done.planned} rows of backfill_item (plans): they are made from the journals of backfills")
    say("not looked at: plans and journals of backfills, reports and exports that were written to files")


@app.command("check")
def check(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """Make the fingerprint of every loaded table again and hold it against the record of its load."""
    print_check(ctx, output)


def print_check(ctx: typer.Context, output: Format) -> None:
    """Say of each table whether it holds what was loaded, and keep that. Raises StoreError when one does not."""
    from sqlalchemy.exc import SQLAlchemyError

    from recon.cli.console import emit, say, state
    from recon.decode.times import utc_now_text
    from recon.errors import StoreError
    from recon.store.check import check as check_tables
    from recon.store.engine import first_line
    from recon.store.verified import record_checks

    with state(ctx).store() as store:
        found = list(check_tables(store))
        try:
            with store.write() as connection:
                record_checks(connection, found, utc_now_text())
        except SQLAlchemyError as error:
            say(f"warning: what was found is not kept: {first_line(error)}")
    rows = [
        (each.source, each.table, each.run_id, each.rows, each.loaded_rows, "yes" if each.is_intact else "NO")
        for each in found
    ]
    emit(("source", "table", "load", "rows", "loaded", "intact"), rows, output)
    broken = [f"{each.table} of {each.source}" for each in found if not each.is_intact]
    if broken:
        raise StoreError(
            f"not what was loaded: {', '.join(broken)}",
            hint="restore the database, or load that source again: it is read in full, and put right",
        )
