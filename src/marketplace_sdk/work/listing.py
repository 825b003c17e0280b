"""What a product is found by that stands in other records: its sources' columns, its stewards.

Whoever changes such a record saves the products again that hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.forms import STANDARD_FORM, RequestForm
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.review import DEFAULT_REVIEW
from marketplace_sdk.domain.search import words_of
from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["Lookup", "product_texts", "stewards_of"]

Lookup = Callable[[type[Any], str], Any]
"""The value of a type and id, or None; for example ``Unit.get``."""


def stewards_of(get: Lookup, product: DataProduct) -> frozenset[StewardSelector]:
    """Everybody whom the product's forms, or its own flows, name; for revoking and confirming.

    Deciding a request is another matter: there the review counts that was pinned with it.
    """
    found: set[StewardSelector] = set()
    for id in {product.form, product.masking_form or product.form}:
        form = STANDARD_FORM if id in (None, STANDARD_FORM.id) else get(RequestForm, str(id))
        if form is None:
            continue
        found |= form.current.review.selectors()
        if any(event.kind == "delegate" for event in form.current.review.events()):
            for flow in (product.review, product.masking_review or product.review):
                found |= (flow or DEFAULT_REVIEW).selectors()
    return frozenset(one.bound(product.domain) for one in found)


def product_texts(product: DataProduct, get: Lookup) -> tuple[str, ...]:
    """Searchable words of a product: its name, tags, sources and their columns, description."""
    if product.state == "deleted":
        return ("",)
    return (
        words_of(product.name),
        words_of(*product.tags),
        words_of(*_columns(product, get)),
        words_of(product.description),
    )


def _columns(product: DataProduct, get: Lookup) -> Iterable[str]:
    for name in product.sources:
        yield name
        source: DataSource | None = get(DataSource, name)
        if source is not None:
            yield from (column.name for column in source.columns)
