import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.lifecycle import advice, read_lifecycle_date
from recon.decode.times import generalized_time_text


@pytest.mark.parametrize(
    ("value", "content", "proposed", "reason"),
    [
        ("20230212100000.0Z", "date", None, ""),
        ("20230212100000.1234567Z", "date", None, ""),
        ("20230212", "date", "20230212010000.0Z", "is a date without a time"),
        ("2023-02-12", "date", "20230212010000.0Z", "is an ISO date"),
        ("2023-02-12T10:00:00Z", "date", "20230212100000.0Z", "is an ISO date"),
        ("2023-02-12T10:00:00.5+02:00", "date", "20230212080000.5Z", "is an ISO date"),
        ("2023-02-12 10:00:00Z", "date", "20230212100000.0Z", "is an ISO date"),
        ("2023-02-12T10:00:00", "date", None, "is an ISO date"),
        ("20230212100000Z", "date", "20230212100000.0Z", "has no fraction"),
        ("20230212100000.0", "date", "20230212100000.0Z", "has no Z"),
        ("20230212100000", "date", "20230212100000.0Z", "has no Z"),
        ("20230212100000.0z", "date", "20230212100000.0Z", "does not have the form"),
        ("20230212100000.Z", "date", "20230212100000.0Z", "has no digit behind the point"),
        ("20230212100000.123456789Z", "date", "20230212100000.1234567Z", "more than seven digits"),
        (" 20230212100000.0Z\n", "date", "20230212100000.0Z", "has blanks around it"),
        ("20230212240000.0Z", "date", "20230213000000.0Z", "time of day that does not exist"),
        ("20231231240000.0Z", "date", "20240101000000.0Z", "time of day that does not exist"),
        ("20230212250000.0Z", "date", None, "time of day that does not exist"),
        ("20230230100000.0Z", "date", None, "day that does not exist"),
        ("20230230", "date", None, "is a date without a time"),
        ("20230212100000.0+0100", "date", None, "has an offset"),
        ("20230212100000.5-0000", "date", "20230212100000.5Z", "has an offset"),
        ("20230212100000+00", "date", "20230212100000.0Z", "has an offset"),
        ("20230212100000+0030", "date", None, "has an offset"),
        ("99991231", "date", "99991231010000.0Z", "is a date without a time"),
        ("99991231240000.0Z", "date", None, "time of day that does not exist"),
        ("12/02/2023", "date", None, "does not have the form"),
        ("12.02.2023", "date", None, "does not have the form"),
        ("jane@home.example", "mail", None, "is a mail address"),
        ("Größe M", "text", None, "is no date"),
        ("4711", "text", None, "is no date"),
        ("0020777123", "text", None, "is no date"),
        ("", "text", None, "is empty"),
        ("  ", "text", None, "is empty"),
    ],
)
def test_what_a_value_says(value, content, proposed, reason):
    found = read_lifecycle_date(value)
    assert (found.content, found.proposed) == (content, proposed)
    assert reason in found.reason
    assert (found.at is not None) == (not reason)


def test_a_leave_ends_with_its_day():
    assert read_lifecycle_date("2023-02-12", "leave").proposed == "20230212230000.0Z"
    assert advice("2023-02-12", read_lifecycle_date("2023-02-12", "leave")) == (
        "2023-02-12 (is an ISO date, the form is yyyyMMddHHmmss.fZ; write 20230212230000.0Z)"
    )


@given(st.text(max_size=30) | st.text(alphabet="0123456789-T:.Z+ ", max_size=24))
def test_whatever_is_proposed_synchronizes(value):
    found = read_lifecycle_date(value)
    if found.proposed is not None:
        assert generalized_time_text(found.proposed)
    assert (found.at is None) == bool(found.reason)
