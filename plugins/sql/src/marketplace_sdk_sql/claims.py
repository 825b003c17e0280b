"""The statements by which work is claimed and counted.

First the keys that are free, read in the order of due times until there are enough; then, for each
of them, the work that may be taken. SQLite's writer is alone meanwhile. On PostgreSQL a worker
locks each key that it chooses and skips those that another one has locked at this moment; because
it may have chosen before the other one's commit, it looks once more whether the key is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, exists, func, literal_column, or_, select, text

from marketplace_sdk_sql.tables import work
from marketplace_sdk_sql.terms import ONE, ZERO, bound, equals, unindexed

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

__all__ = ["KEY_LOCK", "backlog", "free_keys", "held_keys", "locked_keys", "queues", "takeable"]

KEY_LOCK = "'work'::regclass::int, hashtext({0}.queue || '|' || {0}.key)"
"""PostgreSQL's lock on the queue and key of a row, as arguments of its advisory functions.

A row could be locked without this, but not a key: a row that arrives meanwhile would be free.
"""

_BEYOND: ColumnElement[int] = literal_column("9223372036854775807")


def free_keys(*, in_order: bool) -> Select[Any]:
    """Queue and key of due work that nobody holds, by the earliest due row of the key.

    With ``in_order`` only keys whose oldest row is due.
    """
    row = work.alias("row")
    now = bound("now")

    def of_same_key(other: FromClause) -> ColumnElement[bool]:
        return and_(other.c.queue == row.c.queue, other.c.key == row.c.key, other.c.dead == ZERO)

    earlier = work.alias("earlier")
    # The first comparison is the one that the index answers: at most one row of a key is read.
    is_not_first = _any(
        select(ONE)
        .select_from(earlier)
        .where(of_same_key(earlier), earlier.c.due <= row.c.due)
        .where(or_(earlier.c.due < row.c.due, earlier.c.number < row.c.number))
    )
    holder = work.alias("holder")
    is_held = _any(
        select(ONE).select_from(holder).where(of_same_key(holder), holder.c.leased_until > now)
    )
    query = (
        select(row.c.queue, row.c.key)
        .where(row.c.queue == bound("queue"), row.c.dead == ZERO, row.c.due <= now)
        .where(~is_not_first)
        .where(~is_held)
    )
    if in_order:
        head = work.alias("head")
        oldest = select(head.c.due).where(of_same_key(head)).order_by(unindexed(head.c.number))
        query = query.where(oldest.limit(ONE).offset(ZERO).scalar_subquery() <= now)
    return query.order_by(row.c.due, row.c.number)


def locked_keys(*, in_order: bool) -> Select[Any]:
    """The same, each locked until the end of the transaction; those that are locked are skipped."""
    # The rows of the inner query come in its order, one by one, until there are enough; without
    # its OFFSET the planner would lock before it orders.
    free = free_keys(in_order=in_order).offset(ZERO).subquery("free")
    lock = text(f"pg_try_advisory_xact_lock({KEY_LOCK.format('free')})")
    return select(free.c.queue, free.c.key).where(lock)


def held_keys(values: ColumnElement[bool]) -> Select[Any]:
    """Keys of a queue, among those that ``values`` chooses, that somebody holds."""
    return select(work.c.key).where(
        equals(work.c.queue), values, work.c.dead == ZERO, work.c.leased_until > bound("now")
    )


def takeable(*, in_order: bool) -> Select[Any]:
    """Work of one key that may be taken, in the order of enqueueing; none if somebody holds it."""
    now = bound("now")
    holder = work.alias("holder")
    is_held = _any(
        select(ONE)
        .select_from(holder)
        .where(equals(holder.c.queue), equals(holder.c.key))
        .where(holder.c.dead == ZERO, holder.c.leased_until > now)
    )
    query = (
        select(work)
        .where(equals(work.c.queue), equals(work.c.key), work.c.dead == ZERO, work.c.due <= now)
        .where(~is_held)
    )
    if in_order:
        waits = work.alias("waits")
        first = select(func.min(waits.c.number)).where(
            equals(waits.c.queue), equals(waits.c.key), waits.c.dead == ZERO, waits.c.due > now
        )
        query = query.where(work.c.number < func.coalesce(first.scalar_subquery(), _BEYOND))
    return query.order_by(unindexed(work.c.number))


def queues(dead: ColumnElement[int]) -> Select[Any]:
    """Names of queues in which there is work, dead or not: from each the index leads to the next.

    No engine does so by itself when it is asked for distinct names.
    """
    there = work.c.dead == dead
    found = select(func.min(work.c.queue).label("queue")).where(there).cte("found", recursive=True)
    following = select(func.min(work.c.queue)).where(there, work.c.queue > found.c.queue)
    found = found.union_all(
        select(following.correlate(found).scalar_subquery())
        .select_from(found)
        .where(found.c.queue.is_not(None))
    )
    return select(found.c.queue).where(found.c.queue.is_not(None)).order_by(found.c.queue)


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


def _any(rows: Select[Any]) -> ColumnElement[bool]:
    """Whether there is a row, looked up one by one: OFFSET keeps PostgreSQL from joining."""
    return exists(rows.limit(ONE).offset(ZERO))
