"""Destinations that keep failing are left alone for a while; each worker knows it by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from marketplace_sdk.delivery.attempting import Failure
    from marketplace_sdk.delivery.settings import Settings

__all__ = ["Rests"]


@frozen
class Rests:
    """Which destinations are left alone.

    Attributes:
        clock: returns an aware datetime.
        settings: for how long.
        known: until when, and after how many failures in a row, by name.
    """

    clock: Callable[[], datetime] = field(repr=False)
    settings: Settings
    known: dict[str, tuple[datetime, int]] = field(factory=dict, repr=False)

    def resting(self, name: str) -> bool:
        """Whether it is left alone now."""
        until, _ = self.known.get(name, (None, 0))
        return until is not None and self.clock() < until

    def failed(self, name: str, failure: Failure) -> None:
        """Leave one alone that fails again and again, asks for it, or keeps others waiting."""
        settings = self.settings
        _, streak = self.known.get(name, (None, 0))
        streak = max(streak + 1, settings.rest_after if failure.code == "timeout" else 0)
        wait = timedelta(0)
        if streak >= settings.rest_after:
            seconds = settings.base * 2.0 ** min(streak - settings.rest_after, 64)
            wait = timedelta(seconds=min(seconds, settings.cap))
        if failure.after is not None and failure.after > wait.total_seconds():
            wait = timedelta(seconds=min(failure.after, settings.longest_pause))
        self.known[name] = (self.clock() + wait, streak)

    def succeeded(self, name: str) -> None:
        """It takes what it is given."""
        self.known.pop(name, None)
