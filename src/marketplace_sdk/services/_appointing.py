"""Telling people that they have been made data stewards, by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from marketplace_sdk.domain.events import Effects, Notice
from marketplace_sdk.domain.selectors import user
from marketplace_sdk.work.listing import stewards_of

if TYPE_CHECKING:
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.work.listing import Lookup
    from marketplace_sdk.work.unit import Unit

__all__ = ["people_named", "tell_appointed"]

MOST_NAMED = 5


def people_named(get: Lookup, product: DataProduct) -> frozenset[str]:
    """Ids of everybody whom a product's forms or flows name as themselves.

    Whoever decides as a member of a group, or by an attribute or permission, is not among them:
    that is theirs by what the directory says, and may change without anybody touching a product.
    """
    return frozenset(one.value for one in stewards_of(get, product) if one.kind == "user")


def tell_appointed(
    unit: Unit, products: Iterable[tuple[DataProduct, frozenset[str]]], by: str
) -> None:
    """Tell whoever is named now and was not before; one notice each, but nobody of their own act.

    Args:
        unit: in which the products, or their forms, were saved.
        products: each as it is now, with the ids of those who were named before.
        by: who did it.
    """
    news: dict[str, list[DataProduct]] = defaultdict(list)
    for product, before in products:
        if product.state in ("published", "suspended"):
            for id in people_named(unit.get, product) - before - {by}:
                news[id].append(product)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for id in sorted(news):
        alike[tuple(product.id for product in news[id])].append(id)
    notices = tuple(_notice(ids, news[ids[0]]) for ids in alike.values())
    if notices:
        unit.keep(Effects(notices=notices))


def _notice(ids: Iterable[str], products: Sequence[DataProduct]) -> Notice:
    names = ", ".join(product.name for product in products[:MOST_NAMED])
    more = len(products) - MOST_NAMED
    words = f"{names} and {more} more" if more > 0 else names
    return Notice(
        kind="steward_named",
        about=f"product:{products[0].id}",
        audience=tuple(map(user, ids)),
        data={"product": words, "product_id": products[0].id, "count": len(products)},
    )
