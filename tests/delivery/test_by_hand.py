"""What others do on the platform meanwhile: rights given beside ours, and ours taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.plugin import Presence
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import World

PLACE = ("object:o-s.orders", "select o-s.orders to u-bob")


def made(platform, *, masked=(), **rules):
    world = World(platform, settings=Settings(cap=900))
    world.source("orders", masked=masked)
    world.product("p", "orders")
    world.person("bob")
    world.connections["lake"] = evolve(world.connections["lake"], **rules)
    return world


def given_too(world):
    """bob's right is given by somebody else, too, which this platform can tell."""
    world.platform.present[PLACE] = Presence(by_hand=True)


def told(world):
    return [message.kind for message in world.inbox()]


@pytest.mark.parametrize("rule", ["take", "keep"])
def test_a_right_that_is_given_by_hand_beside_ours_is_taken_with_a_warning_or_kept(rule):
    world = made(DirectPlatform(), added_by_hand=rule)
    world.people.matching = {"permission:GOVERNANCE": ["gil"]}
    grant = world.grant("p", "bob")
    world.deliver()
    given_too(world)
    world.mark(grant)
    world.deliver()
    assert world.state(grant) == "active"

    world.revoke(grant)
    world.deliver()

    assert world.state(grant) == "ended"
    assert world.platform.reads("bob", "s.orders") is (rule == "keep")
    events = [row.payload["grants"] for row in world.events("object.by_hand_taken")]
    assert events == ([] if rule == "keep" else [[grant]])
    assert ("by_hand_taken" in told(world)) is (rule == "take")
    assert world.ledger() == {}


@pytest.mark.parametrize("rule", ["take", "keep"])
def test_a_right_that_is_given_by_hand_while_ours_is_held_back_is_known_without_a_marker(rule):
    """We had seen it absent and sent nothing: whoever put it there, it was not us."""
    world = made(DirectPlatform(), masked=["email"], added_by_hand=rule)
    world.platform.protected.clear()
    grant = world.grant("p", "bob")
    world.deliver()
    assert world.troubles(grant) == ["unprotected_column"]
    world.platform.give("bob", "s.orders")
    world.mark(grant)
    world.deliver()
    world.revoke(grant)

    world.deliver()

    assert world.platform.reads("bob", "s.orders") is (rule == "keep")
    assert len(world.events("object.by_hand_taken")) == (rule == "take")


def test_what_we_may_have_put_there_ourselves_is_never_taken_for_somebody_elses():
    """A lying answer, a look that shows nothing yet, and then it is there: ours all the same."""
    world = made(DirectPlatform(), added_by_hand="keep")
    grant = world.grant("p", "bob")
    real = world.platform._do
    world.platform._do = lambda change: None
    world.deliver()
    assert world.troubles(grant) == ["not_seen"]
    world.platform.give("bob", "s.orders")
    world.platform._do = real
    world.mark(grant)
    world.deliver()
    assert world.state(grant) == "active"
    world.revoke(grant)

    world.settle()

    assert not world.platform.reads("bob", "s.orders")


def test_what_the_platform_keeps_beside_ours_is_told_with_the_statement_that_takes_it():
    """It stays after ours was taken; the grant waits for an administrator and says for what."""
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.present[PLACE] = Presence(by_hand=True, ours=True, remedy="REVOKE theirs")
    world.mark(grant)
    world.deliver()
    theirs = Presence(remedy="REVOKE theirs")

    def taken(change):
        world.platform.present[PLACE] = theirs

    world.platform._do, real = taken, world.platform._do
    world.revoke(grant)
    world.deliver()

    assert world.state(grant) == "ending"
    assert world.troubles(grant) == ["residual"]
    assert "run: REVOKE theirs" in world.get(grant).trouble[0].message

    world.platform._do = real
    world.platform.present.clear()
    world.settle()

    assert world.state(grant) == "ended"


def test_a_warning_is_given_only_about_what_was_given_by_hand():
    world = made(DirectPlatform())
    world.revoke(world.grant("p", "bob"))
    grant = world.grant("p", "bob", id="again")
    world.deliver()
    world.revoke(grant)

    world.deliver()

    assert world.events("object.by_hand_taken") == []


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_what_something_else_keeps_taking_away_is_put_back_less_and_less(kind):
    """Three times at once, then with pauses that double up to a day; the object is named."""
    world = made(kind())
    grant = world.grant("p", "bob")
    world.deliver()
    (place,) = [place for place in world.platform.present if "bob" in place[1]]
    waits = []
    for _ in range(12):
        world.platform.present.pop(place)
        world.mark(grant)
        world.deliver()
        start = world.clock()
        while world.state(grant) != "active":
            assert world.troubles(grant) == ["undone_again"]
            assert "s.orders was taken away" in world.get(grant).trouble[0].message
            world.clock.advance(seconds=300)
            world.deliver()
        waits.append(world.clock() - start)

    assert waits[:3] == [timedelta(0)] * 3
    assert timedelta(minutes=15) <= waits[3] < waits[4] < waits[5]
    assert waits == sorted(waits)
    assert timedelta(days=1) <= waits[-1] < timedelta(days=1, hours=1)


def test_after_a_day_of_peace_it_is_forgotten_how_often_it_was_taken_away():
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    for _ in range(2):
        world.platform.present.clear()
        world.mark(grant)
        world.deliver()
    (record,) = world.ledger().values()
    assert record.document["undone"] == 2
    world.clock.advance(days=2)
    world.mark(grant)

    world.deliver()

    (record,) = world.ledger().values()
    assert record.document.get("undone", 0) == 0


def test_what_we_take_away_ourselves_is_not_counted():
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    for _ in range(5):
        world.withhold(grant)
        world.deliver()
        world.release(grant)
        world.deliver()

    (record,) = world.ledger().values()
    assert record.document.get("undone", 0) == 0
    assert world.state(grant) == "active"
