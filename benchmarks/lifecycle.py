"""A request's whole life: asked, approved, granted, revoked, taken away.

On SQLite the lower bound is plain ``sqlite3`` writing the very same rows into tables of the same
kind, in as many transactions at the same durability (see ``recording``).
In memory it is the platform alone: one grant and one revocation by hand.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from benchmarks._world import approved, market, publish, rounds
from benchmarks.recording import ORDER, Recording, statements
from marketplace_sdk.testing import MemoryPlatform

SAYS = statements("?")


def _replay(connection, written):
    told = [SAYS[kind] for kind in ORDER]
    for unit in written:
        connection.execute("BEGIN IMMEDIATE")
        for statement, rows in zip(told, unit, strict=True):
            if rows:
                connection.executemany(statement, rows)
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
        tables = SqlStorage(f"sqlite:///{folder}/plain.db")
        tables.setup()
        tables.close()
        plain = sqlite3.connect(Path(folder, "plain.db"), isolation_level=None)
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=FULL")
        plain.execute("PRAGMA foreign_keys=ON")
        written = []

        def ours():
            recording.on = False
            for _ in range(lives):
                _life(made, product, "ann")

        def record():
            recording.on = True
            recording.units.clear()
            for _ in range(lives):
                _life(made, product, "ann")
            written[:] = recording.written()

        def bound():
            _replay(plain, written)

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
        f"({len(written) // lives})",
    }
