"""A request as the handlers see it, the table of routes, and pages of an answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import attrs

from marketplace_sdk_databricks.testing._refusals import Refusal, invalid
from marketplace_sdk_databricks.testing._values import Principal
from marketplace_sdk_databricks.testing._world import World

LONGEST_PAGE = 1_000


@attrs.frozen
class Paging:
    """How the service cuts its listings.

    Attributes:
        size: entries on a page at most, whatever a client asks for.
        empty: pages without an entry that come before the first one.
    """

    size: int = 100
    empty: int = 0


@attrs.frozen
class Request:
    """What a handler answers.

    Attributes:
        segments: of the path, each decoded once, after the path was cut at its slashes.
        body: the JSON object that was sent, empty when there was none.
    """

    method: str
    segments: tuple[str, ...]
    query: dict[str, list[str]]
    body: dict[str, Any]
    world: World
    caller: Principal
    paging: Paging
    relaxed: frozenset[str] = frozenset()

    def one(self, name: str, default: str | None = None) -> str | None:
        """A parameter of the query that is given at most once."""
        found = self.query.get(name)
        return found[0] if found else default

    def flag(self, name: str) -> bool:
        """A parameter that is true or false."""
        return self.one(name) == "true"

    def number(self, name: str) -> int | None:
        """A parameter that counts.

        Raises:
            Refusal: 400, it is no number or negative.
        """
        text = self.one(name)
        if text is None:
            return None
        if not text.isdecimal():
            raise invalid(f"{name} must be a non-negative integer.")
        return int(text)

    def page(self, key: str, entries: Sequence[Any], *, size: str = "max_results") -> Any:
        """One page of a listing, with the token of the next one if there is one.

        Args:
            key: under which the entries stand; left out when there are none.
            size: name of the parameter that asks for the length of a page.

        Raises:
            Refusal: 400, the token is not of this listing.
        """
        length = min(self.number(size) or self.paging.size, self.paging.size, LONGEST_PAGE)
        place = [self.method, *self.segments, self.one("principal") or ""]
        start = -self.paging.empty * length
        token = self.one("page_token")
        if token:
            start = _read_token(token, place)
        found: dict[str, Any] = {}
        shown = list(entries[start : start + length]) if start >= 0 else []
        if shown:
            found[key] = shown
        following = start + length
        if following < len(entries) or (start < 0 and following <= 0):
            found["next_page_token"] = _token(place, following)
        return found


def _token(place: list[str], start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, start]).encode()).decode()


def _read_token(token: str, place: list[str]) -> int:
    try:
        found, start = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("Invalid page token.") from None
    if found != place:
        raise invalid("The page token is of another request.")
    return int(start)


Handler = Callable[[Request], Any]


@attrs.frozen
class Route:
    """A method and a path whose parts in braces stand for one segment each.

    Attributes:
        changes: whether the state may be another one afterwards.
        status: of the answer when all is well.
    """

    method: str
    path: str
    handler: Handler
    changes: bool = False
    status: int = HTTPStatus.OK

    def matches(self, method: str, segments: tuple[str, ...]) -> bool:
        """Whether a request is for this route."""
        pattern = self.path.strip("/").split("/")
        return (
            method == self.method
            and len(pattern) == len(segments)
            and all(
                want == got or want.startswith("{")
                for want, got in zip(pattern, segments, strict=True)
            )
        )


def cut(raw_path: str) -> tuple[str, ...]:
    """The segments of a raw path: cut at the slashes first, each decoded exactly once after."""
    return tuple(unquote(part) for part in raw_path.strip("/").split("/"))


def route_for(routes: Sequence[Route], method: str, segments: tuple[str, ...]) -> Route:
    """The route of a request.

    Raises:
        Refusal: 404, there is none.
    """
    for route in routes:
        if route.matches(method, segments):
            return route
    raise Refusal(
        HTTPStatus.NOT_FOUND,
        "ENDPOINT_NOT_FOUND",
        f"No API found for '{method} /{'/'.join(segments)}'",
    )
