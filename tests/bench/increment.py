"""Section `increment`: 1 % of the people change on both sides; the load after it, beside the full load before it.

The lab serves from this process; each load is a process of its own.
"""

import sqlite3
import sys
from pathlib import Path

from recon.lab.adchanges import Changes
from recon.lab.company import Company
from recon.lab.generator import GeneratedCompany
from recon.lab.rendering import account_dn
from recon.lab.up import Lab
from tests.bench.measure import Run, measure
from tests.bench.options import Options


def _change(lab: Lab, company: Company) -> tuple[int, int]:
    """Another title for each hundredth person; how many accounts in AD and in Entra."""
    changes, tenant = Changes(lab.ad[0].directory), company.tenants[0].tenant_id
    in_ad = in_entra = 0
    for person in company.people():
        if person.index % 100 != 17:
            continue
        for account in person.ad[:1]:
            changes.modify(account_dn(account, company.domains[account.domain]), {"title": [b"Changed"]})
            in_ad += 1
        for user in person.entra[:1]:
            lab.graph.change_user(tenant, user.id, jobTitle="Changed")
            in_entra += 1
    return in_ad, in_entra


def _was_increment(database: Path) -> bool:
    with sqlite3.connect(database) as store:
        found = store.execute(
            "select is_increment from load_run where status = 'published' order by run_id desc"
        ).fetchone()
    return bool(found and found[0])


def section(options: Options) -> list[str]:
    """Both sides."""
    people = 2_000 if options.is_quick else 200_000
    folder = options.folder / "increment"
    company = GeneratedCompany(people)
    runs: dict[str, list[Run]] = {"ad": [], "entra": []}
    is_increment: dict[str, bool] = {}
    changed = (0, 0)
    with Lab(folder, company) as lab:
        command = [sys.executable, "-m", "recon", "-c", str(lab.config_path), "load"]
        for round_ in ("full", "increment"):
            for kind, measured in runs.items():
                measured.append(measure([*command, kind, "--no-refresh"]))
                sys.stderr.write(f"  {kind}, {round_}: {measured[-1].wall:.2f} s\n")
                is_increment[kind] = _was_increment(folder / "recon.db")
            if round_ == "full":
                changed = _change(lab, company)
    lines = [
        f"### {people:,} people; then {changed[0]:,} accounts of AD and {changed[1]:,} of Entra change",
        "",
        "| load | full: wall, s (CPU, s) | after the changes: wall, s (CPU, s) | of the full load | read as |",
        "|---|---|---|---|---|",
    ]
    for kind, (full, again) in runs.items():
        share = f"{again.wall / full.wall:.1%} of wall, {again.cpu / full.cpu:.1%} of CPU"
        read = "increment" if is_increment[kind] else "full read: no increment was made"
        times = f"{full.wall:.2f} ({full.cpu:.2f}) | {again.wall:.2f} ({again.cpu:.2f})"
        lines.append(f"| {kind} | {times} | {share} | {read} |")
    return [*lines, ""]
