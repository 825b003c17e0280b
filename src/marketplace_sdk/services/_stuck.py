"""Who could fill an open seat, and which seats nobody can: asked outside units of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from marketplace_sdk.domain.announcing import notice
from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.deciding import (
    asked,
    done,
    escalated,
    may_decide,
    on_the_side,
    wanting,
)
from marketplace_sdk.domain.events import Effects, Event, Timer
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.quorum import hopeless
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.selectors import StewardSelector, group, permission, user
from marketplace_sdk.errors import MarketplaceError, StaleRevision

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.domain.determinations import OpenSeat
    from marketplace_sdk.domain.review import Seat
    from marketplace_sdk.services._context import Context

__all__ = [
    "Named",
    "candidates",
    "check_stuck",
    "deciders",
    "eligible",
    "look_again",
    "pending",
    "recheck",
    "still_stuck",
    "vacant",
]

Named = Callable[[StewardSelector], Collection[str]]
"""Ids of active people who match a selector."""

Key = TypeVar("Key", bound=Hashable)

MOST_CANDIDATES = 50
MOST_STEWARDS = 1000
MOST_RECHECKED = 500
MOST_TRIES = 8
"""Looks at a request that is changed each time before the look is kept."""


def eligible(context: Context, request: AccessRequest) -> Mapping[OpenSeat, tuple[str, ...]]:
    """Ids of people who could fill each open seat now, at most 50 for each.

    Requester and beneficiary do not count unless the form allows it, nor do people who have
    determined on the open stage already.
    """
    seats = [(seat, seat.wants) for seat in request.tally.open]
    added = _added(request, context.clock())
    return {
        seat: ids[:MOST_CANDIDATES]
        for seat, ids in _able(context, request, seats, MOST_CANDIDATES, added).items()
    }


def deciders(context: Context, request: AccessRequest, named: Named | None = None) -> list[str]:
    """Ids of everybody who may decide at this moment; at most 1,000 whom one selector names.

    Args:
        context: of the marketplace.
        request: which may be decided already.
        named: who matches a selector, if that is known; by default the directory is asked.
    """

    def members(selector: StewardSelector) -> Collection[str]:
        return candidates(context, selector, MOST_STEWARDS)

    may, now = _may(context, request), context.clock()
    ids = dict.fromkeys(id for one in asked(request, now) for id in (named or members)(one))
    return [id for id in ids if may(id)]


def candidates(context: Context, selector: StewardSelector, limit: int) -> list[str]:
    """Ids of active people who match a selector; domain permissions by their holders."""
    if selector.kind != "domain_permission":
        return context.members(selector, limit)
    with context.unit(SYSTEM, write=False) as unit:
        domain = unit.get(Domain, selector.domain)
    ids: list[str] = []
    for token in sorted(domain.holders(selector.value) if domain is not None else ()):
        kind, name = token.split(":", 1)
        holder = group(name) if kind == "group" else user(name)
        ids += [id for id in context.members(holder, limit) if id not in ids]
    return ids[:limit]


def vacant(
    context: Context, request: AccessRequest, added: Collection[StewardSelector] = ()
) -> frozenset[tuple[int, int]]:
    """(set, seat) of the open seats that nobody can fill, nor any alternative of them.

    Whom time adds counts only when they are given as ``added``: that others may decide, too, takes
    nothing from whoever stands in for those who are named.
    """
    number = request.tally.stage
    if number is None:
        return frozenset()
    stage = request.stages[number]
    approvals = [each for each in request.determinations if each.stage == number]
    # With as many candidates as the stage has places, different people can always be found.
    enough = sum(seat.approvals for _, _, seat in stage.seats())
    able = _able(context, request, wanting(request), enough, added)
    return hopeless(stage, approvals, able)


def still_stuck(context: Context, request: AccessRequest) -> tuple[str, ...]:
    """Of the seats that nobody whom they name can fill, those that nobody else can either."""
    added = _added(request, context.clock())
    return _words(request, vacant(context, request, added)) if added else request.stuck


def check_stuck(context: Context, request: AccessRequest) -> None:
    """Look whether a pending request is stuck, keep it, and tell managers when it has become so.

    Whoever stands in for such a seat is asked then. A look that fails leaves everything as it
    was, and never the command before it: the next look comes by timer.
    """
    with suppress(MarketplaceError):
        for _ in range(MOST_TRIES):
            places = vacant(context, request)
            words = _words(request, places)
            if words == request.stuck:
                return
            try:
                _keep_stuck(context, evolve(request, stuck=words))
            except StaleRevision:
                fresh = pending(context, request.id)
                if fresh is None:
                    return
                request = fresh
            else:
                return


def _words(request: AccessRequest, places: Collection[tuple[int, int]]) -> tuple[str, ...]:
    """What the open seats at these places are called."""
    return tuple(
        sorted(str(seat) for seat in request.tally.open if (seat.set, seat.seat) in places)
    )


def _added(request: AccessRequest, now: datetime) -> tuple[StewardSelector, ...]:
    """Whom time has added to those whom the seats name."""
    found = escalated(request, now)
    return () if found is None else (found,)


def pending(context: Context, id: str) -> AccessRequest | None:
    """A request as it is now, if it is not decided."""
    with context.unit(SYSTEM, write=False) as unit:
        found = unit.get(AccessRequest, id)
        return found if found is not None and found.seen_at(unit.now).open else None


def _keep_stuck(context: Context, request: AccessRequest) -> None:
    told = (
        permission("GOVERNANCE"),
        StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=request.domain),
    )
    fallback = request.form.fallback
    with context.unit(SYSTEM) as unit:
        saved = unit.save(request)
        if not saved.stuck:
            return
        notices = [notice("access_stuck", saved, {"seat": "; ".join(saved.stuck)}, told, ())]
        if fallback is not None:
            stand_in = (fallback.bound(saved.domain),)
            notices.append(notice("access_requested", saved, {}, stand_in, ()))
        event = Event(
            type="request.stuck", aggregate=saved.aggregate, data={"seats": list(saved.stuck)}
        )
        unit.keep(Effects(events=(event,), notices=tuple(notices)))


def look_again(context: Context, id: str) -> None:
    """Look at a request again, and, as long as it is pending, once more in a day."""
    with context.unit(SYSTEM) as unit:
        request = unit.get(AccessRequest, id)
        if request is None or not request.seen_at(unit.now).open:
            return
        due = unit.now + timedelta(days=1)
        timer = Timer(kind="stuck", about=request.aggregate, due=due)
        unit.keep(Effects(timers=(timer,)))
    check_stuck(context, request)


def recheck(context: Context, tokens: Collection[str]) -> None:
    """Look again at pending requests whose open seats concern people with these tokens."""
    with context.unit(SYSTEM, write=False) as unit:
        found = unit.find(AccessRequest, ("open_seat", tokens), limit=MOST_RECHECKED)
    for request in found:
        check_stuck(context, request)


def _able(
    context: Context,
    request: AccessRequest,
    seats: Iterable[tuple[Key, Seat]],
    most: int,
    added: Collection[StewardSelector],
) -> dict[Key, tuple[str, ...]]:
    """Ids of ``most`` people for each of these seats, or of all whom the directory names.

    Whoever matches one of ``added`` may fill each of them.
    """
    may = _may(context, request)
    acted = len(done(request))

    def of(selector: StewardSelector) -> list[str]:
        # Those who may not decide must not crowd out those who may.
        limit = most + acted
        while True:
            named = candidates(context, selector, limit)
            ids = [id for id in named if may(id)]
            if len(ids) >= most or len(named) < limit:
                return ids
            limit *= 2

    return {
        key: tuple(dict.fromkeys(id for one in (*seat.selectors, *added) for id in of(one)))
        for key, seat in seats
    }


def _may(context: Context, request: AccessRequest) -> Callable[[str], bool]:
    """Says of somebody whom a seat names whether they have not acted and are on no side."""
    acted = {each.steward for each in done(request)}
    if request.owner:
        account = context.person(request.beneficiary.id)
        request = request if account is None else evolve(request, owner=account.owner)

    # Who has spoken for another, and may for themselves if it counts for a seat that is open.
    heard = {id for each in done(request) for id in each.voices}

    @cache
    def may(id: str) -> bool:
        if id in acted:
            return False
        if id in heard:
            return _counts(context, request, id)
        if request.allow_self_review:
            return True
        # Only the membership of a group has to be looked up.
        person = context.person(id) if request.beneficiary.kind == "group" else Person(id=id)
        return person is not None and not on_the_side(request, Facts(person=person))

    return may


def _counts(context: Context, request: AccessRequest, id: str) -> bool:
    """Whether an approval by somebody would count, as the directory knows them."""
    person = context.person(id)
    if person is None:
        return False
    with context.unit(SYSTEM, write=False) as unit:
        return may_decide(request, unit.facts(person), unit.now)
