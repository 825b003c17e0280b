"""Who could fill an open seat, and which seats nobody can: asked outside units of work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.events import Effects, Event, Timer
from marketplace_sdk.domain.people import SYSTEM, Facts
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.selectors import StewardSelector, group, permission, user
from marketplace_sdk.domain.workflow import notice
from marketplace_sdk.errors import MarketplaceError, StaleRevision

if TYPE_CHECKING:
    from marketplace_sdk.domain.quorum import OpenSeat
    from marketplace_sdk.services._context import Context

__all__ = ["candidates", "check_stuck", "eligible", "look_again", "recheck", "vacant"]

MOST_CANDIDATES = 50
MOST_RECHECKED = 500


def eligible(context: Context, request: AccessRequest) -> Mapping[OpenSeat, tuple[str, ...]]:
    """Ids of people who could fill each open seat now, at most 50 for each.

    Requester and beneficiary do not count unless the form allows it, nor do people who have
    determined on the open stage already.
    """
    result = request.tally
    done = {each.by for each in request.determinations if each.stage == result.stage}
    found = {}
    for seat in result.open:
        ids: list[str] = []
        for selector in seat.wants.selectors:
            for id in candidates(context, selector, MOST_CANDIDATES):
                if id not in ids and id not in done and _may(context, request, id):
                    ids.append(id)
        found[seat] = tuple(ids[:MOST_CANDIDATES])
    return found


def candidates(context: Context, selector: StewardSelector, limit: int) -> list[str]:
    """Ids of active people who match a selector; domain permissions by their holders."""
    if selector.kind != "domain_permission":
        return list(context.directory.members(selector, limit))
    with context.unit(SYSTEM, write=False) as unit:
        domain = unit.get(Domain, selector.domain)
    ids: list[str] = []
    for token in sorted(domain.holders(selector.value) if domain is not None else ()):
        kind, name = token.split(":", 1)
        holder = group(name) if kind == "group" else user(name)
        ids += [id for id in context.directory.members(holder, limit) if id not in ids]
    return ids[:limit]


def vacant(context: Context, request: AccessRequest) -> frozenset[tuple[int, int]]:
    """(set, seat) of the open seats which fewer people can fill than they need."""
    return frozenset(
        (seat.set, seat.seat)
        for seat, ids in eligible(context, request).items()
        if len(ids) < seat.missing
    )


def check_stuck(context: Context, request: AccessRequest) -> None:
    """Look whether a pending request is stuck, keep it, and tell managers when it has become so.

    A directory that cannot be read leaves everything as it was: the next look comes by timer.
    """
    try:
        seats = eligible(context, request)
    except MarketplaceError:
        return
    empty = {(seat.set, seat.seat) for seat, ids in seats.items() if len(ids) < seat.missing}
    # Alternatives of one set: the set is stuck only when every one of its seats is.
    stuck_sets = {seat.set for seat in seats} - {
        seat.set for seat in seats if (seat.set, seat.seat) not in empty
    }
    words = tuple(sorted(str(seat) for seat in seats if seat.set in stuck_sets))
    if words == request.stuck:
        return
    changed = evolve(request, stuck=words)
    told = (
        permission("GOVERNANCE"),
        StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=request.domain),
    )
    try:
        with context.unit(SYSTEM) as unit:
            saved = unit.save(changed)
            if words:
                what = notice("access_stuck", saved, {"seat": "; ".join(words)}, told, ())
                event = Event(
                    type="request.stuck", aggregate=saved.aggregate, data={"seats": list(words)}
                )
                unit.keep(Effects(events=(event,), notices=(what,)))
    except StaleRevision:
        # Somebody acted on it meanwhile, and looked again after that.
        return


def look_again(context: Context, id: str) -> None:
    """Look at a request again, and, as long as it is pending, once more in a day."""
    with context.unit(SYSTEM) as unit:
        request = unit.get(AccessRequest, id)
        if request is None or not request.open:
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


def _may(context: Context, request: AccessRequest, id: str) -> bool:
    if request.allow_self_review:
        return True
    if id in (request.requester, request.owner):
        return False
    if request.beneficiary.kind == "person":
        return id != request.beneficiary.id
    person = context.directory.person(id)
    return person is not None and not Facts(person=person).is_side(request.beneficiary)
