"""A store in a SQL database: units of work, and the schema's version."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import StoreFacts
from marketplace_sdk_sql.connections import Connections
from marketplace_sdk_sql.schema import is_ready, version_of
from marketplace_sdk_sql.tables import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import Transaction
    from marketplace_sdk_sql.driver import Driver

__all__ = ["SqlStorage"]


class SqlStorage:
    """Keeps everything in one SQLite file, or in one schema of a PostgreSQL database.

    Safe to use from several threads and several processes. Units of work that write are as good as
    one after the other; readers wait for nobody and see the moment of their first look.
    """

    def __init__(self, url: str) -> None:
        """Nothing is opened yet. Raises InvalidInput when the URL names no database."""
        self._driver = _driver(url)
        self._connections = Connections(self._driver)

    def setup(self) -> None:
        """Make the tables in an empty database, and check the version of another.

        Several processes may do so at once. Raises StorageError when the schema is of another
        version, or the database somebody else's.
        """
        with self._connections.lend("read") as connection:
            ready = is_ready(self._driver, connection)
        if not ready:
            self.migrate()
        with self._connections.lend("read") as connection:
            self._driver.notice(connection)

    @property
    def capabilities(self) -> frozenset[str]:
        """``search``, and ``search_typos`` where the database can find what is spelled alike."""
        return frozenset({"search", "search_typos"} if self._driver.spells else {"search"})

    def migrate(self) -> tuple[str, str]:
        """Bring the schema to that of this release; see the port."""
        # Alembic is imported when there is something for it to do.
        from marketplace_sdk_sql.migrating import migrate  # noqa: PLC0415 - late, as said above

        return migrate(self._driver)

    def describe(self) -> StoreFacts:
        """What it is, and the version of the schema that is there; see the port."""
        schema, now = "", None
        if self._driver.exists():
            with self._connections.lend("read") as connection:
                schema = version_of(self._driver, connection)
                try:
                    now = self._driver.now(connection)
                except self._driver.errors as error:
                    raise self._driver.error(error, "look at") from None
        return StoreFacts(engine=self._driver.name, schema=schema, expected=HEAD, now=now)

    def begin(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """One unit of work; see the port.

        Raises StorageError when the database cannot be used, retryable when waiting may help, and
        for a writer within a writer of the same thread; StaleRevision when it met another writer.
        """
        return self._unit(write=write)

    def close(self) -> None:
        """Close the connections; one that is in use, when its block ends."""
        self._connections.close()

    @contextmanager
    def _unit(self, *, write: bool) -> Iterator[Transaction]:
        with self._connections.lend("write" if write else "read") as connection:
            transaction = self._driver.transaction(
                connection, write=write, aside=lambda: self._connections.lend("look")
            )
            try:
                yield transaction
                transaction.finish()
            finally:
                transaction.end()


def _driver(url: str) -> Driver:
    if url.startswith(("postgresql:", "postgres:")):
        # Whoever keeps a file does not wait for psycopg, and the other way round.
        from marketplace_sdk_sql.postgres import PostgresDriver  # noqa: PLC0415 - late, as said above

        return PostgresDriver(url)
    from marketplace_sdk_sql.sqlite import SqliteDriver, path_of  # noqa: PLC0415 - late, as said above

    return SqliteDriver(path_of(url))
