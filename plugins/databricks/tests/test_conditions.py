"""Conditions of policies: read exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk_databricks.conditions import holds
from marketplace_sdk_databricks.masks import Mask, body, consults, is_ours

TAGS = {"pii": "email", "owner": ""}


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("", True),
        ("has_tag('pii')", True),
        ('HAS_TAG("pii")', True),
        ("hasTag('pii')", True),
        ("has_tag('other')", False),
        ("has_tag_value('pii', 'email')", True),
        ("hasTagValue('pii','email')", True),
        ("has_tag_value('pii','phone')", False),
        ("has_tag('pii') AND has_tag('owner')", True),
        ("has_tag('pii') and not has_tag('owner')", False),
        ("has_tag('no') OR (has_tag('pii') AND has_tag('owner'))", True),
        ("has_tag('no') OR has_tag('pii') AND has_tag('no')", False),
        (r"has_tag('it\'s')", False),
    ],
)
def test_what_is_understood(condition, answer):
    assert holds(condition, TAGS) is answer


@pytest.mark.parametrize(
    "condition",
    ["has_tag(pii)", "has_tag('pii'", "has_tag('pii') XOR has_tag('x')", "true", "1 = 1", "has_tag('pii') has_tag('pii')",
     "has_tag('pii') AND", "has_tag('pii', 'x')", "current_user() = 'x'", "has_tag('pii')) OR (has_tag('x')", "has_tag('pii') -- x"],
)  # fmt: skip
def test_what_is_not_understood_is_no_answer(condition):
    """A guard that cannot be answered stays closed."""
    assert holds(condition, TAGS) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    assert holds(text, TAGS) in (True, False, None)


@pytest.mark.parametrize("style", ["null", "fixed"])
def test_a_mask_of_ours_is_known_again_and_an_altered_one_is_not(style):
    made = body(style, group="mp_x")

    assert is_ours(made, group="mp_x")
    assert is_ours(f"  {made.replace(' THEN', '  THEN')}\n", group="mp_x")
    assert not is_ours(made, group="mp_y")
    assert not is_ours("v", group="mp_x")
    assert not is_ours(made.replace("ELSE", "ELSE v --"), group="mp_x")
    asking = body(style, exceptions="c.s.exceptions", key="c.s.t.email")
    assert is_ours(asking, exceptions="c.s.exceptions", key="c.s.t.email")
    assert not is_ours(asking, exceptions="c.s.exceptions", key="c.s.t.phone")


def test_a_function_of_somebody_asks_for_a_group_only_in_so_many_words():
    assert consults("CASE WHEN is_account_group_member('pii readers') THEN v END", "pii readers")
    assert consults('is_account_group_member("g")', "g")
    assert not consults("is_account_group_member('g2')", "g")
    assert not consults("is_member('g')", "g")


def test_only_an_altered_mask_of_ours_counts_as_none():
    hides = {state: Mask(state=state, by="").hides for state in ("ours", "exceptions", "external", "foreign", "changed", "unreadable")}  # fmt: skip

    assert hides == {
        "ours": True,
        "exceptions": True,
        "external": True,
        "foreign": True,
        "changed": False,
        "unreadable": None,
    }
