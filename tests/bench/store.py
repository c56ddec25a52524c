"""Section `store`: the generated company in SQLite and PostgreSQL: stage, publish, match, findings, and the growth."""

import concurrent.futures
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recon.lab.generator import GeneratedCompany
from tests.bench.estate import keep_rows
from tests.bench.measure import BenchError, measure
from tests.bench.options import Options
from tests.servers import postgresql
from tests.servers.stores import fresh_database

KINDS = ("ad", "entra", "workers")
# a sixth of the memory of a server of 24 GB; the rest is left to the system's cache
_SETTINGS = {"shared_buffers": "4GB", "work_mem": "64MB", "maintenance_work_mem": "256MB", "max_wal_size": "8GB"}


def _keep(people: int, kind: str, folder: Path) -> None:
    keep_rows(GeneratedCompany(people), kind, folder / kind)


def make_rows(people: int, folder: Path) -> Path:
    """The company's rows in files, made by two processes."""
    made = folder / f"rows{people}"
    made.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"making the rows of {people:,} people ...\n")
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(_keep, [people] * 3, KINDS, [made] * 3))
    return made


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A PostgreSQL of the bench's own, without fsync; raises RuntimeError where it is not installed."""
    if postgresql._programs() is None:
        raise RuntimeError("PostgreSQL is not installed")
    with postgresql.cluster(_SETTINGS) as url:
        yield url


def _job(url: str, rows: Path) -> dict[str, Any]:
    run = measure([sys.executable, "-W", "ignore", "-m", "tests.bench.storejob", url, str(rows)])
    return {**run.told, "cpu": run.cpu}


def _lines(people: int, engine: str, told: dict[str, Any]) -> list[str]:
    lines = [f"### {people:,} people on {engine}", "",
             "| load | rows | stage, s | rows a second | publish, s | publish with 1 % changed, s | of its stage |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for kind, (rows, stage, publish, _) in told["loads"].items():
        _, again, changed, _ = told["changes"][kind]
        times = f"{stage:.1f} | {rows / stage:,.0f} | {publish:.1f} | {changed:.1f} | {changed / again:.2f}"
        lines.append(f"| {kind} | {rows:,} | {times} |")
    return [
        *lines, "",
        (f"Peak memory of the loads: {told['memory']:.0f} MB. Match and pair: {told['match']:.1f} s "
        f"({told['pairs']:,} pairs), and {told['match_again']:.1f} s where nothing has changed since. "
        f"{told['codes']} findings: {told['findings']:.1f} s ({told['rows']:,} rows). "
        f"Whole refresh: {told['refresh']:.1f} s."), "",
        "Slowest findings: " + ", ".join(f"{code} {seconds:.2f} s" for code, _, seconds in told["slowest"]) + ".", "",
    ]  # fmt: skip


def section(options: Options) -> list[str]:
    """Each size on each engine, then how it grew."""
    folder = options.folder / "store"
    folder.mkdir()
    figures: dict[tuple[str, int], dict[str, Any]] = {}
    lines: list[str] = []
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(cluster())
            told_settings = ", ".join(f"{name} {value}" for name, value in _SETTINGS.items())
            lines += [f"PostgreSQL runs with {told_settings}, without fsync.", ""]
        except (RuntimeError, subprocess.SubprocessError) as error:
            server = None
            lines += [f"PostgreSQL is not measured: {error}", ""]
        for people in options.rows:
            rows = make_rows(people, folder)
            for engine in ("SQLite", "PostgreSQL"):
                if engine == "PostgreSQL" and server is None:
                    continue
                sys.stderr.write(f"{people:,} people on {engine} ...\n")
                try:
                    if engine == "SQLite":
                        database = folder / f"store{people}.db"
                        told = _job(f"sqlite:///{database}", rows)
                        for left in folder.glob(f"{database.name}*"):
                            left.unlink()
                    else:
                        with fresh_database(str(server)) as url:
                            told = _job(url, rows)
                except (BenchError, subprocess.SubprocessError) as error:
                    lines += [f"### {people:,} people on {engine}", "", f"Failed: {error}", ""]
                    continue
                figures[engine, people] = told
                lines += _lines(people, engine, told)
    return [*lines, *_growth(options, figures)]


def _growth(options: Options, figures: dict[tuple[str, int], dict[str, Any]]) -> list[str]:
    first, last = options.rows[0], options.rows[-1]
    if first == last:
        return []
    lines = [f"### Growth from {first:,} to {last:,} people", "",
             f"Times the time, for {last / first:.0f} times the people.", "",
             "| engine | stage | publish | publish with 1 % changed | match and pair | findings |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for engine in ("SQLite", "PostgreSQL"):
        small, large = figures.get((engine, first)), figures.get((engine, last))
        if small is None or large is None:
            continue
        grown = [
            sum(load[n] for load in large[which].values()) / sum(load[n] for load in small[which].values())
            for which, n in (("loads", 1), ("loads", 2), ("changes", 2))
        ]
        grown += [large[name] / small[name] for name in ("match", "findings")]
        lines.append(f"| {engine} | " + " | ".join(f"{value:.1f}" for value in grown) + " |")
    return [*lines, ""]
