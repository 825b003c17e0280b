"""A store in a SQL database: connections, turns, and the schema's version."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import StorageError, StoreFacts
from marketplace_sdk_sql.sqlite import BUSY_SECONDS, SqliteDriver, path_of
from marketplace_sdk_sql.tables import SCHEMA_VERSION
from marketplace_sdk_sql.transaction import SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import Transaction

__all__ = ["SqlStorage"]

IDLE_READERS = 8
"""Connections for reading that are kept open between uses."""


class SqlStorage:
    """Keeps everything in one SQLite file.

    Safe to use from several threads and, on one machine, from several processes. Writers take
    turns; readers wait for nobody and see the moment of their first look.
    """

    def __init__(self, url: str) -> None:
        """Nothing is opened yet. Raises InvalidInput when the URL does not name a file."""
        self._driver = SqliteDriver(path_of(url))
        self._closed = False
        self._start()

    def setup(self) -> None:
        """Make the tables in an empty file, and check the version of another.

        Several processes may do so at once. Raises StorageError when the schema is of another
        version, or the file somebody else's.
        """
        with self._connection(write=False) as connection:
            ready = self._check_schema(connection)
        if not ready:
            with self._connection(write=True) as connection:
                # Another process may have been quicker since the first look.
                if not self._check_schema(connection):
                    self._make_schema(connection)

    def describe(self) -> StoreFacts:
        """What it is, and the version of the schema that is there; see the port."""
        schema = ""
        if self._driver.exists():
            with self._connection(write=False) as connection:
                schema = self._schema(connection)
        return StoreFacts(engine=self._driver.name, schema=schema, expected=str(SCHEMA_VERSION))

    def begin(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """One unit of work; see the port.

        Raises StorageError when the file cannot be used, retryable when another writer held it for
        five seconds, and for a writer within a writer of the same thread.
        """
        return self._unit(write=write)

    def close(self) -> None:
        """Close the connections; one that is in use, when its block ends."""
        self._closed = True
        with suppress(IndexError):  # a reader may take the last one first
            while True:
                self._idle.pop().close()
        if self._turn.acquire(blocking=False):
            try:
                self._close_writer()
            finally:
                self._turn.release()

    def _start(self) -> None:
        self._process = os.getpid()
        self._turn = threading.Lock()
        self._holder = 0
        self._writer: Any = None
        self._idle: list[Any] = []

    @contextmanager
    def _unit(self, *, write: bool) -> Iterator[Transaction]:
        with self._connection(write=write) as connection:
            transaction = SqlTransaction(self._driver, connection.cursor(), write=write)
            try:
                yield transaction
                transaction.flush()
                transaction.check()
            finally:
                transaction.end()

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Any]:
        """A connection with a transaction, which is committed or rolled back."""
        if self._process != os.getpid():
            # After a fork the connections are the parent's; using or closing them harms its file.
            _abandoned.append((self._writer, self._idle))
            self._start()
        if self._closed:
            raise StorageError("cannot open storage: it is closed")
        if not write:
            with self._reader() as connection, self._transaction(connection, write=False):
                yield connection
            return
        with self._take_turn(), self._transaction(self._writer, write=True):
            yield self._writer

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        """Let one thread write at a time; SQLite's own waiting polls and is unfair."""
        me = threading.get_ident()
        if self._holder == me:
            raise StorageError(
                "cannot begin a unit of work: this thread is in one",
                hint="end the outer block first",
            )
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise StorageError(
                "cannot write storage: another thread is writing", retryable=True, hint="try again"
            )
        self._holder = me
        try:
            if self._writer is None:
                self._writer = self._connect(write=True)
            yield
        finally:
            if self._closed:
                self._close_writer()
            self._holder = 0
            self._turn.release()

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(write=False)
        try:
            yield connection
        except BaseException:
            # Whatever happened, the next reader gets another one.
            connection.close()
            raise
        if self._closed or len(self._idle) >= IDLE_READERS:
            connection.close()
        else:
            self._idle.append(connection)

    @contextmanager
    def _transaction(self, connection: Any, *, write: bool) -> Iterator[None]:
        driver = self._driver
        try:
            driver.begin(connection, write=write)
        except driver.errors as error:
            raise driver.error(error, "open") from error
        try:
            yield
            try:
                connection.commit()
            except driver.errors as error:
                raise driver.error(error, "write") from error
        except BaseException:
            self._roll_back(connection)
            raise

    def _roll_back(self, connection: Any) -> None:
        try:
            connection.rollback()
        except self._driver.errors:
            # A connection that cannot even do this is of no use; closing it rolls back.
            if connection is self._writer:
                self._close_writer()

    def _connect(self, *, write: bool) -> Any:
        try:
            return self._driver.connect(write=write)
        except self._driver.errors as error:
            raise self._driver.error(error, "open") from error

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _make_schema(self, connection: Any) -> None:
        statements = self._driver.statements
        try:
            for statement in statements.schema():
                connection.execute(statement)
            connection.execute(statements.insert_meta, ("schema_version", str(SCHEMA_VERSION)))
        except self._driver.errors as error:
            raise self._driver.error(error, "set up") from error

    def _check_schema(self, connection: Any) -> bool:
        """Whether the tables are there; raises StorageError when they are not ours."""
        found = self._schema(connection)
        if not found:
            return False
        if int(found) < SCHEMA_VERSION:
            raise StorageError(
                f"cannot open storage: its schema is version {found}, this is {SCHEMA_VERSION}",
                hint="run: marketplace migrate",
            )
        if int(found) > SCHEMA_VERSION:
            raise StorageError(
                f"cannot open storage: its schema is version {found}, this knows {SCHEMA_VERSION}",
                hint="a newer release wrote it; upgrade data-marketplace-sdk-sql",
            )
        return True

    def _schema(self, connection: Any) -> str:
        """The version of the schema, empty without tables; raises StorageError for others'."""
        try:
            tables = self._driver.tables(connection)
            if not tables:
                return ""
            rows = []
            if "meta" in tables:
                rows = connection.execute(self._driver.statements.schema_version).fetchall()
        except self._driver.errors as error:
            raise self._driver.error(error, "open") from error
        found = str(rows[0][0]) if rows else ""
        if not found.isdecimal():
            raise StorageError(
                "cannot open storage: the database holds something else",
                hint="give the marketplace a database of its own",
            )
        return found


_abandoned: list[Any] = []
