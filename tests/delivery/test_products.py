"""Products as wholes: many members, added sources, suspension, groups, deletion, what it costs."""

from __future__ import annotations

from collections import Counter

import pytest

from marketplace_sdk.domain.products import DataProduct
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import World

KINDS = [DirectPlatform, RolePlatform]


@pytest.fixture(params=KINDS)
def world(request):
    made = World(request.param())
    made.source("orders")
    made.source("items")
    made.product("p", "orders")
    made.person("bob")
    made.person("eve")
    return made


def test_a_source_that_is_asked_for_reaches_later_members_only(world):
    """Domain policy ``widening="ask"``: one product, members with different sources."""
    bob = world.grant("p", "bob")
    world.deliver()
    world.clock.advance(seconds=60)
    world.set_sources("p", "orders", "items", ask=True)
    world.clock.advance(seconds=60)
    eve = world.grant("p", "eve")

    world.deliver()

    assert world.platform.reads("bob", "s.orders")
    assert not world.platform.reads("bob", "s.items")
    assert world.platform.reads("eve", "s.orders")
    assert world.platform.reads("eve", "s.items")
    assert (world.state(bob), world.state(eve)) == ("active", "active")

    world.change("p", asked=frozenset())
    world.mark(bob)
    world.deliver()

    assert world.platform.reads("bob", "s.items")
    assert world.platform.reads("eve", "s.items")
    assert (world.state(bob), world.state(eve)) == ("active", "active")

    world.revoke(bob)
    world.revoke(eve)
    world.deliver()

    assert world.platform.listing() == []
    assert world.ledger() == {}


def test_sources_added_at_different_times_are_kept_apart(world):
    world.source("notes")
    world.grant("p", "bob")
    world.clock.advance(seconds=60)
    world.set_sources("p", "orders", "items", ask=True)
    world.clock.advance(seconds=60)
    world.grant("p", "eve")
    world.clock.advance(seconds=60)
    world.set_sources("p", "orders", "items", "notes", ask=True)
    world.clock.advance(seconds=60)
    world.person("dan")
    world.grant("p", "dan")

    world.deliver()

    read = {
        who: [o for o in ("orders", "items", "notes") if world.platform.reads(who, f"s.{o}")]
        for who in ("bob", "eve", "dan")
    }
    assert read == {
        "bob": ["orders"],
        "eve": ["orders", "items"],
        "dan": ["orders", "items", "notes"],
    }


def test_a_source_that_is_given_reaches_members_at_once(world):
    bob = world.grant("p", "bob")
    world.deliver()

    world.set_sources("p", "orders", "items")
    world.deliver()

    assert world.platform.reads("bob", "s.items")
    assert world.state(bob) == "active"


def test_suspended_access_is_withheld_and_comes_back(world):
    bob = world.grant("p", "bob")
    world.deliver()

    world.withhold(bob)
    world.deliver()

    assert not world.platform.reads("bob", "s.orders")
    assert world.state(bob) == "withheld"

    world.release(bob)
    world.deliver()

    assert world.platform.reads("bob", "s.orders")
    assert world.state(bob) == "active"


def test_a_group_gets_access_under_its_own_name(world):
    world.group("Sales Team", "sales_role")
    grant = world.grant("p", "Sales Team", group=True)

    world.deliver()

    assert world.platform.reads("sales_role", "s.orders")
    assert world.get(grant).principals["lake"].native_id == "u-sales_role"


def test_access_past_its_end_is_not_given_even_before_the_sweep(world):
    from datetime import timedelta

    bob = world.grant("p", "bob", until=world.clock() + timedelta(seconds=30))
    world.clock.advance(seconds=31)

    world.worker()._marks(Counter(), None)

    assert not world.platform.reads("bob", "s.orders")
    assert world.state(bob) == "wanted"


def test_a_product_that_waits_for_its_deletion_becomes_a_tombstone_with_the_last_proof(world):
    bob, eve = world.grant("p", "bob"), world.grant("p", "eve")
    world.deliver()
    world.change("p", state="deleting")
    world.revoke(bob, "product_deleted")
    world.deliver()
    with world.desk.read() as unit:
        assert unit.get(DataProduct, "p").state == "deleting"

    world.revoke(eve, "product_deleted")
    world.deliver()

    with world.desk.read() as unit:
        assert unit.get(DataProduct, "p").state == "deleted"
    (event,) = world.events("product.deleted")
    assert event.payload == {"product": {"id": "p", "name": "p", "domain": "d"}}


def test_a_deletion_waits_for_masking_exceptions_too(world):
    world.source("masked", masked=["email"])
    world.product("q", "masked")
    access = world.grant("q", "bob")
    mask = world.grant("q", "bob", columns=("masked.email",))
    world.deliver()
    world.change("q", state="deleting")

    world.revoke(mask)
    world.revoke(access)
    world.deliver()

    with world.desk.read() as unit:
        assert unit.get(DataProduct, "q").state == "deleted"


def test_people_are_told_when_access_first_becomes_active(world):
    world.people.matching = {}
    grant = world.grant("p", "bob")

    world.deliver()

    told = {(message.person, message.kind) for message in world.inbox()}
    assert told == {("req", "access_active"), ("bob", "access_active")}

    world.withhold(grant)
    world.deliver()
    world.release(grant)
    world.deliver()

    assert len(world.inbox()) == 2


def test_a_grant_on_two_platforms_is_active_when_both_show_it(world):
    from marketplace_sdk.delivery.deliverer import Connection

    sea = DirectPlatform()
    sea.identity = "sea"
    sea.object("s.far")
    sea.principal("bob")
    sea.down = True
    world.connections["sea"] = Connection(
        name="sea", provisioner=sea, may_grant=("*",), plugin="x 1"
    )
    world.source("far", connection="sea", object="s.far")
    world.product("q", "orders", "far")
    person = world.people.people["bob"]
    world.people.people["bob"] = type(person)(id="bob", principals={"lake": "bob", "sea": "bob"})
    grant = world.grant("q", "bob")

    world.deliver()
    assert world.platform.reads("bob", "s.orders")
    assert world.state(grant) == "wanted"

    sea.down = False
    world.settle()
    assert world.state(grant) == "active"

    sea.down = True
    world.revoke(grant)
    world.deliver()
    assert not world.platform.reads("bob", "s.orders")
    assert world.state(grant) == "ending"

    sea.down = False
    world.settle()
    assert world.state(grant) == "ended"


def test_two_connections_to_one_platform_share_one_book():
    world = World(DirectPlatform())
    world.connections["alias"] = world.connections["lake"].__class__(
        name="alias", provisioner=world.platform, may_grant=("*",), plugin="x 1"
    )
    world.source("orders")
    world.source("again", connection="alias", object="s.orders")
    world.product("p", "orders")
    world.product("q", "again")
    world.person("bob")
    person = world.people.people["bob"]
    world.people.people["bob"] = type(person)(id="bob", principals={"lake": "bob", "alias": "bob"})
    first, second = world.grant("p", "bob"), world.grant("q", "bob")
    world.deliver()
    assert len(world.ledger()) == 1

    world.revoke(first)
    world.deliver()

    assert (world.state(first), world.state(second)) == ("ended", "active")
    assert world.platform.reads("bob", "s.orders")


class Counting:
    """A storage that counts the records that are written."""

    def __init__(self, storage):
        self.storage = storage
        self.puts = []

    def __getattr__(self, name):
        return getattr(self.storage, name)

    def begin(self, *, write=True):
        from contextlib import contextmanager

        @contextmanager
        def unit():
            with self.storage.begin(write=write) as rows:
                put = rows.put

                def counted(record, expected):
                    self.puts.append((record.kind, record.id))
                    put(record, expected)

                rows.put = counted
                yield rows

        return unit()


def test_one_more_member_of_a_large_product_is_one_row_and_one_change():
    """A product of 200 tables and 50 members: the next approval writes one row of the ledger."""
    from marketplace_sdk.memory.storage import MemoryStorage

    storage = Counting(MemoryStorage())
    world = World(RolePlatform(), storage=storage)
    names = [world.source(f"t{n:03}") for n in range(200)]
    world.product("p", *names)
    for n in range(50):
        world.person(f"m{n}")
        world.grant("p", f"m{n}")
    world.deliver()
    world.person("late")
    world.platform.log.clear()
    grant = world.grant("p", "late")
    storage.puts.clear()

    world.deliver()

    assert world.state(grant) == "active"
    assert world.platform.log == [("add", "member u-late of product:p")]
    assert {id for kind, id in storage.puts if kind == "ledger"} == {
        "acme|member u-late of product:p"
    }
    assert {id for kind, id in storage.puts if kind == "grant"} == {grant}
    assert not [id for kind, id in storage.puts if kind == "pin"]


def test_a_pass_that_finds_nothing_to_do_costs_one_listing_and_writes_nothing():
    from marketplace_sdk.memory.storage import MemoryStorage

    storage = Counting(MemoryStorage())
    world = World(RolePlatform(), storage=storage)
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    grant = world.grant("p", "bob")
    world.deliver()
    world.mark(grant)
    storage.puts.clear()
    world.platform.observed.clear()
    world.platform.applied.clear()

    world.deliver()

    assert {kind for kind, _ in storage.puts} == {"lease"}
    assert len(world.platform.observed) == 1
    assert world.platform.applied == []


def test_many_marks_of_one_target_are_one_pass():
    world = World(RolePlatform())
    world.source("orders")
    world.product("p", "orders")
    for n in range(20):
        world.person(f"m{n}")
        world.grant("p", f"m{n}")

    done = world.deliver()

    assert done.passes == 1
    assert len(world.platform.applied) == 1


def test_a_grant_that_carries_none_of_the_sources_any_more_can_end(world):
    """Nothing of it is anywhere: the next look at its product proves that."""
    grant = world.grant("p", "bob")
    world.deliver()
    world.source("later")
    world.clock.advance(seconds=1)
    world.set_sources("p", "later", ask=True)
    world.deliver()
    assert world.state(grant) == "wanted"

    world.revoke(grant)
    world.deliver()

    assert world.state(grant) == "ended"
