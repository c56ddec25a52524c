"""Values in LDAP filters, binary values as pasted."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.ldapvalue import base64_bytes, escape_bytes, escape_filter, value_bytes
from recon.errors import DecodeError


def test_bytes_are_escaped_one_by_one():
    assert escape_bytes(bytes.fromhex("78563412BC9A00")) == r"\78\56\34\12\bc\9a\00"
    assert escape_bytes(b"") == ""


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Jane Doe", "Jane Doe"),
        ("Åse (Ops)*", r"Åse \28Ops\29\2a"),
        (r"CN=Doe\, Jane", r"CN=Doe\5c, Jane"),
        ("a\0b\nc\x7f", r"a\00b\0ac\7f"),
        ("*)(objectClass=*", r"\2a\29\28objectClass=\2a"),
        ("", ""),
    ],
)
def test_a_filter_value_means_only_itself(text, escaped):
    assert escape_filter(text) == escaped


@given(st.text())
def test_an_escaped_filter_value_unescapes_to_itself(text):
    escaped = escape_filter(text)
    assert not re.search(r"[()*\x00]", escaped)
    assert re.sub(r"\\([0-9a-f]{2})", lambda match: chr(int(match.group(1), 16)), escaped) == text


@given(st.binary(min_size=1))
def test_bytes_are_read_back_from_every_spelling(data):
    assert value_bytes(escape_bytes(data), "value") == data
    assert value_bytes("0x" + data.hex(), "value") == data
    assert value_bytes(data.hex().upper(), "value") == data


def test_text_that_is_hexadecimal_and_base64_is_hexadecimal():
    assert value_bytes("abcd", "value") == b"\xab\xcd"
    assert value_bytes("abcz", "value") == b"\x69\xb7\x33"


@pytest.mark.parametrize("text", ["abc", "abc==", "ab=c", "a b c d", "abcd\n", "AB==x", "AB==", "ab-_", "ａｂｃｄ"])
def test_base64_is_exact(text):
    with pytest.raises(DecodeError, match=r"^not base64: "):
        base64_bytes(text)
