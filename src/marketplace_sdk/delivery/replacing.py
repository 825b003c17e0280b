"""Objects that were dropped and made again under their names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.selectors import StewardSelector, permission

if TYPE_CHECKING:
    from marketplace_sdk.delivery.calls import OnReplaced
    from marketplace_sdk.delivery.ledger import Pin
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.ports.provisioner import Resolved

__all__ = ["Replaced", "replaced", "told_of"]


@frozen
class Replaced:
    """An object that is not the one any more that was pinned.

    Attributes:
        pin: of the one that was granted on.
        found: the one that has its name now.
        held: why nothing is granted on it until somebody decides; empty: it may be granted on.
    """

    pin: Pin
    found: Resolved
    held: str = ""


def replaced(pin: Pin, found: Resolved, on_replaced: OnReplaced) -> Replaced | None:
    """What is to be done about an object; None if it still is the one that was pinned.

    What cannot be read is never taken to be equal.
    """
    if pin.native_id == found.native_id:
        return None
    # Accepted is one object, never whatever may have the name later.
    if on_replaced == "always" or pin.accepted == found.native_id:
        return Replaced(pin, found)
    if on_replaced == "hold":
        return Replaced(pin, found, "the connection says to hold replaced objects")
    return Replaced(pin, found, _difference(pin, found))


def told_of(other: Replaced, products: Iterable[DataProduct]) -> Effects:
    """What people are told of a replaced object: that access was given again, or is held."""
    pin, found = other.pin, other.found
    about = f"object:{pin.id}"
    event = Event(
        type="object.replaced",
        aggregate=about,
        data={
            "object": pin.object,
            "platform": pin.platform,
            "decision": "held" if other.held else "granted_again",
            "reason": other.held,
            "before": pin.native_id,
            "now": found.native_id,
            "owner": found.owner,
        },
    )
    managers = {
        StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=product.domain)
        for product in products
    }
    words = f"nothing is granted on it, because {other.held}" if other.held else "access follows"
    told = Notice(
        kind="object_replaced",
        about=about,
        audience=(permission("GOVERNANCE"), *sorted(managers, key=str)),
        data={"object": pin.object, "decision": words},
    )
    return Effects(events=(event,), notices=(told,))


def _difference(pin: Pin, found: Resolved) -> str:
    new = sorted(set(found.columns) - set(pin.columns))
    if pin.name != found.name:
        return f"it was {pin.name} and is {found.name} now"
    if pin.kind != found.kind:
        return f"it was a {pin.kind or 'thing of no known kind'} and is a {found.kind} now"
    if not pin.owner or not found.owner:
        return "its owner is not known"
    if pin.owner != found.owner:
        return f"it belonged to {pin.owner} and belongs to {found.owner} now"
    if not pin.columns or not found.columns:
        return "its columns are not known"
    return f"columns are new: {', '.join(new)}" if new else ""
