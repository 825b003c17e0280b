"""A notice as Block Kit, the JSON that Slack draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketplace_sdk_chat.words import Words

__all__ = ["blocks_of", "escaped"]

_LONGEST_SECTION = 3000


def escaped(text: str) -> str:
    """Text without what Slack reads as a mention, a link or an entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks_of(words: Words) -> tuple[str, list[dict[str, Any]]]:
    """The text for notifications and screen readers, and the blocks."""
    begin = "• " if words.listed else ""
    lines = [f"{begin}{_linked(escaped(each.text), each.link)}" for each in words.lines]
    if words.more:
        lines.append(escaped(words.more))
    blocks = [_section(escaped(words.title)), *map(_section, _packed(lines))]
    if words.link:
        blocks.append(_section(_linked(escaped(words.open), words.link)))
    return escaped(words.title), blocks


def _linked(text: str, link: str) -> str:
    if not link:
        return text
    # A bar ends the address, an angle bracket the link.
    address = escaped(link.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E"))
    return f"<{address}|{text}>"


def _packed(lines: list[str]) -> list[str]:
    """Lines in as few sections as hold them."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + 1 + len(line) <= _LONGEST_SECTION:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return packed


def _section(text: str) -> dict[str, Any]:
    # Verbatim: nothing in it becomes a link or a mention by itself.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
