"""What one pass owes to other products, to the plugins it calls and to what it cannot look up."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import World


class Recording(DirectPlatform):
    """Remembers the limits of every call, and what was known when items were made."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.known = []

    def _note(self, call):
        self.calls.append((call.correlation_id, call.seconds_left()))

    def resolve(self, refs, call):
        self._note(call)
        return super().resolve(refs, call)

    def observe(self, scopes, guards, call):
        self._note(call)
        return super().observe(scopes, guards, call)

    def apply(self, batch, call):
        self._note(call)
        return super().apply(batch, call)

    def member(self, target, who, known):
        self.known.append(known.installation)
        return super().member(target, who, known)


def made(platform):
    world = World(platform)
    world.source("orders")
    world.source("items")
    world.product("p", "orders", "items")
    world.person("bob")
    world.person("eve")
    return world


def test_every_call_has_a_deadline_and_the_number_of_its_pass():
    world = made(Recording())
    grant = world.grant("p", "bob")
    world.deliver()
    first, world.platform.calls = world.platform.calls, []
    world.mark(grant)
    world.deliver()
    second = world.platform.calls

    assert len(first) == 5  # look names up, look, change two scopes, look again
    assert all(0 < left <= world.settings.call_timeout for _, left in first + second)
    numbers = [{number for number, _ in calls} for calls in (first, second)]
    assert [len(each) for each in numbers] == [1, 1]
    assert numbers[0] != numbers[1]
    assert all(number and isinstance(number, str) for each in numbers for number in each)


def test_items_are_made_for_the_installation_whose_marker_they_carry():
    world = made(Recording())
    world.grant("p", "bob")

    world.deliver()

    assert set(world.platform.known) == {"inst0001"}


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_an_object_that_another_product_pinned_is_pinned_for_all(kind):
    """Made again under its name, it is held for a product that never granted on it, too."""
    world = made(kind())
    world.product("q", "orders")
    world.grant("p", "bob")
    world.deliver()
    world.platform.object("s.orders", "o-another")
    grant = world.grant("q", "eve")

    world.deliver()

    assert world.troubles(grant) == ["object_replaced"]
    assert not any("o-another" in key for key in world.platform.listing())


def test_an_object_that_another_product_pinned_may_be_granted_on_while_it_is_the_same():
    world = made(DirectPlatform())
    world.product("q", "orders")
    world.grant("p", "bob")
    world.deliver()
    grant = world.grant("q", "eve")

    world.deliver()

    assert world.state(grant) == "active"


def test_what_is_kept_unlooked_at_is_not_put_back_before_it_can_be_looked_up():
    """Somebody took it by hand; the object of that name may be another one by now."""
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.objects["s.items"] = TimeoutError("busy")
    world.platform.present.clear()
    world.platform.log.clear()
    world.mark(grant)

    world.deliver()

    assert world.platform.log == [("add", "select o-s.orders to u-bob")]
    assert world.state(grant) == "wanted"

    world.platform.object("s.items")
    world.settle()

    assert world.platform.reads("bob", "s.items")
    assert world.state(grant) == "active"


def test_a_connection_that_is_not_configured_waits_for_somebody_not_for_time():
    world = made(DirectPlatform())
    grant = world.grant("p", "bob")
    world.connections.clear()

    world.deliver()

    (trouble,) = world.get(grant).trouble
    assert trouble.code == "connection_missing"
    assert trouble.retryable is False
    assert "lake" in trouble.message


def test_a_change_that_was_not_answered_but_is_seen_is_no_trouble():
    """The platform's own picture is believed, also when it is better than the call's answer."""
    world = made(DirectPlatform())
    world.platform.refuse["select o-s.orders to u-bob"] = "unknown"
    grant = world.grant("p", "bob")

    done = world.deliver()

    assert world.state(grant) == "active"
    assert world.troubles(grant) == []
    assert done.failed == 0


def test_whoever_shares_an_item_keeps_its_object_pinned_when_the_first_one_leaves():
    """The product that found everything there already has pinned what it relies on, too."""
    world = made(DirectPlatform())
    world.product("q", "orders")
    first, second = world.grant("p", "bob"), world.grant("q", "bob")
    world.deliver()
    world.revoke(first)
    world.deliver()
    world.platform.object("s.orders", "o-another")
    world.mark(second)

    world.deliver()

    assert world.troubles(second) == ["object_replaced"]
    assert not any("o-another" in key for key in world.platform.listing())


def test_an_object_that_was_readable_before_us_is_pinned_too():
    """Approved was the object as it was then, whoever had opened it."""
    world = made(DirectPlatform())
    world.platform.give("bob", "s.orders")
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.object("s.orders", "o-another")
    world.mark(grant)

    world.deliver()

    assert world.troubles(grant) == ["object_replaced"]
    assert not any("o-another" in key for key in world.platform.listing())


@pytest.mark.parametrize("kind", [DirectPlatform, RolePlatform])
def test_somebody_who_is_inactive_in_the_directory_gets_nothing_and_loses_what_he_had(kind):
    """A directory elsewhere tells nobody that somebody left: it is seen in the next pass."""
    world = made(kind())
    grant = world.grant("p", "bob")
    world.deliver()
    world.people.people["bob"] = evolve(world.people.people["bob"], active=False)
    world.mark(grant)

    world.deliver()

    assert world.troubles(grant) == ["beneficiary_left"]
    assert not world.platform.reads("bob", "s.orders")


class Slow(Recording):
    """Each step takes two thirds of a lease, and meanwhile another worker comes by."""

    world = None
    nested = False

    def _takes_long(self):
        if self.nested:
            return
        self.nested = True
        self.world.clock.advance(seconds=self.world.settings.call_timeout - 1)
        self.world.deliver("two")
        self.nested = False

    def resolve(self, refs, call):
        answers = super().resolve(refs, call)
        self._takes_long()
        return answers

    def member(self, target, who, known):
        self._takes_long()
        return super().member(target, who, known)

    def observe(self, scopes, guards, call):
        seen = super().observe(scopes, guards, call)
        self._takes_long()
        return seen


def test_a_pass_that_takes_longer_than_a_lease_is_not_taken_over():
    """However large a product is: the leases are renewed between the steps of its pass."""
    platform = Slow()
    world = made(platform)
    platform.world = world
    began = world.clock()
    grant = world.grant("p", "bob")

    world.deliver()

    assert (world.clock() - began).total_seconds() > 2 * world.settings.lease
    assert world.state(grant) == "active"
    assert len(platform.known) == 1
    assert [action for action, _ in platform.log] == ["add", "add"]
