"""A marketplace for each test: in memory, with a clock that moves when it is told to."""

from __future__ import annotations

import pytest

from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk.testing import FrozenClock, MemoryNotifier, MemoryPlatform


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def lake():
    """A platform that enforces: it knows its objects and who may read them."""
    return MemoryPlatform(objects={"sales.orders": ["id", "total"]}, principals=["bob"])


@pytest.fixture
def told():
    """Everything that leaves the marketplace."""
    return MemoryNotifier()


@pytest.fixture
def market(clock, lake, told):
    with Marketplace(
        "memory",
        connections={"lake": lake},
        notifiers=[told],
        clock=clock,
        discover=False,  # what is installed on a machine changes no test
    ) as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        market.people.add("bob", principals={"lake": "bob"}, by="uma")
        columns = [Column("id"), Column("total")]
        table = DataSource("orders", connection="lake", object="sales.orders", columns=columns)
        market.sources.register(table, by="gil")
        market.domains.create("sales", by="gil")
        market.domains.assign("sales", ["orders"], by="gil")
        market.products.publish("Orders", id="orders", domain="sales", sources=["orders"], by="gil")
        yield market


@pytest.fixture
def ask(market):
    """Bob asks for the orders."""

    def asked(person="bob"):
        answers = {"why": "forecast"}
        return market.requests.request_access("orders", answers=answers, by=person)

    return asked
