"""Section `entra`: 20,000 users at 50 ms a request from the lab's simulator, ours beside the field's readers."""

import sqlite3
import sys
from pathlib import Path

from recon.lab.up import READER_ID, READER_SECRET
from recon.sources.entra_rows import USER_PROPERTIES
from tests.bench.lab import lab
from tests.bench.measure import COMPILED, ROOT, Case, is_compiled, race, table
from tests.bench.options import Options
from tests.bench.peers import install

CLIENTS = str(ROOT / "tests" / "bench" / "entraclients.py")


def _clear(database: Path) -> None:
    for left in database.parent.glob(f"{database.name}*"):
        left.unlink()


def _config(path: Path, database: Path, tenant: str, url: str, further: str = "") -> Path:
    path.write_text(
        f'env_file = "lab/.secrets.env"\n[database]\nurl = "sqlite:///{database}"\n[entra]\ntenant_id = "{tenant}"\n'
        f'client_id = "{READER_ID}"\ncredential = "secret"\nsecret_env = "RECON_LAB_READER_SECRET"\n'
        f'graph_url = "{url}"\nobjects = ["users"]\n{further}',
        encoding="utf-8",
    )
    return path


def _requests(database: Path) -> int:
    with sqlite3.connect(database) as store:
        return int(store.execute("select max(requests) from load_run where status = 'published'").fetchone()[0])


def _tenant(folder: Path) -> str:
    import tomllib

    found = tomllib.loads((folder / "recon.toml").read_text())
    return str(found["entra"][0]["tenant_id"])


def _race(options: Options, folder: Path) -> list[str]:
    peers = install(["msgraph-sdk"])
    with lab(folder / "lab", options.people, "--latency", "50ms") as addresses:
        url, tenant = addresses["entra"], _tenant(folder / "lab")
        database, pages = folder / "entra.db", folder / "pages.db"
        config = _config(folder / "recon.toml", database, tenant, url)
        # -P: not the package of the folder it runs in, which would stand before PYTHONPATH
        load = [sys.executable, "-P", "-m", "recon", "-c", str(config), "load", "entra", "--no-refresh"]
        words = [url, tenant, READER_ID, READER_SECRET]
        fast = {"PYTHONPATH": str(COMPILED)}
        cases = [
            Case("recon load entra: users, published in SQLite", load, before=lambda: _clear(database)),
            Case("pages of 100, one after the other, into SQLite (as roadrecon reads)",
                 [sys.executable, CLIENTS, "pages", *words, str(pages)], before=lambda: _clear(pages), most=2),
        ]  # fmt: skip
        if is_compiled():
            cases.insert(0, Case("recon, compiled: the same", load, fast, before=lambda: _clear(database)))
        if peers.has("msgraph-sdk"):
            sdk = [str(peers.python), CLIENTS, "msgraph-sdk", *words, ",".join(USER_PROPERTIES)]
            cases.append(Case("msgraph-sdk, pages of 999, typed models, nothing stored", sdk, most=1))
        race(cases, options.rounds)
        missing = dict(peers.missing)
        missing["roadrecon itself"] = (
            "its Graph address is not configurable, so a reader of the same pages stands for it"
        )
        if not is_compiled():
            missing["recon, compiled"] = "build/compiled is not made: make build/compiled/.done"
        lines = [f"### {options.people:,} people at 50 ms a request", "", *table(cases, missing=missing)]
        if cases[0].runs:
            lines += [f"recon made {_requests(database)} requests, the sign-in and the count among them.", ""]
    return lines


def _partitions(options: Options, folder: Path) -> list[str]:
    from recon.config import EntraSource

    if "partitions" not in EntraSource.model_fields:
        return []
    people = 20_000 if options.is_quick else 100_000
    fast = {"PYTHONPATH": str(COMPILED)} if is_compiled() else {}
    cases = []
    with lab(folder / "lab", people, "--latency", "200ms") as addresses:
        url, tenant = addresses["entra"], _tenant(folder / "lab")
        for name, further in (("in 8 parts at once", "partitions = 8\n"), ("one page after the other", "")):
            database = folder / f"{name.split()[0]}.db"
            config = _config(folder / f"{name.split()[0]}.toml", database, tenant, url, further)
            job = [sys.executable, "-P", "-m", "tests.bench.entrajob", str(config)]
            called = f"recon{', compiled' if fast else ''}: users into the stage, {name}"
            cases.append(Case(called, job, fast, before=lambda path=database: _clear(path)))  # type: ignore[misc]
        race(cases, 1 if options.is_quick else 2)
    found = {(run.told["rows"], run.told["fingerprint"]) for case in cases for run in case.runs}
    same = "The same rows each time" if len(found) == 1 else "NOT the same rows each time"
    return [f"### {people:,} users at 200 ms a request", "", *table(cases), f"{same}: {sorted(found)}.", ""]


def section(options: Options) -> list[str]:
    """The race, and reading in parts where it is built."""
    folder = options.folder / "entra"
    parts = folder / "parts"
    parts.mkdir(parents=True)
    return [*_race(options, folder), *_partitions(options, parts)]
