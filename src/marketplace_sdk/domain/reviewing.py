"""Who may review an emergency access at this moment. Pure.

The act itself, lists of what awaits somebody and reminders all ask here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.domain.deciding import on_the_side
from marketplace_sdk.domain.selectors import permission

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["may_review", "reviewers"]


def reviewers(request: AccessRequest, now: datetime) -> tuple[StewardSelector, ...]:
    """Whoever matches one of these may review an emergency access, if it is not their own.

    They are whom the pinned review names, on whatever stage; and once the review is overdue
    GOVERNANCE, so that none stays open because there is no such steward.
    """
    kept = request.emergency
    if kept is None or kept.review is not None:
        return ()
    late = (permission("GOVERNANCE"),) if kept.overdue(now) else ()
    return tuple(dict.fromkeys((*sorted(request.stewards, key=str), *late)))


def may_review(request: AccessRequest, facts: Facts, now: datetime) -> bool:
    """Whether a person of these facts could close the review of an emergency access now."""
    if on_the_side(request, facts):
        return False
    return any(one.matches(facts) for one in reviewers(request, now))
