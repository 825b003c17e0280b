"""What callers give, checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.domain.values import check_id
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = [
    "check_choice",
    "check_choices",
    "check_filter",
    "check_holder",
    "check_list",
    "check_whole",
]


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


def check_choices(
    given: str | Iterable[str] | None, path: str, choices: Collection[str]
) -> tuple[str, ...] | None:
    """One of the choices or several, sorted; or None."""
    if given is None:
        return None
    several = (given,) if isinstance(given, str) else check_list(given, path, most=len(choices))
    for each in several or ("",):
        check_choice(each, path, choices)
    return tuple(sorted(set(several)))


def check_holder(who: object, path: str) -> StewardSelector:
    """A person's id, or ``group(name)``, as a selector; whoever can have something."""
    selector = who if isinstance(who, StewardSelector) else user(check_id(who, path))
    if selector.kind not in ("user", "group"):
        raise InvalidInput(
            "cannot use this holder",
            problems=[Problem(path, "must be a person's id or group(name)")],
        )
    return selector


def check_whole(value: object, path: str, *, least: int = 0) -> int:
    """A whole number of at least ``least``; True is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInput(
            "cannot use this number",
            problems=[Problem(path, f"must be a whole number of at least {least}")],
        )
    return value


def check_filter(value: object, path: str) -> str | None:
    """An id to filter a list by, or None."""
    return None if value is None else check_id(value, path)
