"""How long something has been waiting for somebody, and when they are reminded of it. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from marketplace_sdk.domain.notice_kinds import REMINDER

if TYPE_CHECKING:
    from marketplace_sdk.domain.requests import AccessRequest, Inquiry

__all__ = ["REMIND_AFTER", "days_asked", "days_waiting", "reminds_today"]

REMIND_AFTER = (3, 7, 14)
"""Days after which somebody is reminded of a question, and then no more.

A question holds up nothing, so whoever asked can decide without the answer.
"""


def days_asked(inquiry: Inquiry, today: date) -> int:
    """Days of the calendar (UTC) since a question was asked."""
    return (today - inquiry.asked_at.astimezone(UTC).date()).days


def reminds_today(inquiry: Inquiry, last: date | None, today: date) -> bool:
    """Whether a reminder of a question falls on today, or fell on a day that was left out.

    Args:
        inquiry: not answered.
        last: the day on which people were reminded last; None if they never were.
        today: a later day.
    """
    before = 0 if last is None else days_asked(inquiry, last)
    return any(before < days <= days_asked(inquiry, today) for days in REMIND_AFTER)


def days_waiting(kind: str, request: AccessRequest, now: datetime) -> int:
    """For how many days a request has been waiting for what a reminder of this kind asks."""
    if kind == REMINDER:
        return (now - request.created_at) // timedelta(days=1)
    today = now.astimezone(UTC).date()
    return max((days_asked(each, today) for each in request.open_inquiries), default=0)
