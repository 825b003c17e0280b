"""Suspending, resuming and deleting products, with all that hangs on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.announcing import sides
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.services._widening import managers_of
from marketplace_sdk.work.endings import call_off, end_grant, finish_deletion, product_data
from marketplace_sdk.work.targets import (
    exceptions_of,
    marks_of_exceptions,
    product_marks,
    sources_of,
    targets_of,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.work.unit import Unit

__all__ = ["delete_product", "withhold_grants"]


def withhold_grants(unit: Unit, product: DataProduct) -> None:
    """Suspend or resume every grant of a product, and look at all platforms concerned."""
    marks = list(product_marks(unit, product.id, product.sources))
    members: set[StewardSelector] = set()
    for grant in unit.find(Grant, ("open_product", [product.id])):
        changed, effects = (
            grant.withhold("suspended") if product.suspended else grant.release("suspended")
        )
        if changed is not grant:
            unit.save(changed)
            unit.keep(effects)
            first = unit.get(AccessRequest, grant.requests[0])
            members |= set() if first is None else set(sides(first))
            marks += targets_of(unit, grant)
            if grant.kind == "access":
                sources = sources_of(unit, grant)
                found = exceptions_of(unit, grant.beneficiary.token, sources)
                marks += marks_of_exceptions(unit, found, sources)
    told = Notice(
        kind="product_suspended" if product.suspended else "product_resumed",
        about=f"product:{product.id}",
        audience=tuple(sorted(members, key=str)),
        data={"product": product.name, "product_id": product.id},
    )
    unit.keep(Effects(notices=(told,), marks=tuple(marks)))


def delete_product(unit: Unit, product: DataProduct, grants: Iterable[Grant]) -> DataProduct:
    """Close a product for good: cancel, revoke, and wait for the platforms' proof."""
    deleting = unit.save(evolve(product.step("delete"), updated_at=unit.now))
    unit.log("product.deleting", f"product:{product.id}", **product_data(product))
    concerned: dict[str, AccessRequest] = {}
    for request in unit.find(
        AccessRequest, ("product", [product.id]), ("state", ["pending", "approved"])
    ):
        concerned[request.id] = request
        if request.open:
            call_off(unit, request, "product_deleted")
    for grant in grants:
        fresh = unit.get(Grant, grant.id)
        if fresh is not None:
            end_grant(unit, fresh, "product_deleted")
    unit.keep(_gone(product, concerned.values()))
    if unit.find(Grant, ("open_product", [product.id]), limit=1):
        return deleting
    return finish_deletion(unit, deleting)


def _gone(product: DataProduct, requests: Iterable[AccessRequest]) -> Effects:
    """One event for each open or approved request; its people and all managers are told."""
    requests = tuple(requests)
    events = tuple(
        Event(
            type="request.deleted",
            aggregate=request.aggregate,
            data=product_data(product, request={"id": request.id, "kind": request.kind}),
        )
        for request in requests
    )
    asked = {side for request in requests for side in sides(request)}
    told = Notice(
        kind="product_deleted",
        about=f"product:{product.id}",
        audience=(*managers_of(product.domain), *sorted(asked, key=str)),
        data={"product": product.name, "product_id": product.id},
    )
    return Effects(events=events, notices=(told,))
