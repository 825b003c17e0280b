"""Unmasking is wanted only while its beneficiary can read the object, and always goes first."""

from __future__ import annotations

import pytest

from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import World


@pytest.fixture(params=[DirectPlatform, RolePlatform])
def world(request):
    made = World(request.param())
    made.source("orders", masked=["email"])
    made.source("items", masked=["note"])
    made.product("p", "orders", "items")
    made.person("bob")
    return made


def test_a_masking_exception_without_access_waits_for_it(world):
    mask = world.grant("p", "bob", columns=("orders.email",))

    world.deliver()

    assert world.state(mask) == "withheld"
    assert world.get(mask).withheld == {"waiting_for_access"}
    assert world.platform.listing() == []

    world.grant("p", "bob")
    world.deliver()

    assert world.state(mask) == "active"
    assert world.platform.sees("bob", "s.orders", "email")


def test_unmasking_goes_before_read_access_however_access_ends(world):
    """Whatever the order of the marks, and although they are different targets."""
    access = world.grant("p", "bob")
    mask = world.grant("p", "bob", columns=("orders.email",))
    world.deliver()
    assert world.platform.sees("bob", "s.orders", "email")
    world.platform.log.clear()

    world.revoke(access)
    world.deliver()

    removed = [key for action, key in world.platform.log if action == "remove"]
    unmasked = min(i for i, key in enumerate(removed) if "unmask" in key or "column:" in key)
    read = min(i for i, key in enumerate(removed) if "unmask" not in key and "column:" not in key)
    assert unmasked < read
    assert (world.state(access), world.state(mask)) == ("ended", "ended")
    assert world.platform.listing() == []


def test_suspended_access_takes_unmasking_with_it_and_brings_it_back(world):
    access = world.grant("p", "bob")
    mask = world.grant("p", "bob", columns=("orders.email",))
    world.deliver()
    world.platform.log.clear()

    world.withhold(access)
    world.deliver()

    assert world.state(mask) == "withheld"
    assert world.platform.listing() == []
    first = next(key for action, key in world.platform.log)
    assert "unmask" in first or "column:" in first

    world.release(access)
    world.deliver()

    assert (world.state(access), world.state(mask)) == ("active", "active")
    assert world.platform.sees("bob", "s.orders", "email")


def test_a_source_that_leaves_the_product_takes_its_unmasking_first(world):
    world.grant("p", "bob")
    mask = world.grant("p", "bob", columns=("orders.email",))
    world.deliver()
    world.platform.log.clear()

    world.set_sources("p", "items")
    world.deliver()

    removed = [key for action, key in world.platform.log if action == "remove"]
    assert "unmask" in removed[0] or "column:" in removed[0]
    assert world.state(mask) == "withheld"
    assert not world.platform.reads("bob", "s.orders")
    assert world.platform.reads("bob", "s.items")


def test_unmasking_that_cannot_be_taken_does_not_keep_access_alive(world):
    access = world.grant("p", "bob")
    mask = world.grant("p", "bob", columns=("orders.email",))
    world.deliver()
    keys = [key for key in world.platform.listing() if "unmask" in key or "column:" in key]
    world.platform.refuse = dict.fromkeys(keys, "refused")

    world.revoke(access)
    world.deliver()

    assert not world.platform.reads("bob", "s.orders")
    assert world.state(access) == "ended"
    assert world.state(mask) == "ending"
    assert world.troubles(mask) == ["refused"]

    world.platform.refuse = {}
    world.settle()

    assert world.state(mask) == "ended"
    assert world.platform.listing() == []


def test_access_under_another_name_of_the_same_object_counts(world):
    world.source("orders_too", object="s.orders")
    world.product("q", "orders_too")
    mask = world.grant("p", "bob", columns=("orders.email",))
    world.grant("q", "bob")

    world.deliver()

    assert world.state(mask) == "active"


def test_a_column_that_anybody_registered_as_masked_is_masked_for_all(world):
    """One who registers the same object without a mask opens nothing."""
    world.source("open_orders", object="s.orders")
    world.product("q", "open_orders")
    world.platform.protected["s.orders.email"] = False
    grant = world.grant("q", "bob")

    world.deliver()

    assert not world.platform.reads("bob", "s.orders")
    assert world.troubles(grant) == ["unprotected_column"]


def test_an_exception_on_two_sources_waits_only_for_the_one_without_access(world):
    world.product("q", "orders")
    mask = world.grant("p", "bob", columns=("orders.email", "items.note"))
    world.grant("q", "bob")

    world.deliver()

    assert world.platform.sees("bob", "s.orders", "email")
    assert not world.platform.sees("bob", "s.items", "note")
    assert world.state(mask) == "wanted"

    world.grant("p", "bob")
    world.deliver()

    assert world.state(mask) == "active"


def test_a_wanted_exception_is_told_active_once(world):
    world.grant("p", "bob")
    world.grant("p", "bob", columns=("orders.email",))

    world.deliver()

    assert world.event_counts()["grant.active"] == 2
