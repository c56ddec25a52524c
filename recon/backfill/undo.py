"""The way back: a plan made from a journal, which restores what stood there before, where our value still stands.

An undo is a plan like any other: shown, applied, journaled, and undone in its turn.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from recon import __version__
from recon.backfill.approval import operating_system_user
from recon.backfill.items import Item, Reason
from recon.backfill.journal import DONE, Written, read_entries, read_written
from recon.backfill.plan import JOURNAL_FILE, Plan, freeze, plan_folders, read_header
from recon.backfill.verify import CONSISTENT, DELETED, DRIFTED, UNREADABLE
from recon.errors import PlanError

UNDO_REASONS = {
    "not_written": "The plan did not write this item: there is nothing to take back.",
    "in_doubt": "A write was sent and its outcome is not known: apply the plan again first.",
    "value_changed": "What we wrote is no longer there: somebody changed it, and it stays as it is.",
    "deleted": "The user is gone.",
    "cannot_be_cleared": "Nothing stood there before, and Graph does not take an empty usageLocation.",
    "taken_back": "An earlier undo took it back: what stands there now is not this plan's.",
    "unreadable": "The user could not be read: make the undo again later.",
}
Key = tuple[str, str]  # object id, attribute
_LOST = {DRIFTED: "value_changed", DELETED: "deleted", UNREADABLE: "unreadable"}


def taken_back(plans: Path, undone: str) -> frozenset[Key]:
    """What undos of the plan with this hash took back, less what undos of theirs have written again."""
    found: set[Key] = set()
    for folder in plan_folders(plans):
        if read_header(folder).get("undoes") == undone:
            found |= _written_keys(folder / JOURNAL_FILE) - taken_back(plans, folder.name)
    return frozenset(found)


def _written_keys(path: Path) -> set[Key]:
    intents: dict[int, Key] = {}
    done: set[Key] = set()
    for entry in read_entries(path):
        if entry["type"] == "intent":
            intents[entry["item"]] = entry["object_id"], entry["attribute"]
        elif entry["type"] == "outcome" and entry["outcome"] == DONE and entry["item"] in intents:
            done.add(intents[entry["item"]])
    return done


def _outcomes(
    plan: Plan,
    done: Mapping[int, Written],
    doubtful: set[int],
    fresh: Mapping[int, str] | None,
    taken: frozenset[Key],
) -> Iterator[Item | Reason]:
    for number, item in enumerate(plan.items()):
        found = CONSISTENT if fresh is None else fresh.get(number, UNREADABLE)
        is_taken = (item.object_id, item.attribute) in taken
        stays = number in done and item.attribute == "usageLocation" and not done[number].before
        if number in done and found == CONSISTENT and not is_taken and not stays:
            yield Item(
                object_id=item.object_id,
                upn=item.upn,
                worker_source=item.worker_source,
                worker_id=item.worker_id,
                employee_id=item.employee_id,
                attribute=item.attribute,
                before=done[number].after,
                after=done[number].before,
                rule=f"undo of {plan.short}",
                may_be_disabled=True,
                evidence=item.evidence,
                mode="undo",
            )
            continue
        if number in done:
            code = "taken_back" if is_taken else _LOST.get(found, "cannot_be_cleared")
        else:
            code = "in_doubt" if number in doubtful else "not_written"
        yield Reason(
            code,
            UNDO_REASONS[code],
            item.worker_source,
            item.worker_id,
            item.employee_id,
            item.object_id,
            item.upn,
            item.attribute,
        )


def make_undo(
    plans: Path, plan: Plan, *, created_at: str, expires_at: str, fresh: Mapping[int, str] | None = None
) -> Plan:
    """Freeze a plan that takes back what `plan` wrote. Raises PlanError when it wrote nothing.

    `fresh`: by item number, whether what was written still stands (recon.backfill.verify); without it that is left
    to the re-read before each write. An address that became an Authentication Email when the person registered for
    self-service password reset is a value of its own: no undo of otherMails takes it back.
    """
    done, doubtful = read_written(plan.journal_file)
    if not done:
        raise PlanError(f"plan {plan.short} has written nothing: there is nothing to take back")
    kept = ("tenant_id", "entra_source", "scope", "attribute", "mappings", "sources", "write_share")
    header = {
        **{name: plan.header[name] for name in kept},
        "planner": operating_system_user(),
        "approval": plan.header.get("approval", {}),
        "kind": "undo",
        "undoes": plan.hash,
        "tool_version": __version__,
        "created_at": created_at,
        "expires_at": expires_at,
        "thresholds": {"max_items": plan.header["thresholds"]["max_items"], "max_share": None},
        "out_of_scope": 0,
    }
    return freeze(plans, header, _outcomes(plan, done, doubtful, fresh, taken_back(plans, plan.hash)))
