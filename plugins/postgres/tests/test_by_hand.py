"""What an administrator gives beside us, on a server that keeps both: told, taken or kept."""

from __future__ import annotations

import pytest

GIVEN = {
    "member": "GRANT {role} TO {alice}",
    "column": "GRANT SELECT (id) ON {orders} TO {role}",
    "usage": "GRANT USAGE ON SCHEMA {schema} TO {role}",
}


@pytest.fixture
def open_shop(modern_bench, shop_on):
    """Makes a shop with rules of its own: itself, Alice's request, and the product's role."""

    def make(**rules):
        shop = shop_on(modern_bench, **rules)
        return shop, *standing(shop, modern_bench)

    return make


def standing(shop, bench):
    """A product that Alice and Bob may read: Alice's request, and its role."""
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    product = shop.product("orders")
    request = shop.give(product, bench.alice)
    shop.give(product, bench.bob)
    ours = f"starts_with(rolname, 'mp_{shop.market.installation}_')"
    ((role,),) = bench.platform.run(f"SELECT rolname FROM pg_roles WHERE {ours}")
    return request, role


def given_too(bench, role, kind):
    words = {"role": role, "alice": bench.alice, "orders": bench.orders, "schema": bench.schema}
    bench.platform.run(GIVEN[kind].format(**words))


def later(shop):
    shop.market.sources.update("orders", description=f"seen {shop.clock()}", by="gil")
    shop.clock.advance(hours=1)
    shop.market.deliver()


def told(shop):
    return list(shop.market.grants.drift(by="gil").findings)


@pytest.mark.parametrize("kind", ["member", "column", "usage"])
def test_what_is_given_beside_ours_is_told_with_what_takes_it_away(open_shop, modern_bench, kind):
    """Everybody goes on reading; the statement that is told does what it says."""
    shop, _, role = open_shop()
    given_too(modern_bench, role, kind)
    later(shop)

    (found,) = told(shop)
    assert found.kind == "added_by_hand"
    statement = found.what.split("must run: ")[1]

    modern_bench.platform.run(statement)
    assert told(shop) == []
    assert modern_bench.platform.reads(modern_bench.alice, modern_bench.orders, "id") == "clear"


def test_a_membership_that_somebody_else_gave_too_stays_and_is_told_with_the_statement(
    open_shop, modern_bench
):
    """Nobody but an administrator can take it; the grant does not end before that."""
    bench = modern_bench
    shop, request, role = open_shop()
    given_too(bench, role, "member")
    later(shop)

    shop.revoke(request)
    later(shop)

    (grant,) = shop.grants(bench.alice)
    ((code, said),) = shop.trouble(bench.alice)
    assert (grant.state, code) == ("ending", "residual")
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"
    assert "outlives" in [each.kind for each in told(shop)]

    bench.platform.run(said.split("must run: ")[1])
    later(shop)

    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"
    (grant,) = shop.market.grants.of("alice", ended=True, by="alice").items
    assert (grant.state, grant.trouble) == ("ended", ())
    assert bench.platform.reads(bench.bob, bench.orders, "id") == "clear"
    assert told(shop) == []
    warned = [e.type for e in shop.market.audit.events(limit=1000, by="gil")]
    assert warned.count("object.by_hand_taken") == 1


def test_a_connection_that_keeps_what_others_gave_lets_the_grant_end(open_shop, modern_bench):
    bench = modern_bench
    shop, request, role = open_shop(added_by_hand="keep")
    given_too(bench, role, "member")
    later(shop)

    shop.revoke(request)
    later(shop)

    (grant,) = shop.market.grants.of("alice", ended=True, by="alice").items
    assert grant.state == "ended"
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"


def test_a_stranger_in_our_role_is_told_with_what_takes_them_out(open_shop, modern_bench):
    bench = modern_bench
    shop, request, role = open_shop()
    shop.revoke(request)
    given_too(bench, role, "member")

    (found,) = told(shop)
    assert found.kind == "extra_member"

    bench.platform.run(found.what.split("must run: ")[1])
    assert told(shop) == []
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"
