"""Requests to Databricks: one write for each privilege that changes, constant cost of a clean pass.

Counted by the fake server of the plugin, through the unmodified SDK; seconds would say nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from marketplace_sdk import DataSource, Marketplace
from marketplace_sdk.testing import FrozenClock

NAME = "databricks: requests of a clean pass over one product"


def requests_of(products: int, members: int = 1) -> tuple[Counter[str], Counter[str]]:
    """Requests by method while access was given, and while nothing had to be done."""
    from marketplace_sdk_databricks.testing import FakeDatabricks

    with FakeDatabricks() as fake:
        market = Marketplace(
            "memory",
            connections={
                "lake": {
                    "plugin": "databricks",
                    "may_grant": ["c.*"],
                    "requests_per_second": 10_000,
                    **fake.settings,
                }
            },
            clock=FrozenClock(),
        )
        people = market.people
        people.add("uma", permissions=["USER_ADMIN"])
        people.add("gil", permissions=["GOVERNANCE"], by="uma")
        for number in range(members):
            fake.user(f"p{number}@x.org")
            people.add(f"p{number}", principals={"lake": f"p{number}@x.org"}, by="uma")
        names = [f"c.s.t{number}" for number in range(products)]
        for name in names:
            fake.table(name, {"id": "BIGINT"})
            market.sources.register(
                DataSource(name.replace(".", "_"), connection="lake", object=name), by="gil"
            )
        fake.manage(fake.me, "catalog", "c")
        market.domains.create("shop", by="gil")
        market.domains.assign("shop", [name.replace(".", "_") for name in names], by="gil")
        for name in names:
            made = market.products.publish(
                name.replace(".", " "), domain="shop", sources=[name.replace(".", "_")], by="gil"
            )
            for number in range(members):
                asked = market.requests.request_access(
                    made.id, answers={"why": "benchmark"}, by=f"p{number}"
                )
                market.requests.approve(asked.id, reason="benchmark", by="gil")
        market.deliver()
        giving = Counter(each.method for each in fake.calls)
        # One grant for each member and table, and each member's two on what is above them.
        assert giving["PATCH"] == members * (products + 2), giving
        for name in names:
            market.sources.update(name.replace(".", "_"), description="seen again", by="gil")
        fake.forget_calls()
        market.deliver()
        clean = Counter(each.method for each in fake.calls)
        assert set(clean) == {"GET"}, clean
        market.close()
    return giving, clean


def run(*, quick: bool) -> dict[str, Any]:
    """Requests for one of many products, beside those for one of a few."""
    many, few = (20, 4) if quick else (200, 5)
    giving, clean = requests_of(many)
    ours = clean["GET"] / many
    bound = requests_of(few)[1]["GET"] / few
    return {
        "name": f"{NAME}, of {many}",
        "unit": "requests",
        "ours": ours,
        "bound": bound,
        "bound is": f"the same of {few} products",
        "ratio": ours / bound,
        "limit": 1.01,
        "facts": [f"giving took {giving['PATCH']} writes for {many + 2} privileges"],
    }
