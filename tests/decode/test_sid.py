"""SIDs between bytes and text: vectors, what is refused and why, both ways for any SID."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.sid import parse_sid, sid_bytes, sid_text
from recon.errors import DecodeError

PERSON = bytes.fromhex("010500000000000515000000D1D64379336F47EB77D1D6B32D760C00")
PERSON_TEXT = "S-1-5-21-2034489041-3947327283-3017199991-816685"

VECTORS = [
    (PERSON, PERSON_TEXT),
    (bytes.fromhex("01020000000000052000000020020000"), "S-1-5-32-544"),
    (bytes.fromhex("010100000000000512000000"), "S-1-5-18"),
    (bytes.fromhex("0100000000000005"), "S-1-5"),
    (bytes.fromhex("010100010000000007000000"), "S-1-0x000100000000-7"),
    (bytes.fromhex("01010000ffffffff07000000"), "S-1-4294967295-7"),
    (bytes.fromhex("0101ABCDEF012345FFFFFFFF"), "S-1-0xabcdef012345-4294967295"),
    (b"\x01\x0f" + bytes(5) + b"\x05" + bytes(60), "S-1-5" + 15 * "-0"),
]


@pytest.mark.parametrize(("data", "text"), VECTORS)
def test_bytes_and_text_of_a_sid(data, text):
    assert sid_text(data) == text
    assert sid_bytes(text) == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PERSON[:-1], "27 bytes, 5 sub-authorities need 28"),
        (PERSON + b"\0", "29 bytes, 5 sub-authorities need 28"),
        (PERSON[:24], "24 bytes, 5 sub-authorities need 28"),
        (b"", "0 bytes, the shortest has 8"),
        (b"\x01\x00\x00\x00\x00\x00\x00", "7 bytes, the shortest has 8"),
        (b"\x02" + PERSON[1:], "revision 2"),
        (b"\x00" + PERSON[1:], "revision 0"),
        (b"\x01\x10" + bytes(70), "16 sub-authorities"),
        (b"\x01\xff" + bytes(6) + bytes(4 * 255), "255 sub-authorities"),
    ],
)
def test_bytes_that_are_no_sid_are_refused(data, reason):
    with pytest.raises(DecodeError, match=f"^not a SID: {reason}"):
        sid_text(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not have the form"),
        ("S-1", "does not have the form"),
        ("X-1-5-18", "does not have the form"),
        (" S-1-5-18", "does not have the form"),
        ("S-2-5-18", "a revision other than 1"),
        ("S-01-5-18", "a revision other than 1"),
        ("S-1-5-18 ", "not a plain decimal number"),
        ("S-1-5-+18", "not a plain decimal number"),
        ("S-1-5--18", "not a plain decimal number"),
        ("S-1-5-018", "not a plain decimal number"),
        ("S-1-5-0x12", "not a plain decimal number"),
        ("S-1-5-1_8", "not a plain decimal number"),
        ("S-1-5-١٨", "not a plain decimal number"),
        ("S-1-5-18\n", "not a plain decimal number"),
        ("S-1--18", "not a plain decimal number"),
        ("S-1-0x00010000000-7", "not a plain decimal number"),
        ("S-1-0x0000000000005-7", "not a plain decimal number"),
        ("S-1-5-4294967296", "more than 32 bits"),
        ("S-1-4294967296-7", "more than 32 bits"),
        ("S-1-5-99999999999", "not a plain decimal number"),
        ("S-1-0x000000000005-7", "an authority below 2^32 in hexadecimal"),
        ("S-1-5" + 16 * "-0", "16 sub-authorities"),
    ],
)
def test_text_that_is_no_sid_is_refused(text, reason):
    with pytest.raises(DecodeError) as caught:
        sid_bytes(text)
    assert str(caught.value).startswith("not a SID: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        PERSON_TEXT,
        PERSON_TEXT.replace("S-", "s-"),
        "0x" + PERSON.hex(),
        "0X" + PERSON.hex().upper(),
        PERSON.hex().upper(),
        "".join(f"\\{byte:02X}" for byte in PERSON),
        "AQUAAAAAAAUVAAAA0dZDeTNvR+t30dazLXYMAA==",
    ],
)
def test_a_sid_is_read_in_every_spelling(value):
    assert parse_sid(value) == PERSON


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "the value is empty"),
        ("0x", "not pairs of hexadecimal digits"),
        ("0x010", "not pairs of hexadecimal digits"),
        ("0x" + PERSON.hex()[:-2], "27 bytes"),
        (PERSON.hex() + "00", "29 bytes"),
        (r"\01\05zz", "not wholly made of"),
        (r"\01\5", "not wholly made of"),
        ("AQUAAAAAAAUVAAAA0dZDeTNvR+t30dazLXYMAA=", "neither hexadecimal"),
        ("AQUAAAAAAAUVAAAA0dZDeTNvR+t30dazLXYMAB==", "neither hexadecimal"),
        ("AQUA AAAA", "neither hexadecimal"),
        ("Åse", "neither hexadecimal"),
        ("abcd", "2 bytes"),
    ],
)
def test_a_spelling_that_is_no_sid_is_refused(value, reason):
    with pytest.raises(DecodeError) as caught:
        parse_sid(value)
    assert reason in str(caught.value)


def test_an_error_shows_a_long_hostile_value_short_and_harmless():
    with pytest.raises(DecodeError) as caught:
        sid_bytes("S-1-5-\x1b[2J" + "9" * 5000)
    message = str(caught.value)
    assert "\x1b" not in message
    assert "\\x1b[2J" in message
    assert len(message) < 160


sids = st.builds(
    lambda authority, parts: (
        bytes((1, len(parts))) + authority.to_bytes(6, "big") + b"".join(part.to_bytes(4, "little") for part in parts)
    ),
    st.integers(0, 2**48 - 1) | st.sampled_from([5, 2**32 - 1, 2**32]),
    st.lists(st.integers(0, 2**32 - 1), max_size=15),
)


@given(sids)
def test_every_sid_survives_the_way_to_text_and_back(data):
    text = sid_text(data)
    assert sid_bytes(text) == data
    assert parse_sid(base64.b64encode(data).decode()) == data
    assert parse_sid(data.hex()) == data


@given(st.binary(max_size=70))
def test_any_bytes_are_a_sid_or_refused(data):
    try:
        text = sid_text(data)
    except DecodeError:
        assert len(data) < 8 or data[0] != 1 or data[1] > 15 or len(data) != 8 + 4 * data[1]
    else:
        assert sid_bytes(text) == data


@given(st.text(max_size=60) | st.from_regex(r"S-1-[0-9x]{1,14}(-[0-9]{1,11}){0,16}"))
def test_any_text_is_a_sid_or_refused(text):
    try:
        data = sid_bytes(text)
    except DecodeError:
        return
    assert sid_text(data).lower() == text.lower()
