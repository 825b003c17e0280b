"""A request's whole life: asked, approved, granted, revoked, taken away.

On SQLite the lower bound is plain ``sqlite3`` writing the very same rows in as many transactions
at the same durability: what our store was asked to write for as many other lives is recorded and
replayed.
In memory it is the platform alone: one grant and one revocation by hand.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path

from benchmarks._world import approved, market, publish, rounds
from marketplace_sdk.testing import MemoryPlatform

SCHEMA = """
CREATE TABLE record (kind TEXT, id TEXT, revision INT, document TEXT, ord TEXT,
                     PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE record_index (kind TEXT, key TEXT, value TEXT, id TEXT,
                           PRIMARY KEY (kind, key, value, id)) WITHOUT ROWID;
CREATE TABLE event (position INTEGER PRIMARY KEY, aggregate TEXT, sequence INT, body TEXT,
                    UNIQUE (aggregate, sequence));
CREATE TABLE work (id TEXT PRIMARY KEY, queue TEXT, key TEXT, due TEXT, body TEXT, owner TEXT,
                   leased_until TEXT);
"""


class Recording:
    """A storage that remembers, per transaction, the rows that it was asked to write.

    Remembering costs time, so it can be switched off for what is timed (``on``).
    """

    def __init__(self, storage):
        self.on = True
        self._storage = storage
        self.capabilities = storage.capabilities
        self.units = []
        self.reads = 0

    def setup(self):
        self._storage.setup()

    def close(self):
        self._storage.close()

    def begin(self, *, write=True):
        return self._recorded(write) if self.on else self._storage.begin(write=write)

    @contextmanager
    def _recorded(self, write):
        rows = []
        with self._storage.begin(write=write) as transaction:
            yield _Recorder(transaction, rows)
        if write:
            self.units.append(rows)
        else:
            self.reads += 1


class _Recorder:
    def __init__(self, transaction, rows):
        self._transaction = transaction
        self._rows = rows

    def __getattr__(self, name):
        return getattr(self._transaction, name)

    def put(self, record, expected):
        self._rows.append(("record", record))
        self._transaction.put(record, expected)

    def append(self, rows):
        self._rows.extend(("event", row) for row in rows)
        self._transaction.append(rows)

    def enqueue(self, rows):
        self._rows.extend(("work", row) for row in rows)
        self._transaction.enqueue(rows)

    def remove(self, kind, id, expected):
        self._rows.append(("removed", (kind, id)))
        self._transaction.remove(kind, id, expected)

    def claim(self, queue, **more):
        taken = self._transaction.claim(queue, **more)
        self._rows.extend(("held", row) for row in taken)
        return taken

    def settle(self, work, **more):
        self._rows.append(("done", work))
        self._transaction.settle(work, **more)


def prepared_rows(units):
    """The recorded rows as the tuples that plain sqlite3 takes."""
    prepared = []
    for rows in units:
        records, entries, events, works = [], [], [], []
        removed, held, done = [], [], []
        for kind, row in rows:
            if kind == "record":
                text = json.dumps(row.document)
                records.append((row.kind, row.id, row.revision, text, row.order))
                entries += [(row.kind, key, value, row.id) for key, value in row.index]
            elif kind == "event":
                text = json.dumps([row.id, row.type, row.actor, row.payload, row.hash])
                events.append((row.aggregate, row.sequence, text))
            elif kind == "work":
                text = json.dumps(row.payload)
                works.append((row.id, row.queue, row.key, row.due.isoformat(), text))
            elif kind == "removed":
                removed.append(row)
            elif kind == "held":
                held.append((row.owner, row.leased_until.isoformat(), row.id))
            else:
                done.append((row.id,))
        prepared.append((records, entries, events, works, removed, held, done))
    return prepared


def _replay(connection, prepared):
    for records, entries, events, works, removed, held, done in prepared:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)", records)
        connection.executemany("INSERT OR REPLACE INTO record_index VALUES (?, ?, ?, ?)", entries)
        connection.executemany(
            "INSERT OR REPLACE INTO event (aggregate, sequence, body) VALUES (?, ?, ?)", events
        )
        connection.executemany(
            "INSERT OR REPLACE INTO work VALUES (?, ?, ?, ?, ?, '', NULL)", works
        )
        connection.executemany("DELETE FROM record WHERE (kind, id) = (?, ?)", removed)
        connection.executemany("UPDATE work SET owner = ?, leased_until = ? WHERE id = ?", held)
        connection.executemany("DELETE FROM work WHERE id = ?", done)
        connection.execute("COMMIT")


def _life(made, product, person):
    request = approved(made, product, person)
    made.deliver()
    made.requests.revoke(request.id, reason="over", by="root")
    made.deliver()


def run_memory(*, quick):
    """Milliseconds per lifecycle in memory, deliveries included."""
    platform = MemoryPlatform()
    made = market(platform=platform, people=["ann"])
    product = publish(made, "P", ["s.t"])
    lives = 10 if quick else 50

    def ours():
        for _ in range(lives):
            _life(made, product, "ann")

    def bound():
        for _ in range(lives):
            platform.grant_by_hand("bare", "s.t")
            platform.revoke_by_hand("bare", "s.t")

    mine, theirs = rounds(ours, bound, times=3 if quick else 9)
    made.close()
    return {
        "name": "lifecycle in memory",
        "ours": mine / lives * 1e3,
        "bound": theirs / lives * 1e3,
        "unit": "ms",
        "ratio": mine / theirs,
        "limit": None,
        "bound is": "one grant and one revocation on the platform by hand, nothing recorded",
    }


def run_sqlite(*, quick):
    """Milliseconds per lifecycle on SQLite, beside plain sqlite3 writing the same rows."""
    from marketplace_sdk_sql.storage import SqlStorage

    lives = 5 if quick else 20
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording(SqlStorage(f"sqlite:///{folder}/ours.db"))
        made = market(recording, people=["ann"])
        product = publish(made, "P", ["s.t"])
        _life(made, product, "ann")
        plain = sqlite3.connect(Path(folder, "plain.db"), isolation_level=None)
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=FULL")
        plain.executescript(SCHEMA)
        prepared = []

        def ours():
            recording.on = False
            for _ in range(lives):
                _life(made, product, "ann")

        def record():
            recording.on = True
            recording.units.clear()
            for _ in range(lives):
                _life(made, product, "ann")
            prepared[:] = prepared_rows(recording.units)

        def bound():
            _replay(plain, prepared)

        mine, theirs = rounds(ours, bound, times=3 if quick else 9, between=record)
        made.close()
        plain.close()
    return {
        "name": "lifecycle on SQLite",
        "ours": mine / lives * 1e3,
        "bound": theirs / lives * 1e3,
        "unit": "ms",
        "ratio": mine / theirs,
        # Measured near 3; the aim is 2, see README.md. This only keeps it from getting worse.
        "limit": 8,
        "bound is": f"plain sqlite3, the same rows in as many transactions "
        f"({len(prepared) // lives})",
    }
