"""The statements in PostgreSQL's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Text, any_, bindparam, cast, literal_column, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.dialects.postgresql.psycopg import dialect

from marketplace_sdk_sql.claims import KEY_LOCK, held_keys, locked_keys
from marketplace_sdk_sql.places import RECORD
from marketplace_sdk_sql.statements import Statements
from marketplace_sdk_sql.tables import event, record, record_index, search, work
from marketplace_sdk_sql.terms import ONE, ZERO, bound, equals
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
        self._prepare_places()
        page = select(event.c.position).order_by(event.c.position)
        page = page.limit(bound("limit")).offset(ZERO)
        span = event.c.position > bound("after"), event.c.position <= bound("end")
        self.positions = self._text(page.where(*span), "after", "end", "limit")
        rows = select(event).order_by(event.c.position).limit(bound("limit")).offset(ZERO)
        self.events_until = self._text(rows.where(*span), "after", "end", "limit")

    def _prepare_places(self) -> None:
        """Where rows lie, which is looked up aside; and the same rows, read or changed there."""
        self.export = "SELECT pg_export_snapshot()"
        place: Any = literal_column("ctid")
        self.get_placed = self._text(
            select(place, *RECORD).where(equals(record.c.kind), equals(record.c.id)), "kind", "id"
        )
        chain = select(place, event).where(equals(event.c.aggregate))
        newest = chain.order_by(event.c.sequence.desc()).limit(ONE).offset(ZERO)
        self.head_placed = self._text(newest, "aggregate")
        self.update_placed = (
            "UPDATE record SET revision = %s, sort = %s, entries = %s, document = %s"
            " WHERE ctid = %s::tid AND revision = %s"
        )
        self.delete_placed = "DELETE FROM record WHERE ctid = %s::tid AND revision = %s"
        names = record_index.c.keys()
        entries = ", ".join(["%s::text[]"] * len(names))
        same = " AND ".join(f"record_index.{name} = gone.{name}" for name in names)
        self.places_of_entries = (
            f"SELECT record_index.ctid FROM unnest({entries}) AS gone ({', '.join(names)})"  # noqa: S608  # our own words
            f" JOIN record_index ON {same}"
        )
        self.delete_entries = "DELETE FROM record_index WHERE ctid = ANY (%s::tid[])"
        self.several = {
            self.insert_entry: _insert_several(record_index, names),
            self.insert_work: _insert_several(work, work.c.keys()[1:]),
        }
        """For a statement that inserts one row, the one that inserts any number of them."""
        self.read_records = "SELECT 1 FROM record WHERE ctid = ANY (%s::tid[])"
        self.read_events = "SELECT 1 FROM event WHERE ctid = ANY (%s::tid[])"

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


def _insert_several(into: Table, names: Sequence[str]) -> str:
    """An insertion of one array for each column; rows whose key is taken are left out."""
    make: Any = dialect
    kinds = [into.c[name].type.compile(dialect=make()) for name in names]
    arrays = ", ".join(f"%s::{kind.partition(' ')[0]}[]" for kind in kinds)
    # Whatever numbers the rows numbers them as they were given.
    return (
        f"INSERT INTO {into.name} ({', '.join(names)}) SELECT {', '.join(names)}"  # noqa: S608  # our own words
        f" FROM unnest({arrays}) WITH ORDINALITY AS new ({', '.join(names)}, place)"
        " ORDER BY place ON CONFLICT DO NOTHING"
    )


def _pattern(part: str) -> str:
    """A part as LIKE writes it; a word has no character that means something there."""
    start = "" if part.startswith("<") else "%"
    end = "" if part.endswith(">") else "%"
    return f"{start}{part.strip('<>')}{end}"
