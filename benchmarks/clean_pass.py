"""A pass over a standing product that finds nothing to do: one listing, whatever its size.

Lower bound: the same listing asked of the platform directly, and nothing concluded from it.
"""

from __future__ import annotations

import time
from collections import Counter

from benchmarks._world import approved, market, publish
from marketplace_sdk.plugin import Call, Known, Ref, Target, TargetObject
from marketplace_sdk.testing import MemoryPlatform


def run(*, quick):
    """Milliseconds of a clean pass, and how often the platform was asked."""
    members, tables = (50, 20) if quick else (500, 200)
    people = [f"p{n}" for n in range(members)]
    objects = [f"s.t{number}" for number in range(tables)]
    platform = MemoryPlatform()
    made = market(platform=platform, people=people)
    product = publish(made, "P", objects)
    for person in people:
        approved(made, product, person)
    made.deliver()
    assert len(platform.snapshot()) == members * tables
    items = members * tables
    before, writes = len(platform.calls), platform.writes
    made.sources.update("P-0", description="seen again", by="root")
    began = time.perf_counter()
    done = made.deliver()
    ours = time.perf_counter() - began
    asked = Counter(method for method, _ in platform.calls[before:])
    assert (done.passes, platform.writes) == (1, writes)
    refs = [Ref("object", name) for name in objects] + [Ref("principal", name) for name in people]
    call = Call(seconds_left=lambda: 60.0, correlation_id="bound")
    scopes = {item.scope for item in _items(platform, refs, call)}
    began = time.perf_counter()
    platform.resolve(refs, call)
    platform.observe(scopes, [], call)
    bound = time.perf_counter() - began
    made.close()
    return {
        "name": f"clean pass over {tables} tables with {members} members",
        "ours": ours * 1e3,
        "bound": bound * 1e3,
        "unit": "ms",
        "ratio": ours / bound,
        "limit": None,
        "bound is": "the same names and the same listing, asked of the platform directly",
        "facts": [f"{items:,} items; asked: " + ", ".join(f"{k} {n}x" for k, n in asked.items())],
    }


def _items(platform, refs, call):
    """What the platform would need for one member, to know the scopes."""
    known = Known(installation="bound", resolved=platform.resolve(refs, call))
    who = next(each for ref, each in known.resolved.items() if ref.kind == "principal")
    names = tuple(TargetObject(ref.name) for ref in refs if ref.kind == "object")
    return platform.member(Target(key="product:P", objects=names), who, known)
