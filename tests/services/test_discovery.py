"""Discovery registers and updates sources from what a platform shows, and never forgets one."""

from __future__ import annotations

import pytest

from marketplace_sdk import (
    Column,
    DataSource,
    InvalidInput,
    Marketplace,
    ProvisioningError,
    Tag,
    TagRule,
)
from marketplace_sdk.plugin import Discovered, DiscoveredColumn, Resolved, Unresolved
from tests.services.helpers import nothing_written, small_world
from tests.world import LEGAL, any_of


@pytest.fixture
def world():
    made = small_world()
    made.lake = made.platform.platform
    yield made
    made.close()


def found(world, pattern="crm.*", **more):
    return world.market.sources.discover("lake", pattern, by="gil", **more)


def source(world, name):
    return world.market.sources.get(name, by="con")


def test_objects_become_sources_with_columns_comment_tags_and_owner(world):
    world.lake.create(
        "crm.clients", ["id", "iban"], owner="etl", comment="Who buys", tags=["Sales"]
    )
    world.lake.protect("crm.clients", "iban")
    world.lake.create("other.table", ["id"])

    seen = found(world)

    assert str(seen) == "registered: crm_clients"
    made = source(world, "crm_clients")
    assert (made.connection, made.object) == ("lake", "crm.clients")
    assert made.columns == (Column("id"), Column("iban", masked=True))
    assert (made.description, made.owner, made.kind) == ("Who buys", "etl", "table")
    assert made.tags == {Tag("Sales", "MemoryPlatform")}


def test_discovering_again_changes_nothing(world):
    world.lake.create("crm.clients", ["id"])
    found(world)

    with nothing_written(world):
        seen = found(world)

    assert seen.unchanged == ("crm_clients",)
    assert str(seen) == "nothing new; as they were: 1"


def test_a_source_that_people_registered_is_updated_under_its_own_name(world):
    """What they wrote and masked stays; what the platform knows better is taken over."""
    people = world.objects["people"]
    world.market.sources.update("people", description="Everybody", by="gil")
    world.market.sources.tag("people", ["Staff"], by="gil")
    world.lake.unprotect(people, "salary")
    world.lake.protect(people, "name")
    world.lake.tag(people, "HR.Core")

    seen = found(world, people)

    assert (seen.registered, seen.updated) == ((), ("people",))
    now = source(world, "people")
    assert {column.name: column.masked for column in now.columns} == {
        "id": False,
        "name": True,
        "salary": True,
    }
    assert now.description == "Everybody"
    assert now.tags == {Tag("Staff"), Tag("HR.Core", "MemoryPlatform")}


def test_tags_of_the_platform_come_and_go_and_those_of_others_stay(world):
    people = world.objects["people"]
    world.lake.tag(people, "Old")
    found(world, people)
    world.market.sources.tag("people", ["Staff"], by="gil")
    world.lake.tag(people, "New")

    found(world, people)

    assert source(world, "people").tags == {Tag("Staff"), Tag("New", "MemoryPlatform")}


def test_dynamic_domains_follow_the_platforms_tags_and_products_do_not(world):
    world.market.domains.create(
        "Sales", tags=[TagRule("Sales", origins={"MemoryPlatform"})], by="gil"
    )
    world.lake.create("crm.clients", ["id"], tags=["Sales.Core"])
    found(world)
    assert world.market.domains.sources("Sales", by="con") == ("crm_clients",)
    product = world.market.products.publish(
        "Clients", domain="Sales", sources=["crm_clients"], by="gil"
    )

    world.lake.create("crm.orders", ["id"], tags=["Sales"])
    world.lake.tag("crm.clients")
    found(world)

    assert world.market.domains.sources("Sales", by="con") == ("crm_orders",)
    assert world.market.products.get(product.id, by="gil").sources == ("crm_clients",)
    assert "source_quarantined" in world.told("gil")


def test_what_is_gone_is_reported_and_not_forgotten(world):
    world.lake.create("crm.clients", ["id"])
    found(world)
    world.lake.drop("crm.clients")

    seen = found(world)

    assert seen.gone == ("crm_clients",)
    assert str(seen) == "gone from the platform: crm_clients"
    assert source(world, "crm_clients").object == "crm.clients"
    assert found(world, "hr.*").gone == (), "another pattern says nothing about it"


def test_a_new_mask_is_a_guard_from_the_next_pass_on(world):
    """A column that the platform protects is masked for all from the moment it is discovered."""
    product = world.publish(any_of(LEGAL))
    people = world.objects["people"]
    world.lake.protect(people, "name")
    found(world, people)
    world.lake.unprotect(people, "name")
    world.approve(world.ask(product), "ana")

    world.deliver()

    assert world.reads("con") == "none"
    (grant,) = world.market.grants.of("con", by="con").items
    assert grant.trouble[0].code == "unprotected_column"


def test_a_name_that_is_taken_is_a_problem_of_one_object_only(world):
    world.lake.create("crm.clients", ["id"])
    world.lake.create("crm_clients", ["id"])
    world.lake.create("crm.orders", ["id"])

    seen = found(world, "crm*")

    assert set(seen.registered) | set(seen.updated) >= {"crm_orders"}
    assert len(seen.problems) == 1
    assert "the name is taken" in seen.problems[0]


def test_columns_that_a_platform_cannot_name_are_not_forgotten():
    market = Marketplace("memory", connections={"lake": {"plugin": "memory"}}, discover=False)
    market.people.add("gil", permissions=["GOVERNANCE", "USER_ADMIN"])
    market.people.add("bob", principals={"lake": "bob"}, by="gil")
    market.sources.register(
        DataSource("orders", connection="lake", object="s.orders", columns=["id"]), by="gil"
    )
    market.domains.create("d", by="gil")
    market.domains.assign("d", ["orders"], by="gil")
    product = market.products.publish("P", domain="d", sources=["orders"], by="gil")
    market.grants.preview(
        market.requests.request_access(product.id, answers={"why": "x"}, by="bob").id, by="gil"
    )

    seen = market.sources.discover("lake", "s.*", by="gil")

    assert seen.updated == ("orders",)
    assert market.sources.get("orders", by="gil").columns == (Column("id"),)
    market.close()


class Odd:
    """A platform whose discovery answers what it is told to."""

    capabilities = frozenset({"discover", "open_world"})

    def __init__(self, *answer):
        self.answer = answer

    def discover(self, pattern, call):
        for each in self.answer:
            if isinstance(each, Exception):
                raise each
            yield each

    def resolve(self, refs, call):
        return {
            ref: Resolved(ref=ref, platform="odd", native_id="1", name=ref.name.lower())
            if ref.name != "GONE"
            else Unresolved(ref=ref, reason="cannot_look", message="no", retryable=True)
            for ref in refs
        }


def odd(*answer):
    market = Marketplace("memory", connections={"odd": Odd(*answer)}, discover=False)
    market.people.add("gil", permissions=["GOVERNANCE", "USER_ADMIN"])
    return market


def test_another_spelling_of_a_name_is_the_same_object():
    """The platform says what a registered name means; what it cannot say is not gone."""
    market = odd(Discovered(name="s.orders", columns=[DiscoveredColumn(name="id", type="int")]))
    for name, object in (("orders", "S.Orders"), ("lost", "GONE")):
        market.sources.register(DataSource(name, connection="odd", object=object), by="gil")

    seen = market.sources.discover("odd", by="gil")

    assert (seen.registered, seen.updated, seen.gone) == ((), ("orders",), ())
    assert market.sources.get("orders", by="gil").columns == (Column("id", type="int"),)


def test_an_object_that_cannot_be_kept_does_not_hold_up_the_others():
    market = odd(
        Discovered(name="bad\x00name"),
        Discovered(name="twice", columns=[DiscoveredColumn(name="a"), DiscoveredColumn(name="a")]),
        Discovered(name="good"),
    )

    seen = market.sources.discover("odd", by="gil")

    assert seen.registered == ("good",)
    assert len(seen.problems) == 2
    assert "\x00" not in str(seen)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (RuntimeError("password=hunter2"), "failed with RuntimeError"),
        (ProvisioningError("cannot reach odd", retryable=True), "cannot reach odd"),
        ("text", "yields what is no Discovered"),
    ],
)
def test_a_platform_that_does_not_list_to_the_end_changes_nothing(answer, words):
    market = odd(Discovered(name="good"), answer)

    with pytest.raises(ProvisioningError, match=words) as caught:
        market.sources.discover("odd", by="gil")

    assert "hunter2" not in str(caught.value)
    assert market.sources.find(by="gil").items == ()


def test_a_platform_that_cannot_list_says_so(world):
    world.lake.capabilities = frozenset({"open_world"})
    market = Marketplace("memory", connections={"lake": world.lake}, discover=False)
    market.people.add("gil", permissions=["GOVERNANCE", "USER_ADMIN"])

    for connection in ("lake", "sea"):
        with pytest.raises(InvalidInput, match="cannot discover objects"):
            market.sources.discover(connection, by="gil")
