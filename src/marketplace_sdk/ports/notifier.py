"""What the marketplace needs of a way to tell somebody something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Message", "Notifier", "Recipient"]


@frozen(kw_only=True)
class Recipient:
    """Whom a notice is for, as the directory knows them at the moment of the attempt.

    Nothing of it is kept with the message: an address that changes counts from then on.

    Attributes:
        id: the person's id.
        name: as people read it; the id when the directory has none.
        email: an address that was checked, or empty text.
        language: a tag such as ``de`` or ``pt-BR``, or empty text.
        time_zone: a name such as ``Europe/Berlin``, or empty text, which means UTC.
    """

    id: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    language: str = ""
    time_zone: str = ""


@frozen(kw_only=True)
class Message:
    """Something to be told, once or, with the same id, again.

    Attributes:
        id: the same on every attempt, so that receivers can drop repetitions. A notice has that
            of the message in its recipient's inbox.
        sort: ``event`` for systems, ``notice`` for one person.
        type: event type such as ``data_product.access_requests.created``, or a notice's kind.
        at: when it happened (UTC).
        data: plain data without secrets and what people wrote about a request.
        about: ``kind:id`` of what it is about.
        recipient: whom a notice is for; None for events.
        subject: one line for people; empty for events.
        body: text for people; empty for events.
        link: page of the portal on what a notice is about; empty when the portal named none.
    """

    id: str
    sort: Literal["event", "notice"]
    type: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)
    about: str = ""
    recipient: Recipient | None = None
    subject: str = ""
    body: str = field(default="", repr=False)
    link: str = ""


class Notifier(Protocol):
    """Delivers messages. Called outside any unit of work, at least once per message.

    A notice reaches each person in a message of its own. Preferences, digests and quiet hours are
    the marketplace's business and were asked before. May be called from several threads at once,
    but never for two messages of one order (one request's events, one person's notices).
    """

    def deliver(self, message: Message, call: Call) -> None:
        """Hand one message over, or raise NotificationError (``retryable`` says which sort).

        Returning means that the other side has it: a sort of message that it does not deliver is
        refused, too. It must return or raise within ``call.seconds_left()``. The ``code`` of an
        error says more to the marketplace:

        - ``no_address``: this person cannot be reached this way; the message is dropped;
        - ``gone``: the destination wants no more; it is disabled;
        - ``timeout``: it did not answer in time; others are not kept waiting for it;
        - ``not_sendable``: it is no message for this way, however often it is tried.
        """

    def close(self) -> None:
        """Let go of connections. May be called twice."""
