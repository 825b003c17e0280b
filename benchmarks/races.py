"""Eight processes decide the same requests at the same moments; each request is decided once.

Half of them approve for thirty days, half deny. What is kept afterwards must be what one steward
alone leaves behind: one outcome, one final event, one grant, one set of timers, marks and messages.
Every loser must have been told with a typed conflict; how often each had to try again is counted.

Run: ``uv run python benchmarks/races.py [--requests 1000] [--processes 8] [--storage URL]``
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from attrs import field, frozen

from benchmarks._world import publish
from marketplace_sdk import Conflict, Duration, Marketplace, StorageError
from marketplace_sdk.testing import MemoryNotifier, MemoryPlatform, MemoryStorage
from marketplace_sdk_sql.storage import SqlStorage

PATIENCE = 120
"""Seconds that a process waits for the others."""
TRIES = 50
"""How often a decision is sent again after a storage error that says to."""


@frozen
class Result:
    """What became of the races.

    Attributes:
        outcomes: how many requests ended in which state.
        answers: how many decisions were made, and how many refused with which error.
        retries: how often a decision was sent again after a retryable storage error.
        seconds: how long the decisions took, all processes at once.
        wrong: what is not as one steward alone would have left it.
    """

    outcomes: Counter[str]
    answers: Counter[str]
    retries: int
    seconds: float
    wrong: list[str] = field(factory=list)


def run(url, *, requests, processes):
    """Let processes race on so many requests in an empty store, and look at what they left."""
    with open_market(url) as made:
        ids = prepare(made, requests, processes)
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(processes), context.Queue()
    racers = [
        context.Process(target=race, args=(url, number, ids, gate, answers), daemon=True)
        for number in range(processes)
    ]
    for racer in racers:
        racer.start()
    told = [answers.get(timeout=PATIENCE + requests) for _ in racers]
    for racer in racers:
        racer.join(PATIENCE)
    store = SqlStorage(url)
    try:
        outcomes, wrong = inspect(store, ids)
    finally:
        store.close()
    answers = sum((Counter(each) for each, _, _ in told), Counter())
    if answers["decided"] != requests:
        wrong.append(f"{answers['decided']} decisions were made on {requests} requests")
    with open_market(url) as made:
        wrong += deliver(made, outcomes["approved"])
    return Result(
        outcomes,
        answers,
        sum(retries for _, retries, _ in told),
        max(seconds for _, _, seconds in told),
        wrong,
    )


def open_market(storage):
    """The marketplace as every process opens it: one platform, one listener."""
    return Marketplace(
        storage, connections={"lake": MemoryPlatform()}, notifiers=[MemoryNotifier()]
    )


def prepare(made, requests, processes):
    """People, a product, and pending requests; returns the ids of the requests."""
    made.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
    for number in range(processes):
        made.people.add(f"steward{number}", groups=["stewards"], by="root")
    made.domains.create("d", by="root")
    product = publish(made, "P", ["s.t"])
    ids = []
    for number in range(requests):
        person = f"p{number}"
        made.people.add(person, principals={"lake": person}, by="root")
        asked = made.requests.request_access(product, answers={"why": "so"}, by=person)
        ids.append(asked.id)
    return ids


def race(url, number, ids, gate, answers):
    """One process: decide each request in the moment in which all others do."""
    told, retries = Counter(), 0
    with open_market(url) as made:
        gate.wait(PATIENCE)
        began = time.perf_counter()
        for id in ids:
            gate.wait(PATIENCE)
            answer, again = decide(made, number, id)
            told[answer] += 1
            retries += again
    answers.put((dict(told), retries, time.perf_counter() - began))


def decide(made, number, id):
    """Approve or deny as a steward of one's own; the name of the answer, and how many retries."""
    steward = f"steward{number}"
    for attempt in range(TRIES):
        try:
            if number % 2:
                made.requests.deny(id, reason="no", by=steward)
            else:
                made.requests.approve(id, reason="yes", until=Duration(30, "days"), by=steward)
        except StorageError as error:
            if not error.retryable:
                raise
            time.sleep(0.001 * attempt)
        except Conflict as error:
            return type(error).__name__, attempt
        else:
            return "decided", attempt
    return "StorageError", TRIES


def inspect(store, ids):
    """States of the requests, and whatever differs from what one steward alone leaves behind."""
    alone = {}
    for number in (0, 1):
        memory = MemoryStorage()
        with open_market(memory) as made:
            ids_alone = prepare(made, 1, 2)
            decide(made, number, ids_alone[0])
            ((state, footprint),) = footprints(memory, ids_alone)
            alone[state] = footprint, marks(memory)
    outcomes, wrong = Counter(), []
    for id, (state, footprint) in zip(ids, footprints(store, ids), strict=True):
        outcomes[state] += 1
        expected, _ = alone.get(state, (Counter(), 0))
        if footprint != expected:
            wrong.append(f"request {id}, {state}: {footprint - expected}, {expected - footprint}")
    expected = sum(outcomes[state] * each for state, (_, each) in alone.items())
    if marks(store) != expected:
        wrong.append(f"{marks(store)} marks instead of {expected}")
    return outcomes, wrong


def footprints(store, ids):
    """Of each request its state, and how much of what it and its grant left in the store."""
    found = []
    with store.begin(write=False) as rows:
        about = {}
        for queue in ("outbox", "timer"):
            for row in rows.work(queue):
                what = row.payload.get("notice", row.payload)
                shape = f"{queue} {what.get('type') or what['kind']}"
                about.setdefault(row.key.rpartition("|")[2], []).append(shape)
        for id in ids:
            request = rows.get("request", id).document
            grants = [one.id for one in rows.find("grant", [("request", [id])])]
            keys = [f"request:{id}", *(f"grant:{grant}" for grant in grants)]
            footprint = Counter(shape for key in keys for shape in about.get(key, ()))
            footprint.update(event.type for key in keys for event in rows.events(key))
            footprint.update(["grant"] * len(grants))
            footprint.update(["determination"] * len(request["determinations"]))
            found.append((request["state"], footprint))
    return found


def marks(store):
    """How many marks wait for the reconciler."""
    with store.begin(write=False) as rows:
        return len(rows.work("mark"))


def deliver(made, approved):
    """Deliver everything; what is wrong with grants and audit afterwards."""
    made.deliver()
    after, states = None, Counter()
    while True:
        page = made.grants.find(limit=1000, after=after, by="root")
        states.update(grant.state for grant in page)
        after = page.next
        if after is None:
            break
    wrong = [] if states == Counter(active=approved) else [f"grants are {dict(states)}"]
    return wrong if made.audit.verify().ok else [*wrong, "the audit does not verify"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--storage", help="URL of an empty store; a SQLite file if left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.storage or f"sqlite:///{folder}/market.db"
        result = run(url, requests=options.requests, processes=options.processes)
    print(f"{options.processes} processes on {options.requests} requests: {result.seconds:.1f} s")
    print(f"outcomes: {dict(result.outcomes)}")
    print(f"answers: {dict(result.answers)}, after {result.retries} retries of storage errors")
    for each in result.wrong:
        print(f"WRONG: {each}")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
