"""What is special about SQLite: opening a file, beginning, and what its errors mean."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from marketplace_sdk.plugin import InvalidInput, StorageError
from marketplace_sdk_sql.rows import list_to
from marketplace_sdk_sql.statements import Statements, for_sqlite
from marketplace_sdk_sql.transaction import SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk_sql.driver import Mode

__all__ = ["SqliteDriver", "path_of"]

BUSY_SECONDS = 5.0
"""How long a writer waits for another process before it gives up, retryable."""

_WRITING = ("write", "alone", "alter")
_RETRYABLE = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_FULL}
)


def path_of(url: str) -> Path:
    """The file that a URL names, as an absolute path.

    ``sqlite:///relative.db`` is below the current folder of now, ``sqlite:////abs/path.db`` is
    absolute. Raises InvalidInput for anything else, without repeating the URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput("cannot open storage: its URL cannot be read", hint=_FORM) from None
    if parsed.drivername != "sqlite" or parsed.host or parsed.username or parsed.query:
        raise InvalidInput("cannot open storage: its URL is not one of a file", hint=_FORM)
    if not parsed.database or parsed.database.startswith((":memory:", "file:")):
        raise InvalidInput(
            "cannot open storage: SQLite in memory is not shared by threads",
            hint='use "memory" instead',
        )
    return Path(parsed.database).absolute()


_FORM = "write sqlite:///relative.db or sqlite:////absolute/path.db"


class SqliteDriver:
    """Connections to one SQLite file, durable at every commit."""

    name = "SQLite"
    dialect = "sqlite://"
    errors = (sqlite3.Error, UnicodeEncodeError, OverflowError)
    spells = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.statements: Statements = for_sqlite()

    def exists(self) -> bool:
        """Whether there is a file; connecting would make one."""
        return self._path.exists()

    @property
    def one_writer(self) -> float:
        """Threads take turns: SQLite's own waiting polls and is unfair."""
        return BUSY_SECONDS

    def connect(self, mode: Mode) -> sqlite3.Connection:
        """A new connection; one that is not for writing refuses to write."""
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # units of work begin and end in ``begin`` and ``end``
            check_same_thread=False,  # the store hands each to one thread at a time
            cached_statements=256,
        )
        try:
            _into_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            if mode not in _WRITING:
                connection.execute("PRAGMA query_only=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def sort(self, mode: Mode) -> str:
        """One connection writes, others cannot."""
        return "writer" if mode in _WRITING else "reader"

    def begin(self, connection: sqlite3.Connection, mode: Mode) -> None:
        """Begin; a writer's turn is taken at once, so it never fails halfway."""
        connection.execute("BEGIN IMMEDIATE" if mode in _WRITING else "BEGIN")

    def lost(self, connection: sqlite3.Connection) -> bool:
        """A file does not go away; but a transaction that cannot be ended is in the way."""
        try:
            return connection.in_transaction
        except sqlite3.ProgrammingError:
            return True

    def transaction(
        self,
        connection: sqlite3.Connection,
        *,
        write: bool,
        aside: object,  # noqa: ARG002  # one writer at a time leaves nothing to look at beside it
    ) -> SqlTransaction:
        """The unit of work on a connection."""
        return SqlTransaction(self, connection, write=write)

    def make_room(self, connection: sqlite3.Connection) -> None:
        """The file is there, and no other writer is."""

    def tables(self, connection: sqlite3.Connection) -> set[str]:
        """Names of the tables that are there."""
        rows = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return {name for (name,) in rows}

    def now(self, connection: sqlite3.Connection) -> None:
        """It runs in this process."""

    def notice(self, connection: sqlite3.Connection) -> None:
        """Every SQLite that has the tables can do the same."""

    def texts(self, values: Sequence[str]) -> Any:
        """As a JSON list, which SQLite takes apart."""
        return list_to(values)

    def error(self, error: BaseException, verb: str) -> InvalidInput | StorageError:
        """What an error of the driver means; the driver's own words stay out of it."""
        if isinstance(error, UnicodeEncodeError):
            return InvalidInput(f"cannot {verb} storage: a key is not valid text")
        if isinstance(error, OverflowError):
            return InvalidInput(f"cannot {verb} storage: a number is too large")
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        # The lower byte is the kind of error; the rest is detail.
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        hint = ""
        if kind == sqlite3.SQLITE_FULL:
            hint = "the disk is full"
        elif kind in _RETRYABLE:
            hint = "another process is writing; try again"
        elif kind == sqlite3.SQLITE_CANTOPEN:
            hint = "does the folder exist, and may this user write there?"
        elif kind == sqlite3.SQLITE_NOTADB:
            hint = "the file is not a SQLite database"
        return StorageError(
            f"cannot {verb} storage: {name}", retryable=kind in _RETRYABLE, hint=hint
        )


def _into_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, in which readers and the writer do not wait for each other.

    The file remembers it. SQLite does not always wait for its turn when it switches, so this does.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _RETRYABLE or time.monotonic() > deadline:
                raise
        else:
            if mode != "wal":
                raise StorageError(
                    "cannot open storage: the file system has no write-ahead log",
                    hint="keep the file on a local disk",
                )
            return
        time.sleep(0.01)
