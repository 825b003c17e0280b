"""How many requests a second are sent: the SDK has a setting for it, and does nothing with it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Throttle"]

_BURST = 2
"""Seconds' worth of requests that may be sent at once after a rest."""


class Throttle:
    """A bucket that fills at a steady rate; each request takes one out. May be shared by threads.

    Args:
        rate: requests a second.
        clock: seconds, which never run backwards.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._full = max(1.0, rate * _BURST)
        self._left = self._full
        self._at = clock()

    def take(self, longest: float) -> float:
        """Seconds to wait before the next request; more than ``longest``: none was taken."""
        with self._lock:
            self._fill()
            wait = max(0.0, (1 - self._left) / self._rate)
            if wait <= longest:
                # What is taken in advance is owed, so that the next one waits longer.
                self._left -= 1
            return wait

    def empty(self) -> None:
        """The platform says that it was too much: what was saved up is gone."""
        with self._lock:
            self._fill()
            self._left = min(self._left, 0.0)

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._full, self._left + (now - self._at) * self._rate)
        self._at = now
