"""Passes over products: what is claimed comes to be, what is not goes, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import START, World


@pytest.fixture(params=[DirectPlatform, RolePlatform])
def world(request):
    made = World(request.param())
    made.source("orders")
    made.source("items")
    made.product("p", "orders", "items")
    made.person("bob")
    made.person("eve")
    return made


def test_an_approved_grant_becomes_access_and_then_active(world):
    grant = world.grant("p", "bob")

    done = world.deliver()

    assert world.platform.reads("bob", "s.orders")
    assert world.platform.reads("bob", "s.items")
    assert not world.platform.reads("eve", "s.orders")
    assert world.state(grant) == "active"
    assert (done.passes, done.failed) == (1, 0)


def test_a_revoked_grant_is_taken_away_and_then_ended(world):
    grant = world.grant("p", "bob")
    world.deliver()
    world.revoke(grant)

    world.deliver()

    assert world.platform.listing() == []
    assert world.state(grant) == "ended"
    assert world.ledger() == {}
    assert world.pins() == {}


def test_access_that_two_products_carry_ends_with_the_last(world):
    world.product("q", "orders")
    first, second = world.grant("p", "bob"), world.grant("q", "bob")
    world.deliver()

    world.revoke(first)
    world.deliver()

    assert world.state(first) == "ended"
    assert world.platform.reads("bob", "s.orders")
    assert not world.platform.reads("bob", "s.items")
    assert world.state(second) == "active"

    world.revoke(second)
    world.deliver()

    assert world.platform.listing() == []


def test_a_right_that_somebody_had_before_us_is_never_taken():
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    world.platform.give("bob", "s.orders")
    grant = world.grant("p", "bob")
    world.deliver()
    assert world.state(grant) == "active"

    world.revoke(grant)
    world.deliver()

    assert world.platform.reads("bob", "s.orders")
    assert world.state(grant) == "ended"
    assert world.platform.log == []


def test_expiry_ends_access_by_itself(world):
    grant = world.grant("p", "bob", until=START + timedelta(days=30))
    world.deliver()
    world.clock.advance(days=30)

    world.deliver()

    assert world.platform.listing() == []
    assert world.state(grant) == "ended"
    assert world.get(grant).cause == "expired"


def test_one_member_who_leaves_leaves_the_others_alone(world):
    bob, eve = world.grant("p", "bob"), world.grant("p", "eve")
    world.deliver()

    world.revoke(bob)
    world.deliver()

    assert not world.platform.reads("bob", "s.orders")
    assert world.platform.reads("eve", "s.orders")
    assert (world.state(bob), world.state(eve)) == ("ended", "active")
