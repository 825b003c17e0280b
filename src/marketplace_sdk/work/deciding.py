"""Who may decide at this moment, by what the store knows."""

from __future__ import annotations

from attrs import evolve

from marketplace_sdk.domain.deciding import may_decide
from marketplace_sdk.domain.events import ASKS, QUESTION_ASKED, REMINDER, REMINDS
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.inquiries import may_answer
from marketplace_sdk.domain.people import Facts, Person
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.work.unit import Unit

__all__ = ["could_decide", "still_asks", "still_waits"]


def could_decide(unit: Unit, facts: Facts, request: AccessRequest | None) -> bool:
    """Whether somebody could decide on a request now; nobody could when there is none."""
    if request is None:
        return False
    if request.owner:
        # Whoever answers for a service account today; a directory elsewhere is not asked here.
        account = unit.get(Person, request.beneficiary.id)
        request = request if account is None else evolve(request, owner=account.owner)
    return may_decide(request, facts)


def still_waits(unit: Unit, facts: Facts, kind: str, request: AccessRequest | None) -> bool:
    """Whether a request still waits for somebody in the way that a reminder of this kind says."""
    if kind == REMINDER:
        return could_decide(unit, facts, request)
    return request is not None and may_answer(request, facts.id)


def still_asks(unit: Unit, facts: Facts, message: InboxMessage) -> bool:
    """Whether what a message asks its person to do still is theirs; True if it asks nothing."""
    if message.kind in ASKS:
        request = unit.get(AccessRequest, message.about.removeprefix("request:"))
        stage = message.data.get("stage")
        over = request is None or stage not in (None, request.tally.stage)
        return not over and could_decide(unit, facts, request)
    if message.kind in REMINDS:
        named = message.data["requests"]
        return message.data["count"] > len(named) or any(
            still_waits(unit, facts, message.kind, unit.get(AccessRequest, each["id"]))
            for each in named
        )
    if message.kind == QUESTION_ASKED:
        request = unit.get(AccessRequest, message.about.removeprefix("request:"))
        waiting = () if request is None else request.open_inquiries
        return message.data["inquiry_id"] in {each.id for each in waiting}
    return True
