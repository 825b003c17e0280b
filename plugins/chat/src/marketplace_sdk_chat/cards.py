"""A notice as an Adaptive Card, the JSON that Teams draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketplace_sdk_chat.words import Words

__all__ = ["card_of", "inert"]

_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


def inert(text: str) -> str:
    """Text in which nothing is taken for a date function or a placeholder of a template."""
    apart = text
    for opening in ("{{", "${"):
        apart = apart.replace(opening, f"{opening[0]}\N{ZERO WIDTH SPACE}{opening[1]}")
    # Of three braces two still stand side by side.
    return inert(apart) if "{{" in apart else apart


def card_of(words: Words) -> dict[str, Any]:
    """The card."""
    body = [_text(words.title, weight="Bolder")]
    for each in words.lines:
        item: dict[str, Any] = {"type": "Container", "items": [_text(each.text)]}
        if each.link:
            item["selectAction"] = {"type": "Action.OpenUrl", "url": each.link}
        body.append(item)
    if words.more:
        body.append(_text(words.more))
    card: dict[str, Any] = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if words.link:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": inert(words.open), "url": words.link}
        ]
    return card


def _text(text: str, **more: str) -> dict[str, Any]:
    # Text runs know no Markdown, so what people wrote is never a link or a heading.
    return {
        "type": "RichTextBlock",
        "inlines": [{"type": "TextRun", "text": inert(text), **more}],
    }
