"""Items of recertification campaigns: closing them, and counting what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import asdict, evolve, fields

from marketplace_sdk.domain.campaigns import Campaign, CampaignCount, CampaignItem, CampaignProgress
from marketplace_sdk.domain.certifying import left_silent
from marketplace_sdk.wire.codec import digest

if TYPE_CHECKING:
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "bar_requester",
    "close_item",
    "count",
    "end_items",
    "item_id",
    "progress_of",
    "without",
]

SHARES = 16
"""Records that the counts of a campaign are spread over."""


def item_id(campaign: str, grant: str) -> str:
    """The id of the item of a grant, so that opening it twice is opening it once."""
    return digest([campaign, grant])[:32]


def close_item(unit: Unit, closed: CampaignItem) -> CampaignItem:
    """Keep an item that was closed, and count it; the grant must lose it, too."""
    saved = unit.save(closed)
    count(unit, closed.campaign, [(closed.id, "open", closed.state)])
    return saved


def without(grant: Grant, item: CampaignItem) -> Grant:
    """The grant when an item about it is closed."""
    return evolve(grant, certifying=tuple(each for each in grant.certifying if each != item.id))


def end_items(unit: Unit, grant: Grant) -> Grant:
    """A grant ends: nobody has to certify it any more. Asks nothing of one that no campaign has."""
    for id in grant.certifying:
        item = unit.get(CampaignItem, id)
        campaign = None if item is None else unit.get(Campaign, item.campaign)
        if item is None or campaign is None or not item.open:
            continue
        over = campaign.over(unit.now)
        closed = (
            left_silent(campaign, item, grant, unit.now) if over else item.step("end", unit.now)
        )
        close_item(unit, closed)
    return evolve(grant, certifying=())


def bar_requester(unit: Unit, grant: Grant, requester: str) -> None:
    """Somebody asked for more time, and got it: they do not certify it either."""
    for id in grant.certifying:
        item = unit.get(CampaignItem, id)
        if item is not None and item.open and requester not in item.requesters:
            unit.save(evolve(item, requesters=(*item.requesters, requester)))


def count(unit: Unit, campaign: str, steps: Iterable[tuple[str, str, str]]) -> None:
    """Count items (ids) that went from one state to another; from empty text when they are new."""
    shares: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for id, before, after in steps:
        shares[int(id[:8], 16) % SHARES].append((before, after))
    for share, moves in sorted(shares.items()):
        known = unit.get(CampaignCount, f"{campaign}|{share}")
        unit.save((known or CampaignCount(campaign=campaign, share=share)).moved(moves))


def progress_of(unit: Unit, campaign: Campaign) -> CampaignProgress:
    """How far a campaign is at this moment; reads the counts, however many items there are."""
    ids = [f"{campaign.id}|{share}" for share in range(SHARES)]
    unit.ahead(*((CampaignCount, id) for id in ids))
    counts = dict.fromkeys((each.name for each in fields(CampaignProgress)[1:]), 0)
    for id in ids:
        share = unit.get(CampaignCount, id)
        for state, number in () if share is None else share.states.items():
            counts[state] += number
    found = CampaignProgress(opened=campaign.opened_at is not None, **counts)
    if found.open and campaign.over(unit.now):
        return _as_silence_says(found, campaign)
    return found


def _as_silence_says(found: CampaignProgress, campaign: Campaign) -> CampaignProgress:
    """What was not swept yet is closed all the same."""
    state = {
        "keep": "kept_by_silence",
        "revoke": "revoked_by_silence",
        "cancel": "canceled",
    }[campaign.unanswered]
    return CampaignProgress(
        **{**asdict(found), "open": 0, state: getattr(found, state) + found.open}
    )
