"""Workbook and CSV: every row, and no cell that a spreadsheet would run."""

import csv

import openpyxl
import pytest

from recon.errors import StoreError
from recon.report.content import Content
from recon.report.sheets import write_csv, write_rows_xlsx, write_xlsx
from tests.report.conftest import finding

FORMULA = "=cmd|' /C calc'!A0"


def test_csv_holds_every_row_and_no_formula(filled, config, tmp_path):
    store = filled([finding("mail_differs", FORMULA, ad="+1"), finding("mail_differs", "Zoë", ad="-x")])
    path = write_csv(Content(config, store), tmp_path / "report.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:3] == ["code", "severity", "object"]
    assert sorted(row[2] for row in rows) == ["'" + FORMULA, "Zoë"]
    assert sorted(row[5] for row in rows) == ["'+1", "'-x"]


def test_rows_keep_numbers_that_excel_would_round(tmp_path):
    path = tmp_path / "rows.xlsx"
    never, row = 9223372036854775807, (999_999_999_999_999, 0.5, None, b"\0\xff", "-1")
    assert write_rows_xlsx(("a", "b", "c", "d", "e", "f"), [(never, *row)], path) == 1
    _, read = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    assert read == (str(never), 999_999_999_999_999, 0.5, None, "0x00FF", "-1")


@pytest.mark.parametrize(("text", "kept"), [("x" * 32_768, 32_727), ("\N{GRINNING FACE}" * 16_384, 16_363)])
def test_a_text_that_no_cell_holds_says_that_it_was_cut(tmp_path, text, kept):
    path = tmp_path / "rows.xlsx"
    write_rows_xlsx(("a", "b"), [(text, text[1:])], path)
    _, (cut, whole) = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    assert cut == text[:kept] + " … (cut: a cell holds no more, CSV does)"
    assert whole == text[1:]


def test_workbook_holds_text_and_the_summary(filled, config, tmp_path):
    store = filled(
        [finding("mail_differs", FORMULA), finding("othermails_missing", "x", hr="jo@example.net", personal=1)]
    )
    path = write_xlsx(Content(config, store), tmp_path / "report.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Summary", "Loads", "Findings"]
    rows = list(book["Findings"].iter_rows(values_only=True))
    assert rows[1][2] == FORMULA
    assert book["Findings"]["C2"].data_type == "s"
    assert rows[2][4] == "j***@e***.net"
    assert {row[0]: row[2] for row in book["Summary"].iter_rows(min_row=2, values_only=True)} == {
        "mail_differs": 1,
        "othermails_missing": 1,
        "upn_differs": 0,
    }


def test_a_folder_that_cannot_be_written(filled, config, tmp_path):
    (tmp_path / "file").write_text("")
    content = Content(config, filled([finding("mail_differs", "x")]))
    for write in (write_csv, write_xlsx):
        with pytest.raises(StoreError, match="cannot write"):
            write(content, tmp_path / "file" / "report")
