"""A running lab with the real command line in front of it."""

import contextlib
import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from recon.cli.main import run
from recon.lab.up import Lab


@dataclass(frozen=True)
class Outcome:
    """How one command ended."""

    code: int
    out: str
    err: str


def invoke(*arguments: object) -> Outcome:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Outcome(code, out.getvalue(), err.getvalue())


def start(config: Path, *arguments: object) -> subprocess.Popen:
    """Start the command line as a process of its own, in silence; Ctrl-C reaches it as from a terminal."""
    command = [sys.executable, "-m", "recon", "--config", str(config), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "LANG": "C.UTF-8"},
        preexec_fn=_heed_interrupts,
    )


def _heed_interrupts() -> None:
    """What runs in the background of a shell without job control ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Site:
    """One lab, its configuration and its database."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.config = lab.config_path
        self.database = lab.folder / "recon.db"

    def recon(self, *arguments: object) -> Outcome:
        """`recon --config … arguments`"""
        return invoke("--config", self.config, *arguments)

    def ok(self, *arguments: object) -> Outcome:
        """The same; anything but exit code 0 fails the test with what was said."""
        outcome = self.recon(*arguments)
        assert outcome.code == 0, f"{arguments}: {outcome.code}\n{outcome.out}\n{outcome.err}"
        return outcome

    def query(self, sql: str, *values: object) -> list[tuple]:
        """Rows of one SELECT, read with SQLite itself."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(sql, values).fetchall()

    def edit(self, old: str, new: str, *, pattern: bool = False) -> None:
        """Change recon.toml."""
        text = self.config.read_text(encoding="utf-8")
        changed = re.sub(old, new, text) if pattern else text.replace(old, new)
        assert changed != text, f"{old!r} is not in recon.toml"
        self.config.write_text(changed, encoding="utf-8")


_OURS = {"row_id", "run_id", "loaded_at", "source_id"}


def snapshot(database: Path, prefix: str) -> dict[str, list[tuple]]:
    """Every row of every loaded table that begins with `prefix`, without what differs from load to load."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        names = [
            name
            for (name,) in connection.execute("select name from sqlite_schema where type = 'table' order by name")
            if name.startswith(prefix)
        ]
        found = {}
        for name in names:
            columns = [row[1] for row in connection.execute(f"pragma table_info({name})") if row[1] not in _OURS]
            rows = connection.execute(f"select {', '.join(columns)} from {name}").fetchall()
            found[name] = sorted(rows, key=repr)
        return found
