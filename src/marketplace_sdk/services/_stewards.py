"""Who is a steward of a product now, by its forms and, where they delegate, by its own flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.domain.forms import RequestForm
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import roles_on

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.work.unit import Unit

__all__ = ["roles_for", "stewards_of"]


def stewards_of(unit: Unit, product: DataProduct) -> frozenset[StewardSelector]:
    """Everybody whom the product's forms, or its own flows, name; for revoking and confirming.

    Deciding a request is another matter: there the review counts that was pinned with it.
    """
    found: set[StewardSelector] = set()
    for id in {product.form, product.masking_form} - {None}:
        form = unit.get(RequestForm, str(id))
        if form is None:
            continue
        found |= form.current.review.selectors()
        if any(event.kind == "delegate" for event in form.current.review.events()):
            for flow in (product.review, product.masking_review):
                found |= flow.selectors() if flow is not None else frozenset()
    return frozenset(one.bound(product.domain) for one in found)


def roles_for(unit: Unit, facts: Facts, request: AccessRequest, verb: str) -> frozenset[str]:
    """Roles with regard to a request; whoever is a steward of the product now may revoke."""
    roles = roles_on(facts, request)
    if verb != "revoke" or "steward" in roles:
        return roles
    product = unit.get(DataProduct, request.product)
    named = frozenset() if product is None else stewards_of(unit, product)
    return roles | {"steward"} if any(one.matches(facts) for one in named) else roles
