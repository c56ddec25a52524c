"""`recon demo`: the whole way on an invented company, in one command."""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import typer

from recon.cli.console import emit, say


class _Talk:
    def say(self, text: str) -> None:
        say(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        emit(columns, rows)


def _command() -> str:
    """How this command was called, so that the lines below can be typed as they stand."""
    called = Path(sys.argv[0])
    found = shutil.which("recon")
    if called.stem != "recon" or (found is not None and Path(found).resolve() == called.resolve()):
        return "recon"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def demo(
    folder: Path = typer.Option(Path("demo"), "--dir", metavar="FOLDER", help="Where everything is left to look at."),
) -> None:
    """Load, match, find, report, plan and write on a sample company; no tenant, no directory, no network."""
    from recon.pipeline.demo import run_demo

    report = run_demo(folder, _Talk(), clock=time.monotonic)
    database = folder / "recon.db"
    recon = _command()
    config = f"{recon} --config {folder / 'recon.toml'}"
    say("")
    say("look around:")
    say(f"  open {report} in a browser")
    say(f'  sqlite3 {database} "select cn, userAccountControl from ad_user where userAccountControl & 2 = 2"')
    say(f"  {config} findings leaver_still_enabled")
    say(f"  {config} backfill show latest --reasons")
    say(f"  {recon} lab up --dir {folder}-lab    starts the company again for every other command")
    say(f"your own directory: {recon} init, then {recon} doctor")
