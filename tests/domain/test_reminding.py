"""How long a question waits, and on which days whoever was asked is reminded of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.reminding import REMIND_AFTER, days_asked, reminds_today
from marketplace_sdk.domain.requests import Inquiry

ASKED = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
INQUIRY = Inquiry(id="i-1", asked_by="ana", asked_at=ASKED, question="Which quarter?")


def after(days):
    return ASKED.date() + timedelta(days=days)


def test_days_are_those_of_the_calendar_in_utc():
    """Half an hour before midnight counts as the day it was; whatever zone wrote it down."""
    elsewhere = Inquiry(
        id="i-2",
        asked_by="ana",
        asked_at=ASKED.astimezone(timezone(timedelta(hours=9))),
        question="Which quarter?",
    )
    for inquiry in (INQUIRY, elsewhere):
        assert days_asked(inquiry, date(2026, 3, 1)) == 0
        assert days_asked(inquiry, date(2026, 3, 2)) == 1


def test_who_is_looked_at_every_day_is_reminded_after_three_seven_and_fourteen_days():
    days = [day for day in range(400) if reminds_today(INQUIRY, after(day - 1), after(day))]

    assert days == [3, 7, 14] == list(REMIND_AFTER)


@pytest.mark.parametrize("days", [3, 5, 14, 100])
def test_the_first_look_of_all_finds_what_has_waited_long(days):
    """A store of a release that reminded nobody."""
    assert reminds_today(INQUIRY, None, after(days))


@given(
    st.integers(min_value=-5, max_value=20),
    st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=60),
)
def test_however_often_nothing_ran_nobody_is_reminded_early_or_more_than_three_times(first, gaps):
    """Each reminder that fell into a gap is made up for once, together with the others in it."""
    last, reminded = after(first), []
    for gap in gaps:
        today = last + timedelta(days=gap)
        if reminds_today(INQUIRY, last, today):
            reminded.append(days_asked(INQUIRY, today))
        last = today

    assert len(reminded) <= len(REMIND_AFTER)
    assert all(day >= REMIND_AFTER[0] for day in reminded)
    missed = [days for days in REMIND_AFTER if first < days <= days_asked(INQUIRY, last)]
    assert bool(missed) == bool(reminded)
