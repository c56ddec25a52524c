"""One job on a store, in a process of its own: `python -m tests.bench.storejob URL ROWS PEOPLE`; tells JSON.

Loads the generated company of PEOPLE from the folder ROWS, again with 1 % changed, matches, and runs every finding.
Seconds of wall; memory is that of the loads, read before anything is matched.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from recon import findings
from recon.catalog import read_catalog
from recon.config import Settings
from recon.store import Store
from tests.bench.estate import kept_rows, link_all, load_rows

KINDS = ("workers", "entra", "ad")


def run(url: str, folder: Path) -> dict[str, Any]:
    """Everything on one database."""
    told: dict[str, Any] = {"loads": {}, "changes": {}}
    with Store.open(url) as store:
        for name, every in (("loads", 0), ("changes", 100)):
            for kind in KINDS:
                done = load_rows(store, kind, kept_rows(folder / kind, change_every=every))
                changed = sum(entry.changed for entry in done.result.tables.values())
                told[name][kind] = [done.rows, done.stage, done.publish, changed]
        told["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        link_all(store)
        told |= _refresh(store)
    return told


def _refresh(store: Store) -> dict[str, Any]:
    each: dict[str, tuple[int, float]] = {}
    one = findings._find

    def timed(*words: Any) -> int:
        began = time.perf_counter()
        rows = one(*words)
        each[words[1].name] = (rows, time.perf_counter() - began)
        return rows

    findings._find = timed
    began = time.perf_counter()
    done, matched = _matched(store)
    whole = time.perf_counter() - began
    slowest = sorted(each.items(), key=lambda item: -item[1][1])[:10]
    return {
        "pairs": done.matches,
        "match": matched,
        "findings": sum(seconds for _, seconds in each.values()),
        "refresh": whole,
        "codes": len(each),
        "rows": sum(rows for rows, _ in each.values()),
        "broken": len(done.broken),
        "slowest": [(code, rows, seconds) for code, (rows, seconds) in slowest],
        "match_again": _matched(store, chosen=())[1],
    }


def _matched(store: Store, chosen: tuple[str, ...] | None = None) -> tuple[findings.Refresh, float]:
    """A refresh, and how long the match took of it."""
    steps: dict[str, float] = {}

    def tell(step: str) -> None:
        steps[step] = time.perf_counter()

    done = findings.refresh(store, Settings(), read_catalog(), tell, chosen=chosen)
    return done, steps["findings"] - steps["match"]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(sys.argv[1], Path(sys.argv[2]))) + "\n")
