"""Stores whose units of work are none."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.testing.broken._storages_base import SoundStorage, SoundTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from marketplace_sdk.memory.storage import MemoryStorage
    from marketplace_sdk.ports.storage import Record, Transaction, Work

__all__ = [
    "BreaksOnce",
    "CachesForGood",
    "ClosesOnce",
    "CommitsInSteps",
    "CommitsOnError",
    "KeepsWorkOfARollback",
    "LetsReadersWrite",
    "MustBeSetUp",
    "OpensAgain",
    "ReadsManyMoments",
    "WritesWithoutLooking",
]


class _KeepsWorkOfARollback(SoundTransaction):
    def enqueue(self, rows: Sequence[Work]) -> None:
        cast("KeepsWorkOfARollback", self.store).added += rows
        self.inner.enqueue(rows)


class KeepsWorkOfARollback(SoundStorage):
    """Has its outbox elsewhere, so that a message leaves though nothing happened."""

    transaction: ClassVar[type[SoundTransaction]] = _KeepsWorkOfARollback
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_unit_that_raises_leaves_nothing",
        "test_an_exception_undoes_what_was_done_to_work",
        "test_what_the_store_refuses_takes_the_whole_unit_back",
        "test_what_was_not_committed_is_not_there",
    )

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.added: list[Work] = []

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Add the work also when the block raised."""
        try:
            with super().begin(write=write) as transaction:
                yield transaction
        except BaseException:
            with self.place.begin() as again:
                again.enqueue(self.added)
            raise
        finally:
            self.added.clear()


class CommitsOnError(SoundStorage):
    """Keeps what a block did before it raised."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_block_sees_the_events_it_added",
        "test_an_exception_undoes_the_whole_block",
    )

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Commit in any case."""
        raised: BaseException | None = None
        with super().begin(write=write) as transaction:
            try:
                yield transaction
            except BaseException as error:  # noqa: BLE001  # that is the fault
                raised = error
        if raised is not None:
            raise raised


class _ReadsManyMoments(SoundTransaction):
    def __getattr__(self, name: str) -> Any:
        def read(*what: Any, **more: Any) -> Any:
            getattr(self.inner, name)  # it refuses nothing yet
            with self.store.place.begin(write=False) as latest:
                return getattr(latest, name)(*what, **more)

        return read


class ReadsManyMoments(SoundStorage):
    """Every look of a reader sees the newest state, as ``READ COMMITTED`` does."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_block_is_over_when_it_ends",
        "test_a_reader_does_not_see_later_events",
        "test_a_reader_of_one_object_sees_one_moment",
        "test_a_reader_sees_one_moment",
        "test_a_reader_sees_the_work_of_one_moment",
    )

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Hand readers what reads afresh each time."""
        with super().begin(write=write) as transaction:
            yield (
                transaction if write else cast("Transaction", _ReadsManyMoments(transaction, self))
            )


class LetsReadersWrite(SoundStorage):
    """Takes no notice of ``write=False``."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_reader_cannot_write",
        "test_a_reader_inside_a_writer_sees_what_is_committed",
    )

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Begin for writing in any case."""
        del write
        with super().begin() as transaction:
            yield transaction


class _WritesWithoutLooking(SoundTransaction):
    def __init__(self, inner: Transaction, store: SoundStorage) -> None:
        super().__init__(inner, store)
        self.writes: list[Callable[[Transaction], None]] = []

    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id)
        if (None if known is None else known.revision) != expected:
            raise StaleRevision(record.kind, record.id)
        self.writes.append(lambda transaction: transaction.put(record, expected))


class WritesWithoutLooking(SoundStorage):
    """Checks revisions when it commits, but not again what the block had looked for."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_who_looks_and_then_writes_is_not_overtaken",)

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Read from a snapshot, and write at the end."""
        with super().begin(write=False) as snapshot:
            transaction = _WritesWithoutLooking(snapshot, self)
            yield cast("Transaction", transaction) if write else snapshot
        if transaction.writes:
            self.commit(transaction.writes)

    def commit(self, writes: Sequence[Callable[[Transaction], None]]) -> None:
        """Write what was gathered."""
        with self.place.begin() as last:
            for change in writes:
                change(last)


class _CachesForGood(SoundTransaction):
    def get(self, kind: str, id: str) -> Record | None:
        cache = cast("CachesForGood", self.store).cache
        if (kind, id) not in cache:
            cache[kind, id] = self.inner.get(kind, id)
        return cache[kind, id]

    def put(self, record: Record, expected: int | None) -> None:
        self.inner.put(record, expected)
        cast("CachesForGood", self.store).cache[record.kind, record.id] = record


class CachesForGood(SoundStorage):
    """Remembers what it read, though others write to the same place."""

    transaction: ClassVar[type[SoundTransaction]] = _CachesForGood
    caught_by: ClassVar[tuple[str, ...]] = ("test_two_objects_on_one_place_see_each_other",)

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.cache: dict[tuple[str, str], Record | None] = {}


class OpensAgain(SoundStorage):
    """Goes on after it was closed, so that nobody notices a leak."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_closed_store_refuses_to_begin",)

    def close(self) -> None:
        """Nothing is closed."""


class CommitsInSteps(WritesWithoutLooking):
    """Writes one record after the other, each on its own."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_readers_never_see_half_a_commit",)

    def commit(self, writes: Sequence[Callable[[Transaction], None]]) -> None:
        """Leave time in between."""
        for change in writes:
            super().commit([change])
            time.sleep(0.002)


class BreaksOnce(SoundStorage):
    """Is of no use after a block of a reader has raised."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_reader_that_raises_harms_nobody",)

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Let nobody in again."""
        try:
            with super().begin(write=write) as transaction:
                yield transaction
        except BaseException:
            self.closed: bool = self.closed or not write
            raise


class MustBeSetUp(SoundStorage):
    """Fails like its driver when nobody has set it up."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_store_that_was_not_set_up_works_or_says_so",)

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.tables: dict[str, str] = {}

    def setup(self) -> None:
        """Make the table."""
        self.tables["record"] = "made"

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Look for the table."""
        assert self.tables["record"]
        with super().begin(write=write) as transaction:
            yield transaction


class ClosesOnce(SoundStorage):
    """Fails when there is nothing left to close."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_store_may_be_closed_before_it_is_used",
        "test_closing_twice_is_harmless",
    )

    def close(self) -> None:
        """Close what is open."""
        if self.closed:
            raise RuntimeError("there is no connection")
        super().close()
