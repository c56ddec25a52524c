"""Section `compare`: 100,000 x 100,000 users, our findings beside one SELECT written by hand and beside datacompy."""

import sys

from tests.bench.comparejob import FINDINGS, prepare
from tests.bench.measure import ROOT, Case, measure, race, table
from tests.bench.options import Options
from tests.bench.peers import install
from tests.bench.store import make_rows

JOB = str(ROOT / "tests" / "bench" / "comparejob.py")


def section(options: Options) -> list[str]:
    """The race on one SQLite database."""
    people = min(options.rows)
    folder = options.folder / "compare"
    folder.mkdir()
    database = str(folder / "compare.db")
    measure(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.bench.storejob",
            f"sqlite:///{database}",
            str(make_rows(people, folder)),
        ]
    )
    prepare(database)
    peers = install(["datacompy"])
    cases = [
        Case(f"recon: {len(FINDINGS)} findings over pair, into finding_row", [sys.executable, JOB, "ours", database]),
        Case("one SELECT over two narrow tables, into nothing", [sys.executable, JOB, "one-pass", database]),
    ]
    if peers.has("datacompy"):
        cases.append(Case("datacompy, frames already made", [str(peers.python), JOB, "datacompy", database]))
    race(cases, options.rounds)
    return [f"### {people:,} x {people:,} users in SQLite", "", *table(cases, missing=peers.missing)]
