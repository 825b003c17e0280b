"""Rights that somebody gave by hand beside ours: taken away with ours, and never in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.selectors import permission

if TYPE_CHECKING:
    from marketplace_sdk.delivery.ledger import LedgerEntry

__all__ = ["taken_by_hand"]


def taken_by_hand(entry: LedgerEntry) -> Effects:
    """The warning about a right that is gone, if somebody had given it by hand, too."""
    if not entry.by_hand:
        return Effects()
    about = f"object:{entry.scope.platform}|{entry.scope.key}"
    grants = sorted(
        claim.claimant.removeprefix("grant:")
        for claim in entry.leaving | entry.claims
        if not claim.is_base
    )
    what = f"{entry.item.kind} on {', '.join(entry.item.opens) or entry.scope.key}"
    event = Event(
        type="object.by_hand_taken",
        aggregate=about,
        data={"kind": entry.item.kind, "objects": list(entry.item.opens), "grants": grants},
    )
    told = Notice(
        kind="by_hand_taken",
        about=about,
        audience=(permission("GOVERNANCE"),),
        data={"what": what},
    )
    return Effects(events=(event,), notices=(told,))
