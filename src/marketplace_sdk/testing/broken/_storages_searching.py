"""Stores that search wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

from marketplace_sdk.testing.broken._storages_base import SoundStorage, SoundTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.domain.search import Query
    from marketplace_sdk.ports.storage import Hit, Record

__all__ = ["ForgetsToReindex", "PagesByRankAlone", "RanksBeforeItFilters", "SearchesTheNameAlone"]

MANY = 2**31


class _RanksBeforeItFilters(SoundTransaction):
    def search(
        self,
        kind: str,
        query: Query,
        where: Sequence[Any] = (),
        *,
        after: tuple[int, str, str] | None = None,
        limit: int,
        **more: Any,
    ) -> Sequence[Hit]:
        best = self.inner.search(kind, query, after=after, limit=limit)  # type: ignore[attr-defined]  # the memory store searches
        mine = self.inner.search(kind, query, where, limit=MANY, **more)  # type: ignore[attr-defined]  # as above
        allowed = {hit.record.id for hit in mine}
        return [hit for hit in best if hit.record.id in allowed]


class RanksBeforeItFilters(SoundStorage):
    """Takes a page of what is found, and then leaves out what may not be seen."""

    transaction: ClassVar[type[SoundTransaction]] = _RanksBeforeItFilters
    caught_by: ClassVar[tuple[str, ...]] = ("test_a_search_leaves_out_what_the_pairs_leave_out",)


class _PagesByRankAlone(SoundTransaction):
    def search(
        self,
        kind: str,
        query: Query,
        where: Sequence[Any] = (),
        *,
        after: tuple[int, str, str] | None = None,
        limit: int,
        **more: Any,
    ) -> Sequence[Hit]:
        hits = self.inner.search(kind, query, where, limit=MANY, **more)  # type: ignore[attr-defined]  # the memory store searches
        return [hit for hit in hits if after is None or hit.tier > after[0]][:limit]


class PagesByRankAlone(SoundStorage):
    """Goes on behind the rank of the last hit, and passes over others of the same rank."""

    transaction: ClassVar[type[SoundTransaction]] = _PagesByRankAlone
    caught_by: ClassVar[tuple[str, ...]] = ("test_pages_of_a_search_join",)


class _ForgetsToReindex(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        self.inner.put(record if expected is None else evolve(record, texts=()), expected)


class ForgetsToReindex(SoundStorage):
    """Keeps the words with which a record was made, whatever becomes of it."""

    transaction: ClassVar[type[SoundTransaction]] = _ForgetsToReindex
    caught_by: ClassVar[tuple[str, ...]] = ("test_a_search_finds_records_as_they_are_now",)


class _SearchesTheNameAlone(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        self.inner.put(evolve(record, texts=record.texts[:1]), expected)


class SearchesTheNameAlone(SoundStorage):
    """Keeps the first field's words, and no others."""

    transaction: ClassVar[type[SoundTransaction]] = _SearchesTheNameAlone
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_search_finds_what_the_reference_finds_in_its_order",
        "test_a_typing_error_is_forgiven_last",
        "test_pages_of_a_search_join",
    )
