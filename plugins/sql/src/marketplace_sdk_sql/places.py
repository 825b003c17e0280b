"""Statements that look for records by their index entries, by their shape.

A list walks the index entries of its first pair in the order of the list, looks up the other pairs
one by one, and stops at the limit; documents are read last. A first pair with several values is as
many walks, each of which stops at the limit, so that whoever may see everything pays for a page and
not for everything. A search may start from what the engine's word index finds instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen
from sqlalchemy import Select, and_, exists, select, tuple_, union_all

from marketplace_sdk_sql.tables import record, record_index, search
from marketplace_sdk_sql.terms import ONE, ZERO, bound, equals

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, FromClause

    AnyOf = Callable[[ColumnElement[str], ColumnElement[Any]], ColumnElement[bool]]
    Conditions = list[ColumnElement[bool]]
    Columns = tuple[ColumnElement[Any], ...]

__all__ = ["RECORD", "Shape", "statement"]

RECORD: tuple[ColumnElement[Any], ...] = (
    record.c.kind,
    record.c.id,
    record.c.revision,
    record.c.sort,
    record.c.entries,
    record.c.document,
)
"""What is read of a record."""


@frozen
class Shape:
    """What a statement looks like, without its values.

    Attributes:
        start: where it begins: at all records of the ``kind``, at the entries of the first
            ``pair``, or at what the word index ``matched``.
        reads: whole records; the words of those that have texts; or where they stand.
        streams: how many values the first pair has; each is walked on its own. 0 stands for any
            number, taken from one list and sorted.
        others: of the other pairs, whether each has several values.
        unless: the same of pairs that must not hold.
        after: whether it starts behind a place.
        descending: whether it runs backwards.
    """

    start: Literal["kind", "pair", "matched"]
    reads: Literal["record", "words", "place"] = "record"
    streams: int = 1
    others: tuple[bool, ...] = ()
    unless: tuple[bool, ...] = ()
    after: bool = False
    descending: bool = False


def statement(
    shape: Shape,
    read: Columns,
    any_of: AnyOf,
    matched: Callable[[], Select[Any]],
) -> tuple[Select[Any], list[str]]:
    """The statement, and the names of its values as they are bound.

    For every stream these are kind, key and value of each pair (or kind, or match and kind), those
    of ``unless``, the place to start behind and the limit; several streams have the limit once
    more. ``read`` are the columns of whole records. ``any_of`` says that a column is one of the
    texts of one bound list, ``matched`` are the rows of the search table that match the bound
    expression, told so that no planner finds them otherwise.
    """
    if shape.start == "kind":
        table = search if shape.reads == "words" else record
        return _whole(table, [equals(table.c.kind)], ["kind"], shape, read, any_of)
    if shape.start == "matched":
        found = matched().subquery("found")
        start = [equals(found.c.kind)]
        conditions, binds = _conditions(found, start, ["match", "kind"], shape, any_of)
        words = [found.c.words] if shape.reads == "words" else []
        query = select(found.c.sort, found.c.id, *words).where(*conditions)
        return _page(query, found, shape), binds
    first = record_index.alias("entry")
    if shape.streams == 1:
        names = ["kind", "key0", "value0"]
        return _whole(first, _holds(first, 0), names, shape, read, any_of)
    branches, binds = [], []
    for number in range(shape.streams or 1):
        value = f"0_{number}" if shape.streams else "0"
        start = _holds(first, 0, None if shape.streams else any_of, value=value)
        named = ["kind", "key0", f"value{value}"]
        conditions, more = _conditions(first, start, named, shape, any_of)
        some = select(first.c.kind, first.c.sort, first.c.id).where(*conditions)
        # A record may have several of the values and shall be found once.
        some = some if shape.streams else some.distinct()
        branches.append(select(_page(some, first, shape).subquery(f"stream{number}")))
        binds += more
    if shape.streams:
        every = union_all(*branches).subquery("every")
        once = select(every.c.kind, every.c.sort, every.c.id).distinct()
        branches = [_page(once, every, shape)]
        binds.append("limit")
    # No document is read before it is known which places are wanted.
    places = branches[0].subquery("place")
    return _in_order(_read(places, shape, read), places, shape), binds


def _whole(
    table: FromClause,
    start: Conditions,
    names: list[str],
    shape: Shape,
    read: Columns,
    any_of: AnyOf,
) -> tuple[Select[Any], list[str]]:
    """A walk in the table's own order, in which nothing comes twice."""
    conditions, binds = _conditions(table, start, names, shape, any_of)
    return _page(_read(table, shape, read).where(*conditions), table, shape), binds


def _conditions(
    table: FromClause, start: Conditions, names: list[str], shape: Shape, any_of: AnyOf
) -> tuple[Conditions, list[str]]:
    conditions, binds = list(start), list(names)
    pairs = [("", number, many) for number, many in enumerate(shape.others, 1)]
    pairs += [("un", number, many) for number, many in enumerate(shape.unless)]
    for prefix, number, many in pairs:
        name = f"{prefix}{number}"
        other = record_index.alias(f"entry_{name}")
        rows = (
            select(ONE)
            .select_from(other)
            .where(*_holds(other, name, any_of if many else None))
            .where(other.c.sort == table.c.sort, other.c.id == table.c.id)
        )
        there = exists(_fenced(rows) if shape.start == "matched" else rows)
        conditions.append(~there if prefix else there)
        binds += ["kind", f"key{name}", f"value{name}"]
    if shape.after:
        here, behind = tuple_(table.c.sort, table.c.id), tuple_(bound("sort"), bound("id"))
        conditions.append(here < behind if shape.descending else here > behind)
        binds += ["sort", "id"]
    return conditions, [*binds, "limit"]


def _holds(
    table: FromClause, name: object, any_of: AnyOf | None = None, *, value: object = None
) -> Conditions:
    given = bound(f"value{name if value is None else value}")
    return [
        table.c.kind == bound("kind"),
        table.c.key == bound(f"key{name}"),
        any_of(table.c.value, given) if any_of else table.c.value == given,
    ]


def _read(places: FromClause, shape: Shape, read: Columns) -> Select[Any]:
    table = search if shape.reads == "words" else record
    columns = (search.c.sort, search.c.id, search.c.words) if shape.reads == "words" else read
    if places is table:
        return select(*columns)
    return select(*columns).join_from(
        places, table, and_(table.c.kind == places.c.kind, table.c.id == places.c.id)
    )


def _page(query: Select[Any], places: FromClause, shape: Shape) -> Select[Any]:
    return _limited(_in_order(query, places, shape))


def _fenced(rows: Select[Any]) -> Select[Any]:
    """Rows that are looked up for one row at a time: no planner begins with them instead."""
    return rows.limit(ONE).offset(ZERO)


def _limited(query: Select[Any]) -> Select[Any]:
    return query.limit(bound("limit")).offset(ZERO)


def _in_order(query: Select[Any], places: FromClause, shape: Shape) -> Select[Any]:
    if shape.descending:
        return query.order_by(places.c.sort.desc(), places.c.id.desc())
    return query.order_by(places.c.sort, places.c.id)
