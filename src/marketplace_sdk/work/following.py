"""What follows from a command, as rows: a link of the log, and work for those who do the rest."""

from __future__ import annotations

from datetime import datetime

import attrs

from marketplace_sdk.domain.event_types import CATALOGUE
from marketplace_sdk.domain.events import Event, Mark, Notice, Timer
from marketplace_sdk.ports.storage import EventRow, Work
from marketplace_sdk.wire.codec import digest, dump, plain, text_of
from marketplace_sdk.work.chains import chain_hash

__all__ = [
    "EVENTS",
    "INBOX",
    "MARKS",
    "OUTBOX",
    "SEALS",
    "TIMERS",
    "link",
    "mark_work",
    "notice_work",
    "outgoing",
    "timer_work",
]

OUTBOX, TIMERS, MARKS = "outbox", "timer", "mark"
EVENTS, INBOX, SEALS = "events", "inbox", "seals"
"""What a row of the outbox goes to first: destinations, or people's inboxes and their notifiers."""


def link(event: Event, head: EventRow | None, *, id: str, at: datetime, actor: str) -> EventRow:
    """An event as the link behind the head of its chain."""
    payload = plain(event.data)
    row = EventRow(
        aggregate=event.aggregate,
        sequence=1 if head is None else head.sequence + 1,
        id=id,
        type=event.type,
        at=at,
        actor=actor,
        payload=payload,
        payload_hash=digest(payload),
        previous="" if head is None else head.hash,
        hash="",
    )
    return attrs.evolve(row, hash=chain_hash(row))


def outgoing(row: EventRow) -> Work | None:
    """The row of the outbox for an event that leaves; None for one that does not."""
    type = CATALOGUE[row.type].outgoing
    if not type:
        return None
    # To whom it goes is looked up by the worker, so that a command does not grow with the number
    # of destinations.
    told = {
        "to": EVENTS,
        "id": row.id,
        "type": type,
        "at": text_of(row.at),
        "about": row.aggregate,
        "data": row.payload,
    }
    key = f"{EVENTS}|{row.aggregate}"
    return Work(id=row.id, queue=OUTBOX, key=key, due=row.at, payload=told)


def notice_work(notice: Notice, id: str, now: datetime) -> Work:
    """The row of the outbox for a notice."""
    return Work(
        id=id,
        queue=OUTBOX,
        key=f"{INBOX}|{notice.about}",
        due=now,
        payload={"to": INBOX, "at": text_of(now), "notice": dump(notice)},
    )


def timer_work(timer: Timer) -> Work:
    """The row of a timer, the same for the same timer."""
    step = f":{timer.step}" if timer.step else ""
    return Work(
        id=f"{timer.kind}:{timer.about}:{text_of(timer.due)}{step}",
        queue=TIMERS,
        key=timer.about,
        due=timer.due,
        payload=dump(timer),
    )


def mark_work(mark: Mark, id: str, now: datetime) -> Work:
    """The row of a mark: something on a platform has to be looked at."""
    return Work(id=id, queue=MARKS, key=mark.key, due=now, payload=dump(mark))
