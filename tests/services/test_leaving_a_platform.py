"""Adopting what was there before, and uninstalling: a platform is left as it was."""

from __future__ import annotations

import pytest

from marketplace_sdk import Conflict, InvalidInput, NotFound
from tests.services.helpers import nothing_written, small_world
from tests.world import LEGAL, any_of


@pytest.fixture
def world():
    made = small_world()
    made.product = made.publish(any_of(LEGAL))
    yield made
    made.close()


def give(world, who="con", **more):
    world.approve(world.ask(world.product, by=who), "ana", **more)
    world.deliver()
    return world.market.grants.of(who, by=who).items[0].id


def by_hand(world, who, source="people"):
    world.platform.platform.grant_by_hand(world.principals[who], world.objects[source])


def end(world, grant):
    (request,) = world.market.grants.get(grant, by="gil").requests
    world.market.requests.revoke(request, reason="left", by="gil")
    world.deliver()


# -- adopt ---------------------------------------------------------------------------------


@pytest.mark.parametrize("adopted", [True, False])
def test_what_was_there_before_goes_with_the_grant_only_when_it_was_adopted(world, adopted):
    by_hand(world, "con")
    grant = give(world)
    if adopted:
        view = world.market.grants.adopt(grant, by="gil")
        assert [item.origin for item in view.items] == ["ours"]

    end(world, grant)

    assert world.reads("con") == ("none" if adopted else "clear")
    assert world.market.grants.get(grant, by="gil").state == "ended"


def test_adopting_is_told_with_what_was_adopted(world):
    by_hand(world, "con")
    grant = give(world)

    world.market.grants.adopt(grant, by="gil")

    (event,) = (
        row
        for row in world.market.audit.events(f"grant:{grant}", by="aud")
        if row.type == "grant.adopted"
    )
    assert event.payload == {"items": [f"read in object|{world.objects['people']}#1"]}
    assert event.actor == "gil"


def test_there_has_to_be_something_to_adopt(world):
    grant = give(world)

    with pytest.raises(Conflict) as caught, nothing_written(world):
        world.market.grants.adopt(grant, by="gil")

    assert caught.value.code == "nothing_to_adopt"


# -- uninstall -----------------------------------------------------------------------------


def test_a_dry_run_shows_every_statement_and_writes_nothing(world):
    give(world)
    give(world, "pat")

    with nothing_written(world):
        seen = world.market.uninstall("lake")

    people = world.objects["people"]
    assert sorted(change.statement for change in seen.changes) == sorted(
        f"REVOKE SELECT ON {people} FROM {world.principals[who]}" for who in ("con", "pat")
    )
    assert world.reads("con") == "clear"


def test_uninstalling_leaves_the_platform_as_it_was_before_us(world):
    """Rights of before and of others stay, ours go, unmasking first; the ledger is empty."""
    platform = world.platform.platform
    by_hand(world, "con")
    before = platform.snapshot()
    give(world)
    give(world, "pat")
    world.approve(world.ask_unmasked(world.product, by="pat"), "ana")
    world.deliver()
    assert world.reads("pat", column="salary") == "clear"
    by_hand(world, "pat", "leave")
    expected = before | {(world.principals["pat"], world.objects["leave"], None)}

    done = world.market.uninstall("lake", dry_run=False)

    assert platform.snapshot() == expected
    assert [change.kind for change in done.changes] == ["unmask", "read"]
    assert done.problems == ()
    with world.market._storage.begin(write=False) as rows:
        assert (list(rows.find("ledger")), list(rows.find("pin"))) == ([], [])
    assert "connection.uninstalled" in [
        row.type for row in world.market.audit.events("connection:lake", by="aud")
    ]


def test_nothing_is_given_until_the_connection_is_installed_again(world):
    grant = give(world)
    world.market.uninstall("lake", dry_run=False)
    view = world.market.grants.get(grant, by="con")
    assert (view.state, view.trouble[0].code) == ("wanted", "connection_uninstalled")

    give(world, "pat")
    world.clock.advance(days=2)
    world.deliver()
    assert (world.reads("con"), world.reads("pat")) == ("none", "none")

    world.market.install("lake")
    world.deliver()

    assert (world.reads("con"), world.reads("pat")) == ("clear", "clear")
    view = world.market.grants.get(grant, by="con")
    assert (view.state, view.trouble) == ("active", ())


def test_access_that_ends_while_uninstalled_has_ended(world):
    grant = give(world)
    world.market.uninstall("lake", dry_run=False)

    end(world, grant)

    assert world.market.grants.get(grant, by="gil").state == "ended"


def test_what_the_platform_refuses_to_take_away_is_said_to_be_left(world):
    give(world)
    world.platform.platform.refuse(world.objects["people"])

    done = world.market.uninstall("lake", dry_run=False)

    people, con = world.objects["people"], world.principals["con"]
    assert done.problems == (f"still there: GRANT SELECT ON {people} TO {con}",)

    world.platform.platform.permit(world.objects["people"])
    world.clock.advance(hours=1)

    assert world.market.uninstall("lake", dry_run=False).problems == ()
    assert world.reads("con") == "none"


def test_a_platform_that_does_not_answer_is_said_to_hold_what_it_holds(world):
    give(world)
    world.platform.platform.unreachable = True

    done = world.market.uninstall("lake", dry_run=False)

    assert done.problems[0].startswith("still there: GRANT SELECT")


def test_uninstalling_twice_changes_nothing_more(world):
    give(world)
    world.market.uninstall("lake", dry_run=False)

    again = world.market.uninstall("lake", dry_run=False)

    assert (again.changes, again.problems) == ((), ())


def test_an_unknown_connection_is_refused(world):
    with nothing_written(world):
        for act in (
            lambda: world.market.uninstall("sea"),
            lambda: world.market.uninstall("sea", dry_run=False),
            lambda: world.market.install("sea"),
        ):
            with pytest.raises(NotFound):
                act()
        with pytest.raises(Conflict):
            world.market.install("lake")
        with pytest.raises(InvalidInput):
            world.market.uninstall("lake", dry_run="no")
