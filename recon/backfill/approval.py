"""Who agreed to a plan: approvals.jsonl beside it, one line each, bound to the plan's hash and to the line before.

An approval names the operating system's account, the time and the site's change number. It is a record that a later
change of the file shows, not a signature: who may write the folder could write the whole file anew.
"""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from recon import __version__
from recon.backfill.plan import Plan, canonical
from recon.config import Backfill
from recon.decode.times import utc_now_text
from recon.errors import PlanError, UsageError
from recon.lock import locked

APPROVALS_FILE = "approvals.jsonl"
_LOCK = ".approvals.lock"
_LONGEST = 100  # characters of a change number


def operating_system_user() -> str:
    """The account that runs this process, as the operating system has it: not what the environment says."""
    if os.name != "posix":
        return os.getlogin()
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without a name
        return str(os.getuid())


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to one plan. `at`: the time text."""

    plan: str
    user: str
    change: str
    at: str
    host: str = ""
    tool: str = __version__


def _chained(previous: str, content: bytes) -> str:
    return hashlib.sha256(previous.encode() + content).hexdigest()


def _checked(plan: Plan) -> Iterator[tuple[Approval, str]]:
    """Each approval with its chain, which begins with the plan's hash."""
    path = plan.folder / APPROVALS_FILE
    damaged = PlanError(f"plan {plan.short}: {APPROVALS_FILE} was changed", hint="make a new plan and have it approved")
    chain = plan.hash
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise PlanError(f"plan {plan.short}: {APPROVALS_FILE} cannot be read: {error.strerror}") from error
    for line in lines:
        try:
            data: dict[str, Any] = json.loads(line)
            stored = data.pop("chain")
            approval = Approval(**data)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise damaged from error
        chain = _chained(chain, canonical(asdict(approval)))
        if stored != chain or approval.plan != plan.hash:
            raise damaged
        yield approval, chain


def read_approvals(plan: Plan) -> list[Approval]:
    """The approvals of a plan; raises PlanError when the file was changed."""
    return [approval for approval, _ in _checked(plan)]


def approve(plan: Plan, *, change: str, user: str | None = None, now: str | None = None) -> Approval:
    """Record that `user` (default: who runs this) agrees to the plan under a change number.

    Raises UsageError for an empty change number or a second approval of one person, PlanError when the plan expired,
    is of the future, or the file cannot be written.
    """
    change, user, now = change.strip(), user or operating_system_user(), now or utc_now_text()
    if not change or len(change) > _LONGEST or not change.isprintable():
        raise UsageError(f"--change is the number of the change, up to {_LONGEST} characters")
    plan.check_age(now)
    busy = PlanError(f"plan {plan.short}: another approval is being written", hint="approve again")
    with locked(plan.folder / _LOCK, busy):
        return _append(plan, change, user, now)


def _append(plan: Plan, change: str, user: str, now: str) -> Approval:
    approvals = list(_checked(plan))
    for given, _ in approvals:
        if given.user.casefold() == user.casefold():
            raise UsageError(f"{user} has approved plan {plan.short} already, at {given.at[:19]} UTC")
    approval = Approval(plan.hash, user, change, now, socket.gethostname())
    content = canonical(asdict(approval))
    last = approvals[-1][1] if approvals else plan.hash
    line = canonical({**asdict(approval), "chain": _chained(last, content)}) + b"\n"
    try:
        handle = os.open(plan.folder / APPROVALS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise PlanError(f"plan {plan.short}: the approval cannot be written: {error.strerror}") from error
    return approval


def missing_approvals(plan: Plan, settings: Backfill) -> str | None:
    """What is missing, in words; None when the plan has the approvals that it needs.

    With approved_by_others the planner's own approval does not count. What the plan froze counts where it is stricter.
    """
    frozen = plan.header.get("approval") or {}
    wanted = max(settings.approvals, int(frozen.get("approvals", 0)))
    if not wanted:
        return None
    others_only = settings.approved_by_others or bool(frozen.get("approved_by_others"))
    planner = str(plan.header.get("planner", ""))
    users = {approval.user.casefold() for approval in read_approvals(plan)}  # Windows: Alice is alice
    counted = users - {planner.casefold()} if others_only else users
    if len(counted) >= wanted:
        return None
    own = (
        f" ({planner} made the plan: that approval does not count)"
        if others_only and planner.casefold() in users
        else ""
    )
    return f"plan {plan.short} has {len(counted)} of {wanted} approvals{own}"


def check_approved(plan: Plan, settings: Backfill) -> None:
    """Raise PlanError when fewer people than [backfill] approvals have approved the plan."""
    missing = missing_approvals(plan, settings)
    if missing is not None:
        raise PlanError(missing, hint=f"somebody else: recon backfill approve {plan.short} --change NUMBER")
