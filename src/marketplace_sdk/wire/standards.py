"""Open Data Contract Standard and Open Data Product Standard (bitol-io) as declarations.

A contract (versions 3) gives a source for each object of its schema; a product (0.9 and 1) gives a
data product on the sources of the contracts that its output ports name. What the standards say
beyond that, such as service levels and prices, is not the marketplace's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from marketplace_sdk.domain.catalog import Column, Tag
from marketplace_sdk.domain.declarations import Declaration
from marketplace_sdk.domain.values import name_set
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.wire.reading import At

__all__ = ["CONTRACT", "MASKED", "PRODUCT", "Standards", "imported"]

CONTRACT, PRODUCT = "DataContract", "DataProduct"
MASKED = ("restricted",)
"""Classifications of columns that are taken for masked unless others are named."""
_CONTAINERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "postgres": (("schema",),),
    "postgresql": (("schema",),),
    "redshift": (("schema",),),
    "snowflake": (("database",), ("schema",)),
    "databricks": (("catalog",), ("schema",)),
}
"""Type of a server -> which of its properties stand before the name of an object."""
_ANY: tuple[tuple[str, ...], ...] = (("catalog", "project", "database"), ("schema", "dataset"))


@frozen(kw_only=True)
class Standards:
    """What an import has to be told.

    Attributes:
        connection: name of the configured connection on which the objects are.
        domain: of the products; None means the one that each product names.
        server: name of the server in each contract; None means its first.
        masked: classifications of columns that are masked.
    """

    connection: str
    domain: str | None = None
    server: str | None = None
    masked: frozenset[str] = field(default=frozenset(MASKED), converter=name_set)


def imported(documents: Sequence[At], how: Standards) -> tuple[Declaration, ...]:
    """The declarations that contracts and products stand for.

    Raises:
        InvalidInput: with the place of each thing that cannot be used: neither contract nor
            product, an object without a name, a product whose contract is not among the documents.
    """
    found: list[Declaration] = []
    problems: list[Problem] = []
    sources: dict[str, list[str]] = {}
    for at in documents:
        try:
            kind = at.key("kind").text()
            if kind not in (CONTRACT, PRODUCT):
                raise at.key("kind").wrong(f"must be {CONTRACT} or {PRODUCT}")
            if kind == CONTRACT:
                made = list(_sources(at, how))
                sources[at.key("id").text()] = [each.id for each in made]
                found += made
        except InvalidInput as error:
            problems += error.problems
    for at in documents:
        try:
            if isinstance(at.data, Mapping) and at.data.get("kind") == PRODUCT:
                found.append(_product(at, how, sources))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput("cannot import standards", problems=problems)
    return tuple(found)


def _sources(at: At, how: Standards) -> Iterator[Declaration]:
    containers = _where(at, how.server)
    tags = _tags(at)
    schema = at.get("schema")
    for each in () if schema is None else schema.items():
        name = each.key("name").text()
        physical = _text(each, "physicalName") or name
        parts = [physical] if "." in physical else [*containers, physical]
        columns = each.get("properties")
        fields = {
            "connection": how.connection,
            "object": ".".join(parts),
            "description": _text(each, "description"),
            "tags": tags | _tags(each),
            "columns": tuple(
                _column(column, how.masked) for column in (columns.items() if columns else ())
            ),
        }
        yield _declared(each, "source", name.replace(".", "_"), fields)


def _column(at: At, masked: Collection[str]) -> Column:
    name = _text(at, "physicalName") or at.key("name").text()
    tags = frozenset(Tag(tag) for tag in _tags(at))
    return at.made(
        lambda: Column(
            name,
            masked=_text(at, "classification") in masked,
            tags=tags,
            type=_text(at, "physicalType") or _text(at, "logicalType"),
            description=_text(at, "description"),
        )
    )


def _where(at: At, wanted: str | None) -> list[str]:
    """What stands before the name of an object, by the server that is meant."""
    servers = at.get("servers")
    for each in () if servers is None else servers.items():
        if wanted is not None and _text(each, "server") != wanted:
            continue
        words = _CONTAINERS.get(_text(each, "type"), _ANY)
        values = [next(filter(None, (_text(each, key) for key in keys)), "") for keys in words]
        return [value for value in values if value]
    if wanted is not None:
        raise at.wrong(f"has no server {wanted}")
    return []


def _product(at: At, how: Standards, sources: Mapping[str, Sequence[str]]) -> Declaration:
    names: dict[str, None] = {}
    ports = at.get("outputPorts")
    for port in () if ports is None else ports.items():
        contract = port.get("contractId")
        if contract is None:
            continue
        known = sources.get(contract.text())
        if known is None:
            raise contract.wrong("is the id of no contract that is imported with it")
        names |= dict.fromkeys(known)
    id = at.key("id").text()
    name = _text(at, "name") or id
    domain = how.domain or _text(at, "domain")
    if not domain:
        raise at.wrong("needs domain")
    if not names:
        raise at.wrong("needs an output port whose contract is imported with it")
    fields = {
        "name": _plain_name(name),
        "domain": domain,
        "sources": tuple(names),
        "description": _about(at),
        "tags": _tags(at),
    }
    return _declared(at, "product", id, fields)


def _declared(at: At, kind: str, id: str, fields: Mapping[str, Any]) -> Declaration:
    return at.made(lambda: Declaration(kind=kind, id=id, fields=fields, place=at.place))


def _about(at: At) -> str:
    """Purpose, limitations and usage, each in a paragraph; a plain text stands for the purpose."""
    description = at.get("description")
    if description is None:
        return ""
    if isinstance(description.data, str):
        return description.text()
    parts = ("purpose", "limitations", "usage")
    return "\n\n".join(filter(None, (_text(description, part).strip() for part in parts)))


def _tags(at: At) -> frozenset[str]:
    tags = at.get("tags")
    return frozenset(() if tags is None else (each.text().strip() for each in tags.items()))


def _text(at: At, key: str) -> str:
    found = at.get(key)
    return "" if found is None else found.text()


def _plain_name(name: str) -> str:
    """The name with blanks for what a product's name may not hold."""
    allowed = (c if unicodedata.category(c)[0] in "LMN" or c in "()-_/\\ " else " " for c in name)
    return " ".join("".join(allowed).split())
