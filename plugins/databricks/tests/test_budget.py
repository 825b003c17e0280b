"""What it costs in requests: one write for each privilege that changes, and a constant for a look."""

from __future__ import annotations

from plugins.databricks.tests.helpers import add, call_for, remove
from plugins.databricks.tests.shop import Shop

from benchmarks.databricks_calls import requests_of
from marketplace_sdk.plugin import Ref, Resolved


def test_a_clean_pass_costs_the_same_for_each_product(lake):
    _, few = requests_of(2)
    _, many = requests_of(8)

    assert few["GET"] / 2 == many["GET"] / 8
    assert few["GET"] / 2 <= 12


def test_a_clean_pass_costs_the_same_for_one_member_and_for_many():
    """As long as the names go into one filter."""
    _, one = requests_of(1, members=1)
    _, many = requests_of(1, members=15)

    assert one == many


def test_each_change_is_one_write(lake, fake):
    for strategy, writes in (("direct", 3), ("group", 5)):
        provisioner = lake.provisioner(strategy=strategy)
        items = lake.plan(provisioner, ["c.s.t1"], "ann@x.org")
        fake.forget_calls()

        add(provisioner, items)
        add(provisioner, items)
        remove(provisioner, items)
        remove(provisioner, items)

        assert len([each for each in fake.calls if each.method != "GET"]) == 2 * writes


def test_one_more_approval_is_one_write_with_a_group(lake, fake):
    shop = Shop(fake, strategy="group")
    product = shop.product("c.s.t1", "c.s.t2")
    shop.give(product, "ann")
    fake.forget_calls()

    shop.give(product, "bob")

    assert len([each for each in fake.calls if each.method != "GET"]) == 1
    shop.close()


def test_a_large_product_is_looked_at_within_one_call(lake, fake):
    """One after the other, 40 tables at a fifth of a second for each request would take 16 s."""
    names = [f"c.s.many{number}" for number in range(40)]
    for name in names:
        fake.table(name, {"id": "BIGINT"})
    provisioner = lake.provisioner()
    fake.faults.add("GET", "*", delay=0.2, times=None)

    answers = provisioner.resolve([Ref("object", name) for name in names], call_for(14))

    assert all(isinstance(each, Resolved) for each in answers.values())
    assert [each.name for each in answers.values()] == names
