"""``marketplace inbox``: what one has been told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import acting
from marketplace_sdk.cli.showing import day, paged, print_json, print_page, say, shown

if TYPE_CHECKING:
    from marketplace_sdk.marketplace import Services

__all__ = ["inbox"]


@click.group(cls=Group)
def inbox() -> None:
    """Your inbox: what you have been told, also without mail and chat."""


@inbox.command("list")
@click.option("--unread", is_flag=True, help="Only what you have not read.")
@paged
@shown
@acting
def list_(
    market: Services, *, unread: bool, as_json: bool, limit: int, after: str | None, every: bool
) -> None:
    """Messages to you, newest first."""
    print_page(
        partial(market.inbox.of, _mine(market), unread=unread),
        {
            "id": lambda each: each.id,
            "at": lambda each: day(each.at),
            "read": lambda each: "yes" if each.read_at else "",
            "what": lambda each: each.subject,
            "about": lambda each: each.link or each.about,
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@inbox.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All that there are.")
@shown
@acting
def read(market: Services, *, ids: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Mark messages to you as read."""
    if bool(ids) == every:
        raise click.UsageError("name messages, or say --all")
    if every:
        count = market.inbox.mark_all_read()
    else:
        count = len([market.inbox.mark_read(id) for id in ids])
    if as_json:
        print_json({"read": count})
    else:
        say(f"read: {count}")


def _mine(market: Services) -> str:
    actor = market.actor
    assert actor is not None, "`acting` binds them"  # noqa: S101 - for types
    return actor.person
