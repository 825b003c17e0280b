"""Where a platform can end access by itself it is told when, and the end holds without a worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.memory.faults import Crash
from marketplace_sdk.memory.platform import MemoryPlatform
from marketplace_sdk.memory.privileges import Privilege
from marketplace_sdk.work.targets import targets_of
from tests.delivery.world import START, World

DAY = timedelta(days=1)


class Lake(MemoryPlatform):
    """The memory platform, as the world of these tests wants it."""

    objects = ("s.orders",)

    def principal(self, name):
        return name


@pytest.fixture
def world():
    made = World()
    made.platform = Lake(clock=made.clock)
    made.connections = {
        "lake": evolve(
            World(made.platform).connections["lake"],
            capabilities=made.platform.capabilities,
        )
    }
    made.source("orders")
    made.product("p", "orders")
    made.product("q", "orders")
    made.person("bob")
    return made


def reads(world):
    return world.platform.can_read("bob", "s.orders")


def until(world):
    (held,) = world.platform._books._holders
    return {world.platform._books.until(each) for each in _privileges(world, held)}


def _privileges(world, place):
    return [Privilege(*place, who) for who in world.platform._books.holders(*place)]


def test_access_ends_at_its_end_though_no_worker_ever_runs_again(world):
    world.grant("p", "bob", until=START + DAY)
    world.deliver()
    assert reads(world)
    world.clock.advance(days=1)

    assert not reads(world)


def test_the_sweep_that_comes_later_proves_the_end_without_a_change(world):
    grant = world.grant("p", "bob", until=START + DAY)
    world.deliver()
    writes = world.platform.writes
    world.clock.advance(days=3)

    world.deliver()

    assert world.state(grant) == "ended"
    assert world.platform.writes == writes
    assert world.ledger() == {}


def test_access_without_an_end_has_none_on_the_platform(world):
    world.grant("p", "bob")
    world.deliver()
    world.clock.advance(days=4000)

    assert reads(world)


def test_an_end_that_moves_is_moved_on_the_platform_before_it_comes(world):
    grant = world.grant("p", "bob", until=START + DAY)
    world.deliver()
    extend(world, grant, START + 2 * DAY)

    world.deliver()

    assert until(world) == {START + 2 * DAY}
    world.clock.advance(days=1)
    assert reads(world)
    world.clock.advance(days=1)
    assert not reads(world)


@pytest.mark.parametrize("other", [START + 3 * DAY, None])
def test_two_reasons_for_one_right_hold_it_until_the_later_end(world, other):
    world.grant("p", "bob", until=START + DAY)
    world.deliver()
    second = world.grant("q", "bob", until=other)
    world.deliver()

    assert until(world) == {other}

    world.revoke(second)
    world.deliver()

    assert until(world) == {START + DAY}, "and the earlier one when the later reason is gone"


def test_what_was_there_before_us_is_given_no_end(world):
    world.platform.grant_by_hand("bob", "s.orders")
    world.grant("p", "bob", until=START + DAY)
    world.deliver()
    world.clock.advance(days=2)

    assert reads(world)


def test_an_end_that_cannot_be_set_is_tried_again_and_access_stays(world):
    grant = world.grant("p", "bob", until=START + DAY)
    world.deliver()
    world.platform.refuse("s.orders")
    extend(world, grant, START + 2 * DAY)
    done = world.deliver()

    assert done.failed == 1
    assert world.state(grant) == "active"

    world.platform.permit("s.orders")
    world.settle()

    assert until(world) == {START + 2 * DAY}


def test_a_worker_that_vanishes_while_setting_an_end_changes_nothing_about_it(world):
    grant = world.grant("p", "bob", until=START + DAY)
    world.deliver()
    for point in ("before_apply", "after_apply"):
        extend(world, grant, world.get(grant).until + DAY)
        world.platform.crash_at(point)
        with pytest.raises(Crash):
            world.deliver()
        world.clock.advance(seconds=world.settings.lease + 1)
        world.deliver("two")

        assert until(world) == {world.get(grant).until}


def test_a_platform_that_does_not_declare_it_is_not_asked(world):
    world.connections["lake"] = evolve(world.connections["lake"], capabilities=frozenset())
    world.grant("p", "bob", until=START + DAY)

    world.deliver()

    assert until(world) == {None}


def test_a_pass_that_finds_every_end_right_changes_nothing(world):
    grant = world.grant("p", "bob", until=START + DAY)
    world.deliver()
    writes = world.platform.writes
    world.mark(grant)

    world.deliver()

    assert world.platform.writes == writes


def test_people_read_the_end_in_the_statement(world):
    world.grant("p", "bob", until=START + DAY)
    world.deliver()

    (record,) = world.ledger().values()

    assert record.document["evidence"].startswith(
        "GRANT SELECT ON s.orders TO bob UNTIL 2026-01-02 00:00:00"
    )


def extend(world, id, end):
    with world.desk.write() as unit:
        grant, effects = unit.get(Grant, id).extend(end, "r-more")
        grant = unit.save(evolve(grant, requests=grant.requests[:1]))
        unit.keep(effects + Effects(marks=targets_of(unit, grant)))


def test_a_platform_that_keeps_whole_seconds_is_as_exact_as_it_has_to_be(world):
    """Otherwise every pass would set the same end again."""
    keep = world.platform._books.set_until
    world.platform._books.set_until = lambda privilege, end: keep(
        privilege, end and end.replace(microsecond=0)
    )
    grant = world.grant("p", "bob", until=START + DAY)
    world.deliver()
    extend(world, grant, START + 2 * DAY + timedelta(microseconds=999_999))

    done = world.deliver()

    assert done.failed == 0
    assert until(world) == {START + 2 * DAY}
    writes = world.platform.writes
    world.mark(grant)
    world.deliver()
    assert world.platform.writes == writes
