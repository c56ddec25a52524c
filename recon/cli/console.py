"""What every verb needs of the terminal: data on stdout, talk on stderr, one place that prints.

Heavy imports stay inside the functions: `recon --help` must answer at once.
"""

import csv
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

from recon.decode.text import json_text, printable

if TYPE_CHECKING:
    from recon.config import Config
    from recon.store import Store


class Format(StrEnum):
    """How data is written to stdout."""

    table = "table"
    csv = "csv"
    json = "json"


class Severity(StrEnum):
    """Severities of findings, the gravest first."""

    critical = "critical"
    high = "high"
    medium = "medium"
    low = "low"
    info = "info"


FORMAT_OPTION: Any = typer.Option(Format.table, "--format", "-f", help="How data is written to stdout.")


class State:
    """The global options; configuration and store are opened when a command first asks for them."""

    def __init__(self, config_path: Path | None = None, *, debug: bool = False, log_json: bool = False) -> None:
        self.config_path = config_path
        self.debug = debug
        self.log_json = log_json
        self._config: Config | None = None

    def config(self) -> "Config":
        """The settings; raises UsageError without a file, ConfigError when it does not hold."""
        if self._config is None:
            from recon.config import load_config

            self._config = load_config(self.config_path)
        return self._config

    def store(self, *, create: bool = False) -> "Store":
        """The database of the configuration; `create` makes it when there is none."""
        from recon.store import Store

        return Store.configured(self.config(), create=create)


def state(ctx: typer.Context) -> State:
    """The State that the main command made; a plain one where a verb runs alone (tests)."""
    found = ctx.find_object(State)
    return found if found is not None else State()


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        return json.dumps(entry, ensure_ascii=False)


_talk = logging.getLogger("recon.talk")


class _Stderr(logging.Handler):
    """Writes to whatever sys.stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


def set_up_talk(*, log_json: bool) -> None:
    """Send talk to stderr, plain or as one JSON object a line."""
    handler = _Stderr()
    handler.setFormatter(_JsonLines() if log_json else logging.Formatter("%(message)s"))
    _talk.handlers[:] = [handler]
    _talk.propagate = False
    _talk.setLevel(logging.INFO)


def say(text: str, *, level: int = logging.INFO) -> None:
    """Talk to the person, on stderr; control characters are made visible."""
    if not _talk.handlers:
        set_up_talk(log_json=False)
    for line in text.split("\n"):
        _talk.log(level, "%s", printable(line))


def out(text: str) -> None:
    """One line of data to stdout, control characters made visible."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes | memoryview):
        return "0x" + bytes(value).hex().upper()
    return str(value)


def _json_value(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return "0x" + bytes(value).hex().upper()
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)


_MEASURED_ROWS = 1000  # a table's column widths come from its first rows; the rest streams


def _table(columns: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    first = [[printable(_cell(value)) for value in row] for row, _ in zip(rows, range(_MEASURED_ROWS), strict=False)]
    widths = [max([len(name), *(len(row[place]) for row in first)]) for place, name in enumerate(columns)]
    widths = [min(width, 60) for width in widths]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

    out = sys.stdout
    out.write(line(list(columns)) + "\n" + line(["-" * width for width in widths]) + "\n")
    for row in first:
        out.write(line(row) + "\n")
    for values in rows:
        out.write(line([printable(_cell(value)) for value in values]) + "\n")


def emit(columns: Sequence[str], rows: Iterable[Sequence[object]], output: Format = Format.table) -> None:
    """Write rows to stdout as an aligned table, CSV (with a header) or a JSON array of objects.

    CSV keeps control characters for whatever reads it; on a terminal they are made visible.
    """
    stream = iter(rows)
    if output is Format.json:
        sys.stdout.write("[")
        for number, row in enumerate(stream):
            entry = {name: _json_value(value) for name, value in zip(columns, row, strict=True)}
            sys.stdout.write((",\n " if number else "\n ") + json_text(entry))
        sys.stdout.write("\n]\n")
    elif output is Format.csv:
        from recon.decode.text import cell

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        shown = printable if sys.stdout.isatty() else str
        writer.writerows([shown(cell(_cell(value))) for value in row] for row in stream)
    else:
        _table(columns, stream)
    sys.stdout.flush()


class Counter(Protocol):
    """A running count."""

    def advance(self, n: int = 1) -> None: ...


class _Silent:
    def advance(self, n: int = 1) -> None:
        """Count nothing: nobody is looking."""


class _Bar:
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task, self._waiting = progress, task, 0

    def advance(self, n: int = 1) -> None:
        self._waiting += n
        if abs(self._waiting) >= 200:
            self._progress.advance(self._task, self._waiting)
            self._waiting = 0

    def finish(self) -> None:
        self._progress.advance(self._task, self._waiting)


@contextmanager
def counter(label: str) -> Iterator[Counter]:
    """A running count on stderr while the block works; nothing at all when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        bar = _Bar(progress, progress.add_task(label, total=None))
        yield bar
        bar.finish()
