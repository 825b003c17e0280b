"""Workers are killed at random points while they change a real PostgreSQL; others go on.

After every few kills some worker comes to its end. Then each person logs in and reads: whoever has
no approval and reads something is an *orphan*, whoever has one and cannot is a *loss*, and so is a
role of ours that nobody needs, or one that is missing. In the end everything is revoked, and the
server has to be as it was before.

Run from the root of the repository: ``uv run python benchmarks/random_kills.py --points 1000``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform as machine
import random
import secrets
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._world import market
from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_postgres.server import PlatformServer
from marketplace_sdk_postgres.testing import PostgresPlatform

PEOPLE = ("ann", "ben", "cas", "dot")
LEASE = timedelta(seconds=200)
"""Longer than any lease of a killed worker."""

AT_WORK = "SELECT FROM pg_stat_activity WHERE usename = '{login}'"
MEMBERS = r"""
SELECT m.member FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
WHERE r.rolname LIKE 'mp\_%' AND m.member <> '{login}'::regrole
"""


def work(url, connection, now, said):
    """One worker: says when it begins, delivers what is due, says when it is done."""
    with Marketplace(url, connections={"lake": connection}, clock=FrozenClock(now)) as made:
        said.send("begins")
        said.send(made.deliver().passes)


class Arena:
    """A marketplace with two products that share a table, people with logins, and a model.

    The model is two sets: who has access to which product, and whom an exception unmasks.
    """

    def __init__(self, server, folder, chance):
        self.chance = chance
        self.platform = PostgresPlatform(server.dsn)
        token = secrets.token_hex(3)
        self.schema = self.platform.schema(f"sales_{token}")
        self.orders = self.platform.table(f"{self.schema}.orders", ["id", "email"])
        self.items = self.platform.table(f"{self.schema}.items", ["id", "sku"])
        self.principals = {name: self.platform.person(f"{name}_{token}") for name in PEOPLE}
        self.login = self.platform.person(f"market_{token}", "CREATEROLE")
        for what in (f"USAGE ON SCHEMA {self.schema}", f"SELECT ON {self.orders}, {self.items}"):
            self.platform.run(f"GRANT {what} TO {self.login} WITH GRANT OPTION")
        self.url = f"sqlite:///{folder}/market.db"
        self.connection = {
            "plugin": "postgres",
            "dsn": self.platform.dsn(self.login),
            "may_grant": [f"{self.schema}.*"],
        }
        self.clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.made = market(self.url, connections={"lake": self.connection}, clock=self.clock)
        self.products = self._publish()
        self.open = {}
        self.before = self.platform.snapshot()
        # Workers are forked from a process that has imported everything, so that they begin soon.
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        self.start = multiprocessing.get_context("forkserver")
        ours = ("benchmarks", "marketplace_sdk", "psycopg", "sqlalchemy")
        self.start.set_forkserver_preload([name for name in sys.modules if name.startswith(ours)])
        self.typical = 0.3

    def _publish(self):
        made = self.made
        for name, principal in self.principals.items():
            made.people.add(name, principals={"lake": principal}, by="root")
        for name, object, second in (
            ("orders", self.orders, "email"),
            ("items", self.items, "sku"),
        ):
            columns = [Column("id"), Column(second, masked=second == "email")]
            source = DataSource(name, connection="lake", object=object, columns=columns)
            made.sources.register(source, by="root")
        made.domains.assign("d", ["orders", "items"], by="root")
        return {
            name: made.products.publish(name, domain="d", sources=sources, by="root").id
            for name, sources in {"both": ["orders", "items"], "one": ["orders"]}.items()
        }

    # -- what people want --------------------------------------------------------------------

    def change(self):
        """One thing more or less that somebody may do."""
        kind = self.chance.choice(["both", "one", "unmask"])
        person = self.chance.choice(PEOPLE)
        if (kind, person) in self.open:
            self.revoke(kind, person)
        elif kind == "unmask" and not self.reads(person, "orders"):
            self.change()
        else:
            self.open[kind, person] = self._ask(kind, person)

    def _ask(self, kind, person):
        requests, answers = self.made.requests, {"why": "to see"}
        if kind == "unmask":
            product = self.products["both" if ("both", person) in self.open else "one"]
            request = requests.request_masking_exception(
                product, columns=["orders.email"], answers=answers, by=person
            )
        else:
            request = requests.request_access(self.products[kind], answers=answers, by=person)
        requests.approve(request.id, reason="fine", by="root")
        return request.id

    def revoke(self, kind, person):
        """Take it away; an exception ends for good with the last access."""
        self.made.requests.revoke(self.open.pop((kind, person)), reason="over", by="root")
        if kind != "unmask" and not self.reads(person, "orders"):
            self.open.pop(("unmask", person), None)

    def reads(self, person, source):
        """Whether somebody may read a source, as the model has it."""
        return ("both", person) in self.open or (
            source == "orders" and ("one", person) in self.open
        )

    # -- workers -----------------------------------------------------------------------------

    def worker(self, seconds=None):
        """Run one; kill it so long after it began. Whether it came to its end before."""
        listening, said = self.start.Pipe(duplex=False)
        arguments = (self.url, self.connection, self.clock(), said)
        process = self.start.Process(target=work, args=arguments)
        process.start()
        said.close()
        assert listening.recv() == "begins"
        began = time.perf_counter()
        if not listening.poll(seconds):
            os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        passes = self._last_words(listening)
        if passes:
            self.typical += 0.1 * (time.perf_counter() - began - self.typical)
        self._silence()
        self.clock.advance(LEASE)
        return passes is not None

    def _last_words(self, listening):
        """How many passes it made, or None if it was killed before it could say."""
        try:
            return listening.recv()
        except EOFError:
            return None
        finally:
            listening.close()

    def _silence(self):
        """Wait for what the killed one had sent: its lease would outlast that, were time real."""
        while self.platform.run(AT_WORK.format(login=self.login)):
            time.sleep(0.005)

    # -- what is there -----------------------------------------------------------------------

    def wrong(self):
        """Orphans and losses, each as a line."""
        told = []
        for person, principal in self.principals.items():
            for source, object, column in (
                ("orders", self.orders, "email"),
                ("orders", self.orders, "id"),
                ("items", self.items, "sku"),
            ):
                seen = self.platform.reads(principal, object, column)
                due = "clear" if self.reads(person, source) else "none"
                if column == "email" and due == "clear" and ("unmask", person) not in self.open:
                    due = "masked"
                if seen != due:
                    order = ("none", "masked", "clear")
                    kind = "orphan" if order.index(seen) > order.index(due) else "loss"
                    told.append(f"{kind}: {person} reads {column} {seen} instead of {due}")
        roles = self.platform.run(r"SELECT oid FROM pg_roles WHERE rolname LIKE 'mp\_%'")
        members = self.platform.run(MEMBERS.format(login=self.login))
        for what, there, due in (
            ("roles", len(roles), len({kind for kind, _ in self.open})),
            ("memberships", len(members), len(self.open)),
        ):
            if there != due:
                told.append(f"{'orphan' if there > due else 'loss'}: {there} {what} for {due}")
        return told

    def end(self):
        """Revoke everything; what is then not as it was before."""
        for kind, person in list(self.open):
            if (kind, person) in self.open:
                self.revoke(kind, person)
        self.settle()
        after = self.platform.snapshot()
        return [
            *(f"orphan: {row}" for row in after - self.before),
            *(f"loss: {row}" for row in self.before - after),
        ]

    def settle(self):
        """Workers that nobody kills, until nothing is due: what failed is tried again later."""
        for _ in range(3):
            assert self.worker()
            self.clock.advance(LEASE)

    def close(self):
        self.made.close()
        self.platform.close()


def kill_at_random(points, seed):
    """Kill so many workers; what was found wrong, and how often it was looked."""
    chance = random.Random(seed)  # noqa: S311 - where to kill is no secret
    found = {"points": 0, "midway": 0, "finished": 0, "checks": 0, "wrong": []}
    with PlatformServer.start() as server, tempfile.TemporaryDirectory() as folder:
        arena = Arena(server, folder, chance)
        try:
            while found["points"] < points:
                for _ in range(chance.randint(2, 6)):
                    for _ in range(chance.randint(0, 2)):
                        arena.change()
                    before = arena.platform.snapshot()
                    ended = arena.worker(chance.uniform(0, 1.1 * arena.typical))
                    found["finished" if ended else "points"] += 1
                    found["midway"] += not ended and arena.platform.snapshot() != before
                arena.settle()
                found["checks"] += 1
                found["wrong"] += arena.wrong()
            found["wrong"] += arena.end()
        finally:
            arena.close()
        found["server"] = f"PostgreSQL {server.version // 10000}.{server.version % 10000}"
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    began = time.monotonic()
    found = kill_at_random(options.points, options.seed)
    orphans = [line for line in found["wrong"] if line.startswith("orphan")]
    losses = [line for line in found["wrong"] if line.startswith("loss")]
    print(f"seed {options.seed}; {found['server']}, CPython {machine.python_version()},")
    print(f"{os.cpu_count()} cores, {machine.machine()}, {time.monotonic() - began:.0f} s")
    print(
        f"{found['points']} workers killed, {found['midway']} of them between two changes;"
        f" {found['finished']} were done before"
    )
    print(f"looked {found['checks']} times: {len(orphans)} orphans, {len(losses)} losses")
    for line in found["wrong"]:
        print(f"    {line}")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
