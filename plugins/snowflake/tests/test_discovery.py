"""What there is to be registered, as Snowflake has it."""

from __future__ import annotations

import pytest

from marketplace_sdk import ProvisioningError
from marketplace_sdk.plugin import Ref, Resolved
from marketplace_sdk_snowflake.settings import Settings


@pytest.fixture
def rich(make_bench, fake):
    bench = make_bench(Settings(warehouse=True))
    core = ("SALES", "CORE")
    fake.table((*core, "DYN"), ["ID"], kind="DYNAMIC TABLE")
    fake.table((*core, "EXT"), ["ID"], kind="EXTERNAL TABLE")
    fake.table((*core, "ICE"), ["ID"], kind="ICEBERG TABLE")
    fake.view((*core, "MAT"), over=(*core, "ITEMS"), kind="MATERIALIZED VIEW")
    fake.table((*core, "Odd.Name"), {"A b": "NUMBER(12,2)"}, comment="for you")
    fake.policy(("GOV", "P", "DIRECT"), "'*'", on=[((*core, "ORDERS"), "EMAIL")])
    fake.policy(("GOV", "P", "TAGGED"), "'*'")
    fake.tag(("GOV", "P", "PII"), policies=[("GOV", "P", "TAGGED")])
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN PHONE SET TAG GOV.P.PII = 'high'")
    return bench


def test_tables_and_views_of_every_kind_are_found_with_columns_tags_and_masks(rich, within):
    found = {each.name: each for each in rich.provisioner.discover("SALES.CORE.*", within(20))}

    assert {name.removeprefix("SALES.CORE."): each.kind for name, each in found.items()} == {
        "ORDERS": "table",
        "ITEMS": "table",
        "TOTALS": "view",
        "DYN": "dynamic table",
        "EXT": "external table",
        "ICE": "iceberg table",
        "MAT": "materialized view",
        '"Odd.Name"': "table",
    }
    orders = {column.name: column for column in found["SALES.CORE.ORDERS"].columns}
    assert list(orders) == ["ID", "EMAIL", "PHONE"]
    assert {name for name, column in orders.items() if column.protected} == {"EMAIL", "PHONE"}
    assert [tag for tag in orders["PHONE"].tags if "PII" in tag]
    odd = found['SALES.CORE."Odd.Name"']
    assert (odd.comment, odd.owner) == ("for you", "ACCOUNTADMIN")
    assert [(c.name, c.type) for c in odd.columns] == [("A b", "NUMBER(12,2)")]


def test_what_is_found_can_be_registered_as_it_is_called(rich, within):
    found = list(rich.provisioner.discover("*", within(20)))
    refs = [Ref("object", each.name) for each in found]

    answers = rich.provisioner.resolve(refs, within(20))

    assert len(found) > 7
    for each in found:
        answer = answers[Ref("object", each.name)]
        assert isinstance(answer, Resolved)
        assert (answer.name, answer.kind) == (each.name, each.kind)
        assert answer.columns == tuple(column.name for column in each.columns)


def test_a_pattern_is_case_sensitive_and_bounds_what_is_found(rich, within):
    names = [each.name for each in rich.provisioner.discover("SALES.CORE.O*", within(20))]

    assert names == ["SALES.CORE.ORDERS"]
    assert list(rich.provisioner.discover("sales.*", within(20))) == []


def test_without_a_warehouse_tags_are_not_seen_and_nothing_fails(bench, fake, within):
    fake.policy(("GOV", "P", "DIRECT"), "'*'", on=[(("SALES", "CORE", "ORDERS"), "EMAIL")])

    (orders,) = bench.provisioner.discover("SALES.CORE.ORDERS", within(20))

    assert [c.name for c in orders.columns if c.protected] == ["EMAIL"]
    assert orders.tags == ()


def test_a_list_that_is_cut_short_by_time_is_no_list(rich, within):
    with pytest.raises(ProvisioningError) as caught:
        list(rich.provisioner.discover("*", within(0)))

    assert caught.value.retryable
