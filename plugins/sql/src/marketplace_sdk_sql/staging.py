"""What a unit of work on PostgreSQL has looked at and wants to write, before any of it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk_sql.rows import entries_from

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from marketplace_sdk.plugin import EventRow, Record
    from marketplace_sdk_sql.postgres_statements import PostgresStatements
    from marketplace_sdk_sql.transaction import IndexRow

    Pairs = Sequence[tuple[str, Collection[str]]]
    Said = tuple[str, Sequence[Any]]

__all__ = ["Staging"]

Key = tuple[str, str]
"""Kind and id of a record."""


class Staging:
    """One block's notes.

    Attributes:
        records: rows of records that were put, without place; None for those that were removed.
        newest: sequence of the last link that was added, by aggregate.
        heads: the last link of chains that was there before, by aggregate; 0 for none.
        works: rows of work that was added.
    """

    def __init__(self, statements: PostgresStatements) -> None:
        self._sql = statements
        self.records: dict[Key, tuple[Any, ...] | None] = {}
        self.newest: dict[str, int] = {}
        self.heads: dict[str, int] = {}
        self.works: list[Sequence[Any]] = []
        self._links: list[Sequence[Any]] = []
        # Where what was read lies, and its revision; what was asked for by key; what was not there.
        self._places: dict[Key, tuple[str, int]] = {}
        self._watched: set[Key] = set()
        self._absent: set[Key] = set()
        self._found: list[tuple[str, Sequence[Any], list[str]]] = []

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.records or self._links or self.works)

    def place(self, row: Sequence[Any]) -> None:
        """Note where a record lies that was read."""
        self._places.setdefault((row[0], row[1]), (row[6], row[2]))

    def watch(self, key: Key, row: Sequence[Any] | None) -> None:
        """Note that a record was asked for by its key."""
        if row is None:
            self._absent.add(key)
        else:
            self.place(row)
            self._watched.add(key)

    def found(self, sql: str, binds: Sequence[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Note what was looked for, and found."""
        for row in rows:
            self.place(row)
        self._found.append((sql, binds, [f"{row[1]} {row[2]}" for row in rows]))

    def unknown(self, aggregates: Iterable[str]) -> set[str]:
        """Chains whose last link was not asked for yet."""
        return set(aggregates) - self.heads.keys()

    def add(self, rows: Sequence[EventRow], binds: Sequence[Sequence[Any]]) -> None:
        """Add links to chains."""
        self._links += binds
        self.newest.update((row.aggregate, row.sequence) for row in rows)

    def of_kind(self, kind: str) -> list[str]:
        """Ids of records of a kind that were put or removed."""
        return [id for one, id in self.records if one == kind]

    def over(
        self,
        found: Sequence[Record],
        kind: str,
        where: Pairs,
        unless: Pairs,
        after: tuple[str, str] | None,
        *,
        descending: bool,
    ) -> list[tuple[Any, ...] | Record]:
        """Records that were found, with those of this block in their places."""
        rows = [
            (row[3], row[1], row)
            for (one, _), row in self.records.items()
            if one == kind and row is not None and _holds(row, where, unless)
        ]
        if after is not None:
            rows = [row for row in rows if (row[:2] < after if descending else row[:2] > after)]
        every: list[Any] = [
            (one.order, one.id, one) for one in found if (kind, one.id) not in self.records
        ]
        every += rows
        every.sort(key=lambda each: each[:2], reverse=descending)
        return [each[2] for each in every]

    def looks(self) -> Iterator[Said]:
        """Statements that fail if anything is not any more as this block saw it."""
        keys = [key for key in self._places if key in self._watched or key in self.records]
        if keys:
            seen = sorted(f"{kind} {id} {self._places[kind, id][1]}" for kind, id in keys)
            yield self._sql.still, ([self._places[key][0] for key in keys], seen)
        for key in sorted(self._absent - self.records.keys()):
            yield self._sql.still_absent, key
        for aggregate, sequence in self.heads.items():
            if aggregate not in self.newest:
                yield self._sql.still_newest, (aggregate, sequence)
        for sql, binds, ids in self._found:
            yield self._sql.still_found(sql), (*binds, ids)

    def changes(self, gone: Sequence[IndexRow], added: Sequence[IndexRow]) -> Iterator[Said]:
        """Statements that write everything, with the index entries that go and come."""
        placed = sorted(self.records.keys() & self._places.keys())
        removed = [self._places[key][0] for key in placed if self.records[key] is None]
        if removed:
            yield self._sql.delete_placed, (removed,)
        changed = [
            (self._places[key][0], *row[2:6])
            for key in placed
            if (row := self.records[key]) is not None
        ]
        if changed:
            yield self._sql.update_placed, columns(changed)
        new = [row for key, row in self.records.items() if row and key not in self._places]
        if new:
            yield self._sql.insert_records, columns(sorted(new))
        if gone:
            yield self._sql.delete_noted, columns(gone)
        if added:
            yield self._sql.several[self._sql.insert_entry], columns(added)
        if self._links:
            yield self._sql.lock_log, ()
            yield self._sql.insert_events, columns(self._links)
        if self.works:
            yield self._sql.several[self._sql.insert_work], columns(self.works)


def columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The values of several rows as one list for each column."""
    return [list(column) for column in zip(*rows, strict=True)]


def _holds(row: Sequence[Any], where: Pairs, unless: Pairs) -> bool:
    index = entries_from(row[4])

    def has(key: str, values: Collection[str]) -> bool:
        return any((key, value) in index for value in values)

    return all(has(*pair) for pair in where) and not any(has(*pair) for pair in unless)
