"""`make bench`: measure loads, store and peers in one run, interleaved, and write docs/benchmarks.md.

Each command is a process of its own, measured by the operating system. What serves runs in another process. A section
or a peer that cannot be measured is named with its reason, and the others go on. Figures are ratios of one machine on
one day, no promise: run it where nothing else runs.
"""

import argparse
import compileall
import importlib
import os
import platform
import shlex
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.measure import COMPILED, ROOT
from tests.bench.options import Options

PAGE = ROOT / "docs" / "benchmarks.md"
SECTIONS = {
    "ad": "Reading Active Directory",
    "entra": "Reading Entra ID",
    "increment": "Increments of 1 %",
    "store": "Store, match and findings",
    "compare": "Comparing two directories",
    "commands": "Commands",
    "backfill": "Writing",
}
_MODULES = {"backfill": "writing"}
_HEAD = """# Benchmarks

The company is invented; what serves it runs on the same machine in another process. Figures of one machine on one day:
use them as ratios. Rounds are interleaved; ratios are taken round by round. Each section says what measured it."""


def _options() -> tuple[Options, list[str], Path]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about three minutes: 2,000 people, one round, no million")
    parser.add_argument(
        "--only", help=f"sections, separated by commas, the others stay as they are: {', '.join(SECTIONS)}"
    )
    parser.add_argument("--people", type=int, help="of the races with peers; default 20000")
    parser.add_argument("--rows", help="people of the section on the store; default 100000,1000000")
    parser.add_argument("--rounds", type=int, help="default 3")
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    wanted = given.only.split(",") if given.only else list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}")
    rows = given.rows or ("10000" if given.quick else "100000,1000000")
    options = Options(
        people=given.people or (2_000 if given.quick else 20_000),
        rows=tuple(sorted(int(each) for each in rows.split(","))),
        rounds=given.rounds or (1 if given.quick else 3),
        folder=Path(tempfile.mkdtemp(prefix="recon-bench-")),
        is_quick=given.quick,
    )
    return options, wanted, given.out


def _section(name: str, options: Options) -> tuple[list[str], bool]:
    """The lines of one section, and whether it could be measured."""
    try:
        module = importlib.import_module(f"tests.bench.{_MODULES.get(name, name)}")
    except ModuleNotFoundError as error:
        return [f"Not measured: {error}", ""], False
    began = time.perf_counter()
    sys.stderr.write(f"== {name}\n")
    try:
        lines: list[str] = module.section(options)
    except Exception as error:  # noqa: BLE001 - one section must not cost the others, and its failure is written down
        return [f"Failed: {type(error).__name__}: {' '.join(str(error).split())[:400]}", ""], False
    sys.stderr.write(f"== {name}: {time.perf_counter() - began:.0f} s\n")
    return lines, True


def main() -> int:
    """Run the sections and write the page; 1 when one of them failed."""
    import shutil

    options, wanted, out = _options()
    command = shlex.join(["python", "-m", "tests.bench.run", *sys.argv[1:]])
    what = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    page = _sections(out) if out.exists() and set(wanted) != set(SECTIONS) else {}
    is_whole = True
    for tree in (ROOT, COMPILED):  # as pip leaves a package, whatever PYTHONDONTWRITEBYTECODE says here
        compileall.compile_dir(tree / "recon", quiet=2)
    try:
        for name in wanted:
            began = time.perf_counter()
            found, is_measured = _section(name, options)
            is_whole &= is_measured
            when = f"{datetime.now(UTC):%Y-%m-%d}, {time.perf_counter() - began:.0f} s"
            text = "\n".join([f"`{command}` on {when}: {what}.", "", *found]).strip()
            page[SECTIONS[name]] = text
            # after each section: what was measured is not lost when a later one is interrupted
            titles = [title for title in SECTIONS.values() if title in page]
            parts = [_HEAD, *(f"## {title}\n\n{page[title]}" for title in titles)]
            out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
            sys.stdout.write(f"## {SECTIONS[name]}\n\n{text}\n\n")
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)
    return 0 if is_whole else 1


def _sections(page: Path) -> dict[str, str]:
    """What stands on the page by the title of its section."""
    parts = (part.partition("\n") for part in page.read_text("utf-8").split("\n## ")[1:])
    return {title: text.strip() for title, _, text in parts}


if __name__ == "__main__":
    raise SystemExit(main())
