"""A clock that moves only when it is told to."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from marketplace_sdk.domain.values import aware

__all__ = ["FrozenClock"]


class FrozenClock:
    """Give it as ``clock=`` to a marketplace. Safe to use from several threads.

    Args:
        start: where it stands first; an aware datetime.

    Raises:
        InvalidInput: the start names no instant, because it has no time zone.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self._lock = threading.Lock()
        self._now = aware(start, "start")

    def __call__(self) -> datetime:
        """The moment at which it stands, in UTC."""
        with self._lock:
            return self._now

    def advance(self, by: timedelta | None = None, **parts: float) -> datetime:
        """Go on by a timedelta, or by what makes one (``days=7``); returns the new moment."""
        step = (by or timedelta()) + timedelta(**parts)
        with self._lock:
            self._now += step
            return self._now

    def set(self, moment: datetime) -> None:
        """Stand at this moment; it may be in the past.

        Raises:
            InvalidInput: the moment has no time zone.
        """
        instant = aware(moment, "moment")
        with self._lock:
            self._now = instant
