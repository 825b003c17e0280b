"""What callers give, checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from marketplace_sdk.domain.values import check_id
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["check_choice", "check_filter", "check_list"]


def check_list(values: object, path: str, *, most: int = 10_000) -> tuple[Any, ...]:
    """The items of a list, tuple, set or other iterable; a lone text or a mapping is refused."""
    if (
        isinstance(values, (str, bytes, bytearray))
        or hasattr(values, "keys")
        or not isinstance(values, Iterable)
    ):
        raise InvalidInput("cannot use this list", problems=[Problem(path, "must be a list")])
    items = tuple(values)
    if len(items) > most:
        raise InvalidInput(
            "cannot use this list", problems=[Problem(path, f"must be at most {most}")]
        )
    return items


def check_choice(value: str | None, path: str, choices: Collection[str]) -> str | None:
    """One of the choices, or None."""
    if value is None or (isinstance(value, str) and value in choices):
        return value
    raise InvalidInput(
        "cannot use this value",
        problems=[Problem(path, f"must be one of {', '.join(choices)}")],
    )


def check_filter(value: object, path: str) -> str | None:
    """An id to filter a list by, or None."""
    return None if value is None else check_id(value, path)
