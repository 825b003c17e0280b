"""Commands of ``marketplace requests`` about access in an emergency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.each import done
from marketplace_sdk.cli.opening import acting
from marketplace_sdk.cli.showing import shown

if TYPE_CHECKING:
    from marketplace_sdk.marketplace import Services

__all__ = ["emergencies"]


@click.command("break-glass")
@click.argument("product")
@click.option("--reason", required=True, help="Why nobody can be waited for; it is kept.")
@click.option("--acknowledge", multiple=True, metavar="AGREEMENT", help="Id or name of one.")
@shown
@acting
def break_glass(
    market: Services, *, product: str, reason: str, acknowledge: tuple[str, ...], as_json: bool
) -> None:
    """Have access to PRODUCT at once in an emergency; it is reviewed afterwards."""
    found = market.requests.break_glass(product, reason=reason, acknowledge=acknowledge)
    done(found, as_json=as_json)


@click.command()
@click.argument("id")
@click.option(
    "--justified/--not-justified",
    default=None,
    help="Whether it was an emergency; if not, access is revoked at once.",
)
@click.option("--reason", required=True, help="Why; it is kept.")
@shown
@acting
def review(
    market: Services, *, id: str, justified: bool | None, reason: str, as_json: bool
) -> None:
    """Say of access that somebody took in an emergency whether it was one."""
    if justified is None:
        raise click.UsageError("say --justified or --not-justified")
    found = market.requests.review_emergency(id, justified=justified, reason=reason)
    done(found, as_json=as_json)


@click.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why; it is kept.")
@shown
@acting
def settle(market: Services, *, id: str, reason: str, as_json: bool) -> None:
    """Let somebody break the glass again who did so without an emergency."""
    done(market.requests.settle_emergency(id, reason=reason), as_json=as_json)


emergencies: tuple[click.Command, ...] = (break_glass, review, settle)
