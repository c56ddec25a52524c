"""Measuring processes: wall time, CPU and peak memory as the operating system counts them, in interleaved rounds."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 3600
COMPILED = ROOT / "build" / "compiled"  # `make bench` makes it first, where there is a C compiler

# a child inherits its parent's peak memory at the fork, so a small process stands in between; the last line that the
# child writes may be a JSON object of its own figures
_MEASURE = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
said = b""
while chunk := process.stdout.read(65536):
    said = (said + chunk)[-4000:]
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps({
    "code": process.returncode, "wall": time.perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime,
    "memory": usage.ru_maxrss / 1024, "said": said.decode(errors="replace"),
}))
"""


class BenchError(Exception):
    """A measured command failed; the section is reported as failed and the others go on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds, megabytes, and what the command told of itself."""

    wall: float
    cpu: float
    memory: float
    told: dict[str, Any]


def measure(command: Sequence[str], env: dict[str, str] | None = None, *, accept: tuple[int, ...] = (0,)) -> Run:
    """Run one command to its end. Raises BenchError when it fails."""
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", _MEASURE, *command],
        capture_output=True, text=True, check=True, timeout=TIMEOUT, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | (env or {}),
    )  # fmt: skip
    found = json.loads(done.stdout)
    if found["code"] not in accept:
        raise BenchError(f"{command[0]} ended with {found['code']}: {found['said'][-600:]}")
    told: dict[str, Any] = {}
    lines = found["said"].strip().splitlines()
    if lines and lines[-1].startswith("{"):
        told = json.loads(lines[-1])
    return Run(told.get("wall", found["wall"]), told.get("cpu", found["cpu"]), found["memory"], told)


def is_compiled() -> bool:
    """Whether the compiled build of this tree stands beside it."""
    return (COMPILED / ".done").exists()


@dataclass
class Case:
    """One command in a race. `before` is run, unmeasured, before each round."""

    name: str
    command: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    before: Callable[[], object] | None = None
    most: int | None = None  # so many rounds at most: for what takes minutes
    runs: list[Run] = field(default_factory=list)
    failed: str | None = None

    def run(self) -> None:
        """Measure it once more; a failure takes it out of the race and is told."""
        if self.failed or (self.most is not None and len(self.runs) >= self.most):
            return
        try:
            if self.before is not None:
                self.before()
            self.runs.append(measure(self.command, self.env))
            sys.stderr.write(f"  {self.name}: {self.runs[-1].wall:.2f} s, {self.runs[-1].cpu:.2f} s CPU\n")
        except (BenchError, subprocess.SubprocessError, OSError) as error:
            self.failed = " ".join(str(error).split())[-300:]
            sys.stderr.write(f"  {self.name}: {self.failed}\n")

    def median(self, what: str) -> float:
        """Median of wall, cpu or memory."""
        return statistics.median(getattr(run, what) for run in self.runs)


def race(cases: Sequence[Case], rounds: int) -> None:
    """Round by round, one command after the other, so that a busy moment hits all of them."""
    for _ in range(rounds):
        for case in cases:
            case.run()


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """minimum / median / maximum."""
    return " / ".join(format(value, form) for value in (min(values), statistics.median(values), max(values)))


def ratios(case: Case, to: Case, what: str) -> str:
    """minimum / median / maximum of this case's figure over the other's, round by round."""
    pairs = list(zip(case.runs, to.runs, strict=False))
    return spread([getattr(a, what) / max(getattr(b, what), 1e-9) for a, b in pairs])


def table(cases: Sequence[Case], *, per: int | None = None, missing: dict[str, str] | None = None) -> list[str]:
    """The race as a Markdown table; ratios are to the first case. `per`: entries, for CPU per entry."""
    first = cases[0]
    unit = "CPU, s: median" if per is None else "CPU, µs an entry: median"
    lines = [
        f"| command | wall, s: min / median / max | {unit} | peak memory, MB | wall, times ours | CPU, times ours |",
        "|---|---|---|---|---|---|",
    ]
    for case in cases:
        if not case.runs:
            lines.append(f"| {case.name} | failed: {case.failed} | | | | |")
            continue
        cpu = case.median("cpu")
        shown = f"{cpu:.2f}" if per is None else f"{cpu / per * 1e6:.0f}"
        line = f"| {case.name} | {spread([run.wall for run in case.runs])} | {shown} | {case.median('memory'):.0f} |"
        both = (
            " | |"
            if case is first or not first.runs
            else f" {ratios(case, first, 'wall')} | {ratios(case, first, 'cpu')} |"
        )
        lines.append(line + both)
    lines += [f"| {name} | not measured: {reason} | | | | |" for name, reason in (missing or {}).items()]
    return [*lines, ""]
