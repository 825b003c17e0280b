"""A store with products, grants and people, and workers that deliver on it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

from attrs import evolve

from marketplace_sdk.delivery.bench import Bench
from marketplace_sdk.delivery.calls import Connection
from marketplace_sdk.delivery.deliverer import Deliverer
from marketplace_sdk.delivery.desk import Desk
from marketplace_sdk.delivery.inspecting import Inspector
from marketplace_sdk.delivery.ledger import LEDGER, PIN
from marketplace_sdk.delivery.listeners import Listener, Listeners
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.catalog import Column, DataSource
from marketplace_sdk.domain.destinations import Subscription
from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.domain.forms import FormVersion
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import Beneficiary, GroupFacts, Person
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.endings import end_grant
from marketplace_sdk.work.targets import product_marks, targets_of

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Wall time and monotonic time that move together when they are told to."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def monotonic(self):
        return (self.now - START).total_seconds()

    def advance(self, seconds=0, **more):
        self.now += timedelta(seconds=seconds, **more)


class People:
    """A directory of a few people; may be out of order."""

    def __init__(self):
        self.people = {}
        self.groups = {}
        self.matching = {}
        self.down = False

    def person(self, id):
        if self.down:
            raise ConnectionError("ldap://secret")
        return self.people.get(id)

    def group(self, name):
        return self.groups.get(name)

    def members(self, selector, limit):
        if self.down:
            raise ConnectionError("ldap://secret")
        return self.matching.get(selector.token, [])[:limit]


class Post:
    """A notifier that remembers; ``fails`` is called with each message first."""

    def __init__(self):
        self.messages = []
        self.fails = None

    def deliver(self, message, call):
        if self.fails is not None:
            self.fails(message)
        self.messages.append(message)

    def close(self):
        pass


class World:
    """Everything a worker needs."""

    def __init__(self, platform=None, *, storage=None, settings=None, may_grant=("*",)):
        self.storage = storage or MemoryStorage()
        self.storage.setup()
        self.clock = Clock()
        self.people = People()
        self.platform = platform
        self.posts = {}
        self.settings = settings or Settings()
        self.problems = []
        self.check_plan = lambda plan, grant, product: self.problems
        self.deciders = lambda _: []
        self.handlers = {}
        self.connections = (
            {}
            if platform is None
            else {
                "lake": Connection(
                    name="lake", provisioner=platform, may_grant=may_grant, plugin="acme 1"
                )
            }
        )
        self.receives = {}
        self.build = None
        numbers = count(1)
        self.ids = lambda: f"id{next(numbers):06}"

    @property
    def desk(self):
        return Desk(storage=self.storage, clock=self.clock, ids=self.ids)

    def post(self, name, *receives):
        self.posts[name] = Post()
        self.receives[name] = frozenset(receives)
        return self.posts[name]

    def worker(self, owner="one"):
        return Deliverer(
            storage=self.storage,
            clock=self.clock,
            monotonic=self.clock.monotonic,
            random=lambda: 0.5,
            ids=self.ids,
            installation="inst0001",
            owner=owner,
            connections=self.connections,
            listeners=self.listeners(),
            directory=self.people,
            deciders=self.deciders,
            check_plan=self.check_plan,
            handlers=self.handlers,
            settings=self.settings,
        )

    def listeners(self):
        return Listeners(
            desk=self.desk,
            monotonic=self.clock.monotonic,
            settings=self.settings,
            configured={
                name: Listener(
                    subscription=Subscription(name=name, receives=self.receives[name]),
                    notifier=post,
                )
                for name, post in self.posts.items()
            },
            build=self.build,
            secrets=["env:HOOK_*"],
        )

    def bench(self):
        return Bench(
            desk=self.desk,
            monotonic=self.clock.monotonic,
            settings=self.settings,
            installation="inst0001",
            connections=self.connections,
            directory=self.people,
            check_plan=self.check_plan,
        )

    def inspector(self):
        return Inspector(self.bench())

    def deliver(self, owner="one"):
        return self.worker(owner).deliver()

    def settle(self, hours=2):
        """Deliver until even slow retries have had their turn."""
        for _ in range(hours * 6):
            self.deliver()
            self.clock.advance(minutes=10)
        return self.deliver()

    def person(self, id, *, linked=True):
        principal = self.platform.principal(id) if linked else None
        principals = {"lake": principal} if principal else {}
        self.people.people[id] = Person(id=id, principals=principals)
        return id

    def group(self, name, principal):
        self.people.groups[name] = GroupFacts(
            name=name, principals={"lake": self.platform.principal(principal)}
        )

    def source(self, name, *, object=None, masked=(), columns=("id",), connection="lake"):
        object = object or f"s.{name}"
        if (
            self.platform is not None
            and connection == "lake"
            and object not in self.platform.objects
        ):
            self.platform.object(object)
            self.platform.protected.update({f"{object}.{column}": True for column in masked})
        with self.desk.write() as unit:
            old = unit.get(DataSource, name)
            made = DataSource(
                name,
                connection=connection,
                object=object,
                columns=[*(Column(c) for c in columns), *(Column(c, masked=True) for c in masked)],
                revision=old.revision if old else 0,
            )
            unit.save(made)
        return name

    def product(self, id, *sources, **more):
        with self.desk.write() as unit:
            unit.save(
                DataProduct(
                    id=id,
                    name=id,
                    domain="d",
                    sources=sources,
                    created_at=self.clock(),
                    created_by="dee",
                    **more,
                )
            )
        return id

    def set_sources(self, product, *sources, ask=False):
        with self.desk.write() as unit:
            found = unit.get(DataProduct, product)
            changed, _, _ = found.with_sources(sources, unit.now, ask=ask)
            unit.save(changed)
            every = {*sources, *found.sources}
            unit.keep(Effects(marks=product_marks(unit, product, every)))

    def change(self, product, **changes):
        with self.desk.write() as unit:
            unit.save(evolve(unit.get(DataProduct, product), **changes))

    def grant(self, product, who, *, columns=(), until=None, group=False, id=None):
        """An approved request and its grant, with marks and timers."""
        id = id or f"g-{product}-{who}" + ("-m" if columns else "")
        kind = "masking_exception" if columns else "access"
        beneficiary = Beneficiary("group" if group else "person", who)
        with self.desk.write() as unit:
            request = AccessRequest(
                id=f"r-{id}",
                kind=kind,
                state="approved",
                requester="req",
                beneficiary=beneficiary,
                product=product,
                product_name=product,
                domain="d",
                columns=columns,
                form=FormVersion(id="f1", form="f", name="f"),
                grant=id,
                created_at=unit.now,
                until=until,
            )
            grant = Grant(
                id=id,
                kind=kind,
                product=product,
                beneficiary=beneficiary,
                columns=columns,
                requests=(request.id,),
                since=unit.now,
                until=until,
                created_at=unit.now,
            )
            unit.save(request)
            grant = unit.save(grant)
            timers = ()
            if until is not None:
                timers = [Timer(kind="expire", about=grant.aggregate, due=until)]
                timers += [
                    Timer(
                        kind="warn",
                        about=grant.aggregate,
                        due=until - ahead,
                        data={"due": words, "until": text_of(until)},
                    )
                    for ahead, words in (
                        (timedelta(days=7), "7 days"),
                        (timedelta(days=1), "1 day"),
                    )
                    if until - ahead > unit.now
                ]
            unit.keep(Effects(timers=tuple(timers), marks=targets_of(unit, grant)))
        return id

    def revoke(self, id, cause="revoked"):
        with self.desk.write() as unit:
            end_grant(unit, unit.get(Grant, id), cause)

    def withhold(self, id):
        with self.desk.write() as unit:
            grant, effects = unit.get(Grant, id).withhold("suspended")
            unit.save(grant)
            unit.keep(effects + Effects(marks=targets_of(unit, grant)))

    def release(self, id):
        with self.desk.write() as unit:
            grant, effects = unit.get(Grant, id).release("suspended")
            unit.save(grant)
            unit.keep(effects + Effects(marks=targets_of(unit, grant)))

    def mark(self, id):
        with self.desk.write() as unit:
            unit.keep(Effects(marks=targets_of(unit, unit.get(Grant, id))))

    def get(self, id):
        with self.desk.read() as unit:
            return unit.get(Grant, id)

    def state(self, id):
        return self.get(id).state

    def troubles(self, id):
        return [trouble.code for trouble in self.get(id).trouble]

    def ledger(self):
        with self.storage.begin(write=False) as rows:
            return {record.id: record for record in rows.find(LEDGER)}

    def pins(self):
        with self.storage.begin(write=False) as rows:
            return {record.id: record for record in rows.find(PIN)}

    def inbox(self):
        with self.desk.read() as unit:
            return unit.find(InboxMessage)

    def work(self, queue, dead=None):
        with self.storage.begin(write=False) as rows:
            return rows.work(queue, dead=dead)

    def events(self, type):
        with self.storage.begin(write=False) as rows:
            return [row for row in rows.events() if row.type == type]

    def event_counts(self):
        with self.storage.begin(write=False) as rows:
            return Counter(row.type for row in rows.events())
