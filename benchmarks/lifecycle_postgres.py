"""A request's life on PostgreSQL: asked, approved, revoked, by one process or by eight at once.

The lower bound is plain psycopg writing the very same rows in as many transactions at the same
durability, in as many processes: what each asked our store to write for as many other lives
is recorded and replayed by it. Deliveries are left out, for they are a worker's and not the deciders'.

Run: ``uv run python benchmarks/lifecycle_postgres.py``; a PostgreSQL is started for it.
"""

from __future__ import annotations

import multiprocessing
import secrets
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._world import approved, market, publish
from benchmarks.lifecycle import Recording, prepared_rows
from marketplace_sdk import Marketplace
from marketplace_sdk.testing import FrozenClock, MemoryPlatform

PATIENCE = 120
"""Seconds that processes wait for each other."""

SCHEMA = """
CREATE SCHEMA plain;
CREATE TABLE plain.record (kind text, id text, revision int, document text, ord text,
                           PRIMARY KEY (kind, id));
CREATE TABLE plain.record_index (kind text, key text, value text, id text,
                                 PRIMARY KEY (kind, key, value, id));
CREATE TABLE plain.event (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                          aggregate text, sequence int, body text, UNIQUE (aggregate, sequence));
CREATE TABLE plain.work (id text PRIMARY KEY, queue text, key text, due text, body text,
                         owner text, leased_until text);
"""

RECORD = """
INSERT INTO plain.record VALUES (%s, %s, %s, %s, %s) ON CONFLICT (kind, id)
DO UPDATE SET revision = excluded.revision, document = excluded.document, ord = excluded.ord
"""
ENTRY = "INSERT INTO plain.record_index VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
EVENT = "INSERT INTO plain.event (aggregate, sequence, body) VALUES (%s, %s, %s)"
WORK = "INSERT INTO plain.work VALUES (%s, %s, %s, %s, %s, '', NULL) ON CONFLICT DO NOTHING"
REMOVED = "DELETE FROM plain.record WHERE (kind, id) = (%s, %s)"
HELD = "UPDATE plain.work SET owner = %s, leased_until = %s WHERE id = %s"
DONE = "DELETE FROM plain.work WHERE id = %s"


def replay(connection, prepared):
    """Write the rows of each unit in a transaction of its own."""
    cursor = connection.cursor()
    statements = (RECORD, ENTRY, EVENT, WORK, REMOVED, HELD, DONE)
    for unit in prepared:
        with connection.transaction():
            for statement, rows in zip(statements, unit, strict=True):
                if len(rows) == 1:
                    cursor.execute(statement, rows[0])
                elif rows:
                    cursor.executemany(statement, rows)


def worker(url, dsn, product, person, lives, gate, times):
    """One process: in every round it lives so many lives, and then replays as many others."""
    import psycopg

    from marketplace_sdk_sql.storage import SqlStorage

    recording = Recording(SqlStorage(url))
    made = Marketplace(recording, connections={"lake": MemoryPlatform()}, clock=FrozenClock())

    def live():
        for _ in range(lives):
            request = approved(made, product, person)
            made.requests.revoke(request.id, reason="over", by="root")

    with psycopg.connect(dsn, autocommit=True) as plain:
        for _ in range(times):
            recording.on = False
            gate.wait(PATIENCE)
            live()
            gate.wait(PATIENCE)
            recording.on = True
            recording.units.clear()
            live()
            prepared = prepared_rows(recording.units)
            gate.wait(PATIENCE)
            replay(plain, prepared)
            gate.wait(PATIENCE)
    made.close()


def measure(server, workers, *, quick):
    """Milliseconds per life with so many processes."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    lives, times = (5, 3) if quick else (20, 7)
    parts = {**conninfo_to_dict(server.dsn), "schema": f"market_{secrets.token_hex(4)}"}
    url = f"postgresql:///?{urlencode(parts)}"
    people = [f"{secrets.token_hex(4)}-{number}" for number in range(workers)]
    made = market(url, people=people)
    product = publish(made, "P", ["s.t"])
    made.close()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS plain CASCADE")
        connection.execute(SCHEMA)
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(workers + 1)
    processes = [
        context.Process(
            target=worker, args=(url, server.dsn, product, person, lives, gate, times), daemon=True
        )
        for person in people
    ]
    for process in processes:
        process.start()
    took = ([], [])
    for _ in range(times):
        for place in took:
            gate.wait(PATIENCE)
            began = time.perf_counter()
            gate.wait(PATIENCE)
            place.append(time.perf_counter() - began)
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0, "a worker failed"
    mine, theirs = map(statistics.median, took)
    each = workers * lives
    return {
        "name": f"lifecycle on PostgreSQL, {workers} at once",
        "ours": mine / each * 1e3,
        "bound": theirs / each * 1e3,
        "unit": "ms",
        "ratio": mine / theirs,
        # The aim is 2, see README.md.
        "limit": None,
        "bound is": "plain psycopg, the same rows in as many transactions and processes",
    }


def run_one(*, quick):
    """One process."""
    return _run(1, quick=quick)


def run_eight(*, quick):
    """Eight processes at once."""
    return _run(8, quick=quick)


def _run(workers, *, quick):
    from marketplace_sdk_postgres.server import PlatformServer

    with PlatformServer.start() as server:
        return measure(server, workers, quick=quick)


def main():
    for run in (run_one, run_eight):
        found = run(quick="--quick" in sys.argv)
        print(
            f"{found['name']}: {found['ours']:.3g} {found['unit']}; {found['bound is']}:"
            f" {found['bound']:.3g}; ratio {found['ratio']:.2f}"
        )


if __name__ == "__main__":
    main()
