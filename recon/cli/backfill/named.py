"""What the verbs of `recon backfill` share: the plan argument, a plan's counts and its line of talk."""

from typing import TYPE_CHECKING

import typer

from recon.cli.console import say, state

if TYPE_CHECKING:
    from recon.backfill.plan import Plan
    from recon.config import Config

PLAN = typer.Argument("latest", metavar="PLAN", help="First characters of the plan's hash, or latest.")
NAMED_PLAN = typer.Argument(..., metavar="PLAN", help="First characters of the plan's hash, or latest.")


def load(ctx: typer.Context, name: str) -> "tuple[Config, Plan]":
    """The configuration and the plan of that name, its hash verified."""
    from recon.backfill.build import plans_folder
    from recon.backfill.plan import load_plan

    config = state(ctx).config()
    return config, load_plan(plans_folder(config), name)


def counts(plan: "Plan") -> list[tuple[str, int]]:
    """Everyone in scope by outcome: items, reasons, and their sum; of each attribute, where there are several."""
    rows: list[tuple[str, int]] = []
    for attribute, found in plan.header["by_attribute"].items():
        label = f"{attribute}: " if len(plan.attributes) > 1 else ""
        rows.append((f"{label}item", found.get("item", 0)))
        reasons = ((code, count) for code, count in found.items() if code != "item")
        rows += [(f"{label}{code}", count) for code, count in sorted(reasons, key=lambda pair: (-pair[1], pair[0]))]
    return [*rows, ("in scope", plan.scope_count), ("out of scope", int(plan.header["out_of_scope"]))]


def say_plan(plan: "Plan") -> None:
    """Say which plan it is, how its scope adds up, how long it holds, what is doubtful about its loads."""
    say(f"plan {plan.hash}")
    sums = [
        f"{name}: {found.get('item', 0)} to write + {sum(found.values()) - found.get('item', 0)} with a reason = "
        f"{sum(found.values())} in scope"
        for name, found in plan.header["by_attribute"].items()
    ]
    say(f"{'; '.join(sums)}; in tenant {plan.tenant_id}; good until {plan.header['expires_at'][:16]} UTC")
    for doubt in plan.header.get("doubts", ()):
        say(f"warning: {doubt}")


def note_ledger(config: "Config", plan: "Plan") -> None:
    """Bring the store's tables up to the journal; a store that is busy or away is said, and stops nothing."""
    from recon.backfill.campaign import refresh_ledger

    trouble = refresh_ledger(config, plan)
    if trouble is not None:
        say(f"backfill_item could not be brought up to date ({trouble}); recon backfill status {plan.short} --rebuild")
