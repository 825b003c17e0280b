"""Which roles somebody has with regard to a request, those of today included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.domain.deciding import asked
from marketplace_sdk.domain.forms import RequestForm
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import allowed, roles_on
from marketplace_sdk.errors import NotFound
from marketplace_sdk.work.listing import stewards_of
from marketplace_sdk.work.targets import ahead_of_exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marketplace_sdk.domain.deputies import Represented
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.work.unit import Unit

__all__ = ["could_fill", "roles_for", "steward_for", "visible_request"]


def roles_for(unit: Unit, facts: Facts, request: AccessRequest, verb: str) -> frozenset[str]:
    """Roles with regard to a request; whoever is a steward of the product now may revoke.

    What is deleted has no stewards any more but those that its requests name.
    """
    roles = roles_on(facts, request)
    if verb != "revoke" or "steward" in roles:
        return roles
    product = unit.get(DataProduct, request.product)
    if product is None or product.state == "deleted":
        return roles
    named = any(one.matches(facts) for one in stewards_of(unit.get, product))
    return roles | {"steward"} if named else roles


def visible_request(
    unit: Unit, facts: Facts, id: str, verb: str, for_: Iterable[Represented] = ()
) -> AccessRequest:
    """A request as it is now, if the person may know that it exists.

    Args:
        unit: in which it is read.
        facts: of who wants to know.
        id: of the request.
        verb: what they want to do.
        for_: stewards whom they represent; what these may see as stewards, they may, too.

    Raises:
        NotFound: there is none, or it is nobody's business here.
    """
    request = unit.need(AccessRequest, id, verb)
    unit.ahead(
        (DataProduct, request.product),
        (Grant, request.grant),
        # Whoever is a steward of the product now may revoke, most often by the same form.
        *(((RequestForm, request.form.form),) if verb == "revoke" else ()),
        names=[request.wish_key, f"extend|{request.grant}"] if request.grant else (),
    )
    ahead_of_exceptions(unit, request)
    roles = roles_for(unit, facts, request, verb)
    seen = allowed("request.read", roles) or allowed("request.revoke", roles)
    # Whoever may stand in sees what waits, and afterwards only what they have decided themselves.
    now = request.seen_at(unit.now)
    involved = now.open or any(each.by == facts.id for each in request.determinations)
    through = steward_for(now, for_)
    if not (seen or through or (involved and _stands_in(request, facts))):
        raise NotFound(verb, "request", id)
    return request if verb == "extend" else now


def could_fill(
    request: AccessRequest, facts: Facts, now: datetime, for_: Iterable[Represented] = ()
) -> bool:
    """Whether a seat that is open at ``now`` is for a person like this, or whom they represent."""
    stewards = [facts, *(each.facts for each in _covering(request, for_))]
    return any(one.matches(steward) for one in asked(request, now) for steward in stewards)


def steward_for(request: AccessRequest, for_: Iterable[Represented]) -> bool:
    """Whether one of those who are represented is a steward of a request that is in scope."""
    return any(
        any(one.matches(each.facts) for one in request.stewards)
        or (request.open and _stands_in(request, each.facts))
        for each in _covering(request, for_)
    )


def _covering(request: AccessRequest, for_: Iterable[Represented]) -> list[Represented]:
    return [each for each in for_ if each.deputyship.covers(request)]


def _stands_in(request: AccessRequest, facts: Facts) -> bool:
    """Whether the form has somebody like this fill seats that name others, now or later."""
    fallback, added = request.form.fallback, request.escalation
    if added is not None and added.to.matches(facts):
        return True
    return fallback is not None and fallback.bound(request.domain).matches(facts)
