"""What a company built on the marketplace: people who leave a project hand back its data.

The rest of the portal is like any other; this is the part that is worth tests of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from marketplace_sdk import GrantView, Marketplace, TransitionNotAllowed

SOON = timedelta(days=7)


def everything_of(market: Marketplace, person: str) -> Iterator[GrantView]:
    """All that somebody has, page by page."""
    after = None
    while True:
        page = market.grants.of(person, after=after, by=person)
        yield from page
        if page.next is None:
            return
        after = page.next


def hand_back(market: Marketplace, person: str) -> list[str]:
    """Give up everything that somebody has; returns the names of the products."""
    given_up = []
    for grant in list(everything_of(market, person)):
        try:
            market.requests.relinquish(grant.requests[-1], reason="left the project", by=person)
        except TransitionNotAllowed:
            continue  # it ended by itself meanwhile
        given_up.append(grant.product_name)
    return given_up


def ending_soon(market: Marketplace, person: str, now) -> list[str]:
    """Products whose access ends within a week, for the page that somebody sees first."""
    return [
        grant.product_name
        for grant in everything_of(market, person)
        if grant.until is not None and grant.until - now <= SOON
    ]
