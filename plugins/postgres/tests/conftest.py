"""A real PostgreSQL for every test of this plugin, and a marketplace's login on it."""

from __future__ import annotations

import secrets
import time

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk.ports.provisioner import (
    Call,
    Change,
    Known,
    Ref,
    Resolved,
    Seen,
    Target,
    TargetObject,
)
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_postgres.provisioner import PostgresProvisioner
from marketplace_sdk_postgres.server import PlatformServer
from marketplace_sdk_postgres.testing import PostgresPlatform, server_for_tests


def seconds(number: float) -> Call:
    """A call that may last so long from now."""
    end = time.monotonic() + number
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="test */ 1")


class Bench:
    """A marketplace's own login with the least rights on a schema ``sales`` with two tables.

    Its ``reconcile`` is the reconciler in ten lines: removals downwards, then additions upwards.
    """

    def __init__(self, platform):
        self.platform = platform
        token = secrets.token_hex(4)
        self.installation = f"inst{token}"
        self.schema = platform.schema(f"sales_{token}")
        self.orders = platform.table(f"{self.schema}.orders", ["id", "email", "total"])
        self.items = platform.table(f"{self.schema}.items", ["id", "sku"])
        self.alice = platform.person(f"alice_{token}")
        self.bob = platform.person(f"bob_{token}")
        self.login = platform.person(f"market_{token}", "CREATEROLE")
        platform.run(f"GRANT USAGE ON SCHEMA {self.schema} TO {self.login} WITH GRANT OPTION")
        platform.run(
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {self.schema} TO {self.login} WITH GRANT OPTION"
        )
        self.made = []
        self.provisioner = self.make()
        self.ledger = {}
        self.scopes = {}

    def make(self, kind=PostgresProvisioner):
        """Another provisioner with the same login."""
        dsn = self.platform.dsn(self.login)
        self.made.append(kind(dsn, installation=self.installation, name="warehouse"))
        return self.made[-1]

    def target(self, *objects, key="product:orders", column=None):
        """A target; an object is a name, or a name with the columns to mask."""
        pairs = [(o, ()) if isinstance(o, str) else o for o in objects]
        return Target(
            key=key,
            objects=tuple(TargetObject(name, frozenset(masked)) for name, masked in pairs),
            column=column,
        )

    def wanted(self, target, people=()):
        """Items of a target and its people, by key."""
        refs = [Ref("object", o.name) for o in target.objects]
        refs += [Ref("principal", name) for name in people]
        answers = self.provisioner.resolve(refs, seconds(10))
        assert set(answers) == set(refs)
        found = {ref: a for ref, a in answers.items() if isinstance(a, Resolved)}
        known = Known(installation=self.installation, resolved=found)
        items = list(self.provisioner.base(target, known))
        for name in people:
            if Ref("principal", name) in found:
                items += self.provisioner.member(target, found[Ref("principal", name)], known)
        assert len({item.key for item in items}) == len(items)
        return {item.key: item for item in items}

    def see(self, scope):
        """What is in a scope."""
        seen = self.provisioner.observe([scope], [], seconds(10))[scope]
        assert isinstance(seen, Seen)
        return seen

    def plan(self, target, people=()):
        """Changes that lead to what is wanted; what is unclaimed but ours goes first."""
        wanted = self.wanted(target, people)
        self.scopes.update((target.key, item.scope) for item in wanted.values())
        old = {i.key: i for i in self.claimed(target)}
        self.ledger.update(wanted)
        scopes = {item.scope for item in (*wanted.values(), *old.values())}
        there = {key for scope in scopes for key, p in self.see(scope).items.items() if p.ours}
        gone = [old[key] for key in there if key in old and key not in wanted]
        new = [item for key, item in wanted.items() if key not in there]
        return [
            *(Change(action="remove", item=i) for i in sorted(gone, key=lambda i: -i.rank)),
            *(Change(action="add", item=i) for i in sorted(new, key=lambda i: i.rank)),
        ]

    def claimed(self, target):
        """What was ever claimed for a target."""
        return [i for i in self.ledger.values() if i.scope == self.scopes.get(target.key)]

    def reconcile(self, target, people=(), call=None):
        """Carry the plan out; returns the outcomes."""
        changes = self.plan(target, people)
        return list(self.provisioner.apply(changes, call or seconds(10)))

    def end(self, target):
        """Take everything of a target away; returns the outcomes."""
        items = self.claimed(target)
        there = {k for scope in {i.scope for i in items} for k in self.see(scope).items}
        changes = [
            Change(action="remove", item=i)
            for i in sorted(items, key=lambda i: -i.rank)
            if i.key in there
        ]
        return list(self.provisioner.apply(changes, seconds(10)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for provisioner in self.made:
            provisioner.close()
        self.platform.drop_schemas()
        ours = f"SELECT rolname FROM pg_roles WHERE rolname LIKE 'mp_{self.installation}_%'"
        for (role,) in self.platform.run(ours):
            self.platform.run(f"DROP ROLE {role}")


class Shop:
    """A whole marketplace on a bench's login. One governor ``gil`` approves everything; the bench's people
    are the consumers.
    """

    def __init__(self, bench, storage="memory", **rules):
        self.bench = bench
        self.clock = FrozenClock()
        self.market = Marketplace(
            storage=storage,
            connections={
                "warehouse": {
                    "plugin": "postgres",
                    "dsn": bench.platform.dsn(bench.login),
                    "may_grant": [f"{bench.schema}.*"],
                    **rules,
                }
            },
            clock=self.clock,
        )
        self.market.people.add("uma", permissions=["USER_ADMIN"])
        self.market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        self.people = {bench.alice: "alice", bench.bob: "bob"}
        for principal, name in self.people.items():
            self.market.people.add(name, principals={"warehouse": principal}, by="uma")
        self.market.domains.create("sales", by="gil")
        self.sources = []

    def source(self, name, object, columns, masked=()):
        """Register a data source."""
        found = DataSource(
            name,
            connection="warehouse",
            object=object,
            columns=[Column(each, masked=each in masked) for each in columns],
        )
        self.market.sources.register(found, by="gil")
        self.sources.append(name)
        self.market.domains.assign("sales", list(self.sources), by="gil")
        return name

    def product(self, *sources):
        """Publish a product on these sources."""
        name = f"Product {len(self.market.products.search(by='gil').items)}"
        return self.market.products.publish(name, domain="sales", sources=list(sources), by="gil")

    def approved(self, request):
        """The request approved, and carried out as far as the platform lets it."""
        self.market.requests.approve(request.id, reason="fine", by="gil")
        self.market.deliver()
        return request

    def give(self, product, principal):
        """Access for a person."""
        asked = self.market.requests.request_access(
            product.id, answers={"why": "work"}, by=self.people[principal]
        )
        return self.approved(asked)

    def unmask(self, product, principal, *columns):
        """A masking exception for a person."""
        person = self.people[principal]
        ask = self.market.requests.request_masking_exception
        return self.approved(ask(product.id, columns=columns, answers={"why": "work"}, by=person))

    def revoke(self, request):
        """End what a request gave."""
        self.market.requests.revoke(request.id, reason="over", by="gil")
        self.market.deliver()

    def grants(self, principal):
        """What a person has, as they read it."""
        person = self.people[principal]
        return list(self.market.grants.of(person, by=person).items)

    def trouble(self, principal):
        """Codes and messages of what holds a person's grants back."""
        return [(t.code, t.message) for each in self.grants(principal) for t in each.trouble]

    def close(self):
        self.market.close()


@pytest.fixture(scope="session")
def server():
    """The server behind MARKETPLACE_TEST_PG_DSN, or one of our own for this session."""
    with server_for_tests() as found:
        yield found


@pytest.fixture
def platform(server):
    """The database; people and schemas made through it are dropped after the test."""
    with PostgresPlatform(server.dsn) as made:
        yield made


@pytest.fixture
def bench(platform):
    """A marketplace's login on schema ``sales`` with tables ``orders`` and ``items``."""
    with Bench(platform) as made:
        yield made


@pytest.fixture
def lonely_bench(server):
    """The same in a database of its own, in which nobody has a right that was not given here."""
    name = f"alone_{secrets.token_hex(4)}"
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC".encode())
        try:
            with PostgresPlatform(make_conninfo(server.dsn, dbname=name)) as made:
                bench = Bench(made)
                logins = f"{bench.alice}, {bench.bob}, {bench.login}"
                made.run(f"GRANT CONNECT ON DATABASE {name} TO {logins}")
                with bench:
                    yield bench
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def shop(bench):
    """A marketplace whose approvals change the bench's database."""
    made = Shop(bench)
    yield made
    made.close()


@pytest.fixture
def shop_on():
    """Makes marketplaces on benches; the settings of their connections may have more keys."""
    made = []

    def make(bench, **rules):
        made.append(Shop(bench, **rules))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def lonely_shop(lonely_bench):
    """A marketplace on a database of its own."""
    made = Shop(lonely_bench)
    yield made
    made.close()


@pytest.fixture(scope="session")
def modern_server(server):
    """A server of version 16 or later, where memberships have options."""
    if server.version >= 160000:
        yield server
        return
    with PlatformServer.start(prefer="wheel") as found:
        yield found


@pytest.fixture
def modern_bench(modern_server):
    """The bench on such a server."""
    with PostgresPlatform(modern_server.dsn) as platform, Bench(platform) as made:
        yield made


@pytest.fixture
def within():
    """Makes calls that may last a number of seconds."""
    return seconds
