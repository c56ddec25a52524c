"""The report as a workbook (XLSX) and as one CSV file: every row, cells that never turn into formulas."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from recon.decode.keys import cut_units, utf16_units
from recon.decode.text import cell
from recon.report.content import COLUMNS, Content
from recon.report.files import whole_file

_SHEET_ROWS = 1_048_575  # Excel's bound, less the heading
_CELL_CHARACTERS = 32_767  # as Excel counts them, in UTF-16
_CUT = " … (cut: a cell holds no more, CSV does)"
_EXACT = 10**15  # Excel keeps 15 digits: larger numbers (a FILETIME) are written as text

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_rows_xlsx(columns: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> int:
    """One sheet of rows below a heading, every text a text; returns how many. Raises StoreError.

    More rows than a sheet holds go on in further sheets.
    """
    import xlsxwriter

    count = 0
    with whole_file(path) as part, xlsxwriter.Workbook(part, _OPTIONS) as book:
        bold = book.add_format({"bold": True})
        sheet: Any = None
        for count, row in enumerate(rows, 1):
            place = (count - 1) % _SHEET_ROWS
            if place == 0:
                sheet = _headed(book, bold, columns)
            for column, value in enumerate(row):
                if isinstance(value, int | float) and abs(value) < _EXACT:
                    sheet.write_number(place + 1, column, value)
                elif value is not None:
                    sheet.write_string(place + 1, column, _fitting(_text(value)))
        if sheet is None:
            _headed(book, bold, columns)
    return count


def _headed(book: Any, bold: Any, columns: Sequence[str]) -> Any:
    sheet = book.add_worksheet()
    sheet.set_column(0, len(columns) - 1, 24)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns, bold)
    return sheet


def _text(value: object) -> str:
    return "0x" + bytes(value).hex().upper() if isinstance(value, bytes | memoryview) else str(value)


def _fitting(text: str) -> str:
    """The text, or what a cell holds of it, and that it was cut."""
    if utf16_units(text) <= _CELL_CHARACTERS:
        return text
    return cut_units(text, _CELL_CHARACTERS - len(_CUT)) + _CUT


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

    with whole_file(path) as part, xlsxwriter.Workbook(part, _OPTIONS) as book:
        bold = book.add_format({"bold": True})
        summary = book.add_worksheet("Summary")
        summary.set_column(0, 0, 34)
        summary.set_column(3, 5, 60)
        summary.write_row(
            0, 0, ("code", "severity", "rows", "title", "meaning", "what to do", "accepted", "new", "gone"), bold
        )
        for number, line in enumerate(content.findings, 1):
            words = (line.code, line.severity, line.rows, line.title, line.meaning, line.fix)
            summary.write_row(number, 0, (*words, line.accepted, line.new, line.gone))
        loads = book.add_worksheet("Loads")
        head = ("source", "table", "rows", "server counts", "complete", "rejected", "reasons", "read (UTC)")
        loads.write_row(0, 0, head, bold)
        for number, load in enumerate(content.loads, 1):
            values = (load.source, load.table, load.rows, load.server_count, load.complete, load.rejected)
            loads.write_row(number, 0, (*values, load.reasons, load.finished_at))
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
                        sheet.write_string(place, column, _fitting(value))
