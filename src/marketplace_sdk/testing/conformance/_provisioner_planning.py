"""How a provisioner plans: which items, from what is known and nothing else."""

from __future__ import annotations

import json

from marketplace_sdk.errors import AdapterError
from marketplace_sdk.ports.provisioner import Change, Item, Known
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._provisioner_bench import (
    Bench,
    make_target,
    object_ref,
    planned,
    principal_ref,
)
from marketplace_sdk.wire.codec import dump, load

__all__ = ["PlanningChecks"]


class PlanningChecks:
    """``base``, ``member`` and ``describe``: pure, and complete enough to be guarded."""

    def test_planning_twice_gives_the_same(self, bench: Bench) -> None:
        """A pass that is repeated, by whatever process, must find its own items again."""
        first, second = bench.world.make_object("first"), bench.world.make_object("second")
        ann, bob = bench.world.make_principal("ann"), bench.world.make_principal("bob")

        once = bench.plan([first, second], ann, bob)
        again = bench.plan([first, second], ann, bob)
        bench.provisioner = bench.world.connect(bench.installation)
        elsewhere = bench.plan([first, second], ann, bob)

        assert once, "nothing is planned for two objects and two principals"
        assert once == again
        assert once == elsewhere

    def test_planning_touches_nothing(self, bench: Bench) -> None:
        """Plans are made to be shown as well, and nobody has said yes to those."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        before = bench.world.snapshot()

        items = bench.plan([orders], bob)
        for item in items:
            bench.provisioner.describe(Change(action="add", item=item))

        assert bench.world.snapshot() == before
        assert not bench.world.can_read(bob, orders)

    @check("outage")
    def test_planning_asks_nobody(self, bench: Bench) -> None:
        """All that a plan may use is handed to it, so it works while nothing can be reached."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        known, target = bench.known(object_ref(orders), principal_ref(bob)), make_target([orders])
        before = planned(bench.provisioner, target, known, [bob])

        with bench.world.unreachable():
            try:
                during = planned(bench.provisioner, target, known, [bob])
                words = [bench.provisioner.describe(Change(action="add", item=i)) for i in during]
            except AdapterError as error:
                raise AssertionError("a plan needed the platform") from error

        assert during == before
        assert all(words), f"a change has no words: {words}"

    def test_every_item_has_a_place_of_its_own(self, bench: Bench) -> None:
        """Keys are unique, and scopes are on the platform that the names are on."""
        objects = [bench.world.make_object(word) for word in ("first", "second")]
        people = [bench.world.make_principal(word) for word in ("ann", "bob")]
        known = bench.known(*map(object_ref, objects), *map(principal_ref, people))
        target = make_target(objects)

        items: list[Item] = list(bench.provisioner.base(target, known))
        for name in people:
            items += bench.provisioner.member(target, known.resolved[principal_ref(name)], known)

        keys = [item.key for item in items]
        assert len(set(keys)) == len(keys), f"two items share a key: {sorted(keys)}"
        platforms = {each.platform for each in known.resolved.values()}
        assert len(platforms) == 1
        assert {item.scope.platform for item in items} == platforms

    def test_items_of_two_people_are_apart(self, bench: Bench) -> None:
        """What one is given is not what another is given, or it could not be taken from one."""
        orders = bench.world.make_object("orders")
        ann, bob = bench.world.make_principal("ann"), bench.world.make_principal("bob")
        known = bench.known(object_ref(orders), principal_ref(ann), principal_ref(bob))
        target = make_target([orders])

        hers, his = (
            {
                item.key
                for item in bench.provisioner.member(
                    target, known.resolved[principal_ref(name)], known
                )
            }
            for name in (ann, bob)
        )

        assert hers
        assert his
        assert not hers & his

    def test_every_object_is_named_by_what_opens_it(self, bench: Bench) -> None:
        """``opens`` is what ``may_grant`` is matched with: what it leaves out is not bounded."""
        objects = [bench.world.make_object(word) for word in ("first", "second")]
        bob = bench.world.make_principal("bob")
        known = bench.known(*map(object_ref, objects))
        names = {each.name for each in known.resolved.values()}

        items = bench.plan(objects, bob)

        highest = max(item.rank for item in items)
        doors = {name for item in items if item.rank == highest for name in item.opens}
        assert doors == names, "the last items of a plan must name every object that they open"
        assert {name for item in items for name in item.opens} == names

    def test_a_masked_column_stands_guarded(self, bench: Bench) -> None:
        """What opens an object with a masked column waits until that column is protected."""
        orders = bench.world.make_object("orders", ["id", "email"])
        bob = bench.world.make_principal("bob")

        plain = bench.plan([orders], bob)
        masked = bench.plan([orders], bob, masked=["email"])

        assert not any(item.guards for item in plain)
        opening = [item for item in masked if item.opens]
        assert opening
        assert all(
            any(guard.kind == "column_protected" and "email" in guard.subject for guard in guards)
            for guards in (item.guards for item in opening)
        ), f"what opens a masked column has no guard: {[item.guards for item in opening]}"

    def test_items_are_plain_data(self, bench: Bench) -> None:
        """The ledger keeps items, so that what was planned can be undone without a plan."""
        orders = bench.world.make_object("orders", ["id", "email"])
        bob = bench.world.make_principal("bob")

        items = bench.plan([orders], bob, masked=["email"])

        assert [load(Item, json.loads(json.dumps(dump(item)))) for item in items] == items

    def test_what_is_not_there_is_left_out(self, bench: Bench) -> None:
        """An object that resolved to nothing must not hold up, or break, the plan of the rest."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        known = bench.known(object_ref(orders), principal_ref(bob))

        alone = planned(bench.provisioner, make_target([orders]), known, [bob])
        both = planned(bench.provisioner, make_target([orders, f"{orders}2"]), known, [bob])
        nothing = planned(
            bench.provisioner,
            make_target([orders]),
            Known(
                installation=bench.installation,
                resolved={principal_ref(bob): known.resolved[principal_ref(bob)]},
            ),
            [bob],
        )

        assert both == alone
        assert not any(item.opens for item in nothing)

    def test_a_statement_names_who_and_what(self, bench: Bench) -> None:
        """A steward reads the statements before deciding."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)

        given, taken = (
            [bench.provisioner.describe(Change(action=action, item=item)) for item in items]
            for action in ("add", "remove")
        )

        assert all(given), f"a change has no words: {given}"
        assert all(taken), f"a change has no words: {taken}"
        assert not set(given) & set(taken), "giving and taking read the same"
        for word in ("orders", "bob"):
            assert any(word in statement for statement in given), f"no {word} in {given}"
