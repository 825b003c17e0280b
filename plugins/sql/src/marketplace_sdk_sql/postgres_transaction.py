"""What a unit of work does otherwise on PostgreSQL, where writers do not take turns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from marketplace_sdk_sql.transaction import SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import EventRow, Hit, Query
    from marketplace_sdk_sql.driver import Driver
    from marketplace_sdk_sql.postgres_statements import PostgresStatements

__all__ = ["PostgresTransaction"]


class PostgresTransaction(SqlTransaction):
    """Reads and writes of one block.

    *The log.* Positions are drawn from a sequence, so a higher one may be committed before a
    lower one, and whoever reads on from the higher one would never see the lower. Therefore a
    block that adds to the log first takes a shared lock that says: my positions are above the
    last one drawn. A reader of the whole log notes the last position drawn, then the lowest such
    lock, and only then looks at rows: those up to both numbers are complete. Blocks that add never
    wait for each other.

    *Work.* A block that begins with a claim sees each moment anew (READ COMMITTED) instead of
    being serializable: what it takes is guarded by locks on keys, and workers who look at the same
    queue do not fail each other. A claim later in a block asks a second connection whether the
    keys that it has locked were taken after the block's first look.
    """

    _sql: PostgresStatements

    def __init__(
        self,
        driver: Driver,
        connection: Any,
        *,
        write: bool,
        aside: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__(driver, connection, write=write)
        self._process = connection.info.backend_pid
        self._aside = aside
        self._anew = False
        self._adds = False

    def search(self, kind: str, query: Query, *where: Any, **more: Any) -> Sequence[Hit]:
        """See the port. Word indexes are read through bitmaps, which other statements shun."""
        self._change("SET LOCAL enable_bitmapscan = on", ())
        hits = super().search(kind, query, *where, **more)
        self._change("SET LOCAL enable_bitmapscan = off", ())
        return hits

    def append(self, rows: Sequence[EventRow]) -> None:
        """See the port."""
        if rows and not self._adds:
            self._check(write=True)
            self._rows(self._sql.lock_log, ())
            self._adds = True
        super().append(rows)

    def _log(self, after: int, limit: int) -> list[Any]:
        with self._beside() as other:
            ((drawn,),) = other.execute(self._sql.drawn).fetchall()
            ((lowest,),) = other.execute(self._sql.lowest_lock, (self._process,)).fetchall()
            end = drawn if lowest is None else min(drawn, lowest)
            there = other.execute(self._sql.positions, (after, end, limit)).fetchall()
        rows = self._rows(self._sql.events_until, (after, end, limit))
        # What was committed after this block's first look is invisible to it, and so must be
        # whatever comes behind.
        seen = {row[0] for row in rows}
        unseen = next((position for (position,) in there if position not in seen), None)
        return [row for row in rows if unseen is None or row[0] < unseen]

    def _free_keys(self, queue: str, now: str, limit: int, *, in_order: bool) -> list[str]:
        if not self._began:
            self._change("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", ())
            self._anew = True
        keys = super()._free_keys(queue, now, limit, in_order=in_order)
        if keys and not self._anew:
            with self._beside() as other:
                held = other.execute(self._sql.held_keys, (queue, keys, now)).fetchall()
            taken = {key for (key,) in held}
            keys = [key for key in keys if key not in taken]
        return keys

    @contextmanager
    def _beside(self) -> Iterator[Any]:
        """A connection that sees what was committed after this block's first look."""
        try:
            with self._aside() as other:
                yield other
        except self._driver.errors as error:
            raise self._driver.error(error, "read") from None
