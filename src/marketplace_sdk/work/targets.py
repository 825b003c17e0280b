"""Which targets on which connections a grant, a product or a beneficiary concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.events import Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.work.records import exception_key

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "accessible",
    "ahead_of_exceptions",
    "column_marks",
    "exceptions_of",
    "mark_of",
    "marks_for_sources",
    "marks_of_exceptions",
    "product_marks",
    "product_targets",
    "sources_of",
    "targets_of",
]


def mark_of(key: str) -> Mark:
    """The mark of which this is the key, of a product or a column."""
    connection, _, target = key.partition("|")
    if target.startswith("product:"):
        return Mark(connection=connection, product=target.removeprefix("product:"))
    object, _, column = target.removeprefix("column:").rpartition("|")
    return Mark(connection=connection, object=object, column=column)


def sources_of(unit: Unit, grant: Grant) -> frozenset[str]:
    """Names of the sources that a grant concerns now."""
    if grant.kind == "masking_exception":
        return grant.masking_sources
    product = unit.get(DataProduct, grant.product)
    return frozenset() if product is None else product.covered(grant.since)


def targets_of(unit: Unit, grant: Grant) -> tuple[Mark, ...]:
    """The targets that a grant has now, sorted."""
    if grant.kind == "masking_exception":
        lost = grant.lost
        return column_marks(unit, (c for c in grant.columns if c.split(".", 1)[0] not in lost))
    return product_marks(unit, grant.product, sources_of(unit, grant))


def product_marks(unit: Unit, product: str, sources: Iterable[str]) -> tuple[Mark, ...]:
    """One mark for each connection that these sources of a product are on."""
    names = list(sources)
    unit.ahead(*((DataSource, name) for name in names))
    found = (unit.get(DataSource, name) for name in names)
    connections = {source.connection for source in found if source is not None}
    return tuple(Mark(connection=name, product=product) for name in sorted(connections))


def product_targets(unit: Unit, product: str) -> tuple[Mark, ...]:
    """One mark for each connection that a product is on."""
    found = unit.get(DataProduct, product)
    return () if found is None else product_marks(unit, product, found.sources)


def column_marks(unit: Unit, columns: Iterable[str]) -> tuple[Mark, ...]:
    """One mark for each ``source.column``."""
    marks = set()
    for name in columns:
        source_name, column = name.split(".", 1)
        source = unit.get(DataSource, source_name)
        if source is not None:
            marks.add(Mark(connection=source.connection, object=source.object, column=column))
    return tuple(sorted(marks, key=lambda mark: mark.key))


def marks_for_sources(unit: Unit, sources: Collection[str]) -> tuple[Mark, ...]:
    """Marks of every masked column of these sources that somebody has an exception on."""
    return marks_of_exceptions(unit, unit.find(Grant, ("open_source", sources)), sources)


def exceptions_of(unit: Unit, beneficiary: str, sources: Collection[str]) -> list[Grant]:
    """Masking exceptions that a beneficiary (a token) has on some of these sources.

    The sources are read on the same way.
    """
    unit.ahead(*((DataSource, name) for name in sources))
    return unit.find(Grant, ("open_exception", _exception_keys(beneficiary, sources)))


def ahead_of_exceptions(unit: Unit, request: AccessRequest) -> None:
    """Say that the same will be asked for about a request, on its product's sources of before."""
    product = unit.recall(DataProduct, request.product)
    if product is not None and request.kind == "access":
        sources = product.covered(request.created_at)
        keys = _exception_keys(request.beneficiary.token, sources)
        unit.ahead(
            *((DataSource, name) for name in sources), lists=[(Grant, "open_exception", keys)]
        )


def _exception_keys(beneficiary: str, sources: Iterable[str]) -> list[str]:
    return [exception_key(name, beneficiary) for name in sorted(sources)]


def marks_of_exceptions(
    unit: Unit, grants: Iterable[Grant], sources: Collection[str]
) -> tuple[Mark, ...]:
    """Marks of the columns of these sources that these grants unmask."""
    columns = {column for grant in grants for column in grant.columns}
    return column_marks(unit, (each for each in columns if each.split(".", 1)[0] in sources))


def accessible(unit: Unit, beneficiary: str, counts: Callable[[Grant], bool]) -> frozenset[str]:
    """Sources on which a beneficiary (a token) has an access grant that counts and is not over."""
    return frozenset(
        source
        for grant in unit.find(Grant, ("open_beneficiary", [beneficiary]), ("kind", ["access"]))
        if counts(grant) and not grant.over(unit.now)
        for source in sources_of(unit, grant)
    )
