"""The statements in PostgreSQL's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Text, any_, bindparam, cast, literal_column, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.dialects.postgresql.psycopg import dialect

from marketplace_sdk_sql.claims import KEY_LOCK, held_keys, locked_keys
from marketplace_sdk_sql.statements import Statements
from marketplace_sdk_sql.tables import event, search, work
from marketplace_sdk_sql.terms import ZERO, bound, equals
from marketplace_sdk_sql.words import Syntax

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Select, Table

__all__ = ["PostgresStatements"]

# A key of the log's locks: 15 bits that tell the stores of one database apart, 48 of a position.
_STORE = "('event'::regclass::oid::bigint & 32767)"
_DRAWN = "CASE WHEN is_called THEN last_value ELSE 0 END"


class PostgresStatements(Statements):
    """The statements of PostgreSQL; each is text for psycopg."""

    syntax = Syntax(whole="'{}'", begins="'{}':*", both=" & ", either=" | ", but_not=" & !")

    def __init__(self) -> None:
        make: Any = dialect  # it has no annotations
        super().__init__(make(paramstyle="format"))
        self.held_keys = self._text(
            held_keys(self._any_of(work.c.key, bound("keys"))), "queue", "keys", "now"
        )
        self.lock_log = (
            f"SELECT pg_advisory_xact_lock_shared({_STORE} << 48 | {_DRAWN})"  # noqa: S608  # our own words
            " FROM event_position_seq"
        )
        """Before the first position of a transaction is drawn: all of them are above the lock's."""
        self.drawn = f"SELECT {_DRAWN} FROM event_position_seq"  # noqa: S608  # our own words
        """The newest position that anybody has drawn."""
        key = "(classid::bigint << 32 | objid::bigint)"
        self.lowest_lock = (
            f"SELECT min({key} & 281474976710655) FROM pg_locks"  # noqa: S608  # our own words
            " WHERE locktype = 'advisory' AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            f" AND {key} >> 48 = {_STORE} AND pid <> %s"
        )
        """Below which no transaction but that of a process can still add to the log."""
        page = select(event.c.position).order_by(event.c.position)
        page = page.limit(bound("limit")).offset(ZERO)
        span = event.c.position > bound("after"), event.c.position <= bound("end")
        self.positions = self._text(page.where(*span), "after", "end", "limit")
        rows = select(event).order_by(event.c.position).limit(bound("limit")).offset(ZERO)
        self.events_until = self._text(rows.where(*span), "after", "end", "limit")

    def spellings(self, parts: Collection[str], limit: int) -> tuple[str, Sequence[Any]]:
        """The statement for known words that have one of these parts, and its values."""
        patterns = [_pattern(part) for part in sorted(parts)]
        some = " OR ".join(["word LIKE %s"] * len(patterns))
        return f"SELECT word FROM search_word WHERE {some} LIMIT %s", (*patterns, limit)  # noqa: S608  # our own words

    def _matched(self) -> list[ColumnElement[bool]]:
        expression = cast(bound("match"), TSQUERY())
        return [equals(search.c.kind), literal_column("search.lexemes").op("@@")(expression)]

    def _any_of(
        self, column: ColumnElement[str], values: ColumnElement[Any]
    ) -> ColumnElement[bool]:
        name = str(getattr(values, "key", ""))
        return column == any_(bindparam(name, type_=ARRAY(Text())))

    def _held(self) -> tuple[ColumnElement[bool], ...]:
        # Whoever claims the key at this moment is waited for, and nobody does until the end.
        locked: Any = text(f"pg_advisory_xact_lock({KEY_LOCK.format('work')}) IS NOT NULL")
        return (*super()._held(), locked)

    def _free_keys(self, *, in_order: bool) -> Select[Any]:
        return locked_keys(in_order=in_order).limit(bound("limit")).offset(ZERO)

    def _insert(self, table: Table) -> Any:
        return postgresql.insert(table)


def _pattern(part: str) -> str:
    """A part as LIKE writes it; a word has no character that means something there."""
    start = "" if part.startswith("<") else "%"
    end = "" if part.endswith(">") else "%"
    return f"{start}{part.strip('<>')}{end}"
