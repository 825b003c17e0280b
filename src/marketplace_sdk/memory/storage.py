"""A store that forgets: the reference for every other one, and quick enough for tests and trials.

Writers take turns. A writer stages what it writes and sees it; the end of its block applies all of
it under a lock that readers take only while they look something up. A reader that is open
meanwhile is handed the former state of whatever a commit changes, so it sees one moment throughout
and never holds a writer up.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from marketplace_sdk.errors import StorageError
from marketplace_sdk.memory.books import Books
from marketplace_sdk.memory.transaction import MemoryTransaction
from marketplace_sdk.ports.storage import StoreFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from marketplace_sdk.ports.storage import Transaction

__all__ = ["MemoryStorage"]


class MemoryStorage:
    """Keeps everything in this process until the object is gone.

    Safe to use from several threads; not shared between processes.
    """

    capabilities: frozenset[str] = frozenset({"search", "search_typos"})

    def __init__(self) -> None:
        self._books = Books()
        self._state = threading.Lock()
        self._turn = threading.Lock()
        self._writer = 0
        self._closed = False
        self._readers: set[MemoryTransaction] = set()

    def setup(self) -> None:
        """There is nothing to make ready."""

    def describe(self) -> StoreFacts:
        """What it is; there is no schema that could be of another version."""
        return StoreFacts(engine="memory", schema="1", expected="1")

    def begin(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """One unit of work; see the port. Raises StorageError within another of this thread."""
        return self._write() if write else self._read()

    def close(self) -> None:
        """Begin no more blocks; what is kept stays until the object is gone."""
        self._closed = True

    @contextmanager
    def _write(self) -> Iterator[Transaction]:
        self._check_open()
        me = threading.get_ident()
        if self._writer == me:
            raise StorageError(
                "cannot begin a unit of work: this thread is in one",
                hint="end the outer block first",
            )
        with self._turn:
            self._writer = me
            transaction = MemoryTransaction(self._books, self._state, writing=True)
            try:
                yield transaction
                self._commit(transaction)
            finally:
                transaction.over = True
                self._writer = 0

    @contextmanager
    def _read(self) -> Iterator[Transaction]:
        self._check_open()
        with self._state:
            transaction = MemoryTransaction(self._books, self._state, writing=False)
            self._readers.add(transaction)
        try:
            yield transaction
        finally:
            transaction.over = True
            with self._state:
                self._readers.discard(transaction)

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("cannot open storage: it is closed")

    def _commit(self, transaction: MemoryTransaction) -> None:
        books = self._books
        with self._state:
            for reader in self._readers:
                for key in transaction.records:
                    reader.records.setdefault(key, books.records.get(key))
                for id in transaction.jobs:
                    reader.jobs.setdefault(id, books.jobs.get(id))
                for id in transaction.payloads:
                    former = books.event(id)
                    if former is not None:
                        reader.payloads.setdefault(id, former.text)
            for key, kept in transaction.records.items():
                books.set_record(key, kept)
            for link in transaction.events_added:
                books.add_event(link)
            for id, text in transaction.payloads.items():
                books.redact(id, text)
            for id, job in transaction.jobs.items():
                books.set_job(id, job)
            books.enqueued = transaction.enqueued
