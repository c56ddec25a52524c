"""Loads stay in constant memory: the peak of a process that loads 20,000 people, as the operating system counts it."""

import subprocess
import sys

import pytest

from recon.lab.generator import GeneratedCompany
from recon.lab.up import Lab

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kilobytes on Linux alone"),
]

LIMIT_MB = 150

# a child inherits its parent's peak at the fork, so a small process stands between this one and the measured one
_MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, usage.ru_maxrss)
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab"), GeneratedCompany(20_000)) as lab:
        yield lab.config_path


@pytest.mark.parametrize("kind", ["ad", "entra", "workers"])
def test_twenty_thousand_people_stay_under_the_limit(config, kind):
    command = [sys.executable, "-m", "recon", "--config", str(config), "load", kind, "--no-refresh"]
    measured = subprocess.run([sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, check=True)
    code, kilobytes = map(int, measured.stdout.split())
    assert code == 0, measured.stderr
    assert kilobytes / 1024 < LIMIT_MB
