"""Every morning stewards are reminded of what waits for them: one message each, however much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from marketplace_sdk.domain.events import REMINDER, Effects, Notice
from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.services._stuck import MOST_STEWARDS, candidates, deciders
from marketplace_sdk.wire.codec import text_of

if TYPE_CHECKING:
    from marketplace_sdk.services._context import Context
    from marketplace_sdk.work.unit import Unit

__all__ = ["REMIND", "remind"]

REMIND = "remind"
MOST_NAMED = 20
PAGE = 200


def remind(context: Context, again: Callable[[Unit], None]) -> None:
    """Tell everybody who could fill an open seat how many requests wait for them.

    Asked twice on one day, it tells once.

    Args:
        context: of the marketplace.
        again: sets the timer for the next time, in the unit that tells.
    """
    waiting = _waiting(context)
    with context.unit(SYSTEM) as unit:
        today = unit.now.date().isoformat()
        told = unit.reserved(REMIND)
        if told != today:
            if told is not None:
                unit.release(REMIND, told)
            unit.reserve(REMIND, today, "stewards are being reminded")
            notices = tuple(_notice(unit, who, found) for who, found in sorted(waiting.items()))
            unit.keep(Effects(notices=notices))
        again(unit)


def _waiting(context: Context) -> Mapping[str, list[AccessRequest]]:
    """Pending requests by the id of everybody who could decide them, oldest first."""

    @cache
    def named(selector: StewardSelector) -> list[str]:
        return candidates(context, selector, MOST_STEWARDS)

    waiting: dict[str, list[AccessRequest]] = defaultdict(list)
    for request in _pending(context):
        for id in deciders(context, request, named):
            waiting[id].append(request)
    return waiting


def _pending(context: Context) -> Iterator[AccessRequest]:
    after: tuple[str, str] | None = None
    while True:
        with context.unit(SYSTEM, write=False) as unit:
            found = unit.find(AccessRequest, ("state", ["pending"]), after=after, limit=PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = (text_of(found[-1].created_at), found[-1].id)


def _notice(unit: Unit, who: str, requests: list[AccessRequest]) -> Notice:
    oldest = unit.now - requests[0].created_at
    named = [{"id": each.id, "product": each.product_name} for each in requests[:MOST_NAMED]]
    data = {"count": len(requests), "days": oldest // timedelta(days=1), "requests": named}
    return Notice(kind=REMINDER, about=f"inbox:{who}", audience=(user(who),), data=data)
