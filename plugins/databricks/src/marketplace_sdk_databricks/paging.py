"""Lists on several pages, which others may change between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from marketplace_sdk_databricks.deadline import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["settled"]

T = TypeVar("T")

_TRIES = 8


def settled(read: Callable[[], tuple[T, int]]) -> T:
    """What a list holds; read again until it is the same twice, if it has more than one page.

    An entry that moves to a page which was read already would be missed, and a privilege be taken
    for gone that is still there.

    Args:
        read: gives what the whole list holds, and how many pages that took.

    Raises:
        NoAnswer: it changes faster than it can be read.
        OSError: it cannot be listed.
    """
    found, pages = read()
    for _ in range(_TRIES):
        if pages <= 1:
            return found
        again, pages = read()
        if again == found:
            return found
        found = again
    raise NoAnswer("the list changes faster than it can be read")
