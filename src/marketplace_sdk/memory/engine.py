"""The engine that needs nothing: a loop in this process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from marketplace_sdk.plugin import StorageError

if TYPE_CHECKING:
    import threading

__all__ = ["LoopEngine"]

LONGEST_PAUSE = 60.0
"""Seconds between two tries while storage does not answer, at most."""

_log = logging.getLogger("marketplace_sdk.engine")


class _Delivers(Protocol):
    def deliver(self) -> Any: ...


@frozen
class LoopEngine:
    """Delivers what is due, waits, and delivers again.

    Attributes:
        interval: seconds to wait after a round in which nothing was left to do.
    """

    interval: float = 5.0

    def run(self, market: _Delivers, stop: threading.Event) -> None:
        """Go on until ``stop`` is set; a round that has begun is finished.

        Raises:
            StorageError: storage failed in a way that trying again does not mend.
        """
        failures = 0
        while not stop.is_set():
            try:
                market.deliver()
            except StorageError as error:
                if not error.retryable:
                    raise
                failures += 1
                pause = min(LONGEST_PAUSE, self.interval * 2.0 ** min(failures, 10))
                _log.warning("storage does not answer (%s); next try in %.0f s", error.code, pause)
                stop.wait(pause)
            else:
                failures = 0
                stop.wait(self.interval)
