"""The statements in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Text, any_, bindparam, cast, literal_column, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.dialects.postgresql.psycopg import dialect

from marketplace_sdk_sql.claims import KEY_LOCK, held_keys, locked_keys
from marketplace_sdk_sql.places import RECORD
from marketplace_sdk_sql.statements import FOUND, Statements
from marketplace_sdk_sql.tables import VERSION_TABLE, event, record, record_index, search, work
from marketplace_sdk_sql.terms import ZERO, bound
from marketplace_sdk_sql.words import Syntax

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import ColumnElement, Select, Table

__all__ = ["STALE", "UNTOUCHED", "PostgresStatements"]

UNTOUCHED = 5
"""Columns of work, behind its number, that say what it is; the others, how it went so far."""
_FRESH = {"attempts": "0", "owner": "''", "leased_until": "NULL", "dead": "0", "error": "''"}
_NOTHING: Mapping[str, str] = {}

STALE = "22012"
"""The error (a division by zero) with which the server says that something is not as it was."""
_NOTED = "marketplace.noted"

# A key of the log's locks: 15 bits that tell the stores of one database apart, 48 of a position.
_STORE = "('event'::regclass::oid::bigint & 32767)"
_DRAWN = "CASE WHEN is_called THEN last_value ELSE 0 END"
_LOCK_LOG = f"pg_advisory_xact_lock_shared({_STORE} << 48 | {_DRAWN}) FROM event_position_seq"


class PostgresStatements(Statements):
    """The statements of PostgreSQL; each is text for psycopg."""

    begin_writing = (
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        f"LOCK TABLE {VERSION_TABLE} IN ROW SHARE MODE",
    )
    """What a writer was based on is checked at the commit, and whoever was overtaken is told."""
    begin_claiming = ("BEGIN ISOLATION LEVEL READ COMMITTED", begin_writing[1])

    record = (*RECORD, literal_column("record.ctid").label("place"))
    """A record, and where its row lies."""
    syntax = Syntax(whole="'{}'", begins="'{}':*", both=" & ", either=" | ", but_not=" & !")

    def __init__(self) -> None:
        make: Any = dialect  # it has no annotations
        super().__init__(make(paramstyle="format"))
        read = ", ".join(f"record.{column.name}" for column in record.c)
        self.get_together = (
            f"SELECT {read}, record.ctid FROM unnest(%s::text[], %s::text[]) AS wanted (kind, id)"  # noqa: S608  # our own words
            " JOIN record ON record.kind = wanted.kind AND record.id = wanted.id"
        )
        """The records with these kinds and ids, in no order."""
        self.held_keys = self._text(
            held_keys(self._any_of(work.c.key, bound("keys"))), "queue", "keys", "now"
        )
        self.lock_log = f"SELECT {_LOCK_LOG}"
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
        self._prepare_ends()
        page = select(event.c.position).order_by(event.c.position)
        page = page.limit(bound("limit")).offset(ZERO)
        span = event.c.position > bound("after"), event.c.position <= bound("end")
        self.positions = self._text(page.where(*span), "after", "end", "limit")
        rows = select(event).order_by(event.c.position).limit(bound("limit")).offset(ZERO)
        self.events_until = self._text(rows.where(*span), "after", "end", "limit")

    def _prepare_ends(self) -> None:
        """What a unit of work says in the end, when it has looked at everything."""
        names = record_index.c.keys()
        entries = f"unnest({', '.join(['%s::text[]'] * len(names))})"
        these = ", ".join(names)
        same = " AND ".join(f"record_index.{name} = gone.{name}" for name in names)
        self.note_entries = (
            f"SELECT set_config('{_NOTED}', ARRAY(SELECT record_index.ctid"  # noqa: S608  # our own words
            f" FROM {entries} AS gone ({these}) JOIN record_index ON {same})::text, false)"
        )
        """Where index entries lie, kept by the server for the transaction after this one."""
        place = "ctid = ANY (%s::tid[])"
        known = f"SELECT kind || ' ' || id || ' ' || revision FROM record WHERE {place}"  # noqa: S608  # our own words
        newest = (
            "SELECT sequence FROM event WHERE event.aggregate = seen.aggregate"
            " ORDER BY sequence DESC LIMIT 1 OFFSET 0"
        )
        self._looks = {
            "placed": f"ARRAY({known} ORDER BY 1) = %s::text[]",
            "absent": (
                "NOT EXISTS (SELECT 1 FROM unnest(%s::text[], %s::text[]) AS absent (kind, id)"
                " JOIN record ON record.kind = absent.kind AND record.id = absent.id)"
            ),
            "newest": (
                "NOT EXISTS (SELECT 1 FROM unnest(%s::text[], %s::int[]) AS seen (aggregate, at)"  # noqa: S608  # our own words
                f" WHERE coalesce(({newest}), 0) <> seen.at)"
            ),
        }
        self.insert_events = _insert_several(event, event.c.keys()[1:], known=False)
        self.several = {
            self.insert_entry: _insert_several(record_index, names, known=False),
            self.insert_work: _insert_several(work, work.c.keys()[1:]),
        }
        """For a statement that inserts one row, the one that inserts any number of them."""
        self._changes = {
            "removed": f"DELETE FROM record WHERE {place}",  # noqa: S608  # our own words
            "changed": (
                "UPDATE record SET revision = new.revision, sort = new.sort, entries = new.entries,"
                " document = new.document FROM unnest(%s::tid[], %s::int[], %s::text[], %s::text[],"
                " %s::text[]) AS new (place, revision, sort, entries, document)"
                " WHERE record.ctid = new.place"
            ),
            "new": _insert_several(record, record.c.keys(), known=False),
            "gone": (
                f"DELETE FROM record_index WHERE ctid = ANY (current_setting('{_NOTED}')::tid[])"  # noqa: S608  # our own words
                f" RETURNING {these}"
            ),
            "added": self.several[self.insert_entry],
            "events": self.insert_events,
            "works": self.several[self.insert_work],
            "fresh": _insert_several(work, work.c.keys()[1 : 1 + UNTOUCHED], fixed=_FRESH),
        }
        noted = f"{entries} AS noted ({these})"
        self._as_noted = f"{_all_of('the_gone', 'the_gone')} = {_all_of(noted, 'noted')}"
        self.still: Callable[[tuple[str, ...], tuple[str, ...], bool], str] = lru_cache(256)(
            self._still
        )
        """That what was seen is still so, by what of it: records where they lay (``placed``:
        places, and kinds, ids and revisions), records that were not there (``absent``: kinds, ids),
        newest links of chains (``newest``: aggregates, sequences), and then what searches found,
        each with its own values and with ids and revisions; and whether to lock the log, too."""
        self.write: Callable[[tuple[str, ...]], str] = lru_cache(256)(self._write)
        """Everything that is to be written, by what of it; each has the values of its columns, and
        the index entries that are gone (``gone``) are told last."""

    def _still(self, looks: tuple[str, ...], finds: tuple[str, ...], locks: bool) -> str:  # noqa: FBT001  # a key of a cache
        same = [self._looks[each] for each in looks]
        for find in finds:
            found = f"ARRAY(SELECT id || ' ' || revision FROM ({find}) AS found)"  # noqa: S608  # our own words
            same.append(f"{found} = %s::text[]")
        return f"SELECT {_unless(' AND '.join(same))}{f', {_LOCK_LOG}' if locks else ''}"

    def _write(self, changes: tuple[str, ...]) -> str:
        parts = ", ".join(f"the_{each} AS ({self._changes[each]})" for each in changes)
        return f"WITH {parts} SELECT {_unless(self._as_noted) if 'gone' in changes else '1'}"

    def spellings(self, parts: Collection[str], limit: int) -> tuple[str, Sequence[Any]]:
        """The statement for known words that have one of these parts, and its values."""
        patterns = [_pattern(part) for part in sorted(parts)]
        some = " OR ".join(["word LIKE %s"] * len(patterns))
        return f"SELECT word FROM search_word WHERE {some} LIMIT %s", (*patterns, limit)  # noqa: S608  # our own words

    def _matched(self) -> Select[Any]:
        expression = cast(bound("match"), TSQUERY())
        matches = literal_column("search.lexemes").op("@@")(expression)
        # OFFSET keeps the planner from walking another index with a look at the words of each row.
        return select(*FOUND).select_from(search).where(matches).offset(ZERO)

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


def _all_of(rows: str, name: str) -> str:
    return f'ARRAY(SELECT ({name}.*)::text COLLATE "C" AS it FROM {rows} ORDER BY it)'  # noqa: S608  # our own words


def _unless(holds: str) -> str:
    """An expression that fails with ``STALE`` if something does not hold.

    What is sent behind it, the commit included, is passed over by the server then.
    """
    return f"1 / ({holds})::int"


def _insert_several(
    into: Table, names: Sequence[str], *, known: bool = True, fixed: Mapping[str, str] = _NOTHING
) -> str:
    """An insertion of one array for each column; ``fixed`` are the same in every row.

    Rows whose key is taken are left out, or fail if they are not known to be free (``known``).
    """
    make: Any = dialect
    kinds = [into.c[name].type.compile(dialect=make()) for name in names]
    arrays = ", ".join(f"%s::{kind.partition(' ')[0]}[]" for kind in kinds)
    these = ", ".join(names)
    rows = f"unnest({arrays}) AS new ({these})"
    if any(column.identity is not None for column in into.c):
        # Whatever numbers the rows numbers them as they were given.
        rows = f"unnest({arrays}) WITH ORDINALITY AS new ({these}, place) ORDER BY place"
    into_these, values = ", ".join((*names, *fixed)), ", ".join((*names, *fixed.values()))
    return (
        f"INSERT INTO {into.name} ({into_these}) SELECT {values} FROM {rows}"  # noqa: S608  # our own words
        f"{' ON CONFLICT DO NOTHING' if known else ''}"
    )


def _pattern(part: str) -> str:
    """A part as LIKE writes it; a word has no character that means something there."""
    start = "" if part.startswith("<") else "%"
    end = "" if part.endswith(">") else "%"
    return f"{start}{part.strip('<>')}{end}"
