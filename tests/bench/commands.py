"""Section `commands`: what follows a load, on a database that holds all three sources."""

import os
import subprocess
import sys

from tests.bench.lab import lab
from tests.bench.measure import ROOT, Case, race, table
from tests.bench.options import Options


def section(options: Options) -> list[str]:
    """Each command as a scheduler runs it."""
    folder = options.folder / "commands"
    with lab(folder, options.people):
        recon = [sys.executable, "-m", "recon", "-c", str(folder / "recon.toml")]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run([*recon, "run", "--no-report"], check=True, capture_output=True, cwd=ROOT, env=env)
        cases = [
            Case("recon refresh (match and findings)", [*recon, "refresh"]),
            Case("recon report", [*recon, "report"]),
            Case("recon backfill plan", [*recon, "backfill", "plan"]),
            Case("recon --help", [sys.executable, "-m", "recon", "--help"]),
            Case("recon decode sid", [sys.executable, "-m", "recon", "decode", "sid", "S-1-5-32-544"]),
        ]
        race(cases, options.rounds)
    return [f"### {options.people:,} people in SQLite", "", *table(cases)]
