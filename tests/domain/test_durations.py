"""How long: calendar arithmetic in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.durations import (
    LAST_INSTANT,
    UNITS,
    Duration,
    end_of,
    window,
)
from marketplace_sdk.errors import InvalidInput
from tests.domain.building import NOW, problems_of

MOMENTS = st.datetimes(
    min_value=datetime.fromisoformat("1970-01-01"),
    max_value=datetime.fromisoformat("9999-12-30"),
    timezones=st.just(UTC),
)
AMOUNTS = st.integers(min_value=1, max_value=10_000)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2026-01-31T12:00", 1, "months", "2026-02-28T12:00"),
        ("2024-01-31T12:00", 1, "months", "2024-02-29T12:00"),
        ("2026-03-31T00:00", 1, "months", "2026-04-30T00:00"),
        ("2026-12-31T23:59", 1, "months", "2027-01-31T23:59"),
        ("2026-12-15T00:00", 12, "months", "2027-12-15T00:00"),
        ("2026-11-30T00:00", 3, "months", "2027-02-28T00:00"),
        ("2024-02-29T06:00", 1, "years", "2025-02-28T06:00"),
        ("2024-02-29T06:00", 4, "years", "2028-02-29T06:00"),
        ("2096-02-29T00:00", 4, "years", "2100-02-28T00:00"),
        ("1996-02-29T00:00", 4, "years", "2000-02-29T00:00"),
        ("2026-01-31T12:00", 1, "hours", "2026-01-31T13:00"),
        ("2024-02-28T12:00", 1, "days", "2024-02-29T12:00"),
        ("2026-02-28T12:00", 1, "days", "2026-03-01T12:00"),
        ("2026-12-29T12:00", 1, "weeks", "2027-01-05T12:00"),
        ("2026-01-31T12:00", 90, "seconds", "2026-01-31T12:01:30"),
    ],
)
def test_months_and_years_are_of_the_calendar_and_clamped(start, amount, unit, end):
    """A month from 31 January ends on the last day of February; days are days."""
    assert Duration(amount, unit).after(at(start)) == at(end)


def test_the_start_is_taken_in_utc():
    """Clamping looks at the date in UTC, wherever the caller is."""
    local = datetime(2026, 2, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))  # 31 January in UTC

    assert Duration(1, "months").after(local) == at("2026-02-28T23:30")


@pytest.mark.parametrize(
    ("start", "amount", "unit"),
    [
        ("9999-01-01T00:00", 1, "years"),
        ("9999-12-01T00:00", 1, "months"),
        ("9999-12-31T12:00", 1, "days"),
        ("9999-12-31T12:00", 1, "hours"),
        ("2026-01-01T00:00", 10_000, "years"),
        ("9500-01-01T00:00", 10_000, "months"),
        ("9990-01-01T00:00", 10_000, "days"),
        ("2026-01-01T00:00", 86_399_999_999_999, "seconds"),
    ],
)
def test_the_calendar_ends_and_so_does_every_duration(start, amount, unit):
    """An end beyond the year 9999 is its last day."""
    assert Duration(amount, unit).after(at(start)) == LAST_INSTANT


@given(MOMENTS, st.sampled_from(UNITS), AMOUNTS, AMOUNTS)
def test_a_longer_duration_never_ends_earlier(start, unit, one, other):
    """Durations are monotone in their amount."""
    short, long = sorted((one, other))

    assert Duration(short, unit).after(start) <= Duration(long, unit).after(start)


@given(MOMENTS, MOMENTS, st.sampled_from(UNITS), AMOUNTS)
def test_a_later_start_never_ends_earlier(one, other, unit, amount):
    """Durations are monotone in their start, even where months are clamped."""
    early, late = sorted((one, other))
    wish = Duration(amount, unit)

    assert wish.after(early) <= wish.after(late)


@given(MOMENTS, st.sampled_from(UNITS), AMOUNTS)
def test_an_end_is_later_than_its_start_and_in_utc(start, unit, amount):
    """Every duration is positive."""
    end = Duration(amount, unit).after(start)

    assert start < end <= LAST_INSTANT
    assert end.tzinfo is UTC


@pytest.mark.parametrize("amount", [0, -1, 1.0, 1.5, True, False, "3", None])
@pytest.mark.parametrize("unit", UNITS)
def test_an_amount_is_a_whole_number_of_at_least_one(amount, unit):
    """Zero, negative numbers, fractions and truth values are no amounts."""
    assert problems_of(Duration, amount, unit) == {
        "duration.amount": "must be a whole number of at least 1"
    }


@pytest.mark.parametrize("unit", ["minutes", "DAYS", "day", "", None, 5])
def test_a_unit_is_one_of_five(unit):
    """Hours, days, weeks, months, years."""
    assert problems_of(Duration, 1, unit) == {
        "duration.unit": "must be one of hours, days, weeks, months, years"
    }


def test_all_that_is_wrong_is_told_at_once():
    """Unit and amount are two problems."""
    assert set(problems_of(Duration, 0, "minutes")) == {"duration.unit", "duration.amount"}


@pytest.mark.parametrize("unit", UNITS)
def test_an_amount_has_a_limit(unit):
    """10,000 of anything is enough."""
    assert Duration(10_000, unit).amount == 10_000
    assert problems_of(Duration, 10_001, unit) == {"duration.amount": "must be at most 10000"}


def test_seconds_go_as_far_as_a_timedelta():
    """What a timedelta can say, a Duration can; and its text can be written."""
    longest = Duration.of(timedelta.max - timedelta(microseconds=999_999))

    assert str(longest) == "999999999 days, 23:59:59"
    assert problems_of(Duration, longest.amount + 1, "seconds") == {
        "duration.amount": "must be at most 86399999999999"
    }


@pytest.mark.parametrize(
    "value",
    [
        timedelta(0),
        timedelta(seconds=-1),
        timedelta(milliseconds=999),
        timedelta(seconds=1.5),
        timedelta(days=200_000, microseconds=1),  # a float of seconds would lose it
        timedelta.max,
    ],
)
def test_a_timedelta_is_positive_and_in_whole_seconds(value):
    """Fractions of a second are refused, however small beside the rest."""
    assert problems_of(Duration.of, value, "until") == {
        "until": "must be positive and in whole seconds"
    }


def test_a_timedelta_becomes_seconds_and_a_duration_stays():
    """Both may stand wherever a duration is wanted."""
    month = Duration(1, "months")

    assert Duration.of(timedelta(days=2)) == Duration(172_800, "seconds")
    assert Duration.of(timedelta(seconds=1)) == Duration(1, "seconds")
    assert Duration.of(month) is month


@pytest.mark.parametrize("value", [30, "30 days", None, NOW])
def test_nothing_else_is_a_duration(value):
    """A number has no unit."""
    assert problems_of(Duration.of, value) == {"duration": "must be a Duration or a timedelta"}


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (Duration(1, "days"), "1 day"),
        (Duration(2, "months"), "2 months"),
        (Duration(1, "years"), "1 year"),
        (Duration(90, "seconds"), "0:01:30"),
    ],
)
def test_a_duration_reads_like_english(duration, words):
    """One day, two months."""
    assert str(duration) == words


def test_a_window_is_nothing_a_duration_or_an_instant():
    """``until=`` takes a Duration or timedelta, counted later, or an instant."""
    local = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=1)))

    assert window(None) is None
    assert window(Duration(3, "days")) == Duration(3, "days")
    assert window(timedelta(hours=1)) == Duration(3600, "seconds")
    assert window(local) == at("2026-01-01T00:00")
    assert window(local).tzinfo is UTC


def test_a_naive_end_is_refused():
    """A naive datetime names no instant."""
    assert problems_of(window, datetime(2026, 1, 1)) == {  # noqa: DTZ001 - naive is the case
        "until": "must be a datetime with a time zone"
    }
    assert problems_of(window, "tomorrow", "end") == {"end": "must be a Duration or a timedelta"}


def test_an_end_is_absolute_or_counted_from_the_start():
    """The clock of a duration starts at the final determination."""
    assert end_of(at("2027-01-01T00:00"), NOW) == at("2027-01-01T00:00")
    assert end_of(Duration(1, "days"), NOW) == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30 days", Duration(30, "days")),
        (" 1 Month ", Duration(1, "months")),
        ("90seconds", Duration(90, "seconds")),
    ],
)
def test_a_duration_is_read_from_words_and_written_so(text, duration):
    assert Duration.parse(text) == duration
    assert Duration.parse(duration.words) == duration


@pytest.mark.parametrize("text", ["", "days", "1.5 days", "-1 day", "0 days", "3 moons", 5, None])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidInput, match="cannot use this duration"):
        Duration.parse(text)
