"""The steps after a load, as library calls: refresh, report, and the whole run for schedulers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from recon import findings
from recon.catalog import Catalog, read_catalog
from recon.config import Config
from recon.errors import StoreError
from recon.lock import locked
from recon.pipeline.loads import load_source, sources, summary
from recon.store import Store
from recon.store.load import LoadResult
from recon.store.runs import write_links


@dataclass(slots=True)
class RunResult:
    """What one whole run did."""

    loads: list[LoadResult] = field(default_factory=list)
    counts: tuple[findings.FindingCount, ...] = ()
    report: Path | None = None


def refresh_findings(config: Config, store: Store, *, run_all: bool = False) -> findings.Refresh:
    """Match again and fill finding_row from what is loaded, with the findings that [findings] chooses or all.

    Raises ConfigError when [findings] names what is not there.
    """
    catalog = read_catalog([config.path(folder) for folder in config.catalogue.findings])
    chosen = None if run_all else chosen_findings(config, catalog)
    write_links(store, config)
    return findings.refresh(store, config.settings, catalog, chosen=chosen, sync=config.sync, sspr=config.sspr)


def chosen_findings(config: Config, catalog: Catalog) -> frozenset[str]:
    """The codes of the findings that [findings] chooses. Raises ConfigError for a name that is not there."""
    choice = config.findings
    return catalog.chosen(choice.families, choice.codes, choice.off, default=choice.default)


def run_all(
    config: Config, store: Store, say: Callable[[str], None], *, write_report: bool = True, full: bool = False
) -> RunResult:
    """Load every configured source, match, find, report; one at a time by a lock.

    A source that cannot be read stops the run; what was published before it stands.
    """
    busy = StoreError("another run is under way in this folder", hint="wait for it to end")
    result = RunResult()
    with locked(config.folder / ".recon-run.lock", busy):
        for kind in ("ad", "entra", "workers", "mim"):
            if not getattr(config, kind):
                continue
            for source in sources(config, kind):
                say(f"loading {source.name} ...")
                loaded = load_source(config, store, source, warn=say, full=full)
                say(summary(loaded))
                for warning in loaded.warnings:
                    say(f"warning: {source.name}: {warning}")
                result.loads.append(loaded)
        say("matching and finding ...")
        refreshed = refresh_findings(config, store)
        for line in (*refreshed.broken, *refreshed.warnings):
            say(f"warning: {line}")
        result.counts = refreshed.counts
        if write_report:
            from recon.report import write_html

            result.report = write_html(config, store)
    return result
