"""What cannot be given is said, tried again, and heals by itself; what can be taken is taken."""

from __future__ import annotations

import pytest

from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.plugin import CannotLook
from tests.delivery.platforms import DirectPlatform, RolePlatform
from tests.delivery.world import People, World


@pytest.fixture(params=[DirectPlatform, RolePlatform])
def world(request):
    made = World(request.param())
    made.source("orders", masked=["email"])
    made.source("items")
    made.product("p", "orders", "items")
    made.person("bob")
    made.person("eve")
    return made


def test_an_unprotected_column_blocks_what_would_open_it_and_heals(world):
    """The grant stays wanted; when an administrator protects the column it becomes active."""
    world.platform.protected["s.orders.email"] = False
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.state(grant) == "wanted"
    assert world.troubles(grant) == ["unprotected_column"]
    assert not world.platform.reads("bob", "s.orders")

    world.platform.protected["s.orders.email"] = True
    world.settle()

    assert world.state(grant) == "active"
    assert world.troubles(grant) == []


def test_a_guard_that_cannot_be_read_blocks_like_one_that_is_false(world):
    del world.platform.protected["s.orders.email"]
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.troubles(grant) == ["unprotected_column"]
    assert not world.platform.reads("bob", "s.orders")


def test_what_may_grant_does_not_name_is_never_opened():
    """Patterns are case-sensitive and match whole dotted names."""
    world = World(DirectPlatform(), may_grant=("s.items", "S.*"))
    world.source("orders")
    world.source("items")
    world.product("p", "orders", "items")
    world.person("bob")
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.platform.listing() == ["select o-s.items to u-bob"]
    assert world.troubles(grant) == ["not_in_may_grant"]
    assert world.state(grant) == "wanted"


def test_a_guard_rail_holds_additions_back_and_never_removals(world):
    bob = world.grant("p", "bob")
    world.deliver()
    world.revoke(bob)
    eve = world.grant("p", "eve")
    world.problems = ["not on a Friday"]

    world.deliver()

    assert world.state(bob) == "ended"
    assert world.troubles(eve) == ["plan_refused"]
    assert not world.platform.reads("eve", "s.orders")


def test_a_guard_rail_that_fails_refuses(world):
    def check(plan, grant, product):
        raise RuntimeError("password=hunter2")

    world.check_plan = check
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.troubles(grant) == ["plan_refused"]
    assert "hunter2" not in world.get(grant).trouble[0].message


def test_a_platform_that_cannot_be_reached_undoes_nothing(world):
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.down = True
    world.mark(grant)
    eve = world.grant("p", "eve")

    done = world.deliver()

    assert done.failed == 1
    assert world.state(grant) == "active"
    assert world.state(eve) == "wanted"
    assert len(world.troubles(eve)) == 1

    world.platform.down = False
    world.settle()

    assert (world.state(grant), world.state(eve)) == ("active", "active")
    assert world.troubles(eve) == []


def test_a_failing_platform_is_asked_less_and_less_but_never_given_up(world):
    world.platform.down = True
    world.grant("p", "bob")
    waits = []
    for _ in range(12):
        world.deliver()
        (work,) = world.work("mark")
        waits.append((work.due - world.clock()).total_seconds())
        world.clock.now = work.due

    assert waits == sorted(waits)
    assert waits[-1] <= 900
    assert not work.dead


def test_one_failing_platform_does_not_hold_up_another(world):
    from marketplace_sdk.delivery.deliverer import Connection

    other = DirectPlatform()
    other.object("s.far")
    other.principal("bob")
    world.connections["sea"] = Connection(
        name="sea", provisioner=other, may_grant=("*",), plugin="acme 1"
    )
    world.source("far", connection="sea", object="s.far")
    world.product("q", "far")
    person = world.people.people["bob"]
    world.people.people["bob"] = type(person)(id="bob", principals={"lake": "bob", "sea": "bob"})
    world.platform.down = True
    world.grant("p", "bob")
    grant = world.grant("q", "bob")

    world.deliver()

    assert world.state(grant) == "active"


def test_a_beneficiary_without_a_user_on_the_platform_is_told_so(world):
    world.person("eve", linked=False)
    grant, bob = world.grant("p", "eve"), world.grant("p", "bob")

    world.deliver()

    assert world.troubles(grant) == ["no_principal"]
    assert world.state(bob) == "active"

    world.person("eve")
    world.settle()

    assert world.state(grant) == "active"


def test_another_user_under_the_same_name_gets_nothing(world):
    """The principal is pinned with its native id when the grant first starts."""
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.principals["bob"] = "u-bob2"
    world.mark(grant)

    world.deliver()

    assert world.troubles(grant) == ["principal_replaced"]
    assert world.state(grant) == "wanted"
    assert not any("u-bob" in key for key in world.platform.listing())


def test_nothing_is_granted_on_an_object_that_was_made_again(world):
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.object("s.items", "o-s.items-2")
    eve = world.grant("p", "eve")

    world.deliver()

    assert not any("o-s.items-2" in key for key in world.platform.listing())
    assert world.troubles(grant) == ["object_replaced"]
    assert world.troubles(eve) == ["object_replaced"]
    assert world.platform.reads("eve", "s.orders")


def test_an_object_may_be_made_again_before_anything_was_granted_on_it(world):
    """An administrator who sets protection up may have to make a view anew."""
    world.platform.protected["s.orders.email"] = False
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.object("s.orders", "o-s.orders2")
    world.platform.protected["s.orders.email"] = True

    world.settle()

    assert world.state(grant) == "active"


def test_an_object_that_is_not_there_does_not_hold_up_the_others(world):
    del world.platform.objects["s.items"]
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.platform.reads("bob", "s.orders")
    assert world.state(grant) == "wanted"
    assert world.troubles(grant) == ["object_not_found"]

    world.platform.object("s.items")
    world.settle()

    assert world.state(grant) == "active"


def test_what_cannot_be_looked_up_now_is_kept_and_removals_go_on(world):
    bob, eve = world.grant("p", "bob"), world.grant("p", "eve")
    world.deliver()
    world.platform.objects["s.items"] = TimeoutError("busy")
    world.revoke(bob)

    done = world.deliver()

    assert done.failed == 1
    assert world.state(bob) == "ended"
    assert world.platform.reads("eve", "s.items")
    assert world.platform.reads("eve", "s.orders")
    assert world.state(eve) == "active"


def test_a_directory_that_fails_takes_nothing_and_stops_no_removal(world):
    bob, eve = world.grant("p", "bob"), world.grant("p", "eve")
    world.deliver()
    world.people.down = True
    world.revoke(bob)

    done = world.deliver()

    assert done.failed == 1
    assert world.state(bob) == "ended"
    assert world.platform.reads("eve", "s.orders")
    assert world.state(eve) == "active"
    assert "secret" not in world.get(eve).trouble[0].message


class Many(People):
    """A directory that can be asked for several people at once, and for none alone."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def person(self, id):
        raise AssertionError(f"asked for {id} alone")

    def find_people(self, ids):
        self.asked.append(set(ids))
        if self.down:
            raise ConnectionError("ldap://secret")
        return {id: self.people[id] for id in ids if id in self.people}


def test_a_pass_asks_a_directory_that_can_for_all_members_at_once(world):
    world.people = Many()
    for id in ("bob", "eve"):
        world.person(id)
    world.group("analysts", "ana")
    bob, eve = world.grant("p", "bob"), world.grant("p", "eve")
    team = world.grant("p", "analysts", group=True)
    stranger = world.grant("p", "nobody")

    world.deliver()

    assert world.people.asked == [{"bob", "eve", "nobody"}]
    assert [world.state(each) for each in (bob, eve, team)] == ["active"] * 3
    assert world.troubles(stranger) == ["no_principal"]


def test_many_people_who_cannot_be_looked_up_keep_what_they_have(world):
    world.people = Many()
    world.person("bob")
    bob = world.grant("p", "bob")
    world.deliver()
    world.people.down = True
    world.mark(bob)

    done = world.deliver()

    assert done.failed == 1
    assert world.state(bob) == "active"
    assert world.platform.reads("bob", "s.orders")
    assert world.troubles(bob) == ["directory_unreachable"]
    assert "secret" not in world.get(bob).trouble[0].message


def test_a_refused_change_is_told_and_does_not_hold_up_other_members():
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    for who in ("bob", "eve"):
        world.person(who)
    world.platform.refuse["select o-s.orders to u-bob"] = "refused"
    bob, eve = world.grant("p", "bob"), world.grant("p", "eve")

    world.deliver()

    assert world.troubles(bob) == ["refused"]
    assert world.state(eve) == "active"


def test_a_removal_that_is_refused_does_not_hold_up_the_next():
    world = World(RolePlatform())
    world.source("orders")
    world.product("p", "orders")
    for who in ("bob", "eve", "dan"):
        world.person(who)
    grants = [world.grant("p", who) for who in ("bob", "eve", "dan")]
    world.deliver()
    world.platform.refuse["member u-bob of product:p"] = "refused"
    for grant in grants:
        world.revoke(grant)

    world.deliver()

    assert [world.state(grant) for grant in grants] == ["ending", "ended", "ended"]
    assert world.troubles(grants[0]) == ["refused"]

    world.platform.refuse.clear()
    world.settle()

    assert world.state(grants[0]) == "ended"
    assert world.platform.listing() == []


def test_a_failed_foundation_keeps_the_door_shut():
    """Nobody becomes a member of a role whose SELECT could not be given."""
    world = World(RolePlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    world.platform.refuse["select o-s.orders to product:p"] = "refused"
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.platform.listing() == ["role product:p"]
    assert world.troubles(grant) == ["refused"]


def test_a_scope_that_cannot_be_looked_at_says_nothing(world):
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.observe = lambda scopes, guards, call: {
        scope: CannotLook(reason="no right to list it", retryable=False) for scope in scopes
    }
    world.revoke(grant)

    world.deliver()

    assert world.state(grant) == "ending"
    assert world.troubles(grant) == ["cannot_look"]


def test_a_broken_plugin_is_named_and_its_words_are_not_repeated(world):
    def observe(scopes, guards, call):
        raise KeyError("password=hunter2")

    world.platform.observe = observe
    grant = world.grant("p", "bob")

    world.deliver()

    trouble = world.get(grant).trouble[0]
    assert "acme 1" in trouble.message
    assert "hunter2" not in trouble.message


def test_a_connection_that_is_not_configured_is_trouble_and_ends_nothing(world):
    bob = world.grant("p", "bob")
    world.deliver()
    connection = world.connections.pop("lake")
    world.revoke(bob)
    eve = world.grant("p", "eve")

    world.deliver()

    assert world.state(bob) == "ending"
    assert world.troubles(bob) == world.troubles(eve) == ["connection_missing"]

    world.connections["lake"] = connection
    world.settle()

    assert (world.state(bob), world.state(eve)) == ("ended", "active")


def test_trouble_keeps_its_beginning_while_it_lasts(world):
    world.platform.protected["s.orders.email"] = False
    grant = world.grant("p", "bob")
    world.deliver()
    since = world.get(grant).trouble[0].since
    revision = world.get(grant).revision

    world.settle()

    assert world.get(grant).trouble[0].since == since
    assert world.get(grant).revision == revision, "nothing new is not written"


def test_settings_that_could_not_be_safe_are_refused():
    from marketplace_sdk.errors import InvalidInput

    with pytest.raises(InvalidInput):
        Settings(lease=60, call_timeout=60)
    with pytest.raises(InvalidInput):
        Settings(attempts=0)


def test_what_is_left_on_a_platform_that_went_away_is_removed_when_it_is_back():
    """Also when no grant waits for it any more."""
    world = World(RolePlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.refuse["select o-s.orders to product:p"] = "refused"
    world.revoke(grant)
    world.deliver()
    assert world.state(grant) == "ended"
    assert world.platform.listing() != []

    world.platform.refuse.clear()
    world.platform.down = True
    world.clock.advance(minutes=16)
    world.deliver()
    world.platform.down = False
    world.settle()

    assert world.platform.listing() == []
    assert world.ledger() == {}


def test_a_plugin_that_fails_for_one_member_takes_nothing_and_goes_on_for_the_others(world):
    bob = world.grant("p", "bob")
    world.deliver()
    member = world.platform.member

    def fail(target, who, known):
        if who.native_id == "u-bob":
            raise KeyError("token hunter2")
        return member(target, who, known)

    world.platform.member = fail
    eve = world.grant("p", "eve")

    world.deliver()

    assert world.state(eve) == "active"
    assert world.troubles(bob) == ["plugin_error"]
    assert world.platform.reads("bob", "s.orders")
    assert "hunter2" not in world.get(bob).trouble[0].message


def test_a_platform_that_has_no_way_to_give_access_is_not_taken_for_access():
    """An empty list of items is no proof of anything."""
    world = World(DirectPlatform())
    world.source("orders")
    world.product("p", "orders")
    world.person("bob")
    world.platform.member = lambda target, who, known: []
    grant = world.grant("p", "bob")

    world.deliver()

    assert world.state(grant) == "wanted"
    assert world.troubles(grant) == ["nothing_to_grant"]


def test_a_platform_that_says_done_and_shows_nothing_is_not_believed(world):
    world.platform._do = lambda change: None
    grant = world.grant("p", "bob")

    done = world.deliver()

    assert world.state(grant) == "wanted"
    assert world.troubles(grant) == ["not_seen"]
    assert done.failed == 1


def test_an_answer_that_leaves_names_and_scopes_out_says_nothing_about_them(world):
    grant = world.grant("p", "bob")
    world.deliver()
    world.platform.observe = lambda scopes, guards, call: {}
    world.revoke(grant)
    world.deliver()
    assert world.troubles(grant) == ["cannot_look"]

    world.platform.resolve = lambda refs, call: {}
    eve = world.grant("p", "eve")
    world.deliver()

    assert world.troubles(eve) == ["cannot_look"]
