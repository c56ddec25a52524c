"""Texts of an entry as columns: the short way of plain values gives what the careful way gives."""

from hypothesis import example, given
from hypothesis import strategies as st

from recon.objects import TABLES
from recon.sources.ad import RowMaker
from recon.sources.ad_values import NotValidError, text, text_defects

MAKER = RowMaker("ad_user")
POSITION = TABLES["ad_user"].position
SIZES = {column.name: column.size for column in TABLES["ad_user"].columns}
GUID = bytes(16)


@given(
    st.sampled_from(["title", "initials", "streetaddress", "employeenumber"]),
    st.one_of(st.text(max_size=140).map(str.encode), st.binary(max_size=20)),
    st.lists(st.binary(max_size=3), max_size=1),
)
@example("title", b" Nurse", [])
@example("title", b"Nurse ", [])
@example("title", "Nurse\u00a0".encode(), [])
@example("title", "Nurse\u3000".encode(), [])
@example("title", b"Nur\x00se", [])
@example("title", b"", [])
@example("title", b" ", [])
@example("initials", b"abcdef", [])
@example("initials", b"abcdefg", [])
@example("initials", "\U0001f600\U0001f600\U0001f600".encode(), [])
@example("initials", "\U0001f600\U0001f600\U0001f600x".encode(), [])
@example("streetaddress", b"One\r\nTwo", [])
def test_texts(name: str, raw: bytes, others: list[bytes]):
    found: dict[tuple[str, int, str], bytes | str] = {}
    row = MAKER.row("CN=x", {"objectguid": [GUID], name: [raw, *others]}, found)
    expected: dict[tuple[str, int, str], bytes | str] = {}
    value = None
    try:
        value = text(raw)
    except NotValidError as error:
        expected[name, 0, str(error)] = raw
    else:
        for defect in text_defects(name, value or "", SIZES[name]):
            expected[name, 0, defect] = value or ""
        if others:
            expected[name, 1, "several_values"] = others[0]
    assert row.values[POSITION[name]] == value
    assert found == expected
