"""The audit log: what happened, who did it, and the proof that nobody changed the account."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attrs import field, frozen

from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.ports.storage import EventRow
from marketplace_sdk.services._checking import check_filter, check_whole
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.wire.codec import digest, text_of
from marketplace_sdk.work.unit import chain_hash, check_limit

__all__ = ["Audit", "Verification"]

PAGE = 500


@frozen(kw_only=True)
class Verification:
    """What a check of the chains found.

    Attributes:
        events: how many links were looked at.
        problems: what does not fit, each with the event's id; empty when all is well.
    """

    events: int
    problems: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether every link fits."""
        return not self.problems


class Audit(Service):
    """Events, for AUDIT and GOVERNANCE."""

    def events(
        self, aggregate: str | None = None, *, after: int = 0, limit: int = 100, by: By = None
    ) -> tuple[EventRow, ...]:
        """Events in the order of the log, behind position ``after``, of one aggregate or all.

        Args:
            aggregate: ``kind:id``, for example ``request:0192...``; None means all.
            after: position of the last event seen.
            limit: how many at most.
            by: who reads.
        """
        check_whole(after, "after")
        check_limit(limit)
        check_filter(aggregate, "aggregate")
        with self._reading(by) as (unit, facts):
            _may(facts)
            return tuple(unit.rows.events(aggregate, after=after, limit=limit))

    def export(self, *, by: By = None) -> Iterator[str]:
        """The whole log as JSON lines, oldest first, read page by page."""
        with self._reading(by) as (_, facts):
            _may(facts)
        return (_line(row) for row in self._all())

    def verify(self) -> Verification:
        """Check every link of every chain; an operator's call, which names no content."""
        heads: dict[str, tuple[int, str]] = {}
        problems = []
        count = 0
        for row in self._all():
            count += 1
            sequence, previous = heads.get(row.aggregate, (0, ""))
            if row.sequence != sequence + 1 or row.previous != previous:
                problems.append(f"event {row.id} does not follow the one before it")
            if row.payload and digest(row.payload) != row.payload_hash:
                problems.append(f"event {row.id} has another payload than when it was written")
            if chain_hash(row) != row.hash:
                problems.append(f"event {row.id} was changed")
            heads[row.aggregate] = (row.sequence, row.hash)
        return Verification(events=count, problems=tuple(problems))

    def _all(self) -> Iterator[EventRow]:
        after = 0
        while True:
            with self._context.storage.begin(write=False) as transaction:
                rows = transaction.events(after=after, limit=PAGE)
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1].position


def _may(facts: Facts) -> None:
    require("audit.read", roles_in(facts), facts, "the audit log")


def _line(row: EventRow) -> str:
    return json.dumps(
        {
            "aggregate": row.aggregate,
            "sequence": row.sequence,
            "id": row.id,
            "type": row.type,
            "at": text_of(row.at),
            "actor": row.actor,
            "payload": row.payload,
            "payload_hash": row.payload_hash,
            "previous": row.previous,
            "hash": row.hash,
        },
        ensure_ascii=False,
    )
