"""How a portal tests what it embeds: all in memory, in milliseconds, with a clock of its own.

The platform is a fake that says what each person could read; nothing is mocked.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from marketplace_sdk import Marketplace, read_declarations
from marketplace_sdk.testing import FrozenClock, MemoryPlatform

sys.path.insert(0, str(Path(__file__).parent))

from portal import Portal

SHOP = Path(__file__).parent / "shop.yaml"


class World:
    """A shop as its files declare it, on a platform with one table and one reader."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.lake = MemoryPlatform(
            objects={"sales.orders": ["id", "email"]},
            principals=["bob_login"],
            protected=["sales.orders.email"],
        )
        self.market = Marketplace(connections={"lake": self.lake}, clock=self.clock)
        people = self.market.people
        people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
        people.add("bob", principals={"lake": "bob_login"}, by="uma")
        people.add("fin", groups=["finance-stewards"], by="uma")
        plan = self.market.declarations.plan(read_declarations(SHOP), by="uma")
        assert self.market.declarations.apply(plan, by="uma").failed == ()
        self.portal = Portal(self.market)

    def asks(self, answers):
        """What bob's form submits."""
        version = self.portal.ask_page("bob", "orders")["version"]
        return self.portal.ask("bob", "orders", {"answers": answers, "version": version})

    def bob_reads(self) -> bool:
        """Whether the platform would let him."""
        self.market.deliver()
        return self.lake.can_read("bob_login", "sales.orders")


@pytest.fixture
def world():
    made = World()
    yield made
    made.market.close()


def test_what_is_found_can_be_asked_for_and_read_until_it_ends(world):
    (found,) = world.portal.search("bob", "ordres")
    assert found == {"id": "orders", "name": "Orders", "status": "none"}

    status, request = world.asks({"why": "quarter-end forecast"})
    assert (status, world.bob_reads()) == (201, False)
    assert world.portal.decide("fin", request, yes=True, reason="fine")[0] == 200
    assert world.bob_reads()

    world.clock.advance(timedelta(days=31))
    assert not world.bob_reads()
    assert world.portal.search("bob", "orders")[0]["status"] == "expired"


def test_a_no_gives_nothing(world):
    _, request = world.asks({"why": "just looking"})

    status, told = world.portal.decide("fin", request, yes=False, reason="not needed")

    assert (status, told.splitlines()[0]) == (200, "denied: bob asks for access to Orders")
    assert not world.bob_reads()


@pytest.mark.parametrize(
    ("answers", "status", "told"),
    [
        ({}, 422, "answers.why: must be answered"),
        ({"why": "x", "other": "y"}, 422, "fits no question"),
    ],
)
def test_what_a_browser_sends_is_checked_again(world, answers, status, told):
    answer = world.asks(answers)

    assert answer[0] == status
    assert told in answer[1]


def test_who_is_no_steward_cannot_decide(world):
    _, request = world.asks({"why": "x"})

    assert world.portal.decide("bob", request, yes=True, reason="please")[0] == 403
    assert world.portal.decide("uma", request, yes=True, reason="I may all")[0] == 403
    assert world.portal.decide("fin", "no-such-request", yes=True, reason="x")[0] == 404
