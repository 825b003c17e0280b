"""What a unit of work does otherwise on PostgreSQL, where writers do not take turns."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import StorageError
from marketplace_sdk_sql.transaction import IndexRow, SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import EventRow, Hit, Query, Record
    from marketplace_sdk_sql.driver import Driver
    from marketplace_sdk_sql.postgres_statements import PostgresStatements

__all__ = ["PostgresTransaction"]


class PostgresTransaction(SqlTransaction):
    """Reads and writes of one block.

    *Reads.* A serializable block leaves locks where it read, which say whom it depends on. An index
    has them for whole pages, on which neighbours lie whose owners have nothing to do with each
    other: ids grow with time, so what is decided at one moment lies side by side. Therefore records
    and heads of chains that are asked for by key, and index entries that are to go, are looked up
    on a second connection, which shares the block's snapshot and leaves no locks. Before the commit
    the block reads the rows it was told of once more where they lie, which locks these rows alone.
    What was not there is looked for once more too, unless the block itself has added it by then:
    of two who add the same key one fails anyhow. (A key that others add and remove again while a
    block lasts counts for it as free all along.) Conditions of a search lock their pages as ever.

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
        self._open = ExitStack()
        self._unnoticed: Any = None
        # Records that were read aside and not written since: where they lie, or that there is none.
        self._places: dict[tuple[str, str], str] = {}
        self._absent: set[tuple[str, str]] = set()
        # What the other connection does not see as the block does.
        self._written: set[tuple[str, str]] = set()
        self._added: set[str] = set()
        # Where heads that were read aside lie; empty text for those of chains without a link.
        self._heads: dict[str, str] = {}

    def search(self, kind: str, query: Query, *where: Any, **more: Any) -> Sequence[Hit]:
        """See the port. Word indexes are read through bitmaps, which other statements shun."""
        self._change("SET LOCAL enable_bitmapscan = on", ())
        hits = super().search(kind, query, *where, **more)
        self._change("SET LOCAL enable_bitmapscan = off", ())
        return hits

    def put(self, record: Record, expected: int | None) -> None:
        """See the port."""
        super().put(record, expected)
        self._wrote(record.kind, record.id)

    def remove(self, kind: str, id: str, expected: int) -> None:
        """See the port."""
        super().remove(kind, id, expected)
        self._wrote(kind, id)

    def append(self, rows: Sequence[EventRow]) -> None:
        """See the port."""
        if rows and not self._adds:
            self._check(write=True)
            self._rows(self._sql.lock_log, ())
            self._adds = True
        super().append(rows)
        self._added.update(row.aggregate for row in rows)

    def finish(self) -> None:
        """See above. What was read beside the block is read in it now."""
        super().finish()
        for kind, id in sorted(self._absent):
            self._rows(self._sql.get, (kind, id))
        if self._places:
            self._rows(self._sql.read_records, (list(self._places.values()),))
        for aggregate in sorted(self._heads.keys() - self._added):
            self._rows(self._sql.head, (aggregate,))
        places = [place for place in self._heads.values() if place]
        if places:
            self._rows(self._sql.read_events, (places,))

    def end(self, refusal: str = "its block has ended") -> None:
        """See above."""
        super().end(refusal)
        self._unnoticed = None
        with suppress(StorageError):  # nothing was written there
            self._open.close()

    def _get(self, kind: str, id: str) -> list[Any]:
        if (kind, id) in self._written or not self._is_serializable:
            return super()._get(kind, id)
        rows = self._glance(self._sql.get_placed, (kind, id))
        if not rows:
            self._absent.add((kind, id))
            return []
        ((place, *row),) = rows
        self._places[kind, id] = place
        return [tuple(row)]

    def _update(self, kind: str, id: str, expected: int, new: tuple[Any, ...]) -> int:
        place = self._places.get((kind, id))
        if place is None:
            return super()._update(kind, id, expected, new)
        return self._change(self._sql.update_placed, (*new, place, expected))

    def _delete(self, kind: str, id: str, expected: int) -> int:
        place = self._places.get((kind, id))
        if place is None:
            return super()._delete(kind, id, expected)
        return self._change(self._sql.delete_placed, (place, expected))

    def _head(self, aggregate: str) -> list[Any]:
        if aggregate in self._added or not self._is_serializable:
            return super()._head(aggregate)
        rows = self._glance(self._sql.head_placed, (aggregate,))
        place, *row = rows[0] if rows else ("",)
        self._heads[aggregate] = place
        return [tuple(row)] if rows else []

    def _remove_entries(self, rows: Sequence[IndexRow]) -> None:
        if not rows or not self._is_serializable:
            super()._remove_entries(rows)
            return
        columns = [list(column) for column in zip(*rows, strict=True)]
        places = [place for (place,) in self._glance(self._sql.places_of_entries, columns)]
        if places and self._change(self._sql.delete_entries, (places,)) == len(rows):
            return
        # Some were added by this block.
        super()._remove_entries(rows)

    def _many(self, sql: str, binds: Iterable[Sequence[Any]]) -> None:
        rows = list(binds)
        several = self._sql.several.get(sql)
        if several is None:
            for each in rows:
                self._change(sql, each)
        elif rows:
            self._change(several, [list(column) for column in zip(*rows, strict=True)])

    def _glance(self, sql: str, binds: Sequence[Any]) -> list[Any]:
        if not self._is_serializable:
            return super()._glance(sql, binds)
        if self._refusal:
            self._check()
        try:
            if self._unnoticed is None:
                self._unnoticed = self._same_moment()
            rows: list[Any] = self._unnoticed.execute(sql, binds).fetchall()
        except self._driver.errors as error:
            raise self._failed(error, "read") from None
        return rows

    def _same_moment(self) -> Any:
        """A second connection's cursor that sees what this block saw at its first look."""
        ((moment,),) = self._rows(self._sql.export, ())
        other = self._open.enter_context(self._beside())
        other.execute(
            f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{moment}'"
        )
        return other.cursor()

    @property
    def _is_serializable(self) -> bool:
        return self._write and not self._anew

    def _wrote(self, kind: str, id: str) -> None:
        self._written.add((kind, id))
        self._absent.discard((kind, id))
        self._places.pop((kind, id), None)

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
