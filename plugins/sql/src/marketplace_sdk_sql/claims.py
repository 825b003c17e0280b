"""The statements by which work is claimed and counted.

First the keys that are free, read in the order of due times until there are enough; then, for each
of them, the work that may be taken. SQLite's writer is alone meanwhile; another database would lock
the rows of a key and skip those that are locked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, exists, func, literal_column, or_, select

from marketplace_sdk_sql.tables import work
from marketplace_sdk_sql.terms import ONE, ZERO, bound, equals

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

__all__ = ["backlog", "free_keys", "takeable"]

_BEYOND: ColumnElement[int] = literal_column("9223372036854775807")


def free_keys(*, in_order: bool) -> Select[Any]:
    """Keys of a queue with due work that nobody holds, by their earliest due row.

    With ``in_order`` only keys whose oldest row is due.
    """
    row = work.alias("row")
    now = bound("now")

    def of_same_key(other: FromClause) -> ColumnElement[bool]:
        return and_(other.c.queue == row.c.queue, other.c.key == row.c.key, other.c.dead == ZERO)

    earlier = work.alias("earlier")
    # The first comparison is the one that the index answers: at most one row of a key is read.
    is_not_first = exists(
        select(ONE)
        .select_from(earlier)
        .where(of_same_key(earlier), earlier.c.due <= row.c.due)
        .where(or_(earlier.c.due < row.c.due, earlier.c.number < row.c.number))
    )
    holder = work.alias("holder")
    is_held = exists(
        select(ONE).select_from(holder).where(of_same_key(holder), holder.c.leased_until > now)
    )
    query = (
        select(row.c.key)
        .where(row.c.queue == bound("queue"), row.c.dead == ZERO, row.c.due <= now)
        .where(~is_not_first)
        .where(~is_held)
    )
    if in_order:
        head = work.alias("head")
        oldest = select(head.c.due).where(of_same_key(head)).order_by(head.c.number)
        query = query.where(oldest.limit(ONE).offset(ZERO).scalar_subquery() <= now)
    return query.order_by(row.c.due, row.c.number).limit(bound("limit")).offset(ZERO)


def takeable(*, in_order: bool) -> Select[Any]:
    """Work of one key that may be taken, in the order of enqueueing."""
    now = bound("now")
    query = select(work).where(
        equals(work.c.queue), equals(work.c.key), work.c.dead == ZERO, work.c.due <= now
    )
    if in_order:
        waits = work.alias("waits")
        first = select(func.min(waits.c.number)).where(
            equals(waits.c.queue), equals(waits.c.key), waits.c.dead == ZERO, waits.c.due > now
        )
        query = query.where(work.c.number < func.coalesce(first.scalar_subquery(), _BEYOND))
    return query.order_by(work.c.number)


def backlog() -> Select[Any]:
    """Per queue how many rows there are: alive, due, held, of expired lease, parked; oldest due."""
    now, alive, leased = bound("now"), work.c.dead == ZERO, work.c.leased_until
    due = and_(alive, work.c.due <= now, or_(leased.is_(None), leased <= now))

    def count(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((which, ONE), else_=ZERO))

    return (
        select(
            work.c.queue,
            count(alive),
            count(due),
            count(and_(alive, leased > now)),
            count(and_(alive, leased <= now)),
            count(work.c.dead == ONE),
            func.min(case((due, work.c.due))),
        )
        .group_by(work.c.queue)
        .order_by(work.c.queue)
    )
