"""How much work there is, by queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.memory.books import to_utc
from marketplace_sdk.ports.storage import Backlog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marketplace_sdk.ports.storage import Work

__all__ = ["backlog_of"]


def backlog_of(work: Iterable[Work], now: datetime) -> list[Backlog]:
    """Count work by the name of its queue; see the port."""
    now = to_utc(now)
    queues: dict[str, list[Work]] = {}
    for row in work:
        queues.setdefault(row.queue, []).append(row)
    return [_count(queue, rows, now) for queue, rows in sorted(queues.items())]


def _count(queue: str, rows: list[Work], now: datetime) -> Backlog:
    alive = [row for row in rows if not row.dead]
    leases = [row.leased_until for row in alive if row.leased_until is not None]
    held = sum(until > now for until in leases)
    due = [
        row.due
        for row in alive
        if row.due <= now and (row.leased_until is None or row.leased_until <= now)
    ]
    return Backlog(
        queue=queue,
        waiting=len(alive),
        due=len(due),
        held=held,
        expired=len(leases) - held,
        dead=len(rows) - len(alive),
        oldest=min(due, default=None),
    )
