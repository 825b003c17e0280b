"""Data contracts and data products of the open standards become sources and products."""

from __future__ import annotations

import pytest

from marketplace_sdk import Column, InvalidInput, Marketplace, Tag, import_standards

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: c-1
version: 1.0.0
status: active
description: {purpose: What we sell}
tags: [sales]
servers:
- {server: prod, type: snowflake, account: a, database: SHOP, schema: SALES}
- {server: test, type: postgres, host: localhost, port: 5432, database: shop, schema: sales}
- {server: lake, type: bigquery, project: shop-1, dataset: sales}
schema:
- name: orders
  physicalName: ORDERS_V1
  physicalType: table
  description: One row an order
  tags: [gold]
  properties:
  - {name: id, logicalType: integer, physicalType: NUMBER, primaryKey: true}
  - name: customer mail
    physicalName: EMAIL
    logicalType: string
    classification: restricted
    tags: [pii]
    description: Where to write to
  - {name: note, classification: confidential}
- name: order.lines
  physicalName: SHOP.OTHER.LINES
slaProperties: [{property: latency, value: 4, unit: d}]
price: {priceAmount: 9.95, priceCurrency: USD}
"""
PRODUCT = """
apiVersion: v1.0.0
kind: DataProduct
id: p-1
name: "Orders & returns, since 2020"
domain: shop
status: active
description: {purpose: To see what sells., usage: Join on id.}
tags: [gold]
inputPorts: [{name: raw, version: 1.0.0, contractId: elsewhere}]
outputPorts:
- {name: orders, version: 1.0.0, contractId: c-1}
- {name: stream, version: 1.0.0}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "contract.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "product.odps.yaml").write_text(PRODUCT, encoding="utf-8")
    return tmp_path


def told(*paths, **more):
    with pytest.raises(InvalidInput) as caught:
        import_standards(*paths, connection="lake", **more)
    return str(caught.value)


def test_a_contract_gives_sources_and_a_product_a_product(folder):
    orders, lines, product = import_standards(folder, connection="lake")

    assert (orders.kind, orders.id) == ("source", "orders")
    assert orders.fields["object"] == "SHOP.SALES.ORDERS_V1"
    assert orders.fields["tags"] == {"sales", "gold"}
    assert orders.fields["columns"] == (
        Column("id", type="NUMBER"),
        Column("EMAIL", masked=True, tags=[Tag("pii")], type="string", description="Where to write to"),
        Column("note"),
    )  # fmt: skip
    assert (lines.id, lines.fields["object"]) == ("order_lines", "SHOP.OTHER.LINES")
    assert (product.kind, product.id) == ("product", "p-1")
    assert dict(product.fields) == {
        "name": "Orders returns since 2020",
        "domain": "shop",
        "sources": ("orders", "order_lines"),
        "description": "To see what sells.\n\nJoin on id.",
        "tags": frozenset({"gold"}),
    }


@pytest.mark.parametrize(
    ("server", "object"),
    [
        ("test", "sales.ORDERS_V1"),
        ("lake", "shop-1.sales.ORDERS_V1"),
        (None, "SHOP.SALES.ORDERS_V1"),
    ],
)
def test_the_server_says_what_stands_before_a_name(folder, server, object):
    found = import_standards(folder, connection="lake", server=server)

    assert found[0].fields["object"] == object


def test_who_imports_says_which_classes_are_masked_and_which_domain_is_meant(folder):
    found = import_standards(folder, connection="lake", masked=["confidential"], domain="sales")

    assert [column.masked for column in found[0].fields["columns"]] == [False, False, True]
    assert found[2].fields["domain"] == "sales"


def test_what_is_imported_can_be_applied(folder):
    with Marketplace(connections={"lake": {"plugin": "memory"}}, discover=False) as market:
        market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
        market.domains.create("shop", tags=["sales"], by="uma")
        declared = import_standards(folder, connection="lake")

        made = market.declarations.apply(market.declarations.plan(declared, by="uma"), by="uma")

        assert made.failed == ()
        assert market.products.search("returns", by="uma").items[0].id == "p-1"
        assert market.declarations.plan(declared, by="uma").changes == ()


def test_what_cannot_be_used_is_told_with_its_line(folder):
    product = folder / "product.odps.yaml"
    contract = folder / "contract.odcs.yaml"

    assert "product.odps.yaml:12: outputPorts.0.contractId: is the id of no contract" in told(
        product
    )
    assert "has no server moon" in told(contract, server="moon")
    contract.write_text("kind: DataContract\nid: c\nschema: [{physicalName: x}]", encoding="utf-8")
    assert "contract.odcs.yaml:3: schema.0: needs name" in told(contract)
    contract.write_text("kind: Table", encoding="utf-8")
    assert "contract.odcs.yaml:1: kind: must be DataContract or DataProduct" in told(contract)
    contract.write_text("id: 7", encoding="utf-8")
    assert "needs kind" in told(contract)
    product.write_text("kind: DataProduct\nid: p\ndomain: d", encoding="utf-8")
    assert "needs an output port whose contract is imported with it" in told(product)
