"""Who may decide at this moment, by what the store knows."""

from __future__ import annotations

from attrs import evolve

from marketplace_sdk.domain.deciding import may_decide
from marketplace_sdk.domain.events import ASKS, QUESTION_ASKED, REMINDER
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import Facts, Person
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.work.unit import Unit

__all__ = ["could_decide", "still_asks"]


def could_decide(unit: Unit, facts: Facts, request: AccessRequest | None) -> bool:
    """Whether somebody could decide on a request now; nobody could when there is none."""
    if request is None:
        return False
    if request.owner:
        # Whoever answers for a service account today; a directory elsewhere is not asked here.
        account = unit.get(Person, request.beneficiary.id)
        request = request if account is None else evolve(request, owner=account.owner)
    return may_decide(request, facts, unit.now)


def still_asks(unit: Unit, facts: Facts, message: InboxMessage) -> bool:
    """Whether what a message asks its person to do still is theirs; True if it asks nothing."""
    if message.kind in ASKS:
        id = message.about.removeprefix("request:")
        return could_decide(unit, facts, unit.get(AccessRequest, id))
    if message.kind == REMINDER:
        named = message.data["requests"]
        return message.data["count"] > len(named) or any(
            could_decide(unit, facts, unit.get(AccessRequest, each["id"])) for each in named
        )
    if message.kind == QUESTION_ASKED:
        request = unit.get(AccessRequest, message.about.removeprefix("request:"))
        waiting = () if request is None else request.open_inquiries
        return message.data["inquiry_id"] in {each.id for each in waiting}
    return True
