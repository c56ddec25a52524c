"""Who may be written at all: the chosen scope. How it is judged stands in recon.scopes."""

from recon.backfill_config import Scope
from recon.config import Config
from recon.errors import UsageError


def chosen_scope(config: Config, name: str | None = None) -> tuple[str, Scope]:
    """The scope to plan for: the given name, else [backfill] scope.

    Raises UsageError when there is none: a plan without a scope would be a plan for everybody.
    """
    known = ", ".join(sorted(config.scope)) or "none"
    wanted = name or config.backfill.scope
    if wanted is None:
        raise UsageError(
            "no scope: without a filter every worker would be written, which is how populations get mixed up",
            hint=f"define [scope.NAME] in recon.toml and give it as --scope or [backfill] scope (defined: {known})",
        )
    if wanted not in config.scope:
        raise UsageError(f"there is no [scope.{wanted}] in recon.toml", hint=f"defined: {known}")
    return wanted, config.scope[wanted]


def rivals(config: Config, name: str) -> dict[str, Scope]:
    """The scope and, behind it, those that must not share a person with it."""
    if config.scope[name].may_overlap:
        return {name: config.scope[name]}
    others = {other: scope for other, scope in config.scope.items() if other != name and not scope.may_overlap}
    return {name: config.scope[name], **others}
