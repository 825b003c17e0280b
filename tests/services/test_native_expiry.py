"""A marketplace over a platform that can end access by itself."""

from __future__ import annotations

from marketplace_sdk import DataSource, Duration, Marketplace
from marketplace_sdk.testing import FrozenClock, MemoryPlatform
from tests.world import LEGAL, MemoryLake, World, any_of


def test_an_extension_reaches_the_platform_and_the_end_holds_without_a_worker():
    clock = FrozenClock()
    lake = MemoryLake()
    lake.platform = MemoryPlatform(objects={}, principals=[], protected=[], clock=clock)
    world = World("memory", lake, clock)
    product = world.publish(any_of(LEGAL))
    request = world.approve(world.ask(product), "ana", until=Duration(10, "days"))
    world.deliver()
    more = world.market.requests.extend(request.id, answers={"why": "more"}, by="con")
    world.approve(more, "ana", until=Duration(20, "days"))
    world.deliver()

    clock.advance(days=15)
    assert world.reads("con") == "clear"
    clock.advance(days=5)
    assert world.reads("con") == "none", "and nobody has delivered anything"

    world.deliver()
    (grant,) = world.market.grants.of("con", ended=True, by="con").items
    assert (grant.state, grant.cause) == ("ended", "expired")
    world.close()


def test_the_memory_platform_of_a_configuration_can_have_it():
    lake = {"plugin": "memory", "native_expiry": True}
    with Marketplace("memory", connections={"lake": lake}, discover=False) as market:
        market.people.add("gil", permissions=["GOVERNANCE", "USER_ADMIN"])
        market.people.add("bob", principals={"lake": "bob"}, by="gil")
        source = DataSource("orders", connection="lake", object="s.orders", columns=["id"])
        market.sources.register(source, by="gil")
        market.domains.create("d", by="gil")
        market.domains.assign("d", ["orders"], by="gil")
        product = market.products.publish("P", domain="d", sources=["orders"], by="gil")
        request = market.requests.request_access(product.id, answers={"why": "x"}, by="bob")
        market.requests.approve(request.id, reason="x", until=Duration(3, "days"), by="gil")
        market.deliver()
        (grant,) = market.grants.of("bob", by="bob")

        (item,) = market.grants.get(grant.id, by="bob").items

        assert item.evidence.startswith("GRANT SELECT ON s.orders TO bob UNTIL ")
