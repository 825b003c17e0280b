"""One place for each wish: the same is asked for once at a time, and had once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.errors import AlreadyRequested, DuplicateName
from marketplace_sdk.work.endings import call_off, end_grant

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = ["check_not_granted", "reserve"]


def reserve(unit: Unit, request: AccessRequest) -> None:
    """Take the place of a wish.

    Raises:
        AlreadyRequested: the same is pending or granted.
    """
    _end_what_is_over(unit, request.wish_key)
    try:
        unit.reserve(request.wish_key, request.id, "taken")
    except DuplicateName as error:
        known = unit.get(AccessRequest, error.existing)
        said, hint = "the same request is pending", "wait for its decision"
        if known is not None and not known.open:
            said, hint = "it is granted already", "it has no end: there is nothing to ask for"
            if known.until is not None:
                hint = "use requests.extend for a later end"
            if known.emergency is not None:
                hint = "ask with requests.request_access for what is to last longer"
        raise AlreadyRequested(
            f"cannot request product {request.product_name}: {said}",
            existing=error.existing,
            hint=hint,
        ) from error


def check_not_granted(unit: Unit, request: AccessRequest) -> None:
    """Refuse an emergency of somebody who has the access already; one may be pending.

    Raises:
        AlreadyRequested: it is granted.
    """
    ordinary = evolve(request, emergency=None).wish_key
    _end_what_is_over(unit, ordinary)
    known = unit.get(AccessRequest, unit.reserved(ordinary) or "")
    if known is not None and known.state == "approved":
        raise AlreadyRequested(
            f"cannot break the glass of product {request.product_name}: access is granted already",
            existing=known.id,
            hint="what is not active yet is told by grants.of",
        )


def _end_what_is_over(unit: Unit, wish: str) -> None:
    """End what has this place and is past its end, though no worker has come by yet."""
    known = unit.get(AccessRequest, unit.reserved(wish) or "")
    grant = unit.get(Grant, known.grant) if known is not None and known.grant else None
    # Time ended it, not whoever asks next.
    asking, unit.actor = unit.actor, SYSTEM
    if grant is not None and grant.over(unit.now):
        end_grant(unit, grant, "expired")
    elif known is not None and known.overdue(unit.now):
        call_off(unit, known, "timed_out")
    unit.actor = asking
