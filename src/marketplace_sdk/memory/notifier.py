"""A notifier that remembers what it was given."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.memory.faults import Failures

if TYPE_CHECKING:
    from marketplace_sdk.ports.notifier import Message
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["MemoryNotifier"]


class MemoryNotifier:
    """Keeps every message in the order of delivery, repetitions included.

    Attributes:
        receives: both sorts of messages, when the object itself is given to a marketplace.
        closed: how often it was closed.
    """

    receives: frozenset[str] = frozenset({"event", "notice"})

    def __init__(self) -> None:
        self.closed: int = 0
        self._failures = Failures()
        self._lock = threading.Lock()
        self._messages: list[Message] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """Everything delivered so far."""
        with self._lock:
            return tuple(self._messages)

    @property
    def events(self) -> tuple[Message, ...]:
        """What was meant for systems."""
        return tuple(message for message in self.messages if message.sort == "event")

    @property
    def notices(self) -> tuple[Message, ...]:
        """What was meant for people."""
        return tuple(message for message in self.messages if message.sort == "notice")

    def fail(self, calls: int = 1, error: Exception | None = None) -> None:
        """Let the next deliveries raise ``error``; by default a retryable NotificationError."""
        planned = error or NotificationError(
            "cannot deliver: the memory notifier was told to fail", retryable=True
        )
        self._failures.plan(calls, planned)

    def clear(self) -> None:
        """Forget the messages."""
        with self._lock:
            self._messages.clear()

    def deliver(self, message: Message, call: Call) -> None:
        """Remember the message.

        Raises:
            NotificationError: it was told to fail, or the time of the call is over.
        """
        self._failures.check()
        if call.over:
            raise NotificationError("cannot deliver: no time is left", retryable=True)
        with self._lock:
            self._messages.append(message)

    def close(self) -> None:
        """There is nothing to let go of."""
        self.closed += 1
