"""Beneficiaries of a company's own directory, which tells nobody that somebody has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from marketplace_sdk.domain.deputies import Deputyship
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM, Beneficiary, GroupFacts, Person
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.work.endings import leave
from marketplace_sdk.work.records import KINDS
from marketplace_sdk.work.targets import targets_of

if TYPE_CHECKING:
    from marketplace_sdk.services._context import Context
    from marketplace_sdk.work.unit import Unit

__all__ = ["LEAVERS", "look_for_leavers"]

LEAVERS = "leavers"
PAGE = 200

T = TypeVar("T", AccessRequest, Grant, Deputyship)


def look_for_leavers(context: Context, again: Callable[[Unit], None]) -> None:
    """Ask the directory about everybody who has something, would get it, or decides for another.

    Whoever is inactive loses it for good. Whoever is unknown, or somebody else on a platform than
    when it was given, may only be missing by mistake: their targets are looked at again, which
    takes the access away and gives it back once the directory knows them as before.

    Args:
        context: of the marketplace.
        again: sets the timer for the next time.

    Raises:
        DirectoryError: the directory cannot be read; who was found so far is dealt with.
    """
    known: dict[str, Person | GroupFacts | None] = {}

    def look_up(who: Beneficiary) -> Person | GroupFacts | None:
        if who.token not in known:
            group = who.kind == "group"
            found = known[who.token] = context.group(who.id) if group else context.person(who.id)
            if isinstance(found, Person) and not found.active:
                with context.unit(SYSTEM) as unit:
                    leave(unit, found.id)
        return known[who.token]

    for requests in _pages(context, AccessRequest, ("state", ["pending"])):
        for request in requests:
            look_up(request.beneficiary)
    for id in {id for ship in _deputyships(context) for id in (ship.person, ship.deputy)}:
        look_up(Beneficiary("person", id))
    for grants in _pages(context, Grant, ("open", ["yes"])):
        moved = [each for each in grants if _moved(each, look_up(each.beneficiary))]
        if moved:
            with context.unit(SYSTEM) as unit:
                for grant in moved:
                    unit.keep(Effects(marks=targets_of(unit, grant)))
    with context.unit(SYSTEM) as unit:
        again(unit)


def _moved(grant: Grant, who: Person | GroupFacts | None) -> bool:
    """Whether the directory knows the beneficiary of a live grant no more, or differently."""
    pinned = grant.principals.items()
    return grant.live and (
        who is None or any(who.principals.get(name) != pin.name for name, pin in pinned)
    )


def _deputyships(context: Context) -> Iterator[Deputyship]:
    """Those that have not ended before their time."""
    for found in _pages(context, Deputyship, ("standing", ["yes"])):
        yield from found


def _pages(context: Context, kind: type[T], where: tuple[str, list[str]]) -> Iterator[list[T]]:
    after: tuple[str, str] | None = None
    while True:
        with context.unit(SYSTEM, write=False) as unit:
            found = unit.find(kind, where, after=after, limit=PAGE)
        yield found
        if len(found) < PAGE:
            return
        after = (KINDS[kind].order(found[-1]), found[-1].id)
