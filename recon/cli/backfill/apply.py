"""`recon backfill apply`: show what a plan would do now; with --commit, do it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from recon.cli.backfill.named import NAMED_PLAN, load, note_ledger, say_plan
from recon.cli.console import FORMAT_OPTION, Format, counter, emit, say

if TYPE_CHECKING:
    from recon.backfill.pacing import Waiting
    from recon.backfill.plan import Plan
    from recon.backfill.result import Result
    from recon.config import Config

_ALLOW = typer.Option(
    None, "--allow-items", metavar="N", help="Go over the thresholds once; N is the plan's number of items."
)
_REPLACE = typer.Option(
    None, "--allow-replace", metavar="N", help="Mode replace: N is the number of values that are not ours and go away."
)


class Via(StrEnum):
    """Ways of writing beside PATCH."""

    bulk_upload = "bulk-upload"


VIA_OPTION = typer.Option(
    None, "--via", help="Write by bulk upload to the provisioning job of [bulk_upload]: for plans of fills alone."
)


class Canary(StrEnum):
    """What follows the canary."""

    stop = "stop"
    go = "go"


@contextmanager
def stopped_by_signals(waiting: "Waiting") -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) lets what is in flight end; the second is as usual."""

    def stop(number: int, _frame: object) -> None:
        waiting.stop()
        signal.signal(number, before[signal.Signals(number)])
        say("stopping: what is in flight ends first")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _allowed(allow_items: int | None, allow_replace: int | None) -> str:
    """The overrides as they are typed."""
    items = "" if allow_items is None else f" --allow-items {allow_items}"
    return items if allow_replace is None else f"{items} --allow-replace {allow_replace}"


def _dry_run(
    config: "Config",
    shown: "Plan",
    *,
    offline: bool,
    allow_items: int | None,
    allow_replace: int | None,
    via: str,
    output: Format,
) -> None:
    from recon.backfill.campaign import check, preview_plan
    from recon.backfill.ways import option

    columns = ("decision", "items")
    if offline:
        check(config, shown, allow_items=allow_items, allow_replace=allow_replace)
        emit(columns, [("in the plan", shown.item_count)], output)
    else:
        counts: dict[str, int] = {"would be written": 0}
        with counter("re-reading") as count:
            for _, skip in preview_plan(config, shown, allow_items=allow_items, allow_replace=allow_replace, via=via):
                decision = "would be written" if skip is None else f"skipped: {skip.reason}"
                counts[decision] = counts.get(decision, 0) + 1
                count.advance(1)
        emit(columns, counts.items(), output)
    say("nothing was written")
    say(f"next: recon backfill apply {shown.short} --commit{_allowed(allow_items, allow_replace)}{option(via)}")


def apply(
    ctx: typer.Context,
    name: str = NAMED_PLAN,
    commit: bool = typer.Option(False, "--commit", help="Write. Without it, only show what would be written."),
    allow_items: int | None = _ALLOW,
    allow_replace: int | None = _REPLACE,
    after_canary: Canary | None = typer.Option(
        None, "--after-canary", help="Once the canary is written: stop for a look, or go on; default as configured."
    ),
    until: str | None = typer.Option(
        None, "--until", metavar="'HH:MM ZONE'", help="Begin nothing after this time, such as '06:00 Europe/Zurich'."
    ),
    offline: bool = typer.Option(False, "--offline", help="Without --commit: do not re-read the users either."),
    via: Via | None = VIA_OPTION,
    output: Format = FORMAT_OPTION,
) -> None:
    """Carry a plan out; called again it goes on where it stopped."""
    from recon.backfill.journal import PATCH
    from recon.backfill.ways import option, window_words
    from recon.backfill.window import window_end

    way = PATCH if via is None else via.value

    end = None if until is None else window_end(until, datetime.now(UTC))
    config, chosen = load(ctx, name)
    if not commit:
        _dry_run(
            config,
            chosen,
            offline=offline,
            allow_items=allow_items,
            allow_replace=allow_replace,
            via=way,
            output=output,
        )
        return
    from recon.backfill.campaign import Choices, apply_plan
    from recon.backfill.pacing import Waiting

    waiting = Waiting()
    say_plan(chosen)
    if end is not None:
        say(f"nothing begins after {until}, which is {end:%Y-%m-%d %H:%M} UTC")
    choices = Choices(allow_items, after_canary.value if after_canary else None, end, allow_replace, way)
    with stopped_by_signals(waiting), counter("writing") as count:
        try:
            result = apply_plan(config, chosen, choices, waiting=waiting, advance=count.advance)
        finally:
            if chosen.journal_file.exists():
                note_ledger(config, chosen)
    rows = [("done", "", result.counts["done"])]
    rows += [("not written", reason, number) for reason, number in sorted(result.reasons.items())]
    emit(("outcome", "reason", "items"), [*rows, ("left", "", result.left)], output)
    _conclude(chosen, result, f"{_allowed(allow_items, allow_replace)}{option(way)}", window_words(way))


def _conclude(chosen: "Plan", result: "Result", allowed: str, words: str) -> None:
    """Say what happened and what comes next; end with the exit code that fits."""
    from recon.errors import PartialError, PlanError

    if result.window_text is not None:
        say(f"{words}: {result.window_text}")
    again = f"recon backfill apply {chosen.short} --commit{allowed}"
    if result.is_interrupted:
        say(f"interrupted: {result.left} items are left; {again} goes on from there")
        raise typer.Exit(130)
    if result.stopped is not None:
        raise PlanError(
            f"stopped: {result.stopped}; {result.left} items are left", hint=f"find the cause; {again} goes on"
        )
    if result.is_look:
        say(f"the canary is written, {result.left} items are left: look, then {again} goes on")
    elif result.is_window_over:
        say(f"the window is over: {result.left} items are left; {again} goes on in the next one")
    elif result.is_allowance_over:
        raise PartialError(
            f"the tenant's bulk uploads of 24 hours are used up: {result.left} items are left",
            hint=f"{again} goes on with them as the hours pass",
        )
    elif result.left:
        raise PartialError(f"{result.left} items got no answer that decides", hint=f"{again} goes on with them")
    if result.troubles:
        raise PartialError(
            f"{result.troubles} items were refused or failed", hint=f"recon backfill status {chosen.short} counts them"
        )
    if result.left:
        return
    if not result.counts:
        say("the plan was carried out before: nothing was left to write")
    say(f"next: recon backfill verify {chosen.short}; recon backfill undo {chosen.short} takes it back")
