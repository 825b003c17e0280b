"""Statements of one unit of work, as long as it may still say any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from marketplace_sdk.plugin import MarketplaceError
    from marketplace_sdk_sql.driver import Driver

__all__ = ["Session"]


class Session:
    """A connection that belongs to one block until the block ends or a statement fails."""

    def __init__(self, driver: Driver, connection: Any, *, write: bool) -> None:
        self._driver = driver
        self._sql = driver.statements
        self._cursor = connection.cursor()
        self._write = write
        self._refusal = ""
        self._began = False

    def end(self, refusal: str = "its block has ended") -> None:
        """Refuse everything from now on, for this reason."""
        self._refusal = refusal

    def _check(self, *, write: bool = False) -> None:
        if self._refusal:
            raise StorageError(f"cannot use the unit of work: {self._refusal}")
        if write and not self._write:
            raise StorageError(
                "cannot write: the unit of work is for reading", hint="begin(write=True)"
            )

    def _rows(self, sql: str, binds: Sequence[Any]) -> list[Any]:
        if self._refusal:
            self._check()
        self._began = True
        try:
            rows: list[Any] = self._cursor.execute(sql, binds).fetchall()
        except self._driver.errors as error:
            raise self._failed(error, "read") from None
        return rows

    def _change(self, sql: str, binds: Sequence[Any]) -> int:
        self._began = True
        try:
            changed: int = self._cursor.execute(sql, binds).rowcount
        except self._driver.errors as error:
            raise self._failed(error, "write") from None
        return changed

    def _many(self, sql: str, binds: Iterable[Sequence[Any]]) -> None:
        self._began = True
        try:
            self._cursor.executemany(sql, binds)
        except self._driver.errors as error:
            raise self._failed(error, "write") from None

    def _failed(self, error: BaseException, verb: str) -> MarketplaceError:
        # The database may have rolled back by itself; what came next would stand alone.
        self.end("a statement in it failed")
        return self._driver.error(error, verb)
