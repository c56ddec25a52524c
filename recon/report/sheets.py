"""The report as a workbook (XLSX) and as one CSV file: every row, cells that never turn into formulas."""

import csv
from pathlib import Path
from typing import Any

from recon.decode.text import cell
from recon.report.content import COLUMNS, Content
from recon.report.files import whole_file

_SHEET_ROWS = 1_048_575  # Excel's bound, less the heading
_CELL_CHARACTERS = 32_767


def write_csv(content: Content, path: Path) -> Path:
    """One line per row of each finding; cells that look like formulas are quoted. Raises StoreError."""
    # the BOM lets spreadsheets read UTF-8
    with whole_file(path) as part, part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "severity", *COLUMNS))
        for severity, lines in content.severities():
            for line in lines:
                for row in content.rows(line.code):
                    writer.writerow((line.code, severity, *(cell(value or "") for value in row)))
    return path


def write_xlsx(content: Content, path: Path) -> Path:
    """A summary, the loads, and all rows; another sheet where Excel's bound is reached. Raises StoreError."""
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with whole_file(path) as part, xlsxwriter.Workbook(part, options) as book:
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
    return path


def _write_rows(book: Any, bold: Any, content: Content) -> None:
    sheet: Any = None
    place, sheets = _SHEET_ROWS, 0
    for severity, lines in content.severities():
        for line in lines:
            for row in content.rows(line.code):
                if place >= _SHEET_ROWS:
                    sheets, place = sheets + 1, 0
                    sheet = book.add_worksheet("Findings" if sheets == 1 else f"Findings {sheets}")
                    sheet.set_column(0, len(COLUMNS) + 1, 28)
                    sheet.freeze_panes(1, 0)
                    sheet.write_row(0, 0, ("code", "severity", *COLUMNS), bold)
                place += 1
                for column, value in enumerate((line.code, severity, *row)):
                    if value is not None:
                        sheet.write_string(place, column, value[:_CELL_CHARACTERS])
