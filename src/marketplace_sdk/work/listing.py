"""What a product is found by that stands in other records: its sources' columns, its stewards.

Whoever changes such a record saves the products again that hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.forms import STANDARD_FORM, RequestForm
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.review import DEFAULT_REVIEW, ReviewFlow
from marketplace_sdk.domain.search import words_of
from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["Lookup", "product_texts", "reviewers_of", "stewards_of"]

Lookup = Callable[[type[Any], str], Any]
"""The value of a type and id, or None; for example ``Unit.get``."""


def stewards_of(get: Lookup, product: DataProduct) -> frozenset[StewardSelector]:
    """Everybody whom the product's forms, or its own flows, name; for revoking and confirming.

    Deciding a request is another matter: there the review counts that was pinned with it.
    """
    flows = (product.review, product.masking_review or product.review)
    forms = {product.form, product.masking_form or product.form}
    return frozenset(one for id in forms for one in _named(get, product, id, flows))


def reviewers_of(get: Lookup, product: DataProduct, kind: str) -> frozenset[StewardSelector]:
    """Whom the product's form for this kind of request, or its own flow, names today."""
    return _named(get, product, product.form_for(kind), (product.review_for(kind),))


def _named(
    get: Lookup, product: DataProduct, id: str | None, flows: Iterable[ReviewFlow | None]
) -> frozenset[StewardSelector]:
    """Everybody whom a form names, and one of the product's flows when it delegates."""
    form = STANDARD_FORM if id in (None, STANDARD_FORM.id) else get(RequestForm, str(id))
    if form is None:
        return frozenset()
    found = set(form.current.review.selectors())
    if any(event.kind == "delegate" for event in form.current.review.events()):
        for flow in flows:
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
