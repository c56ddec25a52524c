"""A lab in a process of its own, so that what serves is not what is measured."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import ROOT

AD_USER, AD_PASSWORD = "svc-recon@contoso.example", "lab-reader-1"


@contextmanager
def lab(folder: Path, people: int, *options: str) -> Iterator[dict[str, str]]:
    """Its addresses by name (ad, entra, workers, config)."""
    command = [sys.executable, "-m", "recon", "lab", "up", "--dir", str(folder), "--people", str(people), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
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
