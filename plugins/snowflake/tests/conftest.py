"""A fake account behind a real socket for every test, and a marketplace's login on it.

The real connector drives it; who reads what is asked of the fake, never concluded from statements.
"""

from __future__ import annotations

import secrets
import time

import pytest

from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk.plugin import (
    Call,
    Change,
    Known,
    Ref,
    Resolved,
    Seen,
    Target,
    TargetObject,
    dotted_name,
)
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_snowflake import protecting
from marketplace_sdk_snowflake.provisioner import SnowflakeProvisioner
from marketplace_sdk_snowflake.sessions import Sessions
from marketplace_sdk_snowflake.settings import Login, Settings
from marketplace_sdk_snowflake.testing import FakeSnowflake

ORDERS = ("SALES", "CORE", "ORDERS")
ITEMS = ("SALES", "CORE", "ITEMS")
TOTALS = ("SALES", "CORE", "TOTALS")


def seconds(number: float, id: str = "") -> Call:
    """A call that may last so long from now, of a pass of its own."""
    end = time.monotonic() + number
    return Call(
        seconds_left=lambda: end - time.monotonic(), correlation_id=id or secrets.token_hex(8)
    )


def login_of(fake, *, warehouse=False, **more):
    """How the marketplace logs in at the fake."""
    options = {**fake.connection, **({"warehouse": "COMPUTE_WH"} if warehouse else {}), **more}
    return Login(options=options, secrets=(options["password"],))


def permit(fake, *schemas, how="schema"):
    """Give the service role the least rights, in one of the three ways of the set-up page."""
    role = fake.service_role
    for database, schema in schemas:
        if how == "account":
            fake.admin(f'GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "{role}"')
            continue
        fake.admin(f'GRANT USAGE ON DATABASE "{database}" TO ROLE "{role}" WITH GRANT OPTION')
        if how == "schema":
            fake.admin(f'GRANT MANAGE GRANTS ON SCHEMA "{database}"."{schema}" TO ROLE "{role}"')
        else:
            fake.admin(
                f'GRANT USAGE ON SCHEMA "{database}"."{schema}" TO ROLE "{role}" WITH GRANT OPTION'
            )


class Bench:
    """The service role on two tables and a view, and people.

    Its ``reconcile`` is the reconciler in ten lines: removals downwards, then additions upwards.
    """

    def __init__(self, fake, settings=None):
        self.fake = fake
        self.installation = f"inst{secrets.token_hex(4)}"
        self.settings = settings or Settings()
        fake.table(ORDERS, ["ID", "EMAIL", "PHONE"], rows=[{"ID": "1", "EMAIL": "a@b.example"}])
        fake.table(ITEMS, ["ID", "SKU"])
        fake.view(TOTALS, over=ITEMS)
        for name in ("ALICE", "BOB"):
            fake.user(name)
        permit(fake, ("SALES", "CORE"))
        fake.admin(f'GRANT CREATE USER ON ACCOUNT TO ROLE "{fake.service_role}"')
        self.made = []
        self.provisioner = self.make()
        self.ledger = {}
        self.scopes = {}

    def make(self, settings=None):
        """Another provisioner with the same login."""
        chosen = settings or self.settings
        made = SnowflakeProvisioner(
            login_of(self.fake, warehouse=chosen.warehouse),
            installation=self.installation,
            name="warehouse",
            settings=chosen,
        )
        self.made.append(made)
        return made

    def target(self, *objects, key="product:orders", column=None):
        """A target; an object is a name in parts, or such a name with the columns to mask."""
        pairs = [(o, ()) if isinstance(o[0], str) else o for o in objects]
        return Target(
            key=key,
            objects=tuple(TargetObject(dotted_name(*name), frozenset(m)) for name, m in pairs),
            column=column,
        )

    def exception(self, name, column):
        """The target of a masking exception."""
        key = f"column:{dotted_name(*name)}|{column}"
        return self.target(name, key=key, column=column)

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

    def see(self, *scopes, guards=()):
        """What is in each scope."""
        seen = self.provisioner.observe(scopes, guards, seconds(10))
        assert all(isinstance(each, Seen) for each in seen.values()), seen
        return seen

    def plan(self, target, people=()):
        """Changes that lead to what is wanted; what is unclaimed but ours goes first."""
        wanted = self.wanted(target, people)
        old = {key: item for key, item in self.ledger.items() if item.target == target.key}
        scopes = {i.scope for i in wanted.values()} | {e.item.scope for e in old.values()}
        there = {k for seen in self.see(*scopes).values() for k, p in seen.items.items() if p.ours}
        gone = [e.item for key, e in old.items() if key in there and key not in wanted]
        new = [item for key, item in wanted.items() if key not in there]
        self.ledger.update({k: _Entry(target.key, item) for k, item in wanted.items()})
        return [
            *(Change(action="remove", item=i) for i in sorted(gone, key=lambda i: -i.rank)),
            *(Change(action="add", item=i) for i in sorted(new, key=lambda i: i.rank)),
        ]

    def reconcile(self, target, people=(), call=None):
        """Carry the plan out, scope by scope; returns the outcomes."""
        return self.apply(self.plan(target, people), call)

    def apply(self, changes, call=None):
        """Carry changes out, a batch for each run of one scope."""
        outcomes = []
        while changes:
            scope = changes[0].item.scope
            batch = []
            while changes and changes[0].item.scope == scope:
                batch.append(changes[0])
                changes = changes[1:]
            outcomes += self.provisioner.apply(batch, call or seconds(10))
        return outcomes

    def end(self, target):
        """Take everything of a target away; returns the outcomes."""
        items = [e.item for e in self.ledger.values() if e.target == target.key]
        there = {k for seen in self.see(*{i.scope for i in items}).values() for k in seen.items}
        return self.apply(
            [
                Change(action="remove", item=i)
                for i in sorted(items, key=lambda i: (-i.rank, i.scope.key))
                if i.key in there
            ]
        )

    def close(self):
        for provisioner in self.made:
            provisioner.close()


class _Entry:
    def __init__(self, target, item):
        self.target, self.item = target, item


class Shop:
    """A whole marketplace on a fake account. One governor ``gil`` approves everything."""

    def __init__(self, bench, storage="memory", **settings):
        self.bench, self.fake = bench, bench.fake
        self.clock = FrozenClock()
        self.fake.clock = self.clock
        options = self.fake.connection
        self.fake.world.user(self.fake.service_user).secrets["PROGRAMMATIC_ACCESS_TOKEN"] = (
            "shop-token"
        )
        self.market = Marketplace(
            storage,
            connections={
                "warehouse": {
                    "plugin": "snowflake",
                    "account": options["account"],
                    "host": options["host"],
                    "port": options["port"],
                    "protocol": options["protocol"],
                    "user": options["user"],
                    "role": options["role"],
                    "authentication": "pat",
                    "token": "env:SHOP_TOKEN",
                    "may_grant": ["SALES.*"],
                    **settings,
                }
            },
            clock=self.clock,
        )
        self.market.people.add("uma", permissions=["USER_ADMIN"])
        self.market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        for name in ("ALICE", "BOB"):
            self.market.people.add(name.lower(), principals={"warehouse": name}, by="uma")
        self.market.domains.create("sales", by="gil")
        self.sources = []

    def source(self, name, object, columns, masked=()):
        """Register a data source."""
        found = DataSource(
            name,
            connection="warehouse",
            object=dotted_name(*object),
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

    def approved(self, request, **more):
        """The request approved, and carried out as far as the platform lets it."""
        self.market.requests.approve(request.id, reason="fine", by="gil", **more)
        self.market.deliver()
        return request

    def give(self, product, person, **more):
        """Access for a person."""
        ask = self.market.requests.request_access
        return self.approved(ask(product.id, answers={"why": "work"}, by=person), **more)

    def unmask(self, product, person, *columns, **more):
        """A masking exception for a person."""
        ask = self.market.requests.request_masking_exception
        asked = ask(product.id, columns=columns, answers={"why": "work"}, by=person)
        return self.approved(asked, **more)

    def revoke(self, request):
        """End what a request gave."""
        self.market.requests.revoke(request.id, reason="over", by="gil")
        self.market.deliver()

    def settle(self):
        """Let an hour pass in which everything is tried again."""
        for _ in range(6):
            self.clock.advance(minutes=10)
            self.market.deliver()

    def grants(self, person):
        """What a person has, as they read it."""
        return list(self.market.grants.of(person, by=person).items)

    def trouble(self, person):
        """Codes and messages of what holds a person's grants back."""
        return [(t.code, t.message) for each in self.grants(person) for t in each.trouble]

    def drift(self):
        """Kinds and words of what is not as it should be."""
        return [(each.kind, each.what) for each in self.market.grants.drift(by="gil").findings]

    def shortcomings(self):
        """What the service role lacks, as an administrator is told."""
        checks = self.market.health(platforms=True).checks
        (found,) = [each for each in checks if each.name == "connection warehouse"]
        return found.facts["shortcomings"]

    def close(self):
        self.market.close()


@pytest.fixture(scope="session", autouse=True)
def loaded():
    """The connector is there before the first deadline runs; loading it takes seconds at times."""
    import snowflake.connector

    return snowflake.connector.__version__


@pytest.fixture
def fake():
    """An account of its own."""
    with FakeSnowflake() as made:
        yield made


@pytest.fixture
def bench(fake):
    """The service role on ``SALES.CORE`` with two tables and a view."""
    made = Bench(fake)
    yield made
    made.close()


@pytest.fixture
def make_bench(fake):
    """The bench with other settings."""
    made = []

    def make(settings):
        made.append(Bench(fake, settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def make_shop(bench, monkeypatch):
    """A marketplace whose approvals change the fake; takes settings of the connection."""
    monkeypatch.setenv("SHOP_TOKEN", "shop-token")
    made = []

    def make(**settings):
        made.append(Shop(bench, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def standard_shop(monkeypatch):
    """The same on an account of the edition without masking policies."""
    monkeypatch.setenv("SHOP_TOKEN", "shop-token")
    with FakeSnowflake(edition="STANDARD") as standard:
        bench = Bench(standard)
        made = Shop(bench)
        yield made
        made.close()
        bench.close()


@pytest.fixture
def administrator(fake):
    """Runs what the command line does with an administrator's login; takes make and Wanted."""
    fake.user("ROOT", roles=["ACCOUNTADMIN"], default_role="ACCOUNTADMIN")
    options = {**fake.connection_for("ROOT", "ACCOUNTADMIN"), "warehouse": "COMPUTE_WH"}
    sessions = Sessions(Login(options=options), name="administrator")

    def run(make, wanted):
        with sessions.use(seconds(10)) as talk:
            texts = make(talk, wanted)
            protecting.run(talk, texts)
        return texts

    yield run
    sessions.close()


@pytest.fixture
def protected(fake, administrator):
    """Puts a policy of ours on a column."""

    def run(installation, table, column, **more):
        fake.schema(("GOV", "MKT"))
        wanted = protecting.Wanted(
            column=(*table, column),
            installation=installation,
            service_role="MKT_SVC",
            policies=("GOV", "MKT"),
            **more,
        )
        return administrator(protecting.protect, wanted)

    return run


@pytest.fixture
def shop(make_shop):
    """A marketplace whose approvals change the fake."""
    return make_shop()


@pytest.fixture
def within():
    """Makes calls that may last a number of seconds."""
    return seconds


@pytest.fixture(scope="session")
def impatient():
    """Options with which the connector gives up soon, under their names in its version."""
    import snowflake.connector as driver

    name = "query_timeout" if int(driver.__version__[0]) >= 5 else "network_timeout"
    return {name: 1, "login_timeout": 1}
