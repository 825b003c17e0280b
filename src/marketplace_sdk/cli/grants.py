"""``marketplace grants``: who has what, and whether platforms show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.asking import holder, sure
from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import FOUND, acting, confirmed
from marketplace_sdk.cli.showing import (
    busy,
    clean,
    day,
    paged,
    print_json,
    print_page,
    print_record,
    say,
    shown,
)

if TYPE_CHECKING:
    from marketplace_sdk.marketplace import Services

__all__ = ["grants"]

STATES = ("wanted", "active", "withheld", "ending", "ended")


@click.group(cls=Group)
def grants() -> None:
    """Grants: who has what, and whether platforms show it."""


@grants.command("list")
@click.option(
    "--of", "who", callback=holder, metavar="WHO", help="Only what this person or group:NAME has."
)
@click.option("--product", metavar="ID", help="Only of this product.")
@click.option("--state", type=click.Choice(STATES))
@paged
@shown
@acting
def list_(
    market: Services,
    *,
    who: Any,
    product: str | None,
    state: str | None,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """Grants that you may see, oldest first."""
    if who is not None and (product or state):
        raise click.UsageError("--of goes with neither --product nor --state")

    def read(**page: Any) -> Any:
        if who is not None:
            return market.grants.of(who, **page)
        return market.grants.find(product=product, state=state, **page)

    print_page(
        read,
        {
            "id": lambda each: each.id,
            "state": lambda each: each.state,
            "of": lambda each: each.beneficiary,
            "product": lambda each: each.product_name,
            "unmasked": lambda each: ", ".join(each.columns),
            "until": lambda each: day(each.until),
            "why not active": lambda each: ", ".join(
                [*each.withheld, *(trouble.code for trouble in each.trouble)]
            ),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@grants.command()
@click.argument("id")
@shown
@acting
def show(market: Services, *, id: str, as_json: bool) -> None:
    """One grant, with everything that platforms hold for it."""
    grant = market.grants.get(id)
    if as_json:
        print_json(grant)
        return
    print_record(
        {
            "id": grant.id,
            "state": grant.state,
            "of": grant.beneficiary,
            "product": f"{grant.product_name} ({grant.product})",
            "objects": "\n".join(f"{where}: {name}" for where, name in grant.objects),
            "unmasked": ", ".join(grant.columns),
            "until": day(grant.until),
            "active since": day(grant.active_at),
            "ended at": day(grant.ended_at),
            "cause": grant.cause,
            "withheld": ", ".join(grant.withheld),
            "trouble": "\n".join(f"{each.code}: {each.message}" for each in grant.trouble),
            "requests": ", ".join(grant.requests),
            "items": "\n".join(map(str, grant.items)),
        }
    )


@grants.command()
@click.argument("request")
@shown
@acting
def preview(market: Services, *, request: str, as_json: bool) -> None:
    """What an approval of a pending REQUEST would change on platforms; changes nothing.

    Ends with 1 when something stands against it.
    """
    with busy("asking platforms"):
        found = market.grants.preview(request)
    if as_json:
        print_json(found)
    else:
        say(found)
    if found.problems:
        raise SystemExit(FOUND)


@grants.command()
@click.option("--connection", metavar="NAME", help="Only there.")
@click.option("--product", metavar="ID", help="Only of this product.")
@shown
@acting
def drift(market: Services, *, connection: str | None, product: str | None, as_json: bool) -> None:
    """What on platforms is not as it should be; changes nothing.

    Ends with 1 when something has drifted.
    """
    with busy("asking platforms"):
        found = market.grants.drift(connection=connection, product=product)
    if as_json:
        print_json(found)
    else:
        say(found)
    if found.findings:
        raise SystemExit(FOUND)


@grants.command()
@click.option("--connection", metavar="NAME", help="Only there.")
@click.option("--product", metavar="ID", help="Only of this product.")
@confirmed
@shown
@acting
def repair(
    market: Services, *, connection: str | None, product: str | None, yes: bool, as_json: bool
) -> None:
    """Have put right what drifted and is ours, with the next delivery; shows it, and asks first."""
    if not yes:
        with busy("asking platforms"):
            found = market.grants.drift(connection=connection, product=product)
        click.echo(clean(found), err=True)
        sure("put right what is ours?", yes=yes)
    with busy("asking platforms"):
        found = market.grants.repair(connection=connection, product=product)
    ours = found.of("missing", "outlives")
    if as_json:
        print_json(found)
    else:
        say("\n".join(map(str, ours)) or "there is nothing to put right")


@grants.command()
@click.argument("id")
@confirmed
@shown
@acting
def adopt(market: Services, *, id: str, yes: bool, as_json: bool) -> None:
    """Make ours what the beneficiary of grant ID could do before; shows it, and asks first."""
    before = [each for each in market.grants.get(id).items if each.origin == "preexisting"]
    if not yes:
        for item in before:
            click.echo(clean(item), err=True)
        sure("make it ours, so that it ends with the grant?", yes=yes)
    grant = market.grants.adopt(id)
    if as_json:
        print_json(grant)
    else:
        say(f"{grant.id}: adopted {len(before)}")
