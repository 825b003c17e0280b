"""Links of chains, made as the unit of work makes them."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve

from marketplace_sdk.ports.storage import EventRow
from marketplace_sdk.wire.codec import digest
from marketplace_sdk.work.chains import chain_hash

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def link(aggregate, sequence, *, position=0, previous="", payload=None, at=NOON):
    """A link that fits the one before it."""
    payload = {"n": sequence} if payload is None else payload
    row = EventRow(
        aggregate=aggregate,
        sequence=sequence,
        id=f"{aggregate}/{sequence}",
        type="request.submitted",
        at=at,
        actor="ada",
        payload=payload,
        payload_hash=digest(payload),
        previous=previous,
        hash="",
        position=position,
    )
    return evolve(row, hash=chain_hash(row))
