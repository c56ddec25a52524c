"""A synchronization service's database, as far as recon reads it, in a file of SQLite: [mim] of the lab names it.

Administrators are a group of the first domain, operators a group that is gone, and browsing is everybody's; the last
export did not succeed. `plants` says which rows follow.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from recon.decode.sid import sid_bytes
from recon.lab.company import Company
from recon.lab.group_defects import CompanyPlant
from recon.lab.rendering import iso
from recon.sources.mim import ROLES

SOURCE = "mim"
_GONE_RID = 990_001_234  # no group, no person has it
# agent, profile, number, is complete, result, days ago
_RUNS = (
    ("AD", "Full Import", 1, 1, "stopped-server", 3),
    ("AD", "Full Import", 2, 1, "success", 2),
    ("HR", "Export", 1, 1, "success", 3),
    ("HR", "Export", 2, 1, "completed-export-errors", 1),
    ("HR", "Export", 3, 0, "in-progress", 0),
)
_FAILED = 3


def _run_id(place: int) -> str:
    return f"5e1f0000-0000-4000-8000-{place:012}"


def _roles(company: Company) -> dict[str, str]:
    domain = company.domains[0]
    return {
        "administrators": f"{domain.sid}-{company.group(('deny', 0)).rid}",
        "operators": f"{domain.sid}-{_GONE_RID}",
        "joiners": "S-1-5-32-544",
        "browse": f"{domain.sid}-513",
    }


def write_service(path: Path, company: Company) -> None:
    """Write the file anew. Raises OSError or sqlite3.Error."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"create table mms_server_configuration ({' blob, '.join(ROLES.values())} blob)")
        roles = _roles(company)
        sids = [sid_bytes(roles[role]) if role in roles else None for role in ROLES]
        connection.execute("insert into mms_server_configuration values (?, ?, ?, ?, ?)", sids)
        connection.execute(
            "create table mms_run_history (run_history_id text, ma_id text, run_number integer, run_profile_name text, "
            "user_name text, is_run_complete integer, run_result text, current_step_number integer, "
            "total_steps integer, start_date text, end_date text)"
        )
        for place, (agent, profile, number, is_complete, result, ago) in enumerate(_RUNS):
            start = iso(company.today, ago, 3_600).removesuffix("Z")
            row = (_run_id(place), agent, number, profile, "CONTOSO\\svc-sync", is_complete, result, 1, 1, start, start)
            connection.execute(f"insert into mms_run_history values ({', '.join('?' * len(row))})", row)


def plants() -> Iterator[CompanyPlant]:
    """What must be found in it."""
    yield CompanyPlant("mim_role_of_everybody", "mim_role", "browse", SOURCE)
    yield CompanyPlant("mim_group_unknown", "mim_role", "operators", SOURCE)
    yield CompanyPlant("mim_last_run_failed", "mim_agent", _RUNS[_FAILED][0].lower(), _RUNS[_FAILED][1])
