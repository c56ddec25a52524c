"""BER: exact encodings, and nothing guessed from bytes that do not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.lab import ber


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (256, "02020100"),
        (-1, "0201ff"),
        (-128, "020180"),
        (-129, "0202ff7f"),
    ],
)
def test_numbers_have_their_shortest_encoding(number, encoded):
    assert ber.integer(number).hex() == encoded


@given(st.integers(-(1 << 62), 1 << 62))
def test_numbers_come_back(number):
    assert ber.Reader(ber.integer(number)).integer() == number


@given(st.binary(max_size=700), st.text(max_size=300))
def test_octets_and_text_come_back(data, words):
    reader = ber.Reader(ber.value(ber.SEQUENCE, ber.octets(data), ber.text(words))).inside(ber.SEQUENCE)
    assert reader.octets() == data
    assert reader.text() == words
    assert not reader.has_more


@pytest.mark.parametrize(
    ("length", "octets"), [(0, "0400"), (127, "047f"), (128, "048180"), (256, "04820100"), (65536, "0483010000")]
)
def test_lengths(length, octets):
    assert ber.header(ber.OCTETS, length).hex() == octets


def test_long_form_of_a_short_length_is_read():
    assert ber.Reader(bytes.fromhex("04840000000141")).octets() == b"A"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("0480410000", "indefinite"),
        ("0485000000000141", "5 octets"),
        ("1f0141", "several octets"),
        ("04", "truncated"),
        ("0403aabb", "beyond its frame"),
        ("0482", "truncated"),
        ("", "truncated"),
        ("020141", "expected tag 0x04"),
    ],
)
def test_what_is_no_octet_string_is_refused(data, words):
    with pytest.raises(ber.BerError, match=words):
        ber.Reader(bytes.fromhex(data)).octets()


@pytest.mark.parametrize("data", ["0200", "0209000000000000000001"])
def test_numbers_of_no_or_too_many_octets_are_refused(data):
    with pytest.raises(ber.BerError, match="number of"):
        ber.Reader(bytes.fromhex(data)).integer()


def test_truth_values():
    assert ber.Reader(b"\x01\x01\xff").boolean() is True
    assert ber.Reader(b"\x01\x01\x00").boolean() is False
    with pytest.raises(ber.BerError, match="truth value"):
        ber.Reader(b"\x01\x02\x00\x00").boolean()


def test_text_must_be_utf8():
    with pytest.raises(ber.BerError, match="UTF-8"):
        ber.Reader(b"\x04\x01\xff").text()


def test_inner_values_do_not_reach_beyond_the_outer_one():
    outer = ber.Reader(bytes.fromhex("3003040541") + b"A" * 10).inside(ber.SEQUENCE)
    with pytest.raises(ber.BerError, match="beyond its frame"):
        outer.octets()
    with pytest.raises(ber.BerError, match="no further values"):
        ber.Reader(b"\x04\x00").inside(ber.OCTETS)


def test_message_size_waits_and_refuses():
    assert ber.message_size(bytearray(), 100) is None
    assert ber.message_size(bytearray(b"\x30"), 100) is None
    assert ber.message_size(bytearray(b"\x30\x82\x01"), 1000) is None
    assert ber.message_size(bytearray(b"\x30\x62"), 100) == 100
    with pytest.raises(ber.BerError, match="101 bytes, at most 100"):
        ber.message_size(bytearray(b"\x30\x63"), 100)
    with pytest.raises(ber.BerError, match="begins with 0x30"):
        ber.message_size(bytearray(b"GET / HTTP/1.1"), 100)


@given(st.binary(max_size=64))
def test_any_bytes_end_in_a_value_or_in_a_ber_error(data):
    reader = ber.Reader(data)
    try:
        while reader.has_more:
            reader.skip()
    except ber.BerError:
        return
    assert not reader.has_more
