"""Stores that lose events, and hand out work wrongly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

from marketplace_sdk.testing.broken._storages_base import SoundStorage, SoundTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.ports.storage import EventRow, Work

FAR = datetime(9999, 1, 1, tzinfo=UTC)


__all__ = [
    "ClaimsTwice",
    "LetsLateWorkersSettle",
    "LosesABatch",
    "LosesAnEvent",
    "NeverEndsLeases",
    "OvertakesFailedWork",
    "PagesWorkByDueAlone",
    "ReordersWork",
]


class _LosesAnEvent(SoundTransaction):
    def append(self, rows: Sequence[EventRow]) -> None:
        self.inner.append([row for row in rows if not (len(rows) > 1 and row is rows[-1])])


class LosesAnEvent(SoundStorage):
    """Drops the last of several events that are added together."""

    transaction: ClassVar[type[SoundTransaction]] = _LosesAnEvent
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_unit_is_kept_whole",
        "test_pages_of_the_log_join_while_others_add",
        "test_positions_grow_over_all_chains",
    )


class _ClaimsTwice(SoundTransaction):
    def claim(self, queue: str, *, now: datetime, **more: Any) -> Sequence[Work]:
        due = [row for row in self.inner.work(queue, dead=False) if row.due <= now]
        limit, owner, until = more["limit"], more["owner"], more["until"]
        return [
            evolve(row, attempts=row.attempts + 1, owner=owner, leased_until=until)
            for row in due[:limit]
        ]


class ClaimsTwice(SoundStorage):
    """Looks which work is due and does not write down who took it."""

    transaction: ClassVar[type[SoundTransaction]] = _ClaimsTwice
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_held_key_is_passed_over",
        "test_claims_of_units_that_overlap_are_apart",
        "test_threads_that_claim_at_once_share_the_work",
    )


class _NeverEndsLeases(SoundTransaction):
    def claim(self, queue: str, *, until: datetime, **more: Any) -> Sequence[Work]:
        return [
            evolve(row, leased_until=until) for row in self.inner.claim(queue, until=FAR, **more)
        ]


class NeverEndsLeases(SoundStorage):
    """Work of a worker that died is held for ever."""

    transaction: ClassVar[type[SoundTransaction]] = _NeverEndsLeases
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_lease_that_ends_makes_work_claimable",
        "test_of_threads_that_claim_one_key_one_gets_it",
    )


class _LetsLateWorkersSettle(SoundTransaction):
    def settle(self, work: Work, **how: Any) -> None:
        held = [row for row in self.inner.work(work.queue) if row.id == work.id and row.owner]
        self.inner.settle(held[0] if held else work, **how)


class LetsLateWorkersSettle(SoundStorage):
    """Settles work by its id, whoever holds it now."""

    transaction: ClassVar[type[SoundTransaction]] = _LetsLateWorkersSettle
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_late_worker_is_known_after_reopening",
        "test_an_earlier_attempt_of_the_same_worker_is_lost_too",
        "test_who_lost_work_cannot_settle_it",
    )


class _ReordersWork(SoundTransaction):
    def claim(self, queue: str, **more: Any) -> Sequence[Work]:
        return sorted(self.inner.claim(queue, **more), key=lambda row: (row.key, row.due, row.id))


class ReordersWork(SoundStorage):
    """Hands the work of a key out by due time, not as it was enqueued."""

    transaction: ClassVar[type[SoundTransaction]] = _ReordersWork
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_all_due_work_of_a_key_is_taken_at_once",
        "test_keys_are_chosen_by_earliest_due_and_counted_by_the_limit",
    )


class _OvertakesFailedWork(SoundTransaction):
    def claim(self, queue: str, *, in_order: bool, **more: Any) -> Sequence[Work]:
        del in_order
        return self.inner.claim(queue, in_order=False, **more)


class OvertakesFailedWork(SoundStorage):
    """Goes on behind work that has to be tried again."""

    transaction: ClassVar[type[SoundTransaction]] = _OvertakesFailedWork
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_in_order_stops_before_the_first_that_is_not_due",
        "test_in_order_waits_for_a_head_that_is_retried",
        "test_threads_do_the_work_of_a_key_in_its_order",
    )


class _PagesWorkByDueAlone(SoundTransaction):
    def work(
        self,
        queue: str,
        *,
        dead: bool | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
    ) -> Sequence[Work]:
        rows = self.inner.work(queue, dead=dead)
        return [row for row in rows if after is None or row.due > after[0]][:limit]


class PagesWorkByDueAlone(SoundStorage):
    """Goes on behind the due time of the last row, and passes over others of that time."""

    transaction: ClassVar[type[SoundTransaction]] = _PagesWorkByDueAlone
    caught_by: ClassVar[tuple[str, ...]] = ("test_pages_of_work_join_where_due_times_are_equal",)


class _LosesABatch(SoundTransaction):
    def enqueue(self, rows: Sequence[Work]) -> None:
        self.inner.enqueue(rows[:5])


class LosesABatch(SoundStorage):
    """Adds at most five rows of work at once."""

    transaction: ClassVar[type[SoundTransaction]] = _LosesABatch
    caught_by: ClassVar[tuple[str, ...]] = ("test_ten_thousand_timers_cost_a_claim_nothing",)
