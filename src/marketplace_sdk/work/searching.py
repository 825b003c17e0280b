"""Searching values by words, in any store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from marketplace_sdk.ports.storage import Hit, SearchingTransaction
from marketplace_sdk.work.pages import Page, check_limit, rank_of, text_of_place
from marketplace_sdk.work.records import KINDS

if TYPE_CHECKING:
    from marketplace_sdk.domain.search import Query
    from marketplace_sdk.work.unit import Pairs, Unit

__all__ = ["search"]

T = TypeVar("T")


def search(
    unit: Unit,
    kind: type[T],
    query: Query,
    branches: Sequence[tuple[Pairs, Pairs]],
    *,
    after: str | None,
    limit: int,
) -> Page[T]:
    """One page of the values that answer a query, best first, then in the order of their kind.

    They are in one of several lists, told by ``where`` and ``unless``: what the reader may not see
    is left out by these, before anything is ranked.
    """
    check_limit(limit)
    place = rank_of(after)
    find = _ranked if unit.searches else _by_whole_words
    found = {
        hit.record.id: hit
        for where, unless in branches
        for hit in find(unit, KINDS[kind].name, query, where, unless, place, limit + 1)
    }
    hits = sorted(found.values(), key=lambda hit: (hit.tier, hit.record.order, hit.record.id))
    shown = hits[:limit]
    last = shown[-1] if len(hits) > limit else None
    return Page(
        (unit.value_of(kind, hit.record) for hit in shown),
        None if last is None else text_of_place([last.tier, last.record.order, last.record.id]),
    )


def _ranked(
    unit: Unit,
    kind: str,
    query: Query,
    where: Pairs,
    unless: Pairs,
    after: tuple[int, str, str] | None,
    limit: int,
) -> Sequence[Hit]:
    rows = cast("SearchingTransaction", unit.rows)
    return rows.search(kind, query, where, unless=unless, after=after, limit=limit)


def _by_whole_words(
    unit: Unit,
    kind: str,
    query: Query,
    where: Pairs,
    unless: Pairs,
    after: tuple[int, str, str] | None,
    limit: int,
) -> Sequence[Hit]:
    if not query.words:
        return []
    pairs = [*where, *(("word", [word]) for word in query.words)]
    place = None if after is None else after[1:]
    found = unit.rows.find(kind, pairs, unless=unless, after=place, limit=limit)
    return [Hit(0, record) for record in found]
