"""What somebody asks for, and who would get it: checked as far as that goes without the product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from marketplace_sdk.domain.people import Beneficiary, Person
from marketplace_sdk.domain.requests import RequestKind
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import FrozenMap, check_id, check_text
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.services._checking import check_list

if TYPE_CHECKING:
    from marketplace_sdk.services._context import Context

__all__ = ["Receiver", "Wanted", "check_columns", "check_names", "receiver"]

MOST_COLUMNS = 500


@frozen(kw_only=True)
class Wanted:
    """What somebody asks for, as it was given and checked as far as that goes without a store.

    With ``emergency``, the reason, they take it without asking, and answer no questions.
    """

    kind: RequestKind
    product: str
    columns: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(repr=False)
    acknowledge: tuple[str, ...] = ()
    form_version: str | None = None
    extends: str = ""
    emergency: str = field(default="", repr=False)
    id: str


@frozen(kw_only=True)
class Receiver:
    """Who would get it, as the directory knows them now.

    Attributes:
        beneficiary: who.
        person: a person or service account; None for a group.
        owner: who answers for a service account; else empty.
        answers_for: that owner; None unless it is a service account.
        principals: names on each connection.
    """

    beneficiary: Beneficiary
    person: Person | None
    owner: str
    answers_for: Person | None = None
    principals: FrozenMap[str, str] = field(repr=False)


def receiver(context: Context, requester: Person, who: str | StewardSelector | None) -> Receiver:
    """Look the beneficiary up.

    Raises:
        InvalidInput: unknown, inactive, without an owner who is active, or neither a person's id
            nor ``group(name)``.
    """
    if isinstance(who, StewardSelector):
        if who.kind != "group":
            raise _unknown("must be a person's id or group(name)")
        known = context.group(who.value)
        if known is None:
            raise _unknown("is not a known group")
        return Receiver(
            beneficiary=Beneficiary("group", who.value),
            person=None,
            owner="",
            principals=known.principals,
        )
    id = requester.id if who is None else check_id(who, "on_behalf_of")
    person = requester if id == requester.id else context.person(id)
    if person is None or not person.active:
        raise _unknown("is not a known, active person")
    answers_for = context.person(person.owner) if person.owner else None
    if person.owner and (answers_for is None or not answers_for.active):
        raise _unknown(
            "is a service account whose owner has left", "a USER_ADMIN names another owner"
        )
    return Receiver(
        beneficiary=Beneficiary("person", id),
        person=person,
        owner=person.owner,
        answers_for=answers_for,
        principals=person.principals,
    )


def check_columns(columns: Collection[str] | str) -> tuple[str, ...]:
    """Column names as given: 1 to 500 different ``source.column``."""
    given = check_list(columns, "columns")
    plain = all(isinstance(each, str) and "." in each for each in given)
    found = tuple(dict.fromkeys(given)) if plain else ()
    if not 1 <= len(found) <= MOST_COLUMNS:
        raise InvalidInput(
            "cannot request a masking exception",
            problems=[Problem("columns", f"must be 1 to {MOST_COLUMNS} names source.column")],
        )
    return tuple(sorted(found))


def check_names(names: Collection[str]) -> tuple[str, ...]:
    """Ids or names of agreements as given; a lone one may stand for itself."""
    given = (names,) if isinstance(names, str) else check_list(names, "acknowledge")
    return tuple(check_text(name, "acknowledge") for name in given)


def _unknown(what: str, hint: str = "") -> InvalidInput:
    problem = Problem("on_behalf_of", what)
    return InvalidInput("cannot submit request", problems=[problem], hint=hint)
