"""Timers: expiry, warnings, and what other rooms register."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.errors import DirectoryError
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import START, World


@pytest.fixture
def world():
    made = World(DirectPlatform())
    made.source("orders")
    made.product("p", "orders")
    made.person("bob")
    return made


def timer(world, **more):
    with world.desk.write() as unit:
        unit.keep(Effects(timers=(Timer(due=world.clock(), **more),)))


def extend(world, id, until):
    with world.desk.write() as unit:
        from marketplace_sdk.domain.grants import Grant

        grant, effects = unit.get(Grant, id).extend(until, f"r-{id}")
        unit.save(evolve(grant, requests=grant.requests[:1]))
        unit.keep(effects)


def test_a_grant_that_was_extended_outlives_its_first_timer(world):
    grant = world.grant("p", "bob", until=START + timedelta(hours=1))
    world.deliver()
    extend(world, grant, START + timedelta(hours=5))
    world.clock.advance(hours=2)

    world.deliver()

    assert world.state(grant) == "active"


def test_the_request_takes_the_end_at_once(world):
    grant = world.grant("p", "bob", until=START + timedelta(hours=1))
    world.deliver()
    world.platform.down = True
    world.clock.advance(hours=1)

    world.deliver()

    assert world.state(grant) == "ending"
    with world.desk.read() as unit:
        assert unit.get(AccessRequest, f"r-{grant}").state == "expired"


def test_warnings_come_seven_days_and_one_day_before_the_end(world):
    hook = world.post("hook", "event")
    grant = world.grant("p", "bob", until=START + timedelta(days=30))
    world.deliver()

    world.clock.advance(days=23)
    world.deliver()
    world.clock.advance(days=6)
    world.deliver()

    due = [event.payload["due"] for event in world.events("grant.expiring")]
    assert due == ["7 days", "1 day"]
    sent = [m for m in hook.messages if m.type == "data_product.access_requests.expiring"]
    assert [m.data["request"]["id"] for m in sent] == [f"r-{grant}"] * 2
    subjects = {m.subject for m in world.inbox() if m.kind == "access_expiring"}
    assert len(subjects) == 2
    assert all(any(due in one for one in subjects) for due in ("7 days", "1 day"))
    assert {m.person for m in world.inbox() if m.kind == "access_expiring"} == {"req", "bob"}


def test_a_warning_about_an_end_that_has_moved_is_not_given(world):
    grant = world.grant("p", "bob", until=START + timedelta(days=8))
    extend(world, grant, START + timedelta(days=80))
    world.clock.advance(days=7, hours=12)

    world.deliver()

    assert world.events("grant.expiring") == []


def test_a_warning_that_comes_after_the_end_is_not_given(world):
    grant = world.grant("p", "bob", until=START + timedelta(days=8))
    world.clock.advance(days=9)

    world.deliver()

    assert world.events("grant.expiring") == []
    assert world.state(grant) == "ended"


def test_after_downtime_timers_catch_up_in_order(world):
    world.grant("p", "bob", until=START + timedelta(days=30))
    world.person("eve")
    world.grant("p", "eve", until=START + timedelta(days=20))
    world.clock.advance(days=60)

    world.deliver()

    ended = [event.payload["beneficiary"] for event in world.events("grant.ending")]
    assert ended == ["user:eve", "user:bob"]


def test_a_registered_handler_gets_its_timers(world):
    got = []
    world.handlers["stuck"] = got.append
    timer(world, kind="stuck", about="request:r1")

    done = world.deliver()

    assert [one.about for one in got] == ["request:r1"]
    assert done.timers == 1
    assert world.work("timer") == []


def test_a_timer_that_nobody_handles_is_parked_not_lost(world):
    timer(world, kind="stuck", about="request:r1")

    done = world.deliver()

    assert done.dead == 1
    (parked,) = world.work("timer", dead=True)
    assert "stuck" in parked.error


def test_a_failing_timer_is_tried_again_and_holds_up_no_other(world):
    calls = []

    def handler(one):
        calls.append(one.about)
        if one.about == "request:r1" and len(calls) < 3:
            raise DirectoryError("ldap://user:hunter2@host is down")

    world.handlers["stuck"] = handler
    timer(world, kind="stuck", about="request:r1")
    timer(world, kind="stuck", about="request:r2")

    done = world.deliver()

    assert (done.timers, done.failed) == (1, 1)
    (left,) = world.work("timer")
    assert left.error == "failed with directory_error"

    world.clock.advance(minutes=1)
    world.deliver()

    assert calls == ["request:r1", "request:r2", "request:r1"]


def test_ten_thousand_expiries_on_two_hundred_products_are_two_hundred_passes():
    """Scaled down to a tenth for everyday; the shape is what matters."""
    world = World(RolePlatform())
    end = START + timedelta(days=1)
    for p in range(20):
        world.source(f"t{p}")
        world.product(f"p{p}", f"t{p}")
    for m in range(50):
        world.person(f"m{m}")
        for p in range(20):
            world.grant(f"p{p}", f"m{m}", until=end)
    world.deliver()
    world.clock.advance(days=1)

    started = time.perf_counter()
    done = world.deliver()
    took = time.perf_counter() - started

    assert (done.timers, done.passes) == (1000, 20)
    assert world.platform.listing() == []
    assert took < 30
