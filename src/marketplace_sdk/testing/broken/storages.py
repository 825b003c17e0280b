"""Stores with one fault each; ``caught_by`` names the check of the kit that tells.

``SoundStorage`` has none: it is a place in memory that any number of objects may open.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from attrs import evolve

from marketplace_sdk.errors import StaleRevision, StorageError
from marketplace_sdk.memory.storage import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from marketplace_sdk.ports.storage import EventRow, Record, Transaction, Work

__all__ = [
    "BROKEN",
    "CachesForGood",
    "ClaimsTwice",
    "CommitsOnError",
    "ForgetsRevisions",
    "KeepsCallersDocuments",
    "KeepsWorkOfARollback",
    "LeavesIndexEntries",
    "LetsLateWorkersSettle",
    "LetsReadersWrite",
    "LosesAnEvent",
    "LosesUnknownFields",
    "NeverEndsLeases",
    "OpensAgain",
    "OvertakesFailedWork",
    "PagesByOffset",
    "ReadsManyMoments",
    "ReordersWork",
    "SortsByAlphabet",
    "SoundStorage",
    "SwallowsDuplicates",
    "WritesWithoutLooking",
]

FAR = datetime(9999, 1, 1, tzinfo=UTC)


class SoundTransaction:
    """Hands everything on to the memory store, but for what a broken one does itself."""

    def __init__(self, inner: Transaction, store: SoundStorage) -> None:
        self.inner = inner
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class SoundStorage:
    """A store without a fault.

    Args:
        place: what is opened; the same place may be opened many times.
    """

    transaction: ClassVar[type[SoundTransaction]] = SoundTransaction
    caught_by: ClassVar[str] = ""

    def __init__(self, place: MemoryStorage | None = None) -> None:
        self.place = place or MemoryStorage()
        self.closed = False

    def setup(self) -> None:
        """There is nothing to make ready."""

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """One unit of work; see the port."""
        if self.closed:
            raise StorageError("cannot open storage: it is closed")
        with self.place.begin(write=write) as inner:
            yield cast("Transaction", self.transaction(inner, self))

    def close(self) -> None:
        """Let this object begin no more; the place stays."""
        self.closed = True


class _ForgetsRevisions(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id) if expected else None
        found = expected if known is None else known.revision
        self.inner.put(evolve(record, revision=(found or 0) + 1), found)


class ForgetsRevisions(SoundStorage):
    """Writes over whatever is there: of two who decide at once, the first is lost."""

    transaction = _ForgetsRevisions
    caught_by = "test_a_put_on_another_revision_is_stale"


class _SwallowsDuplicates(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        if expected is not None or self.inner.get(record.kind, record.id) is None:
            self.inner.put(record, expected)


class SwallowsDuplicates(SoundStorage):
    """Leaves out a new record whose id is taken, as ``INSERT OR IGNORE`` does."""

    transaction = _SwallowsDuplicates
    caught_by = "test_a_second_new_record_of_one_id_is_stale"


class _LosesUnknownFields(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id)
        columns = record.document if known is None else known.document
        kept = {key: each for key, each in record.document.items() if key in columns}
        self.inner.put(evolve(record, document=kept), expected)


class LosesUnknownFields(SoundStorage):
    """Keeps the fields that a record had at first, as a table of columns does."""

    transaction = _LosesUnknownFields
    caught_by = "test_fields_that_nobody_knows_are_kept"


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

    transaction = _KeepsCallersDocuments
    caught_by = "test_a_caller_cannot_change_the_store_through_a_document"

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.documents: dict[tuple[str, str], Any] = {}


class _LeavesIndexEntries(SoundTransaction):
    def put(self, record: Record, expected: int | None) -> None:
        known = self.inner.get(record.kind, record.id)
        before = frozenset() if known is None else known.index
        self.inner.put(evolve(record, index=record.index | before), expected)


class LeavesIndexEntries(SoundStorage):
    """Adds the index entries of an update and forgets to remove the former ones."""

    transaction = _LeavesIndexEntries
    caught_by = "test_a_changed_record_is_not_found_by_what_it_was"


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

    transaction = _SortsByAlphabet
    caught_by = "test_order_and_pages_go_by_code_points"


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

    transaction = _PagesByOffset
    caught_by = "test_pages_join_while_others_write"

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.offsets: dict[tuple[str, str] | None, int] = {}


class _LosesAnEvent(SoundTransaction):
    def append(self, rows: Sequence[EventRow]) -> None:
        self.inner.append([row for row in rows if not (len(rows) > 1 and row is rows[-1])])


class LosesAnEvent(SoundStorage):
    """Drops the last of several events that are added together."""

    transaction = _LosesAnEvent
    caught_by = "test_positions_grow_over_all_chains"


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

    transaction = _ClaimsTwice
    caught_by = "test_threads_that_claim_at_once_share_the_work"


class _NeverEndsLeases(SoundTransaction):
    def claim(self, queue: str, *, until: datetime, **more: Any) -> Sequence[Work]:
        return [
            evolve(row, leased_until=until) for row in self.inner.claim(queue, until=FAR, **more)
        ]


class NeverEndsLeases(SoundStorage):
    """Work of a worker that died is held for ever."""

    transaction = _NeverEndsLeases
    caught_by = "test_a_lease_that_ends_makes_work_claimable"


class _LetsLateWorkersSettle(SoundTransaction):
    def settle(self, work: Work, **how: Any) -> None:
        held = [row for row in self.inner.work(work.queue) if row.id == work.id and row.owner]
        self.inner.settle(held[0] if held else work, **how)


class LetsLateWorkersSettle(SoundStorage):
    """Settles work by its id, whoever holds it now."""

    transaction = _LetsLateWorkersSettle
    caught_by = "test_who_lost_work_cannot_settle_it"


class _ReordersWork(SoundTransaction):
    def claim(self, queue: str, **more: Any) -> Sequence[Work]:
        return sorted(self.inner.claim(queue, **more), key=lambda row: (row.key, row.due, row.id))


class ReordersWork(SoundStorage):
    """Hands the work of a key out by due time, not as it was enqueued."""

    transaction = _ReordersWork
    caught_by = "test_all_due_work_of_a_key_is_taken_at_once"


class _OvertakesFailedWork(SoundTransaction):
    def claim(self, queue: str, *, in_order: bool, **more: Any) -> Sequence[Work]:
        del in_order
        return self.inner.claim(queue, in_order=False, **more)


class OvertakesFailedWork(SoundStorage):
    """Goes on behind work that has to be tried again."""

    transaction = _OvertakesFailedWork
    caught_by = "test_threads_do_the_work_of_a_key_in_its_order"


class _KeepsWorkOfARollback(SoundTransaction):
    def enqueue(self, rows: Sequence[Work]) -> None:
        cast("KeepsWorkOfARollback", self.store).added += rows
        self.inner.enqueue(rows)


class KeepsWorkOfARollback(SoundStorage):
    """Has its outbox elsewhere, so that a message leaves though nothing happened."""

    transaction = _KeepsWorkOfARollback
    caught_by = "test_a_unit_that_raises_leaves_nothing"

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

    caught_by = "test_an_exception_undoes_the_whole_block"

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

    caught_by = "test_a_reader_sees_one_moment"

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Hand readers what reads afresh each time."""
        with super().begin(write=write) as transaction:
            yield (
                transaction if write else cast("Transaction", _ReadsManyMoments(transaction, self))
            )


class LetsReadersWrite(SoundStorage):
    """Takes no notice of ``write=False``."""

    caught_by = "test_a_reader_cannot_write"

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

    caught_by = "test_who_looks_and_then_writes_is_not_overtaken"

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """Read from a snapshot, and write at the end."""
        with super().begin(write=False) as snapshot:
            transaction = _WritesWithoutLooking(snapshot, self)
            yield cast("Transaction", transaction) if write else snapshot
        with self.place.begin() as last:
            for change in transaction.writes:
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

    transaction = _CachesForGood
    caught_by = "test_two_objects_on_one_place_see_each_other"

    def __init__(self, place: MemoryStorage | None = None) -> None:
        super().__init__(place)
        self.cache: dict[tuple[str, str], Record | None] = {}


class OpensAgain(SoundStorage):
    """Goes on after it was closed, so that nobody notices a leak."""

    caught_by = "test_a_closed_store_refuses_to_begin"

    def close(self) -> None:
        """Nothing is closed."""


BROKEN: tuple[type[SoundStorage], ...] = tuple(SoundStorage.__subclasses__())
"""All of them."""
