"""Texts of strangers, as they may be printed or logged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.plugin import printable


@given(st.text())
def test_nothing_in_it_can_act_on_a_terminal(text):
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)


@given(st.text(st.sampled_from("a\n\r\x1b\u202e")))
def test_only_line_breaks_may_stay(text):
    assert set(printable(text, lines=True)) <= {"a", "\n", "\N{REPLACEMENT CHARACTER}"}
    assert printable(text, lines=True).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["", "plain", "Größe 表"])
def test_what_is_printable_stays_as_it_is(text):
    assert printable(text) == text
