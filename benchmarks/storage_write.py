"""How many units of work per second the SQLite store commits, beside plain ``sqlite3``.

One unit: 3 records with 8 index entries each, 2 events and 3 rows of work, committed durably. The
plain loop writes the very same rows, as ready-made tuples, into the same tables with the same
settings. Rounds alternate, because rates on a shared machine swing.

Run: ``uv run python benchmarks/storage_write.py [seconds per round] [rounds]``
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.plugin import EventRow, Record, Work
from marketplace_sdk_sql import rows as to
from marketplace_sdk_sql.storage import SqlStorage

START = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = {
    "state": "pending",
    "product": "sales.orders",
    "answers": {"why": "to find out why the north sells less than the south " * 3},
    "stages": [{"name": "owner", "quorum": 1, "seats": ["ada", "grace"]}],
}


def unit(number):
    """The rows of one unit of work."""
    at = START + timedelta(seconds=number)
    records = [
        Record(
            kind=kind,
            id=f"{number:08}-{kind}",
            revision=1,
            document=DOCUMENT,
            index=frozenset(
                {(f"key{key}", f"value{number * (key + 1) % 997}") for key in range(8)}
            ),
            order=at.isoformat(),
        )
        for kind in ("request", "grant", "seat")
    ]
    events = [
        EventRow(
            aggregate=f"request:{number:08}",
            sequence=sequence,
            id=f"{number:08}-{sequence}",
            type="request.submitted",
            at=at,
            actor="ada",
            payload={"request": f"{number:08}", "product": "sales.orders"},
            payload_hash="a" * 64,
            previous="b" * 64,
            hash="c" * 64,
        )
        for sequence in (1, 2)
    ]
    work = [
        Work(
            id=f"{number:08}-{queue}",
            queue=queue,
            key=f"{queue}-{number % 100}",
            due=at,
            payload={"request": f"{number:08}"},
        )
        for queue in ("outbox", "timer", "mark")
    ]
    return records, events, work


def through(storage):
    """Write one unit through a store."""

    def write(rows):
        records, events, work = rows
        with storage.begin() as transaction:
            for record in records:
                transaction.put(record, None)
            transaction.append(events)
            transaction.enqueue(work)

    return write


INSERTS = {
    "record": "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)",
    "entry": "INSERT INTO record_index VALUES (?, ?, ?, ?, ?)",
    "event": "INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "work": "INSERT INTO work VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
}


def plainly(path):
    """Write one unit, made ready by ``ready``, with the driver alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")

    def write(rows):
        connection.execute("BEGIN IMMEDIATE")
        for table, binds in rows.items():
            connection.executemany(INSERTS[table], binds)
        connection.execute("COMMIT")

    return write


def ready(rows):
    """The same rows as tuples, so that the plain loop does nothing but write."""
    records, events, work = rows
    return {
        "record": [
            (r.kind, r.id, 1, r.order, to.entries_to(r.index), to.plain_to(r.document, ""))
            for r in records
        ],
        "entry": [(r.kind, key, value, r.order, r.id) for r in records for key, value in r.index],
        "event": [to.event_to(row) for row in events],
        "work": [to.work_to(row) for row in work],
    }


def rate(write, make, numbers, seconds):
    """Units per second; making the rows is not timed."""
    spent, done = 0.0, 0
    while spent < seconds:
        batch = [make(next(numbers)) for _ in range(50)]
        started = time.perf_counter()
        for rows in batch:
            write(rows)
        spent += time.perf_counter() - started
        done += len(batch)
    return done / spent


def main(seconds=1.0, rounds=5):
    """Print the rates of each round and the ratio of their medians."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        storage = SqlStorage(f"sqlite:///{folder}/sdk.db")
        storage.setup()
        plain = SqlStorage(f"sqlite:///{folder}/plain.db")
        plain.setup()
        plain.close()
        runs = {
            "plain sqlite3": (plainly(f"{folder}/plain.db"), lambda n: ready(unit(n)), count()),
            "sqlite store": (through(storage), unit, count()),
            "memory store": (through(MemoryStorage()), unit, count()),
        }
        rates = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                rates[name].append(rate(*run, seconds))
            print("  ".join(f"{name} {found[-1]:8.0f}/s" for name, found in rates.items()))
        storage.close()
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ratio = medians["sqlite store"] / medians["plain sqlite3"]
    print("  ".join(f"{name} {median:8.0f}/s" for name, median in medians.items()), "(medians)")
    print(f"ratio of sqlite store to plain sqlite3: {ratio:.2f}")


if __name__ == "__main__":
    main(*(kind(given) for kind, given in zip((float, int), sys.argv[1:], strict=False)))
