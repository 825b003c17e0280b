"""What a unit of work does otherwise on PostgreSQL, where writers do not take turns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from marketplace_sdk_sql.ahead import Ahead
from marketplace_sdk_sql.finding import ALL
from marketplace_sdk_sql.rows import entries_from, event_to, record_from, work_to
from marketplace_sdk_sql.staging import Staging, columns
from marketplace_sdk_sql.transaction import SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import EventRow, Hit, Query, Record, Work
    from marketplace_sdk_sql.driver import Driver
    from marketplace_sdk_sql.line import Answer, Line
    from marketplace_sdk_sql.postgres_statements import PostgresStatements
    from marketplace_sdk_sql.rows import Entry

__all__ = ["PostgresTransaction"]


class PostgresTransaction(SqlTransaction):
    """Reads and writes of one block.

    *Looking first, writing in the end.* A block that writes looks at one moment of the store
    (REPEATABLE READ) and keeps what it wants to write to itself. When it ends, one round trip
    begins a serializable transaction, which fails unless everything that the block looked at is
    still so, writes, and commits. So nobody is held up, or watched, for longer than that.

    A serializable transaction leaves locks where it read, which say whom it depends on. An index
    has them for whole pages, on which neighbours lie whose owners have nothing to do with each
    other: ids grow with time, so what is decided at one moment lies side by side. Therefore
    records are looked at again where they lie, and index entries that are to go are looked up
    before that transaction, which locks these rows alone. Only what was searched for, or was not
    there, is looked for once more. (A key that others add and remove again while a block lasts
    counts for it as free all along.)

    Whatever else a block asks for, it asks in the serializable transaction, which begins then: its
    looks are compared and its writes said before it goes on. A block that is alone is in one from
    the beginning.

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
        line: Line,
        *,
        write: bool,
        aside: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__(driver, line, write=write)
        self._line = line
        self._aside = aside
        self._anew = False
        self._adds = False
        self._staging = Staging(self._sql) if line.mode == "write" else None
        self._ahead = Ahead(self._sql, self._later)

    def prefetch(
        self,
        records: Iterable[tuple[str, str]] = (),
        heads: Iterable[str] = (),
        lists: Iterable[tuple[str, str, Sequence[str]]] = (),
    ) -> None:
        """See the port."""
        self._check()
        if self._write and self._staging is None:
            return
        self._ahead.records(records)
        for aggregate in heads:
            self._ahead.ask((aggregate,), self._sql.head, (aggregate,))
        for kind, key, values in lists:
            span = self._span(kind, [(key, values)], (), None, ALL)
            asked = None if span is None else self._finder.asked_alone(span)
            if asked is not None:
                self._ahead.ask((asked[0], *asked[1]), *asked)

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
        """See the port."""
        staging = self._staging
        mine = [] if staging is None else staging.of_kind(kind)
        more = limit if limit is None else limit + len(mine)
        found = super().find(
            kind, where, unless=unless, after=after, limit=more, descending=descending
        )
        if staging is None or not mine:
            return found
        every = staging.over(found, kind, where, unless, after, descending=descending)
        some = every if limit is None else every[: max(limit, 0)]
        return [record_from(one) if isinstance(one, tuple) else one for one in some]

    def search(self, kind: str, query: Query, *where: Any, **more: Any) -> Sequence[Hit]:
        """See the port. Word indexes are read through bitmaps, which other statements shun."""
        self._check()
        self._direct()
        self._later("SET LOCAL enable_bitmapscan = on", ())
        hits = super().search(kind, query, *where, **more)
        self._later("SET LOCAL enable_bitmapscan = off", ())
        return hits

    def append(self, rows: Sequence[EventRow]) -> None:
        """See the port."""
        self._check(write=True)
        staging = self._staging
        if staging is not None:
            binds = [event_to(row) for row in rows]
            self.prefetch(heads=staging.unknown(row.aggregate for row in rows))
            if all(self._follows(row) for row in rows):
                staging.add(rows, binds)
                return
        self._direct()
        if rows and not self._adds:
            self._rows(self._sql.lock_log, ())
            self._adds = True
        super().append(rows)

    def enqueue(self, rows: Sequence[Work]) -> None:
        """See the port."""
        if self._staging is None:
            super().enqueue(rows)
        else:
            self._check(write=True)
            self._staging.works += [work_to(row) for row in rows]

    def flush(self) -> None:
        """See above. As long as everything is kept back, so is this."""
        if self._staging is None:
            super().flush()

    def finish(self) -> None:
        """See above."""
        self._check()
        if self._staging is not None and self._staging.writes:
            self._direct()
        super().finish()

    def _follows(self, row: EventRow) -> bool:
        """Whether a link comes behind all that this block knows of its chain."""
        staging = self._staging
        if staging is None:
            return False
        if row.aggregate not in staging.heads:
            self._head(row.aggregate)
        newest = staging.newest.get(row.aggregate, staging.heads[row.aggregate])
        return row.sequence > newest

    def _direct(self) -> None:
        """Compare what was looked at, write what was kept back, and go on from there."""
        staging, self._staging = self._staging, None
        if staging is None:
            return
        self._ahead.forget()
        entries, self._entries = self._entries, {}
        gone = sorted(row for row, there in entries.items() if not there)
        added = sorted(row for row, there in entries.items() if there)
        self._adds = bool(staging.newest)
        if gone:
            self._later(self._sql.note_entries, columns(gone))
        self._line.begin_anew(self._sql.begin_writing)
        for sql, binds in (*staging.looks(), *staging.changes(gone, added)):
            self._later(sql, binds)

    def _get(self, kind: str, id: str) -> list[Any]:
        staging = self._staging
        if staging is not None and (kind, id) in staging.records:
            row = staging.records[kind, id]
            return [] if row is None else [row]
        rows = [row for row in self._known((kind, id), self._sql.get) if row[:2] == (kind, id)]
        if staging is not None:
            staging.watch((kind, id), rows[0] if rows else None)
        return rows

    def _head(self, aggregate: str) -> list[Any]:
        rows = self._known((aggregate,), self._sql.head)
        if self._staging is not None:
            self._staging.heads.setdefault(aggregate, rows[0][2] if rows else 0)
        return rows

    def head(self, aggregate: str) -> EventRow | None:
        """See the port."""
        if self._staging is not None and aggregate in self._staging.newest:
            self._direct()  # its position is known when it is written
        return super().head(aggregate)

    def _known(
        self, key: tuple[Any, ...], sql: str, binds: Sequence[Any] | None = None
    ) -> list[Any]:
        """What was asked for under a key already, or the answer now; its values are the key."""
        coming = self._ahead.answer(key)
        if coming is None:
            return self._look(sql, key if binds is None else binds)
        if not coming.ready:
            self._run()
        return coming.rows

    def _insert(self, row: tuple[Any, ...]) -> int:
        if self._staging is None:
            return super()._insert(row)
        kind, id = row[:2]
        if self._get(kind, id):
            return 0
        self._staging.records[kind, id] = row
        return 1

    def _update(self, kind: str, id: str, expected: int, new: tuple[Any, ...]) -> int:
        if self._staging is None:
            return super()._update(kind, id, expected, new)
        self._staging.records[kind, id] = (kind, id, *new)
        return 1

    def _delete(self, kind: str, id: str, expected: int) -> int:
        if self._staging is None:
            return super()._delete(kind, id, expected)
        self._staging.records[kind, id] = None
        return 1

    def _record(
        self, row: tuple[Any, ...], read: Callable[[str], frozenset[Entry]] = entries_from
    ) -> Record:
        staging = self._staging
        if staging is not None and staging.records.get((row[0], row[1]), row) is not row:
            # A row as it was before this block; what the block knows of it is newer.
            return record_from(row[:6])
        return super()._record(row[:6], read)

    def _found(self, sql: str, binds: Sequence[Any]) -> list[Any]:
        # Lists among the values are those of searches that nobody foretells.
        foretold = not any(type(value) is list for value in binds)
        rows = self._known((sql, *binds), sql, binds) if foretold else self._look(sql, binds)
        if self._staging is not None:
            self._staging.found(sql, binds, rows)
        return rows

    def _glances(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Any]]:
        answers = [self._later(sql, binds) for sql, binds in asked]
        self._run()
        return [answer.rows for answer in answers]

    def _rows(self, sql: str, binds: Sequence[Any]) -> list[Any]:
        self._direct()
        return super()._rows(sql, binds)

    def _change(self, sql: str, binds: Sequence[Any]) -> int:
        self._direct()
        return super()._change(sql, binds)

    def _many(self, sql: str, binds: Iterable[Sequence[Any]]) -> None:
        self._direct()
        rows = list(binds)
        several = self._sql.several.get(sql)
        if several is None:
            super()._many(sql, rows)
        elif rows:
            super()._many(several, [columns(rows)])

    def _look(self, sql: str, binds: Sequence[Any]) -> list[Any]:
        """Rows as of the moment that the block looks at."""
        self._ahead.send()
        return super()._rows(sql, binds)

    def _later(self, sql: str, binds: Sequence[Any]) -> Answer:
        """Gather a statement for the next round trip."""
        try:
            return self._line.later(sql, binds)
        except self._driver.errors as error:
            raise self._failed(error, "read") from None

    def _run(self) -> None:
        self._check()
        self._ahead.send()
        self._began = True
        try:
            self._line.run()
        except self._driver.errors as error:
            raise self._failed(error, "read") from None

    def _log(self, after: int, limit: int) -> list[Any]:
        self._direct()
        if self._write:
            self._run()  # its own links count among those that are drawn
        with self._beside() as other:
            ((drawn,),) = other.execute(self._sql.drawn).rows
            ((lowest,),) = other.execute(self._sql.lowest_lock, (self._line.process,)).rows
            end = drawn if lowest is None else min(drawn, lowest)
            there = other.execute(self._sql.positions, (after, end, limit)).rows
        rows = self._rows(self._sql.events_until, (after, end, limit))
        # What was committed after this block's first look is invisible to it, and so must be
        # whatever comes behind.
        seen = {row[0] for row in rows}
        unseen = next((position for (position,) in there if position not in seen), None)
        return [row for row in rows if unseen is None or row[0] < unseen]

    def _free_keys(self, queue: str, now: str, limit: int, *, in_order: bool) -> list[str]:
        if not self._began and (self._staging is None or not self._staging.writes):
            self._staging = None
            self._ahead.forget()
            self._line.begin_anew(self._sql.begin_claiming)
            self._anew = True
        keys = super()._free_keys(queue, now, limit, in_order=in_order)
        if keys and not self._anew:
            with self._beside() as other:
                held = other.execute(self._sql.held_keys, (queue, keys, now)).rows
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
