"""Finding records by their index entries: which statement, and with which values."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve, frozen

from marketplace_sdk_sql.places import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marketplace_sdk_sql.statements import Statements

    Rows = Callable[[str, Sequence[Any]], list[Any]]
    Glances = Callable[[Sequence[tuple[str, Sequence[Any]]]], list[list[Any]]]

__all__ = ["ALL", "Finder", "Pair", "Span", "limited"]

ALL = 2**62
"""A limit that none reaches."""
SELECTIVE = (64, 4096)
"""How many index entries are counted to find the pair with the fewest; more only if in no hurry."""
MOST_STREAMS = 32
"""Values of a pair that one statement walks side by side."""
MOST_VALUES = 256
"""Above this a pair's entries are gathered and sorted: so many values have few entries each."""
STEP = 500
"""Rows that are looked at one by one and read at once."""

Pair = tuple[str, Sequence[str]]
"""A key and its values."""


@frozen(kw_only=True)
class Span:
    """Which part of which list.

    Attributes:
        kind: of the records.
        where: pairs that hold, none of them without values.
        unless: pairs that do not.
        after: the place to start behind.
        limit: how many at most.
        descending: whether it runs backwards.
    """

    kind: str
    where: tuple[Pair, ...] = ()
    unless: tuple[Pair, ...] = ()
    after: tuple[str, str] | None = None
    limit: int = ALL
    descending: bool = False


class Finder:
    """Runs the statements of ``places``.

    Args:
        statements: of the database.
        rows: runs one for reading.
        glances: runs some at once whose answers decide nothing but how to look for it.
        texts: makes one value of many texts.
        hurry: a writer reads as little as it can, so as not to be in another's way.
    """

    def __init__(
        self,
        statements: Statements,
        rows: Rows,
        glances: Glances,
        texts: Callable[[Sequence[str]], Any],
        *,
        hurry: bool,
    ) -> None:
        self._sql = statements
        self._rows = rows
        self._glances = glances
        self._texts = texts
        self._counted = SELECTIVE[:1] if hurry else SELECTIVE

    def records(self, span: Span) -> list[Any]:
        """Rows of records, in order."""
        return list(self._from_first(span, "record"))

    def asked_alone(self, span: Span) -> tuple[str, list[Any]] | None:
        """The one statement, with its values, of which ``records`` will ask, if it is so."""
        if len(span.where) != 1:
            return None
        values = tuple(dict.fromkeys(span.where[0][1]))
        if len(values) > MOST_STREAMS:
            return None
        return self._statement(span, "record", span.where, values)

    def words(self, span: Span) -> Iterator[tuple[str, str, str]]:
        """Sort, id and words of everything in a span that has texts, read step by step."""
        step = evolve(
            span, where=self._most_selective_first(span), limit=min(max(span.limit, 1), STEP)
        )
        while True:
            rows = list(self._from_first(step, "words"))
            yield from rows
            if len(rows) < step.limit:
                return
            # Who has not found enough in the first rows may need many more.
            step = evolve(step, after=rows[-1][:2], limit=min(2 * step.limit, STEP))

    def matches(self, expression: str, most: int) -> int:
        """How many records of any list match an expression for the word index; or ``most`` + 1."""
        ((count,),) = self._rows(self._sql.count_matches, (expression, most + 1))
        return int(count)

    def matched(
        self, span: Span, expression: str, reads: Literal["place", "words"] = "place"
    ) -> list[Any]:
        """Sort and id of the records of a span that match an expression, in order.

        With ``words`` also their words.
        """
        shape = Shape(
            "matched",
            reads=reads,
            others=tuple(len(values) != 1 for _, values in span.where),
            unless=tuple(len(values) != 1 for _, values in span.unless),
            after=span.after is not None,
        )
        binds = [expression, span.kind, *self._rest(span, span.where)]
        return self._rows(self._sql.find(shape), binds)

    def with_ids(self, kind: str, ids: Sequence[str]) -> list[Any]:
        """Rows of the records with these ids, in the order of the ids."""
        rows = self._rows(self._sql.get_several, (kind, self._texts(ids))) if ids else []
        known = {row[1]: row for row in rows}
        return [known[id] for id in ids]

    def fewest(self, span: Span, most: int) -> int:
        """How many records a span can have at most, by its most selective pair; or more."""
        asked = [self._count(span.kind, pair, most) for pair in span.where]
        return min((int(count) for ((count,),) in self._glances(asked)), default=most + 1)

    def _from_first(self, span: Span, reads: Any) -> Iterator[Any]:
        where = self._most_selective_first(span) if reads == "record" else span.where
        values: Sequence[str] = tuple(dict.fromkeys(where[0][1])) if where else ()
        if len(values) <= MOST_STREAMS or len(values) > MOST_VALUES:
            return iter(self._run(span, reads, where, values))
        parts = [
            self._run(span, reads, where, values[at : at + MOST_STREAMS])
            for at in range(0, len(values), MOST_STREAMS)
        ]
        place = itemgetter(3, 1) if reads == "record" else itemgetter(0, 1)
        every = merge(*parts, key=place, reverse=span.descending)
        return islice(_once(every, place), span.limit)

    def _run(
        self, span: Span, reads: Any, where: tuple[Pair, ...], values: Sequence[str]
    ) -> list[Any]:
        return self._rows(*self._statement(span, reads, where, values))

    def _statement(
        self, span: Span, reads: Any, where: tuple[Pair, ...], values: Sequence[str]
    ) -> tuple[str, list[Any]]:
        shape = Shape(
            "pair" if where else "kind",
            reads=reads,
            streams=_streams(len(values)),
            others=tuple(len(others) != 1 for _, others in where[1:]),
            unless=tuple(len(others) != 1 for _, others in span.unless),
            after=span.after is not None,
            descending=span.descending,
        )
        rest = self._rest(span, where[1:])
        if not where:
            return self._sql.find(shape), [span.kind, *rest]
        key = where[0][0]
        if not shape.streams:
            streams = [self._texts(values)]
        else:
            # A number of streams that is a power of two keeps the number of statements small.
            streams = [*values, *[values[-1]] * (shape.streams - len(values))]
        binds: list[Any] = []
        for value in streams:
            binds += [span.kind, key, value, *rest]
        if shape.streams > 1:
            binds.append(span.limit)
        return self._sql.find(shape), binds

    def _rest(self, span: Span, others: tuple[Pair, ...]) -> list[Any]:
        binds: list[Any] = []
        for key, values in (*others, *span.unless):
            one = values[0] if len(values) == 1 else self._texts(values)
            binds += [span.kind, key, one]
        return [*binds, *(span.after or ()), span.limit]

    def _most_selective_first(self, span: Span) -> tuple[Pair, ...]:
        """Begin with the pair that has the fewest entries, as far as looking is cheap.

        SQL databases guess this from statistics, which a small or young one has not.
        """
        if len(span.where) < 2:  # noqa: PLR2004  # one has no choice
            return span.where
        best = 0
        for most in self._counted:
            asked = [self._count(span.kind, pair, most) for pair in span.where]
            counts = [int(count) for ((count,),) in self._glances(asked)]
            best = counts.index(min(counts))
            if counts[best] <= most:
                break
        else:
            best = 0
        pairs = list(span.where)
        pairs.insert(0, pairs.pop(best))
        return tuple(pairs)

    def _count(self, kind: str, pair: Pair, most: int) -> tuple[str, Sequence[Any]]:
        key, values = pair
        many = len(values) != 1
        value = self._texts(values) if many else values[0]
        return self._sql.count_entries[many], (kind, key, value, most + 1)


def limited(limit: int | None) -> int:
    """A limit as it is bound."""
    return ALL if limit is None else max(limit, 0)


def _streams(values: int) -> int:
    """How many streams a statement for so many values has; 0 for more than it can have."""
    if values > MOST_STREAMS:
        return 0
    return 1 << max(values - 1, 0).bit_length()


def _once(rows: Iterator[Any], place: Callable[[Any], Any]) -> Iterator[Any]:
    before = None
    for row in rows:
        if place(row) != before:
            before = place(row)
            yield row
