"""One unit of work on a SQL database."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Hit, InvalidInput, StaleRevision, StorageError
from marketplace_sdk_sql.finding import Finder, Span, limited
from marketplace_sdk_sql.rows import (
    check_keys,
    entries_from,
    entries_to,
    event_from,
    event_to,
    kept_entries,
    plain_to,
    record_from,
)
from marketplace_sdk_sql.words import Searcher, lexemes, spellable
from marketplace_sdk_sql.working import WorkTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from marketplace_sdk.plugin import EventRow, Query, Record
    from marketplace_sdk_sql.driver import Driver
    from marketplace_sdk_sql.rows import Entry

__all__ = ["IndexRow", "SqlTransaction"]

IndexRow = tuple[str, str, str, str, str]


class SqlTransaction(WorkTransaction):
    """Reads and writes of one block, on a connection that belongs to it until the block ends.

    Changes of index entries are gathered and written together, before the next search or the end.
    """

    def __init__(self, driver: Driver, connection: Any, *, write: bool) -> None:
        super().__init__(driver, connection, write=write)
        # What this block read or wrote last: revision, sort and entries as stored. A revision has
        # one content, and a write is refused when the revision is another by now.
        self._seen: dict[tuple[str, str], tuple[int, str, str]] = {}
        self._entries: dict[IndexRow, bool] = {}
        self._finder = Finder(self._sql, self._found, self._glances, driver.texts, hurry=write)
        self._searcher = Searcher(self._sql, self._rows, self._finder)

    def get(self, kind: str, id: str) -> Record | None:
        """See the port."""
        rows = self._get(kind, id)
        return self._record(rows[0], kept_entries) if rows else None

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
        span = self._span(kind, where, unless, after, limited(limit), descending=descending)
        return [] if span is None else [self._record(row) for row in self._finder.records(span)]

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
        """See the port."""
        tier, place = (0, None) if after is None or after[0] < 0 else (after[0], after[1:])
        span = self._span(kind, where, unless, place, limited(limit))
        if span is None:
            return []
        hits = self._searcher.hits(query, span, tier, typos=self._driver.spells)
        return [Hit(found, self._record(row)) for found, row in hits]

    def put(self, record: Record, expected: int | None) -> None:
        """See the port."""
        self._check(write=True)
        kind, id = record.kind, record.id
        if record.revision != (expected or 0) + 1:
            raise InvalidInput(
                f"cannot write {kind}: its revision does not follow the expected one"
            )
        check_keys(kind, kind, id, record.order, *chain.from_iterable(record.index))
        entries = entries_to(record.index)
        new = (record.revision, record.order, entries, plain_to(record.document, kind))
        if expected is None:
            before = ("", "[]")
            if self._insert((kind, id, *new)) != 1:
                raise StaleRevision(kind, id)
        else:
            before = self._expect(kind, id, expected)
            if self._update(kind, id, expected, new) != 1:
                raise StaleRevision(kind, id, expected=expected)
        self._seen[kind, id] = new[:3]
        self._reindex(kind, id, before, (record.order, entries), record.index)
        if record.texts:
            self._keep_words(record)
        elif before[0] != record.order and expected is not None:
            self._change(self._sql.move_words, (record.order, kind, id))

    def remove(self, kind: str, id: str, expected: int) -> None:
        """See the port."""
        self._check(write=True)
        before = self._expect(kind, id, expected)
        if self._delete(kind, id, expected) != 1:
            raise StaleRevision(kind, id, expected=expected)
        del self._seen[kind, id]
        self._reindex(kind, id, before, ("", "[]"), frozenset())

    def append(self, rows: Sequence[EventRow]) -> None:
        """See the port."""
        self._check(write=True)
        binds = [event_to(row) for row in rows]
        for done, (row, bind) in enumerate(zip(rows, binds, strict=True)):
            if self._change(self._sql.insert_event, bind) != 1:
                # The block may go on; nothing of a refused addition stays in it.
                self._many(self._sql.delete_event, [(added.id,) for added in rows[:done]])
                raise StaleRevision("event", row.aggregate)

    def head(self, aggregate: str) -> EventRow | None:
        """See the port."""
        rows = self._head(aggregate)
        return event_from(rows[0]) if rows else None

    def events(
        self, aggregate: str | None = None, *, after: int = 0, limit: int | None = None
    ) -> Sequence[EventRow]:
        """See the port."""
        if aggregate is None:
            rows = self._log(after, limited(limit))
        else:
            rows = self._rows(self._sql.events_of, (after, aggregate, limited(limit)))
        return [event_from(row) for row in rows]

    def redact(self, ids: Sequence[str], payload: Mapping[str, Any]) -> int:
        """See the port."""
        self._check(write=True)
        text = plain_to(payload, "event")
        return sum(self._change(self._sql.redact_event, (text, id)) for id in dict.fromkeys(ids))

    def _get(self, kind: str, id: str) -> list[Any]:
        return self._rows(self._sql.get, (kind, id))

    def _insert(self, row: tuple[Any, ...]) -> int:
        return self._change(self._sql.insert_record, row)

    def _update(self, kind: str, id: str, expected: int, new: tuple[Any, ...]) -> int:
        return self._change(self._sql.update_record, (*new, kind, id, expected))

    def _delete(self, kind: str, id: str, expected: int) -> int:
        return self._change(self._sql.delete_record, (kind, id, expected))

    def _head(self, aggregate: str) -> list[Any]:
        return self._rows(self._sql.head, (aggregate,))

    def _remove_entries(self, rows: Sequence[IndexRow]) -> None:
        self._many(self._sql.delete_entry, rows)

    def _found(self, sql: str, binds: Sequence[Any]) -> list[Any]:
        """Rows of records that were looked for."""
        return self._rows(sql, binds)

    def _glances(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Any]]:
        """Rows of each statement, on which no decision is based."""
        return [self._rows(sql, binds) for sql, binds in asked]

    def _log(self, after: int, limit: int) -> list[Any]:
        """Rows of the whole log, none of which a row that is committed later may precede."""
        return self._rows(self._sql.events, (after, limit))

    def flush(self) -> None:
        """Write the gathered changes of index entries."""
        if self._entries:
            added = [row for row, there in self._entries.items() if there]
            gone = [row for row, there in self._entries.items() if not there]
            self._entries.clear()
            self._remove_entries(gone)
            self._many(self._sql.insert_entry, added)

    def finish(self) -> None:
        """Write what is still to be written; raises StorageError when it cannot be committed."""
        self.flush()
        self._check()

    def _record(
        self, row: tuple[Any, ...], read: Callable[[str], frozenset[Entry]] = entries_from
    ) -> Record:
        if self._write:
            kind, id, revision, sort, entries = row[:5]
            self._seen[kind, id] = (revision, sort, entries)
        try:
            return record_from(row, read)
        except (ValueError, TypeError):
            raise StorageError(f"cannot read {row[0]} {row[1]}: its row is damaged") from None

    def _expect(self, kind: str, id: str, expected: int) -> tuple[str, str]:
        """Sort and entries of a record of this revision; raises StaleRevision."""
        seen = self._seen.get((kind, id))
        if seen is None:
            rows = self._get(kind, id)
            if not rows:
                raise StaleRevision(kind, id, expected=expected)
            seen = self._seen[kind, id] = rows[0][2:5]
        revision, sort, entries = seen
        if revision != expected:
            raise StaleRevision(kind, id, expected=expected, found=revision)
        return sort, entries

    def _reindex(
        self,
        kind: str,
        id: str,
        before: tuple[str, str],
        after: tuple[str, str],
        index: frozenset[tuple[str, str]],
    ) -> None:
        """Gather what changes between two states, each of sort and entries."""
        if before == after:
            return
        (old_sort, old_entries), (new_sort, _) = before, after
        old = entries_from(old_entries) if old_entries != "[]" else frozenset()
        kept = old & index if old_sort == new_sort else frozenset()
        for key, value in old - kept:
            self._toggle((kind, key, value, old_sort, id), there=False)
        for key, value in index - kept:
            self._toggle((kind, key, value, new_sort, id), there=True)

    def _toggle(self, row: IndexRow, *, there: bool) -> None:
        # A row that was gathered the other way round is back where the table has it.
        if self._entries.pop(row, there) is there:
            self._entries[row] = there

    def _span(
        self,
        kind: str,
        where: Sequence[tuple[str, Collection[str]]],
        unless: Sequence[tuple[str, Collection[str]]],
        after: tuple[str, str] | None,
        limit: int,
        *,
        descending: bool = False,
    ) -> Span | None:
        """What is asked for, or None when nothing can be in it."""
        pairs = tuple((key, tuple(values)) for key, values in where)
        if not all(values for _, values in pairs):
            self._check()
            return None
        self.flush()
        return Span(
            kind=kind,
            where=pairs,
            unless=tuple((key, tuple(values)) for key, values in unless if values),
            after=after,
            limit=limit,
            descending=descending,
        )

    def _keep_words(self, record: Record) -> None:
        """Keep what a record can be searched by; the database keeps its indexes of it."""
        kind, id, words = record.kind, record.id, lexemes(record.texts)
        known = self._rows(self._sql.words, (kind, id))
        if not known:
            self._change(self._sql.insert_words, (kind, record.order, id, words))
        elif tuple(known[0]) != (record.order, words):
            self._change(self._sql.update_words, (record.order, words, kind, id))
        new = spellable(words) - spellable(known[0][1] if known else "")
        if new:
            self._many(self._sql.insert_word, [(word,) for word in sorted(new)])
