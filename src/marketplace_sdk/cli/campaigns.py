"""``marketplace campaigns``: ask whether access is still needed, answer, and report."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.asking import sure, until
from marketplace_sdk.cli.opening import acting, confirmed
from marketplace_sdk.cli.showing import day, paged, print_json, print_page, print_record, say, shown

if TYPE_CHECKING:
    from marketplace_sdk.domain.campaigns import Campaign, CampaignItem
    from marketplace_sdk.marketplace import Services

__all__ = ["campaigns"]

STATES = ("opening", "open", "closed", "canceled")
ITEM_STATES = (
    "open",
    "certified",
    "refused",
    "ended",
    "kept_by_silence",
    "revoked_by_silence",
    "canceled",
)


@click.group()
def campaigns() -> None:
    """Campaigns: ask whether access is still needed, answer, report."""


@campaigns.command()
@click.argument("name")
@click.option("--domain", metavar="NAME", help="All products of this domain.")
@click.option("--product", "products", multiple=True, metavar="ID", help="This product.")
@click.option(
    "--deadline",
    callback=until,
    required=True,
    metavar="WHEN",
    help="Like '30 days', or a time (UTC).",
)
@click.option(
    "--silence",
    type=click.Choice(["keep", "revoke"]),
    required=True,
    help="What becomes of access that nobody has answered for by then.",
)
@shown
@acting
def start(
    market: Services,
    *,
    name: str,
    domain: str | None,
    products: tuple[str, ...],
    deadline: Any,
    silence: str,
    as_json: bool,
) -> None:
    """Ask about all access to a domain's products, or to some products."""
    started = market.campaigns.start(
        name, domain=domain, products=products or None, deadline=deadline, silence=silence
    )
    _show(started, as_json=as_json)


@campaigns.command("list")
@click.option("--state", type=click.Choice(STATES))
@click.option("--domain", metavar="NAME", help="Only about products of this domain.")
@click.option("--product", metavar="ID", help="Only about this product.")
@paged
@shown
@acting
def list_(
    market: Services, *, as_json: bool, limit: int, after: str | None, every: bool, **filters: Any
) -> None:
    """Campaigns that you may see, newest first."""
    print_page(
        lambda **page: market.campaigns.find(**filters, **page),
        {
            "id": lambda each: each.id,
            "state": lambda each: each.state,
            "name": lambda each: each.name,
            "deadline": lambda each: day(each.deadline),
            "silence": lambda each: each.silence,
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@campaigns.command()
@click.argument("id")
@shown
@acting
def show(market: Services, *, id: str, as_json: bool) -> None:
    """One campaign."""
    _show(market.campaigns.get(id), as_json=as_json)


@campaigns.command()
@click.argument("id")
@shown
@acting
def progress(market: Services, *, id: str, as_json: bool) -> None:
    """How far a campaign is."""
    found = market.campaigns.progress(id)
    if as_json:
        print_json(found)
    else:
        say(found)


@campaigns.command()
@click.argument("campaign")
@click.option("--state", type=click.Choice(ITEM_STATES))
@click.option("--mine", is_flag=True, help="Only those that await your answer.")
@click.option("--product", metavar="ID", help="Only of this product.")
@paged
@shown
@acting
def items(
    market: Services,
    *,
    campaign: str,
    mine: bool,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
    **filters: Any,
) -> None:
    """Items of a campaign that you may see."""
    print_page(
        lambda **page: market.campaigns.items(campaign, awaiting_me=mine, **filters, **page),
        {
            "id": lambda each: each.id,
            "state": lambda each: each.state,
            "what": _what,
            "product": lambda each: each.product_name,
            "for": lambda each: each.beneficiary,
            "by": lambda each: each.decided_by,
            "closed at": lambda each: day(each.closed_at),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@campaigns.command()
@click.argument("items", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it is kept.")
@shown
@acting
def certify(market: Services, *, items: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Say of ITEMS, or of grants, that the access is still needed; each by itself."""
    _answer(market.campaigns.certify, items, reason, as_json=as_json)


@campaigns.command()
@click.argument("items", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it is kept.")
@confirmed
@shown
@acting
def refuse(
    market: Services, *, items: tuple[str, ...], reason: str, yes: bool, as_json: bool
) -> None:
    """Say of ITEMS, or of grants, that the access is not needed, which revokes it."""
    sure(f"revoke the access of {len(items)} items?", yes=yes)
    _answer(market.campaigns.refuse, items, reason, as_json=as_json)


@campaigns.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why; it is kept.")
@shown
@acting
def close(market: Services, *, id: str, reason: str, as_json: bool) -> None:
    """Close a campaign before its deadline."""
    _show(market.campaigns.close(id, reason=reason), as_json=as_json)


@campaigns.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why; it is kept.")
@shown
@acting
def cancel(market: Services, *, id: str, reason: str, as_json: bool) -> None:
    """Call a campaign off; what is open changes no access."""
    _show(market.campaigns.cancel(id, reason=reason), as_json=as_json)


@campaigns.command()
@click.argument("id")
@click.option("--format", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@acting
def report(market: Services, *, id: str, format: str, output: IO[str]) -> None:
    """Write who certified what, as JSON lines or CSV."""
    for line in market.campaigns.report(id, format=format):
        output.write(line + "\n")


def _answer(
    act: Callable[..., CampaignItem], items: tuple[str, ...], reason: str, *, as_json: bool
) -> None:
    answered: list[CampaignItem] = []
    try:
        answered += (act(item, reason=reason) for item in items)
    finally:
        # Each counts by itself: what was answered before one failed is.
        if as_json:
            print_json(answered)
        else:
            for item in answered:
                say(f"{item.id}: {item.state}")


def _show(campaign: Campaign, *, as_json: bool) -> None:
    if as_json:
        print_json(campaign)
        return
    print_record(
        {
            "id": campaign.id,
            "name": campaign.name,
            "state": campaign.state,
            "about": campaign.domain or ", ".join(campaign.products),
            "deadline": day(campaign.deadline),
            "silence": campaign.silence,
            "started by": campaign.created_by,
            "reason": campaign.reason,
        }
    )


def _what(item: CampaignItem) -> str:
    return "access" if item.kind == "access" else ", ".join(item.columns)
