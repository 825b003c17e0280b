"""Whoever may decide for two reasons is asked once on each stage, by whatever way it reaches them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_sdk import QuietHours, ReviewFlow, Stage
from tests.services.helpers import small_world
from tests.world import LEGAL, PRIVACY, UNA, all_of

HOOK = "MemoryNotifier-1"


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    """A marketplace on each store that is always there; it is nine in the morning."""
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/m.db"
    made = small_world(url)
    made.clock.set(datetime(2026, 3, 1, 9, tzinfo=UTC))
    made.deliver()
    yield made
    made.close()


def sent(world, who, kind=None):
    """What the notifier was given for somebody, of all kinds or one."""
    mine = [each for each in world.hook.notices if each.recipient.id == who]
    return [each for each in mine if kind in (None, each.type)]


def asks(world, who):
    """What somebody was asked to decide, the oldest first: in the inbox, and elsewhere."""
    kinds = ("access_requested", "stage_opened")
    inbox = [each.kind for each in world.market.inbox.of(who, by=who) if each.kind in kinds]
    assert inbox[::-1] == [each.type for each in sent(world, who) if each.type in kinds]
    return inbox[::-1]


TWO = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(LEGAL, PRIVACY))


def test_a_steward_of_two_stages_is_told_of_the_open_one_when_no_worker_ran_between(world):
    """ana and bo may decide on both, cy on the second: one notice each, of the second stage."""
    request = world.ask(world.publish(TWO))
    world.approve(request, "bo")
    world.deliver()

    assert asks(world, "ana") == asks(world, "cy") == ["stage_opened"]
    assert asks(world, "bo") == [], "who opened the stage knows"


def test_a_steward_of_two_stages_is_told_of_both_when_each_was_open(world):
    request = world.ask(world.publish(TWO))
    world.deliver()
    world.clock.advance(minutes=1)
    world.approve(request, "bo")
    world.deliver()

    assert asks(world, "ana") == ["access_requested", "stage_opened"]


def test_what_a_quiet_night_held_back_is_of_the_open_stage_only(world):
    """Both were in the inbox at their time; in the morning only one of them is sent."""
    quiet = QuietHours("08:00", "12:00")
    world.market.preferences.set("ana", quiet_hours=quiet, by="ana")
    request = world.ask(world.publish(TWO))
    world.deliver()
    world.approve(request, "bo")
    world.deliver()
    world.clock.set(datetime(2026, 3, 1, 13, tzinfo=UTC))
    world.deliver()

    assert [each.type for each in sent(world, "ana")] == ["stage_opened"]


def test_a_digest_asks_for_the_open_stage_only(world):
    world.market.preferences.set("ana", channels={HOOK: "digest"}, by="ana")
    request = world.ask(world.publish(TWO))
    world.deliver()
    world.approve(request, "bo")
    world.clock.advance(hours=2)
    world.deliver()
    world.clock.set(datetime(2026, 3, 2, 9, tzinfo=UTC))
    world.deliver()

    (digest,) = sent(world, "ana", "digest")
    about = [each["kind"] for each in digest.data["items"] if each["about"] == request.aggregate]
    assert about == ["stage_opened"]


def test_a_steward_who_stands_in_for_another_seat_is_asked_once(world):
    """una has a seat of her own, and takes the one that nobody can fill."""
    form = world.form(all_of(UNA, PRIVACY), fallback=UNA)
    product = world.publish(form=form)
    for who in ("bo", "cy"):
        world.market.people.deactivate(who, by="uma")
    world.ask(product)
    world.deliver()

    assert asks(world, "una") == ["access_requested"]
