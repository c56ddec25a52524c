"""`recon report`: findings as one HTML file, a workbook or a CSV file."""

from enum import StrEnum
from pathlib import Path

import typer

from recon.cli.console import out, say, state


class Kind(StrEnum):
    """What kind of file to write."""

    html = "html"
    xlsx = "xlsx"
    csv = "csv"


def report(
    ctx: typer.Context,
    kinds: list[Kind] = typer.Option([Kind.html], "--as", help="html, xlsx or csv; may be given several times."),
    target: Path | None = typer.Option(None, "--out", "-o", metavar="FOLDER", help="Folder; default: [report] folder."),
    unmask: bool = typer.Option(False, "--unmask", help="Show personal addresses in full."),
) -> None:
    """Write the findings of the last refresh as one self-contained HTML file, XLSX or CSV."""
    from recon.report.content import Content
    from recon.report.html import write_html_file
    from recon.report.sheets import write_csv, write_xlsx

    config = state(ctx).config()
    folder = target or config.path(config.report.folder)
    writers = {Kind.html: write_html_file, Kind.xlsx: write_xlsx, Kind.csv: write_csv}
    with state(ctx).store() as store:
        content = Content(config, store, unmask=unmask)
        for kind in dict.fromkeys(kinds):
            path = writers[kind](content, folder / f"report.{kind.value}")
            out(str(path))
    if content.as_of is None:
        say("nothing has been matched yet: recon load, then recon refresh")
    say("next: open the page; recon findings CODE prints the rows of one finding")
