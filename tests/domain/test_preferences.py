"""Quiet hours, times of digests, and who decides how somebody is told."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.preferences import (
    MOST_GATHERED,
    Channel,
    Digest,
    PersonPreferences,
    QuietHours,
    mode_of,
    next_time,
    time_of,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Asia/Kathmandu"]
).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
TEXTS = TIMES.map(lambda at: at.isoformat("minutes"))
MODES = st.sampled_from(["immediate", "digest", "off"])
BY_KIND = st.dictionaries(st.sampled_from(["a", "b", "*"]), MODES)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@given(MOMENTS, TEXTS, TEXTS, ZONES)
def test_quiet_hours_end_later_and_are_over_then(now, begins, ends, zone):
    """Whatever clocks do, nothing is held for ever, nor for a moment that is past."""
    quiet = QuietHours(begins, ends)

    end = quiet.until(now, zone)

    if end is not None:
        assert now < end <= now + timedelta(hours=26)
        assert quiet.until(end, zone) is None or begins == ends


@given(MOMENTS, TEXTS, TEXTS)
def test_where_clocks_do_not_change_it_is_what_the_clock_shows(now, begins, ends):
    """Between the two times, over midnight too."""
    shown, first, last = now.time(), time_of(begins), time_of(ends)
    within = first <= shown < last if first < last else shown >= first or shown < last

    if first != last:
        assert (QuietHours(begins, ends).until(now, UTC) is not None) == within


def test_quiet_hours_follow_the_clocks_of_the_person():
    """On 29 March 2026 the night in Berlin is an hour shorter, on 25 October an hour longer."""
    night = QuietHours("22:00", "07:00")

    assert night.until(utc(2026, 3, 28, 21, 30), BERLIN) == utc(2026, 3, 29, 5)
    assert night.until(utc(2026, 10, 24, 20, 30), BERLIN) == utc(2026, 10, 25, 6)
    assert night.until(utc(2026, 3, 28, 20, 59), BERLIN) is None


def test_quiet_hours_that_end_in_an_hour_that_comes_twice_end_the_first_time():
    """02:30 comes twice; what was held is sent then, and nothing is held the second time."""
    night = QuietHours("22:00", "02:30")

    assert night.until(utc(2026, 10, 25, 0, 10), BERLIN) == utc(2026, 10, 25, 0, 30)
    assert night.until(utc(2026, 10, 25, 1, 10), BERLIN) is None


def test_quiet_hours_that_clocks_skip_are_none():
    """From 02:10 to 02:50 there is nothing on the night on which 02 is left out."""
    assert QuietHours("02:10", "02:50").until(utc(2026, 3, 29, 0, 59), BERLIN) is None


@given(MOMENTS, TIMES, ZONES)
def test_the_next_time_of_day_is_later_and_within_a_day_or_so(after, at, zone):
    """Never the moment itself, so that one digest is not followed by another at once."""
    due = next_time(after, at, zone)

    assert after < due <= after + timedelta(hours=50)
    shown = due.astimezone(zone).time()
    assert shown == at or due.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()


@pytest.mark.parametrize(
    "text", ["", "8:00", "24:00", "08:60", "08:00:00", "08:00\n", "\u0660\u0668:\u0660\u0660"]
)
def test_a_time_of_day_has_one_spelling(text):
    """HH:MM and nothing else."""
    with pytest.raises(ValueError, match="08:00"):
        time_of(text)


@given(BY_KIND, BY_KIND)
def test_the_more_special_and_the_persons_own_word_counts(own, set_):
    """Own for the kind, own for all, the administrator's for the kind, his for all, at once."""
    chosen = PersonPreferences(person="ana", channels={"mail": own})
    channel = Channel(name="mail", modes=set_)

    words = [own.get("a"), own.get("*"), set_.get("a"), set_.get("*"), "immediate"]
    assert mode_of(channel, chosen, "mail", "a") == next(each for each in words if each)
    assert mode_of(Channel(name="mail", on=False), chosen, "mail", "a") == "off"
    assert mode_of(None, None, "mail", "a") == "immediate"


def test_a_digest_stays_small():
    """It names the first and counts the rest, for each channel by itself."""
    gathered = Digest(person="ana", since=utc(2026, 1, 1))
    for number in range(MOST_GATHERED + 3):
        gathered = gathered.added("mail", str(number))
    gathered = gathered.added("chat", "0")

    assert len(gathered.messages["mail"]) == MOST_GATHERED
    assert gathered.more == {"mail": 3}
    assert gathered.messages["chat"] == ("0",)
