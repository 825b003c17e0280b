"""Writes a large marketplace past the store: the same rows, by COPY or in batches.

A million requests are forty million rows, which a unit of work for each would take hours to write.
What is written is what the store would have written: documents, index entries, words, hashes and
rows come from the same functions. The tables must be there and nobody else may write meanwhile.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

from marketplace_sdk_sql.postgres import PostgresDriver
from marketplace_sdk_sql.rows import entries_to, event_to, plain_to, work_to
from marketplace_sdk_sql.sqlite import path_of
from marketplace_sdk_sql.tables import event, record, record_index, search, search_word, work
from marketplace_sdk_sql.words import lexemes, spellable

COLUMNS = {
    record.name: record.c.keys(),
    record_index.name: record_index.c.keys(),
    event.name: event.c.keys()[1:],
    work.name: work.c.keys()[1:],
    search.name: search.c.keys()[1:],
    search_word.name: search_word.c.keys()[1:],
}
"""Tables in the order in which they are written, for one refers to another."""


class Bulk:
    """Takes what a unit of work takes, and writes it in batches.

    Only new records, and chains from their first link on.
    """

    def __init__(self, write):
        self._write = write
        self._rows = {name: [] for name in COLUMNS}
        self._words = set()

    def put(self, made, expected):
        """A new record."""
        assert expected is None
        entries = entries_to(made.index)
        document = plain_to(made.document, made.kind)
        row = (made.kind, made.id, made.revision, made.order, entries, document)
        self._rows["record"].append(row)
        self._rows["record_index"] += [
            (made.kind, key, value, made.order, made.id) for key, value in made.index
        ]
        if made.texts:
            words = lexemes(made.texts)
            self._rows["search"].append((made.kind, made.order, made.id, words))
            new = spellable(words) - self._words
            self._words |= new
            self._rows["search_word"] += [(word,) for word in sorted(new)]

    def append(self, links):
        """Links of chains."""
        self._rows["event"] += map(event_to, links)

    def enqueue(self, works):
        """Work."""
        self._rows["work"] += map(work_to, works)

    def flush(self):
        """Write what was gathered."""
        for name, rows in self._rows.items():
            if rows:
                self._write(name, rows)
                rows.clear()


@contextmanager
def bulk(url):
    """A ``Bulk`` over the tables behind a URL; committed when the block ends."""
    if url.startswith("postgres"):
        driver = PostgresDriver(url)
        with driver.connect("alter") as connection, connection.transaction():
            known = connection.execute("SELECT word FROM search_word").fetchall()

            def copy(name, rows):
                columns = ", ".join(COLUMNS[name])
                statement = f"COPY {name} ({columns}) FROM STDIN"
                with connection.cursor() as cursor, cursor.copy(statement) as out:
                    for row in rows:
                        out.write_row(row)

            made = Bulk(copy)
            made._words = {word for (word,) in known}
            yield made
            made.flush()
        with driver.connect("alter") as connection:
            connection.execute("VACUUM ANALYZE")
        return
    connection = sqlite3.connect(path_of(url), isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    connection.execute("BEGIN")
    known = connection.execute("SELECT word FROM search_word").fetchall()

    def insert(name, rows):
        columns = COLUMNS[name]
        places = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
        connection.executemany(statement, rows)

    made = Bulk(insert)
    made._words = {word for (word,) in known}
    yield made
    made.flush()
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
