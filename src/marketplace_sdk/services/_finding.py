"""Finding products: by words, by what they are, and by what they are to whoever looks."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, field, frozen

from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import managed_domains, require, roles_in
from marketplace_sdk.domain.search import Query
from marketplace_sdk.domain.values import check_flag, check_name, check_text
from marketplace_sdk.errors import NotFound
from marketplace_sdk.services._checking import check_choices, check_filter, check_list
from marketplace_sdk.services._context import By, Context, Service
from marketplace_sdk.services._reading import STATES
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.listing import stewards_of
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.searching import search
from marketplace_sdk.work.unit import Pairs, Unit

__all__ = ["ProductReads", "check_tags", "exists_for"]

ROLES = ("manager", "member", "steward", "none")
STATUSES = ("none", "publisher", *STATES)
STEP = 200
"""Requests that are read at once to learn which products one has to do with."""
MOST_TAGS = 100


@frozen
class _Pairs:
    """The (key, values) pairs of one search."""

    where: list[tuple[str, list[str]]] = field(factory=list)
    unless: list[tuple[str, list[str]]] = field(factory=list)


class ProductReads(Service):
    """What may be read of products, by whom."""

    def get(self, id: str, *, by: By = None) -> DataProduct:
        """A product, with the reader's own ``status`` on it.

        ``status`` is the state of the newest request for oneself, extensions aside, ``publisher``
        for those who manage it and never asked, ``none`` for others.
        """
        with self._reading(by) as (unit, facts):
            product = unit.need(DataProduct, id, "get")
            if not self._visible(unit, facts, product):
                raise NotFound("get", "product", id)
            return _with_status(unit, facts, [product])[0]

    def search(
        self,
        text: str = "",
        *,
        name: str | None = None,
        domain: str | None = None,
        tags: Iterable[str] = (),
        owner: str | None = None,
        status: str | Iterable[str] | None = None,
        role: str | Iterable[str] | None = None,
        ends: bool | None = None,
        after: str | None = None,
        limit: int = 50,
        by: By = None,
    ) -> Page[DataProduct]:
        """Products that answer every word of ``text``, best first; without text by name.

        A word is found where it stands, where a word begins with it, and where one is spelled
        almost like it. The name counts most, then tags, columns of the sources, and description.

        Args:
            text: what to look for; at most 1,000 characters and 32 words.
            name: exactly this name, whatever its case.
            domain: of the product.
            tags: all of them, at most 100.
            owner: id of who published it.
            status: of the reader: ``none``, ``publisher``, or the state of their newest request; or
                several of them.
            role: of the reader: ``manager``, ``member``, ``steward`` or ``none`` of these; or
                several of them.
            ends: the reader's access has an end (True), or has none (False).
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who looks.

        Raises:
            InvalidInput.
        """
        check_text(text, "text")
        query = Query.of(text) if text.strip() else None
        pairs = _Pairs()
        pairs.where.append(("kept", ["yes"]))
        pairs.where.extend(("tag", [tag]) for tag in sorted(check_tags(tags, most=MOST_TAGS)))
        given = {"name": name, "domain": domain, "owner": owner}
        for key, value in given.items():
            if check_filter(value, key) is not None:
                pairs.where.append((key, [str(value).casefold() if key == "name" else str(value)]))
        statuses = check_choices(status, "status", STATUSES)
        roles = check_choices(role, "role", ROLES)
        if ends is not None:
            check_flag(ends, "ends")
        with self._reading(by) as (unit, facts):
            require("product.search", roles_in(facts), facts, "products")
            if self._context.hide_products:
                pairs.where.append(("audience", [*sorted(facts.tokens), *_own(unit, facts)]))
            if ends is not None:
                pairs.where.append(("id", _member_of(unit, facts, ends=ends)))
            branches = [
                _branch(pairs, unit, facts, one_status, one_role)
                for one_status in statuses or (None,)
                for one_role in roles or (None,)
            ]
            if query is None:
                found = unit.union(DataProduct, branches, after=after, limit=limit)
            else:
                found = search(unit, DataProduct, query, branches, after=after, limit=limit)
            return Page(_with_status(unit, facts, found.items), found.next)

    # -- inside ---------------------------------------------------------------------------

    def _managed(self, unit: Unit, facts: Facts, id: str, verb: str) -> DataProduct:
        product = unit.need(DataProduct, id, verb)
        if not self._visible(unit, facts, product):
            raise NotFound(verb, "product", id)
        require("product.manage", roles_in(facts, product.domain), facts, f"product {id}")
        return product

    def _visible(self, unit: Unit, facts: Facts, product: DataProduct) -> bool:
        return exists_for(self._context, unit, facts, product)


def exists_for(context: Context, unit: Unit, facts: Facts, product: DataProduct) -> bool:
    """Whether somebody may know that a product exists."""
    if facts.manages(product.domain) or facts.has("AUDIT"):
        return True
    if product.state == "deleted":
        return False
    if not context.hide_products:
        return True
    return bool(
        unit.find(
            AccessRequest,
            ("product", [product.id]),
            ("audience", facts.tokens),
            limit=1,
        )
    ) or any(one.matches(facts) for one in stewards_of(unit.get, product))


def check_tags(tags: Iterable[str], *, most: int = 10_000) -> frozenset[str]:
    """Names of tags as a set."""
    return frozenset(check_name(tag, "tags") for tag in check_list(tags, "tags", most=most))


def _branch(
    every: _Pairs, unit: Unit, facts: Facts, status: str | None, role: str | None
) -> tuple[Pairs, Pairs]:
    """The pairs of products of one status and one role."""
    pairs = _Pairs([*every.where], [*every.unless])
    if status is not None:
        _by_status(pairs, unit, facts, status)
    if role is not None:
        _by_role(pairs, unit, facts, role)
    return pairs.where, pairs.unless


def _by_status(pairs: _Pairs, unit: Unit, facts: Facts, status: str) -> None:
    asked = _statuses(unit, facts)
    if status not in ("none", "publisher"):
        pairs.where.append(("id", [id for id, each in asked.items() if each == status]))
        return
    pairs.unless.append(("id", list(asked)))
    _by_managing(pairs, facts, managed=status == "publisher")


def _by_role(pairs: _Pairs, unit: Unit, facts: Facts, role: str) -> None:
    if role == "manager":
        _by_managing(pairs, facts, managed=True)
    elif role == "member":
        pairs.where.append(("id", _member_of(unit, facts)))
    elif role == "steward":
        pairs.where.append(("steward", sorted(facts.tokens)))
    else:
        _by_managing(pairs, facts, managed=False)
        pairs.unless.append(("id", _member_of(unit, facts)))
        pairs.unless.append(("steward", sorted(facts.tokens)))


def _by_managing(pairs: _Pairs, facts: Facts, *, managed: bool) -> None:
    if not facts.has("GOVERNANCE"):
        (pairs.where if managed else pairs.unless).append(("domain", managed_domains(facts)))
    elif not managed:
        pairs.where.append(("domain", []))


def _member_of(unit: Unit, facts: Facts, *, ends: bool | None = None) -> list[str]:
    """Ids of the products that one may read now, oneself or through a group."""
    mine = [f"user:{facts.id}", *(f"group:{name}" for name in facts.person.groups)]
    grants = unit.find(Grant, ("open_beneficiary", mine), ("kind", ["access"]))
    return sorted(
        {
            grant.product
            for grant in grants
            if not grant.over(unit.now) and ends in (None, grant.until is not None)
        }
    )


def _statuses(unit: Unit, facts: Facts, products: Iterable[str] | None = None) -> dict[str, str]:
    """State of one's newest request for each product that one has asked for.

    An extension says nothing of what one has: it keeps the old access until it is decided.
    """
    where = [("beneficiary", [f"user:{facts.id}"]), ("kind", ["access"])]
    if products is not None:
        where.append(("product", list(products)))
    requests = unit.find(AccessRequest, *where)
    # Oldest first: the newest stays.
    return {
        request.product: request.seen_at(unit.now).state
        for request in requests
        if not request.extends
    }


def _with_status(unit: Unit, facts: Facts, products: Iterable[DataProduct]) -> list[DataProduct]:
    found = list(products)
    states = _statuses(unit, facts, [product.id for product in found])
    return [
        evolve(
            product,
            status=states.get(product.id, "publisher" if facts.manages(product.domain) else "none"),
        )
        for product in found
    ]


def _own(unit: Unit, facts: Facts) -> list[str]:
    """Tokens of the products of which one may see a request.

    Requests of a product that was met are passed over, so that few of them are read.
    """
    if facts.has("GOVERNANCE") or facts.has("AUDIT"):
        return []  # every product is for them
    met: set[str] = set()
    after: tuple[str, str] | None = None
    while True:
        requests = unit.find(
            AccessRequest,
            ("audience", facts.tokens),
            unless=[("product", sorted(met))],
            after=after,
            limit=STEP,
        )
        met |= {request.product for request in requests}
        if len(requests) < STEP:
            return sorted(f"product:{id}" for id in met)
        after = (text_of(requests[-1].created_at), requests[-1].id)
