"""How many statements it takes, counted where they arrive."""

from __future__ import annotations

from marketplace_sdk.plugin import Change, Ref

ORDERS = ("SALES", "CORE", "ORDERS")
ITEMS = ("SALES", "CORE", "ITEMS")
NAMES = ("SHOW USERS", "SHOW OBJECTS", "SHOW COLUMNS")


def sent(fake, since):
    return [one.sql for one in fake.statements[since:] if "CURRENT_ACCOUNT" not in one.sql]


def test_one_more_member_takes_three_statements(bench, fake, within):
    """Look at the members, let one in, look again; whatever the product's size."""
    target = bench.target(ORDERS, ITEMS)
    bench.reconcile(target, ["ALICE"])
    door = next(i for i in bench.wanted(target, ["BOB"]).values() if i.kind == "member")
    call = within(10, "an approval")
    scopes = {item.scope for item in bench.wanted(target).values()}
    bench.provisioner.resolve(_refs(target, "ALICE", "BOB"), call)
    bench.provisioner.observe(scopes, (), call)
    mark = len(fake.statements)

    bench.provisioner.observe([door.scope], (), call)
    (outcome,) = bench.provisioner.apply([Change(action="add", item=door)], call)
    (seen,) = bench.provisioner.observe([door.scope], (), call).values()

    assert outcome.result == "done"
    assert door.key in seen.items
    assert [text.split('"')[0].strip() for text in sent(fake, mark)] == [
        "SHOW GRANTS OF ROLE",
        "GRANT ROLE",
        "SHOW GRANTS OF ROLE",
    ]


def test_looking_at_a_clean_product_takes_three_statements(bench, fake, within):
    """Whose role it is, what it holds, and who is in it; whatever the number of objects."""
    target = bench.target(ORDERS, ITEMS, ("SALES", "CORE", "TOTALS"))
    bench.reconcile(target, ["ALICE", "BOB"])
    call = within(10, "a clean pass")
    scopes = {item.scope for item in bench.wanted(target).values()}
    bench.provisioner.resolve(_refs(target, "ALICE", "BOB"), call)
    mark = len(fake.statements)

    bench.provisioner.observe(scopes, (), call)

    asked = sorted(text.partition(" LIKE")[0].split('"')[0].strip() for text in sent(fake, mark))
    assert asked == ["SHOW GRANTS OF ROLE", "SHOW GRANTS TO ROLE", "SHOW ROLES"]


def test_a_whole_pass_of_the_marketplace_asks_for_names_besides(shop, fake):
    """What names mean now is asked every time: a user, and the objects of each schema at once."""
    product = shop.product(
        shop.source("orders", ORDERS, ["ID"]), shop.source("items", ITEMS, ["ID"])
    )
    shop.give(product, "alice")
    mark = len(fake.statements)

    shop.give(product, "bob")

    approval = sent(fake, mark)
    assert [text for text in approval if text.startswith("GRANT")] == [approval[-2]]
    asked = [text for text in approval if text.startswith(NAMES)]
    assert len(approval) - len(asked) == 5
    assert len(approval) <= 10

    mark = len(fake.statements)
    shop.market.sources.update("orders", description="seen again", by="gil")
    shop.market.deliver()
    clean = sent(fake, mark)
    asked = [text for text in clean if text.startswith(NAMES)]
    assert len(clean) - len(asked) == 3
    assert len(clean) <= 8


def _refs(target, *people):
    return [
        *(Ref("object", each.name) for each in target.objects),
        *(Ref("principal", name) for name in people),
    ]
