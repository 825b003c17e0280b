"""A request's life on PostgreSQL: asked, approved, revoked, by one process or by eight at once.

The lower bound is plain psycopg writing the very same rows into tables of the same kind, in as many
transactions at the same durability, in as many processes (see ``recording``); its isolation is the
server's usual READ COMMITTED, which costs less than ours and never fails, as it decides nothing.
Deliveries are left out, for they are a worker's and not the deciders'.

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
from benchmarks.recording import ORDER, Recording, statements
from marketplace_sdk import Marketplace
from marketplace_sdk.testing import FrozenClock, MemoryPlatform

PATIENCE = 120
"""Seconds that processes wait for each other."""

SAYS = statements("%s")


def replay(connection, written):
    """Write the rows of each unit in a transaction of its own."""
    cursor = connection.cursor()
    told = [SAYS[kind] for kind in ORDER]
    for unit in written:
        with connection.transaction():
            for statement, rows in zip(told, unit, strict=True):
                if len(rows) == 1:
                    cursor.execute(statement, rows[0])
                elif rows:
                    cursor.executemany(statement, rows)


def plain(dsn, schema):
    """A connection of plain psycopg to these tables."""
    import psycopg

    return psycopg.connect(dsn, autocommit=True, options=f"-c search_path={schema}")


def worker(url, bound, product, person, lives, gate, times):
    """One process: in every round it lives so many lives, and then replays as many others."""
    from marketplace_sdk_sql.storage import SqlStorage

    recording = Recording(SqlStorage(url))
    made = Marketplace(recording, connections={"lake": MemoryPlatform()}, clock=FrozenClock())

    def live():
        for _ in range(lives):
            request = approved(made, product, person)
            made.requests.revoke(request.id, reason="over", by="root")

    with plain(*bound) as connection:
        for _ in range(times):
            recording.on = False
            gate.wait(PATIENCE)
            live()
            gate.wait(PATIENCE)
            recording.on = True
            recording.units.clear()
            live()
            written = recording.written()
            gate.wait(PATIENCE)
            replay(connection, written)
            gate.wait(PATIENCE)
    made.close()


def measure(server, workers, *, quick):
    """Milliseconds per life with so many processes."""
    from psycopg.conninfo import conninfo_to_dict

    from marketplace_sdk_sql.storage import SqlStorage

    lives, times = (5, 3) if quick else (20, 7)
    name = secrets.token_hex(4)

    def url_of(schema):
        return f"postgresql:///?{urlencode({**conninfo_to_dict(server.dsn), 'schema': schema})}"

    url = url_of(f"market_{name}")
    people = [f"{secrets.token_hex(4)}-{number}" for number in range(workers)]
    made = market(url, people=people)
    product = publish(made, "P", ["s.t"])
    made.close()
    tables = SqlStorage(url_of(f"plain_{name}"))
    tables.setup()
    tables.close()
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(workers + 1)
    processes = [
        context.Process(
            target=worker,
            args=(url, (server.dsn, f"plain_{name}"), product, person, lives, gate, times),
            daemon=True,
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
