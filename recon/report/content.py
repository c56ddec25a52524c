"""What a report shows, gathered from the store once: loads, findings, their rows, masked unless asked for.

Reads finding_row and the load records; never a directory. Rows are streamed: a finding does not vanish, or fill
the memory, because it is large.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from recon import __version__, findings
from recon.catalog import SEVERITIES, Statement, read_catalog
from recon.config import Config
from recon.decode.text import printable
from recon.decode.times import earlier, utc_now_text
from recon.objects import TABLES
from recon.store import Store
from recon.store.match_tables import clock, pair
from recon.store.overrides import from_text
from recon.store.runs import LastLoad, doubts, last_loads, max_age

COLUMNS = ("object", "attribute", "HR", "AD", "Entra", "key", "state")
_GONE_NAMES = 50


@dataclass(frozen=True, slots=True)
class LoadLine:
    """One table of one source, as the report shows it."""

    source: str
    table: str
    rows: int
    server_count: int | None
    complete: str
    inserted: int
    changed: int
    deleted: int
    rejected: int
    reasons: str
    finished_at: str
    is_stale: bool


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding, as the report shows it. `change`: against the refresh before, in words."""

    code: str
    title: str
    severity: str
    meaning: str
    fix: str
    source: str
    rows: int
    change: str
    accepted: int = 0
    new: int | None = None
    gone: int | None = None
    gone_names: tuple[str, ...] = ()


class Content:
    """Everything a report shows. `unmask`: personal addresses in full."""

    def __init__(self, config: Config, store: Store, *, unmask: bool = False) -> None:
        self._store = store
        self.unmask = unmask
        self.title = config.report.title
        self.tool_version = __version__
        self.written_at = utc_now_text()[:16]
        self.max_age_hours = max_age(store, config.settings.load_max_age_hours)
        self.doubts = doubts(store, utc_now_text(), config.settings.load_max_age_hours)
        catalog = read_catalog([config.path(folder) for folder in config.catalogue.findings])
        known = {statement.name: statement for statement in catalog.findings}
        self.findings = [
            _finding_line(count, known.get(count.code), self._gone(count)) for count in findings.counts(store)
        ]
        self.loads = [self._load_line(load) for load in last_loads(store)]
        with store.read() as connection:
            self.as_of: str | None = connection.scalar(select(clock.c.as_of))
            self.skew = int(
                connection.scalar(select(func.count()).select_from(pair).where(pair.c.is_in_skew == 1)) or 0
            )

    def _gone(self, count: findings.FindingCount) -> tuple[str, ...]:
        return (
            tuple(printable(name) for name in findings.gone(self._store, count.code, _GONE_NAMES)) if count.gone else ()
        )

    def _load_line(self, load: LastLoad) -> LoadLine:
        oldest = earlier(utc_now_text(), hours=self.max_age_hours)
        if load.server_count is None:
            complete = "read to its end"
        elif load.rows + load.rejected == load.server_count:
            complete = "yes, as counted"
        else:
            complete = "accepted by hand"
        if accepted := _accepted(load):
            complete = f"accepted by hand ({accepted})"
        return LoadLine(
            load.source,
            load.table,
            load.rows,
            load.server_count,
            complete,
            load.inserted,
            load.changed,
            load.deleted,
            load.rejected,
            load.reasons,
            load.finished_at,
            load.finished_at < oldest,
        )

    def severities(self) -> list[tuple[str, list[FindingLine]]]:
        """Findings with rows, by severity, the gravest first."""
        groups = [
            (severity, [finding for finding in self.findings if finding.severity == severity and finding.rows])
            for severity in SEVERITIES
        ]
        return [(severity, found) for severity, found in groups if found]

    def clean(self) -> list[FindingLine]:
        """Findings that were looked for and not found."""
        return [finding for finding in self.findings if not finding.rows]

    def rows(self, code: str) -> Iterator[tuple[str | None, ...]]:
        """The rows of one finding in the order of COLUMNS, masked unless asked for."""
        for row, state, why in findings.stated_rows(self._store, code, unmask=self.unmask):
            said = state if why is None else f"{state} {why}"
            values = (row.object_name, row.attribute, row.hr_value, row.ad_value, row.entra_value, row.object_key, said)
            yield tuple(value if value is None else printable(value) for value in values)


def _finding_line(
    count: findings.FindingCount, statement: Statement | None, gone_names: tuple[str, ...]
) -> FindingLine:
    before = count.previous_rows
    if before is None or before == count.rows:
        change = ""
    elif count.rows == 0:
        change = f"gone: {before} before"
    else:
        change = f"{count.rows - before:+,} since the refresh before"
    meaning, fix, origin = (statement.meaning, statement.fix, statement.source) if statement else ("", "", "")
    return FindingLine(
        count.code,
        count.title,
        count.severity,
        meaning,
        fix,
        origin,
        count.rows,
        change,
        count.accepted,
        count.new,
        count.gone,
        gone_names,
    )


def _accepted(load: LastLoad) -> str:
    """What of a table and its child tables the load was told to let pass."""
    own = {load.table, *(name for name, spec in TABLES.items() if spec.parent == load.table)}
    return ", ".join(each for each in from_text(load.accepted) if each.partition("=")[0].partition(".")[0] in own)
