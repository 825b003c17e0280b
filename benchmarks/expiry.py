"""10,000 temporary grants on 200 products run out at once; one sweep takes all of them away.

Lower bound: taking the same 10,000 privileges away by hand, nothing recorded.
"""

from __future__ import annotations

import time
from datetime import timedelta

from benchmarks._world import approved, market, publish
from marketplace_sdk import Duration
from marketplace_sdk.testing import FrozenClock, MemoryPlatform


def run(*, quick):
    """Microseconds per expired grant, and how many passes the sweep took."""
    products, members = (20, 25) if quick else (200, 50)
    people = [f"p{n}" for n in range(members)]
    clock, platform = FrozenClock(), MemoryPlatform()
    made = market(platform=platform, people=people, clock=clock)
    for number in range(products):
        product = publish(made, f"P{number}", [f"s.t{number}"])
        for person in people:
            approved(made, product, person, until=Duration(20, "days"))
    made.deliver()
    grants = products * members
    assert len(platform.snapshot()) == grants
    for days in (13, 6):
        clock.advance(timedelta(days=days))
        made.deliver()
    clock.advance(timedelta(days=1))
    began = time.perf_counter()
    done = made.deliver()
    ours = time.perf_counter() - began
    assert not platform.snapshot()
    for number in range(products):
        for person in people:
            platform.grant_by_hand(person, f"s.t{number}")
    began = time.perf_counter()
    for number in range(products):
        for person in people:
            platform.revoke_by_hand(person, f"s.t{number}")
    bound = time.perf_counter() - began
    made.close()
    return {
        "name": f"expiry sweep of {grants:,} grants on {products} products",
        "ours": ours / grants * 1e6,
        "bound": bound / grants * 1e6,
        "unit": "µs",
        "ratio": ours / bound,
        "limit": None,
        "bound is": "the same privileges taken away by hand, one by one, nothing recorded",
        "facts": [f"{done.passes} passes for {products} products, {ours:.2f} s in all"],
    }
