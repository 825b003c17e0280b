"""Approving read never opens a masked column by another way: each time asked as the consumer."""

from __future__ import annotations

import pytest

from marketplace_sdk import Column
from marketplace_sdk.ports.provisioner import Guard


def make(bench, sql):
    """Run a statement with the bench's names, and let its login hand on what it made."""
    bench.platform.run(sql.format(s=bench.schema, orders=bench.orders, items=bench.items))
    every = f"GRANT SELECT ON ALL TABLES IN SCHEMA {bench.schema} TO {bench.login}"
    bench.platform.run(f"{every} WITH GRANT OPTION")


def held_back(shop, principal):
    """Columns whose protection was asked for in vain."""
    return [said for code, said in shop.trouble(principal) if code == "unprotected_column"]


LEAKS = {
    "directly": "CREATE VIEW {s}.seen AS SELECT id, email FROM {orders}",
    "renamed": "CREATE VIEW {s}.seen AS SELECT id, email AS contact FROM {orders}",
    "in an expression": "CREATE VIEW {s}.seen AS SELECT id, upper(left(email, 3)) AS x FROM {orders}",
    "through another view": "CREATE VIEW {s}.inner AS SELECT id, email AS e FROM {orders};"
    " CREATE VIEW {s}.seen AS SELECT id, e || '!' AS x FROM {s}.inner",
    "in a materialized view": "CREATE MATERIALIZED VIEW {s}.seen AS SELECT id, email FROM {orders}",
    "through a materialized view": "CREATE MATERIALIZED VIEW {s}.kept AS SELECT * FROM {orders};"
    " CREATE VIEW {s}.seen AS SELECT id, email FROM {s}.kept",
    "as a whole row": "CREATE VIEW {s}.seen AS SELECT id, o::text AS x FROM {orders} o",
    "from a common table": "CREATE VIEW {s}.seen AS WITH c(a, b) AS (SELECT id, email FROM {orders})"
    " SELECT a AS id, b AS x FROM c",
    "recursively": "CREATE VIEW {s}.seen AS WITH RECURSIVE c(a, b, n) AS (SELECT id, email, 1"
    " FROM {orders} UNION ALL SELECT b, a, n + 1 FROM c WHERE n < 3) SELECT a AS id FROM c",
    "in a union": "CREATE VIEW {s}.seen AS SELECT id, total AS x FROM {orders}"
    " UNION ALL SELECT id, email FROM {orders}",
    "in a subquery": "CREATE VIEW {s}.seen AS SELECT sku AS id,"
    " (SELECT max(email) FROM {orders}) AS x FROM {items}",
    "as an answer to a question": "CREATE VIEW {s}.seen AS SELECT sku AS id,"
    " EXISTS (SELECT FROM {orders} WHERE email = sku) AS x FROM {items}",
    "joined": "CREATE VIEW {s}.seen AS SELECT * FROM {orders} JOIN (SELECT id AS i FROM {items}) j"
    " ON id = i",
    "as a row of values": "CREATE VIEW {s}.seen AS SELECT o.id, v.x FROM {orders} o,"
    " LATERAL (VALUES (o.email)) v(x)",
    "by a function": "CREATE VIEW {s}.seen AS SELECT o.id, x FROM {orders} o,"
    " unnest(ARRAY[o.email]) x",
    "grouped": "CREATE VIEW {s}.seen AS SELECT email AS id, count(*) AS x FROM {orders}"
    " GROUP BY email",
    "as a rank": "CREATE VIEW {s}.seen AS SELECT id, rank() OVER (ORDER BY email) AS x FROM {orders}",
    "as a part of all": "CREATE VIEW {s}.seen AS SELECT id, x FROM (SELECT id, count(*) OVER"
    " (PARTITION BY email) AS x, row_number() OVER (ORDER BY id) AS n FROM {orders}) o",
    "in a window": "CREATE VIEW {s}.seen AS SELECT id, first_value(email) OVER () AS x FROM {orders}",
}


@pytest.mark.parametrize("how", LEAKS)
def test_a_view_that_shows_a_masked_column_is_not_opened(shop, bench, how):
    """The table is registered with its mask in no product at all; the view is read by its owner."""
    make(bench, LEAKS[how])
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id"])

    shop.give(shop.product("seen"), bench.alice)

    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "id") == "none"
    assert shop.grants(bench.alice)[0].state == "wanted"
    (said,) = held_back(shop, bench.alice)
    assert f'"{bench.schema}"."orders"."email" shown by "{bench.schema}"."seen"' in said


HARMLESS = {
    "another column": "CREATE VIEW {s}.seen AS SELECT id, total FROM {orders}",
    "a condition": "CREATE VIEW {s}.seen AS SELECT id, total FROM {orders} WHERE email <> ''",
    "the reader's own rights": "CREATE VIEW {s}.seen WITH (security_invoker = on) AS"
    " SELECT id, sku FROM {items}",
    "a count": "CREATE VIEW {s}.seen AS SELECT count(*)::text AS id FROM {orders}",
    "another part of a union": "CREATE VIEW {s}.seen AS SELECT id FROM (SELECT id, email FROM"
    " {orders} UNION SELECT id, sku FROM {items}) u",
}


@pytest.mark.parametrize("how", [h for h in HARMLESS if h != "the reader's own rights"])
def test_a_view_that_shows_nothing_masked_is_opened(shop, bench, how):
    make(bench, HARMLESS[how])
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id"])

    shop.give(shop.product("seen"), bench.alice)

    assert shop.trouble(bench.alice) == []
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "id") == "clear"
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "none"


def test_a_view_with_its_readers_rights_shows_them_no_masked_column(shop, bench):
    """It opens nothing by itself: the table behind it answers, with its own privileges."""
    make(
        bench, "CREATE VIEW {s}.seen WITH (security_invoker = on) AS SELECT id, email FROM {orders}"
    )
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id", "email"])

    shop.give(shop.product("seen", "orders"), bench.alice)

    assert shop.trouble(bench.alice) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "email") != "clear"


def test_a_view_over_a_view_with_its_readers_rights_reads_as_its_owner(shop, bench):
    make(
        bench,
        "CREATE VIEW {s}.inner WITH (security_invoker) AS SELECT id, email FROM {orders};"
        " CREATE VIEW {s}.seen AS SELECT id, email FROM {s}.inner",
    )
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id", "email"])

    shop.give(shop.product("seen"), bench.alice)

    assert held_back(shop, bench.alice)
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "email") == "none"


def test_a_view_whose_own_column_is_masked_is_opened_without_it(shop, bench):
    make(bench, "CREATE VIEW {s}.seen AS SELECT id, lower(email) AS mail FROM {orders}")
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id", "mail"], masked=["mail"])
    product = shop.product("seen")

    shop.give(product, bench.alice)
    shop.give(product, bench.bob)

    assert shop.trouble(bench.alice) == []
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "mail") == "masked"
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "id") == "clear"
    shop.unmask(product, bench.bob, "seen.mail")
    assert bench.platform.reads(bench.bob, f"{bench.schema}.seen", "mail") == "clear"
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "mail") == "masked"


def test_a_view_waits_until_it_does_not_show_the_column_any_more(shop, bench):
    make(bench, "CREATE VIEW {s}.seen AS SELECT id, email FROM {orders}")
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id", "email"])
    shop.give(shop.product("seen"), bench.alice)
    assert held_back(shop, bench.alice)

    make(bench, "CREATE OR REPLACE VIEW {s}.seen AS SELECT id, total AS email FROM {orders}")

    for _ in range(2):
        shop.clock.advance(days=1)
        shop.market.deliver()
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "id") == "clear"


def test_a_mask_that_was_registered_in_quotes_is_found_too(shop, bench):
    make(bench, "CREATE VIEW {s}.seen AS SELECT id, email FROM {orders}")
    shop.source("orders", f'"{bench.schema}"."orders"', ["id", "email"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id", "email"])

    shop.give(shop.product("seen"), bench.alice)

    assert held_back(shop, bench.alice)
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "email") == "none"


@pytest.mark.parametrize("registered", ["part", "whole"])
def test_a_mask_on_a_part_or_on_the_whole_holds_for_the_other(shop, bench, registered):
    """Reading a partitioned table reads its partitions, and a partition is a piece of the whole."""
    make(
        bench,
        "CREATE TABLE {s}.events (id text, email text) PARTITION BY LIST (id);"
        " CREATE TABLE {s}.events_a PARTITION OF {s}.events FOR VALUES IN ('a');"
        " CREATE TABLE {s}.events_b PARTITION OF {s}.events FOR VALUES IN ('b');"
        " INSERT INTO {s}.events VALUES ('a', 'a@x'), ('b', 'b@x')",
    )
    names = {"whole": f"{bench.schema}.events", "part": f"{bench.schema}.events_a"}
    other = "whole" if registered == "part" else "part"
    shop.source("masked", names[registered], ["id", "email"], masked=["email"])
    shop.source("open", names[other], ["id", "email"])

    shop.give(shop.product("open"), bench.alice)

    assert held_back(shop, bench.alice)
    assert bench.platform.reads(bench.alice, names[other], "email") == "none"


def test_a_mask_on_one_partition_says_nothing_of_another(shop, bench):
    make(
        bench,
        "CREATE TABLE {s}.events (id text, email text) PARTITION BY LIST (id);"
        " CREATE TABLE {s}.events_a PARTITION OF {s}.events FOR VALUES IN ('a');"
        " CREATE TABLE {s}.events_b PARTITION OF {s}.events FOR VALUES IN ('b');"
        " INSERT INTO {s}.events VALUES ('a', 'a@x'), ('b', 'b@x')",
    )
    shop.source("masked", f"{bench.schema}.events_a", ["id", "email"], masked=["email"])
    shop.source("open", f"{bench.schema}.events_b", ["id", "email"])

    shop.give(shop.product("open"), bench.alice)

    assert bench.platform.reads(bench.alice, f"{bench.schema}.events_b", "email") == "clear"
    assert bench.platform.reads(bench.alice, f"{bench.schema}.events_a", "email") == "none"


@pytest.mark.parametrize("product", [["table"], ["seen"]])
def test_a_generated_column_is_as_secret_as_what_it_is_made_of(shop, bench, product):
    make(
        bench,
        "CREATE TABLE {s}.mail (id text, email text,"
        " domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED);"
        " INSERT INTO {s}.mail VALUES ('1', 'a@x');"
        " CREATE VIEW {s}.seen AS SELECT id, domain FROM {s}.mail",
    )
    shop.source("table", f"{bench.schema}.mail", ["id", "email", "domain"], masked=["email"])
    shop.source("seen", f"{bench.schema}.seen", ["id", "domain"])

    shop.give(shop.product(*product), bench.alice)

    assert held_back(shop, bench.alice)
    assert bench.platform.reads(bench.alice, f"{bench.schema}.mail", "domain") == "none"
    assert bench.platform.reads(bench.alice, f"{bench.schema}.seen", "domain") == "none"


def test_a_foreign_table_is_opened_like_any_other(lonely_shop):
    """It reads with the mapping of whoever asks."""
    import psycopg

    shop, bench = lonely_shop, lonely_shop.bench
    name = f"{bench.schema}.far"
    parameters = psycopg.conninfo.conninfo_to_dict(bench.platform._admin_dsn)
    options = ", ".join(
        f"{k} '{parameters[k]}'" for k in ("host", "port", "dbname") if k in parameters
    )
    run = bench.platform.run
    run("CREATE EXTENSION postgres_fdw")
    run(
        f"CREATE SERVER far_{bench.installation} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({options})"
    )
    try:
        run(
            f"CREATE FOREIGN TABLE {name} (id text, email text) SERVER far_{bench.installation}"
            f" OPTIONS (schema_name '{bench.schema}', table_name 'orders')"
        )
        for person in (bench.alice, bench.bob):
            run(
                f"CREATE USER MAPPING FOR {person} SERVER far_{bench.installation} OPTIONS"
                f" (user '{parameters['user']}', password_required 'false')"
            )
        run(f"CREATE USER MAPPING FOR CURRENT_USER SERVER far_{bench.installation}")
        run(f"GRANT SELECT ON {name} TO {bench.login} WITH GRANT OPTION")
        shop.source("far", name, ["id", "email"], masked=["email"])
        product = shop.product("far")

        shop.give(product, bench.alice)

        assert shop.trouble(bench.alice) == []
        assert bench.platform.reads(bench.alice, name, "id") == "clear"
        assert bench.platform.reads(bench.alice, name, "email") == "masked"
        assert bench.platform.reads(bench.bob, name, "id") == "none"
        shop.unmask(product, bench.alice, "far.email")
        assert bench.platform.reads(bench.alice, name, "email") == "clear"
    finally:
        run(f"DROP SERVER far_{bench.installation} CASCADE")


def test_a_mask_lost_by_drop_and_recreate_holds_the_grant(shop, bench):
    """The masked column is not there any more; what took its place must not be opened."""
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    product = shop.product("orders")
    shop.give(product, bench.alice)
    assert bench.platform.reads(bench.alice, bench.orders, "total") == "clear"
    bench.platform.run(f"DROP TABLE {bench.orders}")
    bench.platform.table(bench.orders, ["id", "mail", "total"])
    bench.platform.run(f"GRANT SELECT ON {bench.orders} TO {bench.login} WITH GRANT OPTION")

    shop.give(product, bench.bob)

    assert bench.platform.reads(bench.bob, bench.orders, "mail") == "none"
    assert bench.platform.reads(bench.alice, bench.orders, "mail") == "none"
    assert shop.grants(bench.bob)[0].state == "wanted"


@pytest.mark.parametrize(
    "by_hand",
    [
        "GRANT SELECT ON {orders} TO {role}",
        "GRANT SELECT (email) ON {orders} TO {role}",
        "GRANT pg_read_all_data TO {role}",
    ],
)
def test_what_somebody_else_gave_to_our_role_opens_no_masked_column_to_the_next_one(
    shop, bench, by_hand
):
    """A membership lets in to all that the role may read, whoever gave it."""
    shop.source("orders", bench.orders, ["id", "email", "total"], masked=["email"])
    product = shop.product("orders")
    shop.give(product, bench.alice)
    ((role,),) = bench.platform.run(
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
        f" WHERE m.member = '{bench.alice}'::regrole"
    )
    bench.platform.run(by_hand.format(orders=bench.orders, role=role))

    shop.give(product, bench.bob)

    assert bench.platform.reads(bench.bob, bench.orders, "id") == "none"
    assert held_back(shop, bench.bob)
    back = by_hand.replace("GRANT", "REVOKE").replace(" TO ", " FROM ")
    bench.platform.run(back.format(orders=bench.orders, role=role))
    for _ in range(2):
        shop.clock.advance(days=1)
        shop.market.deliver()
    assert bench.platform.reads(bench.bob, bench.orders, "id") == "clear"
    assert bench.platform.reads(bench.bob, bench.orders, "email") == "masked"


def test_a_column_masked_later_is_closed_and_the_others_stay_open_in_one_pass(shop, bench):
    """What we gave ourselves is no reason to hold the pass back that takes it away."""
    shop.source("orders", bench.orders, ["id", "email", "total"])
    product = shop.product("orders")
    shop.give(product, bench.alice)
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "clear"

    columns = ["id", Column("email", masked=True), "total"]
    shop.market.sources.update("orders", columns=columns, by="gil")
    shop.market.deliver()

    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"


def test_guards_in_words_are_answered_on_the_spot(bench, within):
    """They are read again in each pass: the view may be another one since its names were looked up."""
    make(bench, 'CREATE VIEW {s}."a b" AS SELECT id, email AS "x"" shown by ""y" FROM {orders}')
    scope = next(iter(bench.wanted(bench.target(bench.orders)).values())).scope
    s = bench.schema
    view = f'"{s}"."a b"."x"" shown by ""y"'
    asked = {
        f'"{s}"."orders"."email" shown by {view}': False,
        f'"{s}"."orders"."total" shown by {view}': True,
        f'"{s}"."orders"."email" shown by "{s}"."a b"."gone"': False,
        f'"{s}"."orders"."email" shown by "{s}"."gone"."id"': False,
        f'"{s}"."orders"."email" behind its mask': False,
        f"{s}.orders.email": True,
        f"{s}.orders.gone": False,
    }
    guards = {Guard("column_protected", text): answer for text, answer in asked.items()}

    seen = bench.provisioner.observe([scope], list(guards), within(10))[scope]

    assert seen.guards == guards
