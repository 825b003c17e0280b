"""Stores that keep records wrongly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, cast

from attrs import evolve

from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.testing.broken._storages_base import SoundStorage, SoundTransaction

if TYPE_CHECKING:
    from marketplace_sdk.memory.storage import MemoryStorage
    from marketplace_sdk.ports.storage import Record

__all__ = [
    "BreaksOnNul",
    "CutsText",
    "DropsOrder",
    "ForgetsRevisions",
    "GluesStatements",
    "KeepsCallersDocuments",
    "LosesUnknownFields",
    "MendsText",
    "MixesKinds",
    "RepeatsDocuments",
    "RoundsNumbers",
    "SwallowsDuplicates",
    "WritesAnything",
]


class _ForgetsRevisions(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id) if expected else None
        found = expected if known is None else known.revision
        self.inner.put(evolve(record, revision=(found or 0) + 1), found)


class ForgetsRevisions(SoundStorage):
    """Writes over whatever is there: of two who decide at once, the first is lost."""

    transaction: ClassVar[type[SoundTransaction]] = _ForgetsRevisions
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_put_on_another_revision_is_stale",
        "test_a_revision_that_does_not_follow_is_refused",
        "test_no_update_is_lost",
    )


class _SwallowsDuplicates(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        if expected is not None or self.inner.get(record.kind, record.id) is None:
            self.inner.put(record, expected)


class SwallowsDuplicates(SoundStorage):
    """Leaves out a new record whose id is taken, as ``INSERT OR IGNORE`` does."""

    transaction: ClassVar[type[SoundTransaction]] = _SwallowsDuplicates
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_refused_put_leaves_the_block_as_it_was",
        "test_a_second_new_record_of_one_id_is_stale",
    )


class _LosesUnknownFields(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id)
        columns = record.document if known is None else known.document
        kept = {key: each for key, each in record.document.items() if key in columns}
        self.inner.put(evolve(record, document=kept), expected)


class LosesUnknownFields(SoundStorage):
    """Keeps the fields that a record had at first, as a table of columns does."""

    transaction: ClassVar[type[SoundTransaction]] = _LosesUnknownFields
    caught_by: ClassVar[tuple[str, ...]] = ("test_fields_that_nobody_knows_are_kept",)


class _KeepsCallersDocuments(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        self.inner.put(record, expected)
        cast("KeepsCallersDocuments", self.store).documents[record.kind, record.id] = (
            record.document
        )

    def get(self, kind: str, id: str) -> Record | None:
        found = self.inner.get(kind, id)
        kept = cast("KeepsCallersDocuments", self.store).documents.get((kind, id))
        return found if found is None or kept is None else evolve(found, document=kept)


class KeepsCallersDocuments(SoundStorage):
    """Keeps the caller's own dict, which the caller goes on to change."""

    transaction: ClassVar[type[SoundTransaction]] = _KeepsCallersDocuments
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_caller_cannot_change_the_store_through_a_document",
        "test_a_caller_cannot_change_what_he_put_in_an_open_block",
    )

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.documents: dict[tuple[str, str], Any] = {}


class _DropsOrder(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        self.inner.put(evolve(record, order=""), expected)


class DropsOrder(SoundStorage):
    """Does not keep by what lists are sorted."""

    transaction: ClassVar[type[SoundTransaction]] = _DropsOrder
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_new_order_moves_a_record",
        "test_a_record_comes_back_as_it_was_put",
        "test_find_sorts_by_order_then_id",
    )


class _RoundsNumbers(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        text = json.dumps(record.document, allow_nan=False)
        self.inner.put(evolve(record, document=json.loads(text, parse_int=float)), expected)


class RoundsNumbers(SoundStorage):
    """Has one type of numbers, with fifteen digits."""

    transaction: ClassVar[type[SoundTransaction]] = _RoundsNumbers
    caught_by: ClassVar[tuple[str, ...]] = ("test_plain_data_of_every_type_survives",)


class _CutsText(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        document = {
            key: each[:65_535] if isinstance(each, str) else each
            for key, each in record.document.items()
        }
        self.inner.put(evolve(record, document=document), expected)


class CutsText(SoundStorage):
    """Has columns of 64 kB and no strict mode."""

    transaction: ClassVar[type[SoundTransaction]] = _CutsText
    caught_by: ClassVar[tuple[str, ...]] = ("test_a_megabyte_of_text_is_kept",)


class _GluesStatements(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        self.inner.put(evolve(record, id=record.id.replace("'", "''")), expected)


class GluesStatements(SoundStorage):
    """Escapes quotes by hand, also where nothing has to be escaped."""

    transaction: ClassVar[type[SoundTransaction]] = _GluesStatements
    caught_by: ClassVar[tuple[str, ...]] = ("test_hostile_text_is_only_text",)


class _MixesKinds(SoundTransaction):
    def get(self, kind: str, id: str) -> Record | None:
        return self.inner.get(kind, id) or self.inner.get("thing", id)


class MixesKinds(SoundStorage):
    """Looks for an id whatever its kind."""

    transaction: ClassVar[type[SoundTransaction]] = _MixesKinds
    caught_by: ClassVar[tuple[str, ...]] = ("test_nothing_is_none",)


class _WritesAnything(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        document = json.loads(json.dumps(record.document, default=repr))
        self.inner.put(evolve(record, document=json.loads(_nan(json.dumps(document)))), expected)


class WritesAnything(SoundStorage):
    """Makes text of what is not plain data."""

    transaction: ClassVar[type[SoundTransaction]] = _WritesAnything
    caught_by: ClassVar[tuple[str, ...]] = ("test_what_is_not_plain_data_is_refused",)


class _RepeatsDocuments(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        try:
            self.inner.put(record, expected)
        except InvalidInput as error:
            raise InvalidInput(f"cannot keep {record.document!r}") from error


class RepeatsDocuments(SoundStorage):
    """Says in its errors what it was given."""

    transaction: ClassVar[type[SoundTransaction]] = _RepeatsDocuments
    caught_by: ClassVar[tuple[str, ...]] = ("test_a_refusal_does_not_repeat_the_document",)


class _MendsText(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        whole = evolve(
            record,
            kind=_mended(record.kind),
            id=_mended(record.id),
            order=_mended(record.order),
            index=frozenset((_mended(key), _mended(value)) for key, value in record.index),
            document=json.loads(_mended(json.dumps(record.document, ensure_ascii=False)))
            if all(map(_plain, record.document.values()))
            else record.document,
        )
        self.inner.put(whole, expected)


class MendsText(SoundStorage):
    """Replaces what is no text, so that two keys become one."""

    transaction: ClassVar[type[SoundTransaction]] = _MendsText
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_half_a_surrogate_pair_is_in_no_document",
        "test_what_is_no_text_is_no_key",
    )


class _BreaksOnNul(SoundTransaction):
    def get(self, kind: str, id: str) -> Record | None:
        if "\0" in kind + id:
            raise ValueError("embedded null character")
        return self.inner.get(kind, id)


class BreaksOnNul(SoundStorage):
    """Lets the errors of its driver through."""

    transaction: ClassVar[type[SoundTransaction]] = _BreaksOnNul
    caught_by: ClassVar[tuple[str, ...]] = ("test_what_is_no_text_is_never_found",)


def _nan(text: str) -> str:
    return text.replace("NaN", "null").replace("Infinity", "null")


def _mended(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "?")


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, list))
