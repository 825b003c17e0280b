"""The log of events as chains of hashes: how a link is hashed, and how the whole log is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from marketplace_sdk.ports.storage import EventRow, Storage
from marketplace_sdk.wire.codec import digest, text_of

__all__ = ["AUDIT", "ERASED", "chain_hash", "erased_by", "read_log"]

AUDIT = "audit:log"
"""The aggregate whose events say which payloads were erased, why and by whom."""
ERASED = "erased"
"""Key of what stands in the place of an erased payload: the id of the event that says so."""

BEFORE_ALL = -(2**62)
"""Before every position, those that no store gives included."""
PAGE = 500


def chain_hash(row: EventRow) -> str:
    """Hex SHA-256 over everything in a link but the payload itself and its place in the log."""
    return digest(
        [
            row.aggregate,
            row.sequence,
            row.id,
            row.type,
            text_of(row.at),
            row.actor,
            row.payload_hash,
            row.previous,
        ]
    )


def erased_by(row: EventRow) -> str:
    """Id of the event by which this event's payload was erased; empty if it was not."""
    payload: object = row.payload  # of a log that somebody changed it may be anything
    if not isinstance(payload, Mapping) or set(payload) != {ERASED}:
        return ""
    return "" if digest(payload) == row.payload_hash else str(payload[ERASED])


def read_log(
    storage: Storage, aggregate: str | None = None, *, after: int = BEFORE_ALL
) -> Iterator[EventRow]:
    """Every link behind a position, in the order of the log, in pages of one transaction each."""
    while True:
        with storage.begin(write=False) as transaction:
            rows = transaction.events(aggregate, after=after, limit=PAGE)
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1].position
