"""Stores that find records wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from attrs import evolve

from marketplace_sdk.testing.broken._storages_base import SoundStorage, SoundTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.memory.storage import MemoryStorage
    from marketplace_sdk.ports.storage import Record

__all__ = [
    "FoldsCase",
    "LeavesIndexEntries",
    "LooksForAThousand",
    "MatchesAnyPair",
    "NeedsTheMark",
    "PagesByOffset",
    "PassesOverUnless",
    "RepeatsTheMark",
    "SortsByAlphabet",
    "TakesNothingForAll",
]


class _LeavesIndexEntries(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id)
        before = frozenset() if known is None else known.index
        self.inner.put(evolve(record, index=record.index | before), expected)


class LeavesIndexEntries(SoundStorage):
    """Adds the index entries of an update and forgets to remove the former ones."""

    transaction: ClassVar[type[SoundTransaction]] = _LeavesIndexEntries
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_block_sees_its_own_writes",
        "test_a_changed_record_is_not_found_by_what_it_was",
    )


class _PassesOverUnless(SoundTransaction):
    def find(
        self, kind: str, where: Sequence[Any] = (), *, unless: object = (), **more: Any
    ) -> Sequence[Record]:
        del unless
        return self.inner.find(kind, where, **more)


class PassesOverUnless(SoundStorage):
    """Finds by the pairs that must hold, and never heard of those that must not."""

    transaction: ClassVar[type[SoundTransaction]] = _PassesOverUnless
    caught_by: ClassVar[tuple[str, ...]] = ("test_what_has_a_pair_of_unless_is_left_out",)


class _SortsByAlphabet(SoundTransaction):
    def find(
        self,
        kind: str,
        where: Sequence[Any] = (),
        *,
        after: tuple[str, str] | None = None,
        limit: int | None = None,
        descending: bool = False,
        **more: Any,
    ) -> Sequence[Record]:
        def place(order: str, id: str) -> tuple[str, ...]:
            return (order.casefold(), id.casefold(), order, id)

        found = list(self.inner.find(kind, where, **more))
        found.sort(key=lambda one: place(one.order, one.id), reverse=descending)
        if after is not None:
            mark = place(*after)
            behind = mark.__gt__ if descending else mark.__lt__
            found = [one for one in found if behind(place(one.order, one.id))]
        return found[:limit]


class SortsByAlphabet(SoundStorage):
    """Sorts as a database with the collation of some language does."""

    transaction: ClassVar[type[SoundTransaction]] = _SortsByAlphabet
    caught_by: ClassVar[tuple[str, ...]] = ("test_order_and_pages_go_by_code_points",)


class _PagesByOffset(SoundTransaction):
    def find(
        self,
        kind: str,
        where: Sequence[Any] = (),
        *,
        after: tuple[str, str] | None = None,
        limit: int | None = None,
        **more: Any,
    ) -> Sequence[Record]:
        offsets = cast("PagesByOffset", self.store).offsets
        if after not in offsets:
            found = self.inner.find(kind, where, after=after, limit=limit, **more)
            before = 0
        else:
            before = offsets[after]
            found = self.inner.find(kind, where, **more)[before:][:limit]
        if found and limit is not None:
            offsets[found[-1].order, found[-1].id] = before + len(found)
        return found


class PagesByOffset(SoundStorage):
    """Counts how many records to pass over, which is wrong as soon as one comes or goes."""

    transaction: ClassVar[type[SoundTransaction]] = _PagesByOffset
    caught_by: ClassVar[tuple[str, ...]] = ("test_pages_join_while_others_write",)

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.offsets: dict[tuple[str, str] | None, int] = {}


class _FoldsCase(SoundTransaction):
    def find(self, kind: str, where: Sequence[Any] = (), **more: Any) -> Sequence[Record]:
        found = self.inner.find(kind, **more)
        for key, values in where:
            wanted = {(key, value.casefold()) for value in values}
            found = [
                one
                for one in found
                if wanted & {(entry, value.casefold()) for entry, value in one.index}
            ]
        return found


class FoldsCase(SoundStorage):
    """Compares without regard to case, as many databases do unless they are told."""

    transaction: ClassVar[type[SoundTransaction]] = _FoldsCase
    caught_by: ClassVar[tuple[str, ...]] = ("test_case_and_normal_form_are_never_folded",)


class _MatchesAnyPair(SoundTransaction):
    def find(self, kind: str, where: Sequence[Any] = (), **more: Any) -> Sequence[Record]:
        if len(where) < 2:
            return self.inner.find(kind, where, **more)
        found = {one.id: one for pair in where for one in self.inner.find(kind, [pair], **more)}
        return sorted(found.values(), key=lambda one: (one.order, one.id))


class MatchesAnyPair(SoundStorage):
    """Joins the pairs by or."""

    transaction: ClassVar[type[SoundTransaction]] = _MatchesAnyPair
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_all_pairs_must_hold_and_any_value_will_do",
        "test_pages_join_without_gap_or_overlap",
    )


class _TakesNothingForAll(SoundTransaction):
    def find(
        self, kind: str, where: Sequence[Any] = (), *, limit: int | None = None, **more: Any
    ) -> Sequence[Record]:
        pairs = [(key, values) for key, values in where if values]
        return self.inner.find(kind, pairs, limit=limit or None, **more)


class TakesNothingForAll(SoundStorage):
    """Leaves out a condition without values, and a limit of zero."""

    transaction: ClassVar[type[SoundTransaction]] = _TakesNothingForAll
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_limit_of_zero_finds_nothing",
        "test_a_pair_without_values_never_holds",
    )


class _LooksForAThousand(SoundTransaction):
    def find(self, kind: str, where: Sequence[Any] = (), **more: Any) -> Sequence[Record]:
        return self.inner.find(kind, [(key, list(values)[:999]) for key, values in where], **more)


class LooksForAThousand(SoundStorage):
    """Binds at most 999 values, and says nothing about the others."""

    transaction: ClassVar[type[SoundTransaction]] = _LooksForAThousand
    caught_by: ClassVar[tuple[str, ...]] = ("test_a_pair_may_have_thousands_of_values",)


class _RepeatsTheMark(SoundTransaction):
    def find(
        self,
        kind: str,
        where: Sequence[Any] = (),
        *,
        after: tuple[str, str] | None = None,
        limit: int | None = None,
        **more: Any,
    ) -> Sequence[Record]:
        found = list(self.inner.find(kind, where, after=after, **more))
        mark = None if after is None else self.inner.get(kind, after[1])
        return ([mark, *found] if mark else found)[:limit]


class RepeatsTheMark(SoundStorage):
    """Begins a page with the last record of the page before."""

    transaction: ClassVar[type[SoundTransaction]] = _RepeatsTheMark
    caught_by: ClassVar[tuple[str, ...]] = ("test_pages_join_without_gap_or_overlap",)


class _NeedsTheMark(SoundTransaction):
    def find(
        self,
        kind: str,
        where: Sequence[Any] = (),
        *,
        after: tuple[str, str] | None = None,
        **more: Any,
    ) -> Sequence[Record]:
        if after is not None and self.inner.get(kind, after[1]) is None:
            return []
        return self.inner.find(kind, where, after=after, **more)


class NeedsTheMark(SoundStorage):
    """Looks up the record at which the page before ended."""

    transaction: ClassVar[type[SoundTransaction]] = _NeedsTheMark
    caught_by: ClassVar[tuple[str, ...]] = ("test_a_page_begins_behind_a_place_where_nothing_is",)
