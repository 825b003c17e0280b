"""``marketplace people``: who is known, where no company directory says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.asking import holder, pairs, sure
from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import acting, configured, confirmed, explained, named, opened
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
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.marketplace import Services

__all__ = ["people"]


@click.group(cls=Group)
def people() -> None:
    """People who are kept here, where no directory of the company says who is who."""


@people.command("list")
@paged
@shown
@acting
def list_(market: Services, *, as_json: bool, limit: int, after: str | None, every: bool) -> None:
    """People by id."""
    print_page(
        market.people.find,
        {
            "id": lambda each: each.id,
            "kind": lambda each: each.kind,
            "active": lambda each: "yes" if each.active else "no",
            "groups": lambda each: ", ".join(sorted(each.groups)),
            "permissions": lambda each: ", ".join(sorted(each.permissions)),
            "platforms": lambda each: ", ".join(sorted(each.principals)),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@people.command()
@click.argument("id")
@shown
@acting
def show(market: Services, *, id: str, as_json: bool) -> None:
    """One person."""
    _show(market.people.get(id), as_json=as_json)


@people.command()
@click.argument("id")
@click.option("--permission", "permissions", multiple=True, help="For example GOVERNANCE.")
@click.option("--group", "groups", multiple=True, help="Name of a group.")
@click.option(
    "--principal",
    "principals",
    callback=pairs,
    multiple=True,
    metavar="CONNECTION=NAME",
    help="Who they are there.",
)
@configured
@named
@shown
@explained
def add(
    *,
    id: str,
    permissions: tuple[str, ...],
    groups: tuple[str, ...],
    principals: tuple[tuple[str, str], ...],
    config: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Make a person known.

    The first one of an empty marketplace needs no --by, and must hold USER_ADMIN.
    """
    if by == id:
        # Whoever has said in MARKETPLACE_BY who they are adds themselves first.
        by = None
    with opened(config) as market:
        added = market.people.add(
            id, permissions=permissions, groups=groups, principals=dict(principals), by=by
        )
        _show(added, as_json=as_json)


@people.command()
@click.argument("id")
@click.option("--permission", "permissions", multiple=True, help="In place of those there are.")
@click.option("--group", "groups", multiple=True, help="In place of those there are.")
@shown
@acting
def update(
    market: Services,
    *,
    id: str,
    permissions: tuple[str, ...],
    groups: tuple[str, ...],
    as_json: bool,
) -> None:
    """Replace a person's permissions or groups; what is not given stays, an empty one clears."""
    changed = market.people.update(id, permissions=_given(permissions), groups=_given(groups))
    _show(changed, as_json=as_json)


@people.command()
@click.argument("who", callback=holder)
@click.argument("principals", nargs=-1, required=True, callback=pairs, metavar="CONNECTION=NAME...")
@shown
@acting
def link(
    market: Services,
    *,
    who: str | StewardSelector,
    principals: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Say who a person is on platforms, or group:NAME; nobody says it of themselves."""
    for connection, name in principals:
        market.people.link(who, connection, name)
    if isinstance(who, str):
        _show(market.people.get(who), as_json=as_json)
    elif as_json:
        print_json({"group": who.value, "principals": dict(principals)})
    else:
        say(f"{who}: " + ", ".join(f"{where}: {name}" for where, name in principals))


@people.command()
@click.argument("id")
@confirmed
@shown
@acting
def deactivate(market: Services, *, id: str, yes: bool, as_json: bool) -> None:
    """Say that somebody left: they cannot act any more, and lose what they had."""
    known = market.people.get(id)
    if not yes:
        for grant in market.grants.of(id):
            click.echo(clean(f"{grant.product_name}: {grant}"), err=True)
    sure(f"take everything from {known.id}?", yes=yes)
    _show(market.people.deactivate(id), as_json=as_json)


@people.command()
@click.argument("id")
@shown
@acting
def reactivate(market: Services, *, id: str, as_json: bool) -> None:
    """Say that somebody who left is back: they can act and ask anew."""
    _show(market.people.reactivate(id), as_json=as_json)


def _given(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """What an option says that may be given again: None when it was not, nothing when empty."""
    return tuple(filter(None, names)) if names else None


def _show(person: Person, *, as_json: bool) -> None:
    if as_json:
        print_json(person)
        return
    print_record(
        {
            "id": person.id,
            "kind": person.kind,
            "owner": person.owner,
            "active": "yes" if person.active else "no",
            "groups": ", ".join(sorted(person.groups)),
            "attributes": ", ".join(f"{key}={value}" for key, value in sorted(person.attributes)),
            "permissions": ", ".join(sorted(person.permissions)),
            "platforms": ", ".join(f"{where}: {who}" for where, who in person.principals.items()),
        }
    )
