"""Rights that somebody gave by hand beside ours: they go with ours or are told of, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.delivery.judging import View, presence
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.selectors import permission

if TYPE_CHECKING:
    from marketplace_sdk.delivery.ledger import LedgerEntry
    from marketplace_sdk.ports.provisioner import Change

__all__ = ["residual", "taken_by_hand"]


def residual(change: Change, entry: LedgerEntry, view: View) -> Obstacle | None:
    """Why something of ours is still there after it was taken away, if somebody else gave it, too.

    The platform keeps what each of them gave, and lets nobody but an administrator take theirs.
    """
    if change.action != "remove" or entry.scope not in view.seen:
        return None
    found = presence(entry, view)
    if found is None or found.ours or not (found.remedy or entry.by_hand):
        return None
    what = f"{entry.item.kind} on {', '.join(entry.item.opens) or entry.scope.key}"
    remedy = f"run: {found.remedy}" if found.remedy else "take that away"
    return Obstacle(
        "residual",
        f"{what} stays, because somebody else gave it, too; an administrator must {remedy}",
        retryable=False,
    )


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
