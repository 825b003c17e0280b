"""Every statement, compiled once to text.

Building a statement costs more than running it, so they are built with SQLAlchemy when a store is
made, for its dialect, and run on the driver. The names given with each statement are its values in
the order in which they are bound; a statement that binds in another order does not compile.

What a dialect says in its own words is in the methods that ``postgres_statements`` overrides.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Table,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    tuple_,
    update,
)
from sqlalchemy.dialects import sqlite

from marketplace_sdk_sql import sqlite_words
from marketplace_sdk_sql.claims import backlog, free_keys, queues, takeable
from marketplace_sdk_sql.places import RECORD, Shape, statement
from marketplace_sdk_sql.tables import (
    event,
    record,
    record_index,
    search,
    search_word,
    work,
)
from marketplace_sdk_sql.terms import EMPTY, ONE, ZERO, bound, equals, unindexed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import Dialect, Select
    from sqlalchemy.sql import ClauseElement

__all__ = ["FOUND", "Statements", "for_sqlite"]

FOUND = (search.c.kind, search.c.sort, search.c.id, search.c.words)
"""What is read of a row of the search table that the word index finds."""


class Statements:
    """The statements of one dialect; each is text for the driver."""

    syntax = sqlite_words.SYNTAX
    """How its word index is asked."""
    record: tuple[ColumnElement[Any], ...] = RECORD
    """What is read of a record."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.find: Callable[[Shape], str] = lru_cache(maxsize=256)(self._find)
        self._prepare_records()
        self._prepare_index()
        self._prepare_words()
        self._prepare_events()
        self._prepare_work()
        self._prepare_claims()

    def _prepare_records(self) -> None:
        this = (equals(record.c.kind), equals(record.c.id))
        known = (*this, equals(record.c.revision))
        self.get = self._text(select(*self.record).where(*this), "kind", "id")
        several = self._any_of(record.c.id, bound("ids"))
        self.get_several = self._text(
            select(*self.record).where(equals(record.c.kind), several), "kind", "ids"
        )
        self.insert_record = self._insert_new(record, record.c.keys())
        changed = ("revision", "sort", "entries", "document")
        self.update_record = self._text(
            update(record).values({name: bound(f"new_{name}") for name in changed}).where(*known),
            *(f"new_{name}" for name in changed),
            *("kind", "id", "revision"),
        )
        self.delete_record = self._text(delete(record).where(*known), "kind", "id", "revision")

    def _prepare_index(self) -> None:
        names = record_index.c.keys()
        self.insert_entry = self._text(insert(record_index), *names)
        self.delete_entry = self._text(
            delete(record_index).where(*map(equals, record_index.c)), *names
        )
        pair = [equals(record_index.c[name]) for name in ("kind", "key")]
        value = record_index.c.value
        self.count_entries = {
            many: self._text(_count(record_index, [*pair, which]), "kind", "key", "value", "limit")
            for many, which in (
                (False, equals(value)),
                (True, self._any_of(value, bound("value"))),
            )
        }
        """How many entries a pair has, as far as the limit; by whether it has several values."""

    def _prepare_words(self) -> None:
        this = (equals(search.c.kind), equals(search.c.id))
        names = ("kind", "sort", "id", "words")
        self.words = self._text(select(search.c.sort, search.c.words).where(*this), "kind", "id")
        self.insert_words = self._text(
            insert(search).values({name: bound(name) for name in names}), *names
        )
        new = {"sort": bound("new_sort"), "words": bound("new_words")}
        self.update_words = self._text(
            update(search).values(new).where(*this), "new_sort", "new_words", "kind", "id"
        )
        self.move_words = self._text(
            update(search).values({"sort": bound("new_sort")}).where(*this),
            "new_sort",
            "kind",
            "id",
        )
        self.insert_word = self._insert_new(search_word, ("word",))
        some = self._matched().with_only_columns(ONE).limit(bound("limit")).offset(ZERO)
        self.count_matches = self._text(
            select(func.count()).select_from(some.subquery("some")), "match", "limit"
        )
        """How many rows match an expression, as far as the limit."""

    def spellings(self, parts: Collection[str], limit: int) -> tuple[str, Sequence[Any]]:
        """The statement for known words that have one of these parts, and its values."""
        return sqlite_words.SPELLINGS, (" OR ".join(f'"{part}"' for part in sorted(parts)), limit)

    def _prepare_events(self) -> None:
        self.insert_event = self._insert_new(event, event.c.keys()[1:])
        self.delete_event = self._text(delete(event).where(equals(event.c.id)), "id")
        chain = equals(event.c.aggregate)
        newest = select(event).where(chain).order_by(event.c.sequence.desc())
        self.head = self._text(newest.limit(ONE).offset(ZERO), "aggregate")
        page = select(event).limit(bound("limit")).offset(ZERO)
        page = page.where(event.c.position > bound("after"))
        self.events = self._text(page.order_by(event.c.position), "after", "limit")
        self.events_of = self._text(
            page.where(chain).order_by(unindexed(event.c.position)), "after", "aggregate", "limit"
        )
        self.redact_event = self._text(
            update(event).values(payload=bound("new_payload")).where(equals(event.c.id)),
            *("new_payload", "id"),
        )

    def _prepare_work(self) -> None:
        self.insert_work = self._insert_new(work, work.c.keys()[1:])
        held = self._held()
        mine = ("id", "owner", "attempts")
        free: dict[str, Any] = {"owner": EMPTY, "leased_until": literal_column("NULL")}
        due, error = {"due": bound("new_due")}, {"error": bound("new_error")}
        self.delete_work = self._text(delete(work).where(*held), *mine)
        self.retry_work = self._text(
            update(work).values({**due, **free, **error}).where(*held),
            *("new_due", "new_error", *mine),
        )
        self.park_work = self._text(
            update(work).values({**free, "dead": ONE, **error}).where(*held), "new_error", *mine
        )
        fresh = {**due, "attempts": ZERO, "dead": ZERO, "error": EMPTY}
        self.replay_work = self._text(
            update(work).values(fresh).where(equals(work.c.id), work.c.dead == ONE),
            *("new_due", "id"),
        )
        parked = delete(work).where(equals(work.c.id), work.c.dead == ONE)
        self.discard_work = self._text(parked, "id")
        self.queues = {dead: self._text(queues((ZERO, ONE)[dead])) for dead in (False, True)}
        self.backlog = self._text(backlog(), *("now",) * 6)
        here, behind = tuple_(work.c.due, work.c.id), tuple_(bound("due"), bound("id"))
        listed = select(work).order_by(work.c.due, work.c.id).limit(bound("limit")).offset(ZERO)
        self.work = {
            dead: self._text(
                listed.where(equals(work.c.queue), work.c.dead == value, here > behind),
                *("queue", "due", "id", "limit"),
            )
            for dead, value in ((False, ZERO), (True, ONE))
        }
        """Work of a queue behind a place, of which empty texts are the first."""

    def _prepare_claims(self) -> None:
        now, line = ("now",), ("queue", "key", "now") * 2
        self.free_keys = {
            False: self._text(self._free_keys(in_order=False), "queue", *now * 2, "limit"),
            True: self._text(self._free_keys(in_order=True), "queue", *now * 3, "limit"),
        }
        self.takeable = {
            False: self._text(takeable(in_order=False), *line),
            True: self._text(takeable(in_order=True), *line, "queue", "key", "now"),
        }
        held = {"owner": bound("new_owner"), "leased_until": bound("new_until")}
        self.hold_work = self._text(
            update(work)
            .values({"attempts": work.c.attempts + ONE, **held})
            .where(equals(work.c.number)),
            *("new_owner", "new_until", "number"),
        )

    def _find(self, shape: Shape) -> str:
        query, names = statement(shape, self.record, self._any_of, self._matched)
        return self._text(query, *names)

    def _matched(self) -> Select[Any]:
        """Rows of the search table that match an expression."""
        index = table("search_words", column("rowid"))
        itself: ColumnElement[str] = literal_column("search_words")
        # The plus keeps SQLite from asking the word index about each row of the table.
        number: ColumnElement[int] = literal_column("+search_words.rowid")
        return (
            select(*FOUND)
            .select_from(index.join(search, search.c.number == number))
            .where(itself.op("MATCH")(bound("match")))
            .limit(literal_column("-1"))
            .offset(ZERO)
        )

    def _any_of(
        self, column: ColumnElement[str], values: ColumnElement[Any]
    ) -> ColumnElement[bool]:
        """Whether the column is one of the texts in a JSON list: one value, however many."""
        each = func.json_each(values).table_valued("value")
        return column.in_(select(each.c.value))

    def _held(self) -> tuple[ColumnElement[bool], ...]:
        """That work is held by one owner in one attempt."""
        return (equals(work.c.id), equals(work.c.owner), equals(work.c.attempts))

    def _free_keys(self, *, in_order: bool) -> Select[Any]:
        return free_keys(in_order=in_order).limit(bound("limit")).offset(ZERO)

    def _insert_new(self, into: Table, names: Sequence[str]) -> str:
        """An insertion that changes nothing when the row's key is taken."""
        insertion = self._insert(into).values({name: bound(name) for name in names})
        return self._text(insertion.inline().on_conflict_do_nothing(), *names)

    def _insert(self, into: Table) -> Any:
        return sqlite.insert(into)

    def _text(self, statement: ClauseElement, *names: str) -> str:
        compiled: Any = statement.compile(dialect=self._dialect)
        if tuple(compiled.positiontup or ()) != names:
            raise AssertionError(f"{compiled} binds {compiled.positiontup}, not {names}")
        return str(compiled)


def _count(rows: Table, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """How many rows there are, counting no further than the limit."""
    some = select(ONE).select_from(rows).where(*conditions).limit(bound("limit")).offset(ZERO)
    return select(func.count()).select_from(some.subquery("some"))


def for_sqlite() -> Statements:
    """The statements in SQLite's words."""
    return Statements(sqlite.dialect(paramstyle="qmark"))
