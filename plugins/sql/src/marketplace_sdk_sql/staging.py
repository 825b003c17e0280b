"""What a unit of work on PostgreSQL has looked at and wants to write, before any of it is said."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from marketplace_sdk_sql.postgres_statements import UNTOUCHED
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
Find = tuple[str, "Sequence[Any]", list[str]]
"""A search, its values, and the ids and revisions that it found."""
FRESH = (0, "", None, 0, "")
"""How it went with work that nobody has taken yet."""
MOST_TOGETHER = 4
"""Searches that are compared by one statement: statements are kept, and shall not be too many."""


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
        self._found: list[Find] = []

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
        """Statements that fail if anything is not any more as this block saw it.

        The first also locks the log, if there are links to be added.
        """
        looks: dict[str, Sequence[Any]] = {}
        keys = [key for key in self._places if key in self._watched or key in self.records]
        if keys:
            seen = sorted(f"{kind} {id} {self._places[kind, id][1]}" for kind, id in keys)
            looks["placed"] = ([self._places[key][0] for key in keys], seen)
        if absent := self._absent - self.records.keys():
            looks["absent"] = columns(sorted(absent))
        if heads := [each for each in self.heads.items() if each[0] not in self.newest]:
            looks["newest"] = columns(heads)
        locks = bool(self._links)
        for start in range(0, len(self._found) or 1, MOST_TOGETHER):
            finds = self._found[start : start + MOST_TOGETHER]
            if looks or finds:
                yield self._still(looks, finds, locks=locks)
            elif locks:
                yield self._sql.lock_log, ()
            looks, locks = {}, False

    def _still(
        self, looks: dict[str, Sequence[Any]], finds: Sequence[Find], *, locks: bool
    ) -> Said:
        binds = [*chain.from_iterable(looks.values())]
        for _, values, ids in finds:
            binds += [*values, ids]
        return self._sql.still(tuple(looks), tuple(find[0] for find in finds), locks), binds

    def changes(self, gone: Sequence[IndexRow], added: Sequence[IndexRow]) -> Iterator[Said]:
        """Statements that write everything, with the index entries that go and come."""
        placed = sorted(self.records.keys() & self._places.keys())
        rows: dict[str, Sequence[Sequence[Any]]] = {
            "changed": [
                (self._places[key][0], *row[2:6])
                for key in placed
                if (row := self.records[key]) is not None
            ],
            "new": sorted(
                row for key, row in self.records.items() if row and key not in self._places
            ),
            "added": added,
            "events": self._links,
        }
        if all(row[UNTOUCHED:] == FRESH for row in self.works):
            rows["fresh"] = [row[:UNTOUCHED] for row in self.works]
        else:
            rows["works"] = self.works
        binds = {what: columns(some) for what, some in rows.items() if some}
        if removed := [self._places[key][0] for key in placed if self.records[key] is None]:
            binds["removed"] = [removed]
        if gone:
            binds["gone"] = columns(gone)  # the last, for it is compared in the end
        if binds:
            yield self._sql.write(tuple(binds)), [*chain.from_iterable(binds.values())]


def columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The values of several rows as one list for each column."""
    return [list(column) for column in zip(*rows, strict=True)]


def _holds(row: Sequence[Any], where: Pairs, unless: Pairs) -> bool:
    index = entries_from(row[4])

    def has(key: str, values: Collection[str]) -> bool:
        return any((key, value) in index for value in values)

    return all(has(*pair) for pair in where) and not any(has(*pair) for pair in unless)
