"""Text for terminals and spreadsheets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.text import cell, printable, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Jane Doe", "Jane Doe"),
        ("Åse 山田 🙂", "Åse 山田 🙂"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x9b2J\x7f\x00", "\\x9b2J\\x7f\\x00"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("\u2066x\u2069\u200e", "\\u2066x\\u2069\\u200e"),
        ("pay\u200bpal\ufeff", "pay\\u200bpal\\ufeff"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u00a0b", "a\u00a0b"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (r"CN=Doe\, Jane", r"CN=Doe\, Jane"),
    ],
)
def test_what_would_act_becomes_visible(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L"])))
def test_printable_text_can_be_written_and_holds_no_control(text):
    shown = printable(text)
    shown.encode("utf-8")
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in shown)
    assert printable(shown) == shown


@given(st.text(max_size=300))
def test_a_quoted_value_has_at_most_80_characters(text):
    shown = quoted(text)
    assert len(shown) <= 80
    assert shown[0] == shown[-1] == "'"


def test_a_short_value_is_quoted_whole():
    assert quoted("x" * 78) == "'" + "x" * 78 + "'"
    assert quoted("x" * 79) == "'" + "x" * 77 + "…'"


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("", ""),
        ("Jane", "Jane"),
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("-2147483646", "-2147483646"),
        ("-1.5", "-1.5"),
        ("-", "'-"),
        ("-1-1", "'-1-1"),
        ("-1\n", "'-1\n"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
    ],
)
def test_a_cell_never_becomes_a_formula(text, guarded):
    assert cell(text) == guarded
