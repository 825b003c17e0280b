"""Who may decide about a request at this moment. Pure.

The act itself, lists of what awaits somebody, notices and reminders all ask here, so that nobody
is told to decide who would be refused.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from marketplace_sdk.domain.quorum import Match, adds_approval, matches
from marketplace_sdk.errors import AlreadyDetermined, NotAllowed, StaleRevision

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.quorum import Determination
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["Place", "asked", "check_seen", "done", "may_decide", "on_the_side", "seated"]

Place = tuple[int, int]
"""Numbers of the set within the stage and of the seat within the set, from 0."""


def on_the_side(request: AccessRequest, facts: Facts) -> bool:
    """Whether deciding would be deciding for oneself."""
    return facts.id == request.requester or facts.is_side(request.beneficiary, request.owner)


def done(request: AccessRequest) -> tuple[Determination, ...]:
    """What was determined on the stage that is open; whoever did does not again."""
    number = request.tally.stage
    return tuple(each for each in request.determinations if each.stage == number)


def check_seen(request: AccessRequest, revision: int | None) -> None:
    """Refuse an act on a request that has changed since it was seen; None: they do not say.

    Raises:
        StaleRevision: it has another revision by now.
    """
    if revision is not None and revision != request.revision:
        raise StaleRevision("request", request.id, expected=revision, found=request.revision)


def asked(request: AccessRequest) -> tuple[StewardSelector, ...]:
    """Whoever matches one of these could approve, and it would count; nobody when it is decided."""
    result = request.tally
    if not request.open or result.stage is None:
        return ()
    stage = request.stages[result.stage]
    seats = [seat.wants for seat in result.open]
    if stage.distinct_stewards:
        # A vote for a filled seat counts, too, where it lets its holder move to another one.
        approvals = done(request)
        seats = [
            seat
            for at, place, seat in stage.seats()
            if adds_approval(stage, approvals, [Match(at, place, str(seat))])
        ]
    found = dict.fromkeys(one for seat in seats for one in seat.selectors)
    if request.stuck and request.form.fallback is not None:
        found[request.form.fallback.bound(request.domain)] = None
    return tuple(found)


def may_decide(request: AccessRequest, facts: Facts) -> bool:
    """Whether a person of these facts could approve now, and it would count.

    For a seat that nobody can fill the last look counts (``stuck``).
    """
    if on_the_side(request, facts) and not request.allow_self_review:
        return False
    if any(each.by == facts.id for each in done(request)):
        return False
    return any(one.matches(facts) for one in asked(request))


def seated(
    request: AccessRequest,
    facts: Facts,
    verb: str,
    *,
    action: str,
    also: Collection[str] = (),
    vacant: Collection[Place] = (),
    fallback: StewardSelector | None = None,
) -> tuple[int, tuple[Match, ...]]:
    """The open stage of a pending request, and the seats on it that somebody may still act for.

    Args:
        request: pending.
        facts: of who wants to act.
        verb: what they want to do, for errors.
        action: the same as the table of rights calls it.
        also: what else would have let them, for errors.
        vacant: seats of the open stage that nobody can fill.
        fallback: who may fill them instead.

    Raises:
        NotAllowed: not a steward of the open stage.
        AlreadyDetermined: they have determined on it.
    """
    number = request.tally.stage
    assert number is not None, "a pending request has an open stage"  # noqa: S101 - for types; it cannot be otherwise
    stage = request.stages[number]
    takes_over = vacant if fallback is not None and fallback.matches(facts) else ()
    matched = matches(stage, facts, takes_over)
    if not matched:
        needs = " or ".join(sorted({*(str(seat) for _, _, seat in stage.seats()), *also}))
        later = any(matches(each, facts) for each in request.stages[number + 1 :])
        raise NotAllowed(
            f"cannot {verb} request {request.id}: {facts.id} is not a steward of "
            f"{'the stage that is open' if later else 'it'}",
            actor=facts.id,
            action=action,
            needs=needs,
            hint="an earlier stage has to be complete first" if later else f"needs {needs}",
        )
    if any(each.by == facts.id and each.stage == number for each in request.determinations):
        raise AlreadyDetermined(
            f"cannot {verb} request {request.id}: {facts.id} has determined on this stage",
            state=request.state,
            hint="a determination is never edited",
        )
    return number, matched
