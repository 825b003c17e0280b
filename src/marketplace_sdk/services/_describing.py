"""What may be said of a destination, refused before anything of it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from marketplace_sdk.domain.destinations import Destination, Format
from marketplace_sdk.domain.values import check_id
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.services._checking import check_choice, check_list

__all__ = ["format_of", "id_of", "reference_of", "same", "some_of", "url_of", "wrong"]

LONGEST_URL = 2000


def same(known: Destination, new: Destination) -> bool:
    """Whether two descriptions are of the same destination."""

    def said(each: Destination) -> tuple[object, ...]:
        return (
            each.url,
            each.secrets[:1],
            each.types,
            each.include,
            each.format,
            each.description,
        )

    return said(known) == said(new)


def id_of(given: object) -> str:
    """An id that can name a queue as well."""
    id = check_id(given, "id")
    if "|" in id or id == "inbox":
        raise wrong("id", "must not contain | nor be inbox")
    return id


def url_of(given: object) -> str:
    """Text that can be an address; whether it may be called is asked of the sender."""
    if not isinstance(given, str) or not given.isascii() or not 1 <= len(given) <= LONGEST_URL:
        raise wrong("url", "must be a web address")
    return given


def reference_of(given: object) -> str:
    """Where a secret is kept, and never the secret."""
    if not isinstance(given, str) or not given.startswith(("env:", "file:")):
        raise wrong("secret", "must be env:NAME or file:PATH, never the secret itself")
    return check_id(given, "secret")


def some_of(given: object, path: str, known: Iterable[str]) -> frozenset[str]:
    """Words of a closed list."""
    words = check_list(given, path)
    choices = sorted(known)
    if not all(isinstance(each, str) and each in choices for each in words):
        raise wrong(path, f"must be some of {', '.join(choices)}")
    return frozenset(words)


def format_of(given: Format) -> Format:
    """A format of bodies that is known."""
    check_choice(given, "format", get_args(Format))
    if given is None:
        raise wrong("format", "must be given")
    return given


def wrong(path: str, what: str) -> InvalidInput:
    """The refusal of one setting."""
    return InvalidInput("cannot keep this destination", problems=[Problem(path, what)])
