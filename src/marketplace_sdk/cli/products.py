"""``marketplace products``: find, look, withhold, close, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.asking import sure
from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import acting, confirmed
from marketplace_sdk.cli.showing import (
    clean,
    paged,
    print_json,
    print_page,
    print_record,
    say,
    shown,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.marketplace import Services

__all__ = ["products"]


@click.group(cls=Group)
def products() -> None:
    """Data products: find, look, withhold, close, delete."""


@products.command("list")
@click.argument("text", default="")
@click.option("--domain", metavar="NAME", help="Only of this domain.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag; may be given again.")
@click.option("--role", type=click.Choice(["manager", "member", "steward", "none"]))
@paged
@shown
@acting
def list_(
    market: Services,
    *,
    text: str,
    domain: str | None,
    tags: tuple[str, ...],
    role: str | None,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """Products that answer TEXT, best first; without it all of them, by name."""
    print_page(
        lambda **page: market.products.search(text, domain=domain, tags=tags, role=role, **page),
        {
            "id": lambda each: each.id,
            "name": lambda each: each.name,
            "domain": lambda each: each.domain,
            "state": _state,
            "yours": lambda each: each.status,
            "sources": lambda each: len(each.sources),
            "tags": lambda each: ", ".join(sorted(each.tags)),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@products.command()
@click.argument("id")
@shown
@acting
def show(market: Services, *, id: str, as_json: bool) -> None:
    """One product."""
    product = market.products.get(id)
    if as_json:
        print_json(product)
        return
    print_record(
        {
            "id": product.id,
            "name": product.name,
            "domain": product.domain,
            "state": _state(product),
            "reason": product.reason,
            "yours": product.status,
            "sources": ", ".join(product.sources),
            "description": product.description,
            "tags": ", ".join(sorted(product.tags)),
            "expert": product.expert,
            "form": product.form or "standard",
            "form for exceptions": product.masking_form,
            "longest access": product.max_duration,
            "in an emergency": product.emergency,
        }
    )


@products.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why; people are told.")
@confirmed
@shown
@acting
def suspend(market: Services, *, id: str, reason: str, yes: bool, as_json: bool) -> None:
    """Withhold all access of a product until it is resumed."""
    product = _named(market, id)
    sure(f"withhold all access of {product}?", yes=yes)
    _done(market.products.suspend(id, reason=reason), as_json=as_json)


@products.command()
@click.argument("id")
@shown
@acting
def resume(market: Services, *, id: str, as_json: bool) -> None:
    """Give back what suspending withheld."""
    _done(market.products.resume(id), as_json=as_json)


@products.command()
@click.argument("id")
@confirmed
@shown
@acting
def retire(market: Services, *, id: str, yes: bool, as_json: bool) -> None:
    """Close a product for new requests; members keep what they have."""
    product = _named(market, id)
    sure(f"close {product} for new requests for good?", yes=yes)
    _done(market.products.retire(id), as_json=as_json)


@products.command()
@click.argument("id")
@click.option("--cascade", is_flag=True, help="Revoke its grants too.")
@confirmed
@shown
@acting
def delete(market: Services, *, id: str, cascade: bool, yes: bool, as_json: bool) -> None:
    """Delete a product; pending requests are canceled, and with --cascade grants revoked."""
    product = _named(market, id)
    if not yes:
        grants = market.grants.find(product=id, limit=1000)
        for grant in grants:
            if grant.state != "ended":
                click.echo(clean(f"{grant.beneficiary}: {grant}"), err=True)
        if grants.next is not None:
            click.echo("and more", err=True)
    sure(f"delete {product}?", yes=yes)
    _done(market.products.delete(id, cascade=cascade), as_json=as_json)


def _named(market: Services, id: str) -> str:
    return clean(market.products.get(id).name)


def _done(product: DataProduct, *, as_json: bool) -> None:
    if as_json:
        print_json(product)
    else:
        say(f"{product.name}: {_state(product)}")


def _state(product: DataProduct) -> str:
    held = product.suspended and product.state != "suspended"
    return f"{product.state}, suspended" if held else product.state
