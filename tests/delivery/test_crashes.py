"""A worker may vanish at any point; whoever comes next ends in the same state."""

from __future__ import annotations

import pytest

from marketplace_sdk.delivery.locks import LEASE, Busy, Hold, LeaseLost
from marketplace_sdk.ports.storage import Record
from tests.delivery.platforms import Crash, DirectPlatform, RolePlatform
from tests.delivery.world import World

GRANTS = ("bob", "eve", "dan", "mask")


def scene(kind):
    """Bob and Dan have access, Bob's unmasking too; then Bob and Dan lose it and Eve gets it."""
    world = World(kind())
    world.source("orders", masked=["email"])
    world.source("items")
    world.product("p", "orders", "items")
    world.product("q", "orders")
    for who in ("bob", "eve", "dan"):
        world.person(who)
    world.grant("p", "bob", id="bob")
    world.grant("q", "dan", id="dan")
    world.grant("p", "bob", columns=("orders.email",), id="mask")
    return world


def change(world):
    world.revoke("bob")
    world.revoke("dan")
    world.grant("p", "eve", id="eve")


def outcome(world):
    states = {id: world.get(id) and world.state(id) for id in GRANTS}
    return world.platform.listing(), states, sorted(world.ledger())


def run(world):
    """Deliver until the worker vanishes or is done; whether it vanished."""
    try:
        world.deliver("one")
    except Crash:
        return True
    return False


def recover(world):
    world.clock.advance(seconds=world.settings.lease + 1)
    for _ in range(8):
        world.deliver("two")
        world.clock.advance(minutes=16)


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_a_worker_that_vanishes_while_giving_access_changes_nothing_about_the_end(kind):
    """Every point: before and after each look, before and after each change."""
    expected = None
    for point in range(200):
        world = scene(kind)
        world.platform.crash_at = point or None
        crashed = run(world)
        if crashed:
            recover(world)
        if expected is None:
            expected = outcome(world)
            assert expected[1] == {"bob": "active", "dan": "active", "mask": "active", "eve": None}
        assert outcome(world) == expected, point
        if point and not crashed:
            break
    assert point > 10


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_a_worker_that_vanishes_while_taking_access_changes_nothing_about_the_end(kind):
    expected = None
    for point in range(200):
        world = scene(kind)
        world.deliver()
        change(world)
        world.platform.points = 0
        world.platform.crash_at = point or None
        crashed = run(world)
        if crashed:
            recover(world)
        if expected is None:
            expected = outcome(world)
            assert expected[1] == {"bob": "ended", "dan": "ended", "mask": "ended", "eve": "active"}
            assert world.platform.reads("eve", "s.orders")
            assert not world.platform.reads("bob", "s.orders")
        assert outcome(world) == expected, point
        if point and not crashed:
            break
    assert point > 10


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_worker_that_comes_back_after_its_lease_leaves_no_access_behind(kind, where):
    """Worker one stands still within a change; meanwhile access is revoked, removed and ended."""
    world = World(kind())
    world.source("orders")
    world.source("items")
    world.product("p", "orders", "items")
    world.person("bob")
    grant = world.grant("p", "bob")
    states = []

    def stand_still(at, change):
        last = change is not None and change.item.rank in (30, 90)
        if at == where and last and change.action == "add" and not states:
            states.append("")
            world.revoke(grant)
            world.clock.advance(seconds=world.settings.lease + 1)
            world.deliver("two")
            world.clock.advance(minutes=16)
            world.deliver("two")
            states[0] = world.state(grant)

    world.platform.at_point = stand_still

    world.deliver("one")
    world.settle()

    assert states == ["ended"]
    assert world.platform.listing() == []
    assert world.state(grant) == "ended"
    assert world.ledger() == {}


def test_nobody_touches_a_scope_that_another_worker_holds():
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.product("q", "orders")
    world.person("bob")
    world.person("eve")
    first, second = world.grant("p", "bob"), None
    inside = []

    def look(where, change):
        nonlocal second
        if where == "before" and not inside:
            inside.append(where)
            second = world.grant("q", "eve")
            inside.append(world.worker("two").deliver())
            inside.append(world.platform.listing())

    world.platform.at_point = look
    world.deliver("one")

    assert inside[1].failed == 1
    assert inside[2] == []
    assert world.state(first) == "active"

    world.clock.advance(seconds=5)
    world.deliver("two")

    assert world.state(second) == "active"


def test_an_addition_without_an_answer_keeps_its_scope_until_it_cannot_land_any_more():
    """A late call may still land: nobody concludes anything about the scope before it cannot."""
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    grant = world.grant("p", "bob")
    world.platform.refuse["select o-s.orders to u-bob"] = "unknown"

    world.deliver()

    assert world.state(grant) == "active", "what is seen counts, not what was answered"

    world.revoke(grant)
    world.deliver()

    assert world.state(grant) == "ending"
    assert world.platform.reads("bob", "s.orders")

    world.platform.refuse.clear()
    world.clock.advance(seconds=world.settings.lease + 1)
    world.deliver()

    assert world.state(grant) == "ended"


def test_the_fence_grows_with_every_holder():
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    grant = world.grant("p", "bob")
    fences = []
    observe = world.platform.observe
    world.platform.observe = lambda scopes, guards, call: (
        fences.append(call.fence) or observe(scopes, guards, call)
    )

    world.deliver()
    world.mark(grant)
    world.deliver()

    assert fences == [1, 1, 2]


def test_no_call_may_last_longer_than_its_lease():
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    world.grant("p", "bob")
    left = []
    apply = world.platform.apply

    def watch(batch, call):
        left.append(call.seconds_left())
        world.clock.advance(seconds=world.settings.call_timeout)
        left.append(call.over)
        return apply(batch, call)

    world.platform.apply = watch
    world.deliver()

    assert left[:2] == [world.settings.call_timeout, True]
    assert world.platform.listing() == []


def two_products():
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.product("q", "orders")
    world.person("bob")
    return world


def test_a_grant_that_is_revoked_while_names_are_looked_up_gets_nothing():
    world = two_products()
    grant = world.grant("p", "bob")
    resolve = world.platform.resolve

    def look_up(refs, call):
        if world.get(grant).live:
            world.revoke(grant)
        return resolve(refs, call)

    world.platform.resolve = look_up
    world.deliver()

    assert world.platform.log == []
    assert world.state(grant) == "ended"


def test_a_grant_that_is_revoked_while_it_is_given_is_taken_in_the_next_pass():
    world = two_products()
    grant = world.grant("p", "bob")

    def revoke(where, change):
        if where == "before" and world.get(grant).live:
            world.revoke(grant)

    world.platform.at_point = revoke
    world.deliver()

    assert [action for action, _ in world.platform.log] == ["add", "remove"]
    assert world.state(grant) == "ended"
    assert world.event_counts()["grant.active"] == 0


def test_a_claim_made_while_its_item_is_removed_brings_it_back():
    world = two_products()
    first = world.grant("p", "bob")
    world.deliver()
    world.revoke(first)
    second = []

    def claim(where, change):
        if where == "after" and not second:
            second.append(world.grant("q", "bob"))
            world.worker("two").deliver()

    world.platform.at_point = claim
    world.deliver("one")
    world.clock.advance(seconds=5)
    world.deliver("two")

    assert (world.state(first), world.state(second[0])) == ("ended", "active")
    assert world.platform.reads("bob", "s.orders")


def test_a_worker_that_finds_its_lease_taken_writes_nothing():
    world = two_products()
    hold, other = (
        Hold(world.desk, monotonic=world.clock.monotonic, settings=world.settings, owner=name)
        for name in ("one", "two")
    )
    hold.take(["b", "a"])
    with pytest.raises(Busy):
        other.take(["c", "a"])
    world.clock.advance(seconds=world.settings.lease)
    other.take(["c", "a"])

    with pytest.raises(LeaseLost), hold.writing(["a"]) as rows:
        rows.put(Record(kind="x", id="x", revision=1, document={}), None)

    with world.storage.begin(write=False) as rows:
        assert rows.get("x", "x") is None
    assert (hold.fence(["a"]), other.fence(["a"]), other.fence(["a", "c"])) == (1, 2, 2)
    hold.release()
    with pytest.raises(Busy):
        hold.take(["a"])


def test_a_lease_that_nobody_took_is_still_held_after_its_end():
    world = two_products()
    hold = Hold(world.desk, monotonic=world.clock.monotonic, settings=world.settings, owner="one")
    hold.take(["a"])
    world.clock.advance(seconds=world.settings.lease * 2)
    assert hold.seconds_left(["a"]) < 0

    hold.renew(["a"])

    assert hold.seconds_left(["a"]) == world.settings.lease


def test_leases_are_given_back_after_a_pass():
    world = World(RolePlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    world.grant("p", "bob")

    world.deliver()

    with world.storage.begin(write=False) as rows:
        owners = {record.document["owner"] for record in rows.find(LEASE)}
    assert owners == {""}


def test_lost_and_doubled_marks_end_in_the_same_state():
    world = World(RolePlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    grant = world.grant("p", "bob")
    for _ in range(5):
        world.mark(grant)
    world.deliver()
    writes = len(world.platform.log)

    world.mark(grant)
    done = world.deliver()

    assert done.passes == 1
    assert len(world.platform.log) == writes
    assert world.state(grant) == "active"


def test_an_item_that_another_target_claims_meanwhile_is_not_removed():
    """The claim is stored between the look of worker one and its removal."""
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.product("q", "orders")
    world.person("bob")
    first = world.grant("p", "bob")
    world.deliver()
    world.revoke(first)
    second = []

    def look(where, change):
        if where == "observed" and not second:
            second.append(world.grant("q", "bob"))
            world.worker("two").deliver()

    world.platform.at_point = look
    world.platform.log.clear()
    world.deliver("one")

    assert world.platform.log == []
    assert world.state(first) == "ended"

    world.clock.advance(seconds=5)
    world.deliver("two")

    assert world.state(second[0]) == "active"
    assert world.platform.reads("bob", "s.orders")


def test_a_removal_without_an_answer_keeps_its_scope_until_it_cannot_land_any_more():
    """It may land late, and would then take what was given anew and is reported as active."""
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    grant = world.grant("p", "bob", id="first")
    world.deliver()
    world.revoke(grant)
    world.platform.refuse["select o-s.orders to u-bob"] = "unknown"
    world.deliver()
    world.platform.refuse.clear()
    again = world.grant("p", "bob", id="again")

    world.deliver()

    assert world.state(again) == "wanted"

    world.clock.advance(seconds=world.settings.lease + 1)
    world.deliver()

    assert world.state(again) == "active"
