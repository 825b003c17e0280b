"""Which roles somebody has with regard to a request, those of today included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import roles_on
from marketplace_sdk.work.listing import stewards_of

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.work.unit import Unit

__all__ = ["roles_for"]


def roles_for(unit: Unit, facts: Facts, request: AccessRequest, verb: str) -> frozenset[str]:
    """Roles with regard to a request; whoever is a steward of the product now may revoke."""
    roles = roles_on(facts, request)
    if verb != "revoke" or "steward" in roles:
        return roles
    product = unit.get(DataProduct, request.product)
    named = frozenset() if product is None else stewards_of(unit.get, product)
    return roles | {"steward"} if any(one.matches(facts) for one in named) else roles
