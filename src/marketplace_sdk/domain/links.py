"""Addresses in the company's portal, made from templates that the portal supplies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from marketplace_sdk.domain.values import FrozenMap
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from marketplace_sdk.domain.inbox import InboxMessage

__all__ = ["LINKED", "NO_LINKS", "Links", "link_of", "link_to", "links_of"]

Links = FrozenMap[str, str]
"""Template by kind of thing; ``{id}`` stands for the id."""

NO_LINKS: Links = FrozenMap()

LINKED = (
    "request",
    "grant",
    "product",
    "domain",
    "source",
    "connection",
    "destination",
    "inbox",
    "campaign",
)
"""Kinds of things that notices are about, and that a portal can have a page for."""

_VIEW_PRODUCT = frozenset(
    {
        "access_active",
        "access_expired",
        "access_expiring",
        "access_not_certified",
        "access_revoked",
        "determination_made",
        "request_canceled",
        "request_timed_out",
    }
)
"""Notices about a request after which people go on with its product."""
_NO_PAGE = frozenset({"product_deleted"})

_TEMPLATE = re.compile(r"https?://[^\s{}\"<>\\]+\{id\}[^\s{}\"<>\\]*")
_LONGEST = 2000


def links_of(templates: Mapping[str, str]) -> Links:
    """Templates, checked: an absolute http or https address with ``{id}`` once in it.

    Raises:
        InvalidInput: naming each kind that is unknown and each template that is none.
    """
    problems = []
    for kind, template in templates.items():
        if kind not in LINKED:
            problems.append(Problem(f"links.{kind}", f"unknown; known are {', '.join(LINKED)}"))
        elif (
            not isinstance(template, str)
            or len(template) > _LONGEST
            or not _TEMPLATE.fullmatch(template)
        ):
            what = "must read like https://portal.example/requests/{id}"
            problems.append(Problem(f"links.{kind}", what))
    if problems:
        raise InvalidInput("cannot configure the marketplace", problems=problems)
    return FrozenMap(templates)


def link_to(links: Mapping[str, str], about: str) -> str:
    """The page of ``kind:id``; empty text when the portal has named none."""
    kind, _, id = about.partition(":")
    template = links.get(kind, "")
    # Ids are what people chose: whole, and never the beginning of another path or query.
    return template.replace("{id}", quote(id, safe=""))


def link_of(links: Mapping[str, str], message: InboxMessage) -> str:
    """The page that a notice offers: of its product, of what it is about, or none.

    A portal that has named no page for products shows the request instead.
    """
    if message.kind in _NO_PAGE:
        return ""
    product = str(message.data.get("product_id", ""))
    page = link_to(links, f"product:{product}") if message.kind in _VIEW_PRODUCT else ""
    return page or link_to(links, message.about)
