"""What is shown of a grant: every item, what became of it, and nothing of other people."""

from __future__ import annotations

import pytest

from marketplace_sdk.domain.grants import Grant
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import World


def made(platform):
    world = World(platform)
    world.source("orders")
    world.source("items")
    world.product("p", "orders", "items")
    world.person("bob")
    world.person("eve")
    return world


def items(world, id):
    with world.desk.read() as unit:
        tell = world.inspector().items(unit, unit.get(Grant, id))
    return tell()


def shown(world, id):
    return {(item.statement, item.shared, item.state, item.origin) for item in items(world, id)}


def test_items_of_all_members_are_told_from_those_of_the_grant():
    world = made(RolePlatform())
    grant = world.grant("p", "bob")
    world.grant("p", "eve")

    world.deliver()

    assert shown(world, grant) == {
        ("add role product:p", True, "present", "ours"),
        ("add select o-s.orders to product:p", True, "present", "ours"),
        ("add select o-s.items to product:p", True, "present", "ours"),
        ("add member u-bob of product:p", False, "present", "ours"),
    }
    assert all(item.evidence for item in items(world, grant))
    assert not any("eve" in str(item) for item in items(world, grant))


def test_what_was_there_before_us_is_shown_as_such():
    world = made(DirectPlatform())
    world.platform.give("bob", "s.orders")
    grant = world.grant("p", "bob")

    world.deliver()

    assert shown(world, grant) == {
        ("add select o-s.orders to u-bob", False, "present", "preexisting"),
        ("add select o-s.items to u-bob", False, "present", "ours"),
    }
    (before,) = [item for item in items(world, grant) if item.origin == "preexisting"]
    assert str(before) == "lake: add select o-s.orders to u-bob [present, was there before us]"


def test_what_is_held_back_is_shown_as_absent():
    world = World(DirectPlatform())
    world.source("orders", masked=["email"])
    world.product("p", "orders")
    world.person("bob")
    world.platform.protected.clear()
    grant = world.grant("p", "bob")

    world.deliver()

    (item,) = items(world, grant)
    assert (item.state, item.wanted, item.objects) == ("absent", True, ("s.orders",))


def test_what_is_being_taken_away_is_shown_until_it_is_gone():
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    world.revoke(grant)
    world.platform.refuse["select o-s.orders to u-bob"] = "refused"

    world.deliver()

    (left,) = items(world, grant)
    assert str(left) == "lake: add select o-s.orders to u-bob [present, being taken away]"

    world.platform.refuse.clear()
    world.settle()

    assert items(world, grant) == []


def test_sources_that_only_later_members_carry_are_not_shown_to_earlier_ones():
    world = made(RolePlatform())
    early = world.grant("p", "bob")
    world.source("later")
    world.clock.advance(60)
    world.set_sources("p", "orders", "items", "later", ask=True)
    world.clock.advance(60)
    late = world.grant("p", "eve")

    world.deliver()

    assert not any("later" in object for item in items(world, early) for object in item.objects)
    assert any("s.later" in item.objects for item in items(world, late))


@pytest.mark.parametrize("withheld", [True, False])
def test_items_of_all_members_are_not_those_of_a_grant_that_is_held_back(withheld):
    world = made(RolePlatform())
    grant = world.grant("p", "bob")
    world.grant("p", "eve")
    world.deliver()
    if withheld:
        world.withhold(grant)

    world.deliver()

    assert any(item.shared for item in items(world, grant)) is not withheld


def test_a_plugin_without_words_or_connection_leaves_plain_ones():
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    del world.connections["lake"]

    assert {item.statement for item in items(world, grant)} == {
        "add select in object:o-s.orders",
        "add select in object:o-s.items",
    }


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_evidence_of_every_change_is_kept_when_nothing_is_left_of_it(kind):
    """The ledger forgets what is gone; the log says what was done, for whom, in which words."""
    world = made(kind())
    grant = world.grant("p", "bob")
    world.deliver()
    world.revoke(grant)
    world.deliver()
    assert world.ledger() == {}

    given, taken = (row.payload["changes"] for row in world.events("target.changed"))

    assert {row.aggregate for row in world.events("target.changed")} == {"target:lake|product:p"}
    assert {each["action"] for each in given} == {"add"}
    assert {each["action"] for each in taken} == {"remove"}
    assert sorted((key for _, key in world.platform.log)) == sorted(
        each["evidence"].split(" ", 1)[1] for each in (*given, *taken)
    )
    mine = [each for each in taken if "bob" in each["evidence"]]
    assert all(each["grants"] == [grant] for each in mine)
    assert mine


def test_a_pass_that_changes_nothing_leaves_no_evidence():
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    world.mark(grant)

    world.deliver()

    assert len(world.events("target.changed")) == 1


def test_evidence_is_kept_of_what_a_worker_did_before_it_lost_its_lease():
    world = made(DirectPlatform())
    world.grant("p", "bob")
    seen = []

    def stand_still(where, change):
        if where == "after" and not seen:
            seen.append(change)
        elif where == "before" and seen and world.clock().hour == 0:
            world.clock.advance(hours=1)
            world.deliver("two")

    world.platform.at_point = stand_still

    world.deliver("one")
    world.settle()

    told = [
        each["evidence"]
        for row in world.events("target.changed")
        for each in row.payload["changes"]
    ]
    assert f"add {seen[0].item.key}" in told
