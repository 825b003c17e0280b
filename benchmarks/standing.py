"""Standing products on a real PostgreSQL: what a look at all of them costs, and one more approval.

Each of so many people is a member of each of so many products. Then every product is looked at
again and nothing is found to do: one pass and one listing for each, whatever the number of its
members. Lower bound: the same listings, asked of the server directly; and the names as well, which
a pass has to look up before it knows what to list.

The members of the first product have asked and been approved. The grants of the others are copies
of theirs, put into the store by a unit of work. A pass gives access to one of them, the others are
put into the same role by one statement, and another pass finds them there and writes the ledger.

    python benchmarks/standing.py [--products 200 --members 500]
    python benchmarks/standing.py --products 1 --tables 200
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path

import psycopg
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._world import approved, market, publish
from marketplace_sdk.domain.events import Effects, Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.plugin import Call, Ref, Scope
from marketplace_sdk.work.unit import unit_of_work
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


class Standing:
    """So many products of so many tables with so many members each, on a server.

    Attributes:
        made: the marketplace.
        counter: what its provisioner did.
        products: ids.
    """

    def __init__(self, server, products, members, tables, storage, say):
        token = secrets.token_hex(3)
        self.people = [f"m{n}_{token}" for n in range(members + 1)]
        self._objects = [
            [f"s{token}.t{number}" for number in range(first, first + tables)]
            for first in range(0, products * tables, tables)
        ]
        with psycopg.connect(server.dsn, autocommit=True) as admin:
            admin.execute(f"CREATE SCHEMA s{token}")
            for name in (name for some in self._objects for name in some):
                admin.execute(f"CREATE TABLE {name} (id int)")
            for person in self.people:
                admin.execute(f"CREATE ROLE {person} LOGIN")
        lake = {"plugin": "postgres", "dsn": server.dsn, "may_grant": [f"s{token}.*"]}
        self._dsn = server.dsn
        self.made = market(storage, people=self.people, connections={"lake": lake})
        self.platform = self.made._bench.connections["lake"].provisioner
        self.counter = Counter(self.platform)
        self.products = []
        self._fill(members, say)

    def _fill(self, members, say):
        began = time.perf_counter()
        for number, objects in enumerate(self._objects):
            self.products.append(publish(self.made, f"P{number}", objects))
            if number == 0:
                for person in self.people[:members]:
                    approved(self.made, self.products[0], person)
                grants = _grants(self.made)
            else:
                _copy(self.made, grants[:1], self.products[-1])
                self.made.deliver()
                self._let_in(self.products[-1], self.people[:members])
                _copy(self.made, grants[1:], self.products[-1])
            self.made.deliver()
            if number % 20 == 19:
                say(f"{number + 1} products after {time.perf_counter() - began:.0f} s")

    def _let_in(self, product, people):
        """Put people into the role of a product, as the marketplace would, but all at once."""
        with self.made._storage.begin(write=False) as unit:
            (row,) = (
                each.document["item"]
                for each in unit.find("ledger", [("target", [f"lake|product:{product}"])])
                if each.document["item"]["kind"] == "role"
            )
        role = row["scope"]["key"].partition(":")[2]
        with psycopg.connect(self._dsn, autocommit=True) as admin:
            admin.execute(f"GRANT {role} TO {', '.join(people)}")

    def look_again(self):
        """Passes over all products that find nothing to do: how many, seconds, and processor's."""
        before = self.counter.looks, self.counter.changes, _rows(self.made)
        for number in range(len(self.products)):
            self.made.sources.update(f"P{number}-0", description="seen again", by="root")
        began, worked = time.perf_counter(), time.process_time()
        passes = self.made.deliver().passes
        took, worked = time.perf_counter() - began, time.process_time() - worked
        assert passes == self.counter.looks - before[0] == len(self.products)
        assert (self.counter.changes, _rows(self.made)) == before[1:]
        return passes, took, worked

    def bounds(self):
        """Seconds of listing each scope, of looking the names up as well, and the processor's."""
        call = Call(seconds_left=lambda: 60.0, correlation_id="bound")
        scopes = _scopes(self.made)
        began, worked = time.perf_counter(), time.process_time()
        for scope in scopes:
            self.platform.observe([scope], [], call)
        listed = time.perf_counter()
        members = [Ref("principal", person) for person in self.people[:-1]]
        for objects in self._objects:
            self.platform.resolve([*members, *(Ref("object", name) for name in objects)], call)
        return listed - began, time.perf_counter() - began, time.process_time() - worked

    def one_more(self, product):
        """Seconds of giving one more person access: one change, one row."""
        approved(self.made, product, self.people[-1])
        before = self.counter.changes + 1, _rows(self.made) + 1
        began = time.perf_counter()
        self.made.deliver()
        took = time.perf_counter() - began
        assert (self.counter.changes, _rows(self.made)) == before
        return took


def measure(products, members, *, tables=1, storage="memory", more=20, say=print):
    """Figures of so many products of so many tables with so many members each."""
    with PlatformServer.start() as server:
        standing = Standing(server, products, members, tables, storage, say)
        rows = _rows(standing.made)
        passes, again, worked = standing.look_again()
        listing, asking, least = standing.bounds()
        late = [standing.one_more(each) for each in standing.products[:more]]
        standing.made.close()
    return {
        "passes and listings": passes,
        "ms a clean pass": again / products * 1e3,
        "ms its listing alone": listing / products * 1e3,
        "ms its listing and names alone": asking / products * 1e3,
        "ms of the processor for a clean pass": worked / products * 1e3,
        "ms of the processor for its listing and names alone": least / products * 1e3,
        "ms one more approval": sorted(late)[len(late) // 2] * 1e3,
        "ledger rows": rows,
    }


def _grants(made):
    """All grants, as they are before anything was delivered."""
    with _unit(made, write=False) as unit:
        return unit.find(Grant)


def _copy(made, grants, product):
    """The same people have been approved for another product; what they asked is not kept."""
    with _unit(made) as unit:
        for each in grants:
            unit.save(
                evolve(
                    each, id=f"{product}-{each.id}", product=product, requests=("old",), revision=0
                )
            )
        unit.keep(Effects(marks=(Mark(connection="lake", product=product),)))


def _unit(made, *, write=True):
    desk = made._bench.desk
    return unit_of_work(made._storage, now=desk.clock(), ids=desk.ids, actor="system", write=write)


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
    parser.add_argument("--tables", type=int, default=1, help="of each product")
    parser.add_argument("--storage", default="memory", help="a URL; in memory if left out")
    options = parser.parse_args()
    figures = measure(
        options.products, options.members, tables=options.tables, storage=options.storage
    )
    for name, figure in figures.items():
        print(f"{name}: {figure:,.3g}" if isinstance(figure, float) else f"{name}: {figure:,}")
