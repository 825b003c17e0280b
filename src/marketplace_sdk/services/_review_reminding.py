"""Every morning stewards are reminded of emergency access that waits for their review."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from marketplace_sdk.domain.events import Notice
from marketplace_sdk.domain.notice_kinds import EMERGENCY_REVIEWS
from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.reviewing import reviewers
from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.services._stuck import MOST_STEWARDS, candidates
from marketplace_sdk.work.deputising import live

if TYPE_CHECKING:
    from marketplace_sdk.services._context import Context

__all__ = ["review_reminders"]

MOST_NAMED = 20


def review_reminders(context: Context) -> tuple[Notice, ...]:
    """One notice for everybody who could close an open review, with how many there are."""
    return tuple(_notice(who, found) for who, found in sorted(_waiting(context).items()))


def _waiting(context: Context) -> Mapping[str, list[AccessRequest]]:
    @cache
    def named(selector: StewardSelector) -> list[str]:
        return candidates(context, selector, MOST_STEWARDS)

    with context.unit(SYSTEM, write=False) as unit:
        found, now = unit.find(AccessRequest, ("emergency", ["open"])), unit.now
        ships = live(unit, people={each.requester for each in found}) if found else []
    waiting: dict[str, list[AccessRequest]] = defaultdict(list)
    for request in found:
        ids = {id for one in reviewers(request, now) for id in named(one)}
        theirs = {each.deputy for each in ships if each.person == request.requester}
        for id in ids - theirs - {request.requester}:
            waiting[id].append(request)
    return waiting


def _notice(who: str, requests: list[AccessRequest]) -> Notice:
    due = min(each.emergency.review_due for each in requests if each.emergency is not None)
    named = [{"id": each.id, "product": each.product_name} for each in requests[:MOST_NAMED]]
    data = {"count": len(requests), "due": f"{due:%Y-%m-%d %H:%M} UTC", "requests": named}
    return Notice(kind=EMERGENCY_REVIEWS, about=f"inbox:{who}", audience=(user(who),), data=data)
