"""A notifier and messages for it, as the checks use them."""

from __future__ import annotations

import time
import traceback
from copy import copy
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.ports.notifier import Message, Notifier, Recipient
from marketplace_sdk.ports.provisioner import Call
from marketplace_sdk.testing.conformance._notifier_world import Arrival, NotifierWorld

__all__ = ["NotifierBench", "within"]

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PRIVATE = "p4yload-that-is-n0body-elses"
"""Stands in the data of every message, and in no error or log."""
LONG = 30.0
"""Seconds that a sound call may take on a busy machine."""


def within(seconds: float) -> Call:
    """A call that has to be over after so many seconds."""
    end = time.monotonic() + seconds
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="conformance")


class NotifierBench:
    """The world with one notifier, and what it delivers.

    Args:
        world: the other side.
        sort: of the messages.
    """

    def __init__(self, world: NotifierWorld, sort: Literal["event", "notice"]) -> None:
        self.world = world
        self.notifier: Notifier = world.connect()
        self.sort = sort

    @property
    def other(self) -> NotifierBench:
        """The same with messages of the other sort, which the notifier may not deliver."""
        bench = copy(self)
        bench.sort = "event" if self.sort == "notice" else "notice"
        return bench

    def message(self, id: str, **changes: Any) -> Message:
        """A message of the bench's sort."""
        event: dict[str, Any] = {
            "id": id,
            "sort": "event",
            "type": "data_product.access_requests.created",
            "at": AT,
            "about": f"request:{id}",
            "data": {
                "version": 1,
                "product": {"id": "orders", "name": "Orders", "domain": "sales"},
                "request": {"id": id, "note": PRIVATE},
            },
        }
        notice = {
            **event,
            "sort": "notice",
            "type": "access_requested",
            "recipient": Recipient(
                id="fin", name="Fin", email="fin@example.com", language="en", time_zone="UTC"
            ),
            "data": {
                "requester": "bob",
                "beneficiary": "bob",
                "product": f"Orders {id}",
                "product_id": "orders",
                "request_id": id,
                "what": "access to",
                "state": "pending",
            },
            "subject": f"bob asks for access to Orders {id}; please decide.",
            "body": f"bob asks for access to Orders {id}; please decide. {PRIVATE}",
            "link": f"https://portal.example/requests/{id}",
        }
        return Message(**{**(event if self.sort == "event" else notice), **changes})

    def deliver(self, message: Message, seconds: float = LONG) -> None:
        """One call, with enough time unless it is said otherwise."""
        self.notifier.deliver(message, within(seconds))

    def refused(self, message: Message, seconds: float = LONG) -> NotificationError:
        """The error of a delivery that must fail, with the one error of the port."""
        with pytest.raises(NotificationError) as caught:
            self.deliver(message, seconds)
        return caught.value

    def arrived(self) -> list[Arrival]:
        """What the other side has got."""
        return list(self.world.arrived())

    def said(self, error: BaseException) -> str:
        """Everything that a traceback of an error would print."""
        return "".join(traceback.format_exception(error)) + repr(error)
