"""Another side in memory, and the sound notifier on which each broken one stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.testing.conformance import Arrival, NotifierWorld
from marketplace_sdk.wire.codec import canonical, plain

if TYPE_CHECKING:
    from marketplace_sdk.ports.notifier import Message
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["TOKEN", "Mailbox", "MailboxWorld", "SoundNotifier"]

TOKEN = "t0ken-of-the-mailbox"  # noqa: S105  # of nothing
Mood = Literal["fine", "refusing", "gone", "hanging"]


class Mailbox:
    """Takes what it is given, as its mood is.

    Attributes:
        arrivals: what it has.
        mood: how it answers.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.mood: Mood = "fine"
        self._lock = threading.Lock()

    def put(self, id: str, content: str, patience: float) -> int:
        """Answers like a server, with a status.

        Raises:
            ConnectionError: nobody is there.
            TimeoutError: it did not answer in time.
        """
        if self.mood == "gone":
            raise ConnectionError(f"no route to mailbox {TOKEN} for {content}")
        if self.mood == "hanging":
            time.sleep(max(0.0, patience))
            raise TimeoutError
        if self.mood == "refusing":
            return 503
        with self._lock:
            self.arrivals.append(Arrival(id, content))
        return 200


class SoundNotifier:
    """A notifier without a fault.

    Attributes:
        caught_by: names of the checks of the kit that tell.
    """

    caught_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def deliver(self, message: Message, call: Call) -> None:
        """Hand it over; see the port."""
        if call.over:
            raise NotificationError("cannot deliver: no time is left", retryable=True)
        if message.sort == "notice" and not (message.recipient and message.recipient.email):
            raise NotificationError("cannot deliver: no address", code="no_address")
        self.send(message.id, self.content(message), call)

    def content(self, message: Message) -> str:
        """What the other side keeps, beside the id."""
        to = None if message.recipient is None else message.recipient.email
        return canonical(
            [message.type, message.subject, message.body, message.link, to, plain(message.data)]
        )

    def send(self, id: str, content: str, call: Call) -> None:
        """One attempt."""
        try:
            status = self.mailbox.put(id, content, call.seconds_left())
        except OSError:
            raise NotificationError(
                "cannot deliver: the mailbox does not answer", retryable=True
            ) from None
        if status != 200:  # as servers say
            raise NotificationError(f"cannot deliver: it answered {status}", retryable=True)

    def close(self) -> None:
        """There is nothing to let go of."""


class MailboxWorld(NotifierWorld):
    """The mailbox, and notifiers of one kind for it."""

    secrets: Sequence[str] = (TOKEN,)

    def __init__(self, make: Callable[[Mailbox], Any] = SoundNotifier) -> None:
        self.mailbox: Mailbox = Mailbox()
        self._make = make

    def connect(self) -> Any:
        """A notifier for the mailbox."""
        return self._make(self.mailbox)

    def arrived(self) -> Sequence[Arrival]:
        """What the mailbox has."""
        return list(self.mailbox.arrivals)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """It answers 503."""
        yield from self._feeling("refusing")

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Nobody is there."""
        yield from self._feeling("gone")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It never answers."""
        yield from self._feeling("hanging")

    def _feeling(self, mood: Mood) -> Iterator[None]:
        self.mailbox.mood = mood
        try:
            yield
        finally:
            self.mailbox.mood = "fine"
