"""Timers: what has to happen when its time has come."""

from __future__ import annotations

from datetime import timedelta

from marketplace_sdk.domain.announcing import notice, sides
from marketplace_sdk.domain.breaking_glass import REVIEW_TIMER, overdue
from marketplace_sdk.domain.events import Effects, Event, Timer
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.waiting import (
    ESCALATE,
    TIME_OUT,
    TIME_OUT_SOON,
    escalate,
    warn_of_time_out,
)
from marketplace_sdk.wire.codec import instant, text_of
from marketplace_sdk.work.endings import call_off, end_grant
from marketplace_sdk.work.unit import Unit

__all__ = [
    "BUILT_IN",
    "add_stewards",
    "expire",
    "look_at_review",
    "time_out",
    "warn",
    "warn_stewards",
]


def expire(unit: Unit, timer: Timer) -> None:
    """End a grant whose end has come; one that was extended or ended meanwhile is left alone."""
    grant = unit.get(Grant, _id(timer))
    if grant is not None and grant.live and grant.until is not None and grant.until <= unit.now:
        end_grant(unit, grant, "expired")


def warn(unit: Unit, timer: Timer) -> None:
    """Tell the sides that access ends soon, if it still ends at the time the timer was set for."""
    grant = unit.get(Grant, _id(timer))
    if grant is None or not grant.live or grant.until is None or grant.until <= unit.now:
        return
    if grant.until != instant(str(timer.data.get("until", text_of(grant.until)))):
        return
    request = unit.get(AccessRequest, grant.requests[0])
    if request is None:
        return
    due = str(timer.data.get("due", ""))
    if due == "7 days" and grant.until - unit.now <= timedelta(days=1):
        return  # caught up late: the warning of the last day says it better
    data = {
        "product": {
            "id": request.product,
            "name": request.product_name,
            "domain": request.domain,
        },
        "request": {
            "id": request.id,
            "kind": request.kind,
            "state": request.state,
            "requester": request.requester,
            "beneficiary": request.beneficiary.token,
            "columns": list(request.columns),
            "until": grant.until.isoformat(),
        },
        "due": due,
    }
    event = Event(type="grant.expiring", aggregate=grant.aggregate, data=data)
    told = notice("access_expiring", request, {"due": due}, sides(request), ())
    unit.keep(Effects(events=(event,), notices=(told,)))


def add_stewards(unit: Unit, timer: Timer) -> None:
    """Tell those whom time adds to a stage that is still open; another one has its own timer."""
    request = unit.get(AccessRequest, _id(timer))
    if request is None or request.escalates_at != timer.due:
        return
    changed, effects = escalate(request, unit.now, names={})
    if changed is not request:
        unit.save(changed)
        unit.keep(effects)


def time_out(unit: Unit, timer: Timer) -> None:
    """Call off what nobody has decided in time; what was decided meanwhile is left alone."""
    request = unit.get(AccessRequest, _id(timer))
    if request is not None and request.overdue(unit.now):
        call_off(unit, request, "timed_out")


def warn_stewards(unit: Unit, timer: Timer) -> None:
    """Tell whoever may decide that the time for it is nearly over."""
    request = unit.get(AccessRequest, _id(timer))
    if request is not None:
        unit.keep(warn_of_time_out(request, unit.now, names={}))


def look_at_review(unit: Unit, timer: Timer) -> None:
    """Note that the review of an emergency access is late, and tell of it, if it still is."""
    request = unit.get(AccessRequest, _id(timer))
    decision = None if request is None else overdue(request, unit.now)
    if decision is not None and decision.changed:
        unit.save(decision.request)
        unit.keep(decision.effects)


def _id(timer: Timer) -> str:
    return timer.about.split(":", 1)[1]


BUILT_IN = {
    "expire": expire,
    "warn": warn,
    ESCALATE: add_stewards,
    TIME_OUT: time_out,
    TIME_OUT_SOON: warn_stewards,
    REVIEW_TIMER: look_at_review,
}
"""What each kind does, inside one unit of work."""
