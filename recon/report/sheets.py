"""The report as a workbook (XLSX) and as one CSV file: every row, cells that never turn into formulas."""

import csv
import os
from pathlib import Path

from recon.decode.text import cell
from recon.errors import StoreError
from recon.report.content import COLUMNS, Content

_SHEET_ROWS = 1_048_575  # Excel's bound, less the heading
_CELL_CHARACTERS = 32_767


def write_csv(content: Content, path: Path) -> Path:
    """One line per row of each finding; cells that look like formulas are quoted. Raises StoreError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # the BOM lets spreadsheets read UTF-8
        with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("code", "severity", *COLUMNS))
            for severity, lines in content.severities():
                for line in lines:
                    for row in content.rows(line.code):
                        writer.writerow((line.code, severity, *(cell(value or "") for value in row)))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror}", hint="choose a folder with --out") from error
    return path


def write_xlsx(content: Content, path: Path) -> Path:
    """A summary, the loads, and all rows; another sheet where Excel's bound is reached. Raises StoreError."""
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with xlsxwriter.Workbook(part, options) as book:
            bold = book.add_format({"bold": True})
            summary = book.add_worksheet("Summary")
            summary.set_column(0, 0, 34)
            summary.set_column(3, 5, 60)
            summary.write_row(0, 0, ("code", "severity", "rows", "title", "meaning", "what to do"), bold)
            for number, line in enumerate(content.findings, 1):
                summary.write_row(number, 0, (line.code, line.severity, line.rows, line.title, line.meaning, line.fix))
            loads = book.add_worksheet("Loads")
            loads.write_row(0, 0, ("source", "table", "rows", "server counts", "complete", "rejected", "read (UTC)"), bold)
            for number, load in enumerate(content.loads, 1):
                values = (load.source, load.table, load.rows, load.server_count, load.complete, load.rejected)
                loads.write_row(number, 0, (*values, load.finished_at))
            _write_rows(book, bold, content)
        part.replace(path)
    except (OSError, XlsxWriterException) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error}", hint="choose a folder with --out") from error
    return path


def _write_rows(book: "object", bold: object, content: Content) -> None:
    sheet = None
    place, sheets = _SHEET_ROWS, 0
    for severity, lines in content.severities():
        for line in lines:
            for row in content.rows(line.code):
                if place >= _SHEET_ROWS:
                    sheets, place = sheets + 1, 0
                    sheet = book.add_worksheet("Findings" if sheets == 1 else f"Findings {sheets}")  # type: ignore[attr-defined]
                    sheet.set_column(0, len(COLUMNS) + 1, 28)
                    sheet.freeze_panes(1, 0)
                    sheet.write_row(0, 0, ("code", "severity", *COLUMNS), bold)
                place += 1
                for column, value in enumerate((line.code, severity, *row)):
                    if value is not None:
                        sheet.write_string(place, column, value[:_CELL_CHARACTERS])  # type: ignore[union-attr]
