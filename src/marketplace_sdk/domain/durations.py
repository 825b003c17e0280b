"""How long: whole hours, days, weeks, months or years, on the calendar, in UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from marketplace_sdk.domain.values import aware
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["UNITS", "Duration", "Window", "end_of", "window"]

UNITS: Final = ("hours", "days", "weeks", "months", "years")
_SECONDS: Final = {"seconds": 1, "hours": 3600, "days": 86_400, "weeks": 604_800}
_MONTHS: Final = {"months": 1, "years": 12}
LONGEST: Final = 10_000
_WORDS: Final = re.compile(
    r"\s*(?P<amount>[0-9]{1,15})\s*(?P<unit>second|hour|day|week|month|year)s?\s*", re.IGNORECASE
)
_MOST_SECONDS: Final = timedelta.max // timedelta(seconds=1)
LAST_INSTANT: Final = datetime(9999, 12, 31, tzinfo=UTC)


@frozen
class Duration:
    """A whole, positive amount of time.

    Months and years are counted on the calendar and clamped to the end of a shorter month: one
    month from 31 January is 28 or 29 February.

    Attributes:
        amount: 1 to 10,000 (more for seconds, which only a timedelta gives).
        unit: hours, days, weeks, months or years.

    Raises:
        InvalidInput: for another unit or an amount that is not whole and positive.
    """

    amount: int
    unit: str

    def __attrs_post_init__(self) -> None:
        problems = []
        if self.unit not in UNITS and self.unit != "seconds":
            problems.append(Problem("duration.unit", f"must be one of {', '.join(UNITS)}"))
        if isinstance(self.amount, bool) or not isinstance(self.amount, int) or self.amount < 1:
            problems.append(Problem("duration.amount", "must be a whole number of at least 1"))
        elif self.amount > (longest := _MOST_SECONDS if self.unit == "seconds" else LONGEST):
            problems.append(Problem("duration.amount", f"must be at most {longest}"))
        if problems:
            raise InvalidInput("cannot use this duration", problems=problems)

    @classmethod
    def of(cls, value: Duration | timedelta, path: str = "duration") -> Duration:
        """A Duration from a timedelta of at least one second, or the Duration itself."""
        if isinstance(value, Duration):
            return value
        if not isinstance(value, timedelta):
            raise InvalidInput(
                "cannot use this duration",
                problems=[Problem(path, "must be a Duration or a timedelta")],
                hint='for example Duration(3, "months")',
            )
        seconds, rest = divmod(value, timedelta(seconds=1))
        if seconds < 1 or rest:
            raise InvalidInput(
                "cannot use this duration",
                problems=[Problem(path, "must be positive and in whole seconds")],
            )
        return cls(seconds, "seconds")

    @classmethod
    def parse(cls, text: str, path: str = "duration") -> Duration:
        """A Duration from words such as ``30 days`` or ``1 month``; seconds are taken, too.

        Raises:
            InvalidInput: it is not a whole number and a unit.
        """
        found = _WORDS.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise InvalidInput(
                "cannot use this duration",
                problems=[
                    Problem(path, f"must be a whole number and one of {', '.join(UNITS)}"),
                ],
                hint="for example 30 days",
            )
        return cls(int(found["amount"]), f"{found['unit'].lower()}s")

    @property
    def words(self) -> str:
        """The duration as ``parse`` reads it."""
        return f"{self.amount} {self.unit if self.amount != 1 else self.unit[:-1]}"

    def after(self, start: datetime) -> datetime:
        """The instant this long after ``start`` (aware), at most the last day of the year 9999."""
        return min(self._after(start.astimezone(UTC)), LAST_INSTANT)

    def shorter_than(self, other: Duration) -> bool:
        """Whether it ends before ``other``, from whatever moment both are counted."""
        if self.unit in _MONTHS and other.unit in _MONTHS:
            return self.amount * _MONTHS[self.unit] < other.amount * _MONTHS[other.unit]
        return self._bounds()[1] < other._bounds()[0]

    def _bounds(self) -> tuple[int, int]:
        """Seconds that it takes at least, and at most."""
        if self.unit in _SECONDS:
            return (self.amount * _SECONDS[self.unit],) * 2
        years, months = divmod(self.amount * _MONTHS[self.unit], 12)
        # One of the months left over may be February; all others have 30 days or 31.
        least = 365 * years + (28 + 30 * (months - 1) if months else 0)
        return least * _SECONDS["days"], (366 * years + 31 * months) * _SECONDS["days"]

    def _after(self, start: datetime) -> datetime:
        try:
            if self.unit in _SECONDS:
                return start + timedelta(seconds=self.amount * _SECONDS[self.unit])
            months = start.year * 12 + start.month - 1 + self.amount * _MONTHS[self.unit]
            year, month = divmod(months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            return start.replace(year=year, month=month + 1, day=min(start.day, last))
        except (OverflowError, ValueError):
            return LAST_INSTANT

    def __str__(self) -> str:
        if self.unit == "seconds":
            return str(timedelta(seconds=self.amount))
        return self.words


Window = Duration | datetime
"""An end: counted from the final determination, or an absolute instant (UTC)."""


def window(value: Duration | timedelta | datetime | None, path: str = "until") -> Window | None:
    """What a caller gave as ``until=``, checked and normalised; None stays None."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return aware(value, path)
    return Duration.of(value, path)


def end_of(value: Window, start: datetime) -> datetime:
    """The instant at which a window that is counted from ``start`` ends."""
    return value if isinstance(value, datetime) else value.after(start)
