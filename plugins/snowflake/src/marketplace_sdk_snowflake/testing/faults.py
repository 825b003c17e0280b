"""Faults that a test asks for: when they strike, and how often."""

from __future__ import annotations

import re
import threading
from enum import StrEnum

from attrs import define

__all__ = ["Fault", "FaultKind", "Faults"]


class FaultKind(StrEnum):
    """What goes wrong with a statement."""

    UNAVAILABLE = "503"
    """HTTP 503; the statement has no effect."""
    LOST_ANSWER = "lost answer"
    """The statement takes effect, then the connection drops once; the connector sends it again."""
    DROPPED_BEFORE = "dropped before"
    """The connection drops at every try of this request, and nothing takes effect."""
    DROPPED_AFTER = "dropped after"
    """The statement takes effect at the first try; the connection drops at every try."""
    SESSION_EXPIRED = "390112"
    """The session's token has expired; the connector renews it."""
    LOGIN_EXPIRED = "390114"
    """The master token has expired as well: somebody must log in again."""
    SLOW = "slow"
    """The answer takes ``seconds``."""
    NOT_EXECUTED = "not executed"
    """The old way to fail: a row that says so, and no effect."""
    REFUSED = "refused"
    """003001, insufficient privileges."""
    CANCELLED = "cancelled"
    """000604, the statement was cancelled."""


@define
class Fault:
    """One fault: it strikes statements that fit ``matching`` from the ``nth`` on, ``times`` times.

    A statement that the connector sends again is the same statement; ``tries`` of them are struck.
    """

    kind: FaultKind
    matching: re.Pattern[str]
    nth: int
    times: int
    tries: int
    seconds: float
    seen: int = 0


_FOR_EVER = 1_000_000
_STICKY = {FaultKind.DROPPED_BEFORE, FaultKind.DROPPED_AFTER}


class Faults:
    """The faults of a fake."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._requests: dict[str, tuple[Fault | None, int]] = {}
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        matching: str = "",
        *,
        nth: int = 1,
        times: int = 1,
        tries: int | None = None,
        seconds: float = 0.0,
    ) -> Fault:
        """Let statements fail.

        Args:
            kind: one of ``FaultKind``.
            matching: a regular expression that is searched for in the text, in any case.
            nth: the first of the fitting statements that is struck.
            times: how many are struck from there on.
            tries: how many tries of each are struck: one, or all of them for the dropped kinds.
            seconds: how long a slow answer takes.

        Raises:
            ValueError: an unknown kind, or a number below 1.
        """
        chosen = FaultKind(kind)
        if tries is None:
            tries = _FOR_EVER if chosen in _STICKY else 1
        if min(nth, times, tries) < 1:
            raise ValueError("nth, times and tries count from 1")
        pattern = re.compile(matching, re.IGNORECASE | re.DOTALL)
        fault = Fault(chosen, pattern, nth, times, tries, seconds)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()
            self._requests.clear()

    def strike(self, text: str, request_id: str) -> Fault | None:
        """The fault for this try of a statement, and count it."""
        with self._lock:
            if request_id in self._requests:
                fault, tries = self._requests[request_id]
            else:
                fault, tries = self._fresh(text), 0
            self._requests[request_id] = (fault, tries + 1)
            return fault if fault is not None and tries < fault.tries else None

    def _fresh(self, text: str) -> Fault | None:
        hit = None
        for fault in self._faults:
            if fault.matching.search(text):
                fault.seen += 1
                if hit is None and fault.nth <= fault.seen < fault.nth + fault.times:
                    hit = fault
        return hit
