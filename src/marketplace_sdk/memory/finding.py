"""Finding records in the books, with what a transaction staged, or still sees, laid over them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from heapq import merge, nsmallest
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from marketplace_sdk.domain.search import Query
    from marketplace_sdk.memory.books import Books, Kept, Key, Place

__all__ = ["Pairs", "ranked", "walk"]

_place = attrgetter("place")


def _pairs(given: Sequence[tuple[str, Collection[str]]]) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((key, frozenset(values)) for key, values in given)


@frozen
class Pairs:
    """Which index entries records must have, and which they must not.

    Attributes:
        where: every one of these (key, values) pairs holds.
        unless: none of these does.
    """

    where: tuple[tuple[str, frozenset[str]], ...] = field(converter=_pairs)
    unless: tuple[tuple[str, frozenset[str]], ...] = field(converter=_pairs)

    def hold(self, kept: Kept) -> bool:
        """Whether they hold for a record."""
        return all(_holds(kept, *pair) for pair in self.where) and not any(
            _holds(kept, *pair) for pair in self.unless
        )


def walk(
    books: Books,
    staged: Mapping[Key, Kept | None],
    kind: str,
    pairs: Pairs,
    after: Place | None = None,
    *,
    descending: bool = False,
) -> Iterator[Kept]:
    """Records of a kind for which the pairs hold, in order, at the cost of what is taken."""
    committed = _committed(books, staged, kind, pairs, after, descending=descending)
    if not staged:
        return committed
    own = [
        kept
        for kept in staged.values()
        if kept is not None
        and kept.kind == kind
        and pairs.hold(kept)
        and (after is None or (kept.place < after if descending else kept.place > after))
    ]
    own.sort(key=_place, reverse=descending)
    return merge(committed, own, key=_place, reverse=descending)


def ranked(
    found: Iterator[Kept], query: Query, after: tuple[int, str, str] | None, limit: int
) -> list[tuple[int, Kept]]:
    """The first records behind ``after`` that answer the query, with their tiers.

    The reference: every record is looked at.
    """
    tier_of = query.ranking()
    hits = (
        (tier, kept.order, kept.id, kept)
        for kept in found
        if (tier := tier_of(kept.texts)) is not None
        and (after is None or (tier, kept.order, kept.id) > after)
    )
    return [(tier, kept) for tier, _, _, kept in nsmallest(limit, hits, key=lambda hit: hit[:3])]


def _committed(
    books: Books,
    staged: Mapping[Key, Kept | None],
    kind: str,
    pairs: Pairs,
    after: Place | None,
    *,
    descending: bool,
) -> Iterator[Kept]:
    lists = _lists(books, kind, pairs)
    streams = [_stream(places, after, descending=descending) for places in lists]
    several = merge(*streams, reverse=descending)
    before: Place | None = None
    for place in several if len(streams) != 1 else streams[0]:
        key = (kind, place[1])
        if place == before or key in staged:
            continue
        before = place
        kept = books.records[key]
        if pairs.hold(kept):
            yield kept


def _lists(books: Books, kind: str, pairs: Pairs) -> list[list[Place]]:
    """The fewest places that hold everything: those of the most selective pair."""
    places = books.places
    choices = [
        [places[kind, key, value] for value in values if (kind, key, value) in places]
        for key, values in pairs.where
    ] or [[places[(kind,)]] if (kind,) in places else []]
    return min(choices, key=lambda lists: sum(map(len, lists)))


def _holds(kept: Kept, key: str, values: frozenset[str]) -> bool:
    return any(one == key and value in values for one, value in kept.index)


def _stream(places: list[Place], after: Place | None, *, descending: bool) -> Iterator[Place]:
    """The places behind ``after``, without copying the list."""
    if descending:
        end = len(places) if after is None else bisect_left(places, after)
        return map(places.__getitem__, range(end - 1, -1, -1))
    start = 0 if after is None else bisect_right(places, after)
    return map(places.__getitem__, range(start, len(places)))
