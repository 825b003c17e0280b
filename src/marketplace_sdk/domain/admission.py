"""Before a request is kept: what its form demands, and who is asked. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from marketplace_sdk.domain.review import DEFAULT_REVIEW, FlowEvent
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from marketplace_sdk.domain.catalog import DomainPolicy
    from marketplace_sdk.domain.conditions import Situation
    from marketplace_sdk.domain.forms import FormVersion
    from marketplace_sdk.domain.products import DataProduct

__all__ = ["check_agreements", "route"]


def check_agreements(version: FormVersion, acknowledged: Collection[str]) -> None:
    """Refuse unless every agreement of the form is acknowledged, by id or name.

    Raises:
        InvalidInput: naming each that is missing, and each that is none of the form's.
    """
    known = {each.id for each in version.agreements} | {each.name for each in version.agreements}
    problems = [
        Problem("acknowledge", f"agreement {agreement.name!r} must be acknowledged")
        for agreement in version.agreements
        if agreement.id not in acknowledged and agreement.name not in acknowledged
    ]
    if any(each not in known for each in acknowledged):
        problems.append(Problem("acknowledge", "names an agreement that the form does not have"))
    if problems:
        raise InvalidInput("cannot submit request", problems=problems)


def route(
    version: FormVersion,
    product: DataProduct,
    policy: DomainPolicy,
    situation: Situation,
    *,
    managing: bool,
) -> FlowEvent:
    """Where a request goes: by the form, by the product when the form delegates.

    An automatic approval is withheld, and becomes the default review, when the domain's policy
    forbids it, when a delegating form does not allow it to the product, and when requester or
    beneficiary manages the product (``managing``).
    """
    event = version.review.event_for(situation)
    may_approve = policy.auto_approve and not managing
    if event.kind == "delegate":
        may_approve = may_approve and event.allow_automatic
        flow = product.review_for(situation.kind) or DEFAULT_REVIEW
        event = flow.event_for(situation)
    if event.kind == "delegate" or (event.kind == "approve" and not may_approve):
        event = DEFAULT_REVIEW.default
    return event.bound(situation.domain)
