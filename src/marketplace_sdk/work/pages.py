"""Parts of lists, and the texts by which callers go on with them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.wire.codec import instant

__all__ = ["Page", "check_limit", "due_of", "place_of", "rank_of", "storable", "text_of_place"]

T = TypeVar("T")

MOST_ON_A_PAGE = 1000


@frozen
class Page(Generic[T]):
    """A part of a list, and where to go on.

    Attributes:
        items: values, in the order of the list.
        next: give it as ``after=`` to get the next page; None at the end.
    """

    items: tuple[T, ...] = field(converter=tuple)
    next: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return "\n".join(str(item) for item in self.items) or "nothing"


def check_limit(limit: int) -> None:
    """Refuse a page size that is not 1 to 1000."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_ON_A_PAGE:
        raise InvalidInput(
            "cannot list", problems=[Problem("limit", f"must be 1 to {MOST_ON_A_PAGE}")]
        )


def storable(id: object) -> bool:
    """Whether a record can have this id at all: text that can be written down."""
    if not isinstance(id, str) or "\0" in id:
        return False
    try:
        id.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_of_place(place: Sequence[int | str]) -> str:
    """A place in a list as the text that callers hand back."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def place_of(text: str | None) -> tuple[str, str] | None:
    """Order and id of the last value of the page before.

    Raises:
        InvalidInput: it is not the ``next`` of such a list.
    """
    match _place(text):
        case None:
            return None
        case [str(order), str(id)] if storable(order + id):
            return order, id
    raise _not_next()


def rank_of(text: str | None) -> tuple[int, str, str] | None:
    """The same of a search: tier, order and id."""
    match _place(text):
        case None:
            return None
        case [int(tier), str(order), str(id)] if storable(order + id):
            return tier, order, id
    raise _not_next()


def due_of(text: str | None) -> tuple[datetime, str] | None:
    """The same of a list of work: when it is due, and id."""
    place = place_of(text)
    if place is None:
        return None
    try:
        return instant(place[0]), place[1]
    except (ValueError, OverflowError) as error:
        raise _not_next() from error


def _place(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text.encode())) or ()
    except (ValueError, AttributeError, RecursionError) as error:
        raise _not_next() from error


def _not_next() -> InvalidInput:
    return InvalidInput("cannot list", problems=[Problem("after", "is not the `next` of a page")])
