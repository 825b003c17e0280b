"""What an approval leads to: a new grant, or a later end of an old one, and its timers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.events import Effects, Event, Mark, Timer
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.workflow import Decision
from marketplace_sdk.work.certifying import bar_requester
from marketplace_sdk.work.endings import call_off
from marketplace_sdk.work.targets import (
    column_marks,
    exceptions_of,
    marks_of_exceptions,
    product_marks,
    targets_of,
)

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = ["settle", "think_grant"]

WARNINGS = (("7 days", timedelta(days=7)), ("1 day", timedelta(days=1)))


def settle(unit: Unit, decision: Decision) -> AccessRequest:
    """Keep a decision: the request, what follows for grants, and everything to be told."""
    if not decision.changed:
        return decision.request
    request = decision.request
    if request.state == "denied":
        unit.release(request.wish_key, request.id)
    if not decision.approved:
        saved = unit.save(request)
        unit.keep(decision.effects)
        return saved
    if request.extends:
        return _extend(unit, decision)
    # The request first: who may see the grant stands in it.
    saved = unit.save(evolve(request, grant=unit.ids()))
    _, effects = _grant(unit, saved, saved.grant)
    unit.keep(decision.effects + effects)
    return saved


def think_grant(unit: Unit, request: AccessRequest, id: str) -> tuple[Mark, ...]:
    """Save the grant that an approval would lead to, and say which targets it concerns.

    It is thought to be active already, so that what waits for it is looked at, too.
    """
    grant, effects = _grant(unit, request, id)
    if request.kind == "access" and grant.state == "wanted":
        unit.save(evolve(grant, state="active"))
    return effects.marks


def _grant(unit: Unit, request: AccessRequest, id: str) -> tuple[Grant, Effects]:
    unit.ahead((DataProduct, request.product), (Grant, id))
    product = unit.need(DataProduct, request.product, "grant")
    grant = Grant(
        id=id,
        kind=request.kind,
        product=request.product,
        beneficiary=request.beneficiary,
        columns=request.columns,
        requests=(request.id,),
        since=request.created_at,
        until=request.until,
        created_at=unit.now,
    )
    event = Event(
        type="grant.wanted",
        aggregate=grant.aggregate,
        data={
            "product": grant.product,
            "kind": grant.kind,
            "beneficiary": grant.beneficiary.token,
            "requests": [request.id],
        },
    )
    effects = Effects(events=(event,), timers=timers(grant, unit.now))
    if product.suspended:
        grant, withheld = grant.withhold("suspended")
        effects += withheld
    if grant.kind == "access":
        covered = product.covered(grant.since)
        exceptions = exceptions_of(unit, grant.beneficiary.token, covered)
        marks = product_marks(unit, product.id, covered)
        marks += marks_of_exceptions(unit, exceptions, covered)
    else:
        marks = column_marks(unit, grant.columns)
    saved = unit.save(grant)
    return saved, effects + Effects(marks=marks)


def _extend(unit: Unit, decision: Decision) -> AccessRequest:
    request = decision.request
    grant = unit.get(Grant, request.extends)
    unit.release(request.wish_key, request.id)
    if grant is None or grant.over(unit.now):
        # It has ended in the meantime, whether swept or not: there is nothing to extend. Who
        # approved it is kept all the same.
        known = unit.need(AccessRequest, request.id, "extend")
        known = evolve(known, determinations=request.determinations)
        return call_off(unit, known, "grant_ended").request
    longer, effects = grant.extend(request.until, request.id)
    longer = unit.save(longer)
    bar_requester(unit, longer, request.requester)
    for id in grant.requests:
        before = unit.get(AccessRequest, id)
        if before is not None and before.state == "approved":
            unit.save(evolve(before, until=longer.until))
    saved = unit.save(evolve(request, grant=grant.id, until=longer.until))
    # Where a platform ends access by itself, it has to hear of the new end.
    marks = targets_of(unit, longer)
    follow = Effects(timers=timers(longer, unit.now), marks=marks)
    unit.keep(decision.effects + effects + follow)
    return saved


def timers(grant: Grant, now: datetime) -> tuple[Timer, ...]:
    """The end of a grant and the warnings before it that are still to come."""
    until = grant.until
    if until is None:
        return ()
    found = [Timer(kind="expire", about=grant.aggregate, due=until)]
    found += [
        Timer(
            kind="warn",
            about=grant.aggregate,
            due=until - before,
            data={"due": due, "until": until.isoformat()},
        )
        for due, before in WARNINGS
        if until - before > now
    ]
    return tuple(found)
