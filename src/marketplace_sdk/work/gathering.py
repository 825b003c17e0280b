"""Gathering what somebody is told once a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.preferences import Digest
from marketplace_sdk.work.unit import Unit

__all__ = ["DIGEST", "gather", "look_at_digest"]

DIGEST = "digest"
"""Kind of the timers that look whether somebody's digest is due, and of digests."""


def gather(unit: Unit, message: InboxMessage, channels: Iterable[str]) -> None:
    """Keep a message for the next digest of its person on each of the channels."""
    known = unit.get(Digest, message.person)
    digest = known or Digest(person=message.person, since=unit.now)
    for name in channels:
        digest = digest.added(name, message.id)
    unit.save(digest)
    if known is None:
        # The directory knows the time zone, and is not asked in a unit of work.
        look_at_digest(unit, message.person, unit.now)


def look_at_digest(unit: Unit, person: str, due: datetime) -> None:
    """Have it looked at whether somebody's digest is due."""
    timer = Timer(kind=DIGEST, about=f"inbox:{person}", due=due)
    unit.keep(Effects(timers=(timer,)))
