"""The way back: a plan made from a journal, which restores what stood there before, where our value still stands.

An undo is a plan like any other: shown, applied, journaled, and undone in its turn.
"""

from collections.abc import Iterator
from pathlib import Path

from recon import __version__
from recon.backfill.approval import operating_system_user
from recon.backfill.items import Item, Reason, Value
from recon.backfill.journal import DONE, read_entries
from recon.backfill.plan import Plan, freeze
from recon.errors import PlanError

UNDO_REASONS = {
    "not_written": "The plan did not write this item: there is nothing to take back.",
    "in_doubt": "A write was sent and its outcome is not known: apply the plan again first.",
}


def _written(plan: Plan) -> tuple[dict[int, tuple[Value, Value]], set[int]]:
    """Item number to (before image, what we wrote) for what was done; and the numbers in doubt."""
    intents: dict[int, tuple[Value, Value]] = {}
    done: dict[int, tuple[Value, Value]] = {}
    for entry in read_entries(plan.journal_file):
        number = entry.get("item")
        if number is None:
            continue
        if entry["type"] == "intent":
            intents[number] = (tuple(entry["before"]), tuple(entry["after"]))
        elif entry["type"] == "outcome":
            images = intents.pop(number, None)
            if entry["outcome"] == DONE and images is not None:
                done[number] = images
    return done, set(intents)


def _outcomes(plan: Plan, done: dict[int, tuple[Value, Value]], doubtful: set[int]) -> Iterator[Item | Reason]:
    for number, item in enumerate(plan.items()):
        if number in done:
            before_image, ours = done[number]
            yield Item(
                object_id=item.object_id,
                upn=item.upn,
                worker_source=item.worker_source,
                worker_id=item.worker_id,
                employee_id=item.employee_id,
                attribute=item.attribute,
                before=ours,
                after=before_image,
                rule=f"undo of {plan.short}",
                may_be_disabled=True,
                evidence=item.evidence,
                mode="undo",
            )
            continue
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


def make_undo(plans: Path, plan: Plan, *, created_at: str, expires_at: str) -> Plan:
    """Freeze a plan that takes back what `plan` wrote. Raises PlanError when it wrote nothing."""
    done, doubtful = _written(plan)
    if not done:
        raise PlanError(f"plan {plan.short} has written nothing: there is nothing to take back")
    kept = ("tenant_id", "entra_source", "scope", "attribute", "mappings", "sources")
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
    return freeze(plans, header, _outcomes(plan, done, doubtful))
