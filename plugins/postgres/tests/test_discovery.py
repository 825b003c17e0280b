"""What can be registered, as it stands in the catalog."""

from __future__ import annotations

import time

import pytest

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.ports.provisioner import Call, Ref, Resolved
from marketplace_sdk_postgres import discovering, protecting
from marketplace_sdk_postgres.protecting import Wanted


def found(bench, within, pattern=None):
    pattern = pattern or f"{bench.schema}.*"
    return {each.name: each for each in bench.provisioner.discover(pattern, within(10))}


def test_every_kind_of_object_is_listed_once_with_what_is_known_of_it(bench, within):
    s = bench.schema
    bench.platform.run(
        f'CREATE VIEW {s}.v AS SELECT id AS "I d" FROM {bench.orders};'
        f" CREATE MATERIALIZED VIEW {s}.m AS SELECT id FROM {bench.orders};"
        f" CREATE TABLE {s}.p (id numeric(9, 2), day date) PARTITION BY LIST (id);"
        f" CREATE TABLE {s}.p_1 PARTITION OF {s}.p FOR VALUES IN (1);"
        f" CREATE SEQUENCE {s}.q; CREATE INDEX ON {bench.orders} (id);"
        f" CREATE FOREIGN DATA WRAPPER far_{s}; CREATE SERVER far_{s} FOREIGN DATA WRAPPER far_{s};"
        f" CREATE FOREIGN TABLE {s}.f (id text) SERVER far_{s};"
        f" COMMENT ON TABLE {bench.orders} IS 'what was sold';"
        f" COMMENT ON COLUMN {bench.orders}.email IS 'of the buyer'; "
        f" ALTER TABLE {bench.orders} OWNER TO {bench.bob}; ALTER TABLE {bench.orders} DROP total"
    )
    try:
        listed = found(bench, within)
    finally:
        bench.platform.run(f"DROP FOREIGN DATA WRAPPER far_{s} CASCADE")

    assert {name.removeprefix(f"{s}."): each.kind for name, each in listed.items()} == {
        "f": "foreign table",
        "items": "table",
        "m": "materialized view",
        "orders": "table",
        "p": "partitioned table",
        "v": "view",
    }
    orders = listed[bench.orders]
    assert (orders.comment, orders.owner, orders.tags) == ("what was sold", bench.bob, ())
    assert [(c.name, c.type, c.comment) for c in orders.columns] == [
        ("id", "text", ""),
        ("email", "text", "of the buyer"),
    ]
    assert [c.type for c in listed[f"{s}.p"].columns] == ["numeric(9,2)", "date"]
    assert not any(c.protected or c.tags for each in listed.values() for c in each.columns)


def test_tags_are_security_labels_and_nothing_else(bench, within):
    """Written into the catalog by hand: ``sepgsql``, which comes along, loads only with SELinux."""
    run = bench.platform.run
    run(f"COMMENT ON TABLE {bench.items} IS '#pii tag: pii'")
    run("SET allow_system_table_mods = on")
    oid = f"'{bench.orders}'::regclass"
    run(
        f"INSERT INTO pg_seclabel VALUES ({oid}, 'pg_class'::regclass, 0, 'any', 'sales'),"
        f" ({oid}, 'pg_class'::regclass, 2, 'any', 'pii'),"
        f" ({oid}, 'pg_class'::regclass, 2, 'other', 'contact')"
    )
    try:
        listed = found(bench, within)
    finally:
        run(f"DELETE FROM pg_seclabel WHERE objoid = {oid}")
        run("RESET allow_system_table_mods")

    assert listed[bench.orders].tags == ("sales",)
    assert [c.tags for c in listed[bench.orders].columns] == [(), ("contact", "pii"), ()]
    assert listed[bench.items].tags == ()


def test_a_column_behind_our_mask_is_protected(bench, within):
    wanted = Wanted(
        table=bench.orders, column="email", installation=bench.installation, login=bench.login
    )
    admin = bench.platform._admin
    protecting.run(admin, protecting.protect(admin, wanted))

    view = found(bench, within)[f"{bench.orders}_masked"]

    assert [c.name for c in view.columns if c.protected] == ["email"]
    assert view.comment == ""
    bench.platform.run(f"CREATE OR REPLACE VIEW {view.name} AS SELECT * FROM {bench.orders}")
    again = found(bench, within)[view.name]
    assert not any(c.protected for c in again.columns)


def test_names_match_like_may_grant_and_resolve_to_what_was_listed(bench, within):
    run = bench.platform.run
    run(f'CREATE TABLE {bench.schema}."Weird.%s" ()')

    assert set(found(bench, within, f"{bench.schema}.it?ms")) == {bench.items}
    assert set(found(bench, within, bench.orders.upper())) == set()
    assert not {name for name in found(bench, within, "*") if name.startswith(("pg_", "inform"))}
    (odd,) = found(bench, within, f"{bench.schema}.*eird*")
    ref = Ref("object", odd)
    answer = bench.provisioner.resolve([ref], within(10))[ref]
    assert isinstance(answer, Resolved)
    assert answer.name == odd


def test_the_deadline_is_looked_at_between_round_trips(bench, monkeypatch):
    monkeypatch.setattr(discovering, "_AT_ONCE", 1)
    end = [time.monotonic() + 10]
    call = Call(seconds_left=lambda: end[0] - time.monotonic(), correlation_id="")
    listing = bench.provisioner.discover(f"{bench.schema}.*", call)

    assert next(listing).name == bench.items
    end[0] = 0
    with pytest.raises(ProvisioningError) as caught:
        next(listing)
    assert caught.value.retryable


def test_a_thousand_tables_are_read_in_a_few_round_trips(bench, within):
    bench.platform.run(
        f"DO $$ BEGIN FOR n IN 1..1001 LOOP EXECUTE 'CREATE TABLE {bench.schema}.t' || n"
        " || ' (id int)'; END LOOP; END $$"
    )

    assert len(found(bench, within)) == 1003


def test_a_discovered_view_that_masks_is_registered_with_its_mask(shop, bench):
    """From the catalog to what a consumer reads, without a column written by hand."""
    admin = bench.platform._admin
    wanted = Wanted(
        table=bench.orders,
        column="email",
        installation=shop.market.installation,
        login=bench.login,
    )
    protecting.run(admin, protecting.protect(admin, wanted))

    discovery = shop.market.sources.discover("warehouse", f"{bench.schema}.*", by="gil")

    view = f"{bench.orders}_masked"
    name = view.replace(".", "_")
    assert discovery.problems == ()
    assert name in discovery.registered
    shop.market.domains.assign("sales", [name], by="gil")
    product = shop.product(name)
    shop.give(product, bench.alice)
    assert bench.platform.reads(bench.alice, view, "email") == "masked"
    assert bench.platform.reads(bench.alice, view, "total") == "clear"
    shop.unmask(product, bench.alice, f"{name}.email")
    assert bench.platform.reads(bench.alice, view, "email") == "clear"
    bench.platform.run(f"DROP VIEW {view}")
    again = shop.market.sources.discover("warehouse", f"{bench.schema}.*", by="gil")
    assert again.gone == (name,)
