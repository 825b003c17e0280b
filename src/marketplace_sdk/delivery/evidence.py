"""What was changed on a platform, for whom and on whose word, kept where nobody forgets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marketplace_sdk.domain.events import Effects, Event

if TYPE_CHECKING:
    from marketplace_sdk.delivery.applying import Applied
    from marketplace_sdk.delivery.ledger import LedgerEntry

__all__ = ["made_of"]

MOST = 1000


def made_of(target: str, applied: Applied, entries: Mapping[str, LedgerEntry]) -> Effects:
    """One event for all changes of a pass that the platform said it has made.

    Rows of the ledger are forgotten with what they stand for; the event stays.

    Args:
        target: key of the target.
        applied: what the platform said.
        entries: rows by id.
    """
    changes = []
    for id, change in sorted(applied.made.items())[:MOST]:
        entry = entries.get(id)
        claims = () if entry is None else entry.claims or entry.leaving
        grants = {each.claimant.removeprefix("grant:") for each in claims if not each.is_base}
        changes.append(
            {
                "action": change.action,
                "kind": change.item.kind,
                "objects": list(change.item.opens),
                "grants": sorted(grants),
                "evidence": applied.evidence.get(id, ""),
            }
        )
    data = {"changes": changes, "count": len(applied.made)}
    event = Event(type="target.changed", aggregate=f"target:{target}", data=data)
    return Effects(events=(event,))
