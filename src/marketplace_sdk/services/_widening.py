"""What happens to products, members and exceptions when sources come and go."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from marketplace_sdk.domain.catalog import DataSource, Domain, covers
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.selectors import StewardSelector, permission
from marketplace_sdk.work.endings import lose_access, product_data
from marketplace_sdk.work.targets import marks_for_sources, product_marks

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = ["change_sources", "leave_domain", "managers_of", "quarantined"]


def managers_of(domain: str) -> tuple[StewardSelector, ...]:
    """Everybody with MANAGE_DATA_PRODUCTS in the domain."""
    return (StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=domain),)


def quarantined(unit: Unit, product: DataProduct, domain: Domain) -> tuple[str, ...]:
    """Sources of a product that are not in its domain any more."""
    found = ((name, unit.get(DataSource, name)) for name in product.sources)
    return tuple(name for name, source in found if source is None or not covers(domain, source))


def change_sources(
    unit: Unit, product: DataProduct, sources: Iterable[str], *, ask: bool
) -> DataProduct:
    """Give a product another set of sources; members gain and lose by the next pass."""
    changed, added, removed = product.with_sources(sources, unit.now, ask=ask)
    if not added and not removed:
        return product
    saved = unit.save(changed)
    marks = product_marks(unit, product.id, added | removed)
    event = Event(
        type="product.sources_changed",
        aggregate=f"product:{product.id}",
        data=product_data(product, added=sorted(added), removed=sorted(removed)),
    )
    told = Notice(
        kind="sources_updated",
        about=f"product:{product.id}",
        audience=managers_of(product.domain),
        data={"product": product.name, "product_id": product.id},
    )
    unit.keep(Effects(events=(event,), notices=(told,), marks=marks))
    unit.keep(Effects(marks=marks_for_sources(unit, added | removed)))
    if removed:
        # Whoever had the source only through this product has lost it: so have their exceptions.
        concerned = {
            grant.beneficiary.token
            for grant in unit.find(Grant, ("open_source", removed), ("kind", ["masking_exception"]))
        }
        for beneficiary in sorted(concerned):
            if _had(unit, product, beneficiary):
                lose_access(unit, beneficiary, removed)
    return saved


def leave_domain(unit: Unit, domain: Domain, sources: Collection[str]) -> None:
    """Sources have left a domain: its products keep them in quarantine, or lose them."""
    for product in unit.find(DataProduct, ("domain", [domain.name]), ("source", sources)):
        gone = [name for name in product.sources if name in sources]
        if domain.policy.leaving == "remove":
            left = [name for name in product.sources if name not in gone]
            change_sources(unit, product, left, ask=False)
            continue
        told = Notice(
            kind="source_quarantined",
            about=f"product:{product.id}",
            audience=(*managers_of(domain.name), permission("GOVERNANCE")),
            data={"product": product.name, "product_id": product.id, "source": ", ".join(gone)},
        )
        unit.keep(Effects(notices=(told,)))


def _had(unit: Unit, product: DataProduct, beneficiary: str) -> bool:
    """Whether a beneficiary has an access grant on the product."""
    return bool(
        unit.find(
            Grant,
            ("open_product", [product.id]),
            ("open_beneficiary", [beneficiary]),
            ("kind", ["access"]),
            limit=1,
        )
    )
