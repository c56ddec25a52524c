"""Times and dates: one text form, nothing that the calendar does not have, each refusal with its reason."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.times import (
    date_text,
    day,
    filetime_text,
    from_datetime,
    generalized_time_text,
    iso_text,
    utc_now_text,
)
from recon.errors import DecodeError

STORED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, None),
        (2**63 - 1, None),
        (1, "1601-01-01 00:00:00.000000"),
        (10, "1601-01-01 00:00:00.000001"),
        (133206768000000000, "2023-02-12 12:00:00.000000"),
        (116444736000000000, "1970-01-01 00:00:00.000000"),
        (133206768123456789, "2023-02-12 12:00:12.345678"),
        (2650467743999999999, "9999-12-31 23:59:59.999999"),
    ],
)
def test_filetime(value, text):
    assert filetime_text(value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "below 0"),
        (-(2**63), "below 0"),
        (2650467744000000000, "beyond the year 9999"),
        (2**63 - 2, "beyond the year 9999"),
        (2**63, "beyond the year 9999"),
    ],
)
def test_a_filetime_out_of_range_is_refused(value, reason):
    with pytest.raises(DecodeError, match=f"^not a FILETIME: {value} is {reason}$"):
        filetime_text(value)


@given(st.datetimes(min_value=datetime(1601, 1, 1, 0, 0, 1)))
def test_every_filetime_is_the_moment_that_datetime_names(moment):
    ticks = (moment - datetime(1601, 1, 1)) // timedelta(microseconds=1) * 10
    assert filetime_text(ticks) == moment.isoformat(sep=" ", timespec="microseconds")
    assert filetime_text(ticks + 9) == filetime_text(ticks)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20230212100000.0Z", "2023-02-12 10:00:00.000000"),
        ("16010101000000.0Z", "1601-01-01 00:00:00.000000"),
        ("20240229235959.5Z", "2024-02-29 23:59:59.500000"),
        ("20230212100000.1234567Z", "2023-02-12 10:00:00.123456"),
    ],
)
def test_generalized_time(text, expected):
    assert generalized_time_text(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the value is empty"),
        ("20230212", "is a date without a time"),
        ("2023-02-12", "is an ISO date"),
        ("2023-02-12T10:00:00Z", "is an ISO date"),
        ("20230230100000.0Z", "names a day that does not exist"),
        ("20230229100000.0Z", "names a day that does not exist"),
        ("20231301100000.0Z", "names a day that does not exist"),
        ("00000101000000.0Z", "names a day that does not exist"),
        ("20230212240000.0Z", "names a time of day that does not exist"),
        ("20230212106000.0Z", "names a time of day that does not exist"),
        ("20230212100060.0Z", "names a time of day that does not exist"),
        ("20230212100000Z", "has no fraction"),
        ("20230212100000.Z", "has no digit behind the point"),
        ("20230212100000.0", "has no Z"),
        ("20230212100000", "has no Z"),
        ("20230212100000.0+0100", "has an offset"),
        ("20230212100000-05", "has an offset"),
        ("20230212100000.12345678Z", "more than seven digits"),
        (" 20230212100000.0Z", "has blanks"),
        ("20230212100000.0Z\n", "has blanks"),
        ("20230212100000,0Z", "does not have the form"),
        ("20230212100000.0z", "does not have the form"),
        ("202302121000.0Z", "does not have the form"),
        ("12.02.2023 10:00", "does not have the form"),
        ("٢٠٢٣٠٢١٢١٠٠٠٠٠.0Z", "does not have the form"),
    ],
)
def test_each_wrong_generalized_time_has_its_own_reason(text, reason):
    with pytest.raises(DecodeError, match=r"^not a generalized time: ") as caught:
        generalized_time_text(text)
    assert reason in str(caught.value)


@given(st.datetimes())
def test_every_moment_reads_as_generalized_time(moment):
    text = f"{moment.year:04}{moment:%m%d%H%M%S}.{moment.microsecond:06}Z"
    assert generalized_time_text(text) == moment.isoformat(sep=" ", timespec="microseconds")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-02-12T10:00:00Z", "2023-02-12 10:00:00.000000"),
        ("2023-02-12T10:00Z", "2023-02-12 10:00:00.000000"),
        ("2023-02-12T10:00:00.5Z", "2023-02-12 10:00:00.500000"),
        ("2023-02-12T10:00:00.1234567Z", "2023-02-12 10:00:00.123456"),
        ("2023-02-12T10:00:00.9999999Z", "2023-02-12 10:00:00.999999"),
        ("2023-02-12T10:00:00+00:00", "2023-02-12 10:00:00.000000"),
        ("2023-01-01T00:30:00+02:00", "2022-12-31 22:30:00.000000"),
        ("2023-02-12T20:00:00.25-08:00", "2023-02-13 04:00:00.250000"),
        ("2023-02-12T10:00:00+05:45", "2023-02-12 04:15:00.000000"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00.000000"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31 23:59:59.999999"),
    ],
)
def test_graph_times(text, expected):
    assert iso_text(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not have the form"),
        ("2023-02-12", "does not have the form"),
        ("2023-02-12T10:00:00", "does not have the form"),
        ("2023-02-12 10:00:00Z", "does not have the form"),
        ("2023-02-12T10:00:00z", "does not have the form"),
        ("2023-02-12T10:00:00.Z", "does not have the form"),
        ("2023-02-12T10:00:00+0200", "does not have the form"),
        ("2023-02-12T10:00:00Z\n", "does not have the form"),
        ("2023-W06-7T10:00:00Z", "does not have the form"),
        ("20230212100000.0Z", "does not have the form"),
        ("2023-02-30T10:00:00Z", "a day that does not exist"),
        ("0000-01-01T00:00:00Z", "a day that does not exist"),
        ("2023-02-12T24:00:00Z", "a time of day that does not exist"),
        ("2023-02-12T23:59:60Z", "a time of day that does not exist"),
        ("2023-02-12T10:00:00+15:00", "an offset that does not exist"),
        ("2023-02-12T10:00:00+01:60", "an offset that does not exist"),
        ("0001-01-01T00:00:00+01:00", "outside the years 1 to 9999"),
        ("9999-12-31T23:59:59-01:00", "outside the years 1 to 9999"),
    ],
)
def test_wrong_graph_times_are_refused(text, reason):
    with pytest.raises(DecodeError) as caught:
        iso_text(text)
    assert reason in str(caught.value)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets)


@given(moments)
def test_every_moment_is_stored_alike_from_text_and_from_datetime(moment):
    stored = iso_text(moment.isoformat())
    assert STORED.fullmatch(stored)
    assert stored == from_datetime(moment)
    assert datetime.fromisoformat(stored).replace(tzinfo=UTC) == moment


@given(moments, moments)
def test_stored_texts_sort_as_their_moments(one, other):
    assert (from_datetime(one) < from_datetime(other)) == (one < other)


def test_a_datetime_without_a_zone_is_refused():
    with pytest.raises(DecodeError, match="without a zone"):
        from_datetime(datetime(2023, 2, 12))


def test_a_datetime_that_utc_cannot_hold_is_refused():
    with pytest.raises(DecodeError, match="outside the years 1 to 9999"):
        from_datetime(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


def test_now_is_a_stored_time():
    before = from_datetime(datetime.now(UTC))
    now = utc_now_text()
    assert STORED.fullmatch(now)
    assert before <= now <= from_datetime(datetime.now(UTC))


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("2023-02-12", None, "2023-02-12"),
        ("2023-02-12-08:00", None, "2023-02-12"),
        ("2023-02-12Z", None, "2023-02-12"),
        ("2023-02-12T23:30:00.000-08:00", None, "2023-02-12"),
        ("2023-02-12T00:00:00", None, "2023-02-12"),
        ("02/12/2023", "%m/%d/%Y", "2023-02-12"),
        ("12.2.2023", "%d.%m.%Y", "2023-02-12"),
        ("20230212", "%Y%m%d", "2023-02-12"),
    ],
)
def test_hr_dates_are_taken_as_written(text, pattern, expected):
    assert date_text(text, pattern) == expected


@pytest.mark.parametrize(
    ("text", "pattern", "reason"),
    [
        ("", None, "does not have the form"),
        ("02/12/2023", None, "does not have the form"),
        ("20230212", None, "does not have the form"),
        ("2023-2-12", None, "does not have the form"),
        ("2023-W06-7", None, "does not have the form"),
        ("2023-02-12 ", None, "does not have the form"),
        ("2023-02-30", None, "a day that does not exist"),
        ("2023-02-12", "%m/%d/%Y", "does not have the format '%m/%d/%Y'"),
        ("02/30/2023", "%m/%d/%Y", "does not have the format"),
        ("2023-02-12", "%Q", "does not have the format '%Q'"),
    ],
)
def test_other_dates_are_refused(text, pattern, reason):
    with pytest.raises(DecodeError) as caught:
        date_text(text, pattern)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1970-01-01", 0),
        ("1969-12-31", -1),
        ("2023-02-12", 19400),
        ("2023-02-12 23:59:59.999999", 19400),
        ("0001-01-01", -719162),
    ],
)
def test_days_since_1970(text, number):
    assert day(text) == number


@given(st.dates())
def test_days_count_as_the_calendar_counts(value):
    assert day(value.isoformat()) == (value - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    "text", ["", "2023-02-12T00:00:00Z", "2023-02-12 10:00", "20230212", "2023-W06-7", "2023-02-30", "2023-02-12 "]
)
def test_a_day_is_counted_from_stored_text_alone(text):
    with pytest.raises(DecodeError, match=r"^not a stored date or time: "):
        day(text)
