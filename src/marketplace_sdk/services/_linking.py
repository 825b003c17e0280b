"""Who is who on a platform: each name there belongs to one person or group here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.events import Effects, Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import GroupFacts, Person
from marketplace_sdk.domain.values import FrozenMap, check_name
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.work.targets import targets_of

if TYPE_CHECKING:
    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.work.unit import Unit

__all__ = ["link_group", "link_person", "look_at_grants", "reserve_principal"]


def link_person(unit: Unit, id: str, principal: FrozenMap[str, str]) -> None:
    """Keep the platform names of a person, and have what they hold looked at.

    Raises:
        DuplicateName: somebody else has one of them.
        NotFound: there is no such person.
    """
    person = unit.need(Person, id, "link")
    changed = _linked(unit, person.principals, principal, f"user:{id}")
    if changed is not None:
        unit.save(evolve(person, principals=changed))
        unit.log("person.linked", f"person:{id}", connections=sorted(principal))
        look_at_grants(unit, f"user:{id}")


def link_group(unit: Unit, who: StewardSelector, principal: FrozenMap[str, str]) -> None:
    """The same for a group; raises InvalidInput for what is no group."""
    if who.kind != "group":
        raise InvalidInput(
            "cannot link", problems=[Problem("who", "must be a person's id or group(name)")]
        )
    known = unit.get(GroupFacts, who.value) or GroupFacts(name=check_name(who.value, "group"))
    changed = _linked(unit, known.principals, principal, who.token)
    if changed is not None:
        unit.save(evolve(known, principals=changed))
        unit.log("group.linked", f"group:{who.value}", connections=sorted(principal))
        look_at_grants(unit, who.token)


def _linked(
    unit: Unit, before: FrozenMap[str, str], principal: FrozenMap[str, str], owner: str
) -> FrozenMap[str, str] | None:
    """The principals with one more, or None when nothing changes."""
    after = before
    for connection, name in principal.items():
        old = before.get(connection)
        if old == name:
            continue
        reserve_principal(unit, connection, name, owner)
        if old is not None:
            unit.release(f"principal|{connection}|{old}", owner)
        after = after.set(connection, name)
    return None if after is before else after


def reserve_principal(unit: Unit, connection: str, name: str, owner: str) -> None:
    """Take a platform name for a person or group (a token); raises DuplicateName."""
    unit.reserve(
        f"principal|{connection}|{name}",
        owner,
        f"cannot link on connection {connection}: that platform name belongs to somebody else",
    )


def look_at_grants(unit: Unit, beneficiary: str) -> None:
    """Mark every target on which a beneficiary (a token) holds something."""
    marks: list[Mark] = []
    for grant in unit.find(Grant, ("open_beneficiary", [beneficiary])):
        marks += targets_of(unit, grant)
    unit.keep(Effects(marks=tuple(marks)))
