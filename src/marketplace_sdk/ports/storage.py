"""What the marketplace needs of a place to keep things.

A store keeps *records* (one document per thing, with index entries to find it by), an append-only
log of *events*, and *work* that is due at some time. Everything done inside one ``begin()`` block
is kept together or not at all. The store never looks into a document.

Texts are compared and sorted by code points and never folded. NUL and half a surrogate pair are in
no key, nor is the latter in a document: InvalidInput, before anything is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from marketplace_sdk.domain.search import Query

__all__ = [
    "Backlog",
    "EventRow",
    "Hit",
    "MigratingStorage",
    "PrefetchingTransaction",
    "Record",
    "SearchingTransaction",
    "Storage",
    "StoreFacts",
    "Transaction",
    "Work",
    "capabilities_of",
]


@frozen(kw_only=True)
class Record:
    """One stored thing.

    Attributes:
        kind: what it is, for example ``request``.
        id: unique within its kind.
        revision: 1 when new, one more with every write.
        document: plain data (dicts with text keys, lists, text, ints, floats, bools, None).
        index: (key, value) pairs it can be found by; a key may have many values.
        order: text by which lists of its kind are sorted; ties are broken by id.
        texts: what it can be searched by, as ``domain.search.words_of`` makes it: at most four
            fields, the weightiest first. Only written, never read back; a put without texts leaves
            those of before.
    """

    kind: str
    id: str
    revision: int
    document: Mapping[str, Any] = field(repr=False)
    index: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    order: str = ""
    texts: tuple[str, ...] = field(default=(), repr=False, eq=False)


@frozen
class Hit:
    """A record that answers a search.

    Attributes:
        tier: how well, from 0 on; see ``domain.search``.
        record: which.
    """

    tier: int
    record: Record


@frozen(kw_only=True)
class EventRow:
    """One link of an aggregate's chain of events.

    Attributes:
        aggregate: whose chain, for example ``request:0192...``.
        sequence: 1, 2, 3 ... within the aggregate, without gaps.
        id: unique over all events.
        type: name from the catalogue of events.
        at: when it happened (UTC).
        actor: who did it.
        payload: plain data; may be erased later without breaking the chain.
        payload_hash: hex SHA-256 over the canonical payload.
        previous: hash of the link before, or empty text.
        hash: hex SHA-256 over type, time, actor, payload hash, sequence and previous.
        position: place in the whole log, given by the store; 0 before it is stored.
    """

    aggregate: str
    sequence: int
    id: str
    type: str
    at: datetime
    actor: str
    payload: Mapping[str, Any] = field(repr=False)
    payload_hash: str
    previous: str
    hash: str
    position: int = 0


@frozen(kw_only=True)
class Work:
    """Something that a worker has to do at or after ``due``.

    Attributes:
        id: unique; work with a known id is not added twice while it is kept.
        queue: which kind of worker takes it.
        key: two workers never hold work of the same queue and key at once.
        due: not before this instant (UTC).
        payload: plain data for the worker.
        attempts: how often it has been claimed.
        owner: who holds it, or empty text.
        leased_until: until when it is held, or None.
        dead: parked; is not claimed until somebody replays it.
        error: why the last attempt failed; never holds a secret.
    """

    id: str
    queue: str
    key: str
    due: datetime
    payload: Mapping[str, Any] = field(repr=False)
    attempts: int = 0
    owner: str = ""
    leased_until: datetime | None = None
    dead: bool = False
    error: str = ""


@frozen(kw_only=True)
class Backlog:
    """How much work of one queue there is.

    Attributes:
        queue: its name.
        waiting: rows that are not parked, due or not.
        due: of these, rows that are due and that nobody holds.
        held: of these, rows that somebody holds.
        expired: of these, rows whose lease is over: their worker is late, or gone.
        dead: rows that are parked.
        oldest: the earliest due time of what is due, or None.
    """

    queue: str
    waiting: int = 0
    due: int = 0
    held: int = 0
    expired: int = 0
    dead: int = 0
    oldest: datetime | None = None


@frozen(kw_only=True)
class StoreFacts:
    """What a store says about itself.

    Attributes:
        engine: what it is, for example ``SQLite``.
        schema: version of the schema that is there; empty when it was never set up.
        expected: version that this release of the store reads and writes.
        now: the store's own clock (UTC), or None when it has none.
    """

    engine: str
    schema: str
    expected: str
    now: datetime | None = None


class Transaction(Protocol):
    """Reads and writes that are kept together or not at all.

    A transaction sees its own writes. Methods raise ``StorageError`` when the store fails.
    """

    def get(self, kind: str, id: str) -> Record | None:
        """The record, or None."""

    def find(
        self,
        kind: str,
        where: Sequence[tuple[str, Collection[str]]] = (),
        *,
        unless: Sequence[tuple[str, Collection[str]]] = (),
        after: tuple[str, str] | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Sequence[Record]:
        """Records of a kind for which every (key, values) pair of ``where`` holds.

        A pair holds when the record has an index entry with that key and any one of the values;
        a pair without values never holds. No pair of ``unless`` may hold. Sorted by (order, id);
        ``after`` is such a pair and excludes itself; ``limit`` None means all.
        """

    def put(self, record: Record, expected: int | None) -> None:
        """Write a record whose stored revision is ``expected`` (None: there must be none).

        ``record.revision`` is ``(expected or 0) + 1``. Raises StaleRevision otherwise.
        """

    def remove(self, kind: str, id: str, expected: int) -> None:
        """Delete a record whose stored revision is ``expected``; raises StaleRevision."""

    def append(self, rows: Sequence[EventRow]) -> None:
        """Add links to the log. A taken (aggregate, sequence) raises StaleRevision."""

    def head(self, aggregate: str) -> EventRow | None:
        """The newest link of an aggregate's chain."""

    def events(
        self, aggregate: str | None = None, *, after: int = 0, limit: int | None = None
    ) -> Sequence[EventRow]:
        """Links in the order of the log, of one aggregate or of all, behind position ``after``.

        Of all only those are given that nothing can precede which is committed later: whoever
        goes on from the last one misses none.
        """

    def redact(self, ids: Sequence[str], payload: Mapping[str, Any]) -> int:
        """Put ``payload`` in the place of the payloads of these events; how many there were.

        Everything else of a link stays, its hashes included.
        """

    def enqueue(self, rows: Sequence[Work]) -> None:
        """Add work. Rows whose id is known are left as they are."""

    def claim(
        self,
        queue: str,
        *,
        now: datetime,
        until: datetime,
        owner: str,
        limit: int,
        in_order: bool,
    ) -> Sequence[Work]:
        """Take the due work of at most ``limit`` keys, for this owner, until ``until``.

        A key of which some row is held (``leased_until`` in the future) is passed over. Of a
        chosen key all rows that are due and not dead are taken, oldest first; with ``in_order``
        only those before the first row that is not due yet, so that order is kept over retries.
        Keys are chosen by the earliest due time. Rows come back as they are now: attempts one
        higher, owner and lease set; rows of one key stand together, in the order of enqueueing.
        """

    def settle(
        self,
        work: Work,
        *,
        retry_at: datetime | None = None,
        dead: bool = False,
        error: str = "",
    ) -> None:
        """Give claimed work back: done (removed), to be tried again at ``retry_at``, or parked.

        Raises StaleRevision when it is no longer held by this owner in this attempt.
        """

    def work(
        self,
        queue: str,
        *,
        dead: bool | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
    ) -> Sequence[Work]:
        """Work that is kept, sorted by (due, id); ``dead`` True or False chooses.

        ``after`` is such a pair and excludes itself; ``limit`` None means all.
        """

    def replay(self, id: str, due: datetime) -> bool:
        """Bring parked work back into its queue with no attempts; False if there is none."""

    def discard(self, id: str) -> bool:
        """Remove parked work; False if there is none."""

    def queues(self, *, dead: bool) -> Sequence[str]:
        """Names of the queues in which parked work is kept, or other work, sorted.

        Costs what there are queues, however much work they keep.
        """

    def backlog(self, now: datetime) -> Sequence[Backlog]:
        """How much work there is at this instant, by the name of the queue; none of it is read."""


class SearchingTransaction(Transaction, Protocol):
    """What a store offers that has the capability ``search``.

    Without it the marketplace finds products by whole words, through ``find``.
    """

    def search(
        self,
        kind: str,
        query: Query,
        where: Sequence[tuple[str, Collection[str]]] = (),
        *,
        unless: Sequence[tuple[str, Collection[str]]] = (),
        after: tuple[int, str, str] | None = None,
        limit: int,
    ) -> Sequence[Hit]:
        """Records of a kind whose texts answer the query and for which the pairs hold.

        The tiers are those of ``domain.search``; the last one, that of typing errors, is looked
        for only by stores with the capability ``search_typos``. Sorted by (tier, order, id);
        ``after`` is such a triple and excludes itself.
        """


class PrefetchingTransaction(Transaction, Protocol):
    """What a store may offer that is far away: many questions in one round trip."""

    def prefetch(
        self,
        records: Iterable[tuple[str, str]] = (),
        heads: Iterable[str] = (),
        lists: Iterable[tuple[str, str, Sequence[str]]] = (),
    ) -> None:
        """What will soon be asked for, or is likely to be.

        Changes nothing but how fast it is answered; what is never asked for counts as not read.

        Args:
            records: kinds and ids, for ``get``.
            heads: chains, for ``head``.
            lists: kinds, keys and values, for ``find`` with this one pair and nothing else.
        """


class Storage(Protocol):
    """A place to keep things. Safe to use from several threads.

    A store may have an attribute ``capabilities``, a set of words: ``search``, ``search_typos``.
    """

    def setup(self) -> None:
        """Make an empty store ready, and check that the schema of another is ours."""

    def describe(self) -> StoreFacts:
        """What it is, and the version of its schema; changes nothing, and needs no ``setup``."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """One unit of work: committed when the block ends, rolled back when it raises.

        Units that write end as if one had come after the other; one that cannot raises
        StaleRevision or a retryable StorageError, at the latest when its block ends. A thread that
        is in one cannot begin another (StorageError).

        With ``write=False`` only reading methods may be called, all see one moment, and writers are
        not held up; a thread may do so within a unit that writes, and sees what is committed.

        Raises StorageError when the store is closed.
        """

    def close(self) -> None:
        """Let go of connections and files. May be called twice."""


class MigratingStorage(Storage, Protocol):
    """A store whose schema changes between releases.

    Its ``setup`` refuses an older schema with the hint ``marketplace migrate``.
    """

    def migrate(self) -> tuple[str, str]:
        """Bring the schema to that of this release, without losing anything.

        May be called before ``setup``, and by several processes at once. Raises StorageError when
        the schema is newer or somebody else's; when it fails, nothing has changed.

        Returns:
            The versions before and after; empty text for a store in which there was nothing.
        """


def capabilities_of(storage: Storage) -> frozenset[str]:
    """What a store says that it can do; known when it has been set up."""
    return frozenset(getattr(storage, "capabilities", ()))
