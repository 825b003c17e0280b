"""What a target is to have, and what is kept while something cannot be looked up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve

from marketplace_sdk.delivery.calls import Connection
from marketplace_sdk.delivery.ledger import Claim, LedgerEntry, Pin
from marketplace_sdk.delivery.masking import Masks
from marketplace_sdk.delivery.naming import Names
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.delivery.situation import Layer, Situation
from marketplace_sdk.delivery.wishes import Wishes, claimed_anew, wishes_of
from marketplace_sdk.domain.events import Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.ports.provisioner import Item, Ref, Resolved, Scope, TargetObject
from tests.delivery.platforms import DirectPlatform, RolePlatform

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARK = Mark(connection="lake", product="p")
BASE, BOB, EVE = (Claim(name, MARK.key) for name in (MARK.target, "grant:bob", "grant:eve"))
SCOPE = Scope("acme", "a")
PASSING = Obstacle("cannot_look", "busy")
LASTING = Obstacle("object_not_found", "it is not there", retryable=False)


def grant(id):
    return Grant(
        id=id,
        kind="access",
        product="p",
        beneficiary=Beneficiary("person", id),
        requests=("r",),
        since=NOW,
        created_at=NOW,
    )


def layer(*members, key=MARK.target, objects=("orders", "items")):
    return Layer(key=key, objects=tuple(map(TargetObject, objects)), members=frozenset(members))


def situation(*layers, entries=(), pins=()):
    ids = {id for each in layers for id in each.members}
    return Situation(
        mark=MARK,
        now=NOW,
        grants={id: grant(id) for id in ids},
        layers=layers,
        entries=entries,
        pins=pins,
    )


def resolved(kind, name, **more):
    return Resolved(
        ref=Ref(kind, name), platform="acme", native_id=f"{kind[0]}-{name}", name=name, **more
    )


def names(objects=("orders", "items"), members=("bob", "eve"), **missing):
    return Names(
        objects={name: resolved("object", name) for name in objects},
        members={name: resolved("principal", name) for name in members},
        **missing,
    )


def wishes(found, meant, platform=None):
    connection = Connection(name="lake", provisioner=platform or DirectPlatform(), plugin="acme 1")
    return wishes_of(found, meant, connection, "inst0001")


def row(key, *claims, opens=()):
    item = Item(key=key, scope=SCOPE, kind="select", rank=30, opens=opens)
    return LedgerEntry(item=item, claims=frozenset(claims), revision=1)


def claimants(made):
    return {claim.claimant for claims in made.claims.values() for claim in claims}


def test_every_member_wants_every_object():
    made = wishes(situation(layer("bob", "eve")), names())

    assert made.claims == {
        f"acme|select o-{name} to p-{who}": {Claim(f"grant:{who}", MARK.key)}
        for name in ("orders", "items")
        for who in ("bob", "eve")
    }
    assert {f"acme|{item.key}" for item in made.items.values()} == made.claims.keys()
    assert (made.kept, dict(made.obstacles)) == (frozenset(), {})


def test_items_of_all_members_are_claimed_by_the_target():
    made = wishes(situation(layer("bob")), names(), RolePlatform())

    assert made.claims["acme|role product:p"] == {BASE}
    assert made.claims["acme|member p-bob of product:p"] == {BOB}


def test_sources_that_nobody_carries_yet_do_not_hold_up_those_after_them():
    early = layer(key="product:p", objects=("orders",))
    later = layer("bob", key="product:p+1", objects=("items",))

    made = wishes(situation(early, later), names())

    assert set(made.claims) == {"acme|select o-items to p-bob"}


def test_nothing_is_made_for_a_product_without_members():
    made = wishes(situation(layer()), names(), RolePlatform())

    assert made == Wishes()


@pytest.mark.parametrize("why", [PASSING, LASTING])
def test_a_member_who_means_nothing_on_the_platform_does_not_hold_up_the_others(why):
    made = wishes(
        situation(layer("bob", "eve")), names(members=("eve",), missing_members={"bob": why})
    )

    assert claimants(made) == {"grant:eve"}


def test_nothing_is_made_for_a_product_none_of_whose_objects_can_be_used():
    """Not even an empty role with members."""
    missing = {"orders": LASTING, "items": LASTING}

    made = wishes(
        situation(layer("bob")), names(objects=(), missing_objects=missing), RolePlatform()
    )

    assert made == Wishes()


def test_the_plugin_knows_the_installation_and_what_was_looked_up():
    class Curious(DirectPlatform):
        def member(self, target, who, known):
            self.known = known
            return []

    platform = Curious()

    wishes(situation(layer("bob")), names(members=("bob",)), platform)

    assert platform.known.installation == "inst0001"
    assert set(platform.known.resolved) == {
        Ref("object", "orders"),
        Ref("object", "items"),
        Ref("principal", "bob"),
    }


def test_the_plugin_knows_the_masks_of_what_is_behind_the_objects():
    class Knowing(DirectPlatform):
        masks = None

        def member(self, target, who, known):
            self.masks = known.masks
            return super().member(target, who, known)

    platform = Knowing()
    behind = {"s.people": frozenset({"email"})}

    wishes(situation(layer("bob")), names(masks=Masks(columns=behind)), platform)

    assert platform.masks == behind


def test_it_is_known_until_when_each_member_needs_what_he_claims():
    """Whoever needs it without end is not named."""
    found = situation(layer("bob", "eve"))
    grants = {**found.grants, "bob": evolve(found.grants["bob"], until=NOW)}

    made = wishes(evolve(found, grants=grants), names())

    assert made.ends == {"grant:bob": NOW}


def test_a_plugin_that_fails_is_named_with_what_it_failed_at():
    class Broken(DirectPlatform):
        def member(self, target, who, known):
            raise KeyError("hunter2")

    made = wishes(situation(layer("bob")), names(), Broken())

    assert set(made.obstacles) == {"grant:bob"}
    told = made.obstacles["grant:bob"].message
    assert all(word in told for word in ("product:p", "lake", "acme 1"))


def test_a_column_is_wished_unmasked_not_readable():
    one = evolve(situation(layer("bob", objects=("orders",))), column="email")

    assert set(wishes(one, names()).claims) == {"acme|unmask email of o-orders to p-bob"}


def test_a_member_for_whom_the_plugin_fails_keeps_what_he_has_and_holds_nobody_up():
    class Broken(DirectPlatform):
        def member(self, target, who, known):
            if who.native_id == "p-bob":
                raise KeyError("hunter2")
            return super().member(target, who, known)

    entries = (row("his", BOB, opens=("orders",)),)

    made = wishes(situation(layer("bob", "eve"), entries=entries), names(), Broken())

    assert kept(made) == {"acme|his": {BOB}}
    assert claimants(made) == {"grant:bob", "grant:eve"}


def kept(made):
    return {id: set(claims) for id, claims in made.claims.items() if id in made.kept}


def test_a_member_who_cannot_be_looked_up_keeps_what_he_has():
    """What he has of this target; not what others have, nor what he has of another target."""
    entries = (
        row("his", BOB, opens=("orders",)),
        row("shared", BOB, EVE, opens=("items",)),
        row("door", BOB),
        row("hers", EVE, opens=("orders",)),
        row("elsewhere", Claim("grant:bob", "lake|product:q"), opens=("orders",)),
    )

    made = wishes(
        situation(layer("bob"), entries=entries),
        names(members=(), missing_members={"bob": PASSING}),
    )

    assert kept(made) == {"acme|his": {BOB}, "acme|shared": {BOB}, "acme|door": {BOB}}
    assert made.items == {}


def test_a_member_who_is_known_to_be_gone_keeps_nothing():
    made = wishes(
        situation(layer("bob"), entries=(row("his", BOB, opens=("orders",)),)),
        names(members=(), missing_members={"bob": LASTING}),
    )

    assert made == Wishes()


def test_nobody_keeps_an_object_that_the_target_does_not_have_any_more():
    """Whatever cannot be looked up, a source that was taken away is taken away."""
    entries = (
        row("left", BOB, opens=("gone",)),
        row("both", BOB, opens=("gone", "orders")),
        row("his", BOB, opens=("orders",)),
    )

    made = wishes(
        situation(layer("bob"), entries=entries),
        names(members=(), missing_members={"bob": PASSING}),
    )

    assert set(kept(made)) == {"acme|both", "acme|his"}


def test_an_object_that_cannot_be_looked_up_is_kept_under_the_name_it_was_given_on():
    """Only that object: what its members have of others is what they are to have now."""
    entries = (
        row("old", BOB, opens=("platform.items",)),
        row("other", BOB, opens=("orders",)),
    )
    pins = (Pin(platform="acme", object="items", native_id="1", name="platform.items"),)

    made = wishes(
        situation(layer("bob"), entries=entries, pins=pins),
        names(objects=("orders",), missing_objects={"items": PASSING}),
    )

    assert kept(made) == {"acme|old": {BOB}}
    assert "acme|select o-orders to p-bob" in made.items


def test_an_object_that_is_known_to_be_missing_is_not_kept():
    pins = (Pin(platform="acme", object="items", native_id="1", name="items"),)

    made = wishes(
        situation(layer("bob"), entries=(row("old", BOB, opens=("items",)),), pins=pins),
        names(objects=("orders",), missing_objects={"items": LASTING}),
    )

    assert kept(made) == {}


def test_what_is_wanted_anyway_is_not_merely_kept():
    """It may be added in this pass; what is kept may not."""
    key = "select o-orders to p-bob"
    entries = (row(key, BOB, opens=("orders", "items")),)
    pins = (Pin(platform="acme", object="items", native_id="1", name="items"),)

    made = wishes(
        situation(layer("bob"), entries=entries, pins=pins),
        names(objects=("orders",), missing_objects={"items": PASSING}),
    )

    assert set(made.claims) == {f"acme|{key}"}
    assert made.kept == frozenset()


def test_layers_of_one_member_are_kept_together():
    first = layer("bob", key="product:p", objects=("orders",))
    second = layer("bob", key="product:p+1", objects=("items",))
    entries = (row("one", BOB, opens=("orders",)), row("two", BOB, opens=("items",)))

    made = wishes(
        situation(first, second, entries=entries),
        names(members=(), missing_members={"bob": PASSING}),
    )

    assert set(kept(made)) == {"acme|one", "acme|two"}


def test_each_member_keeps_what_is_his_of_a_shared_item():
    """Bob carries the orders and Eve the items; neither keeps for the other."""
    first = layer("bob", key="product:p", objects=("orders",))
    second = layer("eve", key="product:p+1", objects=("items",))
    entries = (row("one", BOB, EVE, opens=("orders",)), row("two", BOB, EVE, opens=("items",)))

    made = wishes(
        situation(first, second, entries=entries),
        names(members=(), missing_members={"bob": PASSING, "eve": PASSING}),
    )

    assert kept(made) == {"acme|one": {BOB}, "acme|two": {EVE}}


def wish(*rows):
    return Wishes(
        items={one.id: one.item for one in rows}, claims={one.id: one.claims for one in rows}
    )


def changed(entries, wanted):
    return {one.id: one for one in claimed_anew(entries, wanted, MARK.key)}


def test_a_row_that_is_claimed_as_it_was_is_not_written():
    entry = row("x", BOB)

    assert changed([entry], wish(entry)) == {}


def test_a_row_whose_ends_are_as_they_were_is_not_written():
    entry = row("x", BOB)
    entry = evolve(entry, item=evolve(entry.item, expires=True), ends={"grant:bob": NOW})

    same = changed([entry], evolve(wish(entry), ends={"grant:bob": NOW}))
    later = changed([entry], evolve(wish(entry), ends={}))

    assert same == {}
    assert [each.ends for each in later.values()] == [{}]


def test_new_items_get_rows_and_unwanted_ones_lose_their_claims():
    old, new = row("old", BOB), row("new", BOB)

    made = changed([old], wish(new))

    assert made["acme|new"].claims == {BOB}
    assert made["acme|new"].item == new.item
    assert (made["acme|old"].claims, made["acme|old"].leaving) == (frozenset(), {BOB})


def test_a_row_that_nobody_has_stored_yet_is_written():
    entry = evolve(row("x", BOB), revision=0)

    assert set(changed([entry], wish(entry))) == {"acme|x"}


def test_a_row_follows_its_item_when_the_plugin_describes_it_anew():
    """Same key, other statement: the next removal has to be the one that works today."""
    old = row("x", BOB, opens=("orders",))
    new = row("x", BOB, opens=("orders", "items"))

    assert changed([old], wish(new))["acme|x"].item == new.item


def test_what_is_kept_but_was_given_up_meanwhile_gets_no_row():
    """And does not hold up what comes after it."""
    later = row("y", BOB)
    wanted = Wishes(
        items={later.id: later.item}, claims={"acme|x": frozenset({BOB}), later.id: later.claims}
    )

    assert set(changed([], wanted)) == {"acme|y"}
