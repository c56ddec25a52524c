"""The peers of the races, each installed into one environment of its own, outside the project's.

A peer that cannot be installed is named with its reason in the page, never dropped in silence. The environment is
kept in the user's cache folder, so that a second run installs nothing.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PEERS: dict[str, str] = {
    "python-ldap": "python-ldap==3.4.8",
    "bloodhound": "bloodhound==1.9.0",
    "ldapdomaindump": "ldapdomaindump==0.10.0",
    "roadrecon": "roadrecon==2.0.0",
    "msgraph-sdk": "msgraph-sdk==1.65.0",
    "datacompy": "datacompy==1.1.0",
}
_DEBIAN = {"python-ldap": ("libldap-dev", "libsasl2-dev", "gcc", "python3-dev")}


def cache() -> Path:
    """Where peers and filled directories are kept: RECON_BENCH_CACHE, else the user's cache folder."""
    root = os.environ.get("RECON_BENCH_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "recon-bench"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True)
class Peers:
    """What could be installed. `missing`: peer to the reason why it takes no part."""

    python: Path
    missing: dict[str, str]

    def program(self, name: str) -> str:
        """Path of a program of the environment."""
        return str(self.python.with_name(name))

    def has(self, name: str) -> bool:
        """True when this peer takes part."""
        return name not in self.missing


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stderr + done.stdout).strip().splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit code {done.returncode}")[:160]


def _debian(name: str) -> None:
    packages = _DEBIAN.get(name, ())
    if not packages or shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    quiet = {"capture_output": True, "check": False, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
    if subprocess.run(["dpkg", "-s", *packages], **quiet).returncode:  # type: ignore[call-overload]
        subprocess.run(["apt-get", "install", "-yq", "--no-install-recommends", *packages], **quiet)  # type: ignore[call-overload]


def install(names: list[str]) -> Peers:
    """Make the environment and install what is not there yet."""
    folder = cache() / "peers"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    missing: dict[str, str] = {}
    for name in names:
        wanted = PEERS[name]
        check = f"import importlib.metadata as m, sys; sys.exit(m.version({name!r}) != {wanted.partition('==')[2]!r})"
        if subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0:
            continue
        sys.stderr.write(f"installing {wanted} ...\n")
        _debian(name)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            missing[name] = f"pip install {wanted} failed: {_last_line(done)}"
    return Peers(python, missing)
