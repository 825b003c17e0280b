"""Every morning people are reminded of what waits for them: one message each, however much.

Stewards of what they could decide, each morning; whoever was asked something about a request of
what they have not answered, on a few days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date
from functools import cache
from typing import TYPE_CHECKING

from attrs import Factory, frozen

from marketplace_sdk.domain.announcing import answerers
from marketplace_sdk.domain.events import Effects, Notice
from marketplace_sdk.domain.notice_kinds import ANSWER_REMINDER, REMINDER
from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.domain.reminding import days_waiting, reminds_today
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.services._representing import with_deputies
from marketplace_sdk.services._review_reminding import review_reminders
from marketplace_sdk.services._stuck import MOST_STEWARDS, candidates, deciders
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.deputising import live

if TYPE_CHECKING:
    from marketplace_sdk.services._context import Context
    from marketplace_sdk.work.unit import Unit

__all__ = ["REMIND", "remind"]

REMIND = "remind"
MOST_NAMED = 20
PAGE = 200


@frozen
class _Waiting:
    """Pending requests by the id of everybody for whom they wait, oldest first.

    ``for_whom`` says of a deputy (id, request) for whom they would decide.
    """

    to_decide: dict[str, list[AccessRequest]] = Factory(lambda: defaultdict(list))
    to_answer: dict[str, list[AccessRequest]] = Factory(lambda: defaultdict(list))
    for_whom: dict[tuple[str, str], str] = Factory(dict)


def remind(context: Context, again: Callable[[Unit], None]) -> None:
    """Tell everybody how many requests wait for them: for a decision, or for an answer.

    Asked twice on one day, it tells once.

    Args:
        context: of the marketplace.
        again: sets the timer for the next time, in the unit that tells.
    """
    waiting, reviews = _waiting(context), review_reminders(context)
    with context.unit(SYSTEM) as unit:
        today = unit.now.astimezone(UTC).date()
        told = unit.reserved(REMIND)
        if told != today.isoformat():
            if told is not None:
                unit.release(REMIND, told)
            unit.reserve(REMIND, today.isoformat(), "people are being reminded")
            last = None if told is None else date.fromisoformat(told)
            notices = tuple(_notices(unit, waiting, last, today))
            unit.keep(Effects(notices=notices + reviews))
        again(unit)


def _waiting(context: Context) -> _Waiting:
    @cache
    def named(selector: StewardSelector) -> list[str]:
        return candidates(context, selector, MOST_STEWARDS)

    with context.unit(SYSTEM, write=False) as unit:
        ships = live(unit)
    waiting = _Waiting()
    for request in _pending(context):
        able = deciders(context, request, named)
        for id, whom in with_deputies(context, request, able, ships).items():
            waiting.to_decide[id].append(request)
            if whom:
                waiting.for_whom[id, request.id] = whom
        for one in answerers(request) if request.open_inquiries else ():
            waiting.to_answer[one.value].append(request)
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


def _notices(unit: Unit, waiting: _Waiting, last: date | None, today: date) -> Iterator[Notice]:
    for who, requests in sorted(waiting.to_decide.items()):
        yield _notice(unit, REMINDER, who, requests, waiting.for_whom)
    for who, requests in sorted(waiting.to_answer.items()):
        asked = [inquiry for request in requests for inquiry in request.open_inquiries]
        if any(reminds_today(inquiry, last, today) for inquiry in asked):
            yield _notice(unit, ANSWER_REMINDER, who, requests, {})


def _notice(
    unit: Unit,
    kind: str,
    who: str,
    requests: Sequence[AccessRequest],
    for_whom: Mapping[tuple[str, str], str],
) -> Notice:
    days = max(days_waiting(kind, each, unit.now) for each in requests)
    named = []
    for each in requests[:MOST_NAMED]:
        whom = for_whom.get((who, each.id))
        more = {"deputy_for": whom} if whom else {}
        named.append({"id": each.id, "product": each.product_name, **more})
    data = {"count": len(requests), "days": days, "requests": named}
    return Notice(kind=kind, about=f"inbox:{who}", audience=(user(who),), data=data)
