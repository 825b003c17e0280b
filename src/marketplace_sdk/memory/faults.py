"""Switches with which tests make something in memory fail."""

from __future__ import annotations

import threading

__all__ = ["Crash", "Failures"]


class Crash(BaseException):
    """The process died here. No ``except Exception`` gets to see it, as after a power cut."""


class Failures:
    """How many of the next calls fail, and with what. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._error: Exception | None = None

    def plan(self, calls: int, error: Exception) -> None:
        """Let this many of the next calls raise ``error``; 0 ends it."""
        with self._lock:
            self._left, self._error = calls, error

    def check(self) -> None:
        """Raise the planned error, if it is still planned for this call."""
        with self._lock:
            if self._left <= 0 or self._error is None:
                return
            self._left -= 1
            error = self._error
        raise error
