"""What a notice says, the same for every chat: lines with their pages, none of them too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Message

__all__ = ["MOST", "OPEN", "Line", "Words", "one_line", "words_of"]

OPEN = "Open in the marketplace"
MOST = 30
"""Notices that a digest names; chats bound the size of a message."""
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
        more: how many notices a digest does not name.
        link: page of the portal; empty for none.
    """

    title: str
    lines: tuple[Line, ...]
    more: int
    link: str


def words_of(message: Message) -> Words:
    """What a notice or a digest says."""
    title, link = one_line(message.subject), _page(message.link)
    if message.type != "digest":
        body = () if message.body == message.subject else (Line(one_line(message.body)),)
        return Words(title, body, 0, link)
    items: list[dict[str, Any]] = list(message.data.get("items", ()))
    lines = tuple(
        Line(one_line(str(each["subject"])), _page(str(each["link"]))) for each in items[:MOST]
    )
    more = int(message.data.get("more", 0)) + max(0, len(items) - MOST)
    return Words(title, lines, more, link)


def one_line(text: str) -> str:
    """A text as one printable line of bounded length."""
    clean = "".join(each if each.isprintable() else " " for each in text).strip()
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def _page(link: str) -> str:
    return link if len(link) <= _LONGEST_LINK else ""
