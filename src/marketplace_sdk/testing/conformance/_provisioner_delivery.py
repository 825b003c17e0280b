"""A provisioner with the real reconciler: who was promised access has it, and nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._provisioner_looking import HOSTILE_NAMES
from marketplace_sdk.testing.conformance._provisioner_shop import Shop
from marketplace_sdk.testing.conformance._provisioner_world import ProvisionerWorld

__all__ = ["DeliveryChecks"]

_MOST_CHANGES = 20


class DeliveryChecks:
    """Through a whole marketplace: request, approval, delivery, end."""

    lacks: ClassVar[Mapping[str, str]]

    def test_access_follows_an_approval_and_ends_with_it(self, world: ProvisionerWorld) -> None:
        """And leaves the platform as it was."""
        orders, items = world.make_object("orders"), world.make_object("items")
        bob, eve = world.make_principal("bob"), world.make_principal("eve")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            product = shop.product("Orders", orders, items, days=30)
            shop.ask(product, "bob")
            assert world.snapshot() == before, "something changed before it was delivered"

            shop.deliver()
            given = world.snapshot()
            shop.deliver()

            assert shop.state("bob") == "active", shop.trouble("bob")
            assert world.can_read(bob, orders)
            assert world.can_read(bob, items)
            assert not world.can_read(eve, orders)
            assert world.snapshot() == given
            shop.pass_days(31)
            shop.deliver()
            assert shop.state("bob") == "ended", shop.trouble("bob")
            assert not world.can_read(bob, orders)
            assert world.snapshot() == before

    def test_what_may_not_be_granted_is_not_opened(self, world: ProvisionerWorld) -> None:
        """``may_grant`` of the connection bounds what any product can reach."""
        orders, bob = world.make_object("orders"), world.make_principal("bob")
        with Shop(world, may_grant=["nothing.like.it"]) as shop:
            shop.person("bob", bob)
            shop.ask(shop.product("Orders", orders), "bob")

            shop.deliver()
            shop.settle()

            assert shop.state("bob") == "wanted"
            assert not world.can_read(bob, orders)

    def test_nobody_gets_what_somebody_unknown_was_promised(self, world: ProvisionerWorld) -> None:
        """It is told that the person, or the object, is not there; and nobody can read more."""
        orders, bob = world.make_object("orders"), world.make_principal("bob")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("stranger", f"{bob}x")
            shop.person("bob", bob)
            promised = {
                "stranger": shop.ask(shop.product("Orders", orders), "stranger"),
                "bob": shop.ask(shop.product("Nothing", f"{orders}x"), "bob"),
            }

            shop.deliver()
            shop.settle()

            assert not world.can_read(bob, orders)
            for who, request in promised.items():
                assert shop.state(who) == "wanted"
                assert shop.trouble(who)
                shop.end(request, who)
            shop.settle()
            assert world.snapshot() == before

    def test_a_right_from_before_survives(self, world: ProvisionerWorld) -> None:
        """What somebody had without us is never taken by us."""
        orders, bob = world.make_object("orders"), world.make_principal("bob")
        world.grant_by_hand(bob, orders)
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            request = shop.ask(shop.product("Orders", orders), "bob")
            shop.deliver()
            assert shop.state("bob") == "active", shop.trouble("bob")

            shop.end(request, "bob")
            shop.deliver()

            assert shop.state("bob") == "ended", shop.trouble("bob")
            assert world.can_read(bob, orders)
            assert world.snapshot() == before

    def test_two_products_on_one_object(self, world: ProvisionerWorld) -> None:
        """Access ends when the last reason for it has ended, not before."""
        orders, bob = world.make_object("orders"), world.make_principal("bob")
        ann = world.make_principal("ann")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            shop.person("ann", ann)
            first, second = shop.product("First", orders), shop.product("Second", orders)
            requests = [shop.ask(first, "bob"), shop.ask(second, "bob")]
            hers = shop.ask(second, "ann")
            shop.deliver()

            shop.end(requests[0], "bob")
            shop.deliver()
            assert world.can_read(bob, orders)
            assert world.can_read(ann, orders)
            shop.end(requests[1], "bob")
            shop.deliver()
            assert not world.can_read(bob, orders)
            assert world.can_read(ann, orders)
            shop.end(hers, "ann")
            shop.deliver()

            assert world.snapshot() == before

    def test_a_worker_vanishes_after_each_change(self, world: ProvisionerWorld) -> None:
        """Whoever comes next goes on from what is there, while giving and while taking."""
        objects = [world.make_object("orders"), world.make_object("items")]
        bob = world.make_principal("bob")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            product = shop.product("Orders", *objects)
            survived = False
            for nth in range(1, _MOST_CHANGES):
                request = shop.ask(product, "bob")
                giving = shop.dies(nth)
                shop.settle()
                assert shop.state("bob") == "active", f"change {nth}: {shop.trouble('bob')}"
                closed = [each for each in objects if not world.can_read(bob, each)]
                assert not closed, f"change {nth}: active, and cannot read"

                shop.end(request, "bob")
                taking = shop.dies(nth)
                shop.settle()
                assert shop.state("bob") == "ended", f"change {nth}: {shop.trouble('bob')}"
                assert not any(world.can_read(bob, each) for each in objects)
                assert world.snapshot() == before
                survived = not giving and not taking
                if survived:
                    break
            assert survived, f"one access took {_MOST_CHANGES} changes or more"

    @check("native_ids")
    def test_access_to_what_was_dropped_ends(self, world: ProvisionerWorld) -> None:
        """There is nothing left to take away, which is an answer and not a failure to look."""
        orders, bob = world.make_object("orders"), world.make_principal("bob")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            request = shop.ask(shop.product("Orders", orders), "bob")
            shop.deliver()
            assert world.can_read(bob, orders)

            world.replace_object(orders)
            shop.end(request, "bob")
            shop.settle()

            assert shop.state("bob") == "ended", shop.trouble("bob")
            assert not world.can_read(bob, orders)
            assert world.snapshot() == before

    @check("refusal")
    def test_a_partial_failure_converges(self, world: ProvisionerWorld) -> None:
        """What is refused is told and tried again; nobody is told before that it works."""
        good, bad = world.make_object("good"), world.make_object("bad")
        bob, before = world.make_principal("bob"), world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            request = shop.ask(shop.product("Both", good, bad), "bob")

            with world.refusing(bad):
                shop.deliver()
                assert shop.state("bob") == "wanted"
                assert shop.trouble("bob")
                assert not world.can_read(bob, bad)
            shop.settle()

            assert shop.state("bob") == "active", shop.trouble("bob")
            assert world.can_read(bob, good)
            assert world.can_read(bob, bad)
            shop.end(request, "bob")
            shop.deliver()
            assert shop.state("bob") == "ended", shop.trouble("bob")
            assert world.snapshot() == before

    @check("outage")
    def test_an_outage_delays_and_loses_nothing(self, world: ProvisionerWorld) -> None:
        """Neither is access reported that is not there, nor an end that has not come."""
        orders, bob = world.make_object("orders"), world.make_principal("bob")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            request = shop.ask(shop.product("Orders", orders), "bob")

            with world.unreachable():
                shop.deliver()
                assert shop.state("bob") == "wanted"
            shop.settle()
            assert shop.state("bob") == "active", shop.trouble("bob")
            assert world.can_read(bob, orders)
            shop.end(request, "bob")
            with world.unreachable():
                shop.deliver()
                assert shop.state("bob") == "ending", "ended, says somebody who could not look"
            shop.settle()

            assert shop.state("bob") == "ended", shop.trouble("bob")
            assert world.snapshot() == before

    @check("hostile_names")
    def test_hostile_names_through_a_marketplace(self, world: ProvisionerWorld) -> None:
        """One product of all of them, and everybody reads exactly what they asked for."""
        objects = [world.make_object(word) for word in HOSTILE_NAMES]
        people = [world.make_principal(word) for word in HOSTILE_NAMES]
        before = world.snapshot()
        with Shop(world) as shop:
            requests = []
            for number, (name, who) in enumerate(zip(objects, people, strict=True)):
                shop.person(f"person{number}", who)
                product = shop.product(f"Product {number}", name)
                requests.append(shop.ask(product, f"person{number}"))

            shop.deliver()

            held = {(who, name) for who in people for name in objects if world.can_read(who, name)}
            assert held == set(zip(people, objects, strict=True))
            for number, request in enumerate(requests):
                shop.end(request, f"person{number}")
            shop.deliver()
            assert world.snapshot() == before

    def test_an_unprotected_column_keeps_its_object_closed(self, world: ProvisionerWorld) -> None:
        """Approving to read never opens a column that is marked masked and that everybody sees."""
        orders, bob = world.make_object("orders", ["id", "email"]), world.make_principal("bob")
        with Shop(world) as shop:
            shop.person("bob", bob)
            if "masking" not in self.lacks:
                world.unprotect(orders, "email")
            shop.ask(shop.product("Orders", orders, masked=["email"]), "bob")

            shop.deliver()
            shop.settle()

            assert shop.state("bob") == "wanted"
            assert shop.trouble("bob")

    @check("masking")
    def test_a_masked_column_stays_masked(self, world: ProvisionerWorld) -> None:
        """Who may read an object does not see what is masked in it."""
        orders, bob = world.make_object("orders", ["id", "email"]), world.make_principal("bob")
        world.protect(orders, "email")
        with Shop(world) as shop:
            shop.person("bob", bob)
            shop.ask(shop.product("Orders", orders, masked=["email"]), "bob")

            shop.deliver()

            assert shop.state("bob") == "active", shop.trouble("bob")
            assert world.can_read(bob, orders)
            assert world.sees_clear(bob, orders, "id")
            assert not world.sees_clear(bob, orders, "email")

    @check("masking", "unmask")
    def test_a_masking_exception_shows_one_column_to_one_person(
        self, world: ProvisionerWorld
    ) -> None:
        """While they have access; before and afterwards they see what everybody sees."""
        orders = world.make_object("orders", ["id", "email", "phone"])
        bob, ann = world.make_principal("bob"), world.make_principal("ann")
        world.protect(orders, "email")
        world.protect(orders, "phone")
        before = world.snapshot()
        with Shop(world) as shop:
            shop.person("bob", bob)
            shop.person("ann", ann)
            product = shop.product("Orders", orders, masked=["email", "phone"])
            access = [shop.ask(product, "bob"), shop.ask(product, "ann")]
            exception = shop.ask_unmasked(product, "bob", orders, "email")

            shop.deliver()
            assert world.sees_clear(bob, orders, "email")
            assert not world.sees_clear(bob, orders, "phone")
            assert not world.sees_clear(ann, orders, "email")
            shop.end(exception, "bob")
            shop.deliver()
            assert world.can_read(bob, orders)
            assert not world.sees_clear(bob, orders, "email")

            for request, who in zip(access, ("bob", "ann"), strict=True):
                shop.end(request, who)
            shop.deliver()
            assert world.snapshot() == before
