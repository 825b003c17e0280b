"""Breaking the glass: access that nobody decided, and the review afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import evolve

from marketplace_sdk.domain.announcing import happened, notice, sides, stewards
from marketplace_sdk.domain.emergency import EmergencyAccess, EmergencyReview, Settlement
from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.domain.notice_kinds import EMERGENCY
from marketplace_sdk.domain.requests import AccessRequest, Limit
from marketplace_sdk.domain.review import DEFAULT_REVIEW, FlowEvent, Stage
from marketplace_sdk.domain.reviewing import may_review, reviewers
from marketplace_sdk.domain.selectors import StewardSelector, permission
from marketplace_sdk.domain.workflow import Decision, earliest
from marketplace_sdk.errors import (
    AlreadyDetermined,
    Conflict,
    NotAllowed,
    TransitionNotAllowed,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.catalog import DomainPolicy
    from marketplace_sdk.domain.emergency import Emergency
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.products import DataProduct

__all__ = ["REVIEW_TIMER", "admit", "break_glass", "check_barred", "overdue", "review", "settle"]

REVIEW_TIMER = "emergency_review"
"""Kind of the timer that looks whether a review is late."""


def admit(
    product: DataProduct, policy: DomainPolicy, facts: Facts, *, reason: str, now: datetime
) -> EmergencyAccess:
    """What the request keeps of an emergency, if this person may break the glass of the product.

    Args:
        product: as it is now.
        policy: of its domain.
        facts: of whoever needs the access, read at this moment.
        reason: already checked.
        now: the moment of the act.

    Raises:
        TransitionNotAllowed: the product is not published.
        NotAllowed: product or domain allows none, or not to this person.
    """
    if product.state != "published":
        raise TransitionNotAllowed(
            "product",
            product.name,
            state=product.state,
            event="break the glass of",
            hint="what is withheld from everybody is given to nobody",
        )
    rule = _rule_of(product, policy, facts)
    admitted = [str(one) for one in _bound(rule, product) if one.matches(facts)]
    if not admitted:
        raise _refused(
            product,
            facts,
            f"{facts.id} may not",
            "not_admitted",
            "ask for access with requests.request_access",
            needs=" or ".join(str(one) for one in _bound(rule, product)),
        )
    return EmergencyAccess(
        reason=reason,
        admitted=admitted[0],
        as_of=facts.person.as_of,
        review_due=rule.review_within.after(now),
    )


def _rule_of(product: DataProduct, policy: DomainPolicy, facts: Facts) -> Emergency:
    if product.emergency is None:
        raise _refused(
            product,
            facts,
            "it allows no emergency access",
            "no_emergency",
            "ask for access with requests.request_access",
        )
    if policy.emergency == "never":
        raise _refused(
            product,
            facts,
            f"domain {product.domain} allows no emergency access",
            "emergency_forbidden",
            "ask for access with requests.request_access",
        )
    return product.emergency


def _bound(rule: Emergency, product: DataProduct) -> list[StewardSelector]:
    return [one.bound(product.domain) for one in rule.who]


def check_barred(
    product: DataProduct, facts: Facts, before: Iterable[AccessRequest], now: datetime
) -> None:
    """Refuse whoever has not accounted for an earlier emergency in the domain.

    Raises:
        NotAllowed: a review is overdue, or one found no emergency and nobody has settled it.
    """
    for each in before:
        kept = each.emergency
        if kept is None or not kept.bars(now):
            continue
        late = kept.standing == "open"
        raise _refused(
            product,
            facts,
            f"the review of {each.id} is overdue" if late else f"{each.id} was no emergency",
            "emergency_barred",
            "its stewards review it" if late else "somebody with GOVERNANCE settles it",
        )


def break_glass(
    draft: AccessRequest,
    event: FlowEvent,
    rule: Emergency,
    *,
    extra: Sequence[Stage] = (),
    limits: Sequence[Limit] = (),
    now: datetime,
) -> Decision:
    """Access at once, and everybody concerned is told; nothing is decided.

    Those whom an ordinary request would have been decided by are pinned, for the review.

    Args:
        draft: of ``admit``.
        event: where an ordinary request would go, from ``admission.route``.
        rule: of the product.
        extra: stages of the domain's policy and of plugins.
        limits: longest durations of product, domain and plugins.
        now: the moment of the act.

    Raises:
        NotAllowed: the flow denies such requests.
    """
    kept = draft.emergency
    assert kept is not None, "an emergency is drafted as one"  # noqa: S101 - for types; it cannot be otherwise
    if event.kind == "deny":
        raise NotAllowed(
            f"cannot break the glass of product {draft.product_name}: its form denies requests",
            actor=draft.requester,
            action="request.break_glass",
            code="denied_by_form",
        )
    stages = tuple(stage.bound(draft.domain) for stage in (*event.stages, *extra))
    bounds = [Limit(by="emergency", duration=rule.duration), *limits]
    if event.duration is not None:
        bounds.append(Limit(by="flow", duration=event.duration))
    asked = evolve(
        draft,
        stages=stages or DEFAULT_REVIEW.default.bound(draft.domain).stages,
        allow_self_review=False,
        limits=tuple(bounds),
    )
    request = asked.step("approve", decided_at=now, until=earliest((), bounds, now))
    told = tuple(dict.fromkeys((*stewards(request), *_governors(request), *sides(request))))
    words = {"until": _words(request.until), "due": _words(kept.review_due)}
    return Decision(
        request=request,
        effects=Effects(
            events=(
                happened("request.submitted", asked),
                happened("request.approved", request),
                happened("request.emergency_opened", request, _opened(kept)),
            ),
            notices=(notice(EMERGENCY, request, words, told, ()),),
            timers=(Timer(kind=REVIEW_TIMER, about=request.aggregate, due=kept.review_due),),
        ),
        approved=True,
    )


def review(
    request: AccessRequest, facts: Facts, *, justified: bool, reason: str, now: datetime
) -> Decision:
    """Whether it was an emergency, said by somebody who could have decided an ordinary request.

    Args:
        request: as it stands; its access may have ended long ago.
        facts: of whoever reviews, read at this moment.
        justified: their finding.
        reason: already checked.
        now: the moment of the act.

    Raises:
        TransitionNotAllowed: nobody broke a glass.
        AlreadyDetermined: it was reviewed.
        NotAllowed: nobody who may.
    """
    kept = _kept(request, "review")
    if kept.review is not None:
        known = kept.review
        if (known.by, known.justified, known.reason) == (facts.id, justified, reason):
            return Decision(request=request, changed=False)
        raise AlreadyDetermined(
            f"cannot review request {request.id}: it was reviewed",
            state=request.state,
            hint="a review is never edited",
        )
    by = [str(one) for one in reviewers(request, now) if one.matches(facts)]
    if not may_review(request, facts, now):
        own = facts.id == request.requester
        raise NotAllowed(
            f"cannot review request {request.id}: "
            + ("nobody reviews their own emergency" if own else f"{facts.id} is no steward of it"),
            actor=facts.id,
            action="request.review_emergency",
            needs="another steward" if own else " or ".join(map(str, reviewers(request, now))),
            code="self_review" if own else None,
        )
    found = EmergencyReview(
        justified=justified,
        by=facts.id,
        at=now,
        reason=reason,
        matched=tuple(by),
        as_of=facts.person.as_of,
    )
    changed = evolve(request, emergency=evolve(kept, review=found))
    as_of = None if found.as_of is None else found.as_of.isoformat()
    said = {"review": {"by": found.by, "justified": justified, "matched": list(by), "as_of": as_of}}
    told = tuple(dict.fromkeys((*sides(request), *stewards(request), *_governors(request))))
    words = {"reviewed_by": found.by, "outcome": "justified" if justified else "not justified"}
    return Decision(
        request=changed,
        effects=Effects(
            events=(happened("request.emergency_reviewed", changed, said),),
            notices=(notice("emergency_reviewed", changed, words, told, (facts.id,)),),
        ),
    )


def settle(request: AccessRequest, facts: Facts, *, reason: str, now: datetime) -> Decision:
    """That whoever broke the glass without an emergency may do so again; the right was checked.

    Raises:
        TransitionNotAllowed: nobody broke a glass.
        NotAllowed: it is their own.
        Conflict: there is nothing to settle.
    """
    kept = _kept(request, "settle")
    if facts.id == request.requester:
        raise NotAllowed(
            f"cannot settle request {request.id}: nobody settles their own emergency",
            actor=facts.id,
            action="request.settle_emergency",
            needs="somebody else with GOVERNANCE",
            code="self_review",
        )
    known = kept.settled
    if known is not None and (known.by, known.reason) == (facts.id, reason):
        return Decision(request=request, changed=False)
    if kept.standing != "unjustified" or known is not None:
        raise Conflict(
            f"cannot settle request {request.id}: there is nothing to settle",
            code="nothing_to_settle",
            hint="its stewards review it" if kept.standing == "open" else "it bars nobody",
        )
    settled = Settlement(by=facts.id, at=now, reason=reason)
    changed = evolve(request, emergency=evolve(kept, settled=settled))
    event = happened("request.emergency_settled", changed, {"settled": {"by": facts.id}})
    told = notice("emergency_settled", changed, {"settled_by": facts.id}, sides(request), ())
    return Decision(request=changed, effects=Effects(events=(event,), notices=(told,)))


def overdue(request: AccessRequest, now: datetime) -> Decision:
    """Note that a review is late, once, and tell those who look after the domain."""
    kept = request.emergency
    if kept is None or kept.overdue_at is not None or not kept.overdue(now):
        return Decision(request=request, changed=False)
    changed = evolve(request, emergency=evolve(kept, overdue_at=now))
    words = {"due": _words(kept.review_due)}
    return Decision(
        request=changed,
        effects=Effects(
            events=(happened("request.emergency_overdue", changed, _opened(kept)),),
            notices=(notice("emergency_overdue", changed, words, _governors(request), ()),),
        ),
    )


def _kept(request: AccessRequest, verb: str) -> EmergencyAccess:
    if request.emergency is None:
        raise TransitionNotAllowed(
            "request",
            request.id,
            state=request.state,
            event=verb,
            hint="only emergency access is reviewed afterwards",
        )
    return request.emergency


def _governors(request: AccessRequest) -> tuple[StewardSelector, ...]:
    """GOVERNANCE, and who manages the products of the domain."""
    managers = StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=request.domain)
    return (permission("GOVERNANCE"), managers)


def _opened(kept: EmergencyAccess) -> dict[str, Any]:
    as_of = None if kept.as_of is None else kept.as_of.isoformat()
    return {
        "emergency": {
            "admitted": kept.admitted,
            "as_of": as_of,
            "review_due": kept.review_due.isoformat(),
        }
    }


def _words(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _refused(
    product: DataProduct, facts: Facts, why: str, code: str, hint: str, *, needs: str = ""
) -> NotAllowed:
    return NotAllowed(
        f"cannot break the glass of product {product.name}: {why}",
        actor=facts.id,
        action="request.break_glass",
        needs=needs,
        code=code,
        hint=hint,
    )
