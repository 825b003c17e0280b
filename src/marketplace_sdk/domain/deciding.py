"""Who may decide about a request at this moment. Pure.

The act itself, lists of what awaits somebody, notices and reminders all ask here, so that nobody
is told to decide who would be refused.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from marketplace_sdk.domain.determinations import Match
from marketplace_sdk.domain.quorum import adds_approval, matches
from marketplace_sdk.errors import AlreadyDetermined, NotAllowed, StaleRevision

if TYPE_CHECKING:
    from marketplace_sdk.domain.deputies import Represented
    from marketplace_sdk.domain.determinations import Determination
    from marketplace_sdk.domain.people import Beneficiary, Facts
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.domain.review import Seat
    from marketplace_sdk.domain.seating import Place
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = [
    "asked",
    "asked_in_time",
    "check_represented",
    "check_seen",
    "concerned",
    "done",
    "escalated",
    "may_decide",
    "on_the_side",
    "seated",
    "wanting",
]


def concerned(
    facts: Facts, requesters: Collection[str], beneficiary: Beneficiary, owner: str
) -> bool:
    """Whether a decision about somebody's access would be one for oneself."""
    return facts.id in requesters or facts.is_side(beneficiary, owner)


def on_the_side(request: AccessRequest, facts: Facts) -> bool:
    """Whether deciding would be deciding for oneself."""
    return concerned(facts, (request.requester,), request.beneficiary, request.owner)


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


def escalated(request: AccessRequest, now: datetime) -> StewardSelector | None:
    """Who may fill every open seat at ``now``, too, because its stage has been open for so long.

    It is so from that instant on, whether a worker has told anybody or not.
    """
    at, found = request.escalates_at, request.escalation
    return None if at is None or found is None or at > now else found.to


def wanting(request: AccessRequest) -> tuple[tuple[Place, Seat], ...]:
    """The seats of the open stage for which another approval may be.

    Of different stewards one may move from a filled seat to an open one, for another to follow.
    """
    result = request.tally
    if result.stage is None:
        return ()
    stage = request.stages[result.stage]
    if stage.distinct_stewards:
        return tuple(((at, place), seat) for at, place, seat in stage.seats())
    return tuple(((seat.set, seat.seat), seat.wants) for seat in result.open)


def asked(request: AccessRequest, now: datetime) -> tuple[StewardSelector, ...]:
    """Whoever matches one of these could approve at ``now``, and it would count.

    Nobody when it is decided, or its time to be decided is over.
    """
    return () if request.overdue(now) else _asked(request, escalated(request, now))


def asked_in_time(request: AccessRequest) -> tuple[StewardSelector, ...]:
    """The same with whoever will be added if nobody decides: by all of them it is found."""
    found = None if request.escalates_at is None else request.escalation
    return _asked(request, None if found is None else found.to)


def _asked(request: AccessRequest, added: StewardSelector | None) -> tuple[StewardSelector, ...]:
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
    if added is not None:
        found[added] = None
    return tuple(found)


def may_decide(
    request: AccessRequest, facts: Facts, now: datetime, for_: Represented | None = None
) -> bool:
    """Whether a person of these facts could approve at ``now``, and it would count.

    For a seat that nobody can fill the last look counts (``stuck``).

    Args:
        request: as it stands.
        facts: of who would act.
        now: the moment.
        for_: whom they would represent, whose seats count then; None: they act for themselves.
    """
    steward = facts if for_ is None else for_.facts
    if for_ is None:
        barred = on_the_side(request, facts) and not request.allow_self_review
    else:
        sides = on_the_side(request, facts) or on_the_side(request, steward)
        barred = sides or not for_.deputyship.covers(request)
    if barred or not any(one.matches(steward) for one in asked(request, now)):
        return False
    made, voices = done(request), {facts.id, steward.id}
    if all(voices.isdisjoint(each.voices) for each in made):
        return True
    # Somebody of the two has spoken already, if not for this steward then for another.
    if any(each.steward == steward.id for each in made):
        return False
    number = request.tally.stage
    assert number is not None, "somebody is asked, so a stage is open"  # noqa: S101 - for types; it cannot be otherwise
    stage, stuck = request.stages[number], _stuck(request)
    fallback = request.form.fallback
    fallback = None if fallback is None else fallback.bound(request.domain)
    stand_in = _stand_in(request, steward, now, stuck, fallback)
    return adds_approval(stage, made, matches(stage, steward, stand_in), voices)


def _stuck(request: AccessRequest) -> tuple[Place, ...]:
    """Seats of the open stage that nobody could fill when last looked."""
    open_ = request.tally.open
    return tuple((seat.set, seat.seat) for seat in open_ if str(seat) in request.stuck)


def _stand_in(
    request: AccessRequest,
    facts: Facts,
    now: datetime,
    vacant: Collection[Place],
    fallback: StewardSelector | None,
) -> dict[Place, str]:
    """Seats that somebody may fill without being named by them, and by what right."""
    found: dict[Place, str] = {}
    if fallback is not None and fallback.matches(facts):
        found |= dict.fromkeys(vacant, "fallback")
    added = escalated(request, now)
    if added is not None and added.matches(facts):
        found |= {place: f"escalation to {added}" for place, _ in wanting(request)}
    return found


def check_represented(
    request: AccessRequest, facts: Facts, for_: Represented, verb: str, *, action: str
) -> None:
    """Refuse a deputy whom the deputyship, or who is asking, keeps from acting for another.

    Raises:
        NotAllowed: the request is not in its scope, or is for one of the two; no form allows that.
    """
    ship, cannot = for_.deputyship, f"cannot {verb} request {request.id} for {for_.facts.id}"
    if not ship.covers(request):
        raise NotAllowed(
            f"{cannot}: {facts.id} represents them for {ship.scope} only",
            actor=facts.id,
            action=action,
            needs="a deputyship that covers it",
            code="out_of_scope",
        )
    for who in (facts, for_.facts):
        if on_the_side(request, who):
            raise NotAllowed(
                f"{cannot}: it would be a decision for {who.id}",
                actor=facts.id,
                action=action,
                needs="another steward",
                code="self_review",
                hint="nobody hands on, or is handed, a vote about what is for themselves",
            )


def seated(
    request: AccessRequest,
    facts: Facts,
    verb: str,
    *,
    now: datetime,
    action: str,
    also: Collection[str] = (),
    vacant: Collection[Place] = (),
    fallback: StewardSelector | None = None,
    for_: Represented | None = None,
) -> tuple[int, tuple[Match, ...]]:
    """The open stage of a pending request, and the seats on it that somebody may still act for.

    Args:
        request: pending.
        facts: of who wants to act.
        verb: what they want to do, for errors.
        now: the moment of the act.
        action: the same as the table of rights calls it.
        also: what else would have let them, for errors.
        vacant: seats of the open stage that nobody can fill.
        fallback: who may fill them instead.
        for_: whom they represent, whose seats count then.

    Raises:
        NotAllowed: not a steward of the open stage.
        AlreadyDetermined: the steward has determined on it, themselves or by a deputy.
    """
    number = request.tally.stage
    assert number is not None, "a pending request has an open stage"  # noqa: S101 - for types; it cannot be otherwise
    stage = request.stages[number]
    steward = facts if for_ is None else for_.facts
    matched = matches(stage, steward, _stand_in(request, steward, now, vacant, fallback))
    if not matched:
        needs = " or ".join(sorted({*(str(seat) for _, _, seat in stage.seats()), *also}))
        later = any(matches(each, steward) for each in request.stages[number + 1 :])
        hint = "an earlier stage has to be complete first" if later else f"needs {needs}"
        at, coming = request.escalates_at, request.escalation
        if at is not None and coming is not None and coming.to.matches(steward):
            hint = f"{coming.to} may from {at:%Y-%m-%d %H:%M:%S} UTC on, if it is open then"
        raise NotAllowed(
            f"cannot {verb} request {request.id}: {steward.id} is not a steward of "
            f"{'the stage that is open' if later else 'it'}",
            actor=facts.id,
            action=action,
            needs=needs,
            hint=hint,
        )
    made = next((each for each in done(request) if each.steward == steward.id), None)
    if made is not None:
        raise AlreadyDetermined(
            f"cannot {verb} request {request.id}: {made.who} has determined on this stage",
            state=request.state,
            hint="a determination is never edited",
        )
    return number, matched
