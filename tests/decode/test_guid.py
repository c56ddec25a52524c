"""GUIDs and immutable ids."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.guid import guid_bytes, guid_text, immutable_id, immutable_id_bytes
from recon.errors import DecodeError

TEXT = "12345678-9abc-def0-1122-334455667788"
DATA = bytes.fromhex("78563412BC9AF0DE1122334455667788")


def test_the_first_three_fields_are_little_endian():
    assert guid_text(DATA) == TEXT
    assert guid_bytes(TEXT) == DATA


def test_the_immutable_id_is_the_base64_of_the_raw_bytes():
    assert immutable_id(DATA) == "eFY0Erya8N4RIjNEVWZ3iA=="
    assert immutable_id(DATA) != "EjRWeJq83vARIjNEVWZ3iA=="  # what the big-endian mistake gives
    assert immutable_id_bytes("eFY0Erya8N4RIjNEVWZ3iA==") == DATA


def test_an_anchor_of_another_length_stays_an_anchor():
    assert immutable_id(b"E-4711") == "RS00NzEx"
    assert immutable_id_bytes("RS00NzEx") == b"E-4711"


@pytest.mark.parametrize("text", ["{" + TEXT + "}", TEXT.upper(), "{" + TEXT.upper() + "}"])
def test_braces_and_capitals_are_accepted(text):
    assert guid_bytes(text) == DATA


@pytest.mark.parametrize(
    "text",
    ["", "{}", TEXT.replace("-", ""), TEXT[:-1], TEXT + "0", "{" + TEXT, TEXT + "}", TEXT + "\n",
     TEXT.replace("1", "g"), TEXT.replace("1", "١"), "123456789-abc-def0-1122-334455667788", f"({TEXT})",
     f"urn:uuid:{TEXT}"],
)  # fmt: skip
def test_other_text_is_no_guid(text):
    with pytest.raises(DecodeError, match=r"^not a GUID: "):
        guid_bytes(text)


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_guid_has_16_bytes(size):
    with pytest.raises(DecodeError, match=f"^not a GUID: {size} bytes"):
        guid_text(bytes(size))


@pytest.mark.parametrize(
    "text",
    ["", "eFY0Erya8N4RIjNEVWZ3iA", "eFY0Erya8N4RIjNEVWZ3iA=", "eFY0Erya8N4RIjNEVWZ3iB==", " eFY0Erya8N4RIjNEVWZ3iA==",
     "eFY0Erya8N4RIjNE\nVWZ3iA==", "eFY0Erya8N4RIjNEVWZ3_A==", "====", "é"],
)  # fmt: skip
def test_text_that_no_encoder_writes_is_no_immutable_id(text):
    with pytest.raises(DecodeError):
        immutable_id_bytes(text)


def test_no_bytes_are_no_anchor():
    with pytest.raises(DecodeError, match="empty"):
        immutable_id(b"")


@given(st.binary(min_size=16, max_size=16))
def test_every_guid_reads_as_uuid_reads_it_and_back(data):
    text = guid_text(data)
    assert text == str(uuid.UUID(bytes_le=data))
    assert guid_bytes(text) == data


@given(st.binary(min_size=1, max_size=64))
def test_every_anchor_survives_the_way_to_text_and_back(data):
    assert base64.b64decode(immutable_id(data)) == data
    assert immutable_id_bytes(immutable_id(data)) == data


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9+/=]{0,28}"))
def test_two_spellings_never_mean_one_anchor(text):
    try:
        data = immutable_id_bytes(text)
    except DecodeError:
        return
    assert immutable_id(data) == text
