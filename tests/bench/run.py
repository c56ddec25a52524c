"""`make bench`: measure the loads and their peers in one run, interleaved, and write docs/benchmarks.md.

Each command is a process of its own, measured by the operating system (CPU, peak memory). The lab runs in another
process, so that what serves is not what is measured. Figures are ratios of this machine on this day, no promise.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"

# a child inherits its parent's peak memory at the fork, so a small process stands in between
_MEASURE = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
said = process.stderr.read()
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.stderr.buffer.write(said[-2000:])
"""

_PLAIN_LDAP3 = """
import ssl, sys, ldap3
url, user, password, ca, base = sys.argv[1:]
tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca, valid_names=["localhost"])
connection = ldap3.Connection(ldap3.Server(url, get_info=ldap3.ALL, tls=tls), user, password, auto_bind=True)
found = connection.extend.standard.paged_search(
    base, "(sAMAccountType=805306368)", attributes=["*"], paged_size=1000, generator=True
)
print(sum(1 for entry in found if entry["type"] == "searchResEntry" and entry["attributes"]))
"""


@dataclass
class Case:
    """One command and what its runs gave: (wall seconds, CPU seconds, peak megabytes)."""

    name: str
    command: Callable[[], list[str]]
    runs: list[tuple[float, float, float]] = field(default_factory=list)

    def run(self) -> None:
        """Measure it once more."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _MEASURE, *self.command()],
            capture_output=True,
            text=True,
            check=True,
        )
        code, wall, cpu, kilobytes = done.stdout.split()
        if code != "0":
            raise SystemExit(f"{self.name} ended with {code}: {done.stderr}")
        self.runs.append((float(wall), float(cpu), int(kilobytes) / 1024))

    def row(self) -> str:
        """The line of the table: minimum, median, maximum of wall; medians of the others."""
        walls = [run[0] for run in self.runs]
        cpu, memory = statistics.median(run[1] for run in self.runs), max(run[2] for run in self.runs)
        spread = f"{min(walls):.2f} / {statistics.median(walls):.2f} / {max(walls):.2f}"
        return f"| {self.name} | {spread} | {cpu:.2f} | {memory:.0f} |"


@contextmanager
def lab(folder: Path, people: int, *options: str) -> Iterator[dict[str, str]]:
    """A lab in a process of its own; gives its addresses."""
    command = [sys.executable, "-m", "recon", "lab", "up", "--dir", str(folder), "--people", str(people), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        addresses: dict[str, str] = {}
        for line in process.stdout:
            if line.strip() == "ready":
                break
            what, _, where = line.strip().partition("\t")
            addresses[what.split()[0]] = where
        yield addresses
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def load_cases(folder: Path, addresses: dict[str, str]) -> list[Case]:
    """Our loads, and the peers on the same AD server."""
    database = folder / "bench.db"

    def load(kind: str) -> Callable[[], list[str]]:
        def command() -> list[str]:
            for left in folder.glob("bench.db*"):
                left.unlink()
            os.environ["RECON_DATABASE_URL"] = f"sqlite:///{database}"
            return [sys.executable, "-m", "recon", "-c", str(folder / "recon.toml"), "load", kind, "--no-refresh"]

        return command

    ldaps = addresses["ad"].split()[0]
    user, password, base = "svc-recon@contoso.example", "lab-reader-1", "DC=contoso,DC=example"
    cases = [Case("`recon load ad` into SQLite", load("ad"))]
    if shutil.which("ldapsearch"):
        os.environ["LDAPTLS_CACERT"] = str(folder / "ca.pem")
        search = ["ldapsearch", "-x", "-H", ldaps, "-D", user, "-w", password, "-b", base, "-o", "ldif-wrap=no", "-E"]
        text = " ".join(
            [*map(repr, [*search, "pr=1000/noprompt", "(sAMAccountType=805306368)"]), ">", str(folder / "out.ldif")]
        )
        cases.append(Case("`ldapsearch`, users alone, to a file", lambda: ["sh", "-c", f"exec {text}"]))
    plain = [sys.executable, "-c", _PLAIN_LDAP3, ldaps, user, password, str(folder / "ca.pem"), base]
    cases.append(Case("ldap3 as commonly used, users alone, to nothing", lambda: plain))
    cases.append(Case("`recon load entra` into SQLite, 50 ms a request", load("entra")))
    cases.append(Case("`recon load workers` into SQLite", load("workers")))
    return cases


def refresh_cases(folder: Path) -> list[Case]:
    """What follows a load, on a database that holds all three."""
    os.environ["RECON_DATABASE_URL"] = f"sqlite:///{folder / 'all.db'}"
    recon = [sys.executable, "-m", "recon", "-c", str(folder / "recon.toml")]
    subprocess.run([*recon, "run", "--no-report"], check=True, capture_output=True)

    def command(*words: str) -> Callable[[], list[str]]:
        def made() -> list[str]:
            os.environ["RECON_DATABASE_URL"] = f"sqlite:///{folder / 'all.db'}"
            return [*recon, *words]

        return made

    return [
        Case("`recon refresh` (match and findings)", command("refresh")),
        Case("`recon report`", command("report")),
        Case("`recon backfill plan`", command("backfill", "plan")),
        Case("`recon --help`", lambda: [sys.executable, "-m", "recon", "--help"]),
        Case("`recon decode sid`", lambda: [sys.executable, "-m", "recon", "decode", "sid", "S-1-5-32-544"]),
    ]


def main() -> None:
    """Run it all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recon-bench-") as name:
        folder = Path(name) / "lab"
        began = time.perf_counter()
        with lab(folder, options.people, "--latency", "50ms") as addresses:
            started = time.perf_counter() - began
            groups = [load_cases(folder, addresses), refresh_cases(folder)]
            for cases in groups:
                for number in range(options.rounds):
                    for case in cases:
                        case.run()
                        sys.stderr.write(f"round {number + 1}: {case.name}: {case.runs[-1][0]:.2f} s\n")
    command = f"python -m tests.bench.run --people {options.people} --rounds {options.rounds}"
    lines = [
        "# Benchmarks",
        "",
        (
            f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"a generated company of {options.people:,} people served by the lab on the same machine "
            f"(up in {started:.1f} s). Figures of one machine on one day: use them as ratios."
        ),
        "",
        "| command | wall, s: min / median / max | CPU, s: median | peak memory, MB |",
        "|---|---|---|---|",
        *(case.row() for cases in groups for case in cases),
        "",
        (
            "`recon load ad` reads users, groups with members, computers and contacts, converts, keys and hashes "
            "every row, and publishes it; the peers read the users alone."
        ),
        "",
    ]
    options.out.write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
