"""Connections of a store: lent to one block at a time, each with a transaction of its own."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import StaleRevision, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk_sql.driver import Driver, Mode

__all__ = ["Connections"]

_WRITING = ("write", "alone", "alter")
IDLE = 8
"""Connections of one sort that are kept open between uses."""
PATIENT = 2
"""Races that a thread loses one after the other before it asks to be alone."""


class Connections:
    """Opens, keeps and replaces connections. May be used by several threads, and after a fork.

    Args:
        driver: how to connect, to begin, and what errors mean.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._closed = False
        self._start()

    @contextmanager
    def lend(self, mode: Mode) -> Iterator[Any]:
        """A connection with a transaction, which is committed when the block ends.

        When the block raises, it is rolled back. Raises StorageError when the database cannot be
        used, and for a writer within a writer of the same thread.
        """
        if self._process != os.getpid():
            # After a fork the connections are the parent's; using or closing them harms it.
            _abandoned.append(self._idle)
            self._start()
        if self._closed:
            raise StorageError("cannot open storage: it is closed")
        if mode == "write" and self._overtaken.get(threading.get_ident(), 0) >= PATIENT:
            mode = "alone"
        with self._taking_turns() if mode in _WRITING else nullcontext():
            connection = self._begin(mode)
            try:
                yield connection
                self._commit(connection)
                if mode in _WRITING:
                    self._overtaken.pop(threading.get_ident(), None)
            except BaseException as error:
                self._roll_back(connection)
                if isinstance(error, StaleRevision) and not error.id:
                    # Nobody loses for ever: what cost it the race may be no more than that its rows
                    # lie beside those of others.
                    me = threading.get_ident()
                    self._overtaken[me] = self._overtaken.get(me, 0) + 1
                raise
            finally:
                self._give_back(connection, mode)

    def close(self) -> None:
        """Close what is idle; what is in use closes when its block ends. May be called twice."""
        self._closed = True
        for idle in self._idle.values():
            with suppress(IndexError):  # another thread may take the last one first
                while True:
                    idle.pop().close()

    def _start(self) -> None:
        self._process = os.getpid()
        self._turn = threading.Lock()
        self._writers: set[int] = set()
        self._overtaken: dict[int, int] = {}
        self._idle: dict[str, list[Any]] = {}

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        """Refuse a writer within a writer, and let threads take turns where the database does."""
        me = threading.get_ident()
        if me in self._writers:
            raise StorageError(
                "cannot begin a unit of work: this thread is in one",
                hint="end the outer block first",
            )
        patience = self._driver.one_writer
        if patience is not None and not self._turn.acquire(timeout=patience):
            raise StorageError(
                "cannot write storage: another thread is writing", retryable=True, hint="try again"
            )
        self._writers.add(me)
        try:
            yield
        finally:
            self._writers.discard(me)
            if patience is not None:
                self._turn.release()

    def _begin(self, mode: Mode) -> Any:
        """A connection on which a transaction has begun."""
        while True:
            connection, fresh = self._take(mode)
            try:
                self._driver.begin(connection, mode)
            except self._driver.errors as error:
                lost = self._driver.lost(connection)
                self._roll_back(connection)
                self._give_back(connection, mode)
                if lost and not fresh:
                    # The server went away while it was idle; nothing has been asked of it yet.
                    continue
                raise self._driver.error(error, "open") from None
            except BaseException:
                connection.close()
                raise
            return connection

    def _take(self, mode: Mode) -> tuple[Any, bool]:
        """An idle connection, or a fresh one."""
        with suppress(IndexError):
            return self._shelf(mode).pop(), False
        try:
            return self._driver.connect(mode), True
        except self._driver.errors as error:
            raise self._driver.error(error, "open") from None

    def _give_back(self, connection: Any, mode: Mode) -> None:
        shelf = self._shelf(mode)
        if self._closed or len(shelf) >= IDLE or self._driver.lost(connection):
            connection.close()
        else:
            shelf.append(connection)

    def _shelf(self, mode: Mode) -> list[Any]:
        return self._idle.setdefault(self._driver.sort(mode), [])

    def _commit(self, connection: Any) -> None:
        try:
            connection.commit()
        except self._driver.errors as error:
            raise self._driver.error(error, "write") from None

    def _roll_back(self, connection: Any) -> None:
        try:
            connection.rollback()
        except self._driver.errors:
            # A connection that cannot even do this is of no use; closing it rolls back.
            connection.close()


_abandoned: list[Any] = []
