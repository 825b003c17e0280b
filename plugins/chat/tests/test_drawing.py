"""What people see: Block Kit and Adaptive Cards, against files that were looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk_chat.blocks import blocks_of, escaped
from marketplace_sdk_chat.cards import card_of, inert
from marketplace_sdk_chat.words import MOST, words_of
from marketplace_sdk_email.templates import TemplateFolder

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "<!channel> *bold* [click](https://evil.example) {{DATE(2026-01-01,SHORT)}} ${x} & <b>"


def said(message):
    templates = TemplateFolder("marketplace_sdk_chat", plugin="chat")
    return words_of(message, message.recipient, templates)


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["notice", "hostile", "digest"])
def test_slack_is_given_what_the_file_says(name, notice, digest):
    """Text for screen readers, and blocks."""
    text, blocks = blocks_of(said(_made(name, notice, digest)))

    assert {"text": text, "blocks": blocks} == golden(f"slack-{name}")


@pytest.mark.parametrize("name", ["notice", "hostile", "digest"])
def test_teams_is_given_what_the_file_says(name, notice, digest):
    """An Adaptive Card of a version that Teams draws."""
    assert card_of(said(_made(name, notice, digest))) == golden(f"teams-{name}")


def _made(name, notice, digest):
    return {
        "notice": notice,
        "hostile": lambda: notice(subject=HOSTILE, link="https://portal.example/?a=1|2&b=<3>"),
        "digest": lambda: digest(3, more=2),
    }[name]()


@given(st.text())
def test_what_people_wrote_is_no_markup_for_slack(text):
    """No mention, link or entity can begin; and it reads as it was."""
    safe = escaped(text)

    assert not set(safe) & set("<>")
    back = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == text


@given(st.text(alphabet="{}$ax"))
def test_what_people_wrote_is_no_template_for_teams(text):
    """Neither a date function nor a placeholder; and it looks as it was."""
    safe = inert(text)

    assert "{{" not in safe
    assert "${" not in safe
    assert safe.replace("\u200b", "") == text


def test_a_long_digest_fits(digest):
    """The first thirty and how many there are beside; within the limits of both."""
    big = said(digest(200, more=40, subject="&" * 5000))

    _, blocks = blocks_of(big)
    card = card_of(big)

    assert len(blocks) <= 50
    assert max(len(each["text"]["text"]) for each in blocks) <= 3000
    assert f"… and {240 - MOST} more in your inbox" in blocks[-2]["text"]["text"]
    assert len(json.dumps(card, ensure_ascii=False).encode()) < 28_000
