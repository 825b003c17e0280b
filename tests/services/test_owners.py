"""An object that belongs to somebody else since access was given: told, and accepted by a person."""

from __future__ import annotations

import pytest

from marketplace_sdk import Conflict, ProvisioningError
from tests.services.helpers import nothing_written, small_world, types_of
from tests.world import LEGAL, any_of


@pytest.fixture
def world():
    made = small_world()
    made.lake, made.table = made.platform.platform, made.objects["people"]
    made.lake.hand_over(made.table, "loader")
    request = made.ask(made.publish(any_of(LEGAL)))
    made.approve(request, "ana")
    made.deliver()
    made.lake.hand_over(made.table, "etl")
    yield made
    made.close()


def told(world):
    return [str(each) for each in world.market.grants.drift(by="gil").of("owner_changed")]


def accept(world, owner="etl"):
    return world.market.sources.accept_owner("people", owner, by="gil")


def test_a_new_owner_is_told_until_somebody_accepts_it(world):
    (said,) = told(world)
    assert f"{world.table} belonged to loader and belongs to etl now" in said

    accept(world)

    assert told(world) == []
    assert types_of(world, "source:people")[-1] == "source.owner_accepted"
    event = world.market.audit.events("source:people", limit=1000, by="aud")[-1]
    assert (event.payload["before"], event.payload["owner"]) == (["loader"], "etl")


def test_only_the_owner_that_the_platform_names_can_be_accepted(world):
    with nothing_written(world), pytest.raises(Conflict, match="it belongs to etl") as caught:
        accept(world, "mallory")

    assert caught.value.code == "owner_differs"
    assert told(world)


def test_what_has_not_changed_cannot_be_accepted(world):
    accept(world)

    with nothing_written(world), pytest.raises(Conflict, match="known already") as caught:
        accept(world)

    assert caught.value.code == "nothing_changed"


def test_a_platform_that_does_not_answer_is_not_taken_at_our_word(world):
    world.lake.unreachable = True

    with nothing_written(world), pytest.raises(ProvisioningError) as caught:
        accept(world)

    assert caught.value.retryable


def test_the_accepted_owner_may_make_the_object_again(world):
    """``same_owner`` then means the new one."""
    accept(world)
    world.lake.create(world.table, ["id", "name", "salary"], owner="etl")
    world.lake.protect(world.table, "salary")
    world.market.sources.update("people", description="made again", by="gil")

    world.deliver()

    assert world.reads("con") == "clear"
