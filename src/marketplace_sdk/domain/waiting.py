"""What the passing of time does to a pending request: nothing but telling, and calling it off.

Who may decide at what moment is ``deciding``'s to say, from the same instants; what is here only
tells people, so that a worker which comes late delays a message and never a right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.announcing import happened, notice, sides
from marketplace_sdk.domain.deciding import asked
from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.domain.notice_kinds import TIMING_OUT
from marketplace_sdk.domain.selectors import StewardSelector

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.domain.requests import AccessRequest

__all__ = [
    "ESCALATE",
    "TIME_OUT",
    "TIME_OUT_SOON",
    "escalate",
    "timers_of_request",
    "timers_of_stage",
    "warn_of_time_out",
]

ESCALATE, TIME_OUT, TIME_OUT_SOON = "escalate", "time_out", "time_out_soon"
"""Kinds of timers."""
WARNED = timedelta(days=1)
"""How long before a request times out its stewards are told."""


def timers_of_request(request: AccessRequest) -> tuple[Timer, ...]:
    """What is to be done when a request, just submitted, stays pending; most often nothing."""
    end = request.expires_at
    if end is None:
        return ()
    timers = [Timer(kind=TIME_OUT, about=request.aggregate, due=end)]
    if end - WARNED > request.created_at:
        timers.append(Timer(kind=TIME_OUT_SOON, about=request.aggregate, due=end - WARNED))
    return tuple(timers)


def timers_of_stage(request: AccessRequest) -> tuple[Timer, ...]:
    """What is to be done when a stage, just opened, stays open."""
    due = request.escalates_at
    return () if due is None else (Timer(kind=ESCALATE, about=request.aggregate, due=due),)


def escalate(
    request: AccessRequest, now: datetime, *, names: Mapping[str, str]
) -> tuple[AccessRequest, Effects]:
    """Tell whom the escalation adds to the open stage, and those who wait for it; once."""
    number, at, added = request.tally.stage, request.escalates_at, request.escalation
    if number is None or at is None or at > now or added is None:
        return request, Effects()
    if number in request.escalated or request.overdue(now):
        return request, Effects()
    changed = evolve(request, escalated=(*request.escalated, number))
    words = {**names, "to": str(added.to)}
    waiting = (
        *sides(request),
        StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=request.domain),
    )
    said = {"escalation": {"stage": number, "to": str(added.to), "at": at.isoformat()}}
    return changed, Effects(
        events=(happened("request.escalated", changed, said),),
        notices=(
            notice("decision_escalated", changed, words, (added.to,), ()),
            notice("request_escalated", changed, words, waiting, ()),
        ),
    )


def warn_of_time_out(request: AccessRequest, now: datetime, *, names: Mapping[str, str]) -> Effects:
    """Tell everybody who may still decide that nobody can soon; nothing when it is decided."""
    told = tuple(sorted(asked(request, now), key=str))
    if not told:
        return Effects()
    return Effects(notices=(notice(TIMING_OUT, request, names, told, ()),))
