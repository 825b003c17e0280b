"""Standing products on a real PostgreSQL: what a look at all of them costs, and one more approval.

Each of so many people is a member of each of so many products. Then every product is looked at
again and nothing is found to do: one pass and one listing for each, whatever the number of its
members. Lower bound: the same listings, asked of the server directly.

    python benchmarks/standing.py [--products 200 --members 500]
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._world import approved, market, publish
from marketplace_sdk.plugin import Call, Scope
from marketplace_sdk_postgres.server import PlatformServer


class Counter:
    """Counts the scopes that a provisioner lists, and the changes that it makes."""

    def __init__(self, provisioner):
        self.looks = self.changes = 0
        observe, send = provisioner.observe, provisioner._send

        def looking(scopes, guards, call):
            self.looks += len(scopes)
            return observe(scopes, guards, call)

        def sending(connection, statement):
            self.changes += 1
            return send(connection, statement)

        provisioner.observe, provisioner._send = looking, sending


def measure(products, members, *, more=20, say=print):
    """Figures of so many products with so many members each."""
    token = secrets.token_hex(3)
    people = [f"m{n}_{token}" for n in range(members + 1)]
    with PlatformServer.start() as server, psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA s{token}")
        for number in range(products):
            admin.execute(f"CREATE TABLE s{token}.t{number} (id int)")
        for person in people:
            admin.execute(f"CREATE ROLE {person} LOGIN")
        lake = {"plugin": "postgres", "dsn": server.dsn, "may_grant": [f"s{token}.*"]}
        made = market(people=people, connections={"lake": lake})
        platform = made._bench.connections["lake"].provisioner
        counter = Counter(platform)
        began = time.perf_counter()
        names = []
        for number in range(products):
            names.append(publish(made, f"P{number}", [f"s{token}.t{number}"]))
            for person in people[:members]:
                approved(made, names[-1], person)
            made.deliver()
            if number % 20 == 19:
                say(f"{number + 1} products after {time.perf_counter() - began:.0f} s")
        rows = _rows(made)
        looks, changes = counter.looks, counter.changes
        for number in range(products):
            made.sources.update(f"P{number}-0", description="seen again", by="root")
        began = time.perf_counter()
        done = made.deliver()
        ours = time.perf_counter() - began
        listed = counter.looks - looks
        assert done.passes == listed == products, (done, listed)
        assert (counter.changes, _rows(made)) == (changes, rows)
        scopes = _scopes(made)
        call = Call(seconds_left=lambda: 60.0, correlation_id="bound")
        began = time.perf_counter()
        for scope in scopes:
            platform.observe([scope], [], call)
        bound = time.perf_counter() - began
        late = []
        for name in names[:more]:
            approved(made, name, people[-1])
            before = counter.changes
            began = time.perf_counter()
            made.deliver()
            late.append(time.perf_counter() - began)
            assert counter.changes == before + 1
        assert _rows(made) == rows + len(late)
        made.close()
    return {
        "passes": done.passes,
        "listings": listed,
        "ms a clean pass": ours / products * 1e3,
        "ms its listing alone": bound / products * 1e3,
        "ms one more approval": sorted(late)[len(late) // 2] * 1e3,
        "ledger rows": rows,
    }


def _rows(made):
    with made._storage.begin(write=False) as unit:
        return len(unit.find("ledger"))


def _scopes(made):
    with made._storage.begin(write=False) as unit:
        found = {
            (each.document["item"]["scope"]["platform"], each.document["item"]["scope"]["key"])
            for each in unit.find("ledger")
        }
    return [Scope(*each) for each in sorted(found)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--members", type=int, default=500)
    options = parser.parse_args()
    for name, figure in measure(options.products, options.members).items():
        print(f"{name}: {figure:,.3g}" if isinstance(figure, float) else f"{name}: {figure:,}")
