"""`recon backfill status | undo`: what became of a plan, and the way back."""

from collections import Counter

import typer

from recon.cli.backfill.named import NAMED_PLAN, counts, load, say_plan
from recon.cli.console import FORMAT_OPTION, Format, emit, say, state

_LISTED = 50  # people named one by one
_LOST = ("value_changed", "deleted", "unreadable", "cannot_be_cleared")  # of what was written


def status(
    ctx: typer.Context,
    name: str | None = typer.Argument(None, metavar="[PLAN]", help="A plan; without one, all of them."),
    rebuild: bool = typer.Option(
        False, "--rebuild", help="Make the tables backfill_plan and backfill_item anew from the journals."
    ),
    output: Format = FORMAT_OPTION,
) -> None:
    """Count a plan's items by outcome, or list all plans."""
    from recon.backfill.journal import read_journal
    from recon.backfill.result import window_text
    from recon.backfill.ways import doubt_words, option, window_words

    if rebuild:
        _rebuild(ctx, name)
    if name is None:
        _list_plans(ctx, output)
        return
    _, chosen = load(ctx, name)
    journal = read_journal(chosen.journal_file)
    rows = [(outcome, reason, count) for (outcome, reason), count in sorted(journal.reasons.items())]
    left = chosen.item_count - len(journal.outcomes)
    if journal.intents:
        rows.append(("in doubt", doubt_words(journal.way), len(journal.intents)))
    rows.append(("open", "", left - len(journal.intents)))
    verdicts = Counter(journal.verified.values())
    rows += [("verified", verdict, count) for verdict, count in sorted(verdicts.items())]
    emit(("outcome", "reason", "items"), rows, output)
    say_plan(chosen)
    window = window_text(journal.windows_ms)
    if window is not None:
        say(f"{window_words(journal.way)}, where nothing protects: {window}")
    if journal.torn:
        say("the journal's last line is torn: a run was cut off while it wrote; the next apply goes on before it")
    if left:
        say(f"next: recon backfill apply {chosen.short} --commit{option(journal.way or '')}")
    else:
        say(f"complete; recon backfill undo {chosen.short} takes it back")


def _rebuild(ctx: typer.Context, name: str | None) -> None:
    from recon.backfill.build import plans_folder
    from recon.backfill.ledger import derive
    from recon.backfill.plan import load_plan, plan_folders

    plans = plans_folder(state(ctx).config())
    names = [name] if name is not None else [folder.name for folder in plan_folders(plans)]
    with state(ctx).store() as store:
        items = sum(derive(store, load_plan(plans, each)) for each in names)
    say(f"{items} rows of backfill_item made anew")


def _list_plans(ctx: typer.Context, output: Format) -> None:
    from recon.backfill.build import plans_folder
    from recon.backfill.journal import read_journal
    from recon.backfill.plan import load_plan, plan_folders

    plans = plans_folder(state(ctx).config())
    rows = []
    for folder in plan_folders(plans):
        found = load_plan(plans, folder.name)
        journal = read_journal(found.journal_file)
        done = sum(outcome == "done" for outcome in journal.outcomes.values())
        rows.append(
            (
                found.short,
                found.header["created_at"][:19],
                found.header["kind"],
                found.header["attribute"],
                found.header["scope"]["name"],
                found.item_count,
                done,
                found.item_count - len(journal.outcomes),
            )
        )
    rows.sort(key=lambda row: row[1])
    emit(("plan", "created_at", "kind", "attribute", "scope", "items", "done", "open"), rows, output)
    say("next: recon backfill show PLAN" if rows else "next: recon backfill plan")


def undo(
    ctx: typer.Context,
    name: str = NAMED_PLAN,
    offline: bool = typer.Option(False, "--offline", help="Do not read the users now: apply decides."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Make a plan that takes back what a plan wrote, where it still stands. Nothing is sent."""
    from recon.backfill.campaign import registered_of, undo_plan

    config, chosen = load(ctx, name)
    made = undo_plan(config, chosen, is_offline=offline)
    emit(("outcome", "people"), counts(made), output)
    say_plan(made)
    lost = sum(made.header["reasons"].get(code, 0) for code in _LOST)
    if lost:
        say(f"{lost} cannot be taken back: recon backfill show {made.short} --reasons lists them")
    registered = registered_of(config, made)
    if registered is None:
        say("whether an address became an Authentication Email is not known: registration details are not loaded")
    elif registered:
        say(f"{len(registered)} have registered an Authentication Email, which no undo of otherMails takes back:")
        for item in registered[:_LISTED]:
            say(f"  {item.upn} ({item.worker_id})")
        if len(registered) > _LISTED:
            say(f"  and {len(registered) - _LISTED} more")
    say(f"next: recon backfill show {made.short}, then recon backfill apply {made.short} --commit")
