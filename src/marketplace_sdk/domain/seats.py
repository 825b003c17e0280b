"""Who may act for a seat of the stage that is open, and who is on the receiving side."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from marketplace_sdk.domain.quorum import Match, matches
from marketplace_sdk.errors import AlreadyDetermined, NotAllowed

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["Place", "on_the_side", "seated"]

Place = tuple[int, int]
"""Numbers of the set within the stage and of the seat within the set, from 0."""


def on_the_side(request: AccessRequest, facts: Facts) -> bool:
    """Whether somebody asked for it, or it is for them."""
    return facts.id == request.requester or facts.is_side(request.beneficiary, request.owner)


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
    assert number is not None, "a pending request has an open stage"  # noqa: S101
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
