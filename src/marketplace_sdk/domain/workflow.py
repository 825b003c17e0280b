"""Deciding about requests: submit, determine, cancel, end. Pure; the outcome is data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from marketplace_sdk.domain.announcing import (
    act,
    deputised,
    final,
    happened,
    notice,
    sides,
    stewards,
)
from marketplace_sdk.domain.campaigns import NOT_CERTIFIED
from marketplace_sdk.domain.deciding import check_represented, check_seen, on_the_side, seated
from marketplace_sdk.domain.determinations import Determination
from marketplace_sdk.domain.durations import Window, end_of
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.quorum import adds_approval
from marketplace_sdk.domain.requests import AccessRequest, Limit
from marketplace_sdk.domain.review import DEFAULT_REVIEW, FlowEvent, Stage
from marketplace_sdk.domain.seating import Place
from marketplace_sdk.domain.waiting import timers_of_request, timers_of_stage
from marketplace_sdk.errors import (
    AlreadyDetermined,
    Conflict,
    InvalidInput,
    NotAllowed,
    Problem,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.deputies import Represented
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = [
    "Decision",
    "cancel",
    "determine",
    "earliest",
    "finish",
    "submit",
]


@frozen(kw_only=True)
class Decision:
    """What a command leads to.

    Attributes:
        request: the new state.
        effects: events and notices to be kept with it.
        approved: it has just been approved: a grant follows.
        changed: False for a repeated determination, which is a no-op.
    """

    request: AccessRequest
    effects: Effects = field(factory=Effects)
    approved: bool = False
    changed: bool = True


def submit(
    draft: AccessRequest,
    event: FlowEvent,
    *,
    extra: Sequence[Stage] = (),
    limits: Sequence[Limit] = (),
    now: datetime,
    names: Mapping[str, str],
) -> Decision:
    """A new request on its way: pending, or decided by the flow itself.

    Args:
        draft: the request without its review.
        event: where it goes, from ``admission.route``.
        extra: stages of the domain's policy and of plugins, asked after all others.
        limits: longest durations of product, domain and plugins.
        now: the moment of submission.
        names: words for notices.
    """
    if event.kind == "delegate":  # a flow that ``route`` has not followed approves nothing
        event = DEFAULT_REVIEW.default.bound(draft.domain)
    bounds = list(limits)
    automatic = event.kind == "approve"
    if automatic and event.duration is not None:
        bounds.append(Limit(by="flow", duration=event.duration))
    stages = (*event.stages, *(stage.bound(draft.domain) for stage in extra))
    if automatic and not stages and draft.wish is not None:
        bounds.append(Limit(by="wish", duration=draft.wish))
    request = evolve(
        draft,
        stages=() if event.kind == "deny" else stages,
        # What a policy or a plugin demands beside the form is not the form's to give to others.
        escalates=len(event.stages) if draft.form.escalation is not None else 0,
        automatic=not stages or event.kind == "deny",
        limits=tuple(bounds),
        reason=event.reason,
    )
    effects = Effects(events=(happened("request.submitted", request),))
    if event.kind == "deny":
        request = request.step("deny", decided_at=now)
        return Decision(request=request, effects=effects + final(request, names, ()))
    if not stages:
        return _approve(request, (), now, effects, names, ())
    told = sides(request)
    if len(told) > 1:
        effects += Effects(notices=(notice("requested_on_behalf", request, names, told, ()),))
    asked = tuple(sorted(stages[0].selectors(), key=str))
    effects += Effects(
        notices=(notice("access_requested", request, names, asked, ()),),
        timers=(*timers_of_request(request), *timers_of_stage(request)),
    )
    return Decision(request=request, effects=effects)


def determine(
    request: AccessRequest,
    facts: Facts,
    *,
    verdict: str,
    reason: str,
    until: Window | None,
    now: datetime,
    id: str,
    names: Mapping[str, str],
    revision: int | None = None,
    vacant: Collection[Place] = (),
    fallback: StewardSelector | None = None,
    for_: Represented | None = None,
) -> Decision:
    """One steward's approve, temporary approve or deny.

    Args:
        request: as it stands.
        facts: of who acts, read at this moment.
        verdict: ``approve`` or ``deny``.
        reason: why; already checked.
        until: end of a temporary approval.
        now: the moment of the act.
        id: of the determination; the same id with the same content again is a no-op.
        names: words for notices.
        revision: the revision that the steward saw, if they say so.
        vacant: seats of the open stage that nobody can fill.
        fallback: who may fill them instead.
        for_: the steward whom they represent; None: they are the steward.

    Raises:
        AlreadyDetermined, NotAllowed, StaleRevision, InvalidInput, Conflict: nothing changes.
    """
    steward = facts if for_ is None else for_.facts
    if verdict not in ("approve", "deny"):
        raise InvalidInput(
            f"cannot determine on request {request.id}",
            problems=[Problem("verdict", "must be approve or deny")],
        )
    known = next((each for each in request.determinations if each.id == id), None)
    if known is not None:
        same = (facts.id, steward.id, verdict, reason, until)
        if (known.by, known.steward, known.verdict, known.reason, known.until) == same:
            return Decision(request=request, changed=False)
        raise Conflict(f"cannot {verdict} request {request.id}: the determination id is taken")
    seen = request.seen_at(now)
    if not seen.open:
        late = "nobody decided in time; ask again" if seen.cause == "timed_out" else ""
        raise AlreadyDetermined(
            f"cannot {verdict} request {request.id}: it is {seen.state}",
            state=seen.state,
            hint="revoke it instead" if seen.state == "approved" else late,
        )
    check_seen(request, revision)
    if for_ is not None:
        check_represented(request, facts, for_, verdict, action="request.decide")
    own = on_the_side(request, facts)
    if own and not request.allow_self_review:
        raise NotAllowed(
            f"cannot {verdict} request {request.id}: nobody decides for themselves",
            actor=facts.id,
            action="request.decide",
            needs="another steward",
            code="self_review",
        )
    number, matched = seated(
        request,
        facts,
        verdict,
        now=now,
        action="request.decide",
        vacant=vacant,
        fallback=fallback,
        for_=for_,
    )
    stage = request.stages[number]
    before = [each for each in request.determinations if each.stage == number]
    voices = frozenset((facts.id, steward.id))
    if verdict == "approve" and not adds_approval(stage, before, matched, voices):
        spoken = any(not voices.isdisjoint(each.voices) for each in before)
        raise AlreadyDetermined(
            f"cannot approve request {request.id}: every seat that {steward.id} matches is filled"
            + (", or has the same voice already" if spoken else ""),
            state=request.state,
            hint="nobody counts twice, for themselves and for another" if spoken else "",
        )
    determination = Determination(
        id=id,
        by=facts.id,
        verdict="approve" if verdict == "approve" else "deny",
        reason=reason,
        until=until,
        at=now,
        stage=number,
        matched=matched,
        as_of=steward.person.as_of,
        self_review=own,
        deputy_for="" if for_ is None else steward.id,
        deputyship="" if for_ is None else for_.deputyship.id,
    )
    changed = evolve(request, determinations=(*request.determinations, determination))
    return _counted(changed, determination, number, now, names)


def _counted(
    request: AccessRequest,
    determination: Determination,
    number: int,
    now: datetime,
    names: Mapping[str, str],
) -> Decision:
    """What follows once the determination is in."""
    result = request.tally
    actor = (determination.by,)
    said = act(determination)
    if determination.deputy_for:
        names = {**names, "acted": f", decided by {determination.who}"}
    if result.outcome == "denied":
        denied = request.step("deny", decided_at=now, stuck=())
        return Decision(
            request=denied, effects=final(denied, names, actor, said, stewards(request))
        )
    effects = Effects(
        events=(
            happened(
                "request.determined",
                request,
                said,
            ),
        ),
        notices=deputised(request, determination, names),
    )
    if determination.until is not None and end_of(determination.until, now) <= now:
        raise _past(request, "give a later end, or deny the request")
    if result.outcome == "approved":
        return _approve(
            request, result.windows, now, Effects(), names, actor, said, stewards(request)
        )
    # What was told of seats that are still open need not be told again.
    still = {str(seat) for seat in result.open} if result.stage == number else frozenset[str]()
    request = evolve(request, stuck=tuple(words for words in request.stuck if words in still))
    if result.stage is not None and result.stage != number:
        opened = tuple(sorted(request.stages[result.stage].selectors(), key=str))
        effects += Effects(
            notices=(notice("stage_opened", request, names, opened, actor),),
            timers=timers_of_stage(request),
        )
    return Decision(request=request, effects=effects)


def _approve(
    request: AccessRequest,
    windows: Sequence[Window],
    now: datetime,
    effects: Effects,
    names: Mapping[str, str],
    actor: tuple[str, ...],
    said: Mapping[str, Any] | None = None,
    asked: tuple[StewardSelector, ...] = (),
) -> Decision:
    until = earliest(windows, request.limits, now)
    if until is not None and until <= now:
        # Limits are counted from now and the last steward's own end was looked at: it is an
        # earlier one's, which nobody can change.
        raise _past(
            request, "an earlier steward set it; deny the request, so that it is asked anew"
        )
    approved = request.step("approve", decided_at=now, until=until, stuck=())
    return Decision(
        request=approved,
        effects=effects + final(approved, names, actor, said, asked),
        approved=True,
    )


def earliest(windows: Sequence[Window], limits: Sequence[Limit], now: datetime) -> datetime | None:
    """The earliest of all ends, each counted from ``now``; None when nobody set one."""
    ends = [end_of(window, now) for window in windows]
    ends += [limit.duration.after(now) for limit in limits]
    return min(ends, default=None)


def cancel(
    request: AccessRequest, cause: str, *, reason: str, now: datetime, names: Mapping[str, str]
) -> Decision:
    """Call off a pending request; its stewards are told, and its sides unless they did it.

    What was over before anybody came to call it off has timed out, whatever the ``cause``.

    Raises:
        TransitionNotAllowed: it is not pending.
    """
    if request.overdue(now):
        canceled, cause = request.seen_at(now), "timed_out"
    else:
        canceled = request.step("cancel", cause=cause, reason=reason, ended_at=now, stuck=())
    told = stewards(request)
    # The deletion of a product is told to the sides by a notice of its own.
    if cause not in ("requester", "beneficiary", "product_deleted"):
        told = tuple(dict.fromkeys((*told, *sides(canceled))))
    kind = "request_timed_out" if cause == "timed_out" else "request_canceled"
    effects = Effects(
        events=(happened("request.canceled", canceled, {"cause": cause}),),
        notices=(notice(kind, canceled, names, told, ()),),
    )
    return Decision(request=canceled, effects=effects)


def finish(
    request: AccessRequest,
    event: str,
    cause: str,
    *,
    reason: str,
    now: datetime,
    names: Mapping[str, str],
    actor: str = "",
    said: Mapping[str, Any] | None = None,
) -> Decision:
    """End an approval: ``revoke`` or ``expire``; those who lose it are told.

    ``said`` is what more the event says, such as the campaign in which nobody certified it.

    Raises:
        TransitionNotAllowed: it is not approved.
    """
    ended = request.step(event, cause=cause, reason=reason or request.reason, ended_at=now)
    kind = "access_expired" if event == "expire" else "access_revoked"
    if cause in NOT_CERTIFIED:
        kind = "access_not_certified"
    type_ = "request.expired" if event == "expire" else "request.revoked"
    return Decision(
        request=ended,
        effects=Effects(
            events=(happened(type_, ended, {"cause": cause, **(said or {})}),),
            notices=(notice(kind, ended, names, sides(ended), (actor,) if actor else ()),),
        ),
    )


def _past(request: AccessRequest, hint: str) -> InvalidInput:
    return InvalidInput(
        f"cannot approve request {request.id}",
        problems=[Problem("until", "the end is already past")],
        hint=hint,
    )
