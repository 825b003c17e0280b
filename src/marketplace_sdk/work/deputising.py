"""Deputyships as the store knows them: who represents whom at this moment, and how that ends."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from marketplace_sdk.domain.deputies import Deputyship, Represented
from marketplace_sdk.domain.events import Effects, Notice
from marketplace_sdk.domain.people import Person
from marketplace_sdk.domain.selectors import user
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.unit import Unit

__all__ = ["announced", "end_deputyship", "end_deputyships_of", "live", "represented_by"]


def live(
    unit: Unit, *, deputy: str | None = None, people: Collection[str] | None = None
) -> list[Deputyship]:
    """Deputyships under which somebody may act now; of one deputy, of some people, or all."""
    where: list[tuple[str, Collection[str]]] = [("standing", ["yes"])]
    if deputy is not None:
        where.append(("deputy", [deputy]))
    if people is not None:
        where.append(("person", people))
    # They are in the order of their ends: what is over by time is not even read.
    found = unit.find(Deputyship, *where, after=(text_of(unit.now), ""))
    return [each for each in found if each.live(unit.now)]


def represented_by(
    read: Callable[[], AbstractContextManager[Unit]],
    person: Callable[[str], Person | None],
    deputy: str,
) -> tuple[Represented, ...]:
    """Everybody whom somebody represents now, as the directory knows them; leavers are left out.

    Args:
        read: opens a unit for reading.
        person: asks the directory, which is never asked in a unit.
        deputy: id of who represents them.

    Raises:
        DirectoryError: the directory cannot be read.
    """
    with read() as unit:
        ships = live(unit, deputy=deputy)
    if not ships:
        return ()
    known = {id: person(id) for id in sorted({each.person for each in ships})}
    with read() as unit:
        return tuple(
            Represented(each, unit.facts(who))
            for each in ships
            if (who := known[each.person]) is not None and who.active and who.id == each.person
        )


def end_deputyship(unit: Unit, ship: Deputyship, by: str) -> Deputyship:
    """End it now, on record, and tell both but who did it; what is over stays as it is."""
    ended = ship.end(by, unit.now)
    if ended is ship:
        return ship
    saved = unit.save(ended)
    unit.log("deputyship.ended", saved.aggregate, **announced(saved))
    unit.keep(Effects(notices=(_told(saved, by),)))
    return saved


def end_deputyships_of(unit: Unit, person: str, by: str) -> None:
    """Somebody is gone: nobody represents them any more, and they represent nobody."""
    for key in ("person", "deputy"):
        for ship in unit.find(Deputyship, ("standing", ["yes"]), (key, [person])):
            end_deputyship(unit, ship, by)


def announced(ship: Deputyship) -> dict[str, object]:
    """What an event says about a deputyship."""
    return {
        "person": ship.person,
        "deputy": ship.deputy,
        "since": text_of(ship.since),
        "until": text_of(ship.until),
        "domain": ship.domain,
        "product": ship.product,
    }


def _told(ship: Deputyship, by: str) -> Notice:
    return Notice(
        kind="deputy_ended",
        about=ship.aggregate,
        audience=(user(ship.person), user(ship.deputy)),
        exclude=(by,),
        data={"person": ship.person, "deputy": ship.deputy, "scope": ship.scope},
    )
