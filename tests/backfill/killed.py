"""One apply in a process that somebody kills. A module of its own, so that a fork server can load it once."""

from pathlib import Path

from recon.backfill.apply import Apply
from recon.backfill.campaign import open_lanes
from recon.backfill.journal import Journal
from recon.backfill.pacing import Pacer, Quota
from recon.backfill.plan import load_plan
from recon.backfill.stops import Limits
from recon.config import load_config

_TOML = """
[[entra]]
name = "entra"
tenant_id = "{tenant}"
client_id = "app"
credential = "secret"
graph_url = "{url}"
"""


def apply_in_child(folder: str, url: str) -> None:
    """Write what is left of the plan in `folder` to the simulator at `url`, fast."""
    plans = Path(folder).parent
    plan = load_plan(plans, Path(folder).name)
    toml = plans.parent / "recon.toml"
    toml.write_text(_TOML.format(tenant=plan.tenant_id, url=url), encoding="utf-8")
    config = load_config(toml)
    limits = Limits(canary=0, max_failure_share=1.0, max_equal_errors=1000, settle=0.02)
    with Journal(plan.journal_file) as journal, open_lanes(config, config.entra[0], for_writing=True, width=2) as lanes:
        result = Apply(
            plan,
            journal,
            lanes,
            Pacer(1.0, quota=Quota(1_000_000, 150)),
            limits=limits,
            now=lambda: str(plan.header["created_at"]),
        ).run("tester")
    if result.left:
        raise SystemExit(1)
