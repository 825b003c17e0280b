"""``marketplace deputies``: who decides in a steward's place, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.asking import moment, until
from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import acting
from marketplace_sdk.cli.showing import day, paged, print_json, print_page, say, shown

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.domain.deputies import Deputyship
    from marketplace_sdk.marketplace import Services

__all__ = ["deputies"]


@click.group(cls=Group)
def deputies() -> None:
    """Deputies: who decides in a steward's place while they are away."""


@deputies.command("list")
@click.option("--of", metavar="PERSON", help="Only of who is represented.")
@click.option("--deputy", metavar="PERSON", help="Only of who acts for others.")
@click.option("--live", is_flag=True, default=None, help="Only those that hold now.")
@paged
@shown
@acting
def list_(
    market: Services,
    *,
    of: str | None,
    deputy: str | None,
    live: bool | None,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """Deputyships that you may see, the one that ends last first."""
    print_page(
        lambda **page: market.deputies.find(of=of, deputy=deputy, live=live, **page),
        {
            "id": lambda each: each.id,
            "for": lambda each: each.person,
            "deputy": lambda each: each.deputy,
            "about": lambda each: each.scope,
            "since": lambda each: day(each.since),
            "until": lambda each: day(each.until),
            "ended": lambda each: day(each.ended_at),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@deputies.command()
@click.argument("deputy")
@click.option(
    "--until",
    required=True,
    callback=until,
    metavar="WHEN",
    help="When it ends: '2 weeks' after it begins, or a time.",
)
@click.option("--since", callback=moment, metavar="TIME", help="When it begins, if not now.")
@click.option("--domain", metavar="NAME", help="Only about products of this domain.")
@click.option("--product", metavar="ID", help="Only about this product.")
@shown
@acting
def name(
    market: Services,
    *,
    deputy: str,
    until: Any,
    since: datetime | None,
    domain: str | None,
    product: str | None,
    as_json: bool,
) -> None:
    """Name DEPUTY, who may decide for you until then; they are told."""
    named = market.deputies.name(deputy, until=until, since=since, domain=domain, product=product)
    _done(named, as_json=as_json)


@deputies.command()
@click.argument("id")
@shown
@acting
def end(market: Services, *, id: str, as_json: bool) -> None:
    """End a deputyship before its time."""
    _done(market.deputies.end(id), as_json=as_json)


def _done(ship: Deputyship, *, as_json: bool) -> None:
    if as_json:
        print_json(ship)
    else:
        say(f"{ship.id}: {ship}")
