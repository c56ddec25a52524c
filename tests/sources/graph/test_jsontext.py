import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.sources.graph.jsontext import clean_text, read_json

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(VALUES)
def test_reads_what_the_standard_library_writes(value):
    assert read_json(json.dumps(value).encode()) == value


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_is_always_storable(text):
    clean = clean_text(text)
    clean.encode()
    assert "\0" not in clean


def test_nul_and_lone_surrogates_become_the_replacement_character():
    assert read_json(rb'{"a": "x\u0000y"}') == {"a": "x�y"}
    assert read_json(rb'{"a": ["\ud83d", "\ud83d\ude00"]}') == {"a": ["�", "😀"]}


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": 1', b'{"a": "\\u00', b"[1,]", b"\xff", b'{"a": "\\ud800"'])
def test_cut_off_is_an_error(data):
    with pytest.raises(ValueError):
        read_json(data)


def test_endless_nesting_is_an_error_and_no_crash():
    with pytest.raises(ValueError):
        read_json(b'["\\ud800",' + b"[" * 100_000)
