"""Sending again what has left before: taken from the log of events, under the same message ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from marketplace_sdk.domain.destinations import Delivery, Subscription
from marketplace_sdk.errors import NotFound
from marketplace_sdk.services._forgetting import batches
from marketplace_sdk.work.chains import erased_by
from marketplace_sdk.work.outgoing import copy_for, logged

if TYPE_CHECKING:
    from marketplace_sdk.domain.links import Links
    from marketplace_sdk.ports.storage import EventRow, Storage
    from marketplace_sdk.work.unit import Unit

__all__ = ["redeliver_one", "redeliver_range"]

APART = timedelta(minutes=10)
"""The log is in the order of commits, and its times are of many clocks."""
PAGE = 500


def redeliver_one(unit: Unit, to: Subscription, message: str, links: Links) -> int:
    """Send one message again.

    Raises:
        NotFound: nothing with this id was ever sent there, or its payload was erased.
    """
    history = unit.get(Delivery, f"{message}:{to.name}")
    if history is None or history.destination != to.name:
        raise NotFound("redeliver", "message", message)
    if unit.rows.replay(history.id, unit.now):
        _note(unit, to, 1)
        return 1
    rows = unit.rows.events(history.about)
    found = [row for row in rows if row.id == message and not erased_by(row)]
    if not found:
        raise NotFound("redeliver", "message", message, hint="notices and seals are not resent")
    return _again(found, links, unit, to)


def redeliver_range(
    storage: Storage,
    run: Callable[[Callable[[Unit, Subscription], int]], int],
    since: datetime,
    until: datetime | None,
    links: Links,
) -> int:
    """Send all events again that happened from ``since`` on and before ``until``, if there is one.

    ``run`` runs a function in a unit of work of its own.
    """
    total = 0
    for rows in batches(_between(storage, since, until)):
        total += run(partial(_again, rows, links))
    return total


def _again(rows: list[EventRow], links: Links, unit: Unit, to: Subscription) -> int:
    events = [event for row in rows if (event := logged(row)) is not None]
    wanted = [event for event in events if to.wants("event", event.type)]
    copies = [copy_for(unit, to, event, links) for event in wanted]
    # What was parked comes back into its queue; what still waits is known, and left as it is.
    fresh = [copy for copy in copies if not unit.rows.replay(copy.id, unit.now)]
    unit.rows.enqueue(fresh)
    if copies:
        _note(unit, to, len(copies))
    return len(copies)


def _note(unit: Unit, to: Subscription, count: int) -> None:
    unit.log("destination.redelivered", f"destination:{to.name}", messages=count)


def _between(storage: Storage, since: datetime, until: datetime | None) -> Iterator[EventRow]:
    """Events of a time, in the order of the log, without those whose payload is gone."""
    after = _place_of(storage, since - APART)
    end = datetime.max.replace(tzinfo=UTC) if until is None else until
    while True:
        with storage.begin(write=False) as transaction:
            rows = transaction.events(after=after, limit=PAGE)
        for row in rows:
            if row.at - APART >= end:
                return
            if since <= row.at < end and not erased_by(row):
                yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].position


def _place_of(storage: Storage, moment: datetime) -> int:
    """A position that no event of that moment or later precedes, by halving the log."""
    with storage.begin(write=False) as transaction:

        def is_before(position: int) -> bool:
            """Whether there is an event behind the position, and it is of before the moment."""
            rows = transaction.events(after=position, limit=1)
            return bool(rows) and rows[0].at < moment

        high = 1
        while is_before(high):
            high *= 2
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if is_before(middle) else (low, middle)
    return low if low > 1 else 0
