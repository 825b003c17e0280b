"""Who is made a data steward by name is told; who becomes one by a group is not."""

from __future__ import annotations

import pytest

from marketplace_sdk import ReviewFlow, Stage, user
from tests.services.helpers import small_world
from tests.world import LEGAL, UNA, any_of

KIND = "steward_named"
LINKS = {"product": "https://portal.example/products/{id}"}


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    """A marketplace with a portal, on each store that is always there."""
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/m.db"
    made = small_world(url, links=LINKS)
    yield made
    made.close()


def named(world, who="una"):
    """What somebody was told of it, the oldest first."""
    world.deliver()
    world.clock.advance(minutes=1)
    found = world.market.inbox.of(who, limit=1000, by=who)
    return [each for each in reversed(found.items) if each.kind == KIND]


def test_a_form_that_names_a_person_makes_them_steward_of_the_products_that_use_it(world):
    """Not the form alone; each product tells them, with its page."""
    form = world.form(any_of(UNA, LEGAL))
    assert named(world) == []
    product = world.publish(form=form, name="Heads")

    (told,) = named(world)
    assert told.subject == "You are a data steward now, by name: Heads."
    assert told.link == f"https://portal.example/products/{product.id}"
    assert [named(world, who) for who in ("ana", "bo", "gil")] == [[], [], []], "by a group, or not"


def test_a_form_that_comes_to_name_a_person_tells_them_once_for_all_its_products(world):
    """Retired products are not spoken of; whoever was named before is not told again."""
    form = world.form(any_of(UNA))
    names = [f"Heads {number}" for number in range(7)]
    products = [world.publish(form=form, name=name) for name in names]
    world.market.products.retire(products[0].id, by="dee")
    assert len(named(world)) == 7

    world.market.forms.edit(form, review=any_of(UNA, user("pat")), by="gil")

    assert len(named(world)) == 7
    (told,) = named(world, "pat")
    assert told.data["count"] == 6
    assert told.subject.endswith(" and 1 more.")
    assert "Heads 0" not in told.subject
    world.market.forms.edit(form, name="Another name", by="gil")
    assert (len(named(world)), len(named(world, "pat"))) == (7, 1)


def test_a_product_that_decides_itself_names_people(world):
    """By its own flow while its form delegates, and by another form that it is given."""
    delegating = world.form(ReviewFlow.delegate())
    product = world.publish(form=delegating, review=any_of(LEGAL))
    assert named(world) == []
    update = world.market.products.update
    flow = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(UNA))
    update(product.id, review=flow, by="dee")
    assert len(named(world)) == 1

    update(product.id, description="with heads", by="dee")
    update(product.id, masking_form=world.form(any_of(UNA, user("pat"))), by="dee")

    assert len(named(world)) == 1, "she was one already"
    assert len(named(world, "pat")) == 1


def test_a_flow_that_does_not_count_makes_nobody_a_steward(world):
    """The form names the stewards itself."""
    world.publish(form=world.form(any_of(LEGAL)), review=any_of(UNA))

    assert named(world) == []


def test_whoever_names_themselves_knows(world):
    world.publish(form=world.form(any_of(user("dee"), UNA)), by="dee")

    assert named(world, "dee") == []
    assert len(named(world)) == 1


def test_the_same_product_again_tells_nobody_again(world):
    form = world.form(any_of(UNA))
    for _ in range(2):
        world.publish(form=form, name="Heads", id="heads")

    assert len(named(world)) == 1
