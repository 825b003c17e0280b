"""What the marketplace needs of a way to tell somebody something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Message", "Notifier"]


@frozen(kw_only=True)
class Message:
    """Something to be told, once or, with the same id, again.

    Attributes:
        id: the same on every attempt, so that receivers can drop repetitions.
        sort: ``event`` for systems, ``notice`` for people.
        type: event type such as ``data_product.access_requests.created``, or a notice's kind.
        at: when it happened (UTC).
        data: plain data without answers, reasons and secrets.
        recipients: ids of the people whom a notice is for.
        subject: one line for people; empty for events.
        body: text for people; empty for events.
    """

    id: str
    sort: Literal["event", "notice"]
    type: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)
    recipients: tuple[str, ...] = ()
    subject: str = ""
    body: str = field(default="", repr=False)


class Notifier(Protocol):
    """Delivers messages. Called outside any unit of work, at least once per message."""

    def deliver(self, message: Message, call: Call) -> None:
        """Hand one message over, or raise NotificationError (``retryable`` says which sort)."""

    def close(self) -> None:
        """Let go of connections. May be called twice."""
