"""The tables. One statement per row and command is written against these; see ``statements``.

Times are text of fixed width in UTC, so that text order is time order in every database; documents
are JSON text, which the store never looks into.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = ["SCHEMA_VERSION", "event", "meta", "metadata", "record", "record_index", "work"]

SCHEMA_VERSION = 1
"""Raised by every change of a table; a store of another version is refused."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about the store itself: ``schema_version``."""

record = Table(
    "record",
    metadata,
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("sort", Text, nullable=False),
    # The record's index entries once more, as JSON: reading a record needs no join, and a change
    # is compared with them instead of with record_index.
    Column("entries", Text, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("kind", "id"),
    Index("record_sorted", "kind", "sort", "id"),
)

record_index = Table(
    "record_index",
    metadata,
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("id", Text, nullable=False),
    # The one tree of this table is in the order in which it is read.
    PrimaryKeyConstraint("kind", "key", "value", "sort", "id"),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("aggregate", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("payload_hash", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("aggregate", "sequence"),
    UniqueConstraint("id"),
)

work = Table(
    "work",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("leased_until", Text),
    Column("dead", Integer, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("id"),
)

_ALIVE = text("dead = 0")
_HELD = text("dead = 0 AND leased_until IS NOT NULL")
_DEAD = text("dead = 1")

# Work is looked for by due time, by key, by who holds it and among the dead letters; each of these
# trees holds no more than the rows it is for.
for _name, _columns, _which in (
    ("work_due", (work.c.queue, work.c.due), _ALIVE),
    ("work_line", (work.c.queue, work.c.key, work.c.due), _ALIVE),
    ("work_held", (work.c.queue, work.c.key, work.c.leased_until), _HELD),
    ("work_dead", (work.c.queue, work.c.due), _DEAD),
):
    Index(_name, *_columns, sqlite_where=_which, postgresql_where=_which)
