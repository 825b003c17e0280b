"""One unit of work on the memory store."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from attrs import evolve

from marketplace_sdk.errors import InvalidInput, StaleRevision
from marketplace_sdk.memory.books import freeze_document, freeze_event, freeze_record
from marketplace_sdk.memory.finding import Pairs, ranked, walk
from marketplace_sdk.memory.working import MemoryWork, limited
from marketplace_sdk.ports.storage import Hit

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Mapping, Sequence

    from marketplace_sdk.domain.search import Query
    from marketplace_sdk.memory.books import Books, Kept, Key, Link
    from marketplace_sdk.ports.storage import EventRow, Record

__all__ = ["MemoryTransaction"]

_sequence = attrgetter("row.sequence")
_position = attrgetter("row.position")


class MemoryTransaction(MemoryWork):
    """The books, with what this transaction staged, or the past it still sees, laid over them."""

    def __init__(self, books: Books, state: threading.Lock, *, writing: bool) -> None:
        super().__init__(books, state, writing=writing)
        self.records: dict[Key, Kept | None] = {}
        self.events_added: list[Link] = []
        self.payloads: dict[str, str] = {}
        self._ceiling = len(books.log)

    def get(self, kind: str, id: str) -> Record | None:
        """See the port."""
        self._check()
        with self._state:
            kept = self._record((kind, id))
        return None if kept is None else kept.thaw()

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
        self._check()
        pairs = Pairs(where, unless)
        with self._state:
            found = walk(self._books, self.records, kind, pairs, after, descending=descending)
            kept = list(islice(found, limited(limit)))
        return [one.thaw() for one in kept]

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
        self._check()
        with self._state:
            found = walk(self._books, self.records, kind, Pairs(where, unless))
            hits = ranked(found, query, after, max(limit, 0))
        return [Hit(tier, kept.thaw()) for tier, kept in hits]

    def put(self, record: Record, expected: int | None) -> None:
        """See the port."""
        self._check(write=True)
        if record.revision != (expected or 0) + 1:
            raise InvalidInput(
                f"cannot write {record.kind}: its revision does not follow the expected one"
            )
        kept = freeze_record(record)
        self._expect(record.kind, record.id, expected)
        before = self._record((record.kind, record.id))
        if before is not None and not kept.texts:
            kept = evolve(kept, texts=before.texts)
        self.records[record.kind, record.id] = kept

    def remove(self, kind: str, id: str, expected: int) -> None:
        """See the port."""
        self._check(write=True)
        self._expect(kind, id, expected)
        self.records[kind, id] = None

    def append(self, rows: Sequence[EventRow]) -> None:
        """See the port."""
        self._check(write=True)
        first = self._ceiling + len(self.events_added) + 1
        links = [freeze_event(row, position) for position, row in enumerate(rows, first)]
        ids = {link.row.id for link in self.events_added}
        taken = {(link.row.aggregate, link.row.sequence) for link in self.events_added}
        for row in rows:
            chain = self._books.chains.get(row.aggregate, ())
            at = bisect_left(chain, row.sequence, key=_sequence)
            here = (row.aggregate, row.sequence)
            if (
                here in taken
                or row.id in ids
                or row.id in self._books.event_ids
                or (at < len(chain) and chain[at].row.sequence == row.sequence)
            ):
                raise StaleRevision("event", row.aggregate)
            ids.add(row.id)
            taken.add(here)
        self.events_added += links

    def head(self, aggregate: str) -> EventRow | None:
        """See the port."""
        self._check()
        with self._state:
            chain = self._chain(aggregate)
            return self._event(chain[-1]) if chain else None

    def events(
        self, aggregate: str | None = None, *, after: int = 0, limit: int | None = None
    ) -> Sequence[EventRow]:
        """See the port."""
        self._check()
        after = max(after, 0)
        with self._state:
            if aggregate is None:
                added = self.events_added[max(after - self._ceiling, 0) :]
                links = [*self._books.log[after : self._ceiling], *added][: limited(limit)]
            else:
                behind = (link for link in self._chain(aggregate) if link.row.position > after)
                links = sorted(behind, key=_position)[: limited(limit)]
            return [self._event(link) for link in links]

    def redact(self, ids: Sequence[str], payload: Mapping[str, Any]) -> int:
        """See the port."""
        self._check(write=True)
        text = freeze_document(payload, "event")
        added = {link.row.id for link in self.events_added}
        known = {id for id in ids if id in added or id in self._books.event_ids}
        self.payloads.update(dict.fromkeys(known, text))
        return len(known)

    def _event(self, link: Link) -> EventRow:
        """A copy of an event with the payload that this transaction sees."""
        text = self.payloads.get(link.row.id)
        return (link if text is None else evolve(link, text=text)).thaw()

    def _record(self, key: Key) -> Kept | None:
        return self.records[key] if key in self.records else self._books.records.get(key)

    def _expect(self, kind: str, id: str, expected: int | None) -> None:
        kept = self._record((kind, id))
        found = None if kept is None else kept.revision
        if found != expected:
            raise StaleRevision(kind, id, expected=expected, found=found)

    def _chain(self, aggregate: str) -> list[Link]:
        chain = self._books.chains.get(aggregate, [])
        if chain and chain[-1].row.position > self._ceiling:
            chain = [link for link in chain if link.row.position <= self._ceiling]
        added = [link for link in self.events_added if link.row.aggregate == aggregate]
        return sorted([*chain, *added], key=_sequence) if added else chain
