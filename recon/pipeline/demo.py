"""The whole way on the sample company: load, match, find, report, plan, rehearse, write, find again.

Everything is real but the servers: the lab's AD server and Graph simulator answer on loopback. The folder stays, so
that the reader can look around in it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy import insert

from recon import findings
from recon.backfill.build import build_plan
from recon.backfill.campaign import apply_plan, preview_plan
from recon.backfill.plan import Plan
from recon.config import Config, load_config
from recon.errors import UsageError
from recon.lab.sample import SampleCompany
from recon.lab.up import Lab
from recon.pipeline.loads import load_source, sources
from recon.pipeline.steps import refresh_findings
from recon.report import write_html
from recon.store import Store
from recon.store.site_tables import critical_group

_MARK = ".recon-demo"  # only a folder that a demo made is ever emptied


class Teller(Protocol):
    """How the demo speaks: a line of talk, or a small table."""

    def say(self, text: str) -> None: ...

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None: ...


def prepare_folder(folder: Path) -> None:
    """Make the folder, or empty the one an earlier demo left; raises UsageError for any other that is not empty."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UsageError(f"{folder} is not empty and no demo made it", hint="choose another with --dir")
    _empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).write_text("made by recon demo; the next one empties this folder\n", encoding="utf-8")


def _empty(folder: Path) -> None:
    if not folder.exists():
        return
    for entry in sorted(folder.rglob("*"), reverse=True):
        if entry.is_dir() and not entry.is_symlink():
            entry.rmdir()
        else:
            entry.unlink()


def _load(config: Config, store: Store, kinds: Sequence[str], tell: Teller) -> None:
    for kind in kinds:
        for source in sources(config, kind):
            result = load_source(config, store, source, warn=tell.say)
            objects = [entry for entry in result.tables.values() if entry.rows_published]
            counted = ", ".join(f"{entry.rows_published} {entry.table}" for entry in objects)
            rejected = sum(entry.rejected for entry in result.tables.values())
            tell.say(f"  {source.name}: {counted}" + (f"; {rejected} rejected" if rejected else ""))


def _found(counts: Sequence[findings.FindingCount]) -> list[tuple[object, ...]]:
    return [(count.severity, count.rows, count.code, count.title) for count in counts if count.rows]


def run_demo(folder: Path, tell: Teller, *, clock: Callable[[], float]) -> Path:
    """Run it all in `folder`; gives the report's path. `clock`: seconds, for what it says at the end."""
    began = clock()
    prepare_folder(folder)
    tell.say(f"1. starting an invented company on loopback (AD over LDAPS, Graph, an HR file) in {folder}/")
    with Lab(folder, SampleCompany(), sign_ins=True) as lab:
        config = load_config(lab.config_path)
        with Store.open(config.database_url) as store:
            tell.say("2. loading what the three systems hold into SQL")
            _load(config, store, ("ad", "entra", "workers", "mim"), tell)
            with store.write() as connection:  # a site's own table
                connection.execute(insert(critical_group), lab.company.critical_groups())
            tell.say("3. matching people, and asking SQL where the systems disagree")
            before = refresh_findings(config, store).counts
            tell.table(("severity", "rows", "code", "finding"), _found(before))
            report = write_html(config, store)
            tell.say(f"4. the report: {report}")
            tell.say("5. planning to fill missing otherMails: everyone in scope is an item, or has a reason")
            plan = build_plan(config, store)
            reasons = sorted(plan.header["reasons"].items())
            tell.table(("outcome", "people"), [("item", plan.item_count), *reasons])
        _write(config, plan, tell)
        accepted = len(lab.graph.writes)
        tell.say(f"   the simulated tenant accepted {accepted} writes; the journal is {plan.journal_file}")
        with Store.open(config.database_url) as store:
            tell.say("8. loading Entra ID again, and finding again")
            _load(config, store, ("entra",), tell)
            after = refresh_findings(config, store).counts
            write_html(config, store)
        rows_before = {count.code: count.rows for count in before}
        changed = [(c.code, rows_before[c.code], c.rows) for c in after if rows_before.get(c.code) != c.rows]
        tell.table(("finding", "before", "now"), changed)
    tell.say("   what remains is held for the reasons of step 5: each needs a person")
    tell.say(f"done in {clock() - began:.1f} s")
    return report


def _write(config: Config, plan: Plan, tell: Teller) -> None:
    tell.say("6. rehearsal: each user is read again, nothing is written")
    skips = [skip for _, skip in preview_plan(config, plan)]
    would = sum(skip is None for skip in skips)
    tell.say(f"   {would} would be written, {len(skips) - would} skipped")
    tell.say("7. writing: re-read, journal the intent, write, journal the outcome")
    result = apply_plan(config, plan)
    rows = [("done", result.counts["done"]), *((f"not written: {why}", n) for why, n in result.reasons.items())]
    tell.table(("outcome", "people"), rows)
