"""The statement of a search, by its shape.

A search walks the index entries of its first pair in the order of the list, looks up the other
pairs one by one, and stops at the limit; documents are read last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Select, and_, exists, select, tuple_

from marketplace_sdk_sql.tables import record, record_index
from marketplace_sdk_sql.terms import ONE, ZERO, bound, equals

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, FromClause

    AnyOf = Callable[[ColumnElement[str], ColumnElement[Any]], ColumnElement[bool]]

__all__ = ["RECORD", "Shape", "search"]

RECORD = (
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
    """What a search looks like, without its values.

    Attributes:
        pairs: per (key, values) pair, the one to start from first, whether it has many values.
        after: whether it starts behind a place.
        descending: whether it runs backwards.
    """

    pairs: tuple[bool, ...]
    after: bool
    descending: bool


def search(shape: Shape, any_of: AnyOf) -> tuple[Select[Any], list[str]]:
    """The statement, and the names of its values as they are bound.

    These are kind, key and value of each pair (or the kind alone), the place to start behind, and
    the limit. ``any_of`` says that a column is one of the texts of one bound list.
    """
    end = ["sort", "id", "limit"] if shape.after else ["limit"]
    if not shape.pairs:
        everything = select(*RECORD).where(equals(record.c.kind))
        return _page(everything, record, shape), ["kind", *end]
    first = record_index.alias("entry")
    conditions = _holds(first, 0, any_of if shape.pairs[0] else None)
    names = ["kind", "key0", "value0"]
    for number, many in enumerate(shape.pairs[1:], 1):
        other = record_index.alias(f"entry{number}")
        conditions.append(
            exists(
                select(ONE)
                .select_from(other)
                .where(*_holds(other, number, any_of if many else None))
                .where(other.c.sort == first.c.sort, other.c.id == first.c.id)
            )
        )
        names += ["kind", f"key{number}", f"value{number}"]
    if not shape.pairs[0]:
        return _page(_records_of(first).where(*conditions), first, shape), [*names, *end]
    # A record may have several of the values and shall be found once; and no document is read
    # before it is known which places are wanted.
    some = select(first.c.kind, first.c.sort, first.c.id).distinct().where(*conditions)
    places = _page(some, first, shape).subquery("place")
    return _in_order(_records_of(places), places, shape), [*names, *end]


def _holds(table: FromClause, number: int, any_of: AnyOf | None) -> list[ColumnElement[bool]]:
    value = bound(f"value{number}")
    return [
        table.c.kind == bound("kind"),
        table.c.key == bound(f"key{number}"),
        any_of(table.c.value, value) if any_of else table.c.value == value,
    ]


def _records_of(places: FromClause) -> Select[Any]:
    return select(*RECORD).join_from(
        places, record, and_(record.c.kind == places.c.kind, record.c.id == places.c.id)
    )


def _page(query: Select[Any], places: FromClause, shape: Shape) -> Select[Any]:
    if shape.after:
        here, behind = tuple_(places.c.sort, places.c.id), tuple_(bound("sort"), bound("id"))
        query = query.where(here < behind if shape.descending else here > behind)
    return _in_order(query, places, shape).limit(bound("limit")).offset(ZERO)


def _in_order(query: Select[Any], places: FromClause, shape: Shape) -> Select[Any]:
    if shape.descending:
        return query.order_by(places.c.sort.desc(), places.c.id.desc())
    return query.order_by(places.c.sort, places.c.id)
