"""Deciding many requests at once: a chain for each request, against one chain for all of them.

Both write the same links and records through the same storage, in turn, in one run. Requests are
there already and are decided in any order. Each unit reads its request and the head of the chain,
as a decision does, and writes both; who was overtaken begins again.
Where writers take turns anyhow, as on SQLite, the two cost the same; a server that lets them work
side by side shows what a single head costs.

Run: ``uv run python benchmarks/chains.py [URL of a storage]``; without a URL on a PostgreSQL that
is started for it.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from attrs import evolve

from benchmarks._world import rounds
from marketplace_sdk import StaleRevision
from marketplace_sdk._plugins import PluginHost
from marketplace_sdk.marketplace import storage_of
from marketplace_sdk.plugin import EventRow, Record
from marketplace_sdk.wire.codec import digest
from marketplace_sdk.work.chains import chain_hash

AT = datetime(2026, 1, 1, tzinfo=UTC)
WORKERS = 8
PAYLOAD = {"request": {"state": "approved", "requester": "con", "beneficiary": "user:pat"}}


def link(chain, head, name):
    """The next link of a chain."""
    row = EventRow(
        aggregate=chain,
        sequence=1 if head is None else head.sequence + 1,
        id=name,
        type="request.approved",
        at=AT,
        actor="ana",
        payload=PAYLOAD,
        payload_hash=digest(PAYLOAD),
        previous="" if head is None else head.hash,
        hash="",
    )
    return evolve(row, hash=chain_hash(row))


def submit(storage, count):
    """Requests to decide, each with the first link of its chain; their ids in any order."""
    ids = [secrets.token_hex(8) for _ in range(count)]
    for start in range(0, count, 500):
        some = ids[start : start + 500]
        with storage.begin() as rows:
            rows.append([link(f"request:{id}", None, f"{id}/1") for id in some])
            for id in some:
                rows.put(Record(kind="request", id=id, revision=1, document=PAYLOAD), None)
    return ids


def decide(storage, request, chain):
    """One unit as a decision writes it; how often it had to begin again."""
    again = 0
    while True:
        try:
            with storage.begin() as rows:
                known = rows.get("request", request)
                rows.append([link(chain, rows.head(chain), f"{request}/2")])
                rows.put(evolve(known, revision=2), 1)
        except StaleRevision:
            again += 1
        else:
            return again


def all_decide(storage, requests, chain_of):
    """``WORKERS`` threads share the requests out and decide them; all that began again."""
    together = threading.Barrier(WORKERS)
    again = []

    def work(mine):
        together.wait()
        again.append(sum(decide(storage, request, chain_of(request)) for request in mine))

    threads = [
        threading.Thread(target=work, args=(requests[worker::WORKERS],))
        for worker in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(again) == WORKERS, "a worker gave up"
    return sum(again)


def measure(storage, *, quick):
    """Both ways, in turn."""
    each, times = (25, 3) if quick else (100, 7)
    units = WORKERS * each
    waiting = submit(storage, units * times * 2)
    began_again = {"own": 0, "one": 0}

    def own():
        some = [waiting.pop() for _ in range(units)]
        began_again["own"] += all_decide(storage, some, lambda request: f"request:{request}")

    def one():
        some = [waiting.pop() for _ in range(units)]
        began_again["one"] += all_decide(storage, some, lambda _: "log")

    ours, bound = rounds(own, one, times=times)
    return {
        "name": f"{WORKERS} workers decide, a chain for each request",
        "unit": "ms a decision",
        "ours": ours / units * 1000,
        "bound": bound / units * 1000,
        "bound is": "the same units, all appending to one chain",
        "ratio": ours / bound,
        "limit": 0.8,
        "facts": [
            f"began again with chains of their own: {began_again['own']} of {units * times}",
            f"began again with one chain: {began_again['one']} of {units * times}",
        ],
    }


def run(*, quick):
    """On a PostgreSQL of its own."""
    from psycopg.conninfo import conninfo_to_dict

    from marketplace_sdk_postgres.server import PlatformServer

    with PlatformServer.start() as server:
        return on(f"postgresql:///?{urlencode(conninfo_to_dict(server.dsn))}", quick=quick)


def on(url, *, quick):
    """On the storage of a URL."""
    storage = storage_of(url, PluginHost(), lambda: datetime.now(UTC))
    try:
        storage.setup()
        return measure(storage, quick=quick)
    finally:
        storage.close()


if __name__ == "__main__":
    began = time.perf_counter()
    found = on(sys.argv[1], quick=False) if len(sys.argv) > 1 else run(quick=False)
    print(f"{found['name']}: {found['ours']:.3g} {found['unit']}")
    print(f"{found['bound is']}: {found['bound']:.3g}; ratio {found['ratio']:.2f}")
    print(*found["facts"], f"{time.perf_counter() - began:.0f} s", sep="\n")
