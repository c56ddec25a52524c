"""Two ways lead to a user: our own PATCH, and the bulk upload of a provisioning job. Never both at once.

A plan is carried out to its end in the way in which it began. What went by bulk upload may be applied long after its
answer, so that nothing else touches these users until its outcome is known.
"""

from pathlib import Path

from recon.backfill.journal import BULK_UPLOAD, JournalState, read_entries, read_journal
from recon.backfill.plan import JOURNAL_FILE, Plan, plan_folders
from recon.errors import PlanError

WAYS = (BULK_UPLOAD,)  # beside PATCH, which is the usual one


def window_words(way: str | None) -> str:
    """What lies between the two ends of the window that is measured: nothing protects the user in between."""
    if way == BULK_UPLOAD:
        return "between sending a re-read and knowing the outcome from the provisioning log (202 is not done)"
    return "between sending a re-read and the answer to its write"


def doubt_words(way: str | None) -> str:
    """What is known of an item in doubt."""
    return "uploaded, no outcome known" if way == BULK_UPLOAD else "sent, no answer known"


def option(way: str) -> str:
    """The way as it is typed behind apply or run; '' for the usual one."""
    return f" --via {way}" if way in WAYS else ""


def check_way(plans: Path, plan: Plan, state: JournalState, way: str) -> None:
    """Raise PlanError when the plan was begun in the other way, or another plan's upload is open on its users."""
    left = plan.item_count - len(state.outcomes)
    if state.way not in (None, way) and left:
        raise PlanError(
            f"plan {plan.short} was begun by {state.way} and {left} of its items are open: it goes on in that way",
            hint=f"recon backfill apply {plan.short} --commit{option(str(state.way))} goes on with them",
        )
    for folder in plan_folders(plans):
        if folder.name != plan.hash and (shared := _open_uploads(folder / JOURNAL_FILE, plan)):
            raise PlanError(
                f"{shared} people of plan {plan.short} have an upload of plan {folder.name[:12]} whose outcome is open",
                hint=f"recon backfill apply {folder.name[:12]} --commit --via {BULK_UPLOAD} waits for it",
            )


def _open_uploads(path: Path, plan: Plan) -> int:
    """How many of the plan's users have an upload without an outcome in this journal."""
    first = next(read_entries(path), None)
    if first is None or first.get("way") != BULK_UPLOAD or first.get("tenant", "").lower() != plan.tenant_id.lower():
        return 0
    users = {str(intent["object_id"]).lower() for intent in read_journal(path).intents.values()}
    return len(users & {item.object_id.lower() for item in plan.items()}) if users else 0
