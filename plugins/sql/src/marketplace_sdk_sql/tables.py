"""The tables. One statement per row and command is written against these; see ``statements``.

Times are text of fixed width in UTC, so that text order is time order in every database; documents
are JSON text, which the store never looks into.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "HEAD",
    "VERSION_TABLE",
    "event",
    "metadata",
    "record",
    "record_index",
    "search",
    "search_word",
    "work",
]

HEAD = "0004"
"""The newest step in ``migrations``; a store of another version is refused."""

VERSION_TABLE = "marketplace_schema"
"""Where Alembic keeps the version."""

# What is compared and ordered: by code point in every database, whatever its language.
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

record = Table(
    "record",
    metadata,
    Column("kind", _KEY, nullable=False),
    Column("id", _KEY, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("sort", _KEY, nullable=False),
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
    Column("kind", _KEY, nullable=False),
    Column("key", _KEY, nullable=False),
    Column("value", _KEY, nullable=False),
    Column("sort", _KEY, nullable=False),
    Column("id", _KEY, nullable=False),
    # The one tree of this table is in the order in which it is read.
    PrimaryKeyConstraint("kind", "key", "value", "sort", "id"),
    sqlite_with_rowid=False,
)

search = Table(
    "search",
    metadata,
    Column("number", _NUMBER, Identity(), primary_key=True),
    Column("kind", _KEY, nullable=False),
    Column("sort", _KEY, nullable=False),
    Column("id", _KEY, nullable=False),
    # Every word behind the number of its field: "0orders 1finance 3orders". The engine's index is
    # made of these and kept by the database itself; see ``words``.
    Column("words", Text, nullable=False),
    UniqueConstraint("kind", "id"),
    ForeignKeyConstraint(["kind", "id"], ["record.kind", "record.id"], ondelete="CASCADE"),
    Index("search_sorted", "kind", "sort", "id"),
)
"""What records can be searched by, for those that have texts."""

search_word = Table(
    "search_word",
    metadata,
    Column("number", _NUMBER, Identity(), primary_key=True),
    Column("word", _KEY, nullable=False),
    UniqueConstraint("word"),
)
"""Every word that was ever searchable, to find those that are spelled almost like another."""

event = Table(
    "event",
    metadata,
    Column("position", _NUMBER, Identity(), primary_key=True),
    Column("aggregate", _KEY, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("id", _KEY, nullable=False),
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
    Column("number", _NUMBER, Identity(), primary_key=True),
    Column("id", _KEY, nullable=False),
    Column("queue", _KEY, nullable=False),
    Column("key", _KEY, nullable=False),
    Column("due", _KEY, nullable=False),
    Column("payload", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", _KEY, nullable=False),
    Column("leased_until", _KEY),
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
    ("work_due", (work.c.queue, work.c.due, work.c.number), _ALIVE),
    ("work_line", (work.c.queue, work.c.key, work.c.due), _ALIVE),
    ("work_held", (work.c.queue, work.c.key, work.c.leased_until), _HELD),
    ("work_dead", (work.c.queue, work.c.due, work.c.id), _DEAD),
):
    Index(_name, *_columns, sqlite_where=_which, postgresql_where=_which)
