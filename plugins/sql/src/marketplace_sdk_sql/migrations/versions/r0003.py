"""Tables to search by words, with the word indexes of each database.

They are empty at first: what records can be searched by is written with the records.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0003"
down_revision = "0002"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# The words are folded and separated already, so a tokenizer that knows nothing but blanks is the
# right one; and only whole lexemes and their beginnings are asked for, which needs no positions.
_WORDS = """
CREATE VIRTUAL TABLE search_words USING fts5(
    words, content='search', content_rowid='number',
    tokenize='ascii', detail=none, columnsize=0, prefix='2 3 4'
)
"""

_ADDED = """
CREATE TRIGGER search_added AFTER INSERT ON search BEGIN
    INSERT INTO search_words(rowid, words) VALUES (new.number, new.words);
END
"""

_CHANGED = """
CREATE TRIGGER search_changed AFTER UPDATE OF words ON search BEGIN
    INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words);
    INSERT INTO search_words(rowid, words) VALUES (new.number, new.words);
END
"""

_GONE = """
CREATE TRIGGER search_gone AFTER DELETE ON search BEGIN
    INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words);
END
"""

# Edges are marked, so that first and last letters stand in trigrams of their own.
_TRIGRAMS = """
CREATE VIRTUAL TABLE search_spellings USING fts5(
    word, content='search_word', content_rowid='number', tokenize='trigram', columnsize=0
)
"""

_SPELLED = """
CREATE TRIGGER search_word_added AFTER INSERT ON search_word BEGIN
    INSERT INTO search_spellings(rowid, word) VALUES (new.number, '<' || new.word || '>');
END
"""

# The lexemes are the words as they stand: folded and separated already, as the configuration
# ``simple`` would do, but without a parser that takes some for numbers or paths.
_LEXEMES = """
ALTER TABLE search ADD COLUMN lexemes tsvector
GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED
"""

# Without fastupdate no search has to read through a list of what was added last, and no planner
# avoids the index because of it.
_LEXEME_INDEX = "CREATE INDEX search_lexemes ON search USING gin (lexemes) WITH (fastupdate = off)"

# Never into a schema of ours, with which other stores of the database would lose it.
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public"
_SPELLING_INDEX = """
CREATE INDEX search_trigrams ON search_word USING gin (word gin_trgm_ops) WITH (fastupdate = off)
"""


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "search",
        sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("sort", _KEY, nullable=False),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "id"),
        sa.ForeignKeyConstraint(["kind", "id"], ["record.kind", "record.id"], ondelete="CASCADE"),
    )
    op.create_index("search_sorted", "search", ["kind", "sort", "id"])
    op.create_table(
        "search_word",
        sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
        sa.Column("word", _KEY, nullable=False),
        sa.UniqueConstraint("word"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in (_WORDS, _ADDED, _CHANGED, _GONE, _TRIGRAMS, _SPELLED):
            op.get_bind().exec_driver_sql(statement.strip())
        return
    op.execute(_LEXEMES)
    op.execute(_LEXEME_INDEX)
    try:
        with op.get_bind().begin_nested():
            op.execute(_EXTENSION)
            op.execute(_SPELLING_INDEX)
    except DBAPIError:
        # Not every login may add an extension; then what is misspelled is not found.
        return
