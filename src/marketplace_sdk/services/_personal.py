"""What may be said of a person, checked before it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketplace_sdk.domain.people import Person, check_contact
from marketplace_sdk.domain.values import check_id, check_name
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.services._checking import check_list

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "Attributes",
    "attributes_of",
    "check_owner",
    "contact_of",
    "mapped",
    "names_of",
    "owner_id",
]

Attributes = Mapping[str, str | Iterable[str]]


def names_of(names: Iterable[str], path: str) -> frozenset[str]:
    """Names of groups or permissions; raises InvalidInput."""
    return frozenset(check_name(name, path) for name in check_list(names, path))


def contact_of(**given: str | None) -> dict[str, Any]:
    """What is given of name, email, language and time zone; empty text takes one away.

    Raises:
        InvalidInput: naming each that is none.
    """
    found = {key: value for key, value in given.items() if value is not None}
    problems = [
        Problem(key, "must be text") for key, value in found.items() if not isinstance(value, str)
    ]
    if not problems:
        problems += check_contact(email=found.get("email", ""), language=found.get("language", ""))
        if found.get("time_zone") and not _is_zone(found["time_zone"]):
            problems.append(Problem("time_zone", "must be a name such as Europe/Berlin"))
    if problems:
        raise InvalidInput("cannot keep this person", problems=problems)
    if found.get("name"):
        check_name(found["name"], "name")
    return found


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def owner_id(id: str) -> str:
    """The id of a service account's owner, or empty text; raises InvalidInput."""
    return id if id == "" else check_id(id, "owner")  # None is no id


def check_owner(unit: Unit, person: Person, verb: str) -> None:
    """Refuse an owner who is no active person (InvalidInput)."""
    owner = unit.get(Person, person.owner) if person.owner else None
    if person.owner and (owner is None or not owner.active or owner.kind != "person"):
        raise InvalidInput(
            f"cannot {verb} person {person.id}",
            problems=[Problem("owner", f"{person.owner!r} is not a known, active person")],
        )


def mapped(given: Mapping[str, Any] | None, path: str) -> Mapping[str, Any]:
    """What is given, if it is a mapping (InvalidInput); None is an empty one."""
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInput(
            "cannot keep this person", problems=[Problem(path, "must map names to values")]
        )
    return given or {}


def attributes_of(attributes: Attributes | None) -> frozenset[tuple[str, str]]:
    """Pairs of key and value, of which a key may have several; raises InvalidInput."""
    pairs = set()
    for key, value in mapped(attributes, "attributes").items():
        check_name(key, "attributes")
        values = [value] if isinstance(value, str) else check_list(value, f"attributes.{key}")
        for each in values:
            pairs.add((key, check_name(each, f"attributes.{key}")))
    return frozenset(pairs)
