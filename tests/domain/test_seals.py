"""Seals: the root over a stretch of the log, and how seals hang together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.seals import MerkleTree, Seal, next_seal

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LINKS = st.lists(st.tuples(st.integers(-5, 10**12), st.text("0123456789abcdef", max_size=64)))


def root_of(links):
    """The definition of RFC 6962 section 2.1, word for word."""
    if not links:
        return sha256(b"").digest()
    if len(links) == 1:
        position, hash = links[0]
        return sha256(b"\0" + f"{position}:{hash}".encode()).digest()
    split = 1
    while split * 2 < len(links):
        split *= 2
    return sha256(b"\1" + root_of(links[:split]) + root_of(links[split:])).digest()


def tree_of(links):
    tree = MerkleTree()
    for link in links:
        tree.add(*link)
    return tree


@given(links=LINKS)
def test_the_root_is_that_of_the_standard(links):
    """Built one by one, it is the root that RFC 6962 defines over the whole list."""
    tree = tree_of(links)

    assert tree.root == root_of(links).hex()
    assert tree.count == len(links)


@given(one=LINKS, other=LINKS)
def test_two_lists_never_share_a_root(one, other):
    """Whatever is changed, added, removed or put in another order."""
    assert (tree_of(one).root == tree_of(other).root) == (one == other)


@given(links=LINKS)
def test_a_tree_keeps_one_hash_for_each_level(links):
    """Memory grows with the logarithm of the log."""
    assert len(tree_of(links)._peaks) <= max(1, len(links)).bit_length()


def test_seals_are_numbered_and_bound_to_the_one_before():
    """The first has nothing before it."""
    first = next_seal((0, ""), tree_of([(1, "a")]), first=1, last=1, at=NOON)
    second = next_seal(
        (first.number, first.hash), tree_of([(2, "b"), (5, "c")]), first=2, last=5, at=NOON
    )

    assert (first.number, first.previous, first.count) == (1, "", 1)
    assert (second.number, second.previous) == (2, first.hash)
    assert (second.first, second.last, second.count) == (2, 5, 2)
    assert first.genuine
    assert second.genuine


@pytest.mark.parametrize("name", [each.name for each in attrs.fields(Seal)])
def test_a_seal_that_says_something_else_is_not_genuine(name):
    """Every field is under the hash, the hash itself included."""
    seal = next_seal((6, "e" * 64), tree_of([(1, "a")]), first=1, last=1, at=NOON)
    old = getattr(seal, name)
    other = {int: lambda: old + 1, str: lambda: "f" * 64, datetime: lambda: old + timedelta(1)}

    assert not attrs.evolve(seal, **{name: other[type(old)]()}).genuine


def test_the_zone_of_the_clock_does_not_matter():
    """The same instant is the same seal."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))

    seals = [
        next_seal((0, ""), tree_of([(1, "a")]), first=1, last=1, at=at) for at in (NOON, elsewhere)
    ]

    assert seals[0] == seals[1]
