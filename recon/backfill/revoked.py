"""Plans that must not go on: taken back by an undo, or made for something else than what is configured now."""

import json
from typing import Any

from recon.backfill.journal import read_entries
from recon.backfill.plan import JOURNAL_FILE, Plan, canonical, plan_folders, read_header
from recon.backfill.scope import chosen_scope
from recon.backfill.values import ValueSource
from recon.config import Config
from recon.errors import PlanError
from recon.scopes.judge import definition


def check_not_taken_back(plan: Plan) -> None:
    """Raise PlanError when an undo of the plan has begun: what is left of it would be written after all."""
    for folder in plan_folders(plan.folder.parent):
        if read_header(folder).get("undoes") == plan.hash and next(read_entries(folder / JOURNAL_FILE), None):
            raise PlanError(
                f"plan {plan.short} was taken back by plan {folder.name[:12]}", hint="make a new plan from fresh loads"
            )


def check_still_meant(config: Config, plan: Plan) -> None:
    """Raise PlanError when scope, denied groups or mappings are configured otherwise than when the plan was made.

    `config`: with the campaign's settings in place of those of [backfill]. A mapping has its usual source where none
    is given, as in the plan's header.
    """
    name, scope = chosen_scope(config)
    meant: dict[str, Any] = {
        "scope": {"name": name, "groups": definition(scope)},
        "denied_groups": sorted(config.backfill.denied_groups),
        "mappings": [
            {
                "attribute": mapping.attribute,
                "source": str(ValueSource.parse(mapping.source_name)),
                "mode": mapping.mode,
                "position": mapping.position,
            }
            for mapping in config.backfill.mappings
        ],
    }
    words = {"scope": "its scope", "denied_groups": "the denied groups", "mappings": "the mappings"}
    meant = json.loads(canonical(meant))  # the header came from JSON
    changed = [words[key] for key, value in meant.items() if plan.header.get(key) != value]
    if changed:
        raise PlanError(f"plan {plan.short} was made before {' and '.join(changed)} changed in recon.toml")
