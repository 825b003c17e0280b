"""Drift is what a look finds that is not as it should be; looking changes nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from attrs import evolve

from marketplace_sdk.delivery.drifting import find_drift
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.delivery.watching import DRIFT, schedule, watch
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.plugin import CannotLook, Presence
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.test_replaced import owned
from tests.delivery.world import World


def made(platform, **more):
    world = World(platform, **more)
    world.source("orders", masked=["email"])
    world.source("items")
    world.product("p", "orders", "items")
    for name in ("bob", "eve"):
        world.person(name)
    world.access = world.grant("p", "bob")
    world.deliver()
    world.platform.log.clear()
    return world


@pytest.fixture(params=[DirectPlatform, RolePlatform])
def world(request):
    return made(request.param())


def found(world, **where):
    before = world.ledger(), world.work("mark"), world.pins()
    drift = find_drift(world.bench(), **where)
    assert (world.ledger(), world.work("mark"), world.pins()) == before
    assert world.platform.log == [], "looking changes nothing"
    return drift


def kinds(world, **where):
    return sorted({each.kind for each in found(world, **where).findings})


def gone(world, words):
    for place in [place for place in world.platform.present if words in place[1]]:
        del world.platform.present[place]


def test_a_platform_that_is_as_it_should_be_has_not_drifted(world):
    world.grant("p", "bob", columns=("orders.email",))
    world.deliver()
    world.platform.log.clear()

    drift = found(world)

    assert str(drift) == "nothing has drifted"
    assert drift.targets == 2


def test_what_is_gone_is_missing_and_names_the_grant(world):
    gone(world, "bob")

    drift = found(world)

    assert {each.kind for each in drift.findings} == {"missing"}
    assert {each.grants for each in drift.findings} == {(world.access,)}
    assert {object for each in drift.findings for object in each.objects} == {"s.orders", "s.items"}
    assert str(drift).startswith("lake: missing: add ")


def test_what_is_gone_for_all_members_is_missing_too():
    world = made(RolePlatform())
    gone(world, "select o-s.orders")

    (finding,) = found(world).findings

    assert (finding.kind, finding.what) == ("missing", "add select o-s.orders to product:p")


def test_a_ledger_that_was_lost_hides_nothing(world):
    """What a grant that is said to be active needs and has not is missing all the same."""
    gone(world, "bob")
    with world.storage.begin() as rows:
        for record in rows.find("ledger"):
            rows.remove("ledger", record.id, record.revision)

    assert kinds(world) == ["missing"]


def test_what_is_not_there_yet_has_not_drifted(world):
    world.grant("p", "eve")

    assert kinds(world) == []


def test_access_without_a_reason_outlives_it(world):
    world.revoke(world.access)
    world.clock.advance(seconds=5)

    drift = found(world)

    assert {each.kind for each in drift.findings} == {"outlives"}
    mine = [each for each in drift.findings if world.access in each.grants]
    assert mine
    assert {each.since for each in mine} == {world.clock() - timedelta(seconds=5)}


def test_a_stranger_in_a_role_of_ours_is_an_extra_member_and_stays():
    world = made(RolePlatform())
    world.platform.present["role:product:p", "member u-eve of product:p"] = Presence()

    (finding,) = found(world).findings

    assert finding.kind == "extra_member"
    assert finding.what == "member u-eve of product:p in role:product:p"
    world.mark(world.access)
    world.deliver()
    assert world.platform.reads("eve", "s.orders")


def test_a_stranger_is_named_by_the_statement_that_takes_them_out():
    """Not by a key, in which a platform may have nothing but a number."""
    world = made(RolePlatform())
    stranger = Presence(remedy='REVOKE product:p FROM "eve"')
    world.platform.present["role:product:p", "member|product:p|16574"] = stranger

    (finding,) = found(world).findings

    assert "16574" not in finding.what
    assert finding.what.startswith("somebody else in role:product:p; ")
    assert finding.what.endswith('must run: REVOKE product:p FROM "eve"')


def test_strangers_on_an_object_are_nobodys_business():
    world = made(DirectPlatform())
    world.platform.give("eve", "s.orders")

    assert kinds(world) == []


def test_a_member_of_another_product_in_a_shared_role_is_known():
    world = made(RolePlatform())
    world.grant("p", "eve")
    world.deliver()
    world.platform.log.clear()

    assert kinds(world) == []


def test_a_right_given_by_hand_beside_ours_is_told():
    world = made(DirectPlatform())
    place = ("object:o-s.orders", "select o-s.orders to u-bob")
    world.platform.present[place] = Presence(by_hand=True)

    assert kinds(world) == ["added_by_hand"]

    world.connections["lake"] = evolve(world.connections["lake"], added_by_hand="keep")

    assert kinds(world) == []


def test_a_mask_that_was_lost_under_access_is_told(world):
    world.platform.protected["s.orders.email"] = False

    drift = found(world)

    assert {each.kind for each in drift.findings} == {"unprotected"}
    assert "s.orders.email is open without a mask" in str(drift)


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_an_object_that_was_made_again_or_changed_hands_is_told(kind):
    world = World(owned(kind))
    world.source("orders")
    world.platform.make("s.orders", "o-1")
    world.product("p", "orders")
    world.person("bob")
    world.grant("p", "bob")
    world.deliver()
    world.platform.log.clear()
    world.platform.make("s.orders", "o-1", owner="mallory")

    (finding,) = found(world).findings
    assert (finding.kind, finding.objects) == ("owner_changed", ("s.orders",))
    assert finding.what == "s.orders belonged to etl and belongs to mallory now"

    world.platform.make("s.orders", "o-2", owner="mallory")

    assert "replaced" in kinds(world)


def test_what_cannot_be_looked_at_is_told_and_nothing_is_concluded(world):
    world.platform.down = True

    assert kinds(world) == ["cannot_look"]

    world.platform.down = False
    world.platform.observe = lambda scopes, guards, call: {
        scope: CannotLook(reason="no right to list") for scope in scopes
    }

    drift = found(world)
    assert {each.kind for each in drift.findings} == {"cannot_look"}
    assert "no right to list" in str(drift)


def test_an_object_that_is_gone_is_missing(world):
    del world.platform.objects["s.items"]

    assert "missing" in kinds(world)


def test_a_connection_that_is_not_configured_any_more_cannot_be_looked_at(world):
    lake = world.connections.pop("lake")

    assert kinds(world) == ["cannot_look"]

    world.connections["lake"] = lake
    assert kinds(world, connection="sea") == []


def test_one_product_is_looked_at_alone_with_what_it_left_behind(world):
    world.source("other")
    world.product("q", "other")
    other = world.grant("q", "eve")
    world.deliver()
    world.platform.log.clear()
    gone(world, "eve")
    gone(world, "o-s.other")

    assert kinds(world, product="p") == []
    assert kinds(world, product="q") == ["missing"]
    assert kinds(world, product="none") == []
    assert world.state(other) == "active"


def test_leftovers_of_a_product_without_grants_are_found(world):
    with world.desk.write() as unit:
        grant = unit.get(Grant, world.access)
        unit.save(evolve(grant, state="ended"))

    assert kinds(world, product="p") == ["outlives"]
    assert kinds(world) == ["outlives"]


def watched(platform):
    world = made(platform, settings=Settings(drift=3600, cap=900))
    world.people.matching = {"permission:GOVERNANCE": ["gil"]}
    world.handlers = {DRIFT: partial(watch, world.bench())}
    schedule(world.bench(), ["lake"])
    schedule(world.bench(), ["lake"])
    assert len(world.work("timer")) == 1, "asking twice is asking once"
    return world


def test_a_timer_looks_tells_and_comes_again():
    world = watched(RolePlatform())
    world.clock.advance(hours=1)
    world.deliver()
    assert world.events("connection.drifted") == []
    gone(world, "bob")
    world.clock.advance(hours=1)

    world.deliver()

    (event,) = world.events("connection.drifted")
    assert event.payload["counts"] == {"missing": 1}
    assert event.payload["findings"] == [
        {"kind": "missing", "product": "p", "objects": ["s.items", "s.orders"]}
    ]
    assert "bob" not in str(event.payload)
    assert [message.subject for message in world.inbox() if message.kind == "platform_drifted"] == [
        "lake is not as it should be: missing: 1."
    ]
    (timer,) = world.work("timer")
    assert timer.due - world.clock() == timedelta(hours=1)


def test_access_that_outlives_its_grant_is_an_alert_once_it_had_time_to_go():
    world = watched(DirectPlatform())
    for name in ("s.orders", "s.items"):
        world.platform.refuse[f"select o-{name} to u-bob"] = "refused"
    world.clock.advance(minutes=55)
    world.revoke(world.access)
    world.clock.advance(minutes=5)
    world.deliver()
    assert world.events("grant.outlived") == [], "it has not had its time"

    world.clock.advance(hours=1)
    world.deliver()

    alerts = world.events("grant.outlived")
    assert {alert.aggregate for alert in alerts} == {f"grant:{world.access}"}
    assert [message.kind for message in world.inbox()].count("access_outlives") == 1


def test_a_connection_that_went_away_is_not_looked_at_again():
    world = watched(DirectPlatform())
    del world.connections["lake"]
    world.clock.advance(hours=1)

    world.deliver()

    assert not world.work("timer")
