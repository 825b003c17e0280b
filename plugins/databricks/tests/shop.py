"""A whole marketplace on the fake: form, approval by a steward, delivery, end."""

from __future__ import annotations

from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk.testing import FrozenClock

PEOPLE = {"ann": "ann@x.org", "bob": "bob@x.org", "robot": "11111111-2222-4333-8444-555555555555"}


class Shop:
    """One governor ``gil`` decides everything; ``ann``, ``bob`` and ``robot`` ask.

    Args:
        fake: the platform.
        storage: where the marketplace keeps things.
        clock: its clock.
        settings: of the connection, beside host and token.
    """

    def __init__(self, fake, storage="memory", clock=None, **settings):
        self.fake = fake
        self.clock = clock or FrozenClock()
        self.settings = settings
        self.storage = storage
        self.market = self.open()
        self.market.people.add("uma", permissions=["USER_ADMIN"])
        self.market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        for name, principal in PEOPLE.items():
            self.market.people.add(name, principals={"lake": principal}, by="uma")
        self.market.domains.create("sales", by="gil")
        self.sources = {}

    def open(self):
        """The marketplace as another process opens it."""
        connection = {"plugin": "databricks", "may_grant": ["c.*"], **self.fake.settings}
        connection |= {"requests_per_second": 10_000, **self.settings}
        return Marketplace(self.storage, connections={"lake": connection}, clock=self.clock)

    def product(self, *objects, masked=()):
        """Publish a product on these objects; their first column is not masked."""
        names = []
        for object in objects:
            name = object.replace(".", "_")
            if name not in self.sources:
                columns = [Column("id"), *(Column(each, masked=True) for each in masked)]
                found = DataSource(name, connection="lake", object=object, columns=columns)
                self.market.sources.register(found, by="gil")
                self.sources[name] = object
                self.market.domains.assign("sales", list(self.sources), by="gil")
            names.append(name)
        count = len(self.market.products.search(by="gil").items)
        made = self.market.products.publish(
            f"Product {count}", domain="sales", sources=names, by="gil"
        )
        return made.id

    def ask(self, product, who="ann"):
        return self.market.requests.request_access(product, answers={"why": "work"}, by=who).id

    def approve(self, request, until=None):
        self.market.requests.approve(request, reason="fine", until=until, by="gil")
        return request

    def give(self, product, who="ann", until=None):
        """Access, approved and carried out as far as the platform lets it."""
        request = self.approve(self.ask(product, who), until)
        self.market.deliver()
        return request

    def unmask(self, product, who, *columns, until=None):
        """A masking exception, approved and carried out."""
        asked = self.market.requests.request_masking_exception(
            product, columns=columns, answers={"why": "work"}, by=who
        )
        self.approve(asked.id, until)
        self.market.deliver()
        return asked.id

    def revoke(self, request):
        self.market.requests.revoke(request, reason="over", by="gil")
        self.market.deliver()

    def settle(self):
        """Let an hour pass in which leases run out and everything is tried again."""
        for _ in range(6):
            self.clock.advance(minutes=10)
            self.market.deliver()

    def grants(self, who="ann"):
        return list(self.market.grants.of(who, ended=True, limit=100, by=who).items)

    def state(self, who="ann"):
        return self.grants(who)[-1].state

    def trouble(self, who="ann"):
        return "; ".join(
            f"{each.code}: {each.message}" for one in self.grants(who) for each in one.trouble
        )

    def installation(self):
        return self.market.installation

    def close(self):
        self.market.close()
