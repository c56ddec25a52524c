"""Rows on stdout: what would act on a terminal or in a spreadsheet does not, and JSON says every value as it is."""

import csv
import io
import json

import pytest

from recon.cli.console import Format, emit

ACTING = "\x1b[31mred\x9b2J\x07\u202eevil\u2028\U000e0041"
VALUES = (None, 0, -1, 9223372036854775807, 0.5, b"\x00\xff", memoryview(b"\x01"), "", "'", 'a"b,c\nd', "Zoë", ACTING)


def emitted(capsys, values, output):
    emit([f"c{place}" for place in range(len(values))], [values], output)
    return capsys.readouterr().out


def test_json_says_every_value(capsys):
    text = emitted(capsys, VALUES, Format.json)
    assert text.isascii() is False
    assert not set(ACTING) & set(text) - set("[31mred2Jevil")
    (row,) = json.loads(text)
    assert tuple(row.values()) == (*VALUES[:5], "0x00FF", "0x01", *VALUES[7:])


def test_csv_is_read_back_as_it_was(capsys):
    header, row = csv.reader(io.StringIO(emitted(capsys, VALUES, Format.csv), newline=""))
    assert len(header) == len(VALUES)
    assert row == ["", "0", "-1", "9223372036854775807", "0.5", "0x00FF", "0x01", "", "'", 'a"b,c\nd', "Zoë", ACTING]


@pytest.mark.parametrize("output", [Format.table, Format.csv])
def test_a_terminal_is_not_steered(capsys, monkeypatch, output):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    text = emitted(capsys, (ACTING, "a\r\nb"), output)
    assert not set(ACTING) & set(text) - set("[31mred2Jevil")
    assert "\\x1b[31mred\\x9b2J\\x07\\u202eevil\\u2028\\U000e0041" in text
    assert "a\\r\\nb" in text
