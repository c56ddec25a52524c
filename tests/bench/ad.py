"""Section `ad`: 20,000 users from Samba and from the lab's server, ours beside the field's clients."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.sources.ad import requested_attributes
from tests.bench.lab import AD_PASSWORD, AD_USER, lab
from tests.bench.measure import COMPILED, ROOT, Case, is_compiled, race, table
from tests.bench.options import Options
from tests.bench.peers import Peers, install
from tests.bench.samba import Controller, controller

CLIENTS = str(ROOT / "tests" / "bench" / "adclients.py")
NAMES = ("python-ldap", "bloodhound", "ldapdomaindump")


def _clear(database: Path) -> None:
    for left in database.parent.glob(f"{database.name}*"):
        left.unlink()


def _readers(
    folder: Path, peers: Peers, url: str, user: str, password: str, ca: Path, base: str
) -> tuple[list[Case], dict[str, str]]:
    """Who reads every user; each tells its figures from after the sign-in."""
    database = folder / "stage.db"
    words = [url, user, password, str(ca), base]
    env = {
        "RECON_BENCH_ATTRIBUTES": " ".join(requested_attributes("ad_user")),
        "LDAPTLS_CACERT": str(ca),
        "PYTHONWARNINGS": "ignore",
    }
    missing = {name: reason for name, reason in peers.missing.items() if name == "python-ldap"}
    ours = [sys.executable, CLIENTS, "ours", *words, str(database)]
    cases = [Case("recon: read, decode, keys, hash, into SQLite's stage", ours, env, before=lambda: _clear(database))]
    if is_compiled():
        fast = env | {"PYTHONPATH": str(COMPILED)}
        cases.insert(0, Case("recon, compiled: the same", ours, fast, before=lambda: _clear(database)))
    else:
        missing["recon, compiled"] = "build/compiled is not made: make build/compiled/.done"
    if peers.has("python-ldap"):
        cases.append(Case("python-ldap, only reads", [str(peers.python), CLIENTS, "python-ldap", *words], env))
    if shutil.which("ldapsearch"):
        search = ["ldapsearch", "-LLL", "-x", "-H", url, "-D", user, "-w", password, "-b", base, "-o", "ldif-wrap=no",
                  "-E", "pr=1000/noprompt", "(sAMAccountType=805306368)", *requested_attributes("ad_user")]  # fmt: skip
        script = 'out=$1; shift; exec "$@" > "$out"'
        cases.append(
            Case(
                "ldapsearch, LDIF to a file (whole process)",
                ["sh", "-c", script, "sh", str(folder / "out.ldif"), *search],
                env,
            )
        )
    else:
        missing["ldapsearch"] = "ldap-utils is not installed"
    cases.append(Case("ldap3 as commonly used, only reads", [sys.executable, CLIENTS, "ldap3", *words], env, most=3))
    cases.append(
        Case(
            "ldap3 without schema and empty values, only reads",
            [sys.executable, CLIENTS, "ldap3-plain", *words],
            env,
            most=2,
        )
    )
    return cases, missing


def _wholes(folder: Path, peers: Peers, dc: Controller) -> tuple[list[Case], dict[str, str]]:
    """Whole programs that collect users, groups and computers to disk."""
    database, out = folder / "whole.db", folder / "collected"
    config = folder / "whole.toml"
    config.write_text(
        f'[database]\nurl = "sqlite:///{database}"\n[ad]\nurl = "ldaps://{dc.host}"\nuser = "{dc.user}"\n'
        f'password_env = "BENCH_AD"\nca_file = "{dc.ca}"\n', encoding="utf-8",
    )  # fmt: skip
    os.environ["BENCH_AD"] = dc.password

    def fresh() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    cases = [
        Case("recon load ad: published in SQLite",
             [sys.executable, "-m", "recon", "-c", str(config), "load", "ad", "--no-refresh"],
             before=lambda: _clear(database)),
    ]  # fmt: skip
    name, domain = dc.user.split("@")[0], "ad.contoso.example"
    if peers.has("bloodhound"):
        script = 'cd "$1"; shift; exec "$@"'
        job = [
            str(peers.python),
            str(ROOT / "tests" / "bench" / "bloodhoundjob.py"),
            dc.host,
            domain,
            name,
            dc.password,
        ]
        collect = ["sh", "-c", script, "sh", str(out), *job]
        cases.append(Case("BloodHound.py -c DCOnly: JSON files", collect, before=fresh, most=3))
    if peers.has("ldapdomaindump"):
        dump = [peers.program("ldapdomaindump"), "-u", f"CONTOSO\\{name}", "-p", dc.password, "-at", "SIMPLE",
                "-o", str(out), f"ldaps://{dc.host}"]  # fmt: skip
        cases.append(Case("ldapdomaindump: HTML, JSON, grep files", dump, before=fresh, most=2))
    return cases, {name: reason for name, reason in peers.missing.items() if name != "python-ldap"}


@contextmanager
def _samba(options: Options, folder: Path) -> Iterator[Controller | str]:
    try:
        with controller(options.people, folder) as dc:
            yield dc
    except (RuntimeError, PermissionError) as error:
        yield str(error)


def section(options: Options) -> list[str]:
    """Both servers, and the collectors."""
    peers = install(list(NAMES))
    lines: list[str] = []
    folder = options.folder / "ad"
    folder.mkdir()
    with lab(folder / "lab", options.people) as addresses:
        url = addresses["ad"].split()[0]
        cases, missing = _readers(
            folder, peers, url, AD_USER, AD_PASSWORD, folder / "lab" / "ca.pem", "DC=contoso,DC=example"
        )
        race(cases, options.rounds)
        count = int(cases[0].runs[0].told["entries"]) if cases[0].runs else 1
        lines += [f"### {count:,} users of the lab's server, which replays encoded entries", ""]
        for case in cases:
            if case.name.startswith("recon") and case.runs:
                rate = f"{count / case.median('cpu'):,.0f} users a second of one core's CPU"
                lines += [f"{case.name}: {rate}.", ""]
        lines += table(cases, per=count, missing=missing)
    with _samba(options, folder) as dc:
        if isinstance(dc, str):
            return [*lines, "### Samba", "", f"Not measured: {dc}", ""]
        cases, missing = _readers(folder, peers, f"ldaps://{dc.host}", dc.user, dc.password, dc.ca, dc.base)
        race(cases, options.rounds)
        count = int(cases[0].runs[0].told["entries"]) if cases[0].runs else 1
        lines += [f"### {count:,} users of Samba", "", *table(cases, per=count, missing=missing)]
        cases, missing = _wholes(folder, peers, dc)
        race(cases, options.rounds)
        lines += [
            "### The whole domain of Samba: users, groups with members, computers",
            "",
            *table(cases, missing=missing),
        ]
    return lines
