"""Conversions between .NET ticks and timestamps are exact."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_smokeball import dotnet_ticks

# Values from the vendor's documentation, with independently computed timestamps.
DOCUMENTED = {
    637847425252027400: "2022-04-05T08:02:05.2027400Z",
    638193848837974931: "2023-05-11T06:54:43.7974931Z",
    637771038395217729: "2022-01-06T22:10:39.5217729Z",
    638138489289266248: "2023-03-08T05:08:48.9266248Z",
    637873555398585000: "2022-05-05T13:52:19.8585000Z",
    630823536000000000: "2000-01-01T20:00:00.0000000Z",
    637981232724209300: "2022-09-07T04:54:32.4209300Z",
    621355968000000000: "1970-01-01T00:00:00.0000000Z",
    0: "0001-01-01T00:00:00.0000000Z",
    3155378975999999999: "9999-12-31T23:59:59.9999999Z",
}

any_ticks = st.integers(min_value=0, max_value=dotnet_ticks.MAX)


@pytest.mark.parametrize(("value", "text"), DOCUMENTED.items())
def test_ticks_match_documented_timestamps(value: int, text: str) -> None:
    assert dotnet_ticks.to_rfc3339(value) == text
    assert dotnet_ticks.from_rfc3339(text) == value


@given(any_ticks)
def test_ticks_round_trip_through_rfc3339(value: int) -> None:
    assert dotnet_ticks.from_rfc3339(dotnet_ticks.to_rfc3339(value)) == value


@given(any_ticks)
def test_ticks_keep_order_as_rfc3339(value: int) -> None:
    if value < dotnet_ticks.MAX:
        assert dotnet_ticks.to_rfc3339(value) < dotnet_ticks.to_rfc3339(value + 1)


@given(any_ticks)
def test_ticks_are_truncated_to_microseconds(value: int) -> None:
    """A column's timestamp is truncated, not rounded."""
    assert dotnet_ticks.from_rfc3339(dotnet_ticks.to_column(value)) == value - value % 10


@given(any_ticks)
def test_ticks_are_truncated_to_whole_seconds(value: int) -> None:
    """A filter in whole seconds never starts later than the ticks."""
    assert (
        dotnet_ticks.from_rfc3339(dotnet_ticks.to_iso_seconds(value))
        == value - value % dotnet_ticks.PER_SECOND
    )


@given(st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=11))])))
def test_ticks_from_datetime_keep_microseconds(timestamp: datetime) -> None:
    try:
        utc = timestamp.astimezone(timezone.utc)
    except OverflowError:
        return
    since = utc.replace(tzinfo=None) - datetime(1, 1, 1)  # noqa: DTZ001 - as ticks are counted
    assert dotnet_ticks.from_datetime(timestamp) == since // timedelta(microseconds=1) * 10


@given(any_ticks, st.integers(min_value=-14 * 60, max_value=14 * 60))
def test_ticks_from_rfc3339_respect_utc_offset(value: int, minutes: int) -> None:
    value -= value % 10
    timestamp = datetime(1, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=value // 10)
    try:
        local = timestamp.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    assert dotnet_ticks.from_rfc3339(local.isoformat()) == value


@pytest.mark.parametrize(
    "text",
    [
        "2022-04-05T08:02:05",
        "2022-04-05",
        "2022-02-30T00:00:00Z",
        "2022-04-05T08:02:60Z",
        "0001-01-01T00:00:00+10:00",
        "yesterday",
        "",
    ],
)
def test_ticks_reject_invalid_timestamps(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the contract
        dotnet_ticks.from_rfc3339(text)


@pytest.mark.parametrize("value", [-1, dotnet_ticks.MAX + 1])
def test_ticks_reject_values_out_of_range(value: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        dotnet_ticks.to_rfc3339(value)


def test_ticks_reject_naive_datetime() -> None:
    with pytest.raises(ValueError, match="zone"):
        dotnet_ticks.from_datetime(datetime(2022, 4, 5))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("637771038395217729", 637771038395217729),
        (637771038395217729, 637771038395217729),
        ("750eb5c5-ac0b-7d11-4997-e0ce9d8896c8", None),
        ("٦٣٧", None),
        ("", None),
        (None, None),
        (True, None),
        (-5, None),
        ("99999999999999999999", None),
    ],
)
def test_ticks_parser_accepts_ascii_digits_only(value: object, expected: int | None) -> None:
    assert dotnet_ticks.parse(value) == expected


def test_ticks_parse_http_dates() -> None:
    assert dotnet_ticks.from_http_date(
        "Sun, 06 Nov 1994 08:49:37 GMT"
    ) == dotnet_ticks.from_rfc3339("1994-11-06T08:49:37Z")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (637847425252027400, 637847425252027400),
        ("637847425252027400", 637847425252027400),
        ("2022-04-05T08:02:05.2027400Z", 637847425252027400),
        ("2022-04-05T18:02:05.2027400+10:00", 637847425252027400),
        ("2022-04-05T08:02:05.2027400", 637847425252027400),
        ("2000-01-01T20:00:00", 630823536000000000),
        ("yesterday", None),
        (None, None),
        (1.5, None),
        (True, None),
    ],
)
def test_ticks_parse_both_updated_at_formats(value: object, expected: int | None) -> None:
    """An updated-at field holds ticks or a date-time."""
    assert dotnet_ticks.from_timestamp(value) == expected


def test_ticks_format_seconds_without_zone() -> None:
    assert dotnet_ticks.to_zoneless_seconds(637847425252027400) == "2022-04-05T08:02:05"
