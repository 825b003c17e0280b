"""Who may decide at this moment, by what the store knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from marketplace_sdk.domain.campaigns import Campaign
from marketplace_sdk.domain.deciding import may_decide
from marketplace_sdk.domain.deputies import Represented
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.inquiries import may_answer
from marketplace_sdk.domain.notice_kinds import (
    ASKS,
    CERTIFY,
    EMERGENCY_REVIEWS,
    QUESTION_ASKED,
    REMINDER,
    REMINDS,
)
from marketplace_sdk.domain.people import Facts, Person
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.reviewing import may_review
from marketplace_sdk.work.deputising import live
from marketplace_sdk.work.unit import Unit

__all__ = ["asks_deputy", "could_decide", "could_review", "still_asks", "still_waits"]


def could_decide(
    unit: Unit,
    facts: Facts,
    request: AccessRequest | None,
    for_: Iterable[Represented] = (),
    owner: str | None = None,
) -> bool:
    """Whether somebody could decide on a request now, for themselves or for whom they represent.

    Nobody could when there is none.

    Args:
        unit: in which it was read.
        facts: of who would decide.
        request: or None.
        for_: whom they represent.
        owner: of the service account that it is for, if a directory elsewhere was asked; None:
            whoever it is by what is stored, which is who it was when the request was made unless
            people are kept here.
    """
    if request is None:
        return False
    if request.owner and owner is None:
        account = unit.get(Person, request.beneficiary.id)
        owner = None if account is None else account.owner
    today = request if owner is None else evolve(request, owner=owner)
    return any(may_decide(today, facts, unit.now, each) for each in (None, *for_))


def still_waits(
    unit: Unit,
    facts: Facts,
    kind: str,
    request: AccessRequest | None,
    for_: Iterable[Represented] = (),
) -> bool:
    """Whether a request still waits for somebody in the way that a reminder of this kind says."""
    if kind == REMINDER:
        return could_decide(unit, facts, request, for_)
    return request is not None and may_answer(request, facts.id)


def could_review(unit: Unit, facts: Facts, request: AccessRequest) -> bool:
    """Whether somebody could close the review of an emergency now; not for whom they represent."""
    may = may_review(request, facts, unit.now)
    return may and not live(unit, deputy=facts.id, people=[request.requester])


def asks_deputy(data: Mapping[str, Any]) -> bool:
    """Whether a message asks its person to decide for somebody else."""
    named = (data, *data.get("requests", ()))
    return any("deputy_for" in each for each in named)


def still_asks(
    unit: Unit, facts: Facts, message: InboxMessage, for_: Sequence[Represented] = ()
) -> bool:
    """Whether what a message asks its person to do still is theirs; True if it asks nothing.

    Args:
        unit: in which it is looked at.
        facts: of the person.
        message: to them.
        for_: whom they represent; needed for a message that ``asks_deputy``.
    """
    if message.kind in ASKS:
        request = unit.get(AccessRequest, message.about.removeprefix("request:"))
        stage = message.data.get("stage")
        over = request is None or stage not in (None, request.tally.stage)
        return not over and could_decide(unit, facts, request, for_)
    if message.kind in REMINDS:
        named = message.data["requests"]
        return message.data["count"] > len(named) or any(
            still_waits(unit, facts, message.kind, unit.get(AccessRequest, each["id"]), for_)
            for each in named
        )
    if message.kind == EMERGENCY_REVIEWS:
        named = message.data["requests"]
        found = (unit.get(AccessRequest, each["id"]) for each in named)
        return message.data["count"] > len(named) or any(
            each is not None and could_review(unit, facts, each) for each in found
        )
    if message.kind in CERTIFY:
        campaign = unit.get(Campaign, message.about.removeprefix("campaign:"))
        return campaign is not None and not campaign.over(unit.now)
    if message.kind == QUESTION_ASKED:
        request = unit.get(AccessRequest, message.about.removeprefix("request:"))
        waiting = () if request is None else request.open_inquiries
        return message.data["inquiry_id"] in {each.id for each in waiting}
    return True
