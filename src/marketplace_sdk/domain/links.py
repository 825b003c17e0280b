"""Addresses in the company's portal, made from templates that the portal supplies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from marketplace_sdk.domain.values import FrozenMap
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["LINKED", "NO_LINKS", "Links", "link_to", "links_of"]

Links = FrozenMap[str, str]
"""Template by kind of thing; ``{id}`` stands for the id."""

NO_LINKS: Links = FrozenMap()

LINKED = ("request", "grant", "product", "domain", "source", "connection", "destination", "inbox")
"""Kinds of things that notices are about, and that a portal can have a page for."""

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
