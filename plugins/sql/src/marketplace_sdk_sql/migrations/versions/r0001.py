"""The tables of the first release.

A step of the past never changes, so nothing here is imported from today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them in an empty database."""
    op.create_table(
        "meta",
        sa.Column("name", _KEY, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    _records()
    _events()
    _work()


def _records() -> None:
    op.create_table(
        "record",
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("sort", _KEY, nullable=False),
        sa.Column("entries", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id"),
    )
    op.create_index("record_sorted", "record", ["kind", "sort", "id"])
    names = ("kind", "key", "value", "sort", "id")
    op.create_table(
        "record_index",
        *(sa.Column(name, _KEY, nullable=False) for name in names),
        sa.PrimaryKeyConstraint(*names),
        sqlite_with_rowid=False,
    )


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("position", _NUMBER, sa.Identity(), primary_key=True),
        sa.Column("aggregate", _KEY, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("id", _KEY, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("type", "at", "actor", "payload", "payload_hash", "previous", "hash")
        ),
        sa.UniqueConstraint("aggregate", "sequence"),
        sa.UniqueConstraint("id"),
    )


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
        *(sa.Column(name, _KEY, nullable=False) for name in ("id", "queue", "key", "due")),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", _KEY, nullable=False),
        sa.Column("leased_until", _KEY),
        sa.Column("dead", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.UniqueConstraint("id"),
    )
    for name, columns, where in (
        ("work_due", ["queue", "due"], "dead = 0"),
        ("work_line", ["queue", "key", "due"], "dead = 0"),
        ("work_held", ["queue", "key", "leased_until"], "dead = 0 AND leased_until IS NOT NULL"),
        ("work_dead", ["queue", "due"], "dead = 1"),
    ):
        which = sa.text(where)
        op.create_index(name, "work", columns, sqlite_where=which, postgresql_where=which)
