"""An object that was dropped and made again: ``on_replaced`` decides, and never in silence."""

from __future__ import annotations

import pytest
from attrs import evolve

from marketplace_sdk.delivery.ledger import Pin
from marketplace_sdk.delivery.replacing import replaced
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.plugin import Ref, Resolved
from marketplace_sdk.work.targets import product_marks
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import World


def owned(kind):
    """A platform of that kind, on which objects have a kind, an owner and columns."""

    class Owned(kind):
        def __init__(self):
            super().__init__()
            self.facts = {}

        def make(self, object, native, **facts):
            self.objects[object] = native
            self.facts[native] = {
                "kind": "table",
                "owner": "etl",
                "columns": ("id", "email"),
                **facts,
            }

        def _meaning(self, ref):
            found = super()._meaning(ref)
            facts = self.facts.get(getattr(found, "native_id", ""), {})
            return evolve(found, **facts) if facts else found

    return Owned()


@pytest.fixture(params=[DirectPlatform, RolePlatform])
def world(request):
    made = World(owned(request.param))
    made.source("orders", masked=["email"])
    made.platform.make("s.orders", "o-1")
    made.product("p", "orders")
    made.person("bob")
    made.access = made.grant("p", "bob")
    made.deliver()
    assert made.state(made.access) == "active"
    return made


def again(world, native="o-2", **facts):
    """Drop the table, which takes its rights along, and make another one."""
    gone = world.platform.objects["s.orders"]
    for place in [place for place in world.platform.present if gone in place[1]]:
        del world.platform.present[place]
    world.platform.make("s.orders", native, **facts)
    world.mark(world.access)
    world.deliver()


def rule(world, on_replaced):
    world.connections["lake"] = evolve(world.connections["lake"], on_replaced=on_replaced)


def accept(world):
    with world.desk.write() as unit:
        done = world.inspector().accept(unit, "lake", "s.orders")
        unit.keep(Effects(marks=product_marks(unit, "p", ["orders"])))
    world.deliver()
    return done


def decisions(world):
    return [
        (row.payload["decision"], row.payload["now"]) for row in world.events("object.replaced")
    ]


def granted_on(world, native):
    return any(f"select {native} " in key for key in world.platform.listing())


def test_the_same_owner_who_makes_the_same_table_again_gives_access_again_with_an_event(world):
    again(world)

    assert world.state(world.access) == "active"
    assert granted_on(world, "o-2")
    assert decisions(world) == [("granted_again", "o-2")]

    world.mark(world.access)
    world.deliver()

    assert decisions(world) == [("granted_again", "o-2")], "once for each new object"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"owner": "mallory"}, "it belonged to etl and belongs to mallory now"),
        ({"owner": ""}, "its owner is not known"),
        ({"kind": "view"}, "it was a table and is a view now"),
        ({"columns": ("id", "email", "salary")}, "columns are new: salary"),
        ({"columns": ()}, "its columns are not known"),
        ({"name": "t.orders"}, "it was s.orders and is t.orders now"),
    ],
)
def test_whatever_is_not_the_same_is_held_and_told_once(world, facts, why):
    again(world, **facts)
    world.mark(world.access)
    world.deliver()

    assert world.state(world.access) == "wanted"
    assert not granted_on(world, "o-2")
    assert why in world.get(world.access).trouble[0].message
    (event,) = world.events("object.replaced")
    assert (event.payload["decision"], event.payload["reason"]) == ("held", why)
    assert event.aggregate == "object:acme|s.orders"


def test_a_table_with_fewer_columns_is_no_new_gift(world):
    again(world, columns=("id",))

    assert world.state(world.access) == "active"


def test_a_mask_that_was_lost_with_the_table_holds_the_grant(world):
    world.platform.protected["s.orders.email"] = False

    again(world)

    assert world.troubles(world.access) == ["unprotected_column"]
    assert not granted_on(world, "o-2")
    assert decisions(world) == [], "nothing was given again yet"

    world.platform.protected["s.orders.email"] = True
    world.settle()

    assert world.state(world.access) == "active"
    assert decisions(world) == [("granted_again", "o-2")]


def test_hold_gives_nothing_again_however_equal(world):
    rule(world, "hold")

    again(world)

    assert world.troubles(world.access) == ["object_replaced"]
    assert decisions(world) == [("held", "o-2")]


def test_always_gives_access_again_whoever_owns_it_but_never_past_a_guard(world):
    rule(world, "always")
    world.platform.protected["s.orders.email"] = False
    again(world, owner="mallory", kind="view")
    assert world.troubles(world.access) == ["unprotected_column"]

    world.platform.protected["s.orders.email"] = True
    world.settle()

    assert world.state(world.access) == "active"
    assert decisions(world) == [("granted_again", "o-2")]


def test_somebody_may_accept_a_held_object_and_access_follows(world):
    again(world, owner="mallory")

    assert accept(world)

    assert world.state(world.access) == "active"
    assert decisions(world) == [("held", "o-2"), ("granted_again", "o-2")]
    assert not accept(world), "there is nothing left to decide"


def test_what_is_accepted_is_one_object_and_not_its_name(world):
    again(world, owner="mallory")
    with world.desk.write() as unit:
        assert world.inspector().accept(unit, "lake", "s.orders")
    again(world, "o-3", owner="mallory")

    assert world.troubles(world.access) == ["object_replaced"]
    assert decisions(world) == [("held", "o-2"), ("held", "o-3")]


def test_only_the_connection_that_holds_it_is_decided_about(world):
    again(world, owner="mallory")

    with world.desk.write() as unit:
        assert not world.inspector().accept(unit, "sea", "s.orders")
        assert not world.inspector().accept(unit, "lake", "s.other")


def test_governance_and_the_managers_are_told(world):
    world.people.matching = {"permission:GOVERNANCE": ["gil"]}

    again(world, owner="mallory")

    told = [message for message in world.inbox() if message.kind == "object_replaced"]
    assert [message.person for message in told] == ["gil"]
    assert told[0].subject == (
        "s.orders was dropped and made again; nothing is granted on it, because it belonged to "
        "etl and belongs to mallory now."
    )


def test_an_object_that_is_still_the_same_is_not_replaced_whatever_else_changed():
    pin = Pin(platform="acme", object="s.orders", native_id="1", owner="etl", kind="table")
    found = Resolved(
        ref=Ref("object", "s.orders"), platform="acme", native_id="1", name="x", owner="eve"
    )

    assert replaced(pin, found, "hold") is None
