"""What erasing a person and forgetting what is old have in common: batches, each on record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Protocol, TypeVar

from marketplace_sdk.domain.campaigns import Campaign
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.ports.storage import Storage, Work
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.chains import AUDIT, ERASED
from marketplace_sdk.work.outgoing import parked_in
from marketplace_sdk.work.unit import Unit

__all__ = ["BATCH", "Run", "batches", "dead_letters", "forget", "is_open", "place_of"]

T = TypeVar("T")

BATCH = 200
"""Rows of one transaction."""


class Run(Protocol):
    """Runs something in a unit of work of its own, as whoever asked for it."""

    def __call__(self, work: Callable[[Unit, Facts], T]) -> T:
        """The result of ``work``, which may run several times."""


def forget(unit: Unit, type: str, events: Sequence[str] = (), **data: Any) -> None:
    """Put it on record, and take the payloads of ``events`` away in the same unit."""
    unit.log(type, AUDIT, events=list(events), **data)
    head = unit.rows.head(AUDIT)
    assert head is not None  # noqa: S101  # it was just written
    unit.rows.redact(events, {ERASED: head.id})


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Items in lists of at most ``BATCH``."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def dead_letters(storage: Storage, wanted: Callable[[Work], bool]) -> Iterator[list[str]]:
    """Ids of parked messages that are wanted, in batches; discard each before the next."""
    with storage.begin(write=False) as rows:
        queues = parked_in(rows)
    for queue in queues:
        place: tuple[datetime, str] | None = None
        while True:
            with storage.begin(write=False) as rows:
                found = rows.work(queue, dead=True, after=place, limit=BATCH)
            chosen = [work.id for work in found if wanted(work)]
            if chosen:
                yield chosen
            if len(found) < BATCH:
                break
            place = (found[-1].due, found[-1].id)


def is_open(unit: Unit, aggregate: str) -> bool:
    """Whether this is, or leads to, what is pending, a running campaign, or a live grant."""
    kind, _, id = aggregate.partition(":")
    if kind == "request":
        request = unit.get(AccessRequest, id)
        return request is not None and (
            request.open
            or (request.emergency is not None and request.emergency.pending)
            or (bool(request.grant) and is_open(unit, f"grant:{request.grant}"))
        )
    if kind == "campaign":
        campaign = unit.get(Campaign, id)
        return campaign is not None and campaign.running
    grant = unit.get(Grant, id) if kind == "grant" else None
    return grant is not None and grant.state != "ended"


def place_of(message: InboxMessage) -> tuple[str, str]:
    """Where a message stands in the list of all."""
    return (text_of(message.at), message.id)
