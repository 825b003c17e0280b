"""A mask that is registered later reaches what is open already; found out by logging in."""

from __future__ import annotations

import pytest

from marketplace_sdk import Column, DataSource, Marketplace
from marketplace_sdk_postgres.naming import quote_identifier


def view(bench, sql="SELECT id, email AS mail FROM {orders}"):
    """A view that the bench's login may hand on; its name."""
    name = f"{bench.schema}.seen"
    bench.platform.run(f"CREATE VIEW {name} AS " + sql.format(orders=bench.orders))
    bench.platform.run(f"GRANT SELECT ON {name} TO {bench.login} WITH GRANT OPTION")
    return name


def later(shop):
    """A slow retry has had its turn."""
    shop.clock.advance(hours=1)
    shop.market.deliver()


def test_a_view_that_is_open_is_closed_when_the_column_behind_it_is_masked(shop, bench):
    seen = view(bench)
    items = shop.source("items", bench.items, ["id", "sku"])
    shop.give(shop.product(shop.source("seen", seen, ["id", "mail"]), items), bench.alice)
    assert bench.platform.reads(bench.alice, seen, "mail") == "clear"

    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.market.deliver()

    assert bench.platform.reads(bench.alice, seen, "id") == "none"
    assert bench.platform.reads(bench.alice, bench.items, "sku") == "clear"
    assert [code for code, _ in shop.trouble(bench.alice)] == ["unprotected_column"]
    assert shop.grants(bench.alice)[0].state == "wanted"
    (closed,) = (
        e for e in shop.market.audit.events(limit=1000, by="gil") if e.type == "object.closed"
    )
    assert closed.payload["objects"] == [seen]

    shop.market.sources.update(
        "seen", columns=[Column("id"), Column("mail", masked=True)], by="gil"
    )
    shop.market.deliver()

    assert bench.platform.reads(bench.alice, seen, "id") == "clear"
    assert bench.platform.reads(bench.alice, seen, "mail") == "masked"
    assert shop.grants(bench.alice)[0].state == "active"


def test_a_view_that_is_made_anew_over_a_masked_column_is_closed_at_the_next_look(shop, bench):
    """CREATE OR REPLACE keeps the privileges of a view, whatever it shows from then on."""
    seen = view(bench, "SELECT id, total AS mail FROM {orders}")
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.give(shop.product(shop.source("seen", seen, ["id", "mail"])), bench.alice)
    bench.platform.run(
        f"CREATE OR REPLACE VIEW {seen} AS SELECT id, email AS mail FROM {bench.orders}"
    )
    assert bench.platform.reads(bench.alice, seen, "mail") == "clear"

    shop.clock.advance(days=2)
    shop.market.deliver()

    assert bench.platform.reads(bench.alice, seen, "mail") == "none"


@pytest.mark.parametrize("first", ["mask", "access"])
@pytest.mark.parametrize("where", ["spelling", "connection"])
def test_a_mask_reaches_the_same_table_under_another_name(bench, shop, where, first):
    """Spelled with quotes, or over another connection to the same database."""
    settings = {
        "plugin": "postgres",
        "dsn": bench.platform.dsn(bench.login),
        "may_grant": [f"{bench.schema}.*"],
    }
    with Marketplace(connections={"one": settings, "two": settings}, clock=shop.clock) as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        market.people.add("bob", principals={"one": bench.bob}, by="uma")
        market.domains.create("sales", by="gil")
        table = bench.orders.removeprefix(f"{bench.schema}.")
        columns = [Column("id"), Column("email"), Column("total")]
        plain = DataSource("plain", connection="one", object=bench.orders, columns=columns)
        masked = DataSource(
            "masked",
            connection="one" if where == "spelling" else "two",
            object=f"{quote_identifier(bench.schema)}.{quote_identifier(table)}"
            if where == "spelling"
            else bench.orders,
            columns=[Column("id"), Column("email", masked=True), Column("total")],
        )
        market.sources.register(plain, by="gil")
        market.domains.assign("sales", ["plain"], by="gil")
        product = market.products.publish("Plain", domain="sales", sources=["plain"], by="gil")
        request = market.requests.request_access(product.id, answers={"why": "work"}, by="bob")
        market.requests.approve(request.id, reason="fine", by="gil")
        if first == "mask":
            market.sources.register(masked, by="gil")
        market.deliver()
        if first == "access":
            assert bench.platform.reads(bench.bob, bench.orders, "email") == "clear"
            market.sources.register(masked, by="gil")
            market.deliver()

        assert bench.platform.reads(bench.bob, bench.orders, "email") == "masked"
        assert bench.platform.reads(bench.bob, bench.orders, "id") == "clear"


def test_a_stranger_in_our_role_closes_the_door_with_the_table(shop, bench):
    """Who opened the masked column to our role did so for its members: they go too."""
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.give(shop.product("orders"), bench.alice)
    ours = (
        f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'mp_{shop.market.installation}_')"
    )
    ((role,),) = bench.platform.run(ours)
    bench.platform.run(f"GRANT SELECT (email) ON {bench.orders} TO {role}")
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "clear"

    shop.clock.advance(days=2)
    shop.market.deliver()

    assert bench.platform.reads(bench.alice, bench.orders, "email") == "none"
    assert shop.grants(bench.alice)[0].state == "wanted"

    bench.platform.run(f"REVOKE SELECT (email) ON {bench.orders} FROM {role}")
    later(shop)

    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
