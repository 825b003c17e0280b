"""A mask reaches the same object under every name, and every view that shows the column."""

from __future__ import annotations

import pytest

from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk.testing import FrozenClock, MemoryPlatform

ORDERS, VIEW = "sales.orders", "sales.contacts"
CLEAR = [Column("id"), Column("email")]
MASKED = [Column("id"), Column("email", masked=True)]


class SideDoor(MemoryPlatform):
    """Another connection to a platform, which can fail by itself."""

    def __init__(self, platform):
        super().__init__()
        self.identity, self._books = platform.identity, platform._books


class Lakehouse:
    """Two connections to one platform and one to another, and a person who may read by approval."""

    def __init__(self):
        self.clock = FrozenClock()
        self.lake, self.other = (
            MemoryPlatform(objects={ORDERS: ["id", "email"]}, principals=["bob", "eve"], name=name)
            for name in ("lake", "other")
        )
        self.lake.create(VIEW, ["id", "mail"], shows={"mail": f"{ORDERS}.email"})
        self.side = SideDoor(self.lake)
        connections = {"lake": self.lake, "side": self.side, "far": self.other}
        self.market = Marketplace(
            connections={
                name: {"plugin": each, "may_grant": ["*"]} for name, each in connections.items()
            },
            clock=self.clock,
        )
        self.market.people.add("uma", permissions=["USER_ADMIN"])
        self.market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        for person in ("bob", "eve"):
            self.market.people.add(person, principals=dict.fromkeys(connections, person), by="uma")
        self.market.domains.create("sales", by="gil")

    def source(self, name, object, columns, connection="lake"):
        source = DataSource(name, connection=connection, object=object, columns=columns)
        self.market.sources.register(source, by="gil")
        self.market.domains.assign("sales", [name], by="gil")

    def product(self, *sources):
        return self.market.products.publish(
            " ".join(sources), domain="sales", sources=list(sources), by="gil"
        )

    def give(self, product, person="bob"):
        request = self.market.requests.request_access(
            product.id, answers={"why": "work"}, by=person
        )
        self.market.requests.approve(request.id, reason="fine", by="gil")
        self.market.deliver()
        return request

    def grant(self, person="bob"):
        (view,) = self.market.grants.of(person, by=person).items
        return view

    def events(self, type):
        events = self.market.audit.events(limit=1000, by="gil")
        return [each for each in events if each.type == type]


@pytest.fixture
def house():
    made = Lakehouse()
    yield made
    made.market.close()


def test_a_view_that_is_open_is_closed_when_the_column_behind_it_is_masked(house):
    """And opened again when the view's column is masked itself."""
    house.source("contacts", VIEW, [Column("id"), Column("mail")])
    house.give(house.product("contacts"))
    assert house.lake.sees_clear("bob", VIEW, "mail")

    house.source("orders", ORDERS, MASKED)
    house.market.deliver()

    assert not house.lake.can_read("bob", VIEW)
    grant = house.grant()
    assert (grant.state, [each.code for each in grant.trouble]) == (
        "wanted",
        ["unprotected_column"],
    )
    (closed,) = house.events("object.closed")
    assert closed.payload["objects"] == [VIEW]
    assert closed.payload["grants"] == [grant.id]
    assert any(
        each.kind == "access_closed" for each in house.market.inbox.of("gil", by="gil").items
    )

    house.lake.protect(VIEW, "mail")
    house.market.sources.update(
        "contacts", columns=[Column("id"), Column("mail", masked=True)], by="gil"
    )
    house.market.deliver()

    assert house.lake.reads("bob", VIEW, "mail") == "masked"
    assert house.grant().state == "active"


def test_a_mask_that_is_set_later_on_a_known_source_closes_the_view_too(house):
    house.source("orders", ORDERS, CLEAR)
    house.source("contacts", VIEW, [Column("id"), Column("mail")])
    house.give(house.product("contacts"))

    house.market.sources.update("orders", columns=MASKED, by="gil")
    house.market.deliver()

    assert not house.lake.can_read("bob", VIEW)

    house.market.sources.update("orders", columns=CLEAR, by="gil")
    house.clock.advance(hours=1)
    house.market.deliver()

    assert house.lake.can_read("bob", VIEW)


@pytest.mark.parametrize("first", ["mask", "access"])
def test_a_mask_reaches_the_same_object_over_another_connection(house, first):
    """Whether it was registered before the access was given or afterwards."""
    house.source("open", ORDERS, CLEAR)
    if first == "mask":
        house.source("masked", ORDERS, MASKED, connection="side")
    house.give(house.product("open"))
    if first == "access":
        house.source("masked", ORDERS, MASKED, connection="side")
    house.market.deliver()

    assert not house.lake.can_read("bob", ORDERS)
    assert [each.code for each in house.grant().trouble] == ["unprotected_column"]

    house.lake.protect(ORDERS, "email")
    house.clock.advance(hours=1)
    house.market.deliver()

    assert house.lake.reads("bob", ORDERS, "email") == "masked"


def test_a_mask_on_another_platform_changes_nothing(house):
    house.source("open", ORDERS, CLEAR)
    house.give(house.product("open"))

    house.source("masked", ORDERS, MASKED, connection="far")
    house.market.deliver()

    assert house.lake.sees_clear("bob", ORDERS, "email")
    assert house.grant().state == "active"


def test_while_a_mask_cannot_be_looked_up_nothing_is_opened(house):
    """It may be on this very table; what is open stays."""
    house.source("open", ORDERS, CLEAR)
    product = house.product("open")
    house.give(product)
    house.side.unreachable = True
    house.source("masked", "sales.somewhere", MASKED, connection="side")

    house.give(product, "eve")

    assert house.lake.can_read("bob", ORDERS)
    assert not house.lake.can_read("eve", ORDERS)
    assert house.grant("eve").trouble[0].retryable

    house.side.unreachable = False
    house.clock.advance(hours=1)
    house.market.deliver()

    assert house.lake.can_read("eve", ORDERS)


def test_a_mask_on_an_object_that_is_made_later_counts_from_the_beginning(house):
    """It meant nothing when it was looked up, so it is looked up again before anything is opened."""
    house.lake.drop(ORDERS)
    house.source("contacts", VIEW, [Column("id"), Column("mail")])
    house.source("masked", ORDERS, MASKED, connection="side")
    house.source("open", ORDERS, CLEAR)
    product = house.product("open")
    house.give(product)
    assert [each.code for each in house.grant().trouble] == ["object_not_found"]

    house.lake.create(ORDERS, ["id", "email"])
    house.clock.advance(hours=1)
    house.market.deliver()

    assert not house.lake.can_read("bob", ORDERS)
    assert [each.code for each in house.grant().trouble] == ["unprotected_column"]


def test_a_mask_that_is_lost_on_the_platform_closes_at_the_next_look(house):
    """Nobody has to ask for it: looking for drift finds it and the next pass takes it away."""
    house.lake.protect(ORDERS, "email")
    house.source("orders", ORDERS, MASKED)
    house.give(house.product("orders"))
    assert house.lake.reads("bob", ORDERS, "email") == "masked"

    house.lake.unprotect(ORDERS, "email")
    house.clock.advance(days=2)
    house.market.deliver()

    assert not house.lake.can_read("bob", ORDERS)
    assert len(house.events("object.closed")) == 1


def test_what_somebody_had_before_us_is_told_and_stays(house):
    house.lake.grant_by_hand("bob", VIEW)
    house.source("contacts", VIEW, [Column("id"), Column("mail")])
    house.give(house.product("contacts"))

    house.source("orders", ORDERS, MASKED)
    house.market.deliver()

    assert house.lake.can_read("bob", VIEW)
    assert house.grant().state == "active"
    assert house.events("object.closed") == []
    drift = house.market.grants.drift(by="gil")
    assert [each.kind for each in drift.findings] == ["unprotected"]
