"""Dotted names that plugins read and write: whatever a part holds, it stays that part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.plugin import dotted_name, split_name

PARTS = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=4)


@given(PARTS)
def test_a_dotted_name_is_split_into_the_parts_it_was_made_of(parts):
    assert split_name(dotted_name(*parts)) == tuple(parts)


@given(PARTS, st.sampled_from('"`'))
def test_parts_in_quotes_hold_anything(parts, quote):
    text = ".".join(quote + part.replace(quote, quote * 2) + quote for part in parts)

    assert split_name(text, quote) == tuple(parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Sales.orders", ("Sales", "orders")),
        ('"Weird Schema"."ta.ble"', ("Weird Schema", "ta.ble")),
        ('a."say ""hi"""', ("a", 'say "hi"')),
        ("a.`b`", ("a", "`b`")),
    ],
)
def test_names_are_taken_as_registered(text, parts):
    assert split_name(text) == parts


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", '"', '"a', '""', 'a"b', '"a"b', '"a" .b', 'a."b"c']
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ValueError, match="part"):
        split_name(text)
