"""Repair puts right what is ours, through the same passes as everything else."""

from __future__ import annotations

import pytest

from marketplace_sdk import NotFound
from tests.services.helpers import nothing_written, small_world
from tests.world import LEGAL, any_of


@pytest.fixture
def world():
    made = small_world()
    made.product = made.publish(any_of(LEGAL))
    made.approve(made.ask(made.product), "ana")
    made.deliver()
    yield made
    made.close()


def taken(world):
    world.platform.platform.revoke_by_hand(world.principals["con"], world.objects["people"])


def test_looking_for_drift_writes_nothing(world):
    taken(world)

    with nothing_written(world):
        drift = world.market.grants.drift(by="gil")

    people, con = world.objects["people"], world.principals["con"]
    assert str(drift) == f"lake: missing: GRANT SELECT ON {people} TO {con}"
    assert world.reads("con") == "none"


def test_repair_says_what_it_found_and_the_next_delivery_puts_it_back(world):
    taken(world)

    found = world.market.grants.repair(by="gil")
    world.deliver()

    assert [each.kind for each in found.findings] == ["missing"]
    assert world.reads("con") == "clear"
    assert world.market.grants.drift(by="gil").findings == ()
    (event,) = world.market.audit.events("connection:lake", by="aud")
    assert (event.type, event.actor) == ("connection.repaired", "gil")


def test_repair_leaves_what_others_gave_alone(world):
    platform, people = world.platform.platform, world.objects["people"]
    platform.grant_by_hand(world.principals["pat"], people)
    before = platform.snapshot()

    found = world.market.grants.repair(by="gil")
    world.deliver()

    assert found.findings == ()
    assert platform.snapshot() == before
    assert world.market.audit.events("connection:lake", by="aud") == ()


def test_repair_backs_off_when_something_else_keeps_undoing_it_and_names_the_object(world):
    for _ in range(4):
        taken(world)
        world.market.grants.repair(by="gil")
        world.deliver()

    assert world.reads("con") == "none"
    (grant,) = world.market.grants.of("con", by="con").items
    assert grant.trouble[0].code == "undone_again"
    assert world.objects["people"] in grant.trouble[0].message
    (finding,) = world.market.grants.repair(by="gil").findings
    assert finding.objects == (world.objects["people"],)

    world.clock.advance(minutes=20)
    world.deliver()

    assert world.reads("con") == "clear"


def test_one_product_or_connection_is_repaired_alone(world):
    taken(world)
    other = world.publish(any_of(LEGAL), sources=["leave"])

    assert world.market.grants.repair(product=other.id, by="gil").findings == ()
    world.deliver()
    assert world.reads("con") == "none"
    with pytest.raises(NotFound):
        world.market.grants.repair(connection="sea", by="gil")
    with pytest.raises(NotFound):
        world.market.grants.drift(product="none", by="gil")

    world.market.grants.repair(connection="lake", product=world.product.id, by="gil")
    world.deliver()
    assert world.reads("con") == "clear"


def test_every_day_a_running_marketplace_looks_by_itself_and_tells_governance(world):
    taken(world)
    world.clock.advance(days=1)

    world.deliver()

    assert "platform_drifted" in world.told("gil")
    assert world.market.audit.events("connection:lake", by="aud")[0].type == ("connection.drifted")
