"""Stores that forget, count or describe themselves wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

from marketplace_sdk.testing.broken._storages_base import SoundStorage, SoundTransaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from marketplace_sdk.ports.storage import Backlog, StoreFacts

__all__ = [
    "CountsTheDeadAsWaiting",
    "DiscardsAnything",
    "KeepsPayloads",
    "NamesEveryQueue",
    "SaysNoVersion",
]


class _KeepsPayloads(SoundTransaction):
    def redact(self, ids: Sequence[str], payload: Mapping[str, Any]) -> int:
        return self.inner.redact(ids[:0], payload) + len(ids)


class KeepsPayloads(SoundStorage):
    """Says that payloads are gone, and keeps them."""

    transaction: ClassVar[type[SoundTransaction]] = _KeepsPayloads
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_redacted_payload_is_gone_and_its_link_stays",
        "test_an_event_is_redacted_in_the_block_that_adds_it",
    )


class _DiscardsAnything(SoundTransaction):
    def discard(self, id: str) -> bool:
        self.inner.discard(id)
        return True


class DiscardsAnything(SoundStorage):
    """Says that work is thrown away, whatever it is."""

    transaction: ClassVar[type[SoundTransaction]] = _DiscardsAnything
    caught_by: ClassVar[tuple[str, ...]] = ("test_only_parked_work_is_discarded",)


class _CountsTheDeadAsWaiting(SoundTransaction):
    def backlog(self, now: datetime) -> Sequence[Backlog]:
        return [
            evolve(one, waiting=one.waiting + one.dead, dead=0) for one in self.inner.backlog(now)
        ]


class CountsTheDeadAsWaiting(SoundStorage):
    """Parked work looks as if somebody would do it."""

    transaction: ClassVar[type[SoundTransaction]] = _CountsTheDeadAsWaiting
    caught_by: ClassVar[tuple[str, ...]] = ("test_work_is_counted_by_queue",)


class _NamesEveryQueue(SoundTransaction):
    def queues(self, *, dead: bool) -> Sequence[str]:
        return sorted({*self.inner.queues(dead=dead), *self.inner.queues(dead=not dead)})


class NamesEveryQueue(SoundStorage):
    """Names a queue for parked work that only has other work in it."""

    transaction: ClassVar[type[SoundTransaction]] = _NamesEveryQueue
    caught_by: ClassVar[tuple[str, ...]] = ("test_queues_are_named_by_what_is_kept_in_them",)


class SaysNoVersion(SoundStorage):
    """Nobody can tell whether its tables are those of this release."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_place_says_what_it_is",)

    def describe(self) -> StoreFacts:
        """Leave the version out."""
        return evolve(super().describe(), schema="")
