"""Which ways a notice takes to one person, and when: asked once, as it enters their inbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from marketplace_sdk.domain.inbox import InboxMessage
    from marketplace_sdk.work.unit import Unit

__all__ = ["Route", "routes"]


@frozen
class Route:
    """One way that a notice takes.

    Attributes:
        notifier: name of a notifier that receives notices.
        due: not before this instant.
    """

    notifier: str
    due: datetime


def routes(
    unit: Unit,
    message: InboxMessage,  # noqa: ARG001 - what people prefer depends on it
    notifiers: Sequence[str],
) -> Iterable[Route]:
    """The ways that a message of somebody's inbox takes beside the inbox.

    Called in the unit of work that writes the message, so it may read and write records and calls
    nothing outside. What is returned is sent at its time, once, in order for each person.

    Args:
        unit: the unit of work.
        message: has ``person``, ``kind``, ``about`` and ``at``.
        notifiers: names of all that receive notices.
    """
    return [Route(name, unit.now) for name in notifiers]
