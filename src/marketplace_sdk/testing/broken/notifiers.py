"""Notifiers with one fault each, on top of a sound one; ``caught_by`` names the checks that tell.

``SoundNotifier`` has none: it delivers to a mailbox in memory that can refuse, vanish and hang.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.testing.broken._notifiers_base import (
    TOKEN,
    Mailbox,
    MailboxWorld,
    SoundNotifier,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.notifier import Message
    from marketplace_sdk.ports.provisioner import Call

__all__ = [
    "BROKEN",
    "BlocksPastTheDeadline",
    "BreaksWhenClosedTwice",
    "CallsARefusalFinal",
    "ChainsForeignErrors",
    "ChangesTheId",
    "ConfusesThreads",
    "DeliversLate",
    "DeliversTwice",
    "EditsTheMessage",
    "FallsOverUnusualWords",
    "LogsWhatItSends",
    "Mailbox",
    "MailboxWorld",
    "PassesOverEvents",
    "RaisesForeignErrors",
    "RepeatsWhatItSent",
    "SaysDelivered",
    "SendsTheNewestFirst",
    "SendsToSomebody",
    "SendsWithoutTime",
    "ShowsItsSecret",
    "SoundNotifier",
    "StampsEachAttempt",
    "SwallowsErrors",
]

_log = logging.getLogger("marketplace_sdk.testing.broken")
TOO_LONG = 3.0


class SaysDelivered(SoundNotifier):
    """Puts messages aside and says that they were delivered."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_was_delivered_is_there",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""


class PassesOverEvents(SoundNotifier):
    """Tells people only, and says of everything else that it was delivered."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_sort_that_it_does_not_deliver_is_refused",)

    def deliver(self, message: Message, call: Call) -> None:
        """See the sound one."""
        if message.sort == "notice":
            super().deliver(message, call)


class SwallowsErrors(SoundNotifier):
    """Tries, and says that it was delivered whatever happened."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_refusal_is_an_error_that_may_be_tried_again",
        "test_nobody_there_is_an_error_that_may_be_tried_again",
    )

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        try:
            super().send(id, content, call)
        except NotificationError:
            _log.info("not this time")


class ChangesTheId(SoundNotifier):
    """Makes an id of its own for each attempt."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_the_other_side_is_told_the_id",
        "test_a_message_again_is_the_same_message",
        "test_a_message_after_a_refusal_is_the_same_message",
    )

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        super().send(f"{id}-{uuid.uuid4().hex}", content, call)


class StampsEachAttempt(SoundNotifier):
    """Writes the time of the attempt into what the other side keeps."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_message_again_is_the_same_message",
        "test_a_message_after_a_refusal_is_the_same_message",
    )

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        super().send(id, f"{content} {time.time_ns()}", call)


class DeliversTwice(SoundNotifier):
    """Sends once more, to be sure."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_was_delivered_is_there",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        super().send(id, content, call)
        super().send(id, content, call)


class _Holding(SoundNotifier):
    """Keeps what it is given for a while."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self.held: list[tuple[str, str]] = []


class SendsTheNewestFirst(_Holding):
    """Collects three messages and sends the newest first."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_messages_arrive_in_the_order_of_the_calls",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        self.held.append((id, content))
        if len(self.held) == 3:  # as it says
            for one, text in reversed(self.held):
                super().send(one, text, call)
            self.held.clear()


class DeliversLate(_Holding):
    """Sends each message with the next one."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_was_delivered_is_there",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        for one, text in self.held:
            super().send(one, text, call)
        self.held[:] = [(id, content)]


class ConfusesThreads(_Holding):
    """Keeps the message of the call in itself, where another thread puts its own."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_threads_deliver_at_once",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        self.held[:] = [(id, content)]
        time.sleep(0.01)
        one, text = self.held[0]
        super().send(one, text, call)


class EditsTheMessage(SoundNotifier):
    """Adds to the message itself what it needs for sending."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_message_is_left_as_it_was",)

    def content(self, message: Message) -> str:
        """See the sound one."""
        data: Any = message.data
        data["sent_by"] = "mailbox"
        return super().content(message)


class FallsOverUnusualWords(SoundNotifier):
    """Writes plain English only."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_hostile_words_are_only_words",)

    def content(self, message: Message) -> str:
        """See the sound one."""
        return super().content(message).encode("ascii").decode()


class RaisesForeignErrors(SoundNotifier):
    """Lets the errors of its library through."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_nobody_there_is_an_error_that_may_be_tried_again",
    )

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        if self.mailbox.put(id, content, call.seconds_left()) != 200:  # as servers say
            raise NotificationError("cannot deliver: refused", retryable=True)


class ChainsForeignErrors(SoundNotifier):
    """Has the port's error follow from its library's, which repeats what it was given."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_nothing_of_a_message_in_the_error_of_an_outage",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        try:
            self.mailbox.put(id, content, call.seconds_left())
        except OSError as error:
            raise NotificationError("cannot deliver", retryable=True) from error


class RepeatsWhatItSent(SoundNotifier):
    """Says in its error what was refused."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_nothing_of_a_message_in_the_error_of_a_refusal",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        if self.mailbox.mood == "refusing":
            raise NotificationError(f"cannot deliver {content}: refused", retryable=True)
        super().send(id, content, call)


class CallsARefusalFinal(SoundNotifier):
    """Gives up at the first refusal, which loses the message."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_refusal_is_an_error_that_may_be_tried_again",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        try:
            super().send(id, content, call)
        except NotificationError as error:
            raise NotificationError(error.message) from None


class BlocksPastTheDeadline(SoundNotifier):
    """Waits for an answer for as long as it takes."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_silent_other_side_costs_no_more_than_the_time_of_the_call",
    )

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        if self.mailbox.mood == "hanging":
            time.sleep(TOO_LONG)
        super().send(id, content, call)


class SendsWithoutTime(SoundNotifier):
    """Never looks whether there is any time left."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_without_time_nothing_is_sent",)

    def deliver(self, message: Message, call: Call) -> None:
        """See the sound one."""
        self.send(message.id, self.content(message), call)


class SendsToSomebody(SoundNotifier):
    """Takes an address that it makes up for somebody who has none, and sends twice."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_somebody_without_an_address_is_said_and_reached_by_nobody_else",
    )

    def deliver(self, message: Message, call: Call) -> None:
        """See the sound one."""
        try:
            super().deliver(message, call)
        except NotificationError as error:
            if error.code != "no_address":
                raise
            for guess in ("fin@example.com", "fin@example.org"):
                self.send(message.id, guess, call)


class ShowsItsSecret(SoundNotifier):
    """Has a repr that helps too much."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_no_secret_in_a_repr",)

    def __repr__(self) -> str:
        return f"ShowsItsSecret(token={TOKEN!r})"


class LogsWhatItSends(SoundNotifier):
    """Writes down everything, where somebody might need it."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_nothing_of_a_message_in_a_log",)

    def send(self, id: str, content: str, call: Call) -> None:
        """See the sound one."""
        _log.debug("sending %s", content)
        super().send(id, content, call)


class BreaksWhenClosedTwice(SoundNotifier):
    """Lets go of what it no longer has."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_closing_twice_is_fine",)

    def close(self) -> None:
        """See the sound one."""
        del self.mailbox


BROKEN: tuple[type[SoundNotifier], ...] = (
    BlocksPastTheDeadline,
    BreaksWhenClosedTwice,
    CallsARefusalFinal,
    ChainsForeignErrors,
    ChangesTheId,
    ConfusesThreads,
    DeliversLate,
    DeliversTwice,
    EditsTheMessage,
    FallsOverUnusualWords,
    LogsWhatItSends,
    PassesOverEvents,
    RaisesForeignErrors,
    RepeatsWhatItSent,
    SaysDelivered,
    SendsTheNewestFirst,
    SendsToSomebody,
    SendsWithoutTime,
    ShowsItsSecret,
    StampsEachAttempt,
    SwallowsErrors,
)
"""All of them."""
