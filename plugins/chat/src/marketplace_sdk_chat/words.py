"""What a notice says, the same for every chat: lines with their pages, none of them too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_sdk.plugin import Message, Recipient
    from marketplace_sdk_email.templates import TemplateFolder

__all__ = ["MOST", "Line", "Words", "one_line", "words_of"]

MOST = 30
"""Lines of a message, and notices that a digest names; chats bound the size of a message."""
_LONGEST = 300
_LONGEST_LINK = 1000


@frozen
class Line:
    """One line, and the page that it leads to; empty for none."""

    text: str
    link: str = ""


@frozen
class Words:
    """What one message says.

    Attributes:
        title: the subject.
        lines: what a digest names, or what a notice says beyond its subject.
        listed: the lines are those of a list.
        more: how many notices a digest does not name, in words; empty for none.
        link: page of the portal; empty for none.
        open: what stands on the way to that page.
    """

    title: str
    lines: tuple[Line, ...]
    listed: bool
    more: str
    link: str
    open: str


def words_of(message: Message, recipient: Recipient, templates: TemplateFolder) -> Words:
    """What a notice or a digest says.

    Raises:
        NotRendered: a template fails.
    """
    facts = templates.facts(message, recipient)

    def said(part: str) -> str:
        return templates.fill(part, message.type, facts)

    lines = [Line(line) for each in said("chat.txt").splitlines() if (line := one_line(each))]
    items: list[Mapping[str, Any]] = []
    more = 0
    if message.type == "digest":
        items = list(message.data.get("items", ()))
        more = int(message.data.get("more", 0)) + max(0, len(items) - MOST)
        lines += [_item(each, facts, templates) for each in items[:MOST]]
    facts["more"] = more
    return Words(
        title=one_line(said("subject.txt")),
        lines=tuple(lines[:MOST]),
        listed=bool(items),
        more=one_line(said("more.txt")) if more else "",
        link=_page(message.link),
        open=one_line(said("open.txt")),
    )


def one_line(text: str) -> str:
    """A text as one printable line of bounded length."""
    clean = "".join(each if each.isprintable() else " " for each in text).strip()
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def _item(item: Mapping[str, Any], facts: Mapping[str, Any], templates: TemplateFolder) -> Line:
    """A notice that a digest names, in its own words."""
    text = templates.fill("item.txt", str(item["kind"]), {**facts, **item})
    return Line(one_line(text), _page(str(item["link"])))


def _page(link: str) -> str:
    return link if len(link) <= _LONGEST_LINK else ""
