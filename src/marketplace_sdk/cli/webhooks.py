"""``marketplace webhooks``: where events go, what became of them, and sending them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.asking import moment, sure
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
    from marketplace_sdk.services.destinations import DestinationView

__all__ = ["webhooks"]

STATES = ("retrying", "delivered", "failed", "dropped")


@click.group(cls=Group)
def webhooks() -> None:
    """Webhooks: where events go, what became of them, and sending them again."""


@webhooks.command("list")
@paged
@shown
@acting
def list_(market: Services, *, as_json: bool, limit: int, after: str | None, every: bool) -> None:
    """Webhooks of the configuration, and those that are set up here."""
    print_page(
        market.destinations.find,
        {
            "id": lambda each: each.id,
            "from": lambda each: each.origin,
            "state": lambda each: each.state,
            "types": lambda each: ", ".join(sorted(each.types)) or "all",
            "failing since": lambda each: day(each.failing_since),
            "description": lambda each: each.description,
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@webhooks.command()
@click.argument("id")
@shown
@acting
def show(market: Services, *, id: str, as_json: bool) -> None:
    """One webhook; its secret is never shown."""
    _show(market.destinations.get(id), as_json=as_json)


@webhooks.command()
@click.argument("url")
@click.option("--secret", required=True, help="Where its secret is kept: env:NAME or file:PATH.")
@click.option("--id", help="Chosen by you; the same again changes nothing.")
@click.option("--type", "types", multiple=True, help="Only events of this type.")
@click.option("--include", multiple=True, type=click.Choice(["answers", "inquiries", "reasons"]))
@click.option("--description", default="", help="For people.")
@shown
@acting
def create(market: Services, *, url: str, as_json: bool, **more: Any) -> None:
    """Set up a webhook that gets what happens from now on."""
    _show(market.destinations.create(url, **more), as_json=as_json)


@webhooks.command()
@click.argument("id")
@click.option("--state", type=click.Choice(STATES))
@paged
@shown
@acting
def history(
    market: Services,
    *,
    id: str,
    state: Any,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """What became of messages there, the latest first."""
    print_page(
        lambda **page: market.destinations.history(id, state=state, **page),
        {
            "message": lambda each: each.message,
            "type": lambda each: each.type,
            "state": lambda each: each.state,
            "attempts": lambda each: each.attempts,
            "happened": lambda each: day(each.at),
            "last attempt": lambda each: day(each.last_at),
            "next": lambda each: day(each.next_at),
            "error": lambda each: each.error,
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@webhooks.command()
@click.argument("id")
@click.option("--message", metavar="ID", help="Only this message.")
@click.option("--since", callback=moment, metavar="WHEN", help="What happened then or later.")
@click.option("--until", callback=moment, metavar="WHEN", help="What happened before.")
@shown
@acting
def redeliver(market: Services, *, id: str, as_json: bool, **which: Any) -> None:
    """Send again, under the same message ids: one message, or all of a time."""
    count = market.destinations.redeliver(id, **which)
    if as_json:
        print_json({"messages": count})
    else:
        say(f"messages that will be sent: {count}")


@webhooks.command()
@click.argument("id")
@shown
@acting
def test(market: Services, *, id: str, as_json: bool) -> None:
    """Send a test now, by mail and chat to yourself; ends with 1 when it is not taken."""
    with busy(f"calling {clean(id)}"):
        result = market.destinations.test(id)
    if as_json:
        print_json(result)
    else:
        say("delivered" if result.delivered else f"not delivered: {result.error}")
    if not result.delivered:
        raise SystemExit(FOUND)


@webhooks.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why; it is kept.")
@shown
@acting
def disable(market: Services, *, id: str, reason: str, as_json: bool) -> None:
    """Send nothing there any more; what waits is kept."""
    _show(market.destinations.disable(id, reason=reason), as_json=as_json)


@webhooks.command()
@click.argument("id")
@shown
@acting
def enable(market: Services, *, id: str, as_json: bool) -> None:
    """Send there again, first what waited."""
    _show(market.destinations.enable(id), as_json=as_json)


@webhooks.command("rotate-secret")
@click.argument("id")
@click.option("--secret", required=True, help="Where the new one is kept: env:NAME or file:PATH.")
@shown
@acting
def rotate_secret(market: Services, *, id: str, secret: str, as_json: bool) -> None:
    """Sign with a new secret, and for a day with the one before it, too."""
    _show(market.destinations.rotate_secret(id, secret=secret), as_json=as_json)


@webhooks.command()
@click.argument("id")
@confirmed
@shown
@acting
def delete(market: Services, *, id: str, yes: bool, as_json: bool) -> None:
    """Forget a webhook and what waits for it; shows it, and asks first."""
    known = market.destinations.get(id)
    if not yes:
        click.echo(clean(f"{known.id}: {known.url} {known.description}".strip()), err=True)
    sure("forget it, and what waits for it?", yes=yes)
    market.destinations.delete(id)
    if as_json:
        print_json({"deleted": id})
    else:
        say(f"{id}: deleted")


def _show(view: DestinationView, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    print_record(
        {
            "id": view.id,
            "from": view.origin,
            "url": view.url,
            "description": view.description,
            "receives": ", ".join(sorted(view.receives)),
            "types": ", ".join(sorted(view.types)) or "all",
            "include": ", ".join(sorted(view.include)),
            "format": view.format,
            "both secrets until": day(view.both_until),
            "state": view.state,
            "reason": view.reason,
            "since": day(view.since),
            "failing since": day(view.failing_since),
        }
    )
