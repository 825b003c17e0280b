"""Which ways a notice takes to one person: asked once, as it enters their inbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.domain.notice_kinds import EMERGENCY
from marketplace_sdk.domain.preferences import Channel, PersonPreferences, mode_of
from marketplace_sdk.work.gathering import gather

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


def routes(unit: Unit, message: InboxMessage, notifiers: Sequence[str]) -> Iterable[Route]:
    """The ways that a message of somebody's inbox takes at once beside the inbox.

    For those on which the person wants digests the message is gathered. Called in the unit of work
    that writes the message. What is returned is sent once, in order for each person; quiet hours
    are looked at when it is sent, so that they hold for what is tried again, too.

    Args:
        unit: the unit of work.
        message: has ``person``, ``kind``, ``about`` and ``at``.
        notifiers: names of all that receive notices.
    """
    chosen = unit.get(PersonPreferences, message.person)
    modes = {
        name: mode_of(unit.get(Channel, name), chosen, name, message.kind) for name in notifiers
    }
    if message.kind == EMERGENCY:  # a digest of tomorrow would tell of what is over
        modes = {name: "immediate" if mode == "digest" else mode for name, mode in modes.items()}
    gathering = [name for name, mode in modes.items() if mode == "digest"]
    if gathering:
        gather(unit, message, gathering)
    due = unit.now if chosen is None else chosen.due(unit.now)
    return [Route(name, due) for name, mode in modes.items() if mode == "immediate"]
